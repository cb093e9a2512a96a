"""Changes of plan: pure in time, continuous unless told otherwise, a part of the state, never silent."""

import copy
import io
import json
import math
import pickle
import random
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import SCHEDULERS, adam, everything, factor, follows_metrics, growing, metrics, rates, sgd, step
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid.compat.timm import CosineLRScheduler
from lucid.optim import lr_scheduler as ours
from lucid.optim.lr_scheduler._plan import MOST
from lucid.schedules import (
    WSD,
    WSDS,
    Absolute,
    Constant,
    Cosine,
    Decay,
    Exponential,
    FlatCosine,
    Lambda,
    Linear,
    MultiStep,
    Noise,
    Polynomial,
    RsqrtCooldown,
    Schedule,
    TriStage,
)

FIXED = {"SequentialLR, own rates", "ChainedScheduler, own rates", "ReduceLROnPlateau", "ReduceLROnPlateau, max", "GreedyLR"}
FIXED |= {"GreedyLR, max"}
PLANNED = sorted(SCHEDULERS.keys() - FIXED)
KEYS = {name: "weight_decay" if "alone" in name else "lr" for name in PLANNED}
STEPS = 60
METRICS = metrics(STEPS)


def made(name: str) -> Any:
    return SCHEDULERS[name](sgd(0.1, 0.2))


def run(scheduler: Any, since: int, until: int) -> list[Any]:
    values = []
    for t in range(since, until):
        step(scheduler, METRICS[t])
        values.append(everything(scheduler.optimizer))
    return values


def through_json(scheduler: Any) -> Any:
    return json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))


def quietly(scheduler: Any, state: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.load_state_dict(state)


def cosine(steps: float = 100, **more: Any) -> Any:
    return ours.LRScheduler(sgd(1.0), lr=Cosine(steps), **more)


CHANGES = {
    "cooldown": lambda s, key: s.replan(**{key: Decay(20)}),
    "jump": lambda s, key: s.replan(**{key: Linear(5) >> Cosine(20)}, continuous=False),
    "list": lambda s, key: s.replan(**{key: [Decay(20), Exponential(0.9)]}),
    "peak": lambda s, key: s.rescale(0.5, steps=7, key=key),
    "later": lambda s, key: s.replan(**{key: Polynomial(9)}, at=s._time + 11),
    "twice": lambda s, key: (s.rescale(2, steps=0, key=key), s.replan(**{key: Decay(13, shape="linear")}, at=s._time + 3)),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", PLANNED)
def test_a_changed_plan_resumes_at_every_step(name: str, kind: str) -> None:
    """Run, change the plan at m, save at every k >= m, load into a scheduler that was built as before, go on: bit for bit."""
    key, m = KEYS[name], random.Random(name + kind).randrange(1, 30)
    scheduler = made(name)
    run(scheduler, 0, m)
    if kind in ("cooldown", "list", "later", "twice") and (name.startswith("Poly") or "alone" in name):
        m = 3  # they come to 0, from where nothing continues
        scheduler = made(name)
        run(scheduler, 0, m)
    CHANGES[kind](scheduler, key)
    saved, values = {}, {}
    for k in range(m, STEPS):
        saved[k] = through_json(scheduler)
        values[k + 1] = run(scheduler, k, k + 1)[0]
    for k in {m, m + 1, m + 7, *random.Random(kind).sample(range(m, STEPS), 4)}:
        fresh = made(name)
        quietly(fresh, saved[k])
        assert fresh.changes == scheduler.changes
        assert through_json(fresh) == saved[k]
        assert run(fresh, k, STEPS) == [values[t] for t in range(k + 1, STEPS + 1)], k


@pytest.mark.parametrize("name", PLANNED)
def test_the_past_is_the_old_plan_and_the_future_the_new_one(name: str) -> None:
    if follows_metrics(name):
        pytest.skip("no matter of the time alone")
    key, m = KEYS[name], 9
    untouched, scheduler = made(name), made(name)
    for one in (untouched, scheduler):
        one.step(epoch=m) if hasattr(one, "_plateaus") else one.step(m)
    held = rates(scheduler.optimizer, key)
    scheduler.replan(**{key: Decay(20, shape="linear")})
    assert rates(scheduler.optimizer, key) == pytest.approx(held, rel=1e-12)  # continuous
    follows = scheduler.schedules_of(key)
    for t in (m, m + 10, m + 20):
        scheduler.step(t)
        for now, was in zip(rates(scheduler.optimizer, key), held, strict=True):
            assert now == pytest.approx(was * (1 - (t - m) / 20))
    for t in range(m):
        scheduler.step(t)
        untouched.step(t)
        assert rates(scheduler.optimizer, key) == rates(untouched.optimizer, key), t
    assert scheduler.schedules_of(key) == follows
    assert scheduler.changes == [{"at": m, "key": key, "schedule": Decay(20, shape="linear").to_dict(), "continuous": True}]


def test_what_is_told_is_what_is_done() -> None:
    scheduler = cosine()
    for _ in range(50):
        step(scheduler)
    scheduler.replan(Decay(10, shape="linear"))
    told = [scheduler.lr_at(t) for t in range(50, 61)]
    assert told[0] == scheduler.get_last_lr() == [0.5]
    assert told[5] == [0.25]
    assert [scheduler.schedule(t) for t in range(50, 61)] == [one[0] for one in told]
    for t in range(51, 61):
        step(scheduler)
        assert rates(scheduler.optimizer) == told[t - 50]
    assert scheduler.schedule.length == 60
    assert scheduler.base_lrs == [1.0]


# -- what extend() means


def test_a_cosine_goes_down_more_slowly_from_where_it_stands() -> None:
    scheduler = cosine()
    scheduler.step(50)
    scheduler.extend(150)
    assert scheduler.schedule.length == 150
    assert [scheduler.lr_at(t)[0] for t in (50, 100, 150, 1000)] == [0.5, Cosine(100)(75), 0.0, 0.0]


def test_a_warmup_goes_on_as_planned() -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=Linear(10) >> Cosine(90))
    scheduler.step(4)
    scheduler.extend(190)
    assert [scheduler.lr_at(t)[0] for t in (4, 9, 10, 100, 190)] == pytest.approx([0.4, 0.9, 1.0, 0.5, 0.0])
    nested = ours.LRScheduler(sgd(1.0), lr=(Cosine(90).warmup(10) >> Cosine(10))[:105])
    nested.step(4)
    nested.extend(200)
    assert nested.lr_at(10) == [1.0]
    assert nested.schedule(10 + 45 * 190 / 95) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("schedule", "since", "cooldown"),
    [
        (WSD(100, 20, warmup_steps=10), 90, 20),
        (WSD(100, 20, warmup_steps=10, shape="cosine", end=0.01), 90, 20),
        (RsqrtCooldown(100, 20, warmup_steps=10), 90, 20),
        (FlatCosine(100, flat=0.5), 50, 50),
        (TriStage(10, 30, 60), 40, 60),
        (WSDS((60, 40), 10), 90, 10),
        (0.75 * WSD(100, 20) + 0.25 * Constant(), 80, 20),
        (0.5 * WSD(100, 20).stretch(2), 160, 40),
        (WSD(100, 20).shift(10), 90, 20),
        (Constant(steps=50) >> Constant(0.5, steps=20) >> Cosine(30).continue_from(Constant(0.5, steps=1)), 70, 30),
        ((Linear(10) >> Constant())[:100], 100, 0),
        ((Exponential(0.99) * WSD(100, 20))[:100], 80, 20),
        (WSD(300, 20)[:100], 100, 0),
        (WSD(100, 20).maximum(0.5 * WSD(100, 20)), 80, 20),
        (WSD(100, 20).continue_from(Linear(5, 1.0, 0.5)), 80, 20),
    ],
)
def test_a_flat_phase_gets_longer_and_a_cooldown_does_not(schedule: Schedule, since: float, cooldown: float) -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=schedule)
    scheduler.step(25)
    past = [scheduler.lr_at(t / 2) for t in range(51)]
    end = schedule.length
    scheduler.extend(end + 300)
    now = scheduler.schedule
    assert now.length == pytest.approx(end + 300, rel=1e-12)
    assert [scheduler.lr_at(t / 2) for t in range(51)] == past
    if "Rsqrt" not in repr(schedule) and "Exponential" not in repr(schedule):
        for x in range(int(cooldown) + 1):
            assert now(since + 300 + x) == pytest.approx(schedule(since + x), abs=1e-12)
        assert now(since + 299) == pytest.approx(schedule(since - 1))
    else:  # what runs on beside it goes further
        assert 0 < now(since + 300) < schedule(since)
        assert now(since + 310) < 0.6 * now(since + 300)  # as quick as planned
        assert now(since + 299) > 0.98 * now(since + 298)
        assert now(end + 300) == pytest.approx(schedule(end), abs=1e-9)


def test_a_cooldown_that_has_begun_takes_longer() -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=WSD(100, 20, shape="linear"))
    scheduler.step(90)
    scheduler.extend(110)
    assert [scheduler.lr_at(t)[0] for t in (80, 90, 100, 110)] == [1.0, 0.5, 0.25, 0.0]


def test_flat_phases_that_are_over_and_that_are_to_come() -> None:
    over = ours.LRScheduler(sgd(1.0), lr=Constant(steps=50) >> Cosine(50))
    over.step(75)
    over.extend(125)
    assert [over.schedule(t) for t in (49, 50, 75, 100, 125)] == pytest.approx([1.0, 1.0, 0.5, Cosine(50)(37.5), 0.0])
    to_come = ours.LRScheduler(sgd(1.0), lr=Linear(30) >> Constant(steps=20) >> Cosine(50))
    to_come.step(25)
    to_come.extend(200)
    assert [to_come.schedule(t) for t in (15, 30, 149, 150, 175, 200)] == pytest.approx([0.5, 1.0, 1.0, 1.0, 0.5, 0.0])


def test_the_end_of_a_cut_stays_in_the_past() -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=Cosine(100)[:50])
    scheduler.step(80)
    scheduler.replan(Linear(10, 1.0, 0.0))
    assert [scheduler.schedule(t) for t in (50, 79, 80, 85, 90)] == pytest.approx([0.5, 0.5, 0.5, 0.25, 0.0])


def test_stairs_come_when_they_are_due() -> None:
    """A stretch rounds; a stair must not come a step late for that."""
    for end, total in ((100, 130), (90, 271), (70, 300), (7, 31)):
        for at in (0, 1, 5):
            scheduler = ours.LRScheduler(sgd(1.0), lr=MultiStep((6,), 0.5)[:end])
            scheduler.step(at)
            scheduler.extend(total)
            due = math.ceil(at + (6 - at) * (total - at) / (end - at) - 1e-9)
            assert [scheduler.schedule(t) for t in (due - 1, due)] == [1.0, 0.5], (end, total, at)


@pytest.mark.parametrize(("end", "total"), [(7, 9), (7, 18), (7, 29), (7, 36), (7, 58), (100, 150)])
def test_the_end_is_reached_exactly(end: int, total: int) -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=Linear(end, 1.0, 0.0))
    scheduler.extend(total)
    assert scheduler.schedule(total) == 0.0


def test_said_after_every_load_it_changes_nothing_more() -> None:
    scheduler = cosine()
    scheduler.step(30)
    for _ in range(3):
        scheduler.extend(250)
        fresh = cosine()
        quietly(fresh, through_json(scheduler))
        scheduler = fresh
    assert len(scheduler.changes) == 1
    scheduler.extend(300)
    assert [change["total_steps"] for change in scheduler.changes] == [250, 300]
    assert scheduler.schedule.length == 300
    assert scheduler.lr_at(300) == [0.0]


def test_a_rise_that_nothing_follows_is_extended_itself() -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=Linear(20, start=0.5))
    scheduler.rescale(0.5, steps=0, at=40)  # at the very end
    scheduler.extend(200, at=8)
    assert scheduler.schedule.length == 200
    assert [scheduler.lr_at(t)[0] for t in (0, 8, 38, 80, 199, 200)] == pytest.approx([0.5, 0.7, 0.825, 1.0, 1.0, 0.5])
    other = ours.LRScheduler(sgd(1.0), lr=Linear(20, start=0.5))
    other.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    assert other.schedule == scheduler.schedule


def test_all_keys_that_end_together_are_extended() -> None:
    o = sgd(1.0, 1.0)
    plans = {"momentum": Cosine(40), "weight_decay": [Cosine(100), Constant()]}
    scheduler = ours.LRScheduler(o, lr=[Cosine(100), Cosine(50)], **plans)
    scheduler.step(20)
    short = scheduler.schedules_of("lr")[1]
    scheduler.extend(200)
    assert [change["key"] for change in scheduler.changes] == ["lr", "weight_decay"]
    assert [one.length for one in scheduler.schedules_of("lr")] == [200, 50]
    assert scheduler.schedules_of("lr")[1] is short
    assert [one.length for one in scheduler.schedules_of("weight_decay")] == [200, math.inf]
    assert scheduler.schedules_of("momentum") == [Cosine(40)] * 2
    scheduler.extend(60, key="momentum")
    assert scheduler.schedules_of("momentum")[0].length == 60


def test_onecycle_and_its_total_steps() -> None:
    o = sgd(0.1)
    scheduler = ours.OneCycleLR(o, max_lr=1.0, total_steps=100)
    for _ in range(50):
        step(scheduler)
    before = everything(o)
    scheduler.extend(150)
    assert everything(o) == before
    assert (scheduler.total_steps, scheduler.state_dict()["total_steps"]) == (150, 100)
    fresh = ours.OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=100)
    quietly(fresh, through_json(scheduler))
    assert fresh.total_steps == 150
    for one in (scheduler, fresh):
        for _ in range(100):
            step(one)  # within what it was given: no warning
        with pytest.warns(UserWarning, match="step 151 is beyond total_steps=150"):
            step(one)
        assert rates(one.optimizer) == pytest.approx([4e-6])
    scheduler.total_steps = 120
    assert scheduler._hyper["total_steps"] == 120
    scheduler.replan(Constant(), continuous=False)
    assert scheduler.total_steps == 120  # it has no end now, so what was given stays


def test_edits_stay_and_levels_too() -> None:
    scheduler = cosine()
    for _ in range(20):
        step(scheduler)
    scheduler.optimizer.param_groups[0]["lr"] *= 0.5
    now = rates(scheduler.optimizer)[0]
    scheduler.replan(Decay(10, shape="linear"))
    assert rates(scheduler.optimizer) == pytest.approx([now], rel=1e-12)
    scheduler.optimizer.param_groups[0]["lr"] *= 0.5
    for _ in range(5):
        step(scheduler)
    assert rates(scheduler.optimizer) == pytest.approx([now / 4])
    cycle = ours.OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=100, cycle_momentum=False)
    cycle.step(30)
    cycle.extend(200)
    cycle.optimizer.param_groups[0]["max_lr"] = 2.0
    step(cycle)
    assert 1.9 < rates(cycle.optimizer)[0] < 2.0
    assert cycle.total_steps == 200


def test_hyperparameters_that_are_assigned_afterwards() -> None:
    scheduler = ours.CosineAnnealingLR(sgd(1.0), T_max=100)
    scheduler.step(50)
    scheduler.replan(Decay(10, shape="linear"))
    scheduler.eta_min = 0.5
    assert [scheduler.lr_at(t)[0] for t in (0, 50, 55, 60)] == pytest.approx([1.0, 0.75, 0.375, 0.0])
    scheduler.extend(90)
    assert scheduler.lr_at(70) == pytest.approx([0.375])
    extended = ours.CosineAnnealingLR(sgd(1.0), T_max=100)
    extended.step(50)
    extended.extend(200)
    with pytest.raises(ValueError, match="lr ended at 40, so at 50 nothing is left to extend"):
        extended.T_max = 40
    assert (extended.T_max, extended.schedule.length) == (100, 200)


def test_rescale_keeps_floors_and_multiplies_what_is_absolute() -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=Cosine(100, end=0.1))
    scheduler.rescale(0.5, steps=0)
    assert [scheduler.lr_at(t)[0] for t in (0, 100)] == [0.5, 0.1]
    assert rates(scheduler.optimizer) == [0.5]  # at once
    noam = ours.NoamScheduler(sgd(1.0), model_size=64, warmup_steps=12)
    was = noam.lr_at(40)[0]
    noam.rescale(3, steps=10, at=20)
    assert noam.lr_at(40)[0] == pytest.approx(3 * was)
    assert noam.lr_at(20) == ours.NoamScheduler(sgd(1.0), model_size=64, warmup_steps=12).lr_at(20)


def test_a_change_replaces_earlier_ones_for_later_times() -> None:
    scheduler = cosine(momentum=Cosine(100))
    scheduler.replan(Decay(10), at=50)
    scheduler.replan(momentum=Decay(10), at=60)
    scheduler.replan(Decay(20), at=59)
    scheduler.replan(Decay(30), at=55)
    assert [(change["key"], change["at"]) for change in scheduler.changes] == [("lr", 50), ("momentum", 60), ("lr", 55)]
    for _ in range(3 * MOST):
        scheduler.replan(Decay(30), at=20)
        scheduler.replan(Decay(30), at=10)
    assert len(scheduler.changes) == 2
    assert [change["at"] for change in scheduler.changes] == [60, 10]
    assert scheduler.schedule == Cosine(100)[:10] >> Decay(30).continue_from(Cosine(100)[:10])


def test_what_shapes_the_past_is_kept() -> None:
    scheduler = cosine()
    scheduler.replan(Decay(20), at=50)
    scheduler.extend(100, at=10)  # of what ends at 70
    past = [scheduler.lr_at(t) for t in range(31)]
    scheduler.replan(Decay(5), at=30)
    assert [scheduler.lr_at(t) for t in range(31)] == past
    assert len(scheduler.changes) == 3
    jumped = cosine()
    jumped.rescale(0.5, steps=0)
    jumped.replan(Decay(5))
    assert rates(jumped.optimizer) == [0.5]
    jumped.replan(Constant(), continuous=False)
    assert rates(jumped.optimizer) == [1.0]
    assert len(jumped.changes) == 1


def test_as_many_changes_as_there_may_be() -> None:
    scheduler = ours.LRScheduler(sgd(1.0), lr=Cosine(100))
    for i in range(MOST // 2):
        step(scheduler)
        scheduler.extend(101 + 10 * i)
        scheduler.rescale(1.01, steps=3)
    values = [scheduler.lr_at(t) for t in range(500)]
    assert all(0.0 <= value[0] < 2.0 for value in values)
    fresh = ours.LRScheduler(sgd(1.0), lr=Cosine(100))
    quietly(fresh, through_json(scheduler))
    assert [fresh.lr_at(t) for t in range(500)] == values
    before = through_json(scheduler)
    with pytest.raises(ValueError, match=f"a plan can be changed {MOST} times; build a new scheduler"):
        scheduler.rescale(0.5, steps=0)
    assert through_json(scheduler) == before


def test_late_groups_and_lists() -> None:
    scheduler = ours.LRScheduler(sgd(1.0, 1.0), lr=[Cosine(100), Linear(100, 1.0, 0.0)])
    scheduler.step(50)
    scheduler.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.3})
    scheduler.replan([Decay(10, shape="linear"), Constant(), Decay(20, shape="linear")])
    assert rates(scheduler.optimizer) == pytest.approx([0.5, 0.5, 0.3])
    for _ in range(5):
        step(scheduler)
    assert rates(scheduler.optimizer) == pytest.approx([0.25, 0.5, 0.225])
    scheduler.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.4})
    step(scheduler)
    assert rates(scheduler.optimizer)[3] == pytest.approx(0.4 * 0.7 / 0.75)


@pytest.mark.parametrize("lr", [1.0, torch.tensor(1.0)])
def test_tensors_betas_and_two_schedulers(lr: Any) -> None:
    o = adam(lr)
    first = ours.LRScheduler(o, lr=Cosine(100), momentum=Constant())
    second = ours.LRScheduler(o, lr=Linear(10, 1.0, 0.5))
    for _ in range(10):
        o.step()
        first.step()
        second.step()
    held = o.param_groups[0]["lr"]
    first.replan(Decay(10, shape="linear"), momentum=Linear(10, 1.0, 0.5))
    assert rates(o)[0] == pytest.approx(Cosine(100)(10) * 0.5)
    for _ in range(5):
        o.step()
        first.step()
        second.step()
    assert rates(o)[0] == pytest.approx(Cosine(100)(10) * 0.25)
    assert o.param_groups[0]["betas"][0] == pytest.approx(0.9 * 0.75)
    if isinstance(lr, torch.Tensor):
        assert o.param_groups[0]["lr"] is held


def test_composites_and_their_children() -> None:
    o = sgd(1.0)
    child = ours.CosineAnnealingLR(o, 100)
    child.extend(200)  # before it became a part
    warmup = ours.LinearLR(o, 0.1, total_iters=10)
    scheduler = ours.SequentialLR(o, [warmup, child], [10])
    assert scheduler.schedule.length == 210
    scheduler.step(110)
    assert rates(o) == pytest.approx([0.5])
    for change in (lambda: child.replan(Decay(3)), lambda: child.extend(300), lambda: warmup.rescale(2, 0)):
        with pytest.raises(RuntimeError, match="it is part of a SequentialLR; change that one's plan"):
            change()
    scheduler.replan(Decay(10, shape="linear"))
    assert "changes=[{'at': 110" in repr(scheduler)
    values = [scheduler.lr_at(t) for t in range(130)]

    def again(extended: bool) -> Any:
        fresh = sgd(1.0)
        inner = ours.CosineAnnealingLR(fresh, 100)
        if extended:
            inner.extend(200)
        return ours.SequentialLR(fresh, [ours.LinearLR(fresh, 0.1, total_iters=10), inner], [10])

    for extended in (True, False):
        fresh = again(extended)
        quietly(fresh, through_json(scheduler))
        assert [fresh.lr_at(t) for t in range(130)] == values
        assert fresh._schedulers[1].changes == child.changes
    del scheduler
    child.replan(Decay(3))  # it is free again
    assert child.changes[-1]["at"] == child.last_epoch


def test_a_plateau_in_a_composite_acts_on_the_changed_plan() -> None:
    o = sgd(1.0)
    parts = [ours.LinearLR(o, 0.5, total_iters=2), ours.ReduceLROnPlateau(o, factor=0.5, patience=0)]
    scheduler = ours.SequentialLR(o, parts, [2])
    for loss in (1.0, 0.9, 0.8, 0.7):
        o.step()
        scheduler.step(loss)
    scheduler.replan(Linear(10, 1.0, 0.0))
    for loss in (0.6, 9.0):
        o.step()
        scheduler.step(loss)
    assert rates(o) == pytest.approx([0.8 * 0.5])


def test_copies_and_pickles() -> None:
    scheduler = cosine()
    scheduler.step(40)
    scheduler.replan(Decay(10))
    for other in (copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler)), copy.copy(scheduler)):
        assert other.changes == scheduler.changes
        assert [other.lr_at(t) for t in range(60)] == [scheduler.lr_at(t) for t in range(60)]
    older = cosine()
    state = older.__getstate__()
    del state["_changes"]
    older.__setstate__(state)
    assert older.changes == []


def test_a_state_of_weights_only_and_one_of_before() -> None:
    scheduler = cosine()
    scheduler.step(40)
    scheduler.replan(Decay(10))
    file = io.BytesIO()
    torch.save(scheduler.state_dict(), file)
    file.seek(0)
    fresh = cosine()
    quietly(fresh, torch.load(file, weights_only=True))
    assert fresh.lr_at(45) == scheduler.lr_at(45)
    state = cosine().state_dict()
    assert state.pop("_changes") == "[]"  # always there, so that a distributed checkpoint looks for it
    quietly(fresh := cosine(), state)
    assert fresh.changes == []


def test_distributed_checkpoints_bring_the_plan(tmp_path: Path) -> None:
    import torch.distributed.checkpoint as dcp

    scheduler = ours.CosineAnnealingLR(sgd(1.0), 100)
    scheduler.step(40)
    scheduler.extend(200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is one process
        dcp.save({"scheduler": scheduler}, checkpoint_id=tmp_path)
        fresh = ours.CosineAnnealingLR(sgd(1.0), 100)
        dcp.load({"scheduler": fresh}, checkpoint_id=tmp_path)
    assert fresh.changes == scheduler.changes
    assert [fresh.lr_at(t) for t in range(210)] == [scheduler.lr_at(t) for t in range(210)]
    assert rates(fresh.optimizer) == rates(scheduler.optimizer)


# -- plan and checkpoint do not agree


def test_a_plan_that_was_changed_before_loading_is_said() -> None:
    scheduler = cosine()
    scheduler.step(10)
    state = scheduler.state_dict()
    scheduler.replan(Decay(7))
    with pytest.warns(UserWarning, match=r"the state's changes of plan \[\] replaces this scheduler's \[.*Decay.*keeps yours"):
        scheduler.load_state_dict(state)
    assert scheduler.changes == []
    assert scheduler.lr_at(50) == [0.5]


def test_kept_hyperparameters_keep_the_plan_and_say_so() -> None:
    scheduler = cosine()
    scheduler.step(10)
    scheduler.replan(Decay(7))
    fresh = cosine()
    with pytest.warns(UserWarning, match=r"the state's changes of plan \[.*Decay.*\] are left out, \[\] stay"):
        fresh.load_state_dict(scheduler.state_dict(), keep_hyperparameters=True)
    assert fresh.changes == []
    assert fresh.last_epoch == 10
    assert fresh.lr_at(50) == [0.5]
    fresh.replan(Decay(7))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh.load_state_dict(scheduler.state_dict(), keep_hyperparameters=True)
    assert fresh.lr_at(17) == [0.0]


def test_functions_are_kept_from_the_constructed_scheduler() -> None:
    scheduler = ours.LambdaLR(sgd(1.0), factor)
    scheduler.step(10)
    scheduler.replan(Lambda(growing))
    state = through_json(scheduler)
    assert state["_changes"] == '[{"at": 10, "key": "lr", "schedule": null, "continuous": true}]'
    fresh = ours.LambdaLR(sgd(1.0), factor)
    before = through_json(fresh)
    with pytest.raises(
        ValueError, match=r"lr from 10 on holds a function, which no state has; call replan\(lr=\.\.\., at=10\)"
    ):
        fresh.load_state_dict(state)
    assert through_json(fresh) == before
    fresh.replan(Lambda(growing), at=10)
    quietly(fresh, state)
    assert [fresh.lr_at(t) for t in range(30)] == [scheduler.lr_at(t) for t in range(30)]
    other = ours.LambdaLR(sgd(1.0), factor)
    other.replan(Lambda(growing), at=11)
    with pytest.raises(ValueError, match="holds a function"):
        other.load_state_dict(state)
    several = ours.LambdaLR(sgd(1.0), factor)
    several.replan([Lambda(growing)], at=10)
    assert several.changes[0]["schedule"] is None


# -- refusals


def refused(scheduler: Any, match: str, kind: type[Exception] = ValueError, **change: Any) -> None:
    before, held, follows = through_json(scheduler), everything(scheduler.optimizer), repr(scheduler)
    with pytest.raises(kind, match=match):
        getattr(scheduler, change.pop("do", "replan"))(**change)
    assert (through_json(scheduler), everything(scheduler.optimizer), repr(scheduler)) == (before, held, follows)


def test_refusals() -> None:
    scheduler = cosine(momentum=Constant())
    scheduler.step(20)
    refused(scheduler, "LRScheduler: lr must be a Schedule or a list of them, got 3", TypeError, lr=3)
    refused(scheduler, r"lr must be a Schedule .* a function goes in as Lambda\(fn\)", TypeError, lr=[factor])
    refused(scheduler, "lr needs one schedule per parameter group: 1 groups, 2 given", lr=[Decay(3), Decay(3)])
    refused(scheduler, "lr needs one schedule per parameter group: 1 groups, 0 given", lr=[])
    refused(scheduler, r"replan\(\) needs a schedule: replan\(Decay\(2000\)\)")
    refused(scheduler, "continuous must be True or False, got 1", TypeError, lr=Decay(3), continuous=1)
    refused(scheduler, "'weight_decay' is not scheduled, so its plan cannot change; lr, momentum is", weight_decay=Decay(3))
    refused(scheduler, "at must be >= 20, where the scheduler is, got 19", lr=Decay(3), at=19)
    refused(scheduler, "at must be a number, got '30'", TypeError, lr=Decay(3), at="30")
    refused(scheduler, r"at must be <= 2\*\*53", lr=Decay(3), at=1e300)
    refused(scheduler, "does not follow the base, so it cannot start elsewhere; continuous=False lets it", lr=Linear(9))
    refused(scheduler, "is not affine in the base, .*continuous=False", lr=Cosine(9).clip(0.1))
    refused(scheduler, r"lr is 0 at 100, and what continues from 0 stays there; continuous=False", lr=Constant(), at=100)
    refused(scheduler, "total_steps must be >= 100, where lr ends now, got 50; to end sooner", do="extend", total_steps=50)
    refused(scheduler, "lr ended at 100, so at 100 nothing is left to extend", do="extend", total_steps=200, at=100)
    refused(scheduler, "momentum has no end to extend", do="extend", total_steps=200, key="momentum")
    refused(scheduler, "'betas' is not scheduled", do="extend", total_steps=200, key="betas")
    refused(scheduler, "total_steps must be finite", do="extend", total_steps=math.inf)
    refused(scheduler, "total_steps must be a number", TypeError, do="extend", total_steps=None)
    refused(scheduler, "factor must be > 0, got 0", do="rescale", factor=0, steps=3)
    refused(scheduler, "steps must be >= 0, got -1", do="rescale", factor=2, steps=-1)
    refused(scheduler, "'betas' is not scheduled", do="rescale", factor=2, steps=1, key="betas")
    refused(scheduler, r"Lambda: fn\(0\) must be finite", lr=Lambda(lambda t: math.nan))
    endless = ours.StepLR(sgd(1.0), 30)
    refused(endless, r"lr has no end to extend, it follows Step.*replan\(\) says what comes", do="extend", total_steps=9)
    negative = ours.LRScheduler(sgd(1.0), lr=Constant())
    refused(negative, "lr must be >= 0, got -1", lr=Lambda(lambda t: -1.0), continuous=False)


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_has_no_plan_refuses(name: str) -> None:
    match = "its rates follow the metrics, not a plan" if "own" not in name else r"rates come from its get_lr\(\)"
    for do, change in (
        ("replan", {"lr": Decay(3)}),
        ("extend", {"total_steps": 100}),
        ("rescale", {"factor": 2, "steps": 0}),
        ("replan", {"momentum": Decay(3)}),
    ):
        refused(made(name), match, NotImplementedError, do=do, **change)


def test_own_rates_refuse_and_their_other_keys_do_not() -> None:
    class Rooted(ours.LRScheduler):
        def get_lr(self) -> list[float]:
            return [base / (1 + self.last_epoch) ** 0.5 for base in self.base_lrs]

    scheduler = Rooted(sgd(1.0), weight_decay=Cosine(100))
    refused(scheduler, r"its rates come from get_lr\(\)", NotImplementedError, lr=Decay(3))
    scheduler.extend(200)
    assert scheduler.schedules_of("weight_decay")[0].length == 200
    refused(Rooted(sgd(1.0)), r"its rates come from get_lr\(\)", NotImplementedError, do="extend", total_steps=9)


HOSTILE = [
    (None, "_changes must be a list"),
    (b"\xff", "_changes: .*decode"),
    (b"[", "_changes: schedule configuration is no JSON"),
    (b'[{"at": 1, "at": 2}]', "'at' is given twice"),
    (b"[" * 100_000, "nested deeper"),
    (b" " * 1_000_001, "longer than 1000000 characters"),
    ("abc", "_changes must be a list"),
    ({"at": 1}, "_changes must be a list"),
    ([{"at": 1, "key": "lr", "total_steps": 200}] * (MOST + 1), f"at most {MOST} changes"),
    ([3], r"_changes\[0\] must tell at, key and a change of plan, got 3"),
    ([{}], "must tell at, key"),
    ([{"at": 1, "key": "lr"}], "must tell at, key"),
    ([{"at": 1, "key": "lr", "total_steps": 200, "factor": 2, "steps": 1}], "must tell at, key"),
    ([{"key": "lr", "total_steps": 200}], "must tell at, key"),
    ([{"at": -1, "key": "lr", "total_steps": 200}], r"at of _changes\[0\] must be >= 0"),
    ([{"at": math.nan, "key": "lr", "total_steps": 200}], "is no finite number"),
    ([{"at": 10**400, "key": "lr", "total_steps": 200}], "must be finite"),
    ([{"at": 2**60, "key": "lr", "total_steps": 200}], r"must be <= 2\*\*53"),
    ([{"at": True, "key": "lr", "total_steps": 200}], "must be a number"),
    ([{"at": 1, "key": 3, "total_steps": 200}], "must name its key, got 3"),
    ([{"at": 1, "key": "momentum", "total_steps": 200}], "'momentum' is not scheduled"),
    ([{"at": 1, "key": "lr", "total_steps": "200"}], "must be a number"),
    ([{"at": 1, "key": "lr", "total_steps": 20}], "total_steps must be >= 100"),
    ([{"at": 1, "key": "lr", "factor": -2, "steps": 1}], "must be > 0"),
    ([{"at": 1, "key": "lr", "factor": 2, "steps": -1}], "must be >= 0"),
    ([{"at": 1, "key": "lr", "schedule": {}, "continuous": True}], "unknown schedule None"),
    ([{"at": 1, "key": "lr", "schedule": 3, "continuous": True}], "must be a mapping, got 3"),
    ([{"at": 1, "key": "lr", "schedule": [], "continuous": True}], "a list of 1 to 1 schedules, as many as .* got 0"),
    (
        [
            {"at": 0, "key": "lr", "schedule": [{"schedule": "Constant"}] * 30_000, "continuous": False},
            *({"at": i, "key": "lr", "factor": 1.1, "steps": 3} for i in range(1, 64)),  # as many schedules each time: minutes
        ],
        "a list of 1 to 1 schedules, as many as .* got 30000",
    ),
    ([{"at": 1, "key": "lr", "schedule": [Cosine(3).to_dict()] * 2, "continuous": True}], "1 to 1 schedules, .* got 2"),
    ([{"at": 1, "key": "lr", "schedule": {"schedule": "Cosin", "steps": 3}, "continuous": True}], "did you mean 'Cosine'"),
    ([{"at": 1, "key": "lr", "schedule": Cosine(3).to_dict(), "continuous": 1}], "continuous of .* must be true or false"),
    ([{"at": 1, "key": "lr", "schedule": Linear(3).to_dict(), "continuous": True}], "continuous=False"),
    ([{"at": 1, "key": "lr", "schedule": None, "continuous": True}], "holds a function"),
]


@pytest.mark.parametrize(("changes", "match"), HOSTILE)
def test_hostile_changes_change_nothing(changes: Any, match: str) -> None:
    scheduler = cosine()
    for _ in range(7):
        step(scheduler)
    state = {**cosine().state_dict(), "_changes": changes if type(changes) is bytes else json.dumps(changes)}
    before, held = through_json(scheduler), everything(scheduler.optimizer)
    with pytest.raises(ValueError, match=match):
        scheduler.load_state_dict(state)
    assert (through_json(scheduler), everything(scheduler.optimizer)) == (before, held)


def test_deep_schedules_in_every_change_are_borne() -> None:
    deep: Schedule = Cosine(50)
    for _ in range(25):
        deep = deep.stretch(1.01)
    config = deep.to_dict()
    state = cosine().state_dict()
    state["_changes"] = [{"at": i, "key": "lr", "schedule": config, "continuous": True} for i in range(MOST)]
    state["_changes"] = json.dumps(state["_changes"])
    scheduler = cosine()
    scheduler.load_state_dict(state)
    assert 0.0 <= scheduler.lr_at(MOST + 5)[0] <= 1.0
    json.dumps(scheduler.state_dict(), allow_nan=False)


# -- random plans


@st.composite
def schedules(draw: Any) -> Schedule:
    kinds = [
        Cosine(draw(st.integers(5, 80)), draw(st.sampled_from([0.0, 0.01]))),
        Linear(draw(st.integers(5, 80)), draw(st.sampled_from([0.1, 1.0])), draw(st.sampled_from([0.0, 0.5, 1.0]))),
        WSD(draw(st.integers(20, 80)), draw(st.integers(1, 20)), warmup_steps=draw(st.sampled_from([0, 5.5, 9]))),
        Linear(7, start=0.1) >> Cosine(draw(st.integers(5, 60))),
        Cosine(draw(st.integers(3, 20))).repeat(4, decay=0.7),
        Noise(Polynomial(draw(st.integers(5, 80))), 0.3),
        MultiStep((9, 14.5, 30), 0.5)[: draw(st.integers(31, 60))],
        Absolute(0.02) * Cosine(draw(st.integers(5, 80))),
        Exponential(0.97),
        Constant(0.7),
    ]
    made: Schedule = draw(st.sampled_from(kinds))
    if draw(st.booleans()):
        made = made * Exponential(0.99) if draw(st.booleans()) else made.stretch(draw(st.sampled_from([0.5, 1.3])))
    return made


@settings(max_examples=150)
@given(data=st.data())
def test_random_plans_resume_and_are_pure(data: Any) -> None:
    draw, schedule = data.draw, data.draw(schedules())
    scheduler = ours.LRScheduler(sgd(0.5, 0.1), lr=schedule, momentum=Cosine(40))
    edited, changes = False, 0
    for t in range(draw(st.integers(1, 25))):
        step(scheduler)
        if draw(st.integers(0, 6)) == 0:
            scheduler.optimizer.param_groups[1]["lr"] *= 0.5
            edited = True
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.sampled_from([None, scheduler.last_epoch + 4, scheduler.last_epoch + 2.5]))
            before, held = through_json(scheduler), rates(scheduler.optimizer)
            least = scheduler.schedule(t + 1, 0.0)
            slope = scheduler.schedule(t + 1, 1.0) - least
            past = [scheduler.lr_at(x) for x in range(t + 1)]
            kind = draw(st.sampled_from(["extend", "replan", "rescale"]))
            jumps = False
            try:
                if kind == "extend":
                    scheduler.extend(scheduler.schedule.length + draw(st.integers(1, 40)), at=at)
                elif kind == "rescale":
                    jumps = draw(st.booleans())
                    scheduler.rescale(0.8, 0 if jumps else 6, at=at)
                else:
                    jumps = draw(st.booleans())
                    scheduler.replan(draw(schedules()), at=at, continuous=not jumps)
                changes += 1
            except ValueError:
                assert through_json(scheduler) == before
                continue
            if at is None and not edited:
                assert [scheduler.lr_at(x) for x in range(t + 1)] == past
            if not jumps and not (edited and not slope):  # what is absolute overwrites edits, those below it too
                expected = [max(rate, least) for rate in held] if edited else held
                assert rates(scheduler.optimizer) == pytest.approx(expected, rel=1e-9, abs=1e-15)
    state = through_json(scheduler)
    fresh = ours.LRScheduler(sgd(0.5, 0.1), lr=schedule, momentum=Cosine(40))
    quietly(fresh, state)
    assert through_json(fresh) == state
    for _ in range(40):
        step(scheduler)
        step(fresh)
        assert everything(fresh.optimizer) == everything(scheduler.optimizer)
    t = scheduler.last_epoch
    told = [scheduler.schedule(x, 0.5) for x in range(t + 1)]
    for x in (t, 0, t // 2, t):
        scheduler.step(x)
        assert rates(scheduler.optimizer)[0] == pytest.approx(told[x], rel=1e-12, abs=1e-15)


def test_timms_follow_their_groups_scales_after_a_change() -> None:
    o = sgd(1.0, 1.0)
    scheduler = CosineLRScheduler(o, t_initial=100)
    scheduler.step(50)
    scheduler.replan(Decay(10, shape="linear"))
    o.param_groups[1]["lr_scale"] = 0.5
    scheduler.step(55)
    assert rates(o) == pytest.approx([0.25, 0.125])
