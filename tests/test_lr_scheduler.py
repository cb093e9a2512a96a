"""LRScheduler's rules: timing, edits, late groups, tensors, order, any optimizer, own rates. One section each."""

import copy
import gc
import math
import pickle
import types
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from cases import SCHEDULERS, adam, everything, factor, follows_metrics, metrics, rates, sgd, step
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Constant, Cosine, Exponential, Lambda, Linear, MultiStep, Schedule, Step

# -- R0 timing


@pytest.mark.parametrize("name", SCHEDULERS)
def test_construction_applies_time_zero(name: str) -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = SCHEDULERS[name](optimizer)
    assert (scheduler.last_epoch, scheduler._step_count) == (0, 1)
    assert scheduler.get_last_lr() == rates(optimizer) == scheduler._last_lr
    assert isinstance(scheduler.optimizer, torch.optim.SGD)


def test_step_counts_and_returns_nothing() -> None:
    optimizer = sgd()
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    for k in range(1, 6):
        optimizer.step()
        assert scheduler.step() is None
        assert (scheduler.last_epoch, scheduler._step_count) == (k, k + 1)
        assert rates(optimizer) == [0.1 * 0.5**k]


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if not follows_metrics(name)])
def test_a_jump_is_where_steps_lead(name: str) -> None:
    walked, jumped = sgd(0.1, 0.2), sgd(0.1, 0.2)
    walker, jumper = SCHEDULERS[name](walked), SCHEDULERS[name](jumped)
    for t in range(1, 60):
        step(walker)
        jumper.step(t)
        assert everything(walked) == everything(jumped)
    jumper.step(3)  # backward too
    assert jumper.last_epoch == 3
    again = SCHEDULERS[name](sgd(0.1, 0.2))
    for _ in range(3):
        step(again)
    assert everything(jumped) == everything(again.optimizer)


def test_jumps_take_any_number_and_forget_edits() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.LRScheduler(optimizer, lr=Linear(10))
    for epoch, value in [(2.5, 0.25), (np.int64(3), 0.3), (torch.tensor(4), 0.4), (np.float32(5), 0.5)]:
        optimizer.param_groups[0]["lr"] = 7.0
        scheduler.step(epoch)
        assert rates(optimizer) == [value]
        assert type(scheduler.last_epoch) in (int, float)
    scheduler.step()
    assert (scheduler.last_epoch, rates(optimizer)) == (6.0, [0.6])


@pytest.mark.parametrize(
    ("epoch", "error", "message"),
    [
        (-1, ValueError, r"StepLR: epoch must be >= 0, got -1"),
        (math.nan, ValueError, r"StepLR: epoch must be finite, got nan"),
        (math.inf, ValueError, r"StepLR: epoch must be finite"),
        (True, TypeError, r"StepLR: epoch must be a number, got True"),
        ("3", TypeError, r"StepLR: epoch must be a number, got '3'"),
    ],
)
def test_a_bad_jump_changes_nothing(epoch: Any, error: type[Exception], message: str) -> None:
    scheduler = ours.StepLR(sgd(), 3)
    before = scheduler.state_dict()
    with pytest.raises(error, match=message):
        scheduler.step(epoch)
    assert scheduler.state_dict() == before


def test_last_epoch_is_assignable() -> None:
    optimizer = sgd()
    scheduler = ours.StepLR(optimizer, 10, gamma=0.5)
    scheduler.last_epoch = 19
    step(scheduler)
    assert (scheduler.last_epoch, rates(optimizer)) == (20, [0.025])


def test_construction_at_a_position_starts_from_initial_lr() -> None:
    optimizer = sgd(0.3)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    scheduler = ours.StepLR(optimizer, 10, gamma=0.5, last_epoch=19)
    assert (scheduler.last_epoch, scheduler.base_lrs, rates(optimizer)) == (20, [0.1], [0.025])
    with pytest.raises(KeyError, match=r"StepLR: param 'initial_lr' is not specified in param_groups\[0\].*load_state_dict"):
        ours.StepLR(sgd(), 10, last_epoch=3)


def test_get_lr_is_pure() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.CyclicLR(optimizer, 0.01, 0.1, 4)
    step(scheduler)
    before, state = everything(optimizer), scheduler.state_dict()
    for _ in range(3):
        assert scheduler.get_lr() == scheduler.get_last_lr()
    assert everything(optimizer) == before
    assert scheduler.state_dict() == state
    scheduler.get_last_lr().append(1.0)  # a copy
    assert len(scheduler.get_last_lr()) == 2


# -- hyper-parameters


def test_hyperparameters_are_read_and_assigned_by_name() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.StepLR(optimizer, step_size=2, gamma=0.5)
    assert (scheduler.step_size, scheduler.gamma) == (2, 0.5)
    step(scheduler)
    scheduler.gamma = 0.1
    optimizer.param_groups[0]["lr"] *= 0.5
    step(scheduler)
    assert rates(optimizer) == [0.5 * 0.1]
    for groups in (1, 2):  # an edit before the assignment was made to the old schedule
        edited = ours.StepLR(sgd(*[1.0] * groups), step_size=1, gamma=0.5)
        step(edited)
        edited.optimizer.param_groups[0]["lr"] *= 0.5
        edited.gamma = 0.1
        step(edited)
        assert rates(edited.optimizer)[0] == pytest.approx(0.5 * 0.01)
    with pytest.raises(ValueError, match=r"StepLR: gamma must be > 0, got 0"):
        scheduler.gamma = 0
    assert scheduler.gamma == 0.1
    assert repr(scheduler) == "StepLR(lr=Step(every=2), last_epoch=2)"


def test_what_is_scheduled_is_not_assignable() -> None:
    scheduler = ours.CyclicLR(sgd(), 0.01, 0.1, 4)
    with pytest.raises(ValueError, match=r"CyclicLR: cycle_momentum decides which keys are scheduled; build a new"):
        scheduler.cycle_momentum = False
    assert scheduler.cycle_momentum is True


@pytest.mark.parametrize("values", [[], [0.1, 0.2]])
def test_bad_base_lrs_are_refused(values: list[float]) -> None:
    for scheduler in (ours.StepLR(sgd(), 3), ours.LRScheduler(sgd(), weight_decay=Cosine(3))):
        with pytest.raises(ValueError, match=r"LR\w*: base_lrs must be one number per parameter group"):
            scheduler.base_lrs = values


def test_a_failure_while_constructing_leaves_the_optimizer() -> None:
    optimizer = sgd(0.1, 0.2)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ZeroDivisionError):
        ours.LRScheduler(optimizer, lr=Constant(0.5), momentum=Lambda(lambda t: 1 / t))
    assert optimizer.state_dict() == before
    assert not optimizer._optimizer_step_post_hooks


def test_base_lrs_are_assignable() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    scheduler.base_lrs = [4.0]
    step(scheduler)
    assert (scheduler.base_lrs, rates(optimizer)) == ([4.0], [2.0])


# -- R1 edits

FACTORS = {
    "StepLR": lambda o: ours.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda o: ours.MultiStepLR(o, [2, 5], gamma=0.5),
    "ExponentialLR": lambda o: ours.ExponentialLR(o, gamma=0.8),
    "CosineAnnealingLR": lambda o: ours.CosineAnnealingLR(o, T_max=30),
    "LambdaLR": lambda o: ours.LambdaLR(o, factor),
    "LRScheduler": lambda o: ours.LRScheduler(o, lr=Linear(40, start=0.1)),
}
ABSOLUTES = {
    "CyclicLR": lambda o: ours.CyclicLR(o, 0.01, 0.1, 4),
    "NoamScheduler": lambda o: ours.NoamScheduler(o, 16, 4),
}


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("name", [*FACTORS, *ABSOLUTES])
def test_an_edit_moves_factors_and_not_absolutes(name: str, groups: int, tensors: bool) -> None:
    make = {**FACTORS, **ABSOLUTES}[name]
    lrs = [0.1 * (i + 1) for i in range(groups)]
    values = [torch.tensor(lr, dtype=torch.float64) for lr in lrs] if tensors else lrs
    edited, free = sgd(*values), sgd(*lrs)
    a, b = make(edited), make(free)
    ratio = 1.0
    for t in range(20):
        if t in (4, 11):
            for group in edited.param_groups:
                group["lr"] *= 0.5
            ratio *= 0.5
        step(a)
        step(b)
        expected = rates(free) if name in ABSOLUTES else [lr * ratio for lr in rates(free)]
        assert rates(edited) == pytest.approx(expected, rel=1e-12)
        assert a.base_lrs == (b.base_lrs if name in ABSOLUTES else pytest.approx(lrs))
        assert a.get_last_lr() == pytest.approx(expected, rel=1e-12)


def test_an_edit_with_a_floor_is_inverted() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.CosineAnnealingLR(optimizer, T_max=10, eta_min=0.2)
    scheduler.step(5)
    assert rates(optimizer) == [pytest.approx(0.6)]
    optimizer.param_groups[0]["lr"] = 0.4  # as base 0.6 would have given: 0.2 + 0.4 / 2
    step(scheduler)
    assert rates(optimizer) == pytest.approx([0.2 + 0.4 * (1 + math.cos(math.pi * 0.6)) / 2])


def test_one_group_edited_among_many() -> None:
    optimizer = sgd(0.1, 0.1, 0.1)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    step(scheduler)
    optimizer.param_groups[1]["lr"] = 0.4
    step(scheduler)
    assert rates(optimizer) == pytest.approx([0.025, 0.2, 0.025])
    optimizer.param_groups[1]["lr"] = 0.025
    step(scheduler)
    assert rates(optimizer) == pytest.approx([0.0125] * 3)


def test_a_new_value_far_down_a_decay_becomes_the_base() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.1)
    scheduler.step(8)
    optimizer.param_groups[0]["lr"] = 0.5  # inversion alone would make the base 5e7
    scheduler.step()
    assert rates(optimizer) == pytest.approx([0.5 * 1e-9])
    scheduler.step(8)
    optimizer.param_groups[0]["lr"] *= 0.5  # while a factor is a factor, however far down
    scheduler.step()
    assert rates(optimizer) == pytest.approx([0.5e-9])


def test_a_frozen_group_stays_frozen_and_thaws() -> None:
    optimizer = sgd(0.0, 0.1)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    step(scheduler)
    assert rates(optimizer) == [0.0, 0.05]
    optimizer.param_groups[0]["lr"] = 0.05
    step(scheduler)
    assert rates(optimizer) == [0.025, 0.025]
    optimizer.param_groups[1]["lr"] = 0.0
    step(scheduler)
    step(scheduler)
    assert rates(optimizer) == [0.00625, 0.0]


def test_an_edit_to_no_number_is_refused() -> None:
    optimizer = sgd()
    scheduler = ours.StepLR(optimizer, 3)
    optimizer.step()
    for value, error in ((math.nan, ValueError), ("0.1", TypeError), (None, TypeError)):
        optimizer.param_groups[0]["lr"] = value
        with pytest.raises(error, match=r"StepLR: lr of parameter group 0 must be (finite|a number)"):
            scheduler.step()


def test_a_second_scheduler_starts_from_what_stands_there() -> None:
    optimizer = sgd(0.1)
    ours.StepLR(optimizer, 3)
    optimizer.param_groups[0]["lr"] = 0.01
    second = ours.CosineAnnealingLR(optimizer, T_max=10)
    assert (rates(optimizer), second.base_lrs) == ([0.01], [0.1])  # initial_lr stays the public base
    step(second)
    assert rates(optimizer) == pytest.approx([0.01 * (1 + math.cos(math.pi / 10)) / 2])


# Factors by themselves, zeros among them; the product is the law.
def zigzag(t: Any) -> float:
    return abs((t % 6) - 3) / 3  # 0 at 3, 9, ...


def blink(t: Any) -> float:
    return 0.0 if t % 4 in (0, 1) else 1.0 + t / 100


PAIRABLE: list[Schedule] = [
    Step(3, gamma=0.5), Exponential(0.9), Exponential(0.2), Cosine(8, hold=False), Cosine(50, hold=False), Linear(7),
    Linear(9, end=0.0), MultiStep((4, 9)), Lambda(zigzag), Lambda(blink), Constant(0.5), Linear(5) >> Cosine(6),
    MultiStep((7, 15), gamma=0.5), Constant(),
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    picks=st.lists(st.sampled_from(range(len(PAIRABLE))), min_size=2, max_size=3),
    groups=st.integers(1, 3),
    tensors=st.booleans(),
    lists=st.booleans(),
)
def test_schedulers_on_one_optimizer_multiply_through_zeros_too(
    picks: list[int], groups: int, tensors: bool, lists: bool
) -> None:
    lrs = [0.1 * (i + 1) for i in range(groups)]
    optimizer = sgd(*[torch.tensor(lr, dtype=torch.float64) if tensors else lr for lr in lrs])
    schedulers = [ours.LRScheduler(optimizer, lr=[PAIRABLE[i]] * groups if lists else PAIRABLE[i]) for i in picks]
    for t in range(30):
        for base, lr in zip(lrs, rates(optimizer), strict=True):
            expected = base * math.prod(PAIRABLE[i](t) for i in picks)
            assert lr == pytest.approx(expected, rel=1e-9, abs=1e-18), t
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()


@pytest.mark.parametrize("lrs", [[0.1], [0.1, 0.1], [0.1, 0.3]])
def test_a_zero_that_is_past_hides_nothing(lrs: list[float]) -> None:
    optimizer = sgd(*lrs)
    scheduler = ours.LRScheduler(optimizer, lr=Lambda(zigzag))
    for _ in range(4):
        step(scheduler)
    assert rates(optimizer) == pytest.approx([lr / 3 for lr in lrs])
    assert scheduler.state_dict()["_tracks"]["lr"]["hidden"] == []
    for group in optimizer.param_groups:
        group["lr"] = 0.0  # a user's own zero stays
    for _ in range(4):
        step(scheduler)
        assert rates(optimizer) == [0.0] * len(lrs)


def test_a_jump_ends_anothers_zero() -> None:
    optimizer = sgd(0.1)
    decay, zero = ours.ExponentialLR(optimizer, 0.5), ours.LRScheduler(optimizer, lr=Lambda(zigzag))
    for _ in range(4):
        optimizer.step()
        decay.step()
        zero.step()
    zero.step(3)
    decay.step()  # follows the zero ...
    assert rates(optimizer) == [0.0]
    decay.step(2)  # ... and jumps out of it
    assert rates(optimizer) == [0.025]


def test_an_edit_is_inverted_at_the_time_it_is_made() -> None:
    for lrs in ([0.2], [0.2, 0.2], [0.2, 0.4]):
        optimizer = sgd(*lrs)
        scheduler = ours.CosineAnnealingLR(optimizer, T_max=10, eta_min=0.2)  # the first group's rate stands still
        for _ in range(5):
            step(scheduler)
        optimizer.param_groups[0]["lr"] = 0.15  # base 0.1 would be halfway from 0.1 to 0.2
        step(scheduler)
        assert rates(optimizer)[0] == pytest.approx(0.2 - 0.1 * (1 + math.cos(math.pi * 0.6)) / 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: ours.LambdaLR(o, lambda t: t / 5),
        lambda o: ours.LRScheduler(o, lr=Linear(5)),
        lambda o: ours.LRScheduler(o, lr=[Linear(5)] * len(o.param_groups)),
    ],
)
@pytest.mark.parametrize("lrs", [[0.1], [0.1, 0.2]])
def test_the_zero_of_a_scheduler_that_is_gone_ends(make: Any, lrs: list[float]) -> None:
    """Running the cell of a notebook again builds a second scheduler while the first one stands at zero."""
    optimizer = sgd(*lrs)
    scheduler = make(optimizer)
    for _ in range(3):
        scheduler = make(optimizer)
    assert rates(optimizer) == [0.0] * len(lrs)
    for t in range(1, 6):
        step(scheduler)
        assert rates(optimizer) == pytest.approx([lr * t / 5 for lr in lrs])
    assert scheduler.state_dict()["_tracks"]["lr"]["hidden"] == []


BAD_RATES: list[tuple[Any, type[Exception], str]] = [
    (math.nan, ValueError, "must be finite, got nan"),
    (math.inf, ValueError, "must be finite, got inf"),
    (-0.1, ValueError, r"must be >= 0, got -0\.1"),
    (torch.tensor(-0.1), ValueError, "must be >= 0, got"),
    (torch.tensor(math.nan), ValueError, "must be finite, got"),
    (torch.tensor(1), TypeError, "must be a floating-point tensor"),
    ("0.1", TypeError, "must be a number, got '0.1'"),
    (None, TypeError, "must be a number, got None"),
    (True, TypeError, "must be a number, got True"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD_RATES)
def test_rates_that_are_none_are_refused_wherever_they_come_from(bad: Any, error: type[Exception], message: str) -> None:
    optimizer = sgd(0.1, 0.2)
    optimizer.param_groups[1]["lr"] = bad
    with pytest.raises(error, match=rf"StepLR: lr of parameter group 1 {message}"):
        ours.StepLR(optimizer, 3)
    optimizer.param_groups[1]["lr"] = 0.2
    optimizer.param_groups[1]["initial_lr"] = bad
    with pytest.raises(error, match=rf"StepLR: lr of parameter group 1 {message}"):
        ours.StepLR(optimizer, 3)
    del optimizer.param_groups[1]["initial_lr"]

    scheduler = ours.StepLR(optimizer, 3)
    optimizer.step()
    optimizer.param_groups[1]["lr"] = bad
    with pytest.raises(error, match=rf"StepLR: lr of parameter group 1 {message}"):
        scheduler.step()
    assert (scheduler.last_epoch, scheduler._step_count) == (0, 1)  # no step was made
    optimizer.param_groups[1]["lr"] = 0.2
    for late in ({"lr": bad}, {"lr": 0.3, "initial_lr": bad}):
        optimizer.param_groups.append({**optimizer.param_groups[0], **late})
        with pytest.raises(error, match=rf"StepLR: (initial_)?lr of parameter group 2 {message}"):
            scheduler.step()
        del optimizer.param_groups[2]
    step(scheduler)
    assert (scheduler.last_epoch, rates(optimizer)) == (1, [0.1, 0.2])


def test_a_plateau_refuses_before_it_counts() -> None:
    """Between cuts it does not look at the groups at all."""
    scheduler = ours.ReduceLROnPlateau(sgd(0.1), patience=0, cooldown=2)
    step(scheduler, 1.0)
    before = scheduler.state_dict()
    scheduler.optimizer.param_groups[0]["lr"] = math.nan
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau: lr of parameter group 0 must be finite"):
        scheduler.step(2.0)
    scheduler.optimizer.param_groups[0]["lr"] = 0.1
    assert scheduler.state_dict() == before


def test_a_user_edit_ends_a_zero() -> None:
    optimizer = sgd(0.1)
    scheduler = ours.LRScheduler(optimizer, lr=Cosine(4))
    scheduler.step(4)
    assert rates(optimizer) == [0.0]
    optimizer.param_groups[0]["lr"] = 0.05
    step(scheduler)
    assert rates(optimizer) == [0.0]  # slope 0 has no say over the base
    scheduler.step(2)
    assert rates(optimizer) == [pytest.approx(0.05)]


def test_a_schedule_that_is_not_affine_overwrites() -> None:
    class Squared(Schedule):
        affine = False

        def __call__(self, t: Any, base: Any = 1.0) -> Any:
            return base * base / (1 + t)

    optimizer = sgd(0.5, 0.2)
    scheduler = ours.LRScheduler(optimizer, lr=Squared())
    optimizer.param_groups[0]["lr"] = 9.0
    step(scheduler)
    assert rates(optimizer) == pytest.approx([0.125, 0.02])


def test_an_affine_formula_that_cannot_take_complex_bases() -> None:
    class Clamped(Schedule):
        def __call__(self, t: Any, base: Any = 1.0) -> Any:
            return max(base, 0.0) / (1 + t)

    optimizer = sgd(0.5, 0.2)
    scheduler = ours.LRScheduler(optimizer, lr=Clamped())
    step(scheduler)
    optimizer.param_groups[0]["lr"] *= 2
    step(scheduler)
    assert rates(optimizer) == pytest.approx([1.0 / 3, 0.2 / 3])


# -- any schedule, any key, one per group


def test_every_key_has_its_schedule() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.LRScheduler(
        optimizer,
        lr=[Step(2, gamma=0.5), Constant()],
        momentum=Linear(4, start=0.5),
        weight_decay=[Constant(2), Exponential(0.5)],
    )
    for _ in range(3):
        step(scheduler)
    assert rates(optimizer) == pytest.approx([0.05, 0.2])
    assert rates(optimizer, "momentum") == pytest.approx([0.9 * 0.875] * 2)
    assert rates(optimizer, "weight_decay") == pytest.approx([0.02, 0.00125])
    optimizer.param_groups[1]["weight_decay"] = 0.5
    step(scheduler)
    assert rates(optimizer, "weight_decay") == pytest.approx([0.02, 0.25])


def test_momentum_of_betas_is_the_first() -> None:
    for beta in (0.9, torch.tensor(0.9, dtype=torch.float64)):
        optimizer = adam(0.1, 0.2)
        for group in optimizer.param_groups:
            group["betas"] = (beta, 0.99)
        scheduler = ours.CyclicLR(optimizer, 0.01, 0.1, step_size_up=2, step_size_down=4)
        for expected in (0.9, 0.85, 0.8, 0.825, 0.85):
            for group in optimizer.param_groups:
                assert float(group["betas"][0]) == pytest.approx(expected)
                assert group["betas"][1] == 0.99
                assert isinstance(group["betas"][0], type(beta))
            step(scheduler)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: ours.LRScheduler(o), NotImplementedError, r"LRScheduler: give a schedule, lr=Cosine\(900\)"),
        (lambda o: ours.LRScheduler(o, Cosine(9)), TypeError, r"last_epoch must be a number.*name the schedule: lr=schedule"),
        (lambda o: ours.LRScheduler(o, lr=lambda t: t), TypeError, r"LRScheduler: lr must be a Schedule.*goes in as Lambda"),
        (lambda o: ours.LRScheduler(o, lr=0.1), TypeError, r"LRScheduler: lr must be a Schedule or a list of them, got 0\.1"),
        (lambda o: ours.LRScheduler(o, lr=[Cosine(9)]), ValueError, r"lr needs one schedule per parameter group: 2 groups, 1"),
        (lambda o: ours.LRScheduler(o, lr=[]), ValueError, r"lr needs one schedule per parameter group: 2 groups, 0 given"),
        (lambda o: ours.LRScheduler(o, lr=[Cosine(9), 1]), TypeError, r"lr must be a Schedule or a list of them"),
        (lambda o: ours.LRScheduler(o, rho=Cosine(9)), ValueError, r"parameter group 0 has no 'rho'; it has .*lr.*momentum"),
        (lambda o: ours.LRScheduler(o, nesterov=Cosine(9)), TypeError, r"nesterov of parameter group 0 must be a number"),
        (lambda o: ours.LRScheduler(o, -2, lr=Cosine(9)), ValueError, r"last_epoch must be -1 or >= 0, got -2"),
    ],
)
def test_bad_schedulers_are_refused_and_nothing_is_touched(make: Any, error: type[Exception], message: str) -> None:
    optimizer = sgd(0.1, 0.2)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match=message):
        make(optimizer)
    assert optimizer.state_dict() == before


def test_betas_themselves_are_refused() -> None:
    with pytest.raises(TypeError, match=r"betas of parameter group 0 must be a number"):
        ours.LRScheduler(adam(), betas=Cosine(9))


# -- R4 late groups


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_late_group_is_followed(name: str) -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = SCHEDULERS[name](optimizer)
    for metric in metrics(6):
        step(scheduler, metric)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.04})
    if getattr(scheduler, "default_min_lr", 0.0) is None:  # the floors were a list, and the new group's is asked for
        scheduler.min_lrs.append(1e-5)
    before = everything(optimizer)[2]
    for metric in metrics(20):
        step(scheduler, metric)
    assert len(scheduler.base_lrs) == len(rates(optimizer)) or not scheduler.base_lrs
    assert len(scheduler.get_last_lr()) == 3
    assert everything(optimizer)[2] != before
    assert scheduler.get_last_lr() == rates(optimizer)


def test_the_base_of_a_late_group() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    scheduler.step(2)
    layer = torch.nn.Parameter(torch.ones(1))
    optimizer.add_param_group({"params": [layer], "lr": 0.1})  # 0.1 is its value now
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.1, "initial_lr": 0.1})  # its base
    step(scheduler)
    assert rates(optimizer) == pytest.approx([0.125, 0.05, 0.0125])
    assert scheduler.base_lrs == pytest.approx([1.0, 0.4, 0.1])
    scheduler.step(0)
    assert rates(optimizer) == pytest.approx([1.0, 0.4, 0.1])


def test_a_late_group_beside_another_scheduler() -> None:
    optimizer = sgd(1.0)
    pair = [ours.ExponentialLR(optimizer, gamma=0.5), ours.ExponentialLR(optimizer, gamma=0.9)]
    for scheduler in pair:
        step(scheduler)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.1})
    for _ in range(2):
        optimizer.step()
        for scheduler in pair:
            scheduler.step()
    assert rates(optimizer) == pytest.approx([0.45**3, 0.1 * 0.45**2])


def test_fewer_groups_than_before_are_refused() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.StepLR(optimizer, 3)
    optimizer.step()
    del optimizer.param_groups[1]
    with pytest.raises(ValueError, match=r"StepLR: the optimizer has 1 parameter groups where it had 2; rebuild"):
        scheduler.step()


# -- R6 tensors and many groups


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_tensor_rates_are_filled_in_place(name: str, dtype: torch.dtype) -> None:
    lrs = [torch.tensor(0.1, dtype=dtype), torch.tensor([0.2], dtype=dtype)]
    plain = [float(lr) for lr in lrs]
    optimizer, twin = sgd(*lrs), sgd(*plain)
    scheduler, other = SCHEDULERS[name](optimizer), SCHEDULERS[name](twin)
    for metric in metrics(25):
        step(scheduler, metric)
        step(other, metric)
        for group, lr in zip(optimizer.param_groups, lrs, strict=True):
            assert group["lr"] is lr
            assert lr.dtype == dtype
        assert [float(lr) for lr in lrs] == [float(torch.tensor(lr, dtype=dtype)) for lr in rates(twin)]
        # children in turn hand their rates on through the tensors
        precision = float(torch.finfo(dtype).eps) if name == "ChainedScheduler, own rates" else 1e-15
        assert scheduler.get_last_lr() == pytest.approx(rates(twin), rel=precision)
    assert all(type(value) is float for value in scheduler.get_last_lr() + scheduler.base_lrs)


def test_groups_may_share_one_tensor() -> None:
    shared = torch.tensor(0.1, dtype=torch.float64)
    optimizer = sgd(shared, shared, 0.3)
    a, b = ours.ExponentialLR(optimizer, gamma=0.5), ours.StepLR(optimizer, 2, gamma=0.1)
    for t in range(1, 8):
        optimizer.step()
        a.step()
        b.step()
        assert rates(optimizer) == pytest.approx([0.1 * 0.5**t * 0.1 ** (t // 2)] * 2 + [0.3 * 0.5**t * 0.1 ** (t // 2)])
        assert optimizer.param_groups[0]["lr"] is shared


def test_an_untouched_tensor_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    for lrs in ([torch.tensor(0.1)], [torch.tensor(0.1), torch.tensor(0.2)]):
        optimizer = sgd(*lrs)
        scheduler = ours.CosineAnnealingLR(optimizer, 9)
        optimizer.step()
        with monkeypatch.context() as patch:
            for method in ("__float__", "item", "tolist", "__bool__"):
                patch.setattr(torch.Tensor, method, lambda self, *a, m=method: reads.append(m))
            for _ in range(5):
                scheduler.step()
        assert reads == []


@settings(max_examples=60, deadline=None)
@given(
    lrs=st.lists(st.sampled_from([0.0, 0.1, 0.1, 0.25, 3]), min_size=1, max_size=6),
    pick=st.sampled_from(range(len(PAIRABLE))),
    kinds=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_many_groups_are_many_single_ones(lrs: list[float], pick: int, kinds: list[bool]) -> None:
    values = [torch.tensor(float(lr), dtype=torch.float64) if tensor else lr for lr, tensor in zip(lrs, kinds, strict=False)]
    together = ours.LRScheduler(sgd(*values), lr=PAIRABLE[pick])
    alone = [ours.LRScheduler(sgd(lr), lr=PAIRABLE[pick]) for lr in lrs]
    for _ in range(12):
        step(together)
        for scheduler in alone:
            step(scheduler)
        assert rates(together.optimizer) == pytest.approx([rates(s.optimizer)[0] for s in alone], rel=1e-14)


def test_rounding_to_a_tensors_precision_is_no_edit() -> None:
    """Not in a mix of kinds, nor when a checkpoint brings a copy of the tensor."""
    for lrs in ([torch.tensor(0.1), 0.2], [torch.tensor(0.1), torch.tensor(0.2)], [torch.tensor(0.1)]):
        optimizer, twin = sgd(*lrs), sgd(*[float(lr) for lr in lrs])
        scheduler, other = ours.ExponentialLR(optimizer, 0.9), ours.ExponentialLR(twin, 0.9)
        for t in range(9):
            if t % 4 == 3:
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            step(scheduler)
            step(other)
            assert scheduler.get_last_lr() == other.get_last_lr()


def test_a_rate_may_change_its_kind() -> None:
    optimizer = sgd(0.1)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    step(scheduler)
    optimizer.param_groups[0]["lr"] = lr = torch.tensor(0.05, dtype=torch.float64)
    step(scheduler)
    assert float(lr) == 0.025
    optimizer.param_groups[0]["lr"] = 0.025
    step(scheduler)
    assert rates(optimizer) == [0.0125]
    optimizer.param_groups[0]["lr"] = 1  # an int
    step(scheduler)
    assert rates(optimizer) == [0.5]


def test_a_replaced_group_list_is_followed() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.ExponentialLR(optimizer, gamma=0.5)
    step(scheduler)
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # new dicts, new list
    step(scheduler)
    assert rates(optimizer) == [0.025, 0.05]


# -- R7 order


def loss(optimizer: Any) -> torch.Tensor:
    total: torch.Tensor = sum((p * p).sum() for g in optimizer.param_groups for p in g["params"])  # type: ignore[assignment]
    return total


def no_warning(run: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run()


def test_a_forgotten_optimizer_step_is_told_once() -> None:
    scheduler = ours.StepLR(sgd(), 3)
    with pytest.warns(UserWarning, match=r"StepLR: step\(\) was called before.*how-to-adjust-learning-rate") as caught:
        scheduler.step()
    assert caught[0].filename == __file__
    no_warning(scheduler.step)
    plateau = ours.ReduceLROnPlateau(sgd())
    with pytest.warns(UserWarning, match=r"ReduceLROnPlateau: step\(\) was called before") as caught:
        plateau.step(1.0)
    assert caught[0].filename == __file__


def test_the_right_order_is_silent_and_the_optimizer_unpatched() -> None:
    optimizer = sgd()
    before = optimizer.step.__func__
    scheduler = ours.StepLR(optimizer, 3)
    assert optimizer.step.__func__ is before
    assert "step" not in vars(optimizer)

    def run() -> None:
        for _ in range(3):
            optimizer.step()
            scheduler.step()

    no_warning(run)
    assert not optimizer._optimizer_step_post_hooks  # the watch ends with the first step

    for _ in range(3):
        ours.StepLR(optimizer, 3)
    assert not optimizer._optimizer_step_post_hooks  # or with the scheduler
    scheduler = ours.StepLR(optimizer, 3)
    scheduler.step(4)
    assert not optimizer._optimizer_step_post_hooks  # or with a jump


def test_a_skipped_wrapped_or_copied_step_is_not_forgotten() -> None:
    optimizer = sgd()
    scheduler = ours.StepLR(optimizer, 3)
    scaler = torch.amp.GradScaler("cpu", init_scale=1e38)
    scaler.scale(loss(optimizer) * 1e30).backward()
    scaler.step(optimizer)  # skips: the gradients are infinite
    scaler.update()
    no_warning(scheduler.step)

    optimizer = sgd()
    scheduler = ours.StepLR(optimizer, 3)
    inner = optimizer.step
    optimizer.step = lambda: inner()  # type: ignore[method-assign]
    no_warning(scheduler.step)

    scheduler = copy.deepcopy(ours.StepLR(sgd(), 3))
    no_warning(scheduler.step)


def test_another_method_in_the_place_of_step_is_told() -> None:
    """As PyTorch tells it: such a method may not call the former one."""
    optimizer = sgd()
    optimizer.step = types.MethodType(lambda self: None, optimizer)  # type: ignore[method-assign]
    no_warning(ours.StepLR(optimizer, 3).step)  # it was there before
    scheduler = ours.StepLR(optimizer, 3)
    optimizer.step = types.MethodType(lambda self: None, optimizer)  # type: ignore[method-assign]
    with pytest.warns(UserWarning, match=r"StepLR: `optimizer.step\(\)` has been overridden.*how-to-adjust-learning-rate"):
        scheduler.step()
    no_warning(scheduler.step)


@pytest.mark.parametrize("quickly", [False, True])
def test_a_step_that_fails_writes_nothing(quickly: bool) -> None:
    """However many keys were written before the one that failed."""
    fails: list[bool] = []

    def other(t: Any) -> float:
        if fails:
            raise RuntimeError("no")
        return 0.9**t

    optimizer = sgd(0.5)
    scheduler = ours.LRScheduler(optimizer, lr=Exponential(0.5), momentum=Lambda(other))
    for _ in range(3 if quickly else 1):
        step(scheduler)
    for arguments in ((), (7,)):
        before = everything(optimizer), scheduler.last_epoch, scheduler.get_last_lr()
        fails.append(True)
        with pytest.raises(RuntimeError, match="no"):
            scheduler.step(*arguments)
        fails.clear()
        assert (everything(optimizer), scheduler.last_epoch, scheduler.get_last_lr()) == before
    step(scheduler)
    assert rates(optimizer) == [0.5 * 0.5**scheduler.last_epoch]


# -- R8 any optimizer


class Bare:
    """The least that a scheduler needs."""

    __slots__ = ("param_groups",)

    def __init__(self, *lrs: float) -> None:
        self.param_groups = [{"params": [], "lr": lr} for lr in lrs]


def test_any_object_with_param_groups_is_an_optimizer() -> None:
    optimizer = Bare(0.1, 0.2)
    schedulers = [ours.StepLR(optimizer, 2, gamma=0.5), ours.LRScheduler(optimizer, lr=Cosine(3))]
    for _ in range(2):
        for scheduler in schedulers:
            no_warning(scheduler.step)
    assert rates(optimizer) == pytest.approx([0.1 * 0.5 * 0.25, 0.2 * 0.5 * 0.25])
    plateau = ours.ReduceLROnPlateau(Bare(0.1), patience=0)
    for _ in range(2):
        plateau.step(1.0)
    assert rates(plateau.optimizer) == pytest.approx([0.01])


@pytest.mark.parametrize("thing", [None, object(), [0.1], 3, {"param_groups": []}, type("O", (), {"param_groups": 3})()])
@pytest.mark.parametrize("name", ["StepLR", "LambdaLR", "CyclicLR", "ReduceLROnPlateau", "LRScheduler"])
def test_anything_else_is_a_type_error(name: str, thing: Any) -> None:
    arguments = {"StepLR": (3,), "LambdaLR": (factor,), "CyclicLR": (0.1, 0.2), "ReduceLROnPlateau": (), "LRScheduler": ()}
    with pytest.raises(TypeError, match=rf"{name}: optimizer must have param_groups.*is not an Optimizer"):
        getattr(ours, name)(thing, *arguments[name])


def test_torchs_type_checks_hold_and_none_of_its_methods_is_reached() -> None:
    for name in ours.__all__:
        cls = getattr(ours, name)
        if not isinstance(cls, type) or name in ("_enable_get_lr_call", "_initial_mode"):
            continue
        assert issubclass(cls, theirs.LRScheduler)
        for parent in (theirs.LRScheduler, theirs.ReduceLROnPlateau):
            if issubclass(cls, parent):
                for attribute, value in vars(parent).items():
                    if callable(value) and not attribute.startswith("__"):
                        assert getattr(cls, attribute, None) is not value, (name, attribute)
    assert issubclass(ours.ReduceLROnPlateau, theirs.ReduceLROnPlateau)


# -- R9 subclasses with rates of their own


class Rooted(ours.LRScheduler):
    def __init__(self, optimizer: Any, power: float, last_epoch: int = -1) -> None:
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base / (1 + self.last_epoch) ** self.power for base in self.base_lrs]


class Chained(ours.LRScheduler):
    def get_lr(self) -> list[float]:
        return [group["lr"] * 0.5 for group in self.optimizer.param_groups]


class Doubled(ours.StepLR):
    def get_lr(self) -> list[float]:
        return [2 * lr for lr in super().get_lr()]


def test_get_lr_of_a_subclass_has_the_say() -> None:
    optimizer = sgd(0.1, torch.tensor(0.2, dtype=torch.float64))
    scheduler = Rooted(optimizer, 0.5)
    for t in range(1, 5):
        step(scheduler)
        assert rates(optimizer) == pytest.approx([0.1 * (1 + t) ** -0.5, 0.2 * (1 + t) ** -0.5])
    scheduler.step(24)
    assert rates(optimizer) == pytest.approx([0.02, 0.04])
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.3})
    step(scheduler)
    assert rates(optimizer)[2] == pytest.approx(0.3 * 26**-0.5)

    chained = Chained(sgd(0.8))
    assert rates(chained.optimizer) == [0.4]  # as with PyTorch, construction calls it once
    step(chained)
    assert rates(chained.optimizer) == [0.2]

    doubled = Doubled(sgd(0.1), 2, gamma=0.5)
    doubled.step(2)
    assert rates(doubled.optimizer) == [0.1]


def test_get_lr_of_the_wrong_length_is_refused() -> None:
    class Short(ours.LRScheduler):
        def get_lr(self) -> list[float]:
            return [0.1]

    with pytest.raises(ValueError, match=r"Short: get_lr\(\) must give one rate per parameter group, 2, got 1"):
        Short(sgd(0.1, 0.2))

    class Nothing(ours.LRScheduler):
        def get_lr(self) -> Any:
            return None

    with pytest.raises(TypeError, match=r"Nothing: get_lr\(\) must give a list with one rate per parameter group, got None"):
        Nothing(sgd())

    class Broken(ours.LRScheduler):
        def get_lr(self) -> list[Any]:
            return [math.nan]

    with pytest.raises(ValueError, match=r"Broken: get_lr\(\)\[0\] must be finite, got nan"):
        Broken(sgd())


def test_a_subclass_of_torchs_kind_resumes() -> None:
    scheduler = Rooted(sgd(0.1), 0.5)
    for _ in range(4):
        step(scheduler)
    other = Rooted(sgd(0.1), 0.25)
    other.load_state_dict(scheduler.state_dict())
    assert (other.power, rates(other.optimizer)) == (0.5, rates(scheduler.optimizer))
    step(other)
    step(scheduler)
    assert rates(other.optimizer) == rates(scheduler.optimizer)


# -- objects


@pytest.mark.parametrize("name", list(SCHEDULERS))
def test_copies_and_pickles_go_on_alike(name: str) -> None:
    scheduler = SCHEDULERS[name](sgd(0.1, torch.tensor(0.2, dtype=torch.float64)))
    for metric in metrics(13):
        step(scheduler, metric)
    copied = copy.deepcopy(scheduler)
    pickled = pickle.loads(pickle.dumps(scheduler))
    for metric in metrics(30, seed=1):
        for one in (scheduler, copied, pickled):
            step(one, metric)
        assert everything(scheduler.optimizer) == everything(copied.optimizer) == everything(pickled.optimizer)


def test_copied_zeros_keep_what_they_hide() -> None:
    optimizer = sgd(0.1)
    pair = [ours.ExponentialLR(optimizer, gamma=0.9), ours.LRScheduler(optimizer, lr=Lambda(zigzag))]
    for _ in range(3):
        optimizer.step()
        for scheduler in pair:
            scheduler.step()
    assert rates(optimizer) == [0.0]
    pair = copy.deepcopy(pair)
    for scheduler in pair:
        step(scheduler)
    assert rates(pair[0].optimizer) == pytest.approx([0.1 * 0.9**4 * zigzag(4)])


def test_no_reference_cycle_is_left() -> None:
    gc.collect()
    gc.disable()
    try:
        for name, make in SCHEDULERS.items():
            optimizer = sgd(0.1, 0.2)
            scheduler = make(optimizer)
            watch = weakref.ref(scheduler)
            del scheduler
            assert watch() is None, name
            held = weakref.ref(optimizer)
            del optimizer
            assert held() is None, name
    finally:
        gc.enable()


# -- R5 compiled steps


def test_compiled_training_steps() -> None:
    import torch._dynamo.testing as testing

    def run(module: Any, warn: str) -> tuple[int, list[float]]:
        torch._dynamo.reset()
        layer = torch.nn.Linear(2, 1)
        optimizer = torch.optim.AdamW(layer.parameters(), lr=torch.tensor(0.1, dtype=torch.float64))
        scheduler = module.CosineAnnealingLR(optimizer, 50)
        counter = testing.CompileCounter()

        @torch.compile(backend=counter)
        def train(x: torch.Tensor) -> None:
            layer(x).sum().backward()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()

        seen = []
        with warnings.catch_warnings():
            warnings.simplefilter(warn)  # type: ignore[arg-type]
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            for _ in range(6):
                train(torch.ones(3, 2))
                seen.append(rates(optimizer)[0])
        return counter.frame_count, seen

    frames, seen = run(ours, "error")  # a compiled optimizer.step is not a forgotten one
    torchs_frames, expected = run(theirs, "ignore")
    assert frames == torchs_frames
    assert seen == pytest.approx(expected)


def test_a_compiled_optimizer_step_is_not_forgotten() -> None:
    torch._dynamo.reset()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=torch.tensor(0.1))
    scheduler = ours.StepLR(optimizer, 2)
    compiled = torch.compile(optimizer.step, backend="eager")
    loss(optimizer).backward()
    compiled()
    no_warning(scheduler.step)
