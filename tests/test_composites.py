"""Schedulers made of schedulers: any child, in any place, to any depth (R3)."""

import copy
import gc
import json
import math
import warnings
import weakref
from typing import Any

import pytest
import torch
from cases import Rooted, adam, everything, rates, sgd, step
from torch.optim import lr_scheduler as theirs
from torch.optim.swa_utils import SWALR

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Constant, Cosine, Cut, Exponential, Join, Linear, Product, Step


def walked(scheduler: Any, steps: int, key: str = "lr", group: int = 0) -> list[float]:
    """The values at 0, 1, ... of one group."""
    seen = []
    for _ in range(steps):
        seen.append(rates(scheduler.optimizer, key)[group])
        step(scheduler)
    return seen


# -- what they are


def test_a_sequence_joins_and_a_chain_multiplies() -> None:
    optimizer = sgd(0.1, 0.2)
    sequence = ours.SequentialLR(optimizer, [ours.LinearLR(optimizer, 0.5, 1.0, 4), ours.StepLR(optimizer, 3)], [5])
    assert sequence.schedule == Linear(4, 0.5)[:5] >> Step(3)
    assert sequence.schedules == [sequence.schedule] * 2
    optimizer = sgd(0.1)
    chain = ours.ChainedScheduler([ours.ExponentialLR(optimizer, 0.9), ours.StepLR(optimizer, 3)])
    assert chain.schedule == Exponential(0.9) * Step(3)
    assert chain.get_last_lr() == [0.1]
    nested = ours.SequentialLR(optimizer, [chain], [])
    assert nested.schedule == chain.schedule
    assert "SequentialLR([ChainedScheduler([ExponentialLR(lr=Exponential(gamma=0.9), last_epoch=0), StepLR(" in repr(nested)
    assert repr(sequence).endswith("milestones=[5], last_epoch=0)")


def test_the_values_are_the_formula_and_survive_any_nesting() -> None:
    def build(o: Any) -> Any:
        warm = ours.ChainedScheduler([ours.LinearLR(o, 0.2, 1.0, 5), ours.ExponentialLR(o, 0.99)])
        later = ours.SequentialLR(o, [ours.PolynomialLR(o, 9), ours.CosineAnnealingWarmRestarts(o, 4, 2)], [6])
        return ours.ChainedScheduler([ours.SequentialLR(o, [warm, later], [7]), ours.MultiplicativeLR(o, lambda t: 0.98)])

    def formula(t: int) -> float:
        if t < 7:
            value = (0.2 + 0.8 * min(t, 5) / 5) * 0.99**t
        elif t < 13:
            value = 1 - (t - 7) / 9
        else:
            s, start, length = t - 13, 0, 4
            while s >= start + length:
                start, length = start + length, 2 * length
            value = (1 + math.cos(math.pi * (s - start) / length)) / 2
        return value * 0.98**t

    scheduler = build(sgd(0.1, 0.3))
    expected = [formula(t) for t in range(60)]
    assert [scheduler.lr_at(t)[0] for t in range(60)] == pytest.approx([0.1 * f for f in expected])
    assert walked(scheduler, 60, group=1) == pytest.approx([0.3 * f for f in expected])


@pytest.mark.parametrize("milestones", [[0], [0, 0], [3, 3], [0, 4], [4, 4]])
def test_children_that_get_no_turn(milestones: list[int]) -> None:
    """pytorch#185872."""
    optimizer = sgd(1.0)
    children = [ours.ConstantLR(optimizer, factor, 99) for factor in (0.5, 0.25, 0.125)][: len(milestones) + 1]
    scheduler = ours.SequentialLR(optimizer, children, milestones)
    factors = [0.5, 0.25, 0.125]
    assert walked(scheduler, 8) == [factors[sum(m <= t for m in milestones)] for t in range(8)]


def test_momentum_of_children() -> None:
    optimizer = sgd(0.1, momentum=0.7)
    cosine = ours.CosineAnnealingLR(optimizer, 10)
    cycle = ours.OneCycleLR(optimizer, 0.5, total_steps=6, max_momentum=0.95, base_momentum=0.85)
    scheduler = ours.SequentialLR(optimizer, [cosine, cycle, ours.StepLR(optimizer, 3)], [4, 10])
    alone = ours.OneCycleLR(sgd(0.1), 0.5, total_steps=6, max_momentum=0.95, base_momentum=0.85)
    expected = walked(alone, 6, "momentum")
    seen = walked(scheduler, 14, "momentum")
    assert seen[:4] == [0.7] * 4  # as it was before the cycle was built
    assert seen[4:10] == pytest.approx(expected)
    assert seen[10:] == pytest.approx([0.95] * 4)  # what was written last stays


def test_betas_of_children() -> None:
    optimizer = adam(0.1)
    scheduler = ours.ChainedScheduler([ours.CyclicLR(optimizer, 0.01, 0.1, 4), ours.ExponentialLR(optimizer, 0.9)])
    for t in range(9):
        height = 1 - abs(t % 8 - 4) / 4
        assert rates(optimizer) == pytest.approx([(0.01 + 0.09 * height) * 0.9**t])
        assert optimizer.param_groups[0]["betas"] == (pytest.approx(0.9 - 0.1 * height), 0.999)
        step(scheduler)


def test_other_keys_of_children() -> None:
    optimizer = sgd(1.0, weight_decay=0.5)
    decay = ours.LRScheduler(optimizer, weight_decay=Linear(4, start=0.5, end=0.0))
    scheduler = ours.SequentialLR(optimizer, [ours.ExponentialLR(optimizer, 0.5), decay], [2])
    assert walked(scheduler, 8, "weight_decay") == [0.5, 0.5, 0.25, 0.1875, 0.125, 0.0625, 0.0, 0.0]
    assert rates(optimizer) == [0.5]  # what the first wrote last


@pytest.mark.parametrize("swa_lr", [0.05, [0.05, 0.02]])
def test_swa_in_a_sequence_starts_from_the_rate_before_it(swa_lr: Any) -> None:
    def build(module: Any, make: Any, o: Any) -> Any:
        decay = [module.LinearLR(o, 0.5, total_iters=2), module.ExponentialLR(o, 0.5)]
        return module.SequentialLR(o, [*decay, make(o, swa_lr, anneal_epochs=4)], [2, 6])

    mine, other = sgd(1.0, 0.5), sgd(1.0, 0.5)
    scheduler, twin = build(ours, ours.SWALR, mine), build(theirs, SWALR, other)
    for _ in range(14):
        assert rates(mine) == pytest.approx(rates(other))
        for one in (mine, other, scheduler, twin):
            one.step()
    assert scheduler.lr_at(5) == scheduler.lr_at(6) == pytest.approx([0.125, 0.0625])


def test_children_with_a_schedule_per_group() -> None:
    optimizer = sgd(1.0, 1.0)
    scheduler = ours.SequentialLR(
        optimizer,
        [ours.LRScheduler(optimizer, lr=[Constant(0.5), Linear(4)]), ours.LambdaLR(optimizer, [lambda t: 0.1, lambda t: 0.2])],
        [2],
    )
    assert walked(scheduler, 4, group=1) == pytest.approx([0.0, 0.25, 0.2, 0.2])
    assert rates(optimizer) == pytest.approx([0.1, 0.2])
    with pytest.raises(ValueError, match=r"SequentialLR: the parameter groups follow several schedules; see \.schedules"):
        _ = scheduler.schedule
    assert len(scheduler.schedules) == 2


# -- where they start


def test_construction_undoes_what_children_wrote() -> None:
    optimizer = sgd(0.1, 0.3)
    first, second = ours.ConstantLR(optimizer, 0.5, 4), ours.LinearLR(optimizer, 0.25, total_iters=4)
    assert rates(optimizer) == pytest.approx([0.0125, 0.0375])
    chain = ours.ChainedScheduler([first, second])
    assert rates(optimizer) == pytest.approx([0.0125, 0.0375])
    assert chain.lr_at(4) == pytest.approx([0.1, 0.3])
    assert chain.base_lrs == [0.1, 0.3]
    sequence = ours.SequentialLR(sequence_of := sgd(0.1), [ours.ConstantLR(sequence_of, 0.5, 4) for _ in range(3)], [2, 3])
    assert sequence.get_last_lr() == [0.05]


@pytest.mark.parametrize("zero_first", [True, False])
def test_children_that_start_at_zero(zero_first: bool) -> None:
    optimizer = sgd(0.4, momentum=0.5)
    make = [lambda: ours.LRScheduler(optimizer, lr=Linear(4)), lambda: ours.ConstantLR(optimizer, 0.5, 2)]
    scheduler = ours.ChainedScheduler([one() for one in (make if zero_first else make[::-1])])
    assert walked(scheduler, 6) == pytest.approx([0.0, 0.05, 0.2, 0.3, 0.4, 0.4])


def test_an_edit_before_the_chain_is_built_is_an_edit() -> None:
    optimizer = sgd(1.0)
    children = [ours.ConstantLR(optimizer, 0.5, 4), ours.ExponentialLR(optimizer, 0.5)]
    optimizer.param_groups[0]["lr"] = 0.25  # twice... half of what they wrote
    chain = ours.ChainedScheduler(children)
    assert walked(chain, 6) == pytest.approx([0.25, 0.125, 0.0625, 0.03125, 0.5 * 0.5**4, 0.5 * 0.5**5])


def test_chained_children_go_on_from_where_they_stand() -> None:
    optimizer = sgd(1.0)
    old = ours.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        step(old)
    chain = ours.ChainedScheduler([old, ours.StepLR(optimizer, 2, gamma=0.1)])
    assert (chain.last_epoch, rates(optimizer)) == (3, [0.125])
    assert walked(chain, 4) == pytest.approx([0.5**3, 0.5**4, 0.5**5 * 0.1, 0.5**6 * 0.1])


@pytest.mark.parametrize("n", [0, 3, 4, 9])
def test_a_sequence_starts_at_any_epoch(n: int) -> None:
    """pytorch#162591."""

    def build(o: Any, last_epoch: int) -> Any:
        parts = [ours.LinearLR(o, 0.1, total_iters=4), ours.ExponentialLR(o, 0.5)]
        return ours.SequentialLR(o, parts, [5], last_epoch)

    whole = walked(build(sgd(0.1), -1), 20)
    optimizer = sgd(0.1)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    scheduler = build(optimizer, n)
    assert scheduler.last_epoch == n + 1
    assert walked(scheduler, 6) == whole[n + 1 : n + 7]


# -- while they run


def test_edits_last_beyond_the_milestones() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.SequentialLR(optimizer, [ours.ConstantLR(optimizer, 0.5, 9), ours.ExponentialLR(optimizer, 0.5)], [3])
    step(scheduler)
    optimizer.param_groups[0]["lr"] *= 0.1
    assert walked(scheduler, 5) == pytest.approx([0.05, 0.05, 0.1, 0.05, 0.025])


def test_children_tell_their_own_time() -> None:
    optimizer = sgd(1.0)
    first, second = ours.LinearLR(optimizer, 0.5, total_iters=3), ours.CosineAnnealingWarmRestarts(optimizer, 4)
    scheduler = ours.SequentialLR(optimizer, [first, second], [3])
    outer = ours.ChainedScheduler([scheduler])
    seen = []
    for _ in range(7):
        seen.append((outer.last_epoch, scheduler.last_epoch, first.last_epoch, second.last_epoch, second.T_cur))
        assert first.get_last_lr() == second.get_last_lr() == rates(optimizer)
        step(outer)
    assert seen == [(0, 0, 0, 0, 0), (1, 1, 1, 0, 0), (2, 2, 2, 0, 0), (3, 3, 2, 0, 0), (4, 4, 2, 1, 1), (5, 5, 2, 2, 2),
                    (6, 6, 2, 3, 3)]  # fmt: skip


def test_a_child_is_not_stepped_or_loaded_by_itself() -> None:
    optimizer = sgd(1.0)
    child = ours.StepLR(optimizer, 3)
    scheduler = ours.ChainedScheduler([child])
    with pytest.raises(RuntimeError, match=r"StepLR: it is part of a ChainedScheduler; call that one's step\(\)"):
        child.step()
    with pytest.raises(RuntimeError, match=r"StepLR: it is part of a ChainedScheduler; load that one's state"):
        child.load_state_dict({})
    del scheduler
    child = ours.StepLR(optimizer, 3)
    ours.ChainedScheduler([child])  # is gone at once, and the child is free
    step(scheduler := ours.ChainedScheduler([child]))
    del scheduler
    assert (child.last_epoch, repr(child)) == (1, "StepLR(lr=Step(every=3), last_epoch=1)")
    for t in (2, 3):  # goes on from where that one left it
        step(child)
        assert (child.last_epoch, rates(optimizer)) == (t, [pytest.approx(1.0 if t < 3 else 0.1)])


def test_children_are_told_of_assigned_times_and_milestones() -> None:
    optimizer = sgd(1.0)
    first, second = ours.ExponentialLR(optimizer, 0.9), ours.ExponentialLR(optimizer, 0.5)
    scheduler = ours.SequentialLR(optimizer, [first, second], [10])
    for _ in range(15):
        step(scheduler)
    scheduler.last_epoch = 5
    step(scheduler)
    assert (first.last_epoch, second.last_epoch, rates(optimizer)) == (6, 0, [pytest.approx(0.9**6)])
    scheduler.milestones = [8]
    for _ in range(4):
        step(scheduler)
    assert (scheduler.last_epoch, first.last_epoch, second.last_epoch) == (10, 7, 2)


def test_a_childs_hyperparameters_are_the_composites() -> None:
    optimizer = sgd(1.0)
    child = ours.ExponentialLR(optimizer, 0.5)
    inner = ours.SequentialLR(optimizer, [ours.ConstantLR(optimizer, 1.0, 2), child], [2])
    outer = ours.ChainedScheduler([inner])
    child.gamma = 0.1
    assert [outer.lr_at(t)[0] for t in range(5)] == pytest.approx([1.0, 1.0, 1.0, 0.1, 0.01])
    inner.milestones = [3]
    assert [outer.lr_at(t)[0] for t in range(5)] == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.1])
    with pytest.raises(ValueError, match=r"SequentialLR: milestones must be >= 0|SequentialLR: milestones\[0\] must be >= 0"):
        inner.milestones = [-1]
    assert inner.milestones == inner._milestones == [3]


def test_jumps() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.SequentialLR(optimizer, [ours.ConstantLR(optimizer, 0.5, 9), ours.ExponentialLR(optimizer, 0.5)], [3])
    assert [scheduler.step(t) or rates(optimizer)[0] for t in (2, 5, 0, 3, 2.5)] == [0.5, 0.25, 0.5, 1.0, 0.5]
    assert scheduler.step(epoch=4) or rates(optimizer) == [0.5]
    with pytest.raises(ValueError, match=r"SequentialLR: epoch must be >= 0, got -1"):
        scheduler.step(-1)


def test_a_late_group_is_followed_by_all_children() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.SequentialLR(
        optimizer, [ours.ChainedScheduler([ours.ConstantLR(optimizer, 0.5, 9)]), ours.ExponentialLR(optimizer, 0.5)], [3]
    )
    step(scheduler)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.1})  # its value now
    assert walked(scheduler, 5, group=1) == pytest.approx([0.1, 0.1, 0.2, 0.1, 0.05])


# -- a plateau inside


def losses(*counts: float) -> list[float]:
    return list(counts)


def test_a_plateau_in_a_sequence_acts_in_its_turn() -> None:
    """pytorch#68978, Lightning#10759."""
    optimizer = sgd(1.0)
    plateau = ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    parts = [ours.LinearLR(optimizer, 0.5, total_iters=2), plateau, ours.ExponentialLR(optimizer, 0.1)]
    scheduler = ours.SequentialLR(optimizer, parts, [2, 6])
    seen = []
    # the first metric that it counts is the one of its own first epoch
    for loss in (9.0, 9.0, 3.0, 4.0, 2.0, 5.0, 1.0, 1.0):
        seen.append(rates(optimizer)[0])
        optimizer.step()
        scheduler.step(loss)
    assert seen == pytest.approx([0.5, 0.75, 1.0, 1.0, 0.5, 0.5, 0.5, 0.05])
    assert plateau.best == 2.0
    assert plateau.last_epoch == 3


def test_a_plateau_in_a_chain_cuts_the_base() -> None:
    optimizer = sgd(1.0, 0.5)
    plateau = ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=[0.0, 0.4])
    scheduler = ours.ChainedScheduler([ours.CosineAnnealingLR(optimizer, 8), plateau])
    for t, loss in enumerate((3.0, 4.0, 2.0, 5.0)):
        factor = (1 + math.cos(math.pi * t / 8)) / 2
        cuts = sum(bad < t for bad in (1, 3))
        assert rates(optimizer) == pytest.approx([factor * 0.5**cuts, factor * max(0.5 * 0.5**cuts, 0.4)])
        optimizer.step()
        scheduler.step(loss)


def test_a_plateau_needs_its_metric() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.SequentialLR(optimizer, [ours.ConstantLR(optimizer, 0.5, 9), ours.ReduceLROnPlateau(optimizer)], [2])
    optimizer.step()
    scheduler.step()  # not yet its turn
    scheduler.step()
    with pytest.raises(TypeError, match=r"SequentialLR: ReduceLROnPlateau acts at 3, and step\(metrics\) needs its metric"):
        scheduler.step()
    assert (scheduler.last_epoch, rates(optimizer)) == (2, [1.0])
    with pytest.raises(TypeError, match=r"ReduceLROnPlateau: metrics must be a number"):
        scheduler.step("low")
    assert scheduler.last_epoch == 2
    scheduler.step(torch.tensor(1.0))
    scheduler.step(metrics=2.0, epoch=9)
    assert scheduler.last_epoch == 9
    scheduler.step(epoch=1)  # a jump, past all metrics
    assert rates(optimizer) == [0.5]


def test_a_refused_step_with_a_plateau_changes_nothing() -> None:
    optimizer = sgd(1.0, 1.0)
    plateau = ours.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
    scheduler = ours.ChainedScheduler([ours.ExponentialLR(optimizer, 0.5), plateau])
    optimizer.step()
    scheduler.step(1.0)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 1.0})
    before = (everything(optimizer), scheduler.last_epoch, plateau.best, plateau.num_bad_epochs)
    with pytest.raises(RuntimeError, match=r"ReduceLROnPlateau: The number of param groups in the optimizer is now 3"):
        scheduler.step(1.0)
    assert (everything(optimizer), scheduler.last_epoch, plateau.best, plateau.num_bad_epochs) == before
    plateau.min_lrs.append(0.0)
    optimizer.param_groups[0]["lr"] = math.nan
    with pytest.raises(ValueError, match=r"lr of parameter group 0 must be finite"):
        scheduler.step(1.0, epoch=20)
    assert (scheduler.last_epoch, plateau.num_bad_epochs) == (1, 0)
    optimizer.param_groups[0]["lr"] = 0.5
    scheduler.step(1.0)
    assert rates(optimizer)[:2] == pytest.approx([0.025, 0.025])


def test_a_plateau_that_cannot_act_is_told() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ChainedScheduler(
        [ours.ReduceLROnPlateau(optimizer, patience=0), ours.OneCycleLR(optimizer, 1.0, 40, anneal_strategy="linear")]
    )
    optimizer.step()
    scheduler.step(1.0)
    with pytest.warns(UserWarning, match=r"ChainedScheduler: ReduceLROnPlateau cut the base at 2, on which the rate does not"):
        scheduler.step(2.0)


def test_two_plateaus_count_for_themselves() -> None:
    optimizer = sgd(1.0)
    quick, slow = (ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=p) for p in (0, 2))
    scheduler = ours.ChainedScheduler([quick, ours.ChainedScheduler([slow])])
    seen = []
    for _ in range(6):
        seen.append(rates(optimizer)[0])
        optimizer.step()
        scheduler.step(1.0)
    assert seen == pytest.approx([1.0, 1.0, 0.5, 0.25, 0.0625, 0.03125])


# -- children that are stepped in turn


class Halved(ours.LRScheduler):
    """Rates from the rates, as PyTorch's own classes compute them."""

    def get_lr(self) -> list[float]:
        return [group["lr"] * (0.5 if self.last_epoch else 1.0) for group in self.optimizer.param_groups]


class TheirHalved(theirs.LRScheduler):
    def get_lr(self) -> list[float]:
        return [group["lr"] * (0.5 if self.last_epoch else 1.0) for group in self.optimizer.param_groups]


@pytest.mark.parametrize(
    "build",
    [
        lambda m, own, o: m.SequentialLR(o, [own(o), m.ExponentialLR(o, 0.9)], [4]),
        lambda m, own, o: m.SequentialLR(o, [m.LinearLR(o, 0.5, total_iters=3), own(o), m.StepLR(o, 2)], [4, 9]),
        lambda m, own, o: m.ChainedScheduler([own(o), m.StepLR(o, 3)]),
        lambda m, own, o: m.ChainedScheduler([m.StepLR(o, 3), own(o), m.LinearLR(o, 0.5)]),
        lambda m, own, o: m.SequentialLR(o, [own(o)], []),
    ],
)
@pytest.mark.parametrize("tensors", [False, True])
def test_subclasses_with_rates_of_their_own_inside(build: Any, tensors: bool) -> None:
    """R9: as in PyTorch."""
    lrs = [0.1, 0.4]
    mine, other = (sgd(*(torch.tensor(lr, dtype=torch.float64) if tensors else lr for lr in lrs)) for _ in range(2))
    scheduler = build(ours, Halved, mine)
    twin = build(theirs, TheirHalved, other)
    for _ in range(14):
        assert rates(mine) == pytest.approx(rates(other), rel=1e-12)
        assert scheduler.get_last_lr() == pytest.approx(rates(mine))
        for one in (mine, other):
            one.step()
        scheduler.step()
        twin.step()
    assert scheduler.base_lrs == lrs
    for ask in (lambda: scheduler.lr_at(3), lambda: scheduler.schedules):
        with pytest.raises(NotImplementedError, match=r"a child's rates come from its get_lr\(\), not from a schedule"):
            ask()


def test_a_plateau_beside_rates_of_their_own() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ChainedScheduler([Halved(optimizer), ours.ReduceLROnPlateau(optimizer, factor=0.1, patience=0)])
    optimizer.step()
    with pytest.raises(TypeError, match=r"ReduceLROnPlateau: it acts now, and step\(metrics\) needs its metric"):
        scheduler.step()
    assert scheduler.last_epoch == 0
    optimizer = sgd(1.0)
    plateau = ours.ReduceLROnPlateau(optimizer, factor=0.1, patience=0)
    scheduler = ours.SequentialLR(optimizer, [Halved(optimizer), plateau], [2])
    seen = []
    for loss in (1.0, 1.0, 1.0, 2.0, 2.0):
        seen.append(rates(optimizer)[0])
        optimizer.step()
        scheduler.step(loss)
    assert seen == pytest.approx([1.0, 0.5, 1.0, 1.0, 0.1])


def test_a_scheduler_of_pytorchs_may_be_a_child() -> None:
    optimizer = sgd(1.0)
    parts = [theirs.ExponentialLR(optimizer, 0.5), ours.ExponentialLR(optimizer, 0.1)]
    scheduler = ours.SequentialLR(optimizer, parts, [2])
    assert walked(scheduler, 5) == pytest.approx([1.0, 0.5, 1.0, 0.1, 0.01])
    state = json.loads(json.dumps(scheduler.state_dict()))
    optimizer = sgd(1.0)
    parts = [theirs.ExponentialLR(optimizer, 0.5), ours.ExponentialLR(optimizer, 0.1)]
    resumed = ours.SequentialLR(optimizer, parts, [2])
    resumed.load_state_dict(state)
    assert walked(resumed, 2) == walked(scheduler, 2)


@pytest.mark.parametrize("damage", [{"last_epoch": "x"}, {"last_epoch": math.nan}, {"gamma": None}, {"base_lrs": [None]}])
def test_a_bad_state_for_a_child_of_pytorchs_is_refused(damage: dict[str, Any]) -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ChainedScheduler([Halved(optimizer), theirs.StepLR(optimizer, 3)])
    state = scheduler.state_dict()
    state["_schedulers"][1].update(damage)
    with pytest.raises(ValueError, match=r"ChainedScheduler: \{.*\} is no state of StepLR"):
        scheduler.load_state_dict(state)


def test_a_subclass_that_steps_otherwise_is_stepped() -> None:
    class Twice(ours.ExponentialLR):
        def step(self, epoch: Any = None) -> None:
            super().step(epoch)
            super().step(epoch)

    optimizer = sgd(1.0)
    scheduler = ours.ChainedScheduler([Twice(optimizer, 0.5)])
    assert walked(scheduler, 3) == [1.0, 0.25, 0.0625]


# -- refusals


def with_children(make: Any) -> Any:
    def build(optimizer: Any) -> Any:
        return make(optimizer, [ours.StepLR(optimizer, 3), ours.ExponentialLR(optimizer, 0.9)])

    return build


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda o, c: ours.SequentialLR(o, [], []), ValueError, r"SequentialLR: expects at least one scheduler, got none"),
        (lambda o, c: ours.ChainedScheduler([]), ValueError, r"ChainedScheduler: expects at least one scheduler, got none"),
        (lambda o, c: ours.ChainedScheduler(c[0]), TypeError, r"ChainedScheduler: schedulers must be a list of schedulers"),
        (lambda o, c: ours.ChainedScheduler("ab"), TypeError, r"ChainedScheduler: schedulers must be a list of schedulers"),
        (lambda o, c: ours.ChainedScheduler([c[0], 3]), TypeError, r"index 1 should have `optimizer` as its attribute, got 3"),
        (lambda o, c: ours.SequentialLR(o, [None], []), TypeError, r"index 0 should have `optimizer` as its attribute"),
        (
            lambda o, c: ours.SequentialLR(sgd(), c, [3]),
            ValueError,
            r"SequentialLR: expects all schedulers to belong to the sa",
        ),
        (
            lambda o, c: ours.ChainedScheduler(c, sgd()),
            ValueError,
            r"ChainedScheduler: expects all schedulers to belong to the",
        ),
        (lambda o, c: ours.ChainedScheduler([*c, ours.StepLR(sgd(), 3)]), ValueError, r"StepLR at index 2 has another one"),
        (
            lambda o, c: ours.SequentialLR(o, c, []),
            ValueError,
            r"number of schedulers to be one more.* got number of .* 2 and 0",
        ),
        (lambda o, c: ours.SequentialLR(o, c, [3, 4]), ValueError, r"number of schedulers 2 and 2 milestones"),
        (
            lambda o, c: ours.SequentialLR(o, [*c, ours.StepLR(o, 3)], [5, 3]),
            ValueError,
            r"milestones must be ascending, got \[",
        ),
        (lambda o, c: ours.SequentialLR(o, c, [-1]), ValueError, r"SequentialLR: milestones\[0\] must be >= 0, got -1"),
        (
            lambda o, c: ours.SequentialLR(o, c, [math.nan]),
            ValueError,
            r"SequentialLR: milestones\[0\] must be finite, got nan",
        ),
        (lambda o, c: ours.SequentialLR(o, c, ["3"]), TypeError, r"SequentialLR: milestones\[0\] must be a number, got '3'"),
        (lambda o, c: ours.SequentialLR(o, c, 3), TypeError, r"SequentialLR: milestones must be a list of times, got 3"),
        (lambda o, c: ours.SequentialLR(o, c, [3], -2), ValueError, r"SequentialLR: last_epoch must be -1 or >= 0, got -2"),
        (lambda o, c: ours.SequentialLR(3, c, [3]), TypeError, r"SequentialLR: optimizer must have param_groups"),
        (lambda o, c: ours.ChainedScheduler([c[0], c[0]]), ValueError, r"StepLR at index 1 is already part of a ChainedSched"),
    ],
)
def test_bad_composites_are_refused_and_children_stay_free(build: Any, error: type[Exception], message: str) -> None:
    optimizer = sgd(1.0)
    children = [ours.StepLR(optimizer, 3), ours.ExponentialLR(optimizer, 0.9)]
    before = everything(optimizer)
    with pytest.raises(error, match=message):
        build(optimizer, children)
    assert everything(optimizer) == before or len(everything(optimizer)) == 1
    for child in children:
        assert child.last_epoch == 0
        step(child)


def test_a_child_of_another_composite_is_refused() -> None:
    optimizer = sgd(1.0)
    child = ours.StepLR(optimizer, 3)
    kept = ours.SequentialLR(optimizer, [child], [])
    with pytest.raises(
        ValueError, match=r"ChainedScheduler: StepLR at index 0 is already part of a SequentialLR; build another"
    ):
        ours.ChainedScheduler([child])
    assert kept.last_epoch == 0


def test_a_composite_that_fails_to_build_leaves_all_as_it_was() -> None:
    fails = [False]

    def factor(t: Any) -> float:
        if fails[0]:
            raise RuntimeError("no")
        return 0.5

    optimizer = sgd(1.0)
    children = [ours.LambdaLR(optimizer, factor), ours.ExponentialLR(optimizer, 0.9)]
    fails[0] = True
    with pytest.raises(RuntimeError, match="no"):
        ours.SequentialLR(optimizer, children, [3])
    assert rates(optimizer) == [0.5]
    fails[0] = False
    for child in children:
        assert child.last_epoch == 0
        step(child)
    assert rates(optimizer) == pytest.approx([0.45])


# -- state


def nest(o: Any) -> Any:
    inner = ours.SequentialLR(o, [ours.LinearLR(o, 0.5, total_iters=3), ours.ReduceLROnPlateau(o, patience=1)], [3])
    return ours.ChainedScheduler([inner, ours.ExponentialLR(o, 0.9)])


def damage(state: Any, change: Any) -> Any:
    state = copy.deepcopy(state)
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("_schedulers"), r"ChainedScheduler: the state lacks '_schedulers'"),
        (lambda s: s["_schedulers"].pop(), r"ChainedScheduler: _schedulers must be a list of 2 states, got"),
        (lambda s: s.update(_schedulers={}), r"ChainedScheduler: _schedulers must be a list of 2 states, got \{\}"),
        (
            lambda s: s["_schedulers"].__setitem__(1, 3),
            r"ChainedScheduler: the state of ExponentialLR must be a mapping, got 3",
        ),
        (lambda s: s["_schedulers"].reverse(), r"SequentialLR: the state is one of 'ExponentialLR'"),
        (lambda s: s["_schedulers"][1].update(gamma=0), r"ExponentialLR: gamma must be > 0, got 0"),
        (lambda s: s["_schedulers"][0].update(milestones=[3, 4]), r"SequentialLR: expects the number of schedulers"),
        (
            lambda s: s["_schedulers"][0]["_schedulers"][1].update(num_bad_epochs=-1),
            r"num_bad_epochs must be a whole number >=",
        ),
        (lambda s: s["_schedulers"][1].update(base_lrs=[-1]), r"ExponentialLR: base_lrs must be >= 0, got -1"),
    ],
)
def test_damaged_states_of_children_are_refused_whole(change: Any, message: str) -> None:
    saved = nest(sgd(1.0))
    for loss in (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0):
        step(saved, loss)
    scheduler = nest(sgd(0.5))
    step(scheduler)
    before = (everything(scheduler.optimizer), scheduler.state_dict(), repr(scheduler))
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(damage(saved.state_dict(), change))
    assert (everything(scheduler.optimizer), scheduler.state_dict(), repr(scheduler)) == before


def test_hyperparameters_of_children_are_restored_or_kept() -> None:
    def build(o: Any, gamma: float, milestone: int) -> Any:
        return ours.SequentialLR(o, [ours.ConstantLR(o, 0.5, 9), ours.ExponentialLR(o, gamma)], [milestone])

    saved = build(sgd(1.0), 0.5, 2)
    for _ in range(4):
        step(saved)
    state = json.loads(json.dumps(saved.state_dict()))
    other = build(sgd(1.0), 0.1, 3)
    with pytest.warns(UserWarning, match="the state's") as caught:
        other.load_state_dict(state)
    told = " ".join(str(warning.message) for warning in caught)
    assert "SequentialLR: the state's milestones [2] replaces this scheduler's [3]" in told
    assert "ExponentialLR: the state's gamma 0.5 replaces this scheduler's 0.1" in told
    assert {warning.filename for warning in caught} == {__file__}
    assert (other._schedulers[1].gamma, other.milestones, rates(other.optimizer)) == (0.5, [2], [0.25])
    assert other._schedulers[1].schedule == Exponential(0.5)
    assert walked(other, 3) == walked(saved, 3)

    keeper = build(sgd(1.0), 0.1, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keeper.load_state_dict(state, keep_hyperparameters=True)
    assert (keeper._schedulers[1].gamma, keeper.milestones, keeper.last_epoch) == (0.1, [3], 4)
    assert rates(keeper.optimizer) == pytest.approx([0.1])


def test_the_state_tells_of_children_in_pytorchs_words() -> None:
    scheduler = nest(sgd(1.0))
    for loss in (1.0, 1.0, 1.0, 1.0, 2.0):
        step(scheduler, loss)
    state = scheduler.state_dict()
    inner, last = state["_schedulers"]
    assert (last["gamma"], last["last_epoch"], last["_class"]) == (0.9, 5, "ExponentialLR")
    assert (inner["_milestones"], inner["last_epoch"]) == ([3], 5)
    plateau = inner["_schedulers"][1]
    assert (plateau["best"], plateau["num_bad_epochs"], plateau["last_epoch"]) == (1.0, 1, 2)
    json.dumps(state, allow_nan=False)


def test_composites_leave_no_reference_cycle() -> None:
    """pytorch#126131."""
    gc.collect()
    gc.disable()
    try:
        optimizer = sgd(1.0)
        scheduler = nest(optimizer)
        step(scheduler)
        gone = [weakref.ref(scheduler), *(weakref.ref(child) for child in scheduler._schedulers)]
        del scheduler
        assert [ref() for ref in gone] == [None] * 3
        held = weakref.ref(optimizer)
        del optimizer
        assert held() is None
    finally:
        gc.enable()


def test_pieces_are_cut_where_the_next_one_starts() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.SequentialLR(optimizer, [ours.CosineAnnealingLR(optimizer, 9), ours.CosineAnnealingLR(optimizer, 4)], [3])
    first, last = Cosine(9, hold=False), Cosine(4, hold=False)
    assert scheduler.schedule == Join((Cut(first, 3), last))
    assert ours.ChainedScheduler([scheduler, ours.StepLR(optimizer, 3)]).schedule == Product(
        (Join((Cut(first, 3), last)), Step(3))
    )


def test_rooted_is_no_schedule() -> None:
    with pytest.raises(NotImplementedError, match=r"Rooted: its rates come from get_lr\(\), not from a schedule"):
        _ = Rooted(sgd()).schedule


def test_a_chain_that_waits_keeps_what_its_children_are_ahead() -> None:
    def build() -> Any:
        optimizer = sgd(1.0)
        first, second = ours.ConstantLR(optimizer, 0.5, 4), ours.StepLR(optimizer, 3, gamma=0.1)
        for _ in range(2):
            step(second)  # which is ahead of the first one then
        chain = ours.ChainedScheduler([first, second])
        return ours.SequentialLR(optimizer, [ours.LinearLR(optimizer, 0.5, total_iters=3), chain], [3])

    for done in range(6):
        scheduler, other = build(), build()
        for _ in range(done):
            step(scheduler)
        chain = scheduler._schedulers[1]
        assert [child.last_epoch for child in chain._schedulers] == [max(done - 3, 0), max(done - 3, 0) + 2]
        state = json.loads(json.dumps(scheduler.state_dict()))
        other.load_state_dict(state)
        assert json.dumps(other.state_dict()) == json.dumps(state)
        for _ in range(9):
            step(scheduler)
            step(other)
            assert rates(other.optimizer) == rates(scheduler.optimizer)


def test_a_late_child_of_a_chain_waits_for_its_start_after_a_jump_back() -> None:
    def build() -> Any:
        optimizer = sgd(1.0)
        first = ours.StepLR(optimizer, 4, gamma=0.5)
        for _ in range(5):
            step(first)
        return ours.ChainedScheduler([first, ours.StepLR(optimizer, 3, gamma=0.1)])

    scheduler = build()
    scheduler.step(1)
    for t in range(2, 9):
        step(scheduler)
        assert [child.last_epoch for child in scheduler._schedulers] == [t, max(t - 5, 0)]
        other = build()
        other.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
        assert json.dumps(other.state_dict()) == json.dumps(scheduler.state_dict())


@pytest.mark.parametrize("nested", [False, True])
def test_a_jump_over_a_plateau_among_children_that_are_stepped_in_turn(nested: bool) -> None:
    optimizer = sgd(1.0)
    plateau: Any = ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    last = ours.SequentialLR(optimizer, [plateau, ours.StepLR(optimizer, 3)], [9]) if nested else plateau
    scheduler = ours.ChainedScheduler([Rooted(optimizer), last])
    for _ in range(5):
        optimizer.step()
        scheduler.step(1.0)
    scheduler.step(epoch=3)
    assert rates(optimizer) == [0.5]
    assert [child.last_epoch for child in (scheduler, last, plateau)] == [3, 3, 3]
    with pytest.raises(TypeError, match="needs its metric"):
        scheduler.step()
