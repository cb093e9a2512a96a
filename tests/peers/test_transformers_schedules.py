"""transformers' own functions, next to ours: the same rates in every group at every step, and states that go over."""

import copy
import inspect
import json
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
import transformers.optimization as theirs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers.trainer_pt_utils import LayerWiseDummyOptimizer
from transformers.trainer_utils import SchedulerType

from lucid.compat import transformers as ours
from lucid.schedules import Adafactor, Schedule

Rates = list[list[float]]

LRS = (0.01, 0.37)  # the optimizer's default, and a group of its own
STEPS = 100

CASES: dict[str, list[tuple[float | None, float | None, dict[str, Any]]]] = {
    "linear": [(10, 60, {}), (0, 60, {}), (10, 10, {}), (12, 5, {}), (0, 0, {}), (1, 2, {}), (6.3, 60, {}), (2, 2.5, {})],
    "cosine": [
        (10, 60, {}),
        (0, 60, {}),
        (7, 60, {"num_cycles": 1}),
        (7, 61, {"num_cycles": 2.7}),
        (5, 50, {"num_cycles": 0}),
        (12, 5, {}),
        (60, 60, {"num_cycles": 0.25}),
        (4.5, 60, {}),
    ],
    "cosine_with_restarts": [
        (10, 60, {}),
        (0, 60, {"num_cycles": 3}),
        (10, 30, {"num_cycles": 6}),  # a cycle is 10 thirds long
        (3, 64, {"num_cycles": 7}),
        (5, 50, {"num_cycles": 1.5}),
        (5, 50, {"num_cycles": 0}),
        (12, 5, {"num_cycles": 2}),
    ],
    "polynomial": [
        (10, 60, {}),
        (0, 60, {"lr_end": 1e-3}),
        (5, 50, {"lr_end": 0.0, "power": 2.0}),
        (5, 50, {"lr_end": 9e-3, "power": 0.5}),
        (12, 5, {"lr_end": 1e-3}),
        (6.5, 60, {"lr_end": 1e-3, "power": 3}),
    ],
    "constant": [(None, None, {}), (5, 50, {})],
    "constant_with_warmup": [(10, None, {}), (0, 50, {}), (1, None, {}), (6.5, None, {})],
    "inverse_sqrt": [(10, None, {}), (0, None, {}), (10, 60, {"timescale": 40}), (10, None, {"timescale": 3})],
    "reduce_lr_on_plateau": [(None, None, {}), (5, 50, {"factor": 0.5, "patience": 2, "min_lr": 1e-3, "cooldown": 1})],
    "cosine_with_min_lr": [
        (10, 60, {"min_lr": 1e-3}),
        (0, 60, {"min_lr_rate": 0.25}),
        (5, 50, {"min_lr_rate": 0.0, "num_cycles": 1.5}),
        (5, 50, {"min_lr": 0.01}),
        (12, 5, {"min_lr": 0}),
        (60, 60, {"min_lr_rate": 0.5, "num_cycles": 0.3}),
    ],
    "cosine_warmup_with_min_lr": [
        (10, 60, {"min_lr": 1e-3}),
        (0, 60, {"min_lr_rate": 0.25}),
        (1, 60, {"min_lr_rate": 0.25, "warmup_lr_rate": 0.5}),
        (10, 60, {"min_lr_rate": 0.25, "warmup_lr_rate": 0.1}),
        (10, 60, {"min_lr": 2e-3, "warmup_lr_rate": 0.0, "num_cycles": 1.25}),
        (10, 60, {"min_lr": 2e-3, "warmup_lr_rate": 1.5}),
        (12, 5, {"min_lr_rate": 0.1}),
    ],
    "warmup_stable_decay": [
        (10, 60, {"num_decay_steps": 20}),
        (10, None, {"num_decay_steps": 20, "num_stable_steps": 30, "decay_type": "linear", "min_lr_ratio": 0.1}),
        (10, 60, {"num_decay_steps": 20, "warmup_type": "cosine", "decay_type": "1-sqrt", "min_lr_ratio": 0.25}),
        (10, 60, {"num_decay_steps": 50, "warmup_type": "1-sqrt", "num_cycles": 2.3, "min_lr_ratio": 0.5}),
        (0, 60, {"num_decay_steps": 0, "min_lr_ratio": 0.3}),
        (10, 25, {"num_decay_steps": 20, "decay_type": "1-sqrt"}),  # no time for the stable phase, nor for all the decay
        (10, 25, {"num_decay_steps": 20, "num_cycles": 1.5, "min_lr_ratio": 0.1}),
        (12, 5, {"num_decay_steps": 3, "min_lr_ratio": 0.1}),
    ],
    "greedy": [
        (None, None, {"min_lr": 1e-4, "patience": 1}),
        (5, 50, {"factor": 0.5, "patience": 2, "warmup": 2, "cooldown": 1, "smooth": True, "window_size": 3, "reset_start": 2}),
    ],
}
CURVES = [name for name in CASES if name not in ("reduce_lr_on_plateau", "greedy")]
ALL = [(name, *case) for name, cases in CASES.items() for case in cases]
ALL_CURVES = [(name, *case) for name, *case in ALL if name in CURVES]
METRICS = [round(abs((t * 7919 % 61) / 61 - 0.5) + 1 / (t + 1), 3) for t in range(STEPS)]


def sgd(lr: float = LRS[0], **group: Any) -> torch.optim.Optimizer:
    one, two = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    return torch.optim.SGD([{"params": [one]}, {"params": [two], "lr": LRS[1], **group}], lr=lr)


def now(optimizer: Any) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def go_on(optimizer: Any, scheduler: Any, steps: int = STEPS, metrics: list[float] | None = None) -> Rates:
    """The rates of the groups at each step, the present one first."""
    rates = [now(optimizer)]
    for t in range(steps):
        optimizer.step()
        scheduler.step() if metrics is None else scheduler.step(metrics[t])
        rates.append(now(optimizer))
    return rates


def assert_same(a: Rates, b: Rates, relative: float = 1e-12) -> None:
    assert len(a) == len(b)
    for t, (left, right) in enumerate(zip(a, b, strict=True)):
        for x, y, lr in zip(left, right, LRS, strict=True):
            assert abs(x - y) <= relative * lr, (t, left, right)


def both(name: Any, *arguments: Any, of: Callable[[], Any] = sgd) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """(optimizer, scheduler), theirs and ours."""
    made = []
    for module in (theirs, ours):
        optimizer = of()
        made.append((optimizer, module.get_scheduler(name, optimizer, *arguments)))
    return made[0], made[1]


def test_every_scheduler_type_is_here_and_no_other() -> None:
    names = [kind.value for kind in SchedulerType]
    assert sorted(names) == sorted(ours.TYPE_TO_SCHEDULER_FUNCTION) == sorted(CASES)
    for kind in SchedulerType:
        assert ours.TYPE_TO_SCHEDULER_FUNCTION[kind.value].__name__ == theirs.TYPE_TO_SCHEDULER_FUNCTION[kind].__name__


PUBLIC = sorted(name for name in vars(theirs) if name.startswith("get_"))


@pytest.mark.parametrize("name", [*PUBLIC, "AdafactorSchedule"])
def test_every_function_has_their_signature(name: str) -> None:
    mine, yours = (inspect.signature(getattr(module, name)).parameters.values() for module in (ours, theirs))
    assert [(p.name, p.kind, p.default) for p in mine] == [(p.name, p.kind, p.default) for p in yours]
    assert name in ours.__all__


@pytest.mark.parametrize("case", ALL, ids=str)
def test_the_same_rates_at_every_step(case: tuple[Any, ...]) -> None:
    name, *arguments = case
    metrics = None if name in CURVES else METRICS
    a, b = both(name, *arguments)
    assert_same(go_on(*a, metrics=metrics), go_on(*b, metrics=metrics))
    assert isinstance(b[1], torch.optim.lr_scheduler.LRScheduler)


@pytest.mark.parametrize("case", ALL_CURVES, ids=str)
def test_the_curve_without_stepping(case: tuple[Any, ...]) -> None:
    name, *arguments = case
    a, b = both(name, *arguments)
    schedule = Schedule.from_json(b[1].schedule.to_json())
    assert schedule == b[1].schedule
    walked = go_on(*a)
    assert_same(walked, [b[1].lr_at(t) for t in range(STEPS + 1)])
    assert_same(walked, [[schedule(t, lr) for lr in LRS] for t in range(STEPS + 1)])
    times = torch.arange(STEPS + 1, dtype=torch.float64)
    at_once = [schedule.at(times, lr).tolist() for lr in LRS]
    assert_same(walked, [list(pair) for pair in zip(*at_once, strict=True)])


CYCLES = st.just(0) | st.floats(0.01, 3)


@settings(max_examples=60, deadline=None, derandomize=True)
@example(data=("linear", 2, 2.5, {}))
@given(
    data=st.one_of(
        st.tuples(st.just("linear"), st.floats(0, 20), st.floats(0, 60), st.just({})),
        st.tuples(st.just("cosine"), st.floats(0, 20), st.floats(0, 60), st.fixed_dictionaries({"num_cycles": CYCLES})),
        st.tuples(
            st.just("polynomial"),
            st.integers(0, 20),
            st.integers(21, 60),
            st.fixed_dictionaries({"lr_end": st.floats(0, 9e-3), "power": st.floats(0.1, 4)}),
        ),
        st.tuples(
            st.just("cosine_warmup_with_min_lr"),
            st.integers(0, 20),
            st.integers(0, 60),
            st.fixed_dictionaries({"min_lr_rate": st.floats(0, 1), "num_cycles": CYCLES}),
        ),
        st.tuples(
            st.just("warmup_stable_decay"),
            st.integers(0, 20),
            st.integers(0, 60),
            st.fixed_dictionaries(
                {
                    "num_decay_steps": st.integers(0, 30),
                    "warmup_type": st.sampled_from(["linear", "cosine", "1-sqrt"]),
                    "decay_type": st.sampled_from(["linear", "cosine", "1-sqrt"]),
                    "min_lr_ratio": st.floats(0, 1),
                    "num_cycles": CYCLES,
                }
            ),
        ),
    )
)
def test_the_same_rates_for_any_numbers(data: tuple[Any, ...]) -> None:
    a, b = both(*data)
    assert_same(go_on(*a), go_on(*b), 1e-11)


@pytest.mark.parametrize("kind", SchedulerType)
def test_their_enum_is_a_name(kind: SchedulerType) -> None:
    _, _, kwargs = CASES[kind.value][0]
    scheduler = ours.get_scheduler(kind, sgd(), 10, 60, kwargs)
    assert repr(scheduler) == repr(ours.get_scheduler(kind.value, sgd(), 10, 60, kwargs))


# -- states


@pytest.mark.parametrize("at", [0, 4, 37, 80])
@pytest.mark.parametrize("name", CASES)
def test_a_state_goes_through_json_and_resumes(name: str, at: int) -> None:
    arguments = CASES[name][0]
    metrics = None if name in CURVES else METRICS
    optimizer = sgd()
    scheduler = ours.get_scheduler(name, optimizer, *arguments)
    go_on(optimizer, scheduler, at, metrics)
    state = json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))
    fresh = sgd()
    resumed = ours.get_scheduler(name, fresh, *arguments)
    resumed.load_state_dict(state)
    rest = None if metrics is None else metrics[at:]
    assert go_on(fresh, resumed, STEPS - at, rest) == go_on(optimizer, scheduler, STEPS - at, rest)  # bit by bit


@pytest.mark.parametrize("at", [0, 4, 37, 80])
@pytest.mark.parametrize("case", ALL, ids=str)
def test_their_state_goes_on_with_ours(case: tuple[Any, ...], at: int) -> None:
    name, *arguments = case
    metrics = None if name in CURVES else METRICS
    rest = None if metrics is None else metrics[at:]
    a, b = both(name, *arguments)
    go_on(*a, at, metrics)
    b[1].load_state_dict(copy.deepcopy(a[1].state_dict()))
    assert_same(go_on(*a, STEPS - at, rest), go_on(*b, STEPS - at, rest))


def test_other_states_are_refused() -> None:
    optimizer = sgd()
    state = torch.optim.lr_scheduler.StepLR(optimizer, 3).state_dict()
    with pytest.raises(ValueError, match="LRScheduler: the state must be Lucid's or that of transformers'"):
        ours.get_scheduler("linear", optimizer, 0, 10).load_state_dict(state)


@pytest.mark.parametrize("name", CURVES)
def test_last_epoch(name: str) -> None:
    w, n, kwargs = CASES[name][0]
    function = ours.TYPE_TO_SCHEDULER_FUNCTION[name].__name__
    given = {"num_warmup_steps": w, "num_training_steps": n}
    given = {key: value for key, value in given.items() if key in inspect.signature(getattr(theirs, function)).parameters}
    walked = []
    for module in (theirs, ours):
        optimizer = sgd()
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"] * 2
        scheduler = getattr(module, function)(optimizer, **given, **kwargs, last_epoch=6)
        assert scheduler.last_epoch == 7
        walked.append(go_on(optimizer, scheduler))
    assert_same(*walked)


@pytest.mark.parametrize("at", [3, 30, 60, 99])
def test_a_second_training_on_the_same_optimizer(at: int) -> None:
    """It starts from the rates of the first one, which had brought them down, to nothing maybe."""
    walked = []
    for module in (theirs, ours):
        optimizer = sgd()
        first = module.get_scheduler("linear", optimizer, 10, 60)
        go_on(optimizer, first, at)
        second = module.get_scheduler("cosine", optimizer, 5, 60)
        walked.append(go_on(optimizer, second))
    assert_same(*walked)


# -- refusals


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("linear", (None, 10)),
        ("linear", (5, None)),
        ("cosine", (None, None)),
        ("cosine", (5, None)),
        ("cosine_with_restarts", (5, None)),
        ("polynomial", (5, None)),
        ("polynomial", (5, 50, {"lr_end": 0.01})),
        ("constant_with_warmup", (None, 10)),
        ("inverse_sqrt", (None, 10)),
        ("cosine_with_min_lr", (5, 50)),
        ("cosine_with_min_lr", (5, 50, {"min_lr": 0.0, "min_lr_rate": 0.0})),
        ("cosine_with_min_lr", (5, None, {"min_lr": 0.0})),
        ("cosine_warmup_with_min_lr", (5, 50)),
        ("cosine_warmup_with_min_lr", (5, 50, {"min_lr": 0.0, "min_lr_rate": 0.0})),
        ("warmup_stable_decay", (None, 50, {"num_decay_steps": 5})),
        ("warmup_stable_decay", (5, None, {"num_decay_steps": 5})),
        ("warmup_stable_decay", (5, 50, {"num_decay_steps": 5, "warmup_type": "exp"})),
        ("warmup_stable_decay", (5, 50, {"num_decay_steps": 5, "decay_type": "exp"})),
        ("warmup_stable_decay", (5, 50)),
        ("linear", (5, 50, {"num_cycles": 1})),
        ("reduce_lr_on_plateau", (5, 50, {"patients": 1})),
        ("greedy", (5, 50, {"patients": 1})),
        ("nothing", (5, 50)),
    ],
)
def test_what_they_refuse_we_refuse(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        theirs.get_scheduler(name, sgd(), *arguments)
    with pytest.raises(refused.type):  # worded in test_compat_transformers.py
        ours.get_scheduler(name, sgd(), *arguments)


# -- where we differ: each occurs


def test_polynomial_at_once() -> None:
    a, b = both("polynomial", 7, 7, {"lr_end": 1e-3})
    with pytest.raises(ZeroDivisionError):
        go_on(*a, 7)
    assert go_on(*b, 7)[-1] == [1e-3, LRS[1] * 1e-3 / LRS[0]]


def test_polynomial_to_the_power_of_zero() -> None:
    a, b = (go_on(*one, 12) for one in both("polynomial", 0, 10, {"lr_end": 1e-3, "power": 0}))
    assert [t for t in range(13) if abs(a[t][0] - b[t][0]) > 1e-12] == [10]
    assert a[10][0] == pytest.approx(0.01)
    assert b[10][0] == pytest.approx(1e-3)


def test_restarts_that_rounding_misses() -> None:
    a, b = (go_on(*one, 22) for one in both("cosine_with_restarts", 0, 22, {"num_cycles": 22}))
    assert [t for t in range(23) if abs(a[t][0] - b[t][0]) > 1e-12] == [15]
    assert a[15][0] < 1e-12
    assert [rates[0] for rates in b] == [0.01] * 22 + [0.0]


@pytest.mark.parametrize("kwargs", [{}, {"warmup_lr_rate": 0.5}])
def test_a_fractional_warmup_overshoots(kwargs: dict[str, Any]) -> None:
    a, b = (go_on(*one, 70) for one in both("cosine_warmup_with_min_lr", 2.5, 60, {"min_lr_rate": 0.1, **kwargs}))
    assert [t for t in range(71) if abs(a[t][0] - b[t][0]) > 1e-12] == [2]
    assert a[2][0] > 0.0115
    assert b[2][0] == pytest.approx(0.01, rel=1e-15)


def test_floors_above_the_rate() -> None:
    kwargs = {"min_lr": 0.02}
    assert max(go_on(*(o := sgd(), theirs.get_scheduler("cosine_with_min_lr", o, 0, 9, kwargs))))[1] > 0.7
    with pytest.raises(ValueError, match="min_lr must be at most"):
        ours.get_scheduler("cosine_with_min_lr", sgd(), 0, 9, kwargs)


def test_steps_told_twice() -> None:
    arguments = ("warmup_stable_decay", sgd(), 5, 20, {"num_decay_steps": 5, "num_stable_steps": 10})
    with pytest.warns(UserWarning, match="Both num_training_steps"):
        theirs.get_scheduler(*arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.get_scheduler(*arguments)


def test_kwargs_that_constants_do_not_have() -> None:
    theirs.get_scheduler("constant", sgd(), scheduler_specific_kwargs={"num_cycles": 1})
    with pytest.raises(TypeError, match="num_cycles"):
        ours.get_scheduler("constant", sgd(), scheduler_specific_kwargs={"num_cycles": 1})


def test_edits() -> None:
    a, b = both("linear", 0, 10)
    for optimizer, scheduler in (a, b):
        go_on(optimizer, scheduler, 2)
        for group in optimizer.param_groups:
            group["lr"] *= 0.5
    assert_same([[lr / 2 for lr in rates] for rates in go_on(*a, 8)[1:]], go_on(*b, 8)[1:])


# -- a scheduler for the optimizers of all layers


def layers(lr: float = LRS[0]) -> tuple[Any, dict[Any, Any]]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizers = {p: torch.optim.SGD([p], lr=lr) for p in model.parameters()}

    def update(parameter: Any) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in optimizers:
        parameter.register_post_accumulate_grad_hook(update)
    return model, optimizers


@pytest.mark.parametrize(("name", "kwargs"), [("linear", {}), ("cosine_with_min_lr", {"min_lr": 1e-3}), ("polynomial", {})])
def test_layers(name: str, kwargs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _, optimizers = layers()
    with pytest.raises(ValueError, match="zip"):  # their dummy scheduler has one group, and this PyTorch counts
        theirs.get_scheduler(name, LayerWiseDummyOptimizer(optimizer_dict=optimizers, lr=LRS[0]), 3, 12, kwargs)
    monkeypatch.setattr(theirs, "LayerWiseDummyScheduler", lambda **_: None)  # their hooks do without
    trained, used = [], []
    for module in (theirs, ours):
        model, optimizers = layers()
        dummy = LayerWiseDummyOptimizer(optimizer_dict=optimizers, lr=LRS[0])
        scheduler = module.get_scheduler(name, dummy, 3, 12, kwargs)
        rates = []
        for _ in range(15):
            rates.append([now(optimizer) for optimizer in optimizers.values()])
            model(torch.ones(2, 3)).square().sum().backward()
            if scheduler is not None:
                scheduler.step()
        trained.append([p.tolist() for p in model.parameters()])
        used.append(rates)
    assert [[lr for one in rates for lr in one] for rates in used[1]] == [
        pytest.approx([lr for one in rates for lr in one], rel=1e-12) for rates in used[0]
    ]
    assert trained[1] == [pytest.approx(p) if isinstance(p[0], float) else [pytest.approx(r) for r in p] for p in trained[0]]


def test_layers_resume_and_follow_a_metric() -> None:
    _, optimizers = layers()
    scheduler = ours.get_scheduler("linear", LayerWiseDummyOptimizer(optimizer_dict=optimizers), 3, 12)
    for _ in range(7):
        scheduler.step()
    _, fresh = layers()
    resumed = ours.get_scheduler("linear", LayerWiseDummyOptimizer(optimizer_dict=fresh), 3, 12)
    resumed.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    assert [now(o) for o in fresh.values()] == [now(o) for o in optimizers.values()] == [[LRS[0] * 5 / 9]] * 4
    plateau = ours.get_scheduler(
        "reduce_lr_on_plateau",
        LayerWiseDummyOptimizer(optimizer_dict=layers(0.5)[1]),
        scheduler_specific_kwargs={"patience": 0, "factor": 0.5},
    )
    plateau.step(1.0)
    plateau.step(1.0)
    assert plateau.get_last_lr() == [0.25] * 4


# -- Adafactor, which computes its rates itself


def adafactor(**options: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    return model, theirs.Adafactor([{"params": [model.weight]}, {"params": [model.bias]}], **options)


def update(model: Any, optimizer: Any) -> None:
    optimizer.zero_grad()
    (model(torch.ones(2, 3)) - 1).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("warmup", [True, False])
@pytest.mark.parametrize("initial_lr", [0.0, 0.5])
def test_adafactors_rates_are_shown(scale: bool, warmup: bool, initial_lr: float) -> None:
    told, trained = [], []
    for module in (theirs, ours):
        model, optimizer = adafactor(scale_parameter=scale, warmup_init=warmup)
        scheduler = module.get_adafactor_schedule(optimizer, initial_lr)
        assert "initial_lr" not in optimizer.param_groups[0]
        rates = [[float(lr) for lr in scheduler.get_last_lr()]]
        for _ in range(12):
            update(model, optimizer)
            scheduler.step()
            assert now(optimizer) == [float(lr) for lr in scheduler.get_last_lr()]
            rates.append(now(optimizer))
        told.append(rates)
        trained.append([p.tolist() for p in model.parameters()])
    assert told[0] == told[1]
    assert told[0][0] == [initial_lr] * 2
    assert trained[0] == trained[1]


def test_adafactors_state_resumes_theirs_too() -> None:
    for module in (theirs, ours):
        model, optimizer = adafactor()
        scheduler = module.AdafactorSchedule(optimizer, 0.5)
        for _ in range(3):
            update(model, optimizer)
            scheduler.step()
        state = scheduler.state_dict()
        if module is ours:
            state = json.loads(json.dumps(state, allow_nan=False))
        copied, fresh = adafactor()
        copied.load_state_dict(model.state_dict())
        fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        resumed = ours.AdafactorSchedule(fresh, 0.5)
        resumed.load_state_dict(state)
        assert resumed.last_epoch == 3
        assert now(fresh) == now(optimizer)
        for one, of, by in ((model, optimizer, scheduler), (copied, fresh, resumed)):
            update(one, of)
            by.step()
        assert now(fresh) == now(optimizer)


def test_adafactors_rates_without_gradients() -> None:
    shown = []
    for module in (theirs, ours):
        model, optimizer = adafactor()
        scheduler = module.AdafactorSchedule(optimizer, 0.5)
        update(model, optimizer)
        optimizer.zero_grad()
        scheduler.step()
        shown.append(now(optimizer))
    assert shown[0] == [0.5, 0.5]
    assert all(0 < lr < 0.5 for lr in shown[1])


def test_adafactor_with_rates_of_the_users_own() -> None:
    """What is shown is written into the group, and there it is the rate of the next step: theirs shrinks on and on."""
    model, own = adafactor(lr=0.5, relative_step=False)
    scheduler, rates = theirs.AdafactorSchedule(own, 0.5), [0.5]
    for _ in range(4):
        update(model, own)
        scheduler.step()
        rates.append(now(own)[0])
    assert all(after < 0.7 * before for before, after in pairwise(rates))
    _, own = adafactor(lr=0.1, relative_step=False)
    with pytest.raises(ValueError, match=r"AdafactorSchedule: parameter group 0 must have relative_step=True, got False"):
        ours.AdafactorSchedule(own)
    assert now(own) == [0.1, 0.1]
    with pytest.raises(TypeError, match=r"AdafactorSchedule: optimizer must be transformers' Adafactor, .* got SGD"):
        ours.AdafactorSchedule(sgd())


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("warmup", [True, False])
def test_adafactors_relative_step_from_a_schedule(scale: bool, warmup: bool) -> None:
    from lucid.optim.lr_scheduler import LRScheduler

    model, optimizer = adafactor(scale_parameter=scale, warmup_init=warmup)
    mine, of = adafactor(scale_parameter=scale, relative_step=False, lr=1.0)
    scheduler = LRScheduler(of, lr=Adafactor(warmup_init=warmup))
    for _ in range(12):
        update(model, optimizer)
        update(mine, of)
        scheduler.step()
    assert [p.tolist() for p in mine.parameters()] == [p.tolist() for p in model.parameters()]
