"""R2, the state: resumed equals uninterrupted, in any order; a rejected load changes nothing."""

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
from cases import SCHEDULERS, Halving, adam, everything, factor, follows_metrics, growing, metrics, rates, sgd, step
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.stateful import Stateful
from torch.optim import lr_scheduler as theirs
from torch.optim.swa_utils import SWALR

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Constant, Cosine, Exponential, Lambda, Linear

STEPS = 60


def through_json(state: Any) -> Any:
    return json.loads(json.dumps(state, allow_nan=False))


def through_torch(state: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def optimizer_of(kind: str) -> Any:
    if kind == "adam":
        return adam(0.1, 0.2)
    return sgd(torch.tensor(0.1), torch.tensor(0.2, dtype=torch.float64)) if kind == "tensors" else sgd(0.1, 0.2)


def run(scheduler: Any, losses: list[float]) -> list[Any]:
    seen = []
    for loss in losses:
        step(scheduler, loss)
        seen.append((everything(scheduler.optimizer), scheduler.last_epoch, scheduler.get_last_lr()))
    return seen


@pytest.mark.parametrize("kind", ["floats", "tensors"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_resumed_equals_uninterrupted_at_every_step(name: str, kind: str) -> None:
    losses = metrics(STEPS)
    whole = run(SCHEDULERS[name](optimizer_of(kind)), losses)
    first = SCHEDULERS[name](optimizer_of(kind))
    for k in range(STEPS):
        held = copy.deepcopy(first.optimizer.state_dict())
        for reload, order in ((through_json, "scheduler"), (through_json, "optimizer, scheduler"),
                              (through_json, "scheduler, optimizer"), (through_torch, "scheduler")):  # fmt: skip
            state = reload(first.state_dict())
            optimizer = optimizer_of(kind)
            scheduler = SCHEDULERS[name](optimizer)
            for part in order.split(", "):
                if part == "scheduler":
                    scheduler.load_state_dict(state)
                    assert rates(optimizer) == rates(first.optimizer)  # right at once
                else:
                    optimizer.load_state_dict(copy.deepcopy(held))
            assert everything(optimizer) == everything(first.optimizer)
            assert run(scheduler, losses[k : k + 3]) == whole[k : k + 3]
            if k % 20 == 0:
                assert run(scheduler, losses[k + 3 :]) == whole[k + 3 :]
        run(first, [losses[k]])


@pytest.mark.parametrize("name", SCHEDULERS)
def test_copies_and_pickles_at_every_step_go_on_as_the_original(name: str) -> None:
    losses = metrics(STEPS)
    whole = run(SCHEDULERS[name](optimizer_of("tensors")), losses)
    first = SCHEDULERS[name](optimizer_of("tensors"))
    for k in range(STEPS):
        copied, pickled = copy.deepcopy(first), pickle.loads(pickle.dumps(first))
        for other in (copied, pickled):
            assert other.optimizer is not first.optimizer
            assert other.last_epoch == first.last_epoch
            assert run(other, losses[k : k + 3]) == whole[k : k + 3]
        run(first, [losses[k]])


def test_lambdas_are_not_pickled_and_their_states_are() -> None:
    scheduler = ours.SequentialLR(o := sgd(), [ours.LambdaLR(o, lambda t: 0.5**t), ours.StepLR(o, 3)], [4])
    step(scheduler)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(scheduler)
    state = through_json(scheduler.state_dict())
    other = ours.SequentialLR(p := sgd(), [ours.LambdaLR(p, lambda t: 0.5**t), ours.StepLR(p, 3)], [4])
    other.load_state_dict(state)
    assert run(other, metrics(9)) == run(scheduler, metrics(9))


@pytest.mark.filterwarnings("ignore")  # of torch.distributed without ranks
def test_distributed_checkpoints_at_every_step(tmp_path: Path) -> None:
    """All schedulers in one checkpoint a step."""
    losses = metrics(STEPS)
    whole = {name: run(SCHEDULERS[name](sgd(0.1, 0.2)), losses) for name in SCHEDULERS}
    running = {name: SCHEDULERS[name](sgd(0.1, 0.2)) for name in SCHEDULERS}
    for k in range(STEPS):
        if k % 6 == 1:
            dcp.save({name: one.state_dict() for name, one in running.items()}, checkpoint_id=tmp_path / str(k), no_dist=True)
            resumed = {name: SCHEDULERS[name](sgd(0.1, 0.2)) for name in SCHEDULERS}
            for one in resumed.values():  # elsewhere, and at another position
                run(one, losses[:2])
            holder = {name: one.state_dict() for name, one in resumed.items()}
            dcp.load(holder, checkpoint_id=tmp_path / str(k), no_dist=True)
            for name, one in resumed.items():
                one.load_state_dict(holder[name])
                assert run(one, losses[k : k + 2]) == whole[name][k : k + 2], (name, k)
        for one in running.values():
            run(one, [losses[k]])


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_is_stateful_to_distributed_checkpoints(tmp_path: Path) -> None:
    scheduler = SCHEDULERS["SequentialLR"](sgd(0.1, 0.2))
    assert isinstance(scheduler, Stateful)
    seen = run(scheduler, metrics(20))
    dcp.save({"scheduler": scheduler}, checkpoint_id=tmp_path, no_dist=True)
    resumed = SCHEDULERS["SequentialLR"](sgd(0.1, 0.2))
    dcp.load({"scheduler": resumed}, checkpoint_id=tmp_path, no_dist=True)
    assert (resumed.last_epoch, rates(resumed.optimizer)) == (20, seen[-1][2])
    assert run(resumed, metrics(20)) == run(scheduler, metrics(20))


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if not follows_metrics(name)])
def test_resumed_by_a_jump_too(name: str) -> None:
    whole = run(SCHEDULERS[name](sgd(0.1, 0.2)), metrics(STEPS))
    for k in range(1, STEPS - 3):
        scheduler = SCHEDULERS[name](sgd(0.1, 0.2))
        scheduler.step(k)
        assert run(scheduler, metrics(3)) == whole[k : k + 3]


ZIGZAG = Lambda(lambda t: abs((t % 6) - 3) / 3)
LAWS: list[Any] = [
    lambda o: ours.StepLR(o, 4, gamma=0.5),
    lambda o: ours.CosineAnnealingLR(o, 6),
    lambda o: ours.CosineAnnealingLR(o, 9, eta_min=0.01),
    lambda o: ours.LRScheduler(o, lr=ZIGZAG, weight_decay=Linear(9)),
    lambda o: ours.LRScheduler(o, lr=Linear(5) >> Cosine(7)),
    lambda o: ours.ReduceLROnPlateau(o, factor=0.5, patience=1),
    lambda o: ours.ExponentialLR(o, 0.9),
]


@settings(max_examples=120, deadline=None)
@given(
    picks=st.lists(st.sampled_from(range(len(LAWS))), min_size=1, max_size=3),
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["floats", "tensors"]),
)
@example(picks=[4, 2], seed=177, kind="floats")
@example(picks=[2, 4], seed=25, kind="floats")  # a zero of its own under another's hidden one
def test_pairs_with_edits_resume_in_any_order(picks: list[int], seed: int, kind: str) -> None:
    """Schedulers on one optimizer, edited, given late groups, saved and loaded at random moments in a random order."""
    draw = random.Random(seed)
    plan = [
        (draw.random() < 0.15, draw.choice([0.5, 0.0, 3.0]), draw.random() < 0.05, draw.random() < 0.3, draw.random())
        for _ in range(25)
    ]

    def go(interrupted: bool) -> list[Any]:
        order = random.Random(seed + 1)
        optimizer = optimizer_of(kind)
        schedulers = [LAWS[i](optimizer) for i in picks]
        seen = []
        for edit, ratio, late, save, loss in plan:
            optimizer.step()
            for scheduler in schedulers:
                scheduler.step(loss) if isinstance(scheduler, ours.ReduceLROnPlateau) else scheduler.step()
            if edit:
                optimizer.param_groups[0]["lr"] *= ratio
            if late and len(optimizer.param_groups) < 4:
                optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.05})
            states = [scheduler.state_dict() for scheduler in schedulers]  # reading changes nothing
            if save and interrupted:
                held, states = copy.deepcopy(optimizer.state_dict()), through_json(states)
                optimizer = optimizer_of(kind)
                for _ in range(len(held["param_groups"]) - 2):
                    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.05})
                schedulers = [LAWS[i](optimizer) for i in picks]
                loads: list[Any] = [(s.load_state_dict, state) for s, state in zip(schedulers, states, strict=True)]
                loads.append((optimizer.load_state_dict, held))
                order.shuffle(loads)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # bases of late groups differ from the rebuilt ones, and are said to
                    for load, state in loads:
                        load(state)
            seen.append((everything(optimizer), [s.get_last_lr() for s in schedulers]))
        return seen

    assert go(interrupted=True) == go(interrupted=False)


def test_a_state_is_plain_and_its_own() -> None:
    for name, make in SCHEDULERS.items():
        scheduler = make(sgd(0.1, torch.tensor(0.2)))
        step(scheduler, 1.0)
        state = scheduler.state_dict()
        kept = copy.deepcopy(state)
        assert through_json(state) == kept, name
        for value in state.values():
            if isinstance(value, list):
                value.append(9.9)  # no live reference comes out
        assert scheduler.state_dict() == kept, name
        loaded = copy.deepcopy(kept)
        other = make(sgd(0.1, torch.tensor(0.2)))
        other.load_state_dict(loaded)
        step(other, 0.5)
        assert loaded == kept, name  # and none goes in
        for key in ("last_epoch", "_step_count", "base_lrs", "_last_lr", "_group_count"):
            assert key in state


def test_hyperparameters_under_their_own_names() -> None:
    state = ours.CosineAnnealingLR(sgd(), T_max=9, eta_min=0.01).state_dict()
    assert {k: state[k] for k in ("_class", "T_max", "eta_min", "last_epoch", "_step_count", "base_lrs", "_last_lr")} == {
        "_class": "CosineAnnealingLR", "T_max": 9, "eta_min": 0.01, "last_epoch": 0, "_step_count": 1, "base_lrs": [0.1],
        "_last_lr": [0.1],
    }  # fmt: skip
    assert ours.MultiStepLR(sgd(), [9, 3]).state_dict()["milestones"] == [3, 9]


def test_hyperparameters_are_restored_with_a_warning_or_kept() -> None:
    saved = ours.StepLR(sgd(0.1), 2, gamma=0.5)
    saved.step(4)
    state = saved.state_dict()

    other = ours.StepLR(sgd(0.1), 2, gamma=0.1)
    with pytest.warns(
        UserWarning, match=r"StepLR: the state's gamma 0\.5 replaces this scheduler's 0\.1; .*keep_hyper"
    ) as caught:
        other.load_state_dict(state)
    assert caught[0].filename == __file__
    assert (other.gamma, rates(other.optimizer)) == (0.5, [0.025])

    keeper = ours.StepLR(sgd(0.2), 2, gamma=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keeper.load_state_dict(state, keep_hyperparameters=True)
    assert (keeper.gamma, keeper.last_epoch, keeper.base_lrs) == (0.1, 4, [0.2])
    assert rates(keeper.optimizer) == pytest.approx([0.002])
    step(keeper)
    step(keeper)
    assert rates(keeper.optimizer) == pytest.approx([0.0002])

    with pytest.warns(UserWarning, match=r"StepLR: the state's base_lrs \[0\.1\] replaces this scheduler's \[0\.2\]"):
        ours.StepLR(sgd(0.2), 2, gamma=0.5).load_state_dict(state)


def test_kept_hyperparameters_keep_edits_as_ratios() -> None:
    saved = ours.ReduceLROnPlateau(sgd(0.1), factor=0.5, patience=0)
    for loss in (1.0, 1.0, 1.0):
        step(saved, loss)
    assert rates(saved.optimizer) == [0.025]
    keeper = ours.ReduceLROnPlateau(sgd(0.4), factor=0.1, patience=3)
    keeper.load_state_dict(saved.state_dict(), keep_hyperparameters=True)
    assert (rates(keeper.optimizer), keeper.factor, keeper.best) == ([0.1], 0.1, 1.0)


def test_schedules_are_restored_from_their_configuration() -> None:
    saved = ours.LRScheduler(sgd(0.1), lr=Linear(4) >> Cosine(9))
    saved.step(7)
    other = ours.LRScheduler(sgd(0.1), lr=Constant())
    with pytest.warns(UserWarning, match=r"LRScheduler: the state's lr .*'Join'.* replaces"):
        other.load_state_dict(through_json(saved.state_dict()))
    assert rates(other.optimizer) == rates(saved.optimizer)
    step(other)
    step(saved)
    assert rates(other.optimizer) == rates(saved.optimizer)


def test_functions_stay_and_objects_are_restored() -> None:
    saved = ours.LambdaLR(sgd(0.1, 0.1), [factor, Halving(3)])
    saved.step(3)
    state = through_json(saved.state_dict())
    assert state["lr_lambdas"] == [None, {"every": 3}]
    mine = Halving(100)
    other = ours.LambdaLR(sgd(0.1, 0.1), [factor, mine])
    other.load_state_dict(state)
    assert (mine.every, rates(other.optimizer)) == (3, rates(saved.optimizer))

    class Heavy:
        def __init__(self) -> None:
            self.table = object()

        def __call__(self, t: Any) -> float:
            return 1.0

    with pytest.raises(ValueError, match=r"LambdaLR: lr_lambdas\.table must be plain data"):
        ours.LambdaLR(sgd(), Heavy()).state_dict()


def test_a_users_attributes_are_kept() -> None:
    scheduler = ours.StepLR(sgd(), 3)
    scheduler.note, scheduler.model = {"run": [1, 2]}, torch.nn.Linear(1, 1)  # type: ignore[attr-defined]
    scheduler.function, scheduler.plan = factor, [Constant()]  # type: ignore[attr-defined]
    state = through_json(scheduler.state_dict())
    assert state["note"] == {"run": [1, 2]}
    assert state.keys().isdisjoint({"model", "function", "plan"})  # plain data alone
    other = ours.StepLR(sgd(), 3)
    other.note = None  # type: ignore[attr-defined]
    other.load_state_dict(state)
    assert other.note == {"run": [1, 2]}  # type: ignore[attr-defined]


def test_late_groups_with_lists_resume() -> None:
    def build() -> Any:
        optimizer = sgd(0.1, 0.2)
        scheduler = ours.LRScheduler(optimizer, lr=[Exponential(0.5), Cosine(9)])
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.05})
        return scheduler

    saved = build()
    run(saved, [0.0] * 3)
    other = build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other.load_state_dict(through_json(saved.state_dict()))
    assert run(other, [0.0] * 4) == run(saved, [0.0] * 4)


# -- refusals

BAD_STATES: list[tuple[str, Any, str]] = [
    ("not a mapping", lambda s: [1], r"a state must be a mapping, got list"),
    ("empty", lambda s: {}, r"the state lacks"),
    ("class", lambda s: {**s, "_class": "StepLR"}, r"the state is one of 'StepLR'"),
    ("class missing", lambda s: without(s, "_class"), r"the state lacks '_class'"),
    ("group count", lambda s: {**s, "_group_count": 3}, r"the state has 3 parameter groups, the optimizer 2"),
    ("group count bool", lambda s: {**s, "_group_count": True}, r"the state has True parameter groups"),
    ("group count missing", lambda s: without(s, "_group_count"), r"the state lacks '_group_count'"),
    ("last_epoch missing", lambda s: without(s, "last_epoch"), r"the state lacks 'last_epoch'"),
    ("last_epoch None", lambda s: {**s, "last_epoch": None}, r"last_epoch must be a number, got None"),
    ("last_epoch nan", lambda s: {**s, "last_epoch": math.nan}, r"last_epoch must be finite, got nan"),
    ("last_epoch string", lambda s: {**s, "last_epoch": "3"}, r"last_epoch must be a number, got '3'"),
    ("last_epoch bool", lambda s: {**s, "last_epoch": True}, r"last_epoch must be a number, got True"),
    ("last_epoch huge", lambda s: {**s, "last_epoch": 10**400}, r"last_epoch must be finite"),
    ("last_epoch large", lambda s: {**s, "last_epoch": 1e300}, r"last_epoch must lie between -1 and 2\*\*53"),
    ("last_epoch negative", lambda s: {**s, "last_epoch": -5}, r"last_epoch must lie between -1"),
    ("_step_count", lambda s: {**s, "_step_count": -1}, r"_step_count must be a whole number >= 1, got -1"),
    ("_step_count part", lambda s: {**s, "_step_count": 1.5}, r"_step_count must be a whole number"),
    ("_step_count missing", lambda s: without(s, "_step_count"), r"the state lacks '_step_count'"),
    ("base_lrs empty", lambda s: {**s, "base_lrs": []}, r"initial of lr must be a list of 2 numbers"),
    ("base_lrs short", lambda s: {**s, "base_lrs": [0.1]}, r"initial of lr must be a list of 2 numbers"),
    ("base_lrs nan", lambda s: {**s, "base_lrs": [0.1, math.nan]}, r"initial of lr must be finite"),
    ("base_lrs negative", lambda s: {**s, "base_lrs": [0.1, -1]}, r"initial of lr must be >= 0, got -1"),
    ("base_lrs string", lambda s: {**s, "base_lrs": "ab"}, r"initial of lr must be a list of 2 numbers"),
    ("base_lrs missing", lambda s: without(s, "base_lrs"), r"the state lacks 'base_lrs'"),
    ("_last_lr inf", lambda s: {**s, "_last_lr": [math.inf, 0.1]}, r"last of lr must be finite"),
    ("_last_lr dict", lambda s: {**s, "_last_lr": {}}, r"last of lr must be a list of 2 numbers"),
    ("_last_lr missing", lambda s: without(s, "_last_lr"), r"the state lacks '_last_lr'"),
    ("_tracks missing", lambda s: without(s, "_tracks"), r"the state lacks '_tracks'"),
    ("_tracks list", lambda s: {**s, "_tracks": []}, r"_tracks must tell of lr"),
    ("_tracks other", lambda s: {**s, "_tracks": {"momentum": s["_tracks"]["lr"]}}, r"_tracks must tell of lr"),
    ("track None", lambda s: {**s, "_tracks": {"lr": None}}, r"the state of lr must be a mapping"),
    ("_step_count zero", lambda s: {**s, "_step_count": 0}, r"_step_count must be a whole number >= 1, got 0"),
    ("T_max beyond", lambda s: {**s, "T_max": 10**400}, r"T_max must be finite"),
    ("group count tensor", lambda s: {**s, "_group_count": torch.tensor([2, 2])}, r"the state has tensor"),
    ("bases missing", lambda s: track(s, bases=...), r"the state lacks 'bases'"),
    ("bases nested", lambda s: track(s, bases=[[0.1], 0.2]), r"bases of lr must be a number, got \[0\.1\]"),
    ("held nan", lambda s: track(s, held=[math.nan, 0.1]), r"held of lr must be finite"),
    ("held missing", lambda s: track(s, held=...), r"the state lacks 'held'"),
    ("hidden missing", lambda s: track(s, hidden=...), r"the state lacks 'hidden'"),
    ("hidden number", lambda s: track(s, hidden=3), r"hidden of lr must list group, value and whether signed"),
    ("hidden short", lambda s: track(s, hidden=[[0, 1.0]]), r"hidden of lr must list group, value and whether signed"),
    ("hidden group", lambda s: track(s, hidden=[[2, 1.0, True]]), r"hidden group of lr must be below 2, got 2"),
    ("hidden signed", lambda s: track(s, hidden=[[0, 1.0, 1]]), r"hidden of lr must be signed with true or false, got 1"),
    ("hidden value", lambda s: track(s, hidden=[[0, "x", True]]), r"hidden value of lr must be a number"),
    ("T_max missing", lambda s: without(s, "T_max"), r"the state lacks 'T_max'"),
    ("T_max zero", lambda s: {**s, "T_max": 0}, r"T_max must be > 0, got 0"),
    ("T_max list", lambda s: {**s, "T_max": [9]}, r"T_max must be a number, got \[9\]"),
    ("eta_min None", lambda s: {**s, "eta_min": None}, r"eta_min must be a number, got None"),
]  # fmt: skip


def without(state: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name != key}


def track(state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    lr = {k: v for k, v in {**state["_tracks"]["lr"], **changes}.items() if v is not ...}
    return {**state, "_tracks": {**state["_tracks"], "lr": lr}}


@pytest.mark.parametrize(("change", "message"), [(c, m) for _, c, m in BAD_STATES], ids=[name for name, _, _ in BAD_STATES])
def test_a_rejected_load_changes_nothing(change: Any, message: str) -> None:
    saved = ours.CosineAnnealingLR(sgd(0.1, 0.2), T_max=9)
    saved.step(3)
    state = change(saved.state_dict())
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.CosineAnnealingLR(optimizer, T_max=9)
    step(scheduler)
    optimizer.param_groups[0]["lr"] = 0.07
    before = (everything(optimizer), scheduler.state_dict(), copy.deepcopy(scheduler._hyper))
    error = TypeError if isinstance(state, list) else ValueError
    with pytest.raises(error, match="CosineAnnealingLR: " + message):
        scheduler.load_state_dict(state)
    assert (everything(optimizer), scheduler.state_dict(), scheduler._hyper) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {**s, "best": math.nan}, r"best must be finite"),
        (lambda s: {**s, "best": "low"}, r"best must be a number"),
        (lambda s: without(s, "best"), r"the state lacks 'best'"),
        (lambda s: {**s, "num_bad_epochs": -1}, r"num_bad_epochs must be a whole number >= 0"),
        (lambda s: {**s, "cooldown_counter": None}, r"cooldown_counter must be a number"),
        (lambda s: without(s, "cooldown_counter"), r"the state lacks 'cooldown_counter'"),
        (lambda s: {**s, "mode": "up"}, r"mode must be one of"),
        (lambda s: {**s, "sync": 1}, r"sync must be True or False"),
        (lambda s: {**s, "factor": 1.0}, r"factor must be in \(0, 1\), got 1\.0"),
    ],
)
def test_a_plateaus_state_is_checked_too(change: Any, message: str) -> None:
    saved = ours.ReduceLROnPlateau(sgd())
    step(saved, 1.0)
    scheduler = ours.ReduceLROnPlateau(sgd())
    before = (everything(scheduler.optimizer), scheduler.state_dict())
    with pytest.raises(ValueError, match="ReduceLROnPlateau: " + message):
        scheduler.load_state_dict(change(saved.state_dict()))
    assert (everything(scheduler.optimizer), scheduler.state_dict()) == before


def test_a_bool_is_no_group_count() -> None:
    scheduler = ours.StepLR(sgd(), 3)
    with pytest.raises(ValueError, match=r"StepLR: the state has True parameter groups, the optimizer 1"):
        scheduler.load_state_dict({**scheduler.state_dict(), "_group_count": True})


def test_lists_of_another_length_are_refused() -> None:
    two = ours.LRScheduler(sgd(0.1, 0.2), lr=[Cosine(9), Linear(3)])
    state = two.state_dict()
    for change, message in (
        ({"lr": state["lr"][:1]}, r"LRScheduler: lr must be a list of 2, got"),
        (
            {"lr": state["lr"][0]},
            r"LRScheduler: lr must be a list of 2, got \{.*; build the scheduler with one for all groups, as ",
        ),
        ({"lr": [None, None]}, r"a schedule configuration must be a mapping, got None"),  # no function stands in for it
    ):
        with pytest.raises(ValueError, match=message):
            two.load_state_dict({**state, **change})
    plateau = ours.ReduceLROnPlateau(sgd(0.1))
    for floors in ([], [0.1, 0.2]):
        with pytest.raises(ValueError, match=r"ReduceLROnPlateau: min_lr must be a list of 1, got"):
            plateau.load_state_dict({**plateau.state_dict(), "min_lr": floors})
    cyclic = ours.CyclicLR(sgd(0.1, 0.2), 0.01, 0.1)
    with pytest.raises(ValueError, match=r"CyclicLR: base_lr must be a list of 2, got \[0\.01, 0\.02, 0\.03\]"):
        cyclic.load_state_dict({**cyclic.state_dict(), "base_lr": [0.01, 0.02, 0.03]})
    with pytest.raises(ValueError, match=r"CyclicLR: mode must be plain data"):
        cyclic.load_state_dict({**cyclic.state_dict(), "mode": 10**400, "scale_fn": None})
    noted = ours.StepLR(sgd(), 3)
    noted.note = 1  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"StepLR: note must be plain data"):
        noted.load_state_dict({**noted.state_dict(), "note": object()})


def test_a_list_that_is_too_short_for_late_groups_says_how_it_was_built() -> None:
    """The third group followed the list's last schedule; a script that now builds all three at once is told the way out."""
    scheduler = ours.LRScheduler(sgd(0.1, 0.2), lr=[Cosine(9), Linear(9)])
    late(scheduler.optimizer)
    step(scheduler)
    state = through_json(scheduler.state_dict())
    ways = r"; build the scheduler with a list of 2, as it was built when this was saved, and add groups that came later after "
    ways += r"that, or load_state_dict\(state, keep_hyperparameters=True\) keeps yours"
    for lr, match in (
        ([Cosine(9), Linear(9), Linear(9)], r"LRScheduler: lr must be a list of 3, got \[.*\]" + ways),
        (Cosine(9), r"LRScheduler: lr must be one for all groups, got \[.*\]" + ways),
    ):
        other = ours.LRScheduler(sgd(0.1, 0.2, 0.3), lr=lr)
        before = (everything(other.optimizer), other.state_dict())
        with pytest.raises(ValueError, match=match):
            other.load_state_dict(state)
        assert (everything(other.optimizer), other.state_dict()) == before
        other.load_state_dict(state, keep_hyperparameters=True)
        assert other.last_epoch == 1
    as_it_was = ours.LRScheduler(sgd(0.1, 0.2), lr=[Cosine(9), Linear(9)])
    with pytest.raises(ValueError, match=r"state has 3 parameter groups, the optimizer 2; add groups that came late before "):
        as_it_was.load_state_dict(state)
    late(as_it_was.optimizer)
    as_it_was.load_state_dict(state)
    assert run(as_it_was, metrics(5)) == run(scheduler, metrics(5))


def test_hostile_schedules_are_refused() -> None:
    scheduler = ours.LRScheduler(sgd(), lr=Cosine(9))
    state = scheduler.state_dict()
    for config, message in [
        ({"schedule": "os.system"}, r"unknown schedule 'os\.system'"),
        ({"schedule": "Cosine", "steps": 0}, r"Cosine: steps must be > 0, got 0"),
        ({"schedule": "Cosine", "steps": "9"}, r"Cosine: steps must be a number, got '9'"),
        ([1], r"."),
        (3, r"a schedule configuration must be a mapping"),
    ]:
        with pytest.raises(ValueError, match=message):
            scheduler.load_state_dict({**state, "lr": config})
    assert scheduler.state_dict() == state


def test_attributes_for_what_takes_none_are_refused() -> None:
    scheduler = ours.LambdaLR(sgd(), math.exp)
    with pytest.raises(ValueError, match=r"LambdaLR: lr_lambdas is \{'a': 1\} in the state, and .* takes no attributes"):
        scheduler.load_state_dict({**scheduler.state_dict(), "lr_lambdas": [{"a": 1}]})


# -- what a review found


def late(optimizer: Any, lr: float = 0.5) -> None:
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr})


def test_chained_children_keep_their_distance_when_loaded() -> None:
    def build(ahead: int) -> Any:
        optimizer = sgd(1.0)
        first = ours.StepLR(optimizer, 4, gamma=0.5)
        for _ in range(ahead):
            step(first)
        return ours.ChainedScheduler([first, ours.StepLR(optimizer, 3, gamma=0.1)])

    scheduler, other = build(3), build(0)
    run(scheduler, metrics(2))
    other.load_state_dict(through_json(scheduler.state_dict()))
    assert [child.last_epoch for child in other._schedulers] == [5, 2]
    assert run(other, metrics(9)) == run(scheduler, metrics(9))


def test_late_groups_and_edits_are_kept_with_other_hyperparameters() -> None:
    scheduler = ours.ExponentialLR(sgd(1.0), 0.5)
    step(scheduler)
    late(scheduler.optimizer)
    step(scheduler)
    scheduler.optimizer.param_groups[0]["lr"] *= 0.5  # and is not seen yet
    other = ours.ExponentialLR(sgd(1.0), 0.25)
    late(other.optimizer, 0.7)
    other.load_state_dict(scheduler.state_dict(), keep_hyperparameters=True)
    assert rates(other.optimizer)[0] == pytest.approx(0.25**2 * 0.5)
    step(other)
    assert rates(other.optimizer)[0] == pytest.approx(0.25**3 * 0.5)
    assert rates(other.optimizer)[1] > 0


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR"])
def test_attributes_in_torchs_states_hold_at_once(name: str, wrap: bool) -> None:
    def build(module: Any, by: int) -> Any:
        optimizer = sgd(1.0)
        made = getattr(module, name)(optimizer, Halving(by))
        return module.ChainedScheduler([made]) if wrap else made

    other, scheduler = build(theirs, 4), build(ours, 2)
    for _ in range(3):
        other.optimizer.step()
        other.step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the attributes are replaced, and that is said
        scheduler.load_state_dict(other.state_dict())
    for _ in range(6):
        assert rates(scheduler.optimizer) == pytest.approx(rates(other.optimizer))
        other.optimizer.step()
        other.step()
        step(scheduler)


@pytest.mark.parametrize("build", [lambda o: ours.OneCycleLR(o, [1.0, 2.0], 20), lambda o: ours.SWALR(o, [0.1, 0.2])])
def test_levels_of_late_groups_are_in_the_state(build: Any) -> None:
    scheduler = build(sgd(0.1, 0.2))
    step(scheduler)
    late(scheduler.optimizer)
    run(scheduler, metrics(3))
    other = build(sgd(0.1, 0.2))
    late(other.optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other.load_state_dict(through_json(scheduler.state_dict()))
    assert run(other, metrics(3)) == run(scheduler, metrics(3))


def test_base_rates_are_assigned_by_item_and_not_by_accident() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.ExponentialLR(optimizer, 0.5)
    step(scheduler)
    late(optimizer)
    scheduler.base_lrs.append(0.5)  # which PyTorch needs for a late group
    step(scheduler)
    assert scheduler.base_lrs == [1.0, 1.0]  # 0.5 at 1 comes from 1
    scheduler.base_lrs[0] = 0.5
    step(scheduler)
    assert (scheduler.base_lrs, rates(optimizer)) == ([0.5, 1.0], [0.0625, 0.125])


def test_positions_and_counts_that_would_take_for_ever_are_refused() -> None:
    for build in (ours.MultiplicativeLR, lambda o, f: ours.ChainedScheduler([ours.MultiplicativeLR(o, f)])):
        scheduler = build(sgd(), factor)
        with pytest.raises(ValueError, match=r": last_epoch must be at most 100000000, got 9007199254740992"):
            scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": 2**53})
    state = theirs.MultiStepLR(sgd(), [3]).state_dict()
    with pytest.raises(ValueError, match=r"MultiStepLR: milestones must count epochs, got"):
        ours.MultiStepLR(sgd(), [3]).load_state_dict({**state, "milestones": {3: 10**7}})


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "CosineAnnealingWarmRestarts",
            {"T_0": 0, "T_mult": 1},
            r"CosineAnnealingWarmRestarts: the state cannot be read: .*zero",
        ),
        ("OneCycleLR", {"total_steps": 0}, r"OneCycleLR: the state cannot be read: .*zero"),
        ("OneCycleLR", {"_schedule_phases": []}, r"OneCycleLR: the state cannot be read: list index out of range"),
        ("ReduceLROnPlateau", {"min_lrs": []}, r"ReduceLROnPlateau: the state cannot be read: list index out of range"),
    ],
)
def test_damaged_states_of_torchs_are_value_errors(name: str, change: dict[str, Any], message: str) -> None:
    state = {**TORCHS[name](theirs, sgd(0.1, 0.2)).state_dict(), **change}
    with pytest.raises(ValueError, match=message):
        TORCHS[name](ours, sgd(0.1, 0.2)).load_state_dict(state)


def test_a_place_beyond_the_cycle_is_refused() -> None:
    scheduler = ours.CosineAnnealingWarmRestarts(sgd(), 4)
    with pytest.raises(ValueError, match=r"CosineAnnealingWarmRestarts: T_cur must not be beyond last_epoch 0, got 1e\+308"):
        scheduler.load_state_dict({**scheduler.state_dict(), "T_cur": 1e308})


def test_a_shallow_copy_and_a_copied_child_go_on() -> None:
    for law, rate in ((ZIGZAG, 0.0), (Exponential(0.5), 0.5**4)):  # the zero of the original is still there
        scheduler = ours.LRScheduler(sgd(1.0), lr=law)
        for _ in range(3):
            step(scheduler)
        shallow = copy.copy(scheduler)
        assert shallow.optimizer is scheduler.optimizer
        step(shallow)
        assert (shallow.last_epoch, scheduler.last_epoch, rates(scheduler.optimizer)) == (4, 3, [rate])

    optimizer = sgd(1.0)
    child = ours.ExponentialLR(optimizer, 0.5)
    whole = ours.SequentialLR(optimizer, [child, ours.StepLR(optimizer, 9)], [9])
    for _ in range(3):
        step(whole)
    _, alone = copy.deepcopy((optimizer, child))
    step(alone)
    assert (alone.last_epoch, rates(alone.optimizer)) == (4, [0.5**4])


# -- states of PyTorch's own schedulers

TORCHS: dict[str, Any] = {
    "StepLR": lambda m, o: m.StepLR(o, 7, gamma=0.5),
    "MultiStepLR": lambda m, o: m.MultiStepLR(o, [5, 20, 20, 41], gamma=0.3),
    "ExponentialLR": lambda m, o: m.ExponentialLR(o, 0.93),
    "CosineAnnealingLR": lambda m, o: m.CosineAnnealingLR(o, 25, eta_min=0.001),
    "LambdaLR": lambda m, o: m.LambdaLR(o, [factor, growing]),
    "LambdaLR, object": lambda m, o: m.LambdaLR(o, Halving(9)),
    "CyclicLR": lambda m, o: m.CyclicLR(o, [0.01, 0.02], 0.2, step_size_up=5, step_size_down=8, max_momentum=0.95),
    "CyclicLR, scale_fn": lambda m, o: m.CyclicLR(o, 0.01, 0.2, 5, scale_fn=growing, cycle_momentum=False),
    "ReduceLROnPlateau": lambda m, o: m.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=[1e-4, 1e-3]),
    "MultiplicativeLR": lambda m, o: m.MultiplicativeLR(o, [factor_of_an_epoch, growing]),
    "MultiplicativeLR, object": lambda m, o: m.MultiplicativeLR(o, Slowing(0.99)),
    "ConstantLR": lambda m, o: m.ConstantLR(o, 0.3, 11),
    "LinearLR": lambda m, o: m.LinearLR(o, 0.2, 0.9, 23),
    "PolynomialLR": lambda m, o: m.PolynomialLR(o, 70, 1.7),
    "CosineAnnealingWarmRestarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 4, 2, 1e-3),
    "CosineAnnealingWarmRestarts, equal": lambda m, o: m.CosineAnnealingWarmRestarts(o, 7),
    "OneCycleLR": lambda m, o: m.OneCycleLR(o, [0.3, 0.4], 75, pct_start=0.25, max_momentum=0.97),
    "OneCycleLR, three phases": lambda m, o: m.OneCycleLR(o, 0.3, epochs=5, steps_per_epoch=15, three_phase=True),
    "SWALR": lambda m, o: swalr(m)(o, 0.01, 25),
    "SWALR, linear": lambda m, o: swalr(m)(o, [0.01, 0.02], 18, "linear"),
    "SequentialLR": lambda m, o: m.SequentialLR(
        o, [m.LinearLR(o, 0.1, total_iters=9), m.CosineAnnealingLR(o, 80), m.MultiStepLR(o, [4, 9])], [9, 29]
    ),
    "ChainedScheduler, of a sequence": lambda m, o: m.ChainedScheduler(
        [m.SequentialLR(o, [m.LinearLR(o, 0.1, total_iters=9), m.CosineAnnealingLR(o, 99)], [9]), m.StepLR(o, 20, 0.5)]
    ),
    "ChainedScheduler": lambda m, o: m.ChainedScheduler([m.StepLR(o, 9), m.ExponentialLR(o, 0.95), m.ConstantLR(o, 0.5, 4)]),
    "ChainedScheduler, nested": lambda m, o: m.ChainedScheduler(
        [m.ChainedScheduler([m.StepLR(o, 9, 0.5), m.LinearLR(o, 0.1, total_iters=12)]), m.PolynomialLR(o, 90)]
    ),
}


def built(name: str, module: Any, optimizer: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's composites step their children at once, and warn of that
        return TORCHS[name](module, optimizer)


def factor_of_an_epoch(t: Any) -> float:
    return 0.97 if t % 3 else 1.01


class Slowing:
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, t: Any) -> float:
        return self.by


def swalr(module: Any) -> Any:
    return getattr(module, "SWALR", SWALR)


@pytest.mark.parametrize("json_too", [False, True])
@pytest.mark.parametrize("name", TORCHS)
def test_states_of_torchs_schedulers_load_and_continue(name: str, json_too: bool) -> None:
    losses = metrics(STEPS)
    other = built(name, theirs, sgd(0.1, 0.2))
    for k in range(STEPS):
        if k % 7 == 3:
            state = other.state_dict()
            if json_too:
                state = json.loads(json.dumps(state))
            scheduler = TORCHS[name](ours, sgd(0.1, 0.2))
            kept = copy.deepcopy(state)
            scheduler.load_state_dict(state)
            assert state == kept
            assert rates(scheduler.optimizer) == rates(other.optimizer)
            twin = copy.deepcopy(other)
            scheduler.optimizer.load_state_dict(copy.deepcopy(other.optimizer.state_dict()))
            for loss in losses[k : k + 8]:
                step(scheduler, loss)
                twin.optimizer.step()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a copied optimizer looks overridden to PyTorch
                    twin.step(loss) if "Plateau" in name else twin.step()
                assert rates(scheduler.optimizer) == pytest.approx(rates(twin.optimizer), rel=1e-10)
                assert rates(scheduler.optimizer, "momentum") == pytest.approx(rates(twin.optimizer, "momentum"))
        other.optimizer.step()
        other.step(losses[k]) if "Plateau" in name else other.step()


def test_one_number_for_all_groups_is_the_same_as_a_list_of_it() -> None:
    """PyTorch saves a list where it was given one number: nothing is replaced, and nothing warned of."""
    other = theirs.CyclicLR(sgd(0.1, 0.2), 0.01, 0.2, base_momentum=0.5)
    for levels in (0.5, [0.5, 0.5]):
        scheduler = ours.CyclicLR(sgd(0.1, 0.2), [0.01, 0.01], 0.2, base_momentum=levels)
        scheduler.load_state_dict(other.state_dict())
    with pytest.warns(UserWarning, match=r"the state's base_momentum 0\.5 replaces this scheduler's \[0\.5, 0\.6\]"):
        ours.CyclicLR(sgd(0.1, 0.2), 0.01, 0.2, base_momentum=[0.5, 0.6]).load_state_dict(other.state_dict())


def test_an_edit_in_torchs_state_goes_on() -> None:
    other = theirs.ExponentialLR(sgd(0.1), 0.5)
    other.optimizer.step()
    other.step()
    other.optimizer.param_groups[0]["lr"] *= 0.1
    other.step()
    scheduler = ours.ExponentialLR(sgd(0.1), 0.5)
    scheduler.load_state_dict(other.state_dict())
    step(scheduler)
    assert rates(scheduler.optimizer) == pytest.approx([0.1 * 0.5**3 * 0.1])


@pytest.mark.parametrize("name", [name for name in TORCHS if name not in ("MultiStepLR", "SequentialLR")])
def test_our_states_load_in_torch_where_its_keys_suffice(name: str) -> None:
    """Not those of MultiStepLR, whose milestones are a list with us, as JSON needs it, and a Counter there."""
    losses = metrics(STEPS)
    scheduler = TORCHS[name](ours, sgd(0.1, 0.2))
    run(scheduler, losses[:9])
    other = built(name, theirs, sgd(0.1, 0.2))
    other.optimizer.load_state_dict(scheduler.optimizer.state_dict())
    other.load_state_dict(scheduler.state_dict())
    assert other.get_last_lr() == scheduler.get_last_lr()
    for loss in losses[9:40]:
        step(scheduler, loss)
        other.optimizer.step()
        other.step(loss) if "Plateau" in name else other.step()
        assert rates(other.optimizer) == pytest.approx(rates(scheduler.optimizer), rel=1e-10)
        assert rates(other.optimizer, "momentum") == pytest.approx(rates(scheduler.optimizer, "momentum"))


def test_a_state_of_another_torch_class_is_refused() -> None:
    state = theirs.StepLR(sgd(), 3).state_dict()
    with pytest.raises(ValueError, match=r"CosineAnnealingLR: the state lacks 'T_max'"):
        ours.CosineAnnealingLR(sgd(), 9).load_state_dict(state)
    with pytest.raises(ValueError, match=r"StepLR: the state has 1 parameter groups, the optimizer 2"):
        ours.StepLR(sgd(0.1, 0.2), 3).load_state_dict(state)


# -- states with anything in any place

ANYTHING: list[Any] = [
    None, [], {}, "x", math.nan, math.inf, True, False, 10**400, -1, 0, 1e300, [None], [[1]], {"a": 1}, [math.nan, 1.0], [1.0],
    [1.0, 2.0, 3.0], "Cosine", {"schedule": "Cosine"}, object(), b"x", 1j, torch.ones(2), factor, 2**60, [[0, 1.0, True]],
]  # fmt: skip


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in items for place in ((*path, key), *places(value, (*path, key)))]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [name for name in SCHEDULERS if not name.endswith(", object")])  # whose attributes are its own
def test_a_damaged_state_is_refused_whole_or_works(name: str) -> None:
    saved = SCHEDULERS[name](sgd(0.1, 0.2))
    run(saved, metrics(7))
    state = saved.state_dict()
    draw, refused = random.Random(name), 0
    for _ in range(60):
        damaged = copy.deepcopy(state)
        *path, last = draw.choice(places(state))
        inside = damaged
        for key in path:
            inside = inside[key]
        if draw.random() < 0.2:
            del inside[last]
        else:
            inside[last] = draw.choice(ANYTHING)
        scheduler = SCHEDULERS[name](sgd(0.1, 0.2))
        run(scheduler, [1.0])
        before = (everything(scheduler.optimizer), scheduler.state_dict())
        try:
            scheduler.load_state_dict(damaged)
        except ValueError:
            refused += 1
            assert (everything(scheduler.optimizer), scheduler.state_dict()) == before
        else:
            run(scheduler, metrics(5))
            json.dumps(scheduler.state_dict(), allow_nan=False)
            assert all(map(math.isfinite, rates(scheduler.optimizer)))
    assert refused > 20
