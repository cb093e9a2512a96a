"""What people have suffered from in PyTorch's schedulers, one test per symptom; the docstrings name the public issues.

Most tests run on PyTorch's module and on ours. Where PyTorch's is expected to fail, the failure and its kind are recorded, and
strictly: the day that PyTorch mends it, the test says so. Tests without a recorded failure hold for both (where PyTorch has
mended it since), or for ours alone (where PyTorch lacks the thing). What is expected is written here as closed formulas.
"""

import copy
import gc
import io
import json
import math
import pickle
import warnings
import weakref
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from cases import Halving, adam, everything, factor, rates, sgd
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Constant, Cosine, Linear, OneCycle

Kind = type[BaseException]
NOT_RAISED: Kind = pytest.fail.Exception


def torch_fails(issues: str, kind: Kind) -> Any:
    return pytest.param(theirs, id="torch", marks=pytest.mark.xfail(strict=True, raises=kind, reason=issues))


def both(issues: str, kind: Kind | None = None) -> Any:
    """Over PyTorch's module and ours; PyTorch's is expected to fail with an error of this kind, if one is given."""
    torchs = pytest.param(theirs, id="torch") if kind is None else torch_fails(issues, kind)
    return pytest.mark.parametrize("module", [torchs, pytest.param(ours, id="lucid")])


def both_over(issues: str, kinds: Mapping[str, Kind]) -> Any:
    """As ``both``, over cases, each with its own kind of error."""
    pairs = [(torch_fails(issues, kind), name) for name, kind in kinds.items()]
    pairs += [(pytest.param(ours, id="lucid"), name) for name in kinds]
    return pytest.mark.parametrize(
        ("module", "case"),
        [pytest.param(*module.values, name, id=f"{module.id}-{name}", marks=module.marks) for module, name in pairs],
    )


def go(scheduler: Any, steps: int = 1, *metrics: float) -> list[float]:
    """Optimizer and scheduler in turn; the first group's rate after each."""
    seen = []
    for i in range(steps):
        scheduler.optimizer.step()
        scheduler.step(*metrics[i : i + 1])
        seen += rates(scheduler.optimizer)[:1]
    return seen


def parameter() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.ones(1))


def saved(state: Any) -> Any:
    """Through a file, read as PyTorch reads what it does not trust."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# -- the formulas, for a base of 1


def half_cosine(t: float, length: float, end: float = 0.0) -> float:
    return end + (1 - end) * (1 + math.cos(math.pi * t / length)) / 2


def restarts(t: int, first: int = 2, mult: int = 2) -> float:
    """Half cosines, each ``mult`` times as long as the one before."""
    length = first
    while t >= length:
        t, length = t - length, length * mult
    return half_cosine(t, length)


def shrinking(t: int) -> float:
    return 0.9 if t % 2 else 0.8


def product(t: int) -> float:
    return math.prod(shrinking(i) for i in range(1, t + 1))


def triangle(t: float, low: float = 0.01, high: float = 0.21, half: int = 4) -> float:
    return high - (high - low) * abs(t % (2 * half) - half) / half


def one_cycle(t: int, top: float = 0.5, steps: int = 20) -> float:
    """Up to ``top`` at 0.3 of the steps, down to a 250000th of it at the end."""
    peak, last = 0.3 * steps - 1, steps - 1
    if t <= peak:
        return top + (top / 25 - top) * half_cosine(t, peak)
    return top / 25e4 + (top - top / 25e4) * half_cosine(t - peak, last - peak)


Build = Callable[..., Any]
FACTORS: dict[str, tuple[Build, Callable[[int], float]]] = {
    "StepLR": (lambda m, o, **k: m.StepLR(o, 2, gamma=0.5, **k), lambda t: 0.5 ** (t // 2)),
    "MultiStepLR": (lambda m, o, **k: m.MultiStepLR(o, [2, 5], gamma=0.5, **k), lambda t: 0.5 ** ((t >= 2) + (t >= 5))),
    "ExponentialLR": (lambda m, o, **k: m.ExponentialLR(o, 0.8, **k), lambda t: 0.8**t),
    "ConstantLR": (lambda m, o, **k: m.ConstantLR(o, 0.5, total_iters=4, **k), lambda t: 0.5 if t < 4 else 1.0),
    "LinearLR": (lambda m, o, **k: m.LinearLR(o, 0.25, total_iters=6, **k), lambda t: 0.25 + 0.75 * min(t / 6, 1)),
    "PolynomialLR": (lambda m, o, **k: m.PolynomialLR(o, 6, power=2.0, **k), lambda t: (1 - min(t / 6, 1)) ** 2),
    "CosineAnnealingLR": (lambda m, o, **k: m.CosineAnnealingLR(o, 6, **k), lambda t: half_cosine(t, 6)),
    "CosineAnnealingWarmRestarts": (lambda m, o, **k: m.CosineAnnealingWarmRestarts(o, 2, 2, **k), restarts),
    "MultiplicativeLR": (lambda m, o, **k: m.MultiplicativeLR(o, shrinking, **k), product),
}
"""Schedulers that multiply the base, how to build them, and by what."""
OTHERS: dict[str, tuple[Build, Callable[[int], float]]] = {
    "LambdaLR": (lambda m, o, **k: m.LambdaLR(o, factor, **k), lambda t: 1 / (1 + 0.1 * t)),
    "CyclicLR": (lambda m, o, **k: m.CyclicLR(o, 0.01, 0.21, 4, **k), triangle),
    "OneCycleLR": (lambda m, o, **k: m.OneCycleLR(o, 0.5, 20, **k), one_cycle),
}
"""LambdaLR multiplies the base too, which has to be 1 for the other two."""
ALL = {**FACTORS, **OTHERS}


@pytest.mark.parametrize("name", ALL)
@both("the formulas")
def test_the_formulas_are_those_of_the_schedulers(module: Any, name: str) -> None:
    build, f = ALL[name]
    scheduler = build(module, sgd(1.0))
    assert rates(scheduler.optimizer) == pytest.approx([f(0)])
    assert go(scheduler, 15) == pytest.approx([f(t) for t in range(1, 16)])


# -- composites


@both("pytorch#162591", AssertionError)
def test_a_sequence_starts_where_it_is_told(module: Any) -> None:
    """pytorch#162591: SequentialLR(last_epoch=N) starts from 0 again."""

    def f(t: int) -> float:
        return 0.1 * (0.25 + 0.75 * t / 4 if t < 4 else half_cosine(t - 4, 8))

    for last_epoch in range(10):
        optimizer = sgd(0.1)
        children = [module.LinearLR(optimizer, 0.25, total_iters=4), module.CosineAnnealingLR(optimizer, 8)]
        scheduler = module.SequentialLR(optimizer, children, [4], last_epoch=last_epoch)
        assert scheduler.last_epoch == last_epoch + 1
        assert rates(optimizer) == pytest.approx([f(last_epoch + 1)])
        assert go(scheduler, 2) == pytest.approx([f(last_epoch + 2), f(last_epoch + 3)])


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step:UserWarning")
@pytest.mark.parametrize("depth", [1, 2, 3])
@both("pytorch#196243", AssertionError)
def test_a_nested_sequence_is_as_one_that_is_not(module: Any, depth: int) -> None:
    """pytorch#196243: nesting a SequentialLR shifts its schedule by one step."""

    def f(t: int) -> float:
        return 0.8 ** (t - 8) if t >= 8 else 0.25 if t >= 6 else 0.5 if t < 3 else 0.5 ** (t - 3)

    optimizer = sgd(1.0)
    children = [module.ConstantLR(optimizer, 0.5, total_iters=3), module.ExponentialLR(optimizer, 0.5)]
    inner = module.SequentialLR(optimizer, children, [3])
    for _ in range(depth - 1):
        inner = module.SequentialLR(optimizer, [inner], [])
    others = [module.ConstantLR(optimizer, 0.25, total_iters=99), module.ExponentialLR(optimizer, 0.8)]
    outer = module.SequentialLR(optimizer, [inner, *others], [6, 8])
    assert rates(optimizer) == [0.5]
    assert go(outer, 12) == pytest.approx([f(t) for t in range(1, 13)])


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step:UserWarning")
@both_over(
    "pytorch#132745",
    {"chain first": AssertionError, "chain second": NotImplementedError, "sequence second": NotImplementedError},
)
def test_a_composite_may_stand_in_any_place(module: Any, case: str) -> None:
    """pytorch#132745: a chain in a sequence is stepped twice at the start; a composite as the second child crashes."""
    optimizer = sgd(1.0)
    hold, other = module.ConstantLR(optimizer, 0.5, total_iters=3), module.ConstantLR(optimizer, 0.25, total_iters=99)
    decay = module.ExponentialLR(optimizer, 0.5)

    def held(t: int) -> float:
        return 0.5 if t < 3 else 1.0

    if case == "chain first":
        scheduler = module.SequentialLR(optimizer, [module.ChainedScheduler([hold, decay]), other], [6])
        expected = [held(t) * 0.5**t if t < 6 else 0.25 for t in range(10)]
    elif case == "chain second":
        scheduler = module.SequentialLR(optimizer, [other, module.ChainedScheduler([hold, decay])], [2])
        expected = [0.25 if t < 2 else held(t - 2) * 0.5 ** (t - 2) for t in range(10)]
    else:
        scheduler = module.SequentialLR(optimizer, [other, module.SequentialLR(optimizer, [hold, decay], [3])], [2])
        expected = [0.25 if t < 2 else 0.5 if t < 5 else 0.5 ** (t - 5) for t in range(10)]
    assert [*rates(optimizer), *go(scheduler, 9)] == expected


@both("pytorch#185872")
def test_a_milestone_at_0_passes_over_the_first_child(module: Any) -> None:
    """pytorch#185872: milestones=[0] gives a wrong rate."""
    for first in (lambda o: module.ConstantLR(o, 0.25, total_iters=99), lambda o: module.ExponentialLR(o, 0.5)):
        for name, (build, f) in FACTORS.items():
            optimizer = sgd(1.0)
            scheduler = module.SequentialLR(optimizer, [first(optimizer), build(module, optimizer)], [0])
            seen = [*rates(optimizer), *go(scheduler, 9)]
            assert seen == pytest.approx([f(t) for t in range(10)]), name


@pytest.mark.parametrize("restarts_first", [False, True])
@both("pytorch#129565", AssertionError)
def test_a_chain_with_restarts_keeps_its_decay(module: Any, restarts_first: bool) -> None:
    """pytorch#129565: CosineAnnealingWarmRestarts in a ChainedScheduler loses the decay of the others."""
    optimizer = sgd(1.0)
    children = [module.ExponentialLR(optimizer, 0.8), module.CosineAnnealingWarmRestarts(optimizer, 4)]
    scheduler = module.ChainedScheduler(children[::-1] if restarts_first else children)
    assert go(scheduler, 12) == pytest.approx([0.8**t * half_cosine(t % 4, 4) for t in range(1, 13)])


@pytest.mark.parametrize("composite", ["ChainedScheduler", "SequentialLR", "both"])
@both("pytorch#68978", ValueError)
def test_a_plateau_is_a_child_as_any_other(module: Any, composite: str) -> None:
    """pytorch#68978, Lightning#10759: ReduceLROnPlateau is refused in composites, and gets no metric."""
    optimizer = sgd(1.0)
    children = [
        module.LinearLR(optimizer, 0.5, total_iters=2),
        module.ReduceLROnPlateau(optimizer, factor=0.5, patience=0),
    ]
    metrics = [3.0, 2.0, 2.0, 1.0, 1.0, 1.0]
    if composite == "ChainedScheduler":
        scheduler = module.ChainedScheduler(children)
        expected = [0.75, 1.0, 0.5, 0.5, 0.25, 0.125]
    else:  # metrics of the warm-up are not the plateau's
        scheduler = module.SequentialLR(optimizer, children, [2])
        expected = [0.75, 1.0, 1.0, 1.0, 0.5, 0.25]
        if composite == "both":
            scheduler = module.ChainedScheduler([scheduler, module.ExponentialLR(optimizer, 0.5)])
            expected = [rate * 0.5**t for t, rate in enumerate(expected, 1)]
    assert go(scheduler, 6, *metrics) == expected


# -- resuming


@pytest.mark.parametrize("name", FACTORS)
@both("pytorch#184517, #168044", AssertionError)
def test_construction_jump_and_steps_are_one_formula(module: Any, name: str) -> None:
    """pytorch#184517, #168044: the constructor ignores the closed form, so resumed runs depend on what is in the group."""
    build, f = FACTORS[name]
    for t in range(1, 10):
        expected = [0.5 * f(t + k) for k in range(4)]
        for standing in (0.5, expected[0]):  # a fresh optimizer's rate, and a restored one's
            optimizer = sgd(standing)
            optimizer.param_groups[0]["initial_lr"] = 0.5
            scheduler = build(module, optimizer, last_epoch=t - 1)
            assert [*rates(optimizer), *go(scheduler, 3)] == pytest.approx(expected)
    for t in range(1, 10):
        scheduler = build(module, sgd(0.5))
        scheduler.step(t)
        seen = [*rates(scheduler.optimizer), *go(scheduler, 3)]
        assert seen == pytest.approx([0.5 * f(t + k) for k in range(4)])


@pytest.mark.parametrize("name", ALL)
@both("pytorch#29697", AssertionError)
def test_loading_the_scheduler_alone_is_enough(module: Any, name: str) -> None:
    """pytorch#29697: after loading the scheduler alone, the wrong rate stays in the optimizer."""
    build, f = ALL[name]
    first = build(module, sgd(1.0))
    go(first, 5)
    scheduler = build(module, sgd(1.0))
    scheduler.load_state_dict(copy.deepcopy(first.state_dict()))
    assert scheduler.get_last_lr() == pytest.approx([f(5)])
    assert rates(scheduler.optimizer) == pytest.approx([f(5)])
    assert everything(scheduler.optimizer) == everything(first.optimizer)
    assert go(scheduler, 6) == pytest.approx([f(t) for t in range(6, 12)])


@both_over("pytorch#119168", dict.fromkeys(["LinearLR", "ConstantLR", "LambdaLR", "CyclicLR", "OneCycleLR"], AssertionError))
def test_the_order_of_building_and_loading_does_not_matter(module: Any, case: str) -> None:
    """pytorch#119168: building the scheduler overwrites the rate that was restored before."""
    build, f = ALL[case]
    first = build(module, sgd(1.0))
    go(first, 3)
    states = copy.deepcopy((first.optimizer.state_dict(), first.state_dict()))
    for order in ("build optimizer scheduler", "build scheduler optimizer", "optimizer build scheduler"):
        optimizer = sgd(1.0)
        scheduler: Any = None
        for what in order.split():
            if what == "build":
                scheduler = build(module, optimizer)
            elif what == "optimizer":
                optimizer.load_state_dict(copy.deepcopy(states[0]))
            else:
                scheduler.load_state_dict(copy.deepcopy(states[1]))
        assert rates(optimizer) == pytest.approx([f(3)]), order
        assert everything(optimizer) == everything(first.optimizer), order
        assert go(scheduler, 5) == pytest.approx([f(t) for t in range(4, 9)]), order


@pytest.mark.parametrize("key", ["momentum", "weight_decay"])
def test_a_load_that_replaces_nothing_says_nothing(key: str) -> None:
    """pytorch#119168: the optimizer is restored, the scheduler built and restored: all is as before, for other keys too."""

    def build(optimizer: Any) -> Any:
        if key == "momentum":
            return ours.CyclicLR(optimizer, 0.01, 0.21, 4)
        return ours.LRScheduler(optimizer, weight_decay=Cosine(8))

    first = build(sgd(1.0, weight_decay=0.25))
    go(first, 3)
    optimizer = sgd(1.0, weight_decay=0.25)
    optimizer.load_state_dict(first.optimizer.state_dict())
    scheduler = build(optimizer)
    scheduler.load_state_dict(first.state_dict())
    for t in range(3, 8):
        decay = 0.25 if key == "momentum" else 0.25 * half_cosine(t, 8)
        assert rates(optimizer, "weight_decay") == pytest.approx([decay])
        momentum = 0.8 + 0.1 * abs(t % 8 - 4) / 4 if key == "momentum" else 0.9
        assert rates(optimizer, "momentum") == pytest.approx([momentum])
        go(scheduler)


@both("pytorch#103444", UserWarning)
def test_a_jump_is_no_mistake(module: Any) -> None:
    """pytorch#103444: going to an epoch at once is deprecated."""
    scheduler = module.CosineAnnealingLR(sgd(0.5), 20, eta_min=0.1)
    scheduler.optimizer.step()
    for t in (7, 15, 3):
        scheduler.step(t)
        assert rates(scheduler.optimizer) == pytest.approx([0.1 + 0.4 * half_cosine(t, 20)])
    assert go(scheduler) == pytest.approx([0.1 + 0.4 * half_cosine(4, 20)])


def test_a_new_base_rate_can_be_kept_when_loading() -> None:
    """pytorch#103444: the state brings the old base rate back."""
    states = []
    for module in (theirs, ours):
        first = module.LambdaLR(sgd(0.1), factor)
        go(first, 3)
        states.append(first.state_dict())

    torchs = theirs.LambdaLR(sgd(0.4), factor)
    torchs.load_state_dict(states[0])
    assert go(torchs) == pytest.approx([0.1 / 1.4])
    with pytest.raises(TypeError, match="keep_hyperparameters"):
        torchs.load_state_dict(states[0], keep_hyperparameters=True)  # type: ignore[call-arg]

    for state in states:
        scheduler = ours.LambdaLR(sgd(0.4), factor)
        scheduler.load_state_dict(state, keep_hyperparameters=True)
        assert rates(scheduler.optimizer) == pytest.approx([0.4 / 1.3])
        assert go(scheduler, 2) == pytest.approx([0.4 / 1.4, 0.4 / 1.5])


def test_a_new_base_rate_is_not_dropped_silently() -> None:
    """composer#3154: a new rate is ignored on resume, and nothing says so."""
    for module in (theirs, ours):
        first = module.LinearLR(sgd(0.1), 0.25, total_iters=6)
        go(first, 3)
        optimizer = sgd(0.4)
        scheduler = module.LinearLR(optimizer, 0.5, total_iters=6)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            scheduler.load_state_dict(first.state_dict())
        assert (scheduler.base_lrs, scheduler.start_factor) == ([0.1], 0.25)
        messages = sorted(str(warning.message) for warning in told)
        if module is theirs:
            assert messages == []
            continue
        assert len(messages) == 2
        assert messages[0].startswith("LinearLR: the state's base_lrs [0.1] replaces this scheduler's [0.4];")
        assert messages[1].startswith("LinearLR: the state's start_factor 0.25 replaces this scheduler's 0.5;")
        assert all("load_state_dict(state, keep_hyperparameters=True) keeps yours" in message for message in messages)
        assert rates(optimizer) == pytest.approx([0.1 * 0.625])


@both("transformers#34053")
def test_a_resumed_training_is_an_uninterrupted_one(module: Any) -> None:
    """transformers#34053: the rate jumps after a resume."""

    def f(t: int) -> float:
        return 0.1 * (0.25 + 0.75 * t / 4 if t < 4 else half_cosine(t - 4, 8))

    class Training:
        def __init__(self) -> None:
            self.weight = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
            self.optimizer = torch.optim.AdamW([self.weight], lr=0.1)
            children = [module.LinearLR(self.optimizer, 0.25, total_iters=4), module.CosineAnnealingLR(self.optimizer, 8)]
            self.scheduler = module.SequentialLR(self.optimizer, children, [4])

        def batch(self) -> tuple[list[float], list[float]]:
            used = rates(self.optimizer)
            self.optimizer.zero_grad()
            (self.weight**4).sum().backward()
            self.optimizer.step()
            self.scheduler.step()
            return used, self.weight.tolist()

    training = Training()
    whole = [training.batch() for _ in range(12)]
    assert [used for used, _ in whole] == [pytest.approx([f(t)]) for t in range(12)]
    for k in range(1, 12):
        training = Training()
        for _ in range(k):
            training.batch()
        parts = {"optimizer": training.optimizer, "scheduler": training.scheduler}
        file = saved({"weight": training.weight.detach(), **{name: part.state_dict() for name, part in parts.items()}})
        resumed = Training()
        with torch.no_grad():
            resumed.weight.copy_(file["weight"])
        resumed.optimizer.load_state_dict(file["optimizer"])
        resumed.scheduler.load_state_dict(file["scheduler"])
        assert [resumed.batch() for _ in range(k, 12)] == whole[k:]


@both("torchtitan#3269, #4598", AssertionError)
def test_the_rate_that_was_loaded_is_the_one_that_is_used(module: Any) -> None:
    """PR torchtitan#3269, #4598: after a load the scheduler tells one rate, and the optimizer uses another."""
    first = module.ExponentialLR(sgd(1.0), 0.5)
    go(first, 3)
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    scheduler = module.ExponentialLR(torch.optim.SGD([weight], lr=1.0), 0.5)
    scheduler.load_state_dict(saved(first.state_dict()))
    assert scheduler.get_last_lr() == [0.125]
    weight.grad = torch.ones_like(weight)
    scheduler.optimizer.step()
    assert weight.item() == -0.125


@both("pytorch#160626, speculators#1048", AssertionError)
def test_resuming_without_initial_lr_tells_a_way_out_that_works(module: Any) -> None:
    """pytorch#160626, speculators#1048: KeyError initial_lr, of an optimizer that was saved without a scheduler."""
    with pytest.raises(KeyError) as refused:
        module.StepLR(sgd(0.1), 2, gamma=0.5, last_epoch=4)
    assert "construct without last_epoch and call load_state_dict(state) or step(epoch)" in str(refused.value)
    scheduler = module.StepLR(sgd(0.1), 2, gamma=0.5)
    scheduler.step(5)
    assert (scheduler.last_epoch, scheduler.base_lrs, rates(scheduler.optimizer)) == (5, [0.1], [0.1 * 0.5**2])
    assert go(scheduler, 2) == [0.1 * 0.5**3, 0.1 * 0.5**3]


@both("pytorch#33416", AssertionError)
@pytest.mark.parametrize("name", ["LambdaLR", "CosineAnnealingWarmRestarts", "CosineAnnealingLR"])
def test_a_second_scheduler_starts_from_the_rate_that_stands_there(module: Any, name: str) -> None:
    """pytorch#33416: a second scheduler uses the initial_lr that the first one left."""
    build, f = ALL[name]
    optimizer = sgd(1.0)
    go(module.ExponentialLR(optimizer, 0.5), 3)
    optimizer.param_groups[0]["lr"] = 0.25
    scheduler = build(module, optimizer)
    assert rates(optimizer) == pytest.approx([0.25])
    assert go(scheduler, 12) == pytest.approx([0.25 * f(t) for t in range(1, 13)])


@pytest.mark.parametrize(("first", "mult"), [(2, 2), (3, 3), (1, 4)])
@both("pytorch#52236", AssertionError)
def test_restarts_know_their_cycle_at_any_epoch(module: Any, first: int, mult: int) -> None:
    """pytorch#52236: CosineAnnealingWarmRestarts(last_epoch=N) is in the wrong cycle."""
    for last_epoch in range(30):
        optimizer = sgd(0.5)
        optimizer.param_groups[0]["initial_lr"] = 0.5
        scheduler = module.CosineAnnealingWarmRestarts(optimizer, first, mult, last_epoch=last_epoch)
        expected = [0.5 * restarts(last_epoch + k, first, mult) for k in (1, 2, 3)]
        assert [*rates(optimizer), *go(scheduler, 2)] == pytest.approx(expected)


def test_restarts_say_that_they_do_not_reach_eta_min() -> None:
    """pytorch#47560: CosineAnnealingWarmRestarts never reaches eta_min, and promises it."""
    promise = "When :math:`T_{cur}=T_{i}`, set :math:`\\eta_t = \\eta_{min}`."
    assert promise in str(theirs.CosineAnnealingWarmRestarts.__doc__)
    told = " ".join(str(ours.CosineAnnealingWarmRestarts.__doc__).split())
    assert "``eta_min`` is approached at the end of a cycle and not reached at a whole epoch" in told
    scheduler = ours.CosineAnnealingWarmRestarts(sgd(1.0), 5, eta_min=0.1)
    assert min(go(scheduler, 20)) == pytest.approx(half_cosine(4, 5, end=0.1))
    scheduler.step(5 - 1e-6)
    assert rates(scheduler.optimizer) == pytest.approx([0.1])


@pytest.mark.parametrize("change", ["more steps", "a cooldown"])
def test_the_rest_of_a_schedule_may_be_replanned(change: str) -> None:
    """Megatron#1284, espnet#3805, schedules-and-scaling#3, maxtext#2882: a checkpoint with other total steps, or a cooldown."""
    first = ours.LRScheduler(sgd(1.0), lr=Linear(4) >> Cosine(10))
    go(first, 9)
    state = json.loads(json.dumps(first.state_dict()))
    if change == "more steps":
        scheduler = ours.LRScheduler(sgd(1.0), lr=Linear(4) >> Cosine(40))
        expected = [half_cosine(t - 4, 40) for t in range(9, 50)]
    else:
        level = half_cosine(5, 10)
        scheduler = ours.LRScheduler(sgd(1.0), lr=Constant(level, steps=9) >> level * Linear(4, start=1.0, end=0.0))
        expected = [level * max(1 - (t - 9) / 4, 0.0) for t in range(9, 50)]
    scheduler.load_state_dict(state, keep_hyperparameters=True)
    assert scheduler.last_epoch == 9
    seen = [*rates(scheduler.optimizer), *go(scheduler, 40)]
    assert seen == pytest.approx([*expected[:36], *[0.0] * 5] if change == "more steps" else expected)


# -- groups


@both_over(
    "pytorch#79888, #104361, transformers#20029, lightning-flash#1321",
    {
        **dict.fromkeys(["CosineAnnealingLR", "CosineAnnealingWarmRestarts"], ValueError),
        **dict.fromkeys(["LambdaLR", "MultiplicativeLR", "CyclicLR"], ValueError),
        "OneCycleLR": KeyError,
    },
)
def test_a_group_that_is_added_later_is_followed(module: Any, case: str) -> None:
    """pytorch#79888, #104361, transformers#20029, lightning-flash#1321: it is left out, stays constant, or crashes."""
    build, f = ALL[case]
    for given in ({"lr": 0.2}, {"lr": 0.2, "initial_lr": 0.2}):
        base = 1.0 if case in ("CyclicLR", "OneCycleLR") else 0.2 if "initial_lr" in given else 0.2 / f(3)
        optimizer = sgd(1.0)
        scheduler = build(module, optimizer)
        go(scheduler, 3)
        optimizer.add_param_group({"params": [parameter()], **given})
        for t in range(4, 16):
            go(scheduler)
            late = base * f(t)
            if case == "OneCycleLR" and "initial_lr" in given and t < 5:
                late = 0.5 + (0.2 - 0.5) * half_cosine(t, 5)  # on the way up, from a start of its own
            assert rates(optimizer) == pytest.approx([f(t), late])
            assert scheduler.get_last_lr() == rates(optimizer)


def test_every_group_may_have_its_own_schedule() -> None:
    """PR pytorch#159873, Lightning#4983, #63488: one schedule for all groups."""
    with pytest.raises(TypeError):
        theirs.LRScheduler(sgd(1.0, 0.5), lr=[Linear(4), Cosine(8)])  # type: ignore[call-arg]
    optimizer = sgd(1.0, 0.5, 0.25)
    scheduler = ours.LRScheduler(optimizer, lr=[Linear(4), Cosine(8), Constant()])
    for t in range(12):
        assert rates(optimizer) == pytest.approx([min(t / 4, 1), 0.5 * half_cosine(min(t, 8), 8), 0.25])
        go(scheduler)


def test_any_group_key_may_be_scheduled() -> None:
    """pytorch#22343, optax#1426: the weight decay cannot be scheduled."""
    with pytest.raises(TypeError):
        theirs.LRScheduler(sgd(1.0), weight_decay=Cosine(8))  # type: ignore[call-arg]
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = torch.optim.AdamW([weight], lr=0.5, weight_decay=0.25, betas=(0.75, 0.99))
    scheduler = ours.LRScheduler(optimizer, weight_decay=Cosine(8), momentum=Linear(4))
    value = 1.0
    for t in range(10):
        decay = 0.25 * half_cosine(min(t, 8), 8)
        group = optimizer.param_groups[0]
        assert (group["lr"], group["weight_decay"]) == (0.5, pytest.approx(decay))
        assert group["betas"] == (pytest.approx(0.75 * min(t / 4, 1)), 0.99)
        weight.grad = torch.zeros_like(weight)  # what moves the weight is its decay
        go(scheduler)
        value *= 1 - 0.5 * decay
        assert weight.item() == pytest.approx(value)


def test_one_cycle_may_keep_the_ratios_of_the_groups() -> None:
    """OneCycleLR gives all groups the same max_lr, so that their ratios are lost, and adds five keys to each."""
    for module in (theirs, ours):  # ours keeps the name's behaviour, and says so
        optimizer = sgd(0.5, 0.05)
        keys = optimizer.param_groups[0].keys() - {"params"}
        scheduler = module.OneCycleLR(optimizer, max_lr=0.5, total_steps=20)
        for t in range(1, 20):
            assert go(scheduler) == pytest.approx([one_cycle(t)])
            assert rates(optimizer) == pytest.approx([one_cycle(t)] * 2)
        added = optimizer.param_groups[0].keys() - keys - {"params"}
        assert added == {"initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum"}
    told = " ".join(str(ours.OneCycleLR.__doc__).split())
    assert "their ratios are lost; ``LRScheduler(optimizer, lr=OneCycle(total_steps))`` keeps them" in told
    assert "keys ``initial_lr``, ``max_lr``, ``min_lr``, ``base_momentum`` and ``max_momentum``" in told

    optimizer = sgd(0.5, 0.05)
    keys = optimizer.param_groups[0].keys() | {"initial_lr"}
    scheduler = ours.LRScheduler(optimizer, lr=OneCycle(20))
    for t in range(20):
        assert rates(optimizer) == pytest.approx([one_cycle(t), 0.1 * one_cycle(t)])
        go(scheduler)
    assert optimizer.param_groups[0].keys() == keys


@both("one shared tensor")
def test_groups_may_share_one_tensor_in_a_sequence(module: Any) -> None:
    """Groups of a SequentialLR that share one tensor are read before any is written."""
    rate = torch.tensor(0.5, dtype=torch.float64)
    optimizer = sgd(rate, rate)
    children = [module.LinearLR(optimizer, 0.25, total_iters=4), module.ExponentialLR(optimizer, 0.5)]
    scheduler = module.SequentialLR(optimizer, children, [4])
    for t in range(1, 10):
        go(scheduler)
        assert rates(optimizer) == pytest.approx([0.5 * (0.25 + 0.75 * t / 4 if t < 4 else 0.5 ** (t - 4))] * 2)
        assert all(group["lr"] is rate for group in optimizer.param_groups)


# -- metrics


@pytest.mark.parametrize("mode", ["min", "max"])
@both("pytorch#47513", AssertionError)
def test_a_plateau_understands_negative_metrics(module: Any, mode: str) -> None:
    """pytorch#47513: with a negative metric ReduceLROnPlateau never cuts."""
    scheduler = module.ReduceLROnPlateau(sgd(1.0), mode=mode, factor=0.5, patience=0, threshold=0.1)
    metrics = [-10.0, -10.5, -12.0, -12.0, -14.0] if mode == "min" else [-10.0, -9.5, -8.0, -8.0, -6.0]
    assert go(scheduler, 5, *metrics) == [1.0, 0.5, 0.5, 0.25, 0.25]  # a change of 5 % is none, of a sixth or more it is


@pytest.mark.parametrize(("mode", "bad"), [("min", -math.inf), ("max", math.inf), ("min", math.nan), ("max", math.nan)])
@both("infinite metrics", AssertionError)
def test_a_metric_that_is_not_finite_is_left_out(module: Any, mode: str, bad: float) -> None:
    """One infinite metric is the best for ever, and NaN counts as a bad epoch."""
    scheduler = module.ReduceLROnPlateau(sgd(1.0), mode=mode, factor=0.5, patience=1)
    good = [4.0, 3.0, 2.0] if mode == "min" else [2.0, 3.0, 4.0]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        seen = go(scheduler, 7, good[0], bad, bad, bad, *good[1:], good[2])
    assert seen == [1.0] * 7
    assert (scheduler.best, scheduler.num_bad_epochs) == (good[2], 1)
    (message,) = [str(warning.message) for warning in told]
    assert message.startswith(f"ReduceLROnPlateau: the metric is {bad}; such epochs are left out")


def test_what_a_metric_that_is_not_finite_means_is_the_users_choice() -> None:
    """As before: it may be left out, bad, or an error, and never is the best."""
    for bad in (-math.inf, math.inf, math.nan):
        strict = ours.ReduceLROnPlateau(sgd(1.0), factor=0.5, patience=1, on_nan="bad")
        assert go(strict, 4, 4.0, bad, bad, 3.0) == [1.0, 1.0, 0.5, 0.5]
        assert strict.best == 3.0
        stopped = ours.ReduceLROnPlateau(sgd(1.0), factor=0.5, patience=1, on_nan="raise")
        with pytest.raises(ValueError, match="metrics must be finite, got"):
            go(stopped, 2, 4.0, bad)
        assert (stopped.best, stopped.last_epoch, stopped.num_bad_epochs) == (4.0, 1, 0)


@both("pytorch#163093, #162359")
def test_a_tensor_rate_stays_the_users_tensor(module: Any) -> None:
    """pytorch#163093: a plateau turns a tensor into a float; #162359: the rate aliases initial_lr."""
    rate = torch.tensor(1.0)
    scheduler = module.ReduceLROnPlateau(sgd(rate), factor=0.5, patience=0)
    assert go(scheduler, 3, 1.0, 1.0, 1.0) == [1.0, 0.5, 0.25]
    assert scheduler.optimizer.param_groups[0]["lr"] is rate
    for name, (build, f) in ALL.items():
        rate = torch.tensor(1.0)
        scheduler = build(module, sgd(rate))
        base = 0.01 if name == "CyclicLR" else 0.02 if name == "OneCycleLR" else 1.0
        for t in range(1, 4):
            assert go(scheduler) == pytest.approx([f(t)]), name
            group = scheduler.optimizer.param_groups[0]
            assert group["lr"] is rate, name
            assert [float(value) for value in scheduler.base_lrs] == pytest.approx([base]), name
            if name != "CyclicLR":  # which leaves the key to others
                assert float(group["initial_lr"]) == pytest.approx(base), name


# -- the order of steps, compilers


@both("pytorch#44511, #55585, Lightning#21339", UserWarning)
def test_a_step_that_a_grad_scaler_skips_is_not_forgotten(module: Any) -> None:
    """pytorch#44511, #55585, Lightning#21339: a false warning of the order after GradScaler skipped the optimizer's step."""
    with pytest.warns(UserWarning, match=r"before (`optimizer\.step\(\)`|the optimizer's first step\(\))"):
        module.StepLR(sgd(), 3).step()  # it was forgotten here

    weight = parameter()
    optimizer = torch.optim.SGD([weight], lr=0.5)
    scheduler = module.StepLR(optimizer, 1, gamma=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for loss, expected in ((math.inf, 1.0), (1.0, 0.75)):
        optimizer.zero_grad()
        scaler.scale((weight * loss).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert weight.item() == expected
        scheduler.step()
    assert rates(optimizer) == [0.125]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@both("torchtune#2931, #2263", AttributeError)
def test_a_compiled_step_may_be_put_in_the_place_of_the_optimizers(module: Any) -> None:
    """torchtune#2931, #2263: a compiled optimizer.step has no __func__, and building the scheduler crashes."""
    torch._dynamo.reset()
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=torch.tensor(0.5, dtype=torch.float64))
    compiled = optimizer.step = torch.compile(optimizer.step, backend="eager")  # type: ignore[method-assign]
    scheduler = module.ExponentialLR(optimizer, 0.5)
    weight.grad = torch.ones_like(weight)
    assert go(scheduler, 3) == [0.25, 0.125, 0.0625]
    assert weight.item() == -(0.5 + 0.25 + 0.125)
    assert optimizer.step is compiled


def graphs(optimizer: Any, build: Callable[[Any], Any]) -> list[int]:
    """How many graphs a compiled optimizer.step has been compiled to, after each of a few steps with a scheduler."""
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    scheduler, counter = build(optimizer), CompileCounter()
    compiled = torch.compile(optimizer.step, backend=counter)
    for group in optimizer.param_groups:
        for weight in group["params"]:
            weight.grad = torch.ones_like(weight)
    counts = []
    for _ in range(4):
        compiled()
        scheduler.step()
        counts.append(counter.frame_count)
    return counts


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@both("pytorch#107076")
def test_a_tensor_rate_is_compiled_once(module: Any) -> None:
    """pytorch#107076: each new rate that is a float recompiles; a tensor is filled in place."""
    rate = torch.tensor(0.5)
    optimizer = torch.optim.SGD([parameter()], lr=rate)
    assert graphs(optimizer, lambda o: module.ExponentialLR(o, 0.5)) == [1, 1, 1, 1]
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.5**5
    optimizer = torch.optim.SGD([parameter()], lr=0.5)
    assert graphs(optimizer, lambda o: module.ExponentialLR(o, 0.5))[-1] > 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@both("pytorch#133898", AssertionError)
def test_betas_that_are_tensors_are_compiled_once(module: Any) -> None:
    """pytorch#133898: new betas recompile; tensors among them become floats."""
    beta = torch.tensor(0.9)
    rest = torch.tensor(0.99)
    optimizer = torch.optim.Adam([parameter()], lr=torch.tensor(0.1), betas=(beta, rest), foreach=False)
    assert graphs(optimizer, lambda o: module.OneCycleLR(o, 0.1, 20)) == [1, 1, 1, 1]
    betas = optimizer.param_groups[0]["betas"]
    assert betas[0] is beta
    assert betas[1] is rest
    assert beta.item() == pytest.approx(0.95 - 0.1 * (1 - half_cosine(4, 5)))


# -- states


@pytest.mark.parametrize("name", ALL)
@both("pytorch#98921, #163105, #106243")
def test_a_state_is_plain_data(module: Any, name: str) -> None:
    """pytorch#98921, #163105, #106243: weights_only loading fails; a state held the whole optimizer."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(10**5))], lr=1.0, momentum=0.9)
    scheduler = ALL[name][0](module, optimizer)
    optimizer.param_groups[0]["params"][0].grad = torch.ones(10**5)
    go(scheduler, 3)
    file = io.BytesIO()
    torch.save(scheduler.state_dict(), file)
    assert len(file.getvalue()) < 5000
    file.seek(0)
    assert torch.load(file, weights_only=True) == scheduler.state_dict()


@pytest.mark.parametrize("scale_fn", [None, Halving(2)], ids=["", "scale_fn"])
@both("pytorch#88684", AssertionError)
def test_a_cyclic_state_is_left_as_it_is(module: Any, scale_fn: Any) -> None:
    """pytorch#88684: CyclicLR's state cannot be pickled, and loading takes keys out of the caller's dict."""

    def build() -> Any:
        return module.CyclicLR(sgd(1.0), 0.01, 0.21, 4, scale_fn=copy.copy(scale_fn))

    def f(t: int) -> float:
        cycle = 1 + t // 8
        return 0.01 + (triangle(t) - 0.01) * (1.0 if scale_fn is None else 0.5 ** (cycle // 2))

    scheduler = build()
    assert go(scheduler, 10) == pytest.approx([f(t) for t in range(1, 11)])
    state = pickle.loads(pickle.dumps(scheduler.state_dict()))
    kept = copy.deepcopy(state)
    for _ in range(2):
        other = build()
        other.load_state_dict(state)
        assert state == kept
        assert go(other, 5) == pytest.approx([f(t) for t in range(11, 16)])


def test_schedules_with_a_name_are_pickled_and_saved() -> None:
    """transformers#21689: schedulers that are made of lambdas cannot be pickled."""

    def f(t: int) -> float:
        return 0.5 * (min(t / 4, 1) if t < 4 else half_cosine(min(t - 4, 8), 8))

    torchs = theirs.LambdaLR(sgd(0.5), lambda t: f(t) / 0.5)
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        pickle.dumps(torchs)
    assert torchs.state_dict()["lr_lambdas"] == [None]  # and the state does not know the formula

    scheduler = ours.LRScheduler(sgd(0.5), lr=Linear(4) >> Cosine(8))
    assert go(scheduler, 3) == pytest.approx([f(1), f(2), f(3)])
    restored = ours.LRScheduler(sgd(0.5), lr=Constant())
    with pytest.warns(UserWarning, match=r"LRScheduler: the state's lr .*'Join'.* replaces this scheduler's"):
        restored.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    for other in (pickle.loads(pickle.dumps(scheduler)), copy.deepcopy(scheduler), restored):
        assert go(other, 12) == pytest.approx([f(t) for t in range(4, 16)])


@both("JSON", AssertionError)
def test_milestones_survive_json(module: Any) -> None:
    """A state that went through JSON has strings for milestones, and the decay silently never comes."""
    first = module.MultiStepLR(sgd(1.0), [4, 2, 6, 6], gamma=0.5)
    go(first, 3)
    scheduler = module.MultiStepLR(sgd(1.0), [4, 2, 6, 6], gamma=0.5)
    scheduler.optimizer.load_state_dict(first.optimizer.state_dict())
    scheduler.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert go(scheduler, 4) == [0.25, 0.25, 0.0625, 0.0625]


@pytest.mark.parametrize("what", ["no step count", "epoch NaN", "no bases", "another class"])
@both("bad states", NOT_RAISED)
def test_a_bad_state_is_refused_and_nothing_has_changed(module: Any, what: str) -> None:
    """load_state_dict takes a step count of None, the epoch NaN, no bases, and the state of another class."""
    scheduler = module.StepLR(sgd(1.0), 2, gamma=0.5)
    go(scheduler, 3)
    before = copy.deepcopy(scheduler.state_dict())
    state, message = {
        "no step count": ({**before, "_step_count": None}, "_step_count must be a number, got None"),
        "epoch NaN": ({**before, "last_epoch": math.nan}, "last_epoch must be finite, got nan"),
        "no bases": ({**before, "base_lrs": []}, r"initial of lr must be a list of 1 numbers, got \[\]"),
        "another class": (module.ExponentialLR(sgd(1.0), 0.5).state_dict(), "the state is one of 'ExponentialLR'"),
    }[what]
    with pytest.raises(ValueError, match=f"^StepLR: {message}"):
        scheduler.load_state_dict(state)
    assert scheduler.state_dict() == before
    assert rates(scheduler.optimizer) == [0.5]
    assert go(scheduler, 3) == [0.25, 0.25, 0.125]


@both("pytorch#126131")
def test_no_cycle_keeps_a_composite_alive(module: Any) -> None:
    """pytorch#126131: composites leak memory."""

    def build(optimizer: Any) -> Any:
        children = [module.LinearLR(optimizer), module.CyclicLR(optimizer, 0.01, 0.1)]
        chain = module.ChainedScheduler([module.ExponentialLR(optimizer, 0.5), module.StepLR(optimizer, 3)])
        return [module.SequentialLR(optimizer, children, [3]), chain]

    gc.collect()
    gc.disable()
    try:
        optimizer = sgd(1.0)
        schedulers = build(optimizer)
        for scheduler in schedulers:
            go(scheduler, 5)
        gone = [weakref.ref(thing) for thing in (optimizer, *schedulers, *schedulers[0]._schedulers)]
        del optimizer, schedulers, scheduler
        assert [ref() for ref in gone] == [None] * len(gone)
    finally:
        gc.enable()


# -- hyper-parameters at the edge


@both_over(
    "pytorch#193682, PR #174025, #195853",
    {"LinearLR": AssertionError, "ConstantLR": AssertionError, "ConstantLR, factor 0": ZeroDivisionError},
)
def test_edges_that_have_a_meaning(module: Any, case: str) -> None:
    """pytorch#193682, PR #174025: total_iters=0 is stuck at the start, factor=0 divides by zero when it ends."""
    optimizer = sgd(1.0)
    if case == "LinearLR":
        scheduler, expected = module.LinearLR(optimizer, 0.25, 0.5, total_iters=0), [0.5] * 5
    elif case == "ConstantLR":
        scheduler, expected = module.ConstantLR(optimizer, 0.25, total_iters=0), [1.0] * 5
    else:
        scheduler, expected = module.ConstantLR(optimizer, 0.0, total_iters=2), [0.0, 0.0, 1.0, 1.0, 1.0]
    assert [*rates(optimizer), *go(scheduler, 4)] == expected


EDGES: dict[str, tuple[Build, str]] = {
    "CosineAnnealingLR": (lambda m, o: m.CosineAnnealingLR(o, 0), "T_max must be > 0, got 0"),
    "StepLR": (lambda m, o: m.StepLR(o, 0), "step_size must be > 0, got 0"),
    "CyclicLR": (lambda m, o: m.CyclicLR(o, 0.1, 0.2, 0), "step_size_up must be > 0, got 0"),
}


@both_over("pytorch#193682, PR #195853", {"CosineAnnealingLR": NOT_RAISED, "StepLR": NOT_RAISED, "CyclicLR": ZeroDivisionError})
def test_edges_that_have_none_are_refused_at_once(module: Any, case: str) -> None:
    """pytorch#193682, PR #195853: T_max=0 and the like divide by zero, and late."""
    build, message = EDGES[case]
    optimizer = sgd(1.0)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=rf"^{case}: {message}$"):
        build(module, optimizer)
    assert optimizer.state_dict() == before


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@both("pytorch#38170", AssertionError)
def test_one_cycle_holds_at_its_end(module: Any, strategy: str) -> None:
    """pytorch#38170: one step too far OneCycleLR's rate rises again or is negative, then comes an unclear error."""
    scheduler = module.OneCycleLR(sgd(1.0), 1.0, 10, anneal_strategy=strategy)
    assert go(scheduler, 9)[-1] == pytest.approx(1 / 25e4)
    momentum = rates(scheduler.optimizer, "momentum")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(4):
            assert go(scheduler) == pytest.approx([1 / 25e4])
            assert rates(scheduler.optimizer, "momentum") == momentum == pytest.approx([0.95])
    (message,) = [str(warning.message) for warning in told]
    assert "is beyond total_steps=10; the last rate holds" in message


# -- formulas


def test_the_rate_of_any_step_can_be_asked_for() -> None:
    """pytorch#68332: there are no pure formulas, and no rate at an arbitrary step."""
    assert not hasattr(theirs.LRScheduler, "lr_at")
    torchs = theirs.CosineAnnealingLR(sgd(0.5), 8)
    torchs.optimizer.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        torchs.step(6)
    assert (torchs.last_epoch, rates(torchs.optimizer)) == (6, pytest.approx([0.5 * half_cosine(6, 8)]))  # it has moved

    optimizer = sgd(0.5, 0.25)
    scheduler = ours.CosineAnnealingLR(optimizer, 8)
    go(scheduler, 3)
    before = (scheduler.state_dict(), everything(optimizer))
    for t in (0, 1, 2.5, 3, 8, 1000):
        level = half_cosine(t, 8)
        assert scheduler.lr_at(t) == pytest.approx([0.5 * level, 0.25 * level])
        assert scheduler.schedule(t, base=0.5) == pytest.approx(0.5 * level)
    assert (scheduler.state_dict(), everything(optimizer)) == before
    for name, (build, f) in ALL.items():
        scheduler = build(ours, sgd(1.0))
        assert [scheduler.lr_at(t)[0] for t in range(19, -1, -1)] == pytest.approx([f(t) for t in range(19, -1, -1)]), name
        assert scheduler.last_epoch == 0


class Descent:
    """A user's own optimizer: no more than groups, and steps."""

    def __init__(self, values: list[float], lr: float) -> None:
        self.param_groups = [{"params": values, "lr": lr}]

    def step(self) -> None:
        for group in self.param_groups:
            group["params"][:] = [value - group["lr"] * 2 * value for value in group["params"]]


def test_any_optimizer_with_groups_will_do() -> None:
    """pytorch#67761: it must be a torch.optim.Optimizer."""
    with pytest.raises(TypeError, match="Descent is not an Optimizer"):
        theirs.StepLR(Descent([1.0], 0.25), 3)  # type: ignore[arg-type]
    for build, f in FACTORS.values():
        optimizer = Descent([1.0, -3.0], lr=0.25)
        scheduler = build(ours, optimizer)
        value = 1.0
        for t in range(8):
            assert rates(optimizer) == pytest.approx([0.25 * f(t)])
            go(scheduler)
            value *= 1 - 2 * 0.25 * f(t)
            assert optimizer.param_groups[0]["params"] == pytest.approx([value, -3 * value])
    plateau = ours.ReduceLROnPlateau(Descent([1.0], 0.25), factor=0.5, patience=0)
    assert go(plateau, 2, 1.0, 1.0) == [0.25, 0.125]


@pytest.mark.filterwarnings("ignore:To get the last learning rate computed:UserWarning")
@both_over("get_lr()", {"ExponentialLR": AssertionError, "LinearLR": AssertionError, "CyclicLR": AssertionError})
def test_get_lr_may_be_called_at_any_time(module: Any, case: str) -> None:
    """get_lr() outside of step() decays twice, and CyclicLR's changes the betas."""
    build, f = ALL[case]
    scheduler = build(module, adam(1.0))
    go(scheduler, 3)
    group = scheduler.optimizer.param_groups[0]
    group["betas"] = (0.5, 0.999)
    before = everything(scheduler.optimizer)
    for _ in range(3):
        assert scheduler.get_lr() == pytest.approx([f(3)])
    assert everything(scheduler.optimizer) == before
    assert go(scheduler) == pytest.approx([f(4)])


def test_warm_up_with_cosine_or_with_a_plateau_in_the_middle() -> None:
    """PR pytorch#180200, gpt-neox#1375: warm-up then cosine, and warm-up, stable, decay are missing."""

    def warmed(t: int) -> float:
        return t / 4 if t < 4 else half_cosine(min(t - 4, 16), 16, end=0.1)

    def stable(t: int) -> float:
        return t / 4 if t < 4 else 1.0 if t < 12 else max(1 - (t - 12) / 8, 0.0)

    cosine = Linear(4) >> Cosine(16, end=0.1)
    wsd = Linear(4) >> Constant(steps=8) >> Linear(8, start=1.0, end=0.0)
    assert (cosine.length, wsd.length) == (20, 20)
    for schedule, f in ((cosine, warmed), (wsd, stable)):
        scheduler = ours.LRScheduler(sgd(1.0), lr=schedule)
        assert [*rates(scheduler.optimizer), *go(scheduler, 30)] == pytest.approx([f(t) for t in range(31)])


@both("pytorch-image-models#2125, bert#1293, verl#3674")
def test_the_first_update_is_within_the_warm_up(module: Any) -> None:
    """pytorch-image-models#2125, bert#1293, verl#3674: the first batch misses the warm-up."""
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = module.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    weight.grad = torch.ones_like(weight)
    moves = [weight.item()]
    for _ in range(5):
        go(scheduler)
        moves.append(weight.item())
    assert [a - b for a, b in pairwise(moves)] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])


def test_the_first_step_of_a_warm_up_need_not_be_wasted() -> None:
    """bert#1293, verl#3674: a warm-up from 0 makes the first update at the rate 0. Where it starts is the user's choice."""
    for start, first in ((0.0, 0.0), (0.25, 0.25)):
        scheduler = ours.LRScheduler(sgd(1.0), lr=Linear(4, start=start))
        assert rates(scheduler.optimizer) == [first]
        assert go(scheduler, 4) == pytest.approx([start + (1 - start) * t / 4 for t in range(1, 5)])


def test_the_peaks_of_restarts_may_decay() -> None:
    """pytorch#195009: CosineAnnealingWarmRestarts knows no decay of its peaks."""
    with pytest.raises(TypeError):
        theirs.CosineAnnealingWarmRestarts(sgd(1.0), 4, decay=0.5)  # type: ignore[call-arg]
    scheduler = ours.LRScheduler(sgd(1.0), lr=Cosine(4, end=0.1).repeat(decay=0.5))
    expected = [0.1 + (0.5 ** (t // 4) - 0.1) * half_cosine(t % 4, 4) for t in range(13)]
    assert [*rates(scheduler.optimizer), *go(scheduler, 12)] == pytest.approx(expected)


@pytest.mark.parametrize(("unit", "total"), [("tokens", 2**42), ("samples", 1000), ("seconds", 3600.0), ("epochs", 2.5)])
def test_time_has_the_unit_that_the_user_wants(unit: str, total: float) -> None:
    """OLMo#411, Megatron-Bridge#2609, autocast#388: schedules count steps, and not tokens, samples or seconds."""
    scheduler = ours.LRScheduler(sgd(0.5), lr=Linear(total / 4) >> Cosine(total * 3 / 4))
    for part in (0, 1, 2, 3, 4, 6, 10, 16, 20):
        now = total * part / 16
        scheduler.step(now)
        level = part / 4 if part < 4 else half_cosine(min(part - 4, 12), 12)
        assert rates(scheduler.optimizer) == pytest.approx([0.5 * level])
        assert scheduler.lr_at(now) == rates(scheduler.optimizer)


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_position_does_not_depend_on_the_number_of_processes(processes: int, accumulated: int) -> None:
    """accelerate#3797, #1382, #963, LTX-Video-Trainer#67: stepped by every process or batch, the decay ends early."""
    samples, each = 64, 4
    scheduler = ours.LRScheduler(sgd(1.0), lr=Cosine(samples))
    for seen in range(0, samples, each * processes * accumulated):
        assert rates(scheduler.optimizer) == pytest.approx([half_cosine(seen, samples)])
        scheduler.optimizer.step()
        scheduler.step(seen + each * processes * accumulated)
    assert (scheduler.last_epoch, rates(scheduler.optimizer)) == (samples, pytest.approx([0.0]))


def test_our_schedulers_are_pytorchs_to_those_who_ask() -> None:
    """donut#178: Lightning says of a scheduler that it "doesn't follow the LRScheduler API"."""
    schedulers = [build(ours, sgd(1.0)) for build, _ in ALL.values()]
    optimizer = sgd(1.0)
    schedulers.append(ours.SequentialLR(optimizer, [ours.StepLR(optimizer, 3)], []))
    schedulers.append(ours.ChainedScheduler([ours.StepLR(optimizer, 3)]))
    schedulers += [ours.ReduceLROnPlateau(optimizer), ours.NoamScheduler(optimizer, 16, 4), ours.SWALR(optimizer, 0.1)]
    schedulers.append(ours.LRScheduler(optimizer, lr=Cosine(9)))
    assert all(isinstance(scheduler, theirs.LRScheduler) for scheduler in schedulers)
    plateaus = [scheduler for scheduler in schedulers if isinstance(scheduler, theirs.ReduceLROnPlateau)]
    assert [type(plateau) for plateau in plateaus] == [ours.ReduceLROnPlateau]
