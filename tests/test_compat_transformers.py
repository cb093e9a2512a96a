"""transformers' schedulers in Lucid: values found by hand, states, refusals. Side by side they are in tests/peers."""

import enum
import inspect
import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as torchs

from lucid.compat import transformers as hf
from lucid.optim import lr_scheduler as lucids
from lucid.schedules import Constant, Cosine, Schedule

HIGH, LOW = (1 + math.sqrt(0.5)) / 2, (1 - math.sqrt(0.5)) / 2  # of a cosine, at a quarter and at three quarters

# name, steps of the warm-up and of the training, the other arguments, and {time: multiple of the base}
CURVES: list[tuple[str, Any, Any, dict[str, Any], dict[float, float]]] = [
    ("linear", 2, 6, {}, {0: 0, 1: 0.5, 2: 1, 3: 0.75, 4: 0.5, 5: 0.25, 6: 0, 100: 0}),
    ("linear", 0, 4, {}, {0: 1, 1: 0.75, 4: 0}),
    ("linear", 4, 2, {}, {1: 0.25, 3: 0.75, 4: 0, 5: 0}),  # the training is over within the warm-up
    ("linear", 4, 4, {}, {3: 0.75, 4: 0}),
    ("linear", 0, 0, {}, {0: 0}),
    ("linear", 2, 2.5, {}, {1: 0.5, 2: 0.5, 3: 0}),  # half a step before the end
    ("cosine", 2, 6, {}, {0: 0, 1: 0.5, 2: 1, 3: HIGH, 4: 0.5, 5: LOW, 6: 0, 7: LOW, 8: 0.5, 10: 1}),
    ("cosine", 0, 4, {"num_cycles": 1}, {0: 1, 1: 0.5, 2: 0, 3: 0.5, 4: 1, 6: 0}),
    ("cosine", 2, 6, {"num_cycles": 0}, {1: 0.5, 2: 1, 6: 1, 100: 1}),
    ("cosine", 4, 2, {}, {3: 0.75, 4: 1, 5: 0, 6: 1}),
    ("cosine_with_restarts", 2, 10, {"num_cycles": 2}, {1: 0.5, 2: 1, 4: 0.5, 5: LOW, 6: 1, 8: 0.5, 9: LOW, 10: 0, 99: 0}),
    ("cosine_with_restarts", 0, 20, {"num_cycles": 6}, {0: 1, 5: 0.5, 10: 1, 15: 0.5, 20: 0}),  # cycles of 10 thirds
    ("cosine_with_restarts", 0, 6, {"num_cycles": 1.5}, {0: 1, 2: 0.5, 4: 1, 5: HIGH, 6: 0}),
    ("cosine_with_restarts", 1, 4, {"num_cycles": 0}, {0: 0, 1: 1, 3: 1, 4: 0}),
    ("cosine_with_restarts", 4, 2, {"num_cycles": 2}, {3: 0.75, 4: 1, 5: 0}),
    ("polynomial", 2, 6, {"lr_end": 0.25, "power": 2}, {1: 0.5, 2: 1, 3: 0.78125, 4: 0.625, 5: 0.53125, 6: 0.5, 9: 0.5}),
    ("polynomial", 0, 4, {"lr_end": 0.0}, {0: 1, 1: 0.75, 4: 0}),
    ("polynomial", 0, 4, {}, {0: 1, 2: 0.5000001, 4: 2e-7, 9: 2e-7}),
    ("polynomial", 0, 4, {"lr_end": 0.25, "power": 0}, {0: 1, 3: 1, 4: 0.5, 5: 0.5}),
    ("polynomial", 4, 4, {"lr_end": 0.25}, {2: 0.5, 4: 0.5, 5: 0.5}),
    ("constant", None, None, {}, {0: 1, 1000: 1}),
    ("constant_with_warmup", 4, None, {}, {0: 0, 1: 0.25, 3: 0.75, 4: 1, 1000: 1}),
    ("constant_with_warmup", 0, None, {}, {0: 1, 1000: 1}),
    ("inverse_sqrt", 4, None, {}, {0: 0, 2: 0.5, 4: 1, 16: 0.5, 36: 1 / 3}),
    ("inverse_sqrt", 4, None, {"timescale": 12}, {2: 0.5, 4: 1, 40: 0.5}),
    ("inverse_sqrt", 0, None, {}, {0: 1, 30_000: 0.5}),
    ("cosine_with_min_lr", 2, 6, {"min_lr": 0.25}, {1: 0.5, 2: 1, 4: 0.75, 6: 0.5, 8: 0.75, 10: 1}),
    ("cosine_with_min_lr", 0, 4, {"min_lr_rate": 0.2, "num_cycles": 1}, {0: 1, 1: 0.6, 2: 0.2, 4: 1}),
    ("cosine_with_min_lr", 0, 4, {"min_lr": 0.5}, {0: 1, 2: 1, 4: 1}),  # the default rate itself
    ("cosine_with_min_lr", 0, 4, {"min_lr_rate": 1}, {0: 1, 2: 1, 4: 1}),
    ("cosine_warmup_with_min_lr", 4, 8, {"min_lr_rate": 0.5}, {0: 0.25, 1: 0.5, 2: 0.75, 3: 1, 5: 0.75, 7: 0.5, 9: 0.75}),
    ("cosine_warmup_with_min_lr", 3, 7, {"min_lr": 0, "warmup_lr_rate": 0.5}, {0: 0.5, 1: 0.75, 2: 1, 4: 0.5, 6: 0}),
    ("cosine_warmup_with_min_lr", 3, 7, {"min_lr": 0, "warmup_lr_rate": 0}, {0: 0, 1: 0.5, 2: 1}),
    ("cosine_warmup_with_min_lr", 1, 5, {"min_lr": 0, "warmup_lr_rate": 0.5}, {0: 0.5, 1: HIGH, 2: 0.5}),
    ("cosine_warmup_with_min_lr", 0, 4, {"min_lr": 0}, {0: HIGH, 1: 0.5, 3: 0}),
    ("cosine_warmup_with_min_lr", 2.5, 6.5, {"min_lr": 0}, {0: 0.4, 1: 0.8, 2: 1, 3.5: 0.5}),
    ("warmup_stable_decay", 2, 8, {"num_decay_steps": 4}, {0: 0, 1: 0.5, 2: 1, 3: 1, 4: 1, 5: HIGH, 6: 0.5, 8: 0, 12: 0}),
    (
        "warmup_stable_decay",
        2,
        None,
        {"num_decay_steps": 4, "num_stable_steps": 1, "decay_type": "linear", "min_lr_ratio": 0.5},
        {0: 0.5, 1: 0.75, 2: 1, 3: 1, 4: 0.875, 5: 0.75, 6: 0.625, 7: 0.5, 8: 0.5},
    ),
    (
        "warmup_stable_decay",
        4,
        12,
        {"num_decay_steps": 4, "warmup_type": "cosine", "decay_type": "1-sqrt", "min_lr_ratio": 0.2},
        {0: 0.2, 1: 0.2 + 0.8 * LOW, 2: 0.6, 4: 1, 8: 1, 9: 0.6, 12: 0.2},
    ),
    ("warmup_stable_decay", 4, 12, {"num_decay_steps": 4, "warmup_type": "1-sqrt"}, {0: 0, 3: 0.5, 4: 1}),
    ("warmup_stable_decay", 2, 4, {"num_decay_steps": 4, "decay_type": "linear"}, {1: 0.5, 2: 0.5, 3: 0.25, 4: 0}),
    ("warmup_stable_decay", 2, 4, {"num_decay_steps": 4, "num_cycles": 1}, {1: 0.5, 2: 0, 3: 0.5, 4: 0, 5: 0}),
    ("warmup_stable_decay", 4, 2, {"num_decay_steps": 1, "min_lr_ratio": 0.5}, {2: 0.75, 4: 0.5, 9: 0.5}),
    ("warmup_stable_decay", 0, 1.5, {"num_decay_steps": 1.5, "decay_type": "linear"}, {0: 1, 1: 1 / 3, 2: 0}),
    ("warmup_stable_decay", 0.75, 1.25, {"num_decay_steps": 0.5, "decay_type": "linear"}, {0: 0, 1: 0.75, 2: 0}),
    ("warmup_stable_decay", 0, 4, {"num_decay_steps": 0}, {0: 1, 3: 1, 4: 0}),
    ("warmup_stable_decay", 0, 4, {"num_decay_steps": 4, "num_cycles": 1}, {0: 1, 1: 0.5, 2: 0, 3: 0.5, 4: 0}),
]
FOLLOW_A_METRIC = ("reduce_lr_on_plateau", "greedy")


def sgd(*others: float, lr: float = 0.5) -> torch.optim.SGD:
    groups: list[dict[str, Any]] = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(1 + len(others))]
    for group, other in zip(groups[1:], others, strict=True):
        group["lr"] = other
    return torch.optim.SGD(groups, lr=lr)


@pytest.mark.parametrize(("name", "warmup", "training", "kwargs", "values"), CURVES)
def test_values(name: str, warmup: Any, training: Any, kwargs: dict[str, Any], values: dict[float, float]) -> None:
    optimizer = sgd(4.0)
    scheduler = hf.get_scheduler(name, optimizer, warmup, training, kwargs)
    schedule = scheduler.schedule
    for t, value in values.items():
        assert scheduler.lr_at(t) == pytest.approx([0.5 * value, 4.0 * value], rel=1e-14, abs=1e-15), t
        assert schedule(t) == pytest.approx(value, rel=1e-14, abs=1e-15), t
    for t in range(9):
        assert [group["lr"] for group in optimizer.param_groups] == scheduler.lr_at(t) == scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    assert schedule.affine  # so that edits persist
    assert schedule(3, 0.0) == 0.0
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert isinstance(scheduler, lucids.LRScheduler)
    assert isinstance(scheduler, torchs.LRScheduler)


def test_what_is_not_there_takes_no_part() -> None:
    half = Cosine(4.0, hold=False)
    assert hf.get_scheduler("cosine", sgd(), 0, 4).schedule == half
    assert hf.get_scheduler("cosine_with_min_lr", sgd(), 0, 4, {"min_lr": 0}).schedule == half
    assert hf.get_scheduler("cosine_warmup_with_min_lr", sgd(), 0, 4, {"min_lr": 0}).schedule == half.shift(-1)
    stages = hf.get_scheduler("warmup_stable_decay", sgd(), 0, 4, {"num_decay_steps": 4}).schedule
    assert stages == half[:4] >> Constant(0.0)
    stages = hf.get_scheduler("warmup_stable_decay", sgd(), 0, 4, {"num_decay_steps": 0}).schedule
    assert stages == Constant(steps=4) >> Constant(0.0)


@pytest.mark.parametrize("name", [name for name in hf.TYPE_TO_SCHEDULER_FUNCTION if name not in FOLLOW_A_METRIC])
def test_last_epoch(name: str) -> None:
    warmup, training, kwargs, _ = next(row[1:] for row in CURVES if row[0] == name)
    function = hf.TYPE_TO_SCHEDULER_FUNCTION[name]
    steps = {"num_warmup_steps": warmup, "num_training_steps": training}
    steps = {field: given for field, given in steps.items() if field in inspect.signature(function).parameters}
    optimizer = sgd(4.0)
    with pytest.raises(KeyError, match="param 'initial_lr' is not specified"):
        function(optimizer, **steps, **kwargs, last_epoch=0)
    for group in optimizer.param_groups:
        group["initial_lr"], group["lr"] = group["lr"], 0.1
    scheduler = function(optimizer, **steps, **kwargs, last_epoch=3)
    assert scheduler.last_epoch == 4
    assert scheduler.get_last_lr() == scheduler.lr_at(4) == [lr * scheduler.schedule(4) for lr in (0.5, 4.0)]


def test_every_name_is_in_the_table() -> None:
    assert {*FOLLOW_A_METRIC, *(name for name, *_ in CURVES)} == set(hf.TYPE_TO_SCHEDULER_FUNCTION)


def test_no_restart_is_missed() -> None:
    """Each cycle of the c begins where it should: at the whole steps that are so many c-ths of the training."""
    for steps in range(1, 30):
        for cycles in range(1, 30):
            schedule = hf.get_scheduler("cosine_with_restarts", sgd(), 0, steps, {"num_cycles": cycles}).schedule
            for t in range(steps):
                progress = cycles * t % steps / steps
                assert schedule(t) == pytest.approx((1 + math.cos(math.pi * progress)) / 2, abs=1e-12), (steps, cycles, t)
    schedule = hf.get_scheduler("cosine_with_restarts", sgd(), 0, 20, {"num_cycles": 2}).schedule
    assert schedule == Cosine(10).repeat()[:20] >> Constant(0.0)


class Name(enum.Enum):
    LINEAR = "linear"
    GREEDY = "greedy"


def test_names_of_an_enum() -> None:
    assert hf.get_scheduler(Name.LINEAR, sgd(), 2, 6).schedule == hf.get_scheduler("linear", sgd(), 2, 6).schedule
    optimizer = sgd()
    greedy = hf.get_scheduler(Name.GREEDY, optimizer, scheduler_specific_kwargs={"patience": 0, "factor": 0.5})
    assert type(greedy) is lucids.GreedyLR
    for metric in (1.0, 0.5, 0.6):
        optimizer.step()
        greedy.step(metric)
    assert greedy.get_last_lr() == [0.5]  # up to the ceiling, stays there, and down


def test_plateau_and_greedy_are_ours() -> None:
    optimizer = sgd()
    plateau = hf.get_scheduler("reduce_lr_on_plateau", optimizer, 5, 50, {"patience": 0, "factor": 0.5})
    assert type(plateau) is lucids.ReduceLROnPlateau
    for _ in range(2):
        optimizer.step()
        plateau.step(1.0)
    assert plateau.get_last_lr() == [0.25]
    assert type(hf.get_reduce_on_plateau_schedule(sgd(), mode="max")) is lucids.ReduceLROnPlateau
    assert type(hf.get_greedy_schedule(sgd(), mode="max")) is lucids.GreedyLR


# -- states


@pytest.mark.parametrize(("name", "warmup", "training", "kwargs", "values"), CURVES)
def test_states(name: str, warmup: Any, training: Any, kwargs: dict[str, Any], values: dict[float, float]) -> None:
    optimizer = sgd(4.0)
    scheduler = hf.get_scheduler(name, optimizer, warmup, training, kwargs)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    text = json.dumps(scheduler.state_dict(), allow_nan=False)
    state = json.loads(text)
    assert Schedule.from_dict(state["lr"]) == scheduler.schedule

    fresh = sgd(4.0)
    plain = lucids.LRScheduler(fresh, lr=scheduler.schedule)  # the states go to and fro
    plain.load_state_dict(state)
    again = hf.get_scheduler(name, sgd(4.0), warmup, training, kwargs)
    again.load_state_dict(plain.state_dict())
    for _ in range(5):
        scheduler.step()
        plain.step()
        again.step()
        assert scheduler.get_last_lr() == plain.get_last_lr() == again.get_last_lr()


def test_a_state_of_lambda_lr() -> None:
    """transformers' schedulers are LambdaLRs, whose states know the position and the bases, but no formula."""

    def fall(t: int) -> float:
        return max(0.0, (10 - t) / 10)

    optimizer = sgd(4.0)
    theirs = torchs.LambdaLR(optimizer, fall)
    for _ in range(3):
        optimizer.step()
        theirs.step()
    ours = hf.get_scheduler("linear", sgd(4.0), 0, 10)
    ours.load_state_dict(theirs.state_dict())
    assert ours.last_epoch == 3
    assert ours.get_last_lr() == pytest.approx([0.35, 2.8])
    ours.step()
    assert ours.get_last_lr() == pytest.approx([0.3, 2.4])
    other = torchs.StepLR(optimizer, 3).state_dict()
    with pytest.raises(
        ValueError, match="LRScheduler: the state must be Lucid's or that of transformers' scheduler of the same"
    ):
        ours.load_state_dict(other)
    assert ours.get_last_lr() == pytest.approx([0.3, 2.4])


def test_a_second_scheduler_starts_from_initial_lr() -> None:
    optimizer = sgd(4.0)
    first = hf.get_scheduler("linear", optimizer, 0, 4)
    for steps, lrs in ((3, [0.125, 1.0]), (1, [0.0, 0.0])):
        for _ in range(steps):
            optimizer.step()
            first.step()
        assert first.get_last_lr() == lrs
        assert hf.get_scheduler("constant", optimizer).get_last_lr() == [0.5, 4.0]
        for group, lr in zip(optimizer.param_groups, lrs, strict=True):
            group["lr"] = lr


def test_edits_stay() -> None:
    optimizer = sgd()
    scheduler = hf.get_scheduler("polynomial", optimizer, 0, 4, {"lr_end": 0.25})
    optimizer.param_groups[0]["lr"] *= 2
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [2 * 0.4375]


# -- layers


def test_layers_are_one() -> None:
    layers = {"a": sgd(), "b": sgd(4.0)}
    scheduler = hf.get_scheduler("cosine_with_min_lr", SimpleNamespace(optimizer_dict=layers), 0, 4, {"min_lr": 0.25})
    for _ in range(2):
        scheduler.step()
    assert [[group["lr"] for group in layer.param_groups] for layer in layers.values()] == [[0.375], [0.375, 3.0]]
    fresh = {"a": sgd(), "b": sgd(4.0)}
    again = hf.get_scheduler("cosine_with_min_lr", SimpleNamespace(optimizer_dict=fresh), 0, 4, {"min_lr": 0.25})
    again.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    assert [[group["lr"] for group in layer.param_groups] for layer in fresh.values()] == [[0.375], [0.375, 3.0]]


def test_layers_with_defaults_of_their_own() -> None:
    layers = SimpleNamespace(optimizer_dict={"a": sgd(lr=0.5), "b": sgd(lr=0.25)})
    assert hf.get_scheduler("linear", layers, 0, 4).get_last_lr() == [0.5, 0.25]
    with pytest.raises(ValueError, match=r"lr_end is a share of optimizer.defaults\['lr'\], which _Layers lacks"):
        hf.get_scheduler("polynomial", layers, 0, 4)


# -- Adafactor


class Relative(torch.optim.Optimizer):
    """Computes its rate in each step, as Adafactor does: here one over the steps."""

    def __init__(self, groups: list[Any], **defaults: Any) -> None:
        super().__init__(groups, {"lr": None, "relative_step": True, **defaults})

    @staticmethod
    def _get_lr(group: dict[str, Any], state: dict[str, Any]) -> Any:
        return torch.tensor(1 / state["step"])

    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.state[parameter]["step"] = self.state[parameter].get("step", 0) + 1


def relative() -> Relative:
    idle, used, later = (torch.nn.Parameter(torch.zeros(1)) for _ in range(3))
    used.grad = torch.ones(1)
    return Relative([{"params": [idle, used]}, {"params": [later]}])


def test_adafactor_schedule_shows_what_the_optimizer_computes() -> None:
    optimizer = relative()
    optimizer.param_groups[1]["initial_lr"] = 2.0  # of a scheduler before
    assert optimizer.state[optimizer.param_groups[1]["params"][0]] == {}  # looked at, and never stepped
    scheduler = hf.get_adafactor_schedule(optimizer, 0.75)
    assert type(scheduler) is hf.AdafactorSchedule
    assert scheduler.get_last_lr() == scheduler.base_lrs == [0.75, 0.75]
    assert optimizer.param_groups[0].keys() == optimizer.param_groups[1].keys() == {"params", "lr", "relative_step"}
    for step in (1, 2, 4, 8):
        while optimizer.state[optimizer.param_groups[0]["params"][1]].get("step", 0) < step:
            optimizer.step()
        scheduler.step()
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups] == [1 / step, 0.75]
    assert optimizer.param_groups[0]["params"][0] not in optimizer.state
    state = json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))
    again = hf.AdafactorSchedule(relative(), 0.75)
    again.load_state_dict(state)
    assert (again.last_epoch, again.initial_lr, again.get_last_lr()) == (4, 0.75, [0.125, 0.75])
    with pytest.raises(NotImplementedError, match="AdafactorSchedule: its rates come from get_lr"):
        scheduler.schedule  # noqa: B018


def test_adafactor_schedule_refuses() -> None:
    with pytest.raises(
        TypeError, match=r"AdafactorSchedule: optimizer must be transformers' Adafactor.*got SGD; get_scheduler"
    ):
        hf.AdafactorSchedule(sgd())
    with pytest.raises(ValueError, match=r"AdafactorSchedule: initial_lr must be >= 0, got -1"):
        hf.AdafactorSchedule(relative(), -1)
    fixed = Relative([torch.nn.Parameter(torch.zeros(1))], lr=0.1, relative_step=False)
    with pytest.raises(ValueError, match=r"parameter group 0 must have relative_step=True, got False; .*get_scheduler\(\)"):
        hf.AdafactorSchedule(fixed)
    assert fixed.param_groups[0]["lr"] == 0.1
    with pytest.raises(TypeError, match="AdafactorSchedule: optimizer must have param_groups"):
        hf.AdafactorSchedule(None)


# -- refusals

STABLE = {"num_decay_steps": 4, "num_stable_steps": 4}
REFUSED: list[tuple[Any, tuple[Any, ...], type[Exception], str]] = [
    ("lineal", (2, 6), ValueError, r"name must be one of linear, .*greedy, got 'lineal'; did you mean 'linear'\?"),
    ("LINEAR", (2, 6), ValueError, r"name must be one of .*, got 'LINEAR'; did you mean 'linear'\?"),
    (["linear"], (2, 6), ValueError, r"name must be one of .*, got \['linear'\]"),
    ("linear", (None, 6), ValueError, "get_scheduler: num_warmup_steps must be given for 'linear', got None"),
    ("linear", (2, None), ValueError, "get_scheduler: num_training_steps must be given for 'linear', got None"),
    ("cosine", (2, None), ValueError, "num_training_steps must be given for 'cosine'"),
    ("cosine_with_restarts", (2,), ValueError, "num_training_steps must be given for 'cosine_with_restarts'"),
    ("polynomial", (2,), ValueError, "num_training_steps must be given for 'polynomial'"),
    ("constant_with_warmup", (), ValueError, "num_warmup_steps must be given for 'constant_with_warmup'"),
    ("inverse_sqrt", (None, 6), ValueError, "num_warmup_steps must be given for 'inverse_sqrt'"),
    ("warmup_stable_decay", (None, 6, STABLE), ValueError, "num_warmup_steps must be given for 'warmup_stable_decay'"),
    ("warmup_stable_decay", (2, 6), TypeError, "missing 1 required positional argument: 'num_decay_steps'"),
    ("linear", (2, 6, {"num_cycles": 1}), TypeError, "unexpected keyword argument 'num_cycles'"),
    ("constant", (2, 6, {"num_cycles": 1}), TypeError, "unexpected keyword argument 'num_cycles'"),
    ("linear", (2, 6, {"num_warmup_steps": 1}), TypeError, "multiple values for keyword argument 'num_warmup_steps'"),
    ("linear", (-1, 6), ValueError, "get_linear_schedule_with_warmup: num_warmup_steps must be >= 0, got -1"),
    ("linear", (2, -6), ValueError, "get_linear_schedule_with_warmup: num_training_steps must be >= 0, got -6"),
    ("linear", ("2", 6), TypeError, "get_linear_schedule_with_warmup: num_warmup_steps must be a number, got '2'"),
    ("linear", (2, math.inf), ValueError, "num_training_steps must be finite, got inf"),
    ("constant_with_warmup", (-1,), ValueError, "get_constant_schedule_with_warmup: num_warmup_steps must be >= 0, got -1"),
    ("cosine", (2, 6, {"num_cycles": -1}), ValueError, "get_cosine_schedule_with_warmup: num_cycles must be >= 0, got -1"),
    ("cosine_with_restarts", (2, 6, {"num_cycles": -1}), ValueError, "hard_restarts.*: num_cycles must be >= 0, got -1"),
    ("polynomial", (2, 6, {"lr_end": 0.5}), ValueError, r"lr_end must be below optimizer.defaults\['lr'\], got 0.5 and 0.5"),
    ("polynomial", (2, 6, {"lr_end": -0.5}), ValueError, "polynomial.*: lr_end must be >= 0, got -0.5"),
    ("polynomial", (2, 6, {"power": -1}), ValueError, "polynomial.*: power must be >= 0, got -1"),
    ("inverse_sqrt", (2, 6, {"timescale": 0}), ValueError, "get_inverse_sqrt_schedule: timescale must be > 0, got 0"),
    ("inverse_sqrt", (-2,), ValueError, "get_inverse_sqrt_schedule: num_warmup_steps must be >= 0, got -2"),
    ("cosine_with_min_lr", (2, 6), ValueError, "give one of min_lr and min_lr_rate, got neither"),
    (
        "cosine_with_min_lr",
        (2, 6, {"min_lr": 0.0, "min_lr_rate": 0.1}),
        ValueError,
        "get_cosine_with_min_lr_schedule_with_warmup: give one of min_lr and min_lr_rate, got 0.0 and 0.1",
    ),
    ("cosine_with_min_lr", (2, 6, {"min_lr": 0.6}), ValueError, r"min_lr must be at most .*, got 0.6 and 0.5; min_lr_rate is"),
    ("cosine_with_min_lr", (2, 6, {"min_lr": -0.6}), ValueError, "min_lr must be >= 0, got -0.6"),
    ("cosine_with_min_lr", (2, 6, {"min_lr_rate": 1.1}), ValueError, r"min_lr_rate must be in \[0, 1\], got 1.1"),
    ("cosine_with_min_lr", (2, 6, {"min_lr": 0.1, "num_cycles": -1}), ValueError, "num_cycles must be >= 0, got -1"),
    ("cosine_warmup_with_min_lr", (2, 6), ValueError, "warmup_lr_rate: give one of min_lr and min_lr_rate, got neither"),
    (
        "cosine_warmup_with_min_lr",
        (2, 6, {"min_lr": 0.1, "warmup_lr_rate": -1}),
        ValueError,
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate: warmup_lr_rate must be >= 0, got -1",
    ),
    (
        "warmup_stable_decay",
        (2, None, {"num_decay_steps": 4}),
        ValueError,
        "get_wsd_schedule: give num_training_steps or num_stable_steps, got neither",
    ),
    (
        "warmup_stable_decay",
        (2, None, {**STABLE, "warmup_type": "exp"}),
        ValueError,
        "get_wsd_schedule: warmup_type must be 'linear', 'cosine' or '1-sqrt', got 'exp'",
    ),
    ("warmup_stable_decay", (2, None, {**STABLE, "decay_type": None}), ValueError, "decay_type must be 'linear'.*, got None"),
    ("warmup_stable_decay", (2, None, {**STABLE, "min_lr_ratio": 2}), ValueError, r"min_lr_ratio must be in \[0, 1\], got 2"),
    ("warmup_stable_decay", (2, None, {**STABLE, "num_stable_steps": -1}), ValueError, "num_stable_steps must be >= 0, got -1"),
    ("warmup_stable_decay", (2, -1, {"num_decay_steps": 4}), ValueError, "wsd.*: num_training_steps must be >= 0, got -1"),
    (
        "warmup_stable_decay",
        (2, 6, {"num_decay_steps": -1}),
        ValueError,
        "get_wsd_schedule: num_decay_steps must be >= 0, got -1",
    ),
    ("warmup_stable_decay", (-2, 6, STABLE), ValueError, "get_wsd_schedule: num_warmup_steps must be >= 0, got -2"),
    ("reduce_lr_on_plateau", (None, None, {"factor": 2}), ValueError, r"ReduceLROnPlateau: factor must be in \(0, 1\), got 2"),
    ("greedy", (None, None, {"factor": 2}), ValueError, r"GreedyLR: factor must be in \(0, 1\), got 2"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), REFUSED)
def test_refusals(name: Any, arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    optimizer = sgd()
    with pytest.raises(error, match=message):
        hf.get_scheduler(name, optimizer, *arguments)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert "initial_lr" not in optimizer.param_groups[0]


def test_shares_of_a_default_rate_that_there_is_not() -> None:
    for name, kwargs, field in (("polynomial", {}, "lr_end"), ("cosine_with_min_lr", {"min_lr": 0.1}, "min_lr")):
        bare = SimpleNamespace(param_groups=[{"params": [], "lr": 0.5}])
        with pytest.raises(ValueError, match=rf"{field} is a share of optimizer.defaults\['lr'\], which SimpleNamespace lacks"):
            hf.get_scheduler(name, bare, 0, 4, kwargs)
        zero = sgd(lr=0.0)
        with pytest.raises(ValueError, match=rf"{field} must be (below|at most) optimizer.defaults\['lr'\].*, got .* and 0.0"):
            hf.get_scheduler(name, zero, 0, 4, {**kwargs, field: 0.0})
        bare.defaults = {"lr": "0.5"}
        with pytest.raises(TypeError, match=r"optimizer.defaults\['lr'\] must be a number, got '0.5'"):
            hf.get_scheduler(name, bare, 0, 4, kwargs)
        tensor = sgd(lr=torch.tensor(0.5))
        assert hf.get_scheduler(name, tensor, 0, 4, {field: 0.125}).lr_at(4) == [0.125]


def test_stages_that_contradict_the_training() -> None:
    with pytest.warns(UserWarning, match="num_training_steps is 20, and the phases have 10 steps; num_stable_steps holds"):
        told = hf.get_wsd_schedule(sgd(), 2, 4, num_training_steps=20, num_stable_steps=4)
    quiet = hf.get_wsd_schedule(sgd(), 2, 4, num_training_steps=10, num_stable_steps=4)  # warnings are errors
    assert told.schedule == quiet.schedule == hf.get_wsd_schedule(sgd(), 2, 4, 10).schedule
