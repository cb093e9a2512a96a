"""timm's own schedulers beside ours: the same rates at every epoch and every update, in every group.

timm's package imports its models, so its subpackage of schedulers is loaded by itself, from where timm is installed.
"""

import importlib
import importlib.util
import inspect
import itertools
import json
import math
import re
import sys
import types
from argparse import Namespace
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch

from lucid.compat import timm as ours
from lucid.optim.lr_scheduler import LRScheduler
from lucid.schedules import Schedule

EPOCHS = 90
CLOSE = 1e-12  # of the base
NOISE = {"noise_pct": 0.4, "noise_std": 0.6, "noise_seed": 7}


def load() -> Any:
    found = importlib.util.find_spec("timm")  # looks, and imports nothing
    if found is None or not found.submodule_search_locations:
        pytest.skip("timm is not installed", allow_module_level=True)
    package: Any = types.ModuleType("timm")
    package.__path__ = list(found.submodule_search_locations)
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "timm"}
    for name in before:
        del sys.modules[name]
    sys.modules["timm"] = package
    try:
        return importlib.import_module("timm.scheduler")
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
            del sys.modules[name]
        sys.modules.update(before)


timm = load()
CLASSES = sorted(name for name in dir(timm) if inspect.isclass(getattr(timm, name)))
FUNCTIONS = sorted(name for name in dir(timm) if inspect.isfunction(getattr(timm, name)))
CYCLIC = ("CosineLRScheduler", "PolyLRScheduler", "TanhLRScheduler")

# -- what there is to compare


def group(lr: float, **more: Any) -> dict[str, Any]:
    return {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr, **more}


def sgd(*groups: dict[str, Any]) -> torch.optim.SGD:
    return torch.optim.SGD(list(groups) or [group(0.1), group(0.03), group(0.05, lr_scale=0.25)])


def rates(optimizer: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def make(package: Any, name: str, optimizer: Any, kwargs: dict[str, Any]) -> Any:
    """One of theirs or ours; a keyword that is no parameter is assigned afterwards, as timm's users do."""
    made_of = getattr(package, name)
    known = inspect.signature(made_of).parameters
    given = {key: value for key, value in kwargs.items() if key in known}
    if made_of is timm.PlateauLRScheduler:
        with pytest.warns(FutureWarning, match="PlateauLRScheduler is deprecated"):
            scheduler = made_of(optimizer, **given)
    else:
        scheduler = made_of(optimizer, **given)
    for key in kwargs.keys() - given.keys():
        setattr(scheduler, key, kwargs[key])
    return scheduler


def pair(name: str, kwargs: dict[str, Any], *groups: dict[str, Any]) -> tuple[Any, Any]:
    both = [sgd(*({**g, "params": [torch.nn.Parameter(torch.zeros(1))]} for g in groups)) for _ in range(2)]
    return make(timm, name, both[0], kwargs), make(ours, name, both[1], kwargs)


def assert_same(theirs: Any, mine: Any, where: Any) -> None:
    expected, got = rates(theirs.optimizer), rates(mine.optimizer)
    for i, (a, b, of) in enumerate(zip(expected, got, mine.base_values, strict=True)):
        assert abs(a - b) <= CLOSE * of, f"group {i} at {where}: theirs {a!r}, ours {b!r}"


CURVES: dict[str, list[dict[str, Any]]] = {
    "CosineLRScheduler": [
        {"t_initial": 30},
        {"t_initial": 70, "lr_min": 1e-4},
        {"t_initial": 1},
        {"t_initial": 7.5, "cycle_limit": 20, "cycle_decay": 0.9},
        {"t_initial": 10, "cycle_limit": 3, "cycle_decay": 0.5, "lr_min": 1e-3},
        {"t_initial": 8, "cycle_mul": 2.0, "cycle_limit": 3, "cycle_decay": 0.7, "lr_min": 1e-5},
        {"t_initial": 16, "cycle_mul": 1.5, "cycle_limit": 10},
        {"t_initial": 7, "cycle_mul": 1.3, "cycle_limit": 9, "cycle_decay": 0.1},
        {"t_initial": 50, "cycle_mul": 0.6, "cycle_limit": 2},
        {"t_initial": 12, "cycle_limit": 4, "cycle_decay": 1.5},
        {"t_initial": 12, "cycle_limit": 4, "cycle_decay": 0.0, "lr_min": 1e-3},
        {"t_initial": 12, "cycle_limit": 0, "lr_min": 1e-3},
        {"t_initial": 60, "lr_min": 0.04},
    ],
    "TanhLRScheduler": [
        {"t_initial": 30},
        {"t_initial": 70, "lb": -3.0, "ub": 2.0, "lr_min": 1e-3},
        {"t_initial": 20, "lb": 0.5, "ub": 2.0, "cycle_limit": 3, "cycle_decay": 0.3},
        {"t_initial": 8, "cycle_mul": 2.0, "cycle_limit": 3, "cycle_decay": 0.7, "lr_min": 1e-5},
        {"t_initial": 50, "cycle_mul": 0.6, "cycle_limit": 2},
        {"t_initial": 12, "cycle_limit": 0, "lr_min": 1e-3},
    ],
    "StepLRScheduler": [
        {"decay_t": 30, "decay_rate": 0.1},
        {"decay_t": 2.4, "decay_rate": 0.97},
        {"decay_t": 7, "decay_rate": 1.1},
        {"decay_t": 3},
    ],
    "MultiStepLRScheduler": [
        {"decay_t": [30, 60], "decay_rate": 0.1},
        {"decay_t": (2, 10, 10, 11.5, 80), "decay_rate": 0.5},
        {"decay_t": [0, 1, 40], "decay_rate": 0.5},
        {"decay_t": [], "decay_rate": 0.5},
        {"decay_t": [20]},
    ],
    "WSDLRScheduler": [
        {"t_initial": 60, "decay_t": 12},
        {"t_initial": 60, "decay_t": 60, "lr_min": 1e-3},
        {"t_initial": 60, "decay_t": 20, "decay_fn": "linear", "lr_min": 1e-4},
        {"t_initial": 60, "decay_t": 20, "decay_fn": "cosine"},
        {"t_initial": 60, "decay_t": 20, "decay_fn": "power", "decay_power": 2.0},
        {"t_initial": 60, "decay_t": 20, "decay_fn": "exp", "decay_ratio": 0.01, "lr_min": 1e-3},
        {"t_initial": 60, "decay_t": 20, "decay_fn": lambda p: (1 - p) ** 3},
        {"t_initial": 60, "decay_t": 15, "stable_fn": "rsqrt", "stable_timescale": 3.5, "decay_fn": "linear"},
        {"t_initial": 60, "decay_t": 15, "stable_fn": "power", "stable_power": 1.4, "stable_timescale": 4, "lr_min": 0.01},
        {"t_initial": 60, "decay_t": 15, "lr_min": 0.04},
        {"t_initial": 40, "decay_t": 15, "stable_fn": "rsqrt", "stable_timescale": 5, "decay_fn": lambda p: 1 - 0.6 * p},
    ],
}
CURVES["PolyLRScheduler"] = [
    {**kwargs, "power": power} for kwargs, power in zip(CURVES["CosineLRScheduler"], itertools.cycle((0.5, 1.0, 2.5, 0.0)))
]
DECAYED = [{**kwargs, "k_decay": k} for kwargs, k in zip(CURVES["CosineLRScheduler"][:9], itertools.cycle((2.0, 0.5, 1.7)))]

WARMUPS = [
    {},
    {"warmup_t": 5, "warmup_lr_init": 1e-3},
    {"warmup_t": 5, "warmup_lr_init": 1e-3, "warmup_prefix": True},
    {"warmup_t": 5, "warmup_prefix": False},
    {"warmup_t": 1, "warmup_lr_init": 1e-5, "warmup_prefix": True},
    {"warmup_t": 2.5, "warmup_lr_init": 0.2},  # from above
    {"warmup_t": 37, "warmup_lr_init": 1e-6, "warmup_prefix": False},  # longer than many a cycle
]
NOISES = [
    {"noise_range_t": 11, **NOISE},
    {"noise_range_t": (3, 60), **NOISE},
    {"noise_range_t": [20.5, 40.0], "noise_pct": 0.67, "noise_seed": 0, "noise_type": "uniform"},
    {"noise_range_t": 0.0, "noise_pct": 2.0, "noise_std": 3.0, "noise_type": "uniform"},
]


def warmed() -> list[Any]:
    cases = []
    for name, curves in CURVES.items():
        accepts = inspect.signature(getattr(timm, name)).parameters
        for kwargs, warmup in itertools.product([*curves, *(DECAYED if "k_decay" in accepts else ())], WARMUPS):
            fits = {key: value for key, value in warmup.items() if key in accepts}
            if fits == warmup:
                label = ",".join(f"{key}={value}" for key, value in {**kwargs, **fits}.items() if not callable(value))
                cases.append(pytest.param(name, {**kwargs, **fits}, id=f"{name.removesuffix('LRScheduler')}({label})"))
    return cases


# -- names and signatures


def test_every_name_of_timms_is_here() -> None:
    assert sorted([*CURVES, "PlateauLRScheduler"]) == CLASSES
    assert FUNCTIONS == ["create_scheduler", "create_scheduler_v2", "scheduler_kwargs"]
    for name in CLASSES:
        assert issubclass(getattr(ours, name), LRScheduler)
    assert set(CLASSES + FUNCTIONS) <= set(ours.__all__)


def told(of: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(of).parameters.values()]


@pytest.mark.parametrize("name", CLASSES + FUNCTIONS)
def test_signatures(name: str) -> None:
    theirs, mine = getattr(timm, name), getattr(ours, name)
    assert told(mine) == told(theirs)
    for method in ("step", "step_update", "get_cycle_length", "state_dict"):
        assert hasattr(mine, method) == hasattr(theirs, method)
        if hasattr(theirs, method):
            assert told(getattr(mine, method)) == told(getattr(theirs, method))
    if hasattr(theirs, "load_state_dict"):
        assert told(mine.load_state_dict)[:2] == told(theirs.load_state_dict)
        assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _ in told(mine.load_state_dict)[2:])


def sched_names() -> list[str]:
    """Those that timm's factory compares with."""
    source = inspect.getsource(timm.create_scheduler_v2)
    found = re.findall(r"sched [!=]= '(\w+)'", source)
    for several in re.findall(r"sched in \(([^)]*)\)", source):
        found += re.findall(r"'(\w+)'", several)
    return sorted(set(found))


def test_every_sched_of_timms_is_here() -> None:
    assert {"cosine", "wsd", "none"} <= set(sched_names())
    with pytest.raises(ValueError, match="sched must be one of") as caught:
        ours.create_scheduler_v2(sgd(), "nothing")
    listed = re.search(r"one of ([\w, ]+), got", str(caught.value))
    assert listed is not None
    assert sorted(listed[1].split(", ")) == sched_names()


# -- rates


@pytest.mark.parametrize(("name", "kwargs"), warmed())
def test_rates(name: str, kwargs: dict[str, Any]) -> None:
    theirs, mine = pair(name, kwargs)
    for t in range(EPOCHS):
        theirs.step(t, metric=0.5)
        mine.step(t, metric=0.5)
        assert_same(theirs, mine, t)
        assert mine.metric == theirs.metric == 0.5
    assert mine.base_values == theirs.base_values


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("warmup", WARMUPS[:2])
def test_updates(name: str, warmup: dict[str, Any]) -> None:
    for kwargs in CURVES[name][:4]:
        theirs, mine = pair(name, {**kwargs, **warmup, "t_in_epochs": False})
        for n in range(1, EPOCHS + 1):
            for scheduler in (theirs, mine):
                scheduler.step_update(num_updates=n, metric=n)
            assert_same(theirs, mine, n)
            for scheduler in (theirs, mine):
                scheduler.step(n // 10, 0.5)  # an epoch's end changes nothing
            assert_same(theirs, mine, n)
            assert mine.metric == theirs.metric == 0.5


@pytest.mark.parametrize("name", CURVES)
def test_epochs_do_not_look_at_updates(name: str) -> None:
    theirs, mine = pair(name, CURVES[name][0])
    for scheduler in (theirs, mine):
        scheduler.step(7)
    before = rates(mine.optimizer)
    assert mine.step_update(60, metric=3) is theirs.step_update(60, metric=3) is None
    assert rates(mine.optimizer) == before
    assert mine.metric == theirs.metric == 3


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("warmup", WARMUPS[:2])
def test_noise(name: str, noise: dict[str, Any], warmup: dict[str, Any]) -> None:
    theirs, mine = pair(name, {**CURVES[name][0], **noise, **warmup})
    still = pair(name, {**CURVES[name][0], **warmup})[1]
    noisy = 0
    for t in range(EPOCHS):
        for scheduler in (theirs, mine, still):
            scheduler.step(t)
        assert_same(theirs, mine, t)
        noisy += rates(mine.optimizer) != rates(still.optimizer)
    assert noisy > 8  # the first cycle ends at 30, in 0


ENDS: dict[str, list[dict[str, Any]]] = {
    "CosineLRScheduler": [
        {"t_initial": 6},
        {"t_initial": 6, "lr_min": 1e-3, "cycle_limit": 2},
        {"t_initial": 6, "cycle_limit": 0},
    ],
    "PolyLRScheduler": [{"t_initial": 6}, {"t_initial": 6, "lr_min": 1e-3, "cycle_mul": 1.5, "cycle_limit": 2}],
    "TanhLRScheduler": [{"t_initial": 6}, {"t_initial": 6, "lr_min": 1e-3, "cycle_mul": 2.0, "cycle_limit": 2}],
    "StepLRScheduler": [{"decay_t": 6, "decay_rate": 0.5}],
    "MultiStepLRScheduler": [{"decay_t": [3, 6], "decay_rate": 0.5}, {"decay_t": []}],
    "WSDLRScheduler": [
        {"t_initial": 5, "decay_t": 2},
        {"t_initial": 5, "decay_t": 2, "lr_min": 1e-3},
        {"t_initial": 5, "decay_t": 5, "lr_min": 0.04, "stable_fn": "rsqrt", "stable_timescale": 2.0, "decay_fn": "exp"},
        {
            "t_initial": 5,
            "decay_t": 2,
            "lr_min": 1e-3,
            "stable_fn": "power",
            "stable_timescale": 2.0,
            "decay_fn": lambda p: 1 - p / 2,
        },
    ],
    "PlateauLRScheduler": [{"patience_t": 2, "mode": "min", "lr_min": 1e-3}],
}


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("warmup", [{}, {"warmup_t": 3, "warmup_lr_init": 1e-3}])
def test_noise_goes_on_after_the_end(name: str, warmup: dict[str, Any]) -> None:
    for kwargs in ENDS[name]:
        theirs, mine = pair(name, {"noise_range_t": 0, **NOISE, **kwargs, **warmup})
        late = set()
        for t in range(1, 200):
            for scheduler in (theirs, mine):
                scheduler.step(t, 0.5)
            assert_same(theirs, mine, (kwargs, t))
            if t > 100:
                late.add(rates(mine.optimizer)[0])
        ends_in_0 = name in (*CYCLIC, "WSDLRScheduler") and not kwargs.get("lr_min")
        assert len(late) == (1 if ends_in_0 else 99), kwargs


@pytest.mark.parametrize("name", CURVES)
def test_noise_of_updates(name: str) -> None:
    theirs, mine = pair(name, {**CURVES[name][0], **NOISES[1], "t_in_epochs": False})
    for n in range(EPOCHS):
        theirs.step_update(n)
        mine.step_update(n)
        assert_same(theirs, mine, n)


@pytest.mark.parametrize(("name", "kwargs"), warmed())
def test_construction(name: str, kwargs: dict[str, Any]) -> None:
    """The value of time 0; timm's is the base, where there is no warm-up."""
    theirs, mine = pair(name, kwargs)
    constructed = rates(theirs.optimizer)
    theirs.step(0)
    assert_same(theirs, mine, "construction")
    begins_low = name == "TanhLRScheduler" or kwargs.get("lr_min", 0) > 0.02 or kwargs.get("cycle_limit") == 0
    if "warmup_t" in kwargs or not (begins_low or kwargs.get("decay_t") == [0, 1, 40]):
        assert rates(theirs.optimizer) == constructed


def test_restarts_that_timm_misses() -> None:
    """Where a restart falls on a whole time, timm's logarithm may see it a step late; ours never does."""
    missed = 0
    for mul, first in ((3.0, 1), (3.0, 2), (5.0, 1), (10.0, 1), (2.0, 1)):
        kwargs = {"t_initial": first, "cycle_mul": mul, "cycle_limit": 20, "cycle_decay": 0.5, "lr_min": 1e-3}
        for name in ("CosineLRScheduler", "TanhLRScheduler"):
            theirs, mine = pair(name, kwargs, group(0.1))
            for i in range(1, 6):
                t = first * sum(Fraction(mul) ** j for j in range(i))
                theirs.step(int(t))
                mine.step(int(t))
                fresh = pair(name, {"t_initial": first, "lr_min": 1e-3}, group(0.1 * 0.5**i))[1].get_last_lr()
                assert mine.get_last_lr() == pytest.approx(fresh, rel=1e-12)
                missed += rates(theirs.optimizer) != pytest.approx(rates(mine.optimizer), rel=1e-9)
    assert missed  # or timm has mended it, and the module's list is to be shortened


@pytest.mark.parametrize("name", [*CYCLIC, "WSDLRScheduler"])
def test_cycle_length(name: str) -> None:
    lengths = {
        "t_initial": [1, 30, 90, 300],
        "cycle_mul": [1.0, 1.5, 2.0, 3.0],
        "cycle_limit": [0, 1, 2, 5],
        "warmup_t": [0, 5],
    }
    if name == "WSDLRScheduler":
        lengths = {"t_initial": [30, 300], "decay_t": [10], "warmup_t": [0, 5]}
    for values in itertools.product(*lengths.values()):
        for prefix in (True, False) if name in CYCLIC else (None,):
            kwargs = dict(zip(lengths, values, strict=True))
            theirs, mine = pair(name, kwargs if prefix is None else {**kwargs, "warmup_prefix": prefix})
            for cycles in (0, 1, 4):
                expected = theirs.get_cycle_length(cycles)
                assert mine.get_cycle_length(cycles) == expected
                assert type(mine.get_cycle_length(cycles)) is type(expected)


def test_cycle_length_that_timm_loses_an_epoch_of() -> None:
    theirs, mine = pair("CosineLRScheduler", {"t_initial": 90, "cycle_mul": 1.1})
    assert (theirs.get_cycle_length(), mine.get_cycle_length()) == (89, 90)


# -- the optimizer's groups


def test_initial_lr_has_the_say() -> None:
    for initialize in (True, False):
        kwargs = {"t_initial": 40, "initialize": initialize}
        theirs, mine = pair("CosineLRScheduler", kwargs, group(1e-3, initial_lr=0.1), group(0.7, initial_lr=0.2, lr_scale=0.5))
        assert_same(theirs, mine, "construction")
        assert mine.base_values == theirs.base_values == [0.1, 0.2]
        for t in (7, 1, 50):
            theirs.step(t)
            mine.step(t)
            assert_same(theirs, mine, t)


@pytest.mark.parametrize("name", CLASSES)
def test_initialize_false_needs_initial_lr(name: str) -> None:
    kwargs = CURVES.get(name, [{}])[0]
    for package in (timm, ours):
        with pytest.raises(KeyError, match=r"initial_lr missing from param_groups\[1\]"):
            getattr(package, name)(sgd(group(0.1, initial_lr=0.1), group(0.1)), **kwargs, initialize=False)


def test_groups_get_initial_lr() -> None:
    theirs, mine = pair("StepLRScheduler", {"decay_t": 3, "warmup_t": 2})
    initial = [[group["initial_lr"] for group in scheduler.optimizer.param_groups] for scheduler in (theirs, mine)]
    assert initial[0] == initial[1] == [0.1, 0.03, 0.05]


def test_edits_are_overwritten_and_lr_scale_is_read_anew() -> None:
    theirs, mine = pair("CosineLRScheduler", {"t_initial": 40, "lr_min": 1e-3, "warmup_t": 3})
    for t in range(1, 50):
        for scheduler in (theirs, mine):
            groups = scheduler.optimizer.param_groups
            groups[0]["lr"] = 17.0
            if t == 10:
                groups[1]["lr_scale"] = 0.5
            if t == 20:
                groups[2]["lr_scale"] = 2
            if t == 30:
                del groups[1]["lr_scale"]
            scheduler.step(t)
        assert_same(theirs, mine, t)


# -- the factory

LENGTHS: list[dict[str, Any]] = [
    {},
    {"num_epochs": 60, "warmup_epochs": 5},
    {"num_epochs": 60, "warmup_epochs": 5, "warmup_prefix": True, "min_lr": 1e-5, "cooldown_epochs": 10},
    {"num_epochs": 20, "cycle_limit": 3, "cycle_mul": 2.0, "cycle_decay": 0.5, "k_decay": 1.5, "cooldown_epochs": 3},
    {"num_epochs": 50, "decay_epochs": 8, "decay_milestones": [10, 20], "decay_rate": 0.5, "warmup_epochs": 2},
    {"num_epochs": 50, "decay_epochs": 0.5, "decay_milestones": (5, 30), "decay_fn": "cosine", "warmup_epochs": 4},
    {"num_epochs": 40, "noise": [0.2, 0.7], "noise_pct": 0.3, "noise_std": 0.2, "noise_seed": 3, "warmup_epochs": 1},
    {"num_epochs": 40, "noise": [0.5], "warmup_epochs": 1},
    {"num_epochs": 40, "noise": 0.25, "warmup_lr": 0.01, "warmup_epochs": 3},
    {
        "num_epochs": 40,
        "stable_timescale": 6.0,
        "min_lr": 0.01,
        "warmup_epochs": 3,
        "plateau_mode": "min",
        "patience_epochs": 1,
    },
]


def made(package: Any, sched: str, optimizer: Any, kwargs: dict[str, Any]) -> Any:
    if package is timm and sched == "plateau":
        with pytest.warns(FutureWarning, match="PlateauLRScheduler is deprecated"):
            return package.create_scheduler_v2(optimizer, sched, **kwargs)
    return package.create_scheduler_v2(optimizer, sched, **kwargs)


@pytest.mark.parametrize("sched", sched_names())
@pytest.mark.parametrize("kwargs", LENGTHS)
@pytest.mark.parametrize("per_epoch", [0, 4])
def test_the_factory(sched: str, kwargs: dict[str, Any], per_epoch: int) -> None:
    if sched == "rsqrt" and not kwargs.get("warmup_epochs"):
        kwargs = {**kwargs, "warmup_epochs": 5}  # its timescale
    if sched == "plateau" and per_epoch:
        for package in (timm, ours):
            with pytest.raises((AssertionError, ValueError), match=r"[Pp]lateau"):
                package.create_scheduler_v2(sgd(), sched, **kwargs, step_on_epochs=False, updates_per_epoch=per_epoch)
        return
    if per_epoch:
        kwargs = {**kwargs, "step_on_epochs": False, "updates_per_epoch": per_epoch}
    both = [sgd(), sgd()]
    (theirs, expected), (mine, num_epochs) = made(timm, sched, both[0], kwargs), made(ours, sched, both[1], kwargs)
    assert num_epochs == expected
    assert type(num_epochs) is type(expected)
    if theirs is None:
        assert mine is None
        assert rates(both[1]) == [0.1, 0.03, 0.05]
        return
    assert type(mine).__name__ == type(theirs).__name__
    updates = 0
    for epoch in range(min(expected + 2, 60 if per_epoch else 310)):
        for _ in range(per_epoch):
            updates += 1
            theirs.step_update(updates, 0.5)
            mine.step_update(updates, 0.5)
            assert_same(theirs, mine, (epoch, updates))
        metric = 0.5 + epoch if sched == "plateau" and epoch < 5 else 0.5
        theirs.step(epoch + 1, metric)
        mine.step(epoch + 1, metric)
        assert_same(theirs, mine, epoch + 1)


@pytest.mark.parametrize("kwargs", [{"decay_epochs": 60}, {"decay_epochs": 46, "warmup_epochs": 5}, {"decay_epochs": 0}])
def test_the_factory_refuses_a_decay_that_does_not_fit(kwargs: dict[str, Any]) -> None:
    for package in (timm, ours):
        with pytest.raises(ValueError, match="decay"):
            package.create_scheduler_v2(sgd(), "wsd", num_epochs=50, **kwargs)


def test_the_factory_refuses() -> None:
    for package in (timm, ours):
        with pytest.raises((AssertionError, ValueError), match="updates_per_epoch must be"):
            package.create_scheduler_v2(sgd(), step_on_epochs=False)
        with pytest.raises(ValueError, match=r"cosin\b"):
            package.create_scheduler_v2(sgd(), "cosin")


CONFIGS = [
    Namespace(sched="cosine"),
    Namespace(sched="step", epochs=50, decay_epochs=2.4, warmup_epochs=3, decay_rate=0.9, seed=3, lr_noise=[0.1, 0.9]),
    Namespace(sched="plateau", eval_metric="loss", patience_epochs=2, lr_noise_pct=0.3, lr_noise_std=0.5),
    Namespace(sched="tanh", epochs=20, lr_cycle_mul=2.0, lr_cycle_decay=0.5, lr_cycle_limit=2, lr_k_decay=2.0, min_lr=1e-5),
    Namespace(sched="rsqrt", epochs=40, lr_decay_fn="cosine", lr_stable_timescale=9, sched_on_updates=True, warmup_prefix=True),
    Namespace(sched="multistep", decay_milestones=[3, 9], cooldown_epochs=4, warmup_lr=0.1),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_scripts_arguments(config: Namespace) -> None:
    for decreasing in (None, True, False):
        assert ours.scheduler_kwargs(config, decreasing) == timm.scheduler_kwargs(config, decreasing)
    if config.sched == "plateau":
        return
    both = [sgd(), sgd()]
    theirs, expected = timm.create_scheduler(config, both[0], updates_per_epoch=3)
    mine, num_epochs = ours.create_scheduler(config, both[1], updates_per_epoch=3)
    assert num_epochs == expected
    for t in range(70):
        for scheduler in (theirs, mine):
            scheduler.step_update(t)
            scheduler.step(t)
        assert_same(theirs, mine, t)


# -- the plateau

LOSSES = [5, 4, 3, 3, 3, 3, 2.9999, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5] + [0.5] * 60
PLATEAUS: list[dict[str, Any]] = [
    {},
    {"mode": "min", "patience_t": 2, "decay_rate": 0.5},
    {"mode": "max", "patience_t": 1, "decay_rate": 0.9, "cooldown_t": 3},
    {"mode": "min", "patience_t": 1, "decay_rate": 0.3, "lr_min": 0.004},
    {"mode": "min", "patience_t": 0, "decay_rate": 0.7, "threshold": 0.3, "warmup_t": 4, "warmup_lr_init": 1e-3},
    {"mode": "min", "patience_t": 2, "decay_rate": 0.5, "warmup_t": 3, "noise_range_t": (2, 50), **NOISE},
    {"mode": "min", "patience_t": 2, "decay_rate": 0.5, "noise_range_t": 5, "noise_type": "uniform", "noise_pct": 0.2},
]


@pytest.mark.parametrize("kwargs", PLATEAUS)
def test_plateau(kwargs: dict[str, Any]) -> None:
    theirs, mine = pair("PlateauLRScheduler", kwargs)
    assert_same(theirs, mine, "construction")
    cuts = 0
    for epoch, loss in enumerate(LOSSES):
        before = mine.get_last_lr()
        metric = None if epoch % 17 == 16 else loss
        for scheduler in (theirs, mine):
            scheduler.step_update(epoch, 0.0)
            scheduler.step(epoch + 1, metric)
        assert_same(theirs, mine, epoch + 1)
        assert mine.best == theirs.lr_scheduler.best
        assert mine.num_bad_epochs == theirs.lr_scheduler.num_bad_epochs
        cuts += mine.get_last_lr() < before
    assert cuts >= 3


def test_plateau_goes_back_into_the_warmup() -> None:
    theirs, mine = pair("PlateauLRScheduler", {"warmup_t": 3, "patience_t": 0, "warmup_lr_init": 0.01})
    for t in (1, 3, 4, 5, 6, 2, 3, 4, 5):
        theirs.step(t, 0.5)
        mine.step(t, 0.5)
        assert_same(theirs, mine, t)


def test_plateau_at_time_0() -> None:
    theirs, mine = pair("PlateauLRScheduler", {}, group(0.1))
    theirs.step(0, 0.5)
    mine.step(0, 0.5)
    assert (rates(theirs.optimizer), rates(mine.optimizer)) == ([0.0], [0.1])


# -- training loops as they are


def test_timms_training_script() -> None:
    """``step_update()`` in every update, ``step()`` after every epoch, and a run that goes on after a break."""
    for on_updates in (False, True):
        args = Namespace(
            sched="cosine", epochs=12, warmup_epochs=2, sched_on_updates=on_updates, lr_noise=[0.3, 0.9], min_lr=1e-4
        )
        seen = []
        for package in (timm, ours):
            log: list[list[float]] = []
            optimizer = sgd()
            saved: Any = None
            for start in (0, 7):
                if start:
                    optimizer = sgd()
                    optimizer.load_state_dict(saved)  # with the rate of then, and initial_lr
                scheduler, num_epochs = package.create_scheduler(args, optimizer, updates_per_epoch=5)
                if start:
                    scheduler.step_update(start * 5) if on_updates else scheduler.step(start)
                for epoch in range(start, num_epochs):
                    for batch in range(5):
                        log.append(rates(optimizer))
                        optimizer.step()
                        scheduler.step_update(num_updates=epoch * 5 + batch + 1, metric=0.1)
                    if epoch == 6:
                        saved = optimizer.state_dict()
                    scheduler.step(epoch + 1, 0.7)
            seen.append(log)
        for at, (theirs, mine) in enumerate(zip(*seen, strict=True)):
            assert mine == pytest.approx(theirs, rel=1e-12), at


def resumable() -> list[Any]:
    cases = []
    for name, curves in CURVES.items():
        accepts = inspect.signature(getattr(timm, name)).parameters
        warmup = {key: value for key, value in WARMUPS[2].items() if key in accepts}
        noises = [{}, *NOISES[1:3]]
        cases += [(name, {**curves[i], **warmup, **noises[i % 3]}) for i in range(len(curves))]
    return [*cases, *(("PlateauLRScheduler", kwargs) for kwargs in PLATEAUS)]


@pytest.mark.parametrize(("name", "kwargs"), resumable())
def test_resume_at_every_epoch(name: str, kwargs: dict[str, Any]) -> None:
    """The state goes through JSON into a fresh scheduler: the rates of then at once, and timm's uninterrupted ones after."""
    theirs, mine = pair(name, kwargs)
    expected: list[list[float]] = []
    states: list[tuple[str, list[float]]] = []
    for epoch in range(66):
        states.append((json.dumps(mine.state_dict(), allow_nan=False), rates(mine.optimizer)))
        for scheduler in (theirs, mine):
            scheduler.step(epoch + 1, LOSSES[epoch])
        expected.append(rates(theirs.optimizer))
    for k, (state, then) in enumerate(states):
        fresh = make(ours, name, sgd(), kwargs)
        fresh.load_state_dict(json.loads(state))
        assert rates(fresh.optimizer) == fresh.get_last_lr() == then
        for epoch in range(k, min(k + 12, 66)):
            fresh.step(epoch + 1, LOSSES[epoch])
            for now, value, base in zip(rates(fresh.optimizer), expected[epoch], fresh.base_values, strict=True):
                assert abs(now - value) <= CLOSE * base, (k, epoch + 1)


# -- timm's states


@pytest.mark.parametrize("name", CURVES)
def test_a_state_of_timms_loads(name: str) -> None:
    kwargs = {**CURVES[name][1], **NOISES[1], "warmup_t": 3}
    theirs = make(timm, name, sgd(), kwargs)
    theirs.step(9)
    mine = make(ours, name, sgd(group(1.0), group(2.0), group(3.0, lr_scale=0.25)), CURVES[name][0])
    for mine_group, rate in zip(mine.optimizer.param_groups, rates(theirs.optimizer), strict=True):
        mine_group["lr"] = rate  # as the optimizer's state brings it
    with pytest.warns(UserWarning, match="the state's") as warned:
        mine.load_state_dict(json.loads(json.dumps(theirs.state_dict())))
    assert any("base_values" in str(warning.message) for warning in warned)
    assert_same(theirs, mine, "the load, which changes no rate")
    assert mine.base_values == theirs.base_values
    for t in range(10, 80):
        theirs.step(t)
        mine.step(t)
        assert_same(theirs, mine, t)


def test_a_plateaus_state_of_timms_loads() -> None:
    theirs = make(timm, "PlateauLRScheduler", sgd(), {"patience_t": 2})
    mine = make(ours, "PlateauLRScheduler", sgd(), {"patience_t": 2})
    mine.load_state_dict(theirs.state_dict())
    assert mine.best == theirs.lr_scheduler.best == -math.inf
    for epoch in range(4):
        theirs.step(epoch + 1, 0.5 + epoch)
    mine.load_state_dict(theirs.state_dict())
    assert mine.best == theirs.lr_scheduler.best == 3.5


# -- the schedule


@pytest.mark.parametrize("name", CURVES)
def test_schedule_and_lr_at_tell_what_timm_will_do(name: str) -> None:
    for kwargs in (CURVES[name][1], {**CURVES[name][2], **NOISES[2], "warmup_t": 4}):
        theirs, mine = pair(name, kwargs)
        once = Schedule.from_json(mine.schedules[2].to_json())
        assert once == mine.schedules[2]
        for t in range(70):
            theirs.step(t)
            expected = rates(theirs.optimizer)
            assert mine.lr_at(t) == pytest.approx(expected, rel=1e-9, abs=1e-13)
            assert once(t, 0.05) == pytest.approx(expected[2], rel=1e-9, abs=1e-13)
