"""Sweeps: what is planned is run once, whatever happens to the workers; and the report says no more than the runs do."""

import csv
import io
import json
import math
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest

import lucid
from lucid import sweep
from lucid._sweep import Entry, Report, _alive, _plan, _report, _storage, _work
from lucid._sweep._alive import Watch
from lucid.cli import main
from lucid.schedules import Constant, Cosine, Exponential, Lambda, Linear, MultiStep, Schedule

ROOT = Path(lucid.__file__).parents[1]


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="elsewhere a worker dies by its lease alone")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches this process, be it started in the background, where shells have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Bowl:
    """An objective that remembers its calls: the nearer the rates' sum is to 1, the better; a seed moves the loss."""

    def __init__(self) -> None:
        self.calls: list[tuple[Schedule, float, int]] = []

    def __call__(self, schedule: Schedule, lr: float, seed: int) -> float:
        self.calls.append((schedule, lr, seed))
        return (sum(schedule.at(range(10), lr)) - 1) ** 2 + seed / 100


def states(report: Report) -> Counter[str]:
    return Counter(run.state for run in report.runs)


def stored(storage: Any, name: str) -> list[optuna.trial.FrozenTrial]:
    with _storage.lent(storage) as place:
        return optuna.load_study(study_name=name, storage=place).get_trials()


def opened_task(objective: Any, storage: Any, **more: Any) -> tuple[_plan.Task, optuna.Study, Any]:
    """What ``sweep`` makes of its arguments, for tests that look on half way."""
    arguments = {"lr": None, "seeds": 1, "trials": None, "name": "s", "direction": "minimize", "retries": 3, "failures": 10}
    task = lucid._sweep._task(objective, **{"candidates": ["constant()"], "lease": 60.0, **arguments, **more})
    place = _storage.opened(storage)
    return task, _work.begun(task, place, None, None), place


# -- the plan


def test_a_grid_runs_every_cell_once_all_with_the_first_seed_before_any_with_the_next() -> None:
    bowl = Bowl()
    candidates = {"a": Constant(), "b": "cosine(10)"}
    report = sweep(bowl, candidates, lr=[0.1, 0.2], seeds=[7, 3])
    parsed = {"a": Constant(), "b": Cosine(10)}
    assert bowl.calls == [(parsed[name], lr, seed) for seed in (7, 3) for lr in (0.1, 0.2) for name in "ab"]
    assert states(report) == {"finished": 8}
    assert report.left == 0
    assert not report.interrupted


def test_the_same_call_runs_nothing_again_and_a_larger_one_what_is_new(tmp_path: Path) -> None:
    first = Bowl()
    again = partial(sweep, storage=tmp_path / "new" / "s.journal", name="s")
    told = str(again(first, ["constant()"], lr=[0.1], seeds=2))
    assert len(first.calls) == 2
    second = Bowl()
    assert str(again(second, ["constant()"], lr=[0.1], seeds=2)) == told
    assert second.calls == []
    report = again(second, ["constant()", Cosine(10)], lr=[0.1, 0.2], seeds=3)
    fresh = [(s, lr, seed) for seed in range(3) for lr in (0.1, 0.2) for s in (Constant(), Cosine(10))]
    assert sorted(second.calls, key=str) == sorted((c for c in fresh if c not in first.calls), key=str)
    assert states(report) == {"finished": 12}
    # A smaller call takes what is there, too.
    assert again(second, ["constant()"], lr=[0.1], seeds=1).left == 0
    assert len(second.calls) == 10


class Clock:
    """The module ``time`` of what is tested: nothing takes longer because the machine is busy."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_short_runs_do_not_look_at_all_trials_after_each(monkeypatch: pytest.MonkeyPatch) -> None:
    bowl, clock = Bowl(), Clock()
    monkeypatch.setattr(_work, "time", clock)
    task, study, storage = opened_task(bowl, None, seeds=60)
    worker, look, looks, run = _work.Worker(task, study, storage), _work.Worker._trials, 0, _work.Worker._run

    def slow(self: _work.Worker) -> list[optuna.trial.FrozenTrial]:
        nonlocal looks
        looks += 1
        clock.now += 0.02
        return look(self)

    def quick(self: _work.Worker, *args: Any) -> None:
        clock.now += 0.005
        run(self, *args)

    monkeypatch.setattr(_work.Worker, "_trials", slow)
    monkeypatch.setattr(_work.Worker, "_run", quick)
    worker.run()
    assert [seed for _, _, seed in bowl.calls] == list(range(60))
    assert looks < 20


def test_between_two_looks_nothing_is_run_that_another_one_has_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        if not seen:  # another worker takes the next, and ends the one after
            storage.set_trial_state_values(others[1]._trial_id, optuna.trial.TrialState.RUNNING)
            storage.set_trial_state_values(others[2]._trial_id, optuna.trial.TrialState.COMPLETE, [0.5])
        seen.append(seed)
        if len(seen) == 2:
            storage.set_trial_state_values(others[1]._trial_id, optuna.trial.TrialState.COMPLETE, [0.25])
        return 1.0

    task, study, storage = opened_task(objective, None, seeds=4)
    worker = _work.Worker(task, study, storage)
    for seed in range(4):
        worker._enqueue(("grid", "constant()", 1.0, seed), {})
    others = study.get_trials()
    monkeypatch.setattr(_work.Worker, "_trials", lambda self: (time.sleep(0.02), study.get_trials(deepcopy=False))[1])
    worker.run()
    assert seen == [0, 3]
    assert [trial.value for trial in study.get_trials()] == [1.0, 0.25, 0.5, 1.0]


def test_another_name_is_another_sweep_and_the_objective_names_it(tmp_path: Path) -> None:
    def one(schedule: Schedule, lr: float, seed: int) -> float:
        return 1.0

    def other(schedule: Schedule, lr: float, seed: int) -> float:
        return 2.0

    place = tmp_path / "s.journal"
    assert sweep(one, ["constant()"], storage=place).name == "one"
    report = sweep(partial(other), ["constant()"], storage=place)
    assert (report.name, report.runs[0].loss) == ("other", 2.0)
    assert sweep(Bowl(), ["constant()"], storage=place).name == "Bowl"
    assert sweep(one, ["constant()"], storage=place, name="mine").name == "mine"


def test_without_rates_the_rate_is_one() -> None:
    bowl = Bowl()
    sweep(bowl, [0.1 * Constant()], seeds=1)
    assert bowl.calls == [(0.1 * Constant(), 1.0, 0)]
    sweep(bowl, Constant(), lr=0.5, seeds=1)
    assert bowl.calls[1:] == [(Constant(), 0.5, 0)]


def test_a_range_draws_as_many_rates_for_each_candidate_and_repeats_them_with_the_other_seeds(tmp_path: Path) -> None:
    bowl = Bowl()
    again = partial(sweep, bowl, ["constant()", "cosine(10)"], lr=(0.01, 1.0), storage=tmp_path / "s.journal")
    report = again(trials=4, seeds=2)
    rates = {s: [lr for schedule, lr, seed in bowl.calls if (schedule, seed) == (s, 0)] for s in (Constant(), Cosine(10))}
    assert [len(set(of)) for of in rates.values()] == [4, 4]
    assert all(0.01 <= lr <= 1 for of in rates.values() for lr in of)
    for s, of in rates.items():
        assert sorted(of) == sorted(lr for schedule, lr, seed in bowl.calls if (schedule, seed) == (s, 1))
    assert {entry.n for entry in report.entries} == {2}
    assert len(report.entries) == 8
    again(trials=5, seeds=3)
    assert len(bowl.calls) == 16 + 2 * 3 + 8  # a draw more of each with three seeds, a seed more of eight


def test_what_is_left_of_a_range_counts_the_seeds_that_are_yet_to_come(interruptible: None) -> None:
    calls: list[float] = []

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        calls.append(lr)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return lr

    report = sweep(objective, ["constant()"], lr=(0.01, 1.0), trials=4, seeds=3)
    assert (states(report), report.left) == ({"finished": 2}, 10)


def test_other_seeds_take_the_rates_that_were_drawn(tmp_path: Path) -> None:
    bowl = Bowl()
    for seeds in ([4], [9, 4], [7]):
        sweep(bowl, ["constant()"], lr=(0.01, 1.0), trials=2, seeds=seeds, storage=tmp_path / "s.journal")
    drawn = {seed: {lr for _, lr, of in bowl.calls if of == seed} for seed in (4, 9, 7)}
    assert drawn[4] == drawn[9] == drawn[7]
    assert len(bowl.calls) == 6


def test_a_space_draws_schedules_and_repeats_them_with_the_other_seeds(tmp_path: Path) -> None:
    bowl = Bowl()

    def space(trial: optuna.Trial) -> Schedule:
        return Cosine(10, end=trial.suggest_float("end", 0.0, 0.5))

    report = sweep(bowl, space, lr=[0.1, 0.2], trials=3, seeds=2, storage=tmp_path / "s.journal")
    with_first = [(schedule, lr) for schedule, lr, seed in bowl.calls if seed == 0]
    assert len({schedule.end for schedule, _ in with_first}) == 3  # type: ignore[attr-defined]
    assert {lr for _, lr in with_first} <= {0.1, 0.2}
    assert sorted(with_first, key=str) == sorted(((s, lr) for s, lr, seed in bowl.calls if seed == 1), key=str)
    assert report.best is not None
    assert report.best.name == repr(report.best.schedule)
    assert isinstance(report.best.schedule, Cosine)
    sweep(bowl, space, trials=2, lr=(0.1, 0.2), seeds=1, name="range")
    assert all(0.1 < lr < 0.2 for _, lr, _ in bowl.calls[6:])


def test_a_draw_that_fails_or_diverges_is_not_repeated_with_other_seeds() -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        return math.nan if lr > 0.1 else lr

    report = sweep(objective, ["constant()"], lr=(0.01, 1.0), trials=8, seeds=3, sampler=optuna.samplers.RandomSampler(seed=0))
    assert report.left == 0
    assert {(entry.n, entry.diverged) for entry in report.entries} == {(3, 0), (0, 1)}


def test_a_space_may_be_searched_by_a_sampler_that_ends_by_itself() -> None:
    bowl = Bowl()

    def space(trial: optuna.Trial) -> Schedule:
        return Linear(10, end=trial.suggest_float("end", 0.0, 1.0))

    sampler = optuna.samplers.GridSampler({"end": [0.1, 0.2]})
    assert states(sweep(bowl, space, trials=2, seeds=1, sampler=sampler)) == {"finished": 2}
    assert {schedule.end for schedule, _, _ in bowl.calls} == {0.1, 0.2}  # type: ignore[attr-defined]


# -- refusals


def fine(schedule: Schedule, lr: float, seed: int) -> float:
    return lr


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"candidates": []}, "candidates are empty"),
        ({"candidates": 3}, "candidates must be schedules, expressions, or a function"),
        ({"candidates": [3]}, r"a candidate must be a Schedule or an expression such as 'cosine\(9500\)', got 3"),
        ({"candidates": ["cosin(3)"]}, r"candidate 'cosin\(3\)': unknown schedule 'cosin'; did you mean 'Cosine'"),
        ({"candidates": ["constant()", "constant()"]}, r"candidate 'constant\(\)' is given twice"),
        ({"candidates": {"": "constant()"}}, "name must be text of 1 to 200 characters, got ''"),
        ({"candidates": {3: "constant()"}}, "name must be text of 1 to 200 characters, got 3"),
        ({"lr": []}, "lr is empty"),
        ({"lr": "0.1"}, r"lr must be a list of peak rates, or a tuple \(low, high\), got '0.1'"),
        ({"lr": [0.1, -1]}, "lr must be > 0 and finite, got -1"),
        ({"lr": [math.nan]}, "lr must be"),
        ({"lr": [0.1, 0.1]}, "lr 0.1 is given twice"),
        ({"lr": (0.1, 0.2, 0.3), "trials": 2}, "write a list for peak rates"),
        ({"lr": (0.2, 0.1), "trials": 2}, "low < high"),
        ({"lr": (0.1, 0.2)}, "a range of rates needs trials="),
        ({"candidates": lambda trial: Constant()}, "a space needs trials="),
        ({"trials": 3}, "trials= is for a range"),
        ({"trials": 0, "lr": (0.1, 0.2)}, "trials must be a whole number >= 1, got 0"),
        ({"seeds": 0}, "seeds must be a whole number >= 1, got 0"),
        ({"seeds": "3"}, "seeds must be a whole number >= 1, or a list"),
        ({"seeds": True}, "seeds must be a whole number >= 1, or a list"),
        ({"seeds": [1, 1]}, "each only once"),
        ({"seeds": []}, "at least one"),
        ({"seeds": [-1]}, "a seed must be a whole number >= 0, got -1"),
        ({"seeds": [0.5]}, "a seed must be a whole number >= 0, got 0.5"),
        ({"direction": "up"}, 'direction must be "minimize" or "maximize", got \'up\''),
        ({"pruner": "mean"}, 'pruner must be None, "median" or a pruner'),
        ({"workers": 0}, "workers must be a whole number >= 1, got 0"),
        ({"retries": -1}, "retries must be a whole number >= 0"),
        ({"max_failures": 0}, "max_failures must be a whole number >= 1"),
        ({"lease": 0}, "lease must be > 0 seconds and finite, got 0"),
        ({"name": ""}, "name must be text of 1 to 200 characters"),
        ({"storage": 3}, "storage must be a path, a URL or Optuna's storage, got 3"),
        ({"storage": ""}, "storage must be a path, a URL"),
        ({"storage": "nonsense://x"}, "is no URL of a database"),
        ({"storage": "grpc://here"}, "must be HOST:PORT"),
        ({"workers": 2}, r"workers=2 sends the objective to other processes, which cannot be done .*at the top of a module"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(arguments: dict[str, Any], match: str) -> None:
    calls = []

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        calls.append(lr)
        return lr

    with pytest.raises(ValueError, match=match):
        sweep(objective, **{"candidates": ["constant()"], **arguments})
    assert calls == []


@pytest.mark.parametrize(
    ("objective", "match"),
    [(3, "objective must be a function"), (lambda schedule, lr: 0.0, r"objective must take \(schedule, lr, seed\): too many")],
)
def test_an_objective_of_another_form_is_refused(objective: Any, match: str) -> None:
    with pytest.raises(TypeError, match=match):
        sweep(objective, ["constant()"])


def test_a_long_expression_is_a_name_cut_short() -> None:
    long = [" >> ".join([f"linear({n})"] * 30) for n in (7, 8)]
    same = [name + " >> constant()" for name in (long[0], long[0] + " >> linear(9)")]
    names = list(lucid._sweep._named([*long, *same]))
    assert all(len(name) <= 200 for name in names)
    assert len(set(names)) == 4


def test_what_does_not_go_together_with_what_is_stored_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "s.journal"
    sweep(fine, {"a": "constant()"}, seeds=1, storage=place)
    with pytest.raises(
        ValueError, match=r"candidate 'a' is another schedule than the stored one.*rename it, or give this sweep"
    ):
        sweep(fine, {"a": "cosine(3)"}, seeds=1, storage=place)
    with pytest.raises(
        ValueError, match="direction is 'maximize', and what is stored is a sweep to minimize; give this sweep another"
    ):
        sweep(fine, {"a": "constant()"}, seeds=1, storage=place, direction="maximize")
    study = optuna.create_study(study_name="theirs", storage=_storage.opened(place))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(ValueError, match="trials that are none of a sweep's"):
        sweep(fine, {"a": "constant()"}, seeds=1, storage=place, name="theirs")


def test_what_was_drawn_from_another_range_or_space_is_refused(tmp_path: Path) -> None:
    def space(trial: optuna.Trial) -> Schedule:
        return Constant(trial.suggest_float("factor", 0.1, 1.0))

    def other(trial: optuna.Trial) -> Schedule:
        return Cosine(trial.suggest_int("steps", 5, 10))

    def same_names(trial: optuna.Trial) -> Schedule:
        return Exponential(trial.suggest_float("factor", 0.1, 1.0))

    def wider(trial: optuna.Trial) -> Schedule:
        return Constant(trial.suggest_float("factor", 0.1, 2.0))

    def odd(trial: optuna.Trial) -> Schedule:
        trial.set_user_attr("study", trial.study.study_name)  # which a trial alone has not
        return space(trial)

    bowl = Bowl()
    again = partial(sweep, bowl, trials=2, seeds=2, storage=tmp_path / "s.journal")
    again(["constant()", "cosine(3)"], lr=(0.01, 0.1), name="range")
    done = len(bowl.calls)
    for rates in ((0.001, 0.02), (0.01, 0.2)):
        with pytest.raises(
            ValueError, match=r"the range of lr, \(.*\), is another one than .* drawn from; give this sweep ano"
        ):
            again(["constant()", "cosine(3)"], lr=rates, name="range")
    sweep(bowl, ["constant()"], lr=[0.1], seeds=2, storage=tmp_path / "s.journal", name="range")  # a grid, beside it
    again(["linear(3)"], lr=(0.001, 0.02), name="range")  # another candidate has a range of its own
    again(["constant()", "cosine(3)"], lr=(0.01, 0.1), name="range")
    assert len(bowl.calls) == done + 2 + 4
    again(space, name="space")
    done = len(bowl.calls)
    for changed in (other, same_names, wider):
        with pytest.raises(ValueError, match="the space is another one than that which the stored runs were drawn from; give"):
            again(changed, name="space")
    with pytest.raises(ValueError, match="the space is another one"):
        again(space, name="space", lr=[0.1])
    again(space, name="space")
    again(odd, name="space")
    assert len(bowl.calls) == done


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")
@pytest.mark.parametrize("choices", [[(1, 2), (3, 4)], [None, (1, 2)], [[1, 2], [3]]])
def test_a_space_goes_on_though_a_storage_keeps_its_tuples_as_lists(choices: list[Any], tmp_path: Path) -> None:
    def space(trial: optuna.Trial) -> Schedule:
        return MultiStep(trial.suggest_categorical("milestones", choices) or (5,))

    bowl = Bowl()
    for trials in (2, 4):
        sweep(bowl, space, trials=trials, seeds=1, storage=tmp_path / "s.journal")
        assert len(bowl.calls) == trials


def test_schedules_that_hold_functions_are_swept_under_their_names(tmp_path: Path) -> None:
    candidates = {"halved": Lambda(lambda t: 0.5), "whole": Lambda(lambda t: 1.0)}
    for _ in range(2):
        report = sweep(fine, candidates, lr=[0.1], seeds=1, storage=tmp_path / "s.journal")
    assert [entry.schedule for entry in report.entries] == list(candidates.values())
    assert json.loads(report.to_json())["entries"][0]["config"] is None


# -- the objective's part


def results(objective: Callable[..., Any], **more: Any) -> Report:
    return sweep(objective, {"a": "constant()"}, seeds=1, **more)


def test_the_result_is_what_is_returned_or_yielded_last() -> None:
    class Lossy:
        def __float__(self) -> float:
            return 0.25

    def yields(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        yield from (3.0, 2.0, 1.0)

    def yields_steps(schedule: Schedule, lr: float, seed: int) -> Iterator[tuple[int, float]]:
        yield from ((5, 3.0), (9, 2.0))

    def returns(schedule: Schedule, lr: float, seed: int) -> Any:
        yield 3.0
        return 0.5

    found = [results(objective).runs[0] for objective in (lambda s, lr, seed: Lossy(), yields, yields_steps, returns)]
    assert [(run.loss, run.steps) for run in found] == [(0.25, 0), (1.0, 3), (2.0, 2), (0.5, 1)]


def test_intermediate_losses_are_stored_at_their_steps(tmp_path: Path) -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[Any]:
        yield from ((0, 3.0), 2.5, (9, 2.0), 1.5)

    results(objective, storage=tmp_path / "s.journal")
    (trial,) = stored(tmp_path / "s.journal", "objective")
    assert trial.intermediate_values == {0: 3.0, 1: 2.5, 9: 2.0, 10: 1.5}
    assert (trial.user_attrs["schedule"], trial.user_attrs["lr"], trial.user_attrs["seed"]) == ("a", 1.0, 0)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("1.0", "TypeError: sweep: the objective must give the loss as a number, or yield losses, got '1.0'"),
        (None, "TypeError: sweep: the objective must give the loss as a number, or yield losses, got None"),
        (True, "got True"),
        ([1.0], r"got \[1.0\]"),
        (iter([]), "got <"),
        ((x for x in ()), "ValueError: sweep: the objective is a generator that yielded no loss"),
        ((x for x in ["1"]), "TypeError.*got '1'"),
        ((x for x in [(3, 1.0), (3, 1.0)]), "the steps that the objective yields must ascend from 0, got 3 after 3"),
        ((x for x in [(-1, 1.0)]), "must ascend from 0, got -1"),
        ((x for x in [(0.5, 1.0)]), "TypeError"),
    ],
)
def test_what_is_no_loss_fails_the_run(given: Any, error: str) -> None:
    (run,) = results(lambda schedule, lr, seed: given).runs
    assert (run.state, run.loss) == ("failed", None)
    assert re.search(error, run.error or "")


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_loss_that_is_not_finite_ends_the_run_and_ranks_last(loss: float, direction: Any) -> None:
    closed, after = [], []

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        try:
            yield 1.0
            if lr > 1 and seed == 1:
                yield loss
                after.append(lr)
            yield 0.5
        finally:
            closed.append(lr)

    report = sweep(objective, ["constant()"], lr=[2.0, 1.0], seeds=2, direction=direction)
    assert states(report) == {"finished": 3, "diverged": 1}
    assert after == []
    assert closed == [2.0, 1.0, 2.0, 1.0]
    assert [(entry.lr, entry.n, entry.diverged, entry.mean) for entry in report.entries] == [(1.0, 2, 0, 0.5), (2.0, 1, 1, 0.5)]
    told = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert [run["loss"] for run in told["runs"] if run["state"] == "diverged"] == [None]


def test_what_diverged_is_the_worst_for_samplers_and_nothing_to_pruners() -> None:
    seen: list[int] = []

    class Looks(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            seen.append(len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))))
            return False

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        yield 1.0
        yield lr if lr < 2 else math.nan

    for direction, worst in (("minimize", math.inf), ("maximize", -math.inf)):
        own = optuna.storages.InMemoryStorage()
        sweep(objective, ["constant()"], lr=[1.0, 2.0, 1.5], seeds=1, storage=own, direction=direction, pruner=Looks())  # type: ignore[arg-type]
        assert [trial.value for trial in stored(own, "objective")] == [1.0, worst, 1.5]
    assert seen == [0, 0, 1, 1, 1] * 2  # of the two that ended before the third, one counts


def test_a_space_must_give_schedules_and_leave_lr_to_the_sweep() -> None:
    report = sweep(Bowl(), lambda trial: "cosine(3)", trials=1, seeds=1)  # type: ignore[arg-type,return-value]
    assert report.runs[0].error == "TypeError: sweep: the space must give a Schedule for each trial, got 'cosine(3)'"
    assert report.runs[0].lr is None
    assert "1 failed, the first (not drawn) with seed 0: TypeError" in str(report)
    report = sweep(Bowl(), lambda trial: trial.suggest_float("lr", 0, 1) * Constant(), lr=[0.1], trials=1, seeds=1)
    assert "the space draws a parameter 'lr', and so would lr=" in (report.runs[0].error or "")


def test_an_objective_may_change_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        os.chdir(tmp_path / "other")
        return lr

    assert states(sweep(objective, ["constant()"], seeds=2, storage="s.journal")) == {"finished": 2}
    assert list((tmp_path / "other").iterdir()) == []


def test_an_exception_fails_its_run_alone_with_its_traceback(tmp_path: Path) -> None:
    def broken(lr: float) -> float:
        raise ZeroDivisionError(f"at {lr}")

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        yield 1.0
        yield broken(lr) if lr == 0.2 else lr

    place = tmp_path / "s.journal"
    report = sweep(objective, ["constant()"], lr=[0.1, 0.2, 0.3], seeds=1, storage=place)
    assert [(run.lr, run.state, run.error) for run in report.runs] == [
        (0.1, "finished", None), (0.2, "failed", "ZeroDivisionError: at 0.2"), (0.3, "finished", None),
    ]  # fmt: skip
    assert "in broken" in (report.runs[1].traceback or "")
    assert "1 failed, the first constant() at 0.2 with seed 0: ZeroDivisionError: at 0.2; retry_failed=True" in str(report)
    assert [entry.failed for entry in report.entries] == [0, 0, 1]
    # Once more, nothing; with retry_failed, what failed.
    bowl = Bowl()
    again = partial(sweep, bowl, ["constant()"], lr=[0.1, 0.2, 0.3], seeds=1, storage=place, name="objective")
    assert states(again()) == {"finished": 2, "failed": 1}
    assert bowl.calls == []
    assert states(again(retry_failed=True)) == {"finished": 3}
    assert bowl.calls == [(Constant(), 0.2, 0)]
    again(retry_failed=True)
    assert len(bowl.calls) == 1


def test_an_error_while_the_generator_is_closed_fails_the_run() -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        try:
            yield math.nan
        finally:
            raise OSError("cannot clean up")

    assert results(objective).runs[0].error == "OSError: cannot clean up"


def test_many_failures_in_a_row_end_the_sweep(tmp_path: Path) -> None:
    calls: list[float] = []

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        calls.append(lr)
        if lr != 3:
            raise KeyError("x")
        return lr

    go = partial(sweep, objective, ["constant()"], lr=[float(n) for n in range(1, 9)], seeds=1, storage=tmp_path / "s.journal")
    with pytest.raises(
        RuntimeError, match="3 trials in a row have failed, the last with KeyError: 'x'; mend the objective"
    ) as raised:
        go(max_failures=3)
    assert isinstance(raised.value.__cause__, KeyError)
    assert calls == [1, 2, 3, 4, 5, 6]  # the third went well, and the count began anew
    assert states(go(max_failures=3)) == {"finished": 1, "failed": 7}


def test_an_objective_may_prune_itself() -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        raise optuna.TrialPruned

    assert states(results(objective)) == {"pruned": 1}


def test_ctrl_c_ends_with_what_is_there_and_the_same_call_goes_on(tmp_path: Path, interruptible: None) -> None:
    closed = []

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        try:
            yield 1.0
            if seed == 1 and not closed.count(1):
                signal.raise_signal(signal.SIGINT)
            yield 0.5
        finally:
            closed.append(seed)

    go = partial(sweep, objective, ["constant()"], seeds=3, storage=tmp_path / "s.journal")
    report = go()
    assert report.interrupted
    assert (states(report), report.left) == ({"finished": 1}, 2)
    assert "Interrupted: 2 runs are still to be done; the same call goes on from there." in str(report)
    assert closed == [0, 1]
    report = go(retries=0)  # which an interruption is none of
    assert states(report) == {"finished": 3}
    assert closed == [0, 1, 1, 2]
    closed.clear()
    assert "nothing is kept without storage=" in str(sweep(objective, ["constant()"], seeds=3))


# -- pruning


def test_pruning_closes_the_generator_and_ranks_behind_what_finished() -> None:
    closed: list[tuple[float, int]] = []

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        done = 0
        try:
            for _ in range(9):
                done += 1
                yield lr
        finally:
            closed.append((lr, done))

    rates = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5]
    report = sweep(objective, ["constant()"], lr=rates, seeds=1, pruner="median")
    assert states(report) == {"finished": 6, "pruned": 1}
    assert closed == [*((lr, 9) for lr in rates[:5]), (6.0, 4), (0.5, 9)]  # judged once a third of the steps is over
    assert [entry.lr for entry in report.entries] == [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    (pruned,) = [run for run in report.runs if run.state == "pruned"]
    assert (pruned.loss, pruned.steps) == (6.0, 4)
    # Even what was better when it was pruned ranks behind.
    up = sweep(objective, ["constant()"], lr=[*rates[:5], 0.1], seeds=1, pruner="median", direction="maximize")
    assert [entry.lr for entry in up.entries][-1] == 0.1


def test_a_pruner_sees_the_runs_of_the_same_seed_alone() -> None:
    seen: list[tuple[int, list[int], list[int]]] = []

    class Looks(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            others = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
            assert study.direction.name == "MINIMIZE"
            assert all(study.best_trial.value <= (other.value or 0) for other in others) if others else True
            seen.append(
                (trial.user_attrs["seed"], [t.user_attrs["seed"] for t in others], [t.user_attrs["seed"] for t in study.trials])
            )
            return False

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        yield lr

    sweep(objective, ["constant()", "cosine(3)"], lr=[1.0, 2.0], seeds=2, pruner=Looks())
    assert [(seed, len(done)) for seed, done, _ in seen] == [(s, n) for s in range(2) for n in range(4)]
    assert all(set(done) <= {seed} and set(every) == {seed} for seed, done, every in seen)


def test_a_seed_with_larger_losses_is_not_pruned_for_them() -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        yield from [lr + 100 * seed] * 9

    report = sweep(objective, ["constant()"], lr=[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], seeds=3, pruner="median")
    assert states(report) == {"finished": 18}


# -- the report


def entry(name: str, losses: dict[int, float], lr: float = 0.1, **more: int) -> Entry:
    return Entry(name, lr, Constant(), losses, **more)


def report_of(*entries: Entry, minimize: bool = True, rates: tuple[float, ...] = ()) -> Report:
    ranked = sorted(entries, key=lambda one: _report._rank(one, 1.0 if minimize else -1.0))
    return Report("s", minimize, rates, (), tuple(ranked))


def test_mean_and_spread_by_hand() -> None:
    one = entry("a", {0: 1.0, 1: 2.0, 2: 6.0})
    assert (one.n, one.mean) == (3, 3.0)
    assert one.std == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert one.sem == pytest.approx(math.sqrt(7 / 3))
    lone = entry("a", {0: 1.0})
    assert (lone.mean, lone.std, lone.sem) == (1.0, None, None)
    assert entry("a", {}).mean is None


def test_differences_are_taken_seed_by_seed() -> None:
    a, b = entry("a", {0: 1.0, 1: 5.0, 2: 9.0, 7: 0.0}), entry("b", {0: 1.1, 1: 5.3, 2: 9.2, 8: 50.0})
    found = report_of(a, b).difference(a, b)
    assert found.n == 3
    assert found.mean == pytest.approx(0.2)
    assert found.sem == pytest.approx(0.1 / math.sqrt(3))
    assert found.within_noise  # t = 3.46, and of two degrees of freedom 4.30 is wanted
    assert not report_of(a, b).difference(a, entry("c", {0: 1.2, 1: 5.3, 2: 9.3})).within_noise
    assert report_of(a, b, minimize=False).difference(a, b).mean == pytest.approx(-0.2)
    lone = report_of(a, b).difference(a, entry("c", {0: 3.0}))
    assert (lone.mean, lone.sem, lone.within_noise) == (2.0, None, None)
    assert math.isnan(report_of(a, b).difference(a, entry("c", {9: 3.0})).mean)


def test_the_noise_is_that_of_students_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    assert _report._T[0] == math.inf
    assert [round(float(stats.t.ppf(0.975, n)), 3) for n in range(1, 31)] == list(_report._T[1:])
    draw = random.Random(0)
    for _ in range(200):
        n, shift = draw.randrange(2, 40), draw.uniform(0, 1.5)
        a = entry("a", {seed: draw.gauss(0, 1) for seed in range(n)})
        b = entry("b", {seed: loss + draw.gauss(shift, 1) for seed, loss in a.losses.items()})
        found = stats.ttest_rel(list(a.losses.values()), list(b.losses.values()))
        if abs(found.pvalue - 0.05) > 0.003:
            assert report_of(a, b).difference(a, b).within_noise == (found.pvalue > 0.05)


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ([], "Fewer than two schedules finished with every seed: nothing to compare."),
        ([entry("b", {0: 9.0, 1: 9.0}, pruned=1)], "Fewer than two schedules finished with every seed: nothing to compare."),
        ([entry("b", {5: 9.0})], "a and b have no seed in common: they cannot be compared."),
        ([entry("b", {0: 9.0})], "a and b differ by 8 with one seed: whether that is noise cannot be told; run more seeds."),
        (
            [entry("b", {0: 1.0, 1: 3.5})],
            "a and b differ by 0.25 ± 0.25 (mean and standard error over 2 seeds in common): within the noise "
            "(paired t-test, 95 %).",
        ),
        (
            [entry("b", {0: 9.0, 1: 11.0})],
            "a and b differ by 8 ± 0 (mean and standard error over 2 seeds in common): more than the noise "
            "(paired t-test, 95 %, not corrected for how many were compared).",
        ),
    ],
)
def test_the_verdict_claims_no_more_than_the_test(others: list[Entry], verdict: str) -> None:
    assert report_of(entry("a", {0: 1.0, 1: 3.0}), *others).verdict == verdict


def test_ranking_takes_each_schedule_at_its_best_rate_and_the_maimed_last() -> None:
    report = report_of(
        entry("a", {0: 2.0}, 0.1), entry("a", {0: 1.0}, 0.2), entry("b", {0: 1.5}, 0.1), entry("b", {0: 0.1}, 0.2, pruned=1),
        entry("c", {0: 0.1}, 0.1, diverged=1), entry("d", {}, 0.1, failed=1), entry("e", {0: 0.2, 1: 0.2}, 0.1, pruned=1),
    )  # fmt: skip
    assert [(one.name, one.lr) for one in report.ranking] == [("a", 0.2), ("b", 0.1), ("e", 0.1), ("c", 0.1), ("d", 0.1)]
    assert report.best is report.ranking[0]
    maimed = report_of(entry("a", {0: 1.0}, pruned=2), entry("b", {0: 2.0, 1: 2.0}, pruned=1), entry("c", {}, pruned=3))
    assert [one.name for one in maimed.ranking] == ["b", "a", "c"]  # by how many seeds finished, before by how well
    blown = report_of(entry("a", {0: 1.0}, diverged=2), entry("b", {0: 2.0, 1: 2.0}, diverged=1))
    assert [one.name for one in blown.ranking] == ["b", "a"]
    up = report_of(entry("a", {0: 2.0}), entry("b", {0: 3.0}), minimize=False)
    assert [one.name for one in up.ranking] == ["b", "a"]
    assert report_of(entry("d", {}, failed=1)).best is None
    assert report_of().best is None
    assert "nothing to compare" in str(report_of())


def test_a_best_rate_at_the_edge_is_told() -> None:
    rates = (0.1, 0.2, 0.3)
    report = report_of(entry("a", {0: 1.0}, 0.3), entry("b", {0: 2.0}, 0.2), entry("c", {0: 3.0}, 0.1), rates=rates)
    assert report.notes == (
        "The best rate of a, 0.3, is the highest that was tried: try higher ones.",
        "The best rate of c, 0.1, is the lowest that was tried: try lower ones.",
    )
    assert report_of(entry("a", {0: 1.0}, 0.2), rates=(0.1, 0.2)).notes == ()  # two are all edge


def test_the_report_in_text_csv_and_json() -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        if lr > 0.5:
            return math.nan
        return schedule(5, lr) + (0.001 if lr == 0.1 else 0.1) * seed * seed

    report = sweep(objective, {"c": Constant(), "cos": Cosine(10)}, lr=[0.1, 0.2, 0.9], seeds=3, name="s")
    text = str(report)
    lines = text.splitlines()
    assert lines[0] == "s: 12 finished, 6 diverged"
    mean = 0.05 + 0.005 / 3
    std = statistics.stdev([0.05, 0.051, 0.054])
    assert lines[3].split() == ["1", "cos", "0.1", f"{mean:.4g}", f"{std:.4g}", f"{std / 3**0.5:.4g}", "3"]
    assert lines[4].split()[-1] == "+0.05"
    assert re.search(r"^mean at lr +0\.1 +0\.2 +0\.9$", text, re.MULTILINE)
    assert re.search(r"^cos .* -\*$", text, re.MULTILINE)
    assert "* not all seeds finished" in text
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert len(rows) == 18
    assert [float(row["loss"]) for row in rows if row["schedule"] == "c" and row["lr"] == "0.1"] == pytest.approx(
        [0.1, 0.101, 0.104]
    )
    assert {row["state"] for row in rows if row["lr"] == "0.9"} == {"diverged"}
    told = json.loads(report.to_json(indent=1), parse_constant=pytest.fail)
    assert told["ranking"][0]["schedule"] == "cos"
    assert told["ranking"][0]["losses"] == {"0": 0.05, "1": pytest.approx(0.051), "2": pytest.approx(0.054)}
    assert Schedule.from_dict(told["ranking"][0]["config"]) == Cosine(10)
    assert (told["direction"], told["left"], len(told["runs"])) == ("minimize", 0, 18)


def test_what_cannot_be_told_apart_is_marked() -> None:
    text = str(report_of(entry("a", {0: 1.0, 1: 2.0}), entry("b", {0: 1.5, 1: 2.6}), entry("c", {0: 9.0})))
    assert re.search(r"b .* \+0\.55 ~$", text, re.MULTILINE)
    assert re.search(r"c .* \+8 \?$", text, re.MULTILINE)
    assert "~ within the noise, ? one seed cannot tell" in text


def test_the_best_are_drawn() -> None:
    pytest.importorskip("matplotlib")
    report = sweep(Bowl(), ["constant()", "cosine(10)", "linear(10)"], lr=[0.1], seeds=1)
    axes = report.plot(2, steps=10)
    assert len([line for line in axes.lines if len(line.get_xdata()) > 2]) == 2
    with pytest.raises(ValueError, match="no schedule to plot"):
        report_of().plot()


# -- the storage


def test_a_half_written_line_is_cut_off_and_the_journal_stays_readable(tmp_path: Path) -> None:
    place = tmp_path / "s.journal"
    for torn in (b'{"op_code": 6, "tri', b"x" * 10_000, b'{"op'):
        sweep(fine, ["constant()"], lr=[0.1], seeds=1, storage=place)
        whole = place.read_bytes()
        with place.open("ab") as file:
            file.write(torn)
        for seeds in (2, 3):  # the second call would find a line of nonsense in the middle
            assert states(sweep(fine, ["constant()"], lr=[0.1], seeds=seeds, storage=place)) == {
                "finished": 3 if place.stat().st_size > len(whole) and seeds == 3 else seeds
            }
        assert place.read_bytes().startswith(whole)
        assert all(json.loads(line) for line in place.read_bytes().splitlines())
        place.unlink()
    empty = tmp_path / "e.journal"
    empty.write_bytes(b'{"op')
    assert states(sweep(fine, ["constant()"], lr=[0.1], seeds=2, storage=empty)) == {"finished": 2}


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.journal"
    path.touch()
    code = f"from lucid._sweep._storage import FileLock; FileLock({str(path)!r}).acquire(); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    lock, taken = _storage.FileLock(str(path)), threading.Event()
    thread = threading.Thread(target=lambda: (lock.acquire(), taken.set()), daemon=True)
    thread.start()
    assert not taken.wait(0.2)
    holder.kill()
    assert taken.wait(5)
    holder.communicate()
    lock.release()
    lock.acquire()
    lock.release()


@linux
def test_a_process_forked_meanwhile_does_not_keep_the_lock(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from lucid._sweep._storage import FileLock
open(sys.argv[1], "w").close()
lock = FileLock(sys.argv[1])
lock.acquire()
child = os.fork()
if child == 0:
    signal.pause()
lock.release()
signal.alarm(10)
FileLock(sys.argv[1]).acquire()
os.kill(child, signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "s.journal")], check=True, cwd=ROOT, timeout=60)


def test_only_one_of_two_takes_a_trial_of_an_sqlite_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    study = optuna.create_study(study_name="s", storage=_storage.opened(url))
    with _storage.quiet():
        for _ in range(30):
            study.enqueue_trial({})
    ids = [trial._trial_id for trial in study.get_trials()]
    won: list[int] = []
    barrier = threading.Barrier(2, timeout=30)

    def take() -> None:
        place = _storage.opened(url)
        for one in ids:
            barrier.wait()
            if place.set_trial_state_values(one, optuna.trial.TrialState.RUNNING):
                won.append(one)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == ids


def test_a_storage_that_is_none_says_what_to_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"is a folder; name a file in it, such as .*sweep\.journal"):
        _storage.opened(tmp_path)
    database = tmp_path / "s.db"
    _storage.opened(f"sqlite:///{database}")
    with pytest.raises(ValueError, match=f"is an SQLite database; write sqlite:///{database}"):
        _storage.opened(database)
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(ValueError, match="is no journal of Optuna's; name another file"):
        _storage.opened(tmp_path / "text")
    (tmp_path / "other").write_text('{"a": 1}\n{"b": 2}\n')
    with pytest.raises(ValueError, match="is no journal of Optuna's, or is damaged"):
        _storage.opened(tmp_path / "other")
    with pytest.raises(OSError, match=r"storage sqlite:////nowhere/s\.db cannot be opened: "):
        _storage.opened("sqlite:////nowhere/s.db")
    with pytest.raises(ImportError, match=r"storage mysql\+mysqldb://me:\*\*\*@h/d needs its database driver"):
        _storage.opened("mysql+mysqldb://me:secret@h/d")
    monkeypatch.setattr(_storage, "_REACH", 0.1)
    with pytest.raises(
        ConnectionError, match=r"no server answers at grpc://127.0.0.1:1; start it there with: lucid sweep --serve"
    ):
        _storage.opened("grpc://127.0.0.1:1")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me:p@ss:w@host/db", "postgresql://me:***@host/db"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert _storage.hidden(url) == shown


@pytest.mark.parametrize("text", ["", "host", "host:", "host:0", "host:65536", "host:-1", "host:x", ":٣"])
def test_an_address_is_host_and_port(text: str) -> None:
    with pytest.raises(ValueError, match="must be HOST:PORT with a port from 1 to 65535"):
        _storage.address(text, "--serve")
    assert _storage.address(":8000", "") == _storage.address("8000", "") == ("127.0.0.1", 8000)
    assert _storage.address("[::1]:80", "") == ("[::1]", 80)


def test_optunas_own_storage_is_taken_as_it_is() -> None:
    own = optuna.storages.InMemoryStorage()
    sweep(fine, ["constant()"], seeds=2, storage=own, name="s")
    assert len(optuna.load_study(study_name="s", storage=own).trials) == 2


def test_optuna_is_quiet_meanwhile_and_as_loud_as_before_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        report = sweep(fine, ["constant()"], seeds=2)
        assert capfd.readouterr() == ("", "")
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    finally:
        optuna.logging.set_verbosity(before)
    assert report.best is not None


def test_a_storage_out_of_reach_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []
    clock = Clock()
    monkeypatch.setattr(_storage, "time", clock)

    def call(good: int) -> str:
        tries.append(clock.now)
        if len(tries) < good:
            raise optuna.exceptions.StorageInternalError("busy")
        return "done"

    assert _storage.patiently(5.0, call, 3) == "done"
    tries.clear()
    with pytest.raises(optuna.exceptions.StorageInternalError, match="busy"):
        _storage.patiently(0.2, call, 100)
    assert len(tries) == 3
    assert tries[-1] - tries[0] < 0.3


def test_an_error_of_the_storage_ends_the_sweep_and_fails_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        yield 1.0
        yield 2.0

    def down(*_: Any) -> None:
        raise optuna.exceptions.StorageInternalError("down")

    go = partial(sweep, objective, ["constant()"], seeds=1, storage=tmp_path / "s.journal", lease=0.2)
    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "report", down)
        with pytest.raises(optuna.exceptions.StorageInternalError, match="down"):
            go()
    assert states(go()) == {"finished": 1}


def test_an_error_of_the_storage_while_a_rate_is_drawn_fails_no_run_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise optuna.exceptions.StorageInternalError("down")

    own = optuna.storages.InMemoryStorage()
    go = partial(sweep, Bowl(), ["constant()"], lr=(0.1, 1.0), trials=1, seeds=1, storage=own)
    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "suggest_float", down)
        with pytest.raises(optuna.exceptions.StorageInternalError, match="down"):
            go()
    assert states(go()) == {"finished": 1}


# -- who is alive


def gone() -> dict[str, Any]:
    """What a process of this machine left that is dead."""
    code = "import json; from lucid._sweep._alive import me; print(json.dumps(me('x')))"
    left = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(left.stdout)
    return found


@linux
def test_on_this_machine_a_worker_is_dead_when_its_process_is() -> None:
    watch = Watch(60.0)
    assert watch.is_dead(1, gone())
    with _alive.working() as worker:
        assert not watch.is_dead(2, worker)
        assert watch.is_dead(3, {**worker, "start": "1"})  # the number is another process's by now
        assert not watch.is_dead(4, {**gone(), "host": "another"})
    assert watch.is_dead(2, worker)  # a sweep of this process that has ended
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        beside = {**worker, "id": "y", "pid": child.pid, "start": _alive._started(child.pid)}
        assert not watch.is_dead(5, beside)
        child.kill()
        deadline = time.monotonic() + 60
        while not watch.is_dead(5, beside):  # a zombie is dead, though nobody has asked for it
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        child.communicate()


def test_elsewhere_a_worker_is_dead_when_it_is_silent_for_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch, worker = Watch(60.0), {"id": "x", "host": "another", "pid": 1, "start": "1", "beat": 0}
    for key, left in ((1, worker), (2, None)):
        now[0] = 1000.0
        assert not watch.is_dead(key, left)
        now[0] = 1060.0
        assert not watch.is_dead(key, left)
        now[0] = 1060.1
        assert watch.is_dead(key, left)
    now[0] = 1100.0
    assert not watch.is_dead(1, worker | {"beat": 1})
    now[0] = 1159.0
    assert not watch.is_dead(1, worker | {"beat": 1})
    assert not watch.is_dead(3, worker)  # first seen now, however old


@linux
def test_a_dead_workers_run_is_run_again_and_again_but_not_for_ever(tmp_path: Path) -> None:
    place = tmp_path / "s.journal"
    bowl, dead = Bowl(), gone()
    for attempt in range(4):
        task, study, storage = opened_task(bowl, place)
        worker = _work.Worker(task, study, storage)
        if attempt == 0:
            worker._enqueue(("grid", "constant()", 1.0, 0), {})
        worker._me = dead
        ((_, waiting, first),) = worker._waiting(worker._trials(), worker._plan.needed([]))
        assert worker._taken(waiting, first) is not None
        (running,) = [trial for trial in worker._trials() if trial.state.name == "RUNNING"]
        assert worker._reaped(running)
        missing = worker._plan.missing(worker._trials())
        assert len(missing) == (attempt < 3)
        for cell in missing:
            worker._enqueue(cell, {})
    report = sweep(bowl, ["constant()"], seeds=1, storage=place, name="s")
    assert bowl.calls == []
    assert states(report) == {"failed": 1}
    assert f"its worker died ({dead['name']}, process {dead['pid']})" in str(report)
    assert states(sweep(bowl, ["constant()"], seeds=1, storage=place, name="s", retry_failed=True)) == {"finished": 1}
    assert len(bowl.calls) == 1


def test_a_run_that_was_taken_away_is_dropped(tmp_path: Path) -> None:
    place = tmp_path / "s.journal"
    calls = []

    def objective(schedule: Schedule, lr: float, seed: int) -> Iterator[float]:
        calls.append(seed)
        yield 1.0
        if len(calls) < 3:  # another worker, which took this one for dead
            storage = _storage.opened(place)
            (running,) = [trial for trial in stored(place, "objective") if trial.state.name == "RUNNING"]
            storage.set_trial_state_values(running._trial_id, optuna.trial.TrialState.FAIL)
        if len(calls) == 1:
            return
        yield 2.0

    report = sweep(objective, ["constant()"], seeds=1, storage=place)
    assert calls == [0, 0, 0]  # lost when it ended, lost when it reported
    assert states(report) == {"finished": 1}
    assert Counter(trial.state.name for trial in stored(place, "objective")) == {"FAIL": 2, "COMPLETE": 1}


def test_a_long_run_renews_its_lease(tmp_path: Path) -> None:
    place, beats = tmp_path / "s.journal", set()

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        deadline = time.monotonic() + 60
        while len(beats) < 3 and time.monotonic() < deadline:
            beats.add(stored(place, "objective")[0].user_attrs["worker"]["beat"])
            time.sleep(0.02)
        return 1.0

    sweep(objective, ["constant()"], seeds=1, storage=place, lease=0.2)
    assert len(beats) == 3


def test_a_long_planning_shows_that_it_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(_storage, "time", clock)
    place = _storage.opened(tmp_path / "s.journal")
    with _storage.quiet(), _storage.alone(place, "s", 0.2) as beat:
        before = _storage._holder(place, "s (being planned)")
        beat()
        assert _storage._holder(place, "s (being planned)") == before
        clock.now += 0.06
        beat()
        assert _storage._holder(place, "s (being planned)") == before | {"beat": 1}


def test_what_was_planned_twice_runs_once(tmp_path: Path) -> None:
    bowl = Bowl()
    task, study, storage = opened_task(bowl, tmp_path / "s.journal")
    worker = _work.Worker(task, study, storage)
    for _ in range(3):
        worker._enqueue(("grid", "constant()", 1.0, 0), {})
    worker.run()
    assert len(bowl.calls) == 1
    assert [_plan.end_of(trial) for trial in study.get_trials()] == ["", "duplicate", "duplicate"]
    assert states(sweep(bowl, ["constant()"], seeds=1, storage=tmp_path / "s.journal", name="s")) == {"finished": 1}


def test_what_was_planned_twice_and_failed_is_told_once(tmp_path: Path) -> None:
    place = tmp_path / "s.journal"

    def objective(schedule: Schedule, lr: float, seed: int) -> float:
        raise KeyError("x")

    task, study, storage = opened_task(objective, place)
    worker = _work.Worker(task, study, storage)
    for _ in range(2):
        worker._enqueue(("grid", "constant()", 1.0, 0), {})
    twice = study.get_trials()[1]
    worker.run()
    (run,) = sweep(objective, ["constant()"], seeds=1, storage=place, name="s").runs
    assert run.error == "KeyError: 'x'"
    assert twice.number == 1


@linux
@pytest.mark.parametrize("unlocking", [False, True])
@pytest.mark.parametrize("url", ["s.journal", "sqlite:///s.db"])
def test_planning_is_done_by_one_at_a_time_and_a_dead_planner_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, unlocking: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    first = _storage.opened(url)
    for name in ("s (being planned)", "s (being unlocked)")[: 1 + unlocking]:
        first.set_study_user_attr(first.create_new_study([optuna.study.StudyDirection.MINIMIZE], name), "worker", gone())
    inside, most = [0], [0]
    mutex = threading.Lock()

    def plan() -> None:
        place = _storage.opened(url)
        for _ in range(3):
            with _storage.alone(place, "s", 60.0):
                with mutex:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                time.sleep(0.005)
                with mutex:
                    inside[0] -= 1

    with _storage.quiet():
        threads = [threading.Thread(target=plan) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert most == [1] or unlocking  # then two may come in, and what they plan twice is taken out
    assert first.get_all_studies() == []


# -- several processes

CREW = '''
"""Workers over one storage, started at the same time; so many of them are killed at random, and replaced."""
import glob, json, os, random, signal, sys, time
import lucid
from lucid._sweep import _work

storage, logs = sys.argv[1:3]
cells, workers, kills = map(int, sys.argv[3:])
told = _work.Worker._tell

def objective(schedule, lr, seed):
    if not kills:  # nobody is done before the others have begun
        open(f"{logs}-{os.getpid()}", "w").close()
        while len(glob.glob(f"{logs}-*")) < workers:
            time.sleep(0.01)
    for step in range(3):
        time.sleep(0.008)
        yield lr + seed + step

def work():
    log = open(os.path.join(logs, str(os.getpid())), "a")
    def tell(self, trial, loss=None, state=None):
        told(self, trial, loss, state)
        log.write(json.dumps([trial.number, loss]) + "\\n")
        log.flush()
        os.fsync(log.fileno())
    _work.Worker._tell = tell
    lucid.sweep(objective, dict.fromkeys("abcd", "constant()"), lr=[0.1, 0.2], seeds=cells // 8, storage=storage, retries=10,
                lease=4, name="s")

def hire():
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return pid

def begun():
    return any(os.path.getsize(os.path.join(logs, log)) for log in os.listdir(logs))

draw = random.Random(0)
crew = [hire() for _ in range(workers)]
for k in range(kills):
    deadline = time.monotonic() + 60
    while k == 3 and time.monotonic() < deadline and not begun():
        time.sleep(0.01)  # the first three may die while they plan; on a busy machine all would
    time.sleep(draw.uniform(0.05, 0.3))
    i = draw.randrange(workers)
    os.kill(crew[i], signal.SIGKILL)
    os.waitpid(crew[i], 0)
    crew[i] = hire()
sys.exit(any([os.waitpid(pid, 0)[1] for pid in crew]))
'''


def worked(
    storage: str, folder: Path, cells: int, workers: int, kills: int = 0, **environment: str
) -> tuple[list[Any], list[tuple[int, float]]]:
    """The trials of such a crew, and what its workers say that they have finished."""
    logs = folder / "logs"
    logs.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CREW, storage, str(logs), *map(str, (cells, workers, kills))],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, env=os.environ | environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    trials = stored(storage, "s")
    logged = [tuple(json.loads(line)) for log in logs.iterdir() for line in log.read_text().splitlines()]
    return trials, logged  # type: ignore[return-value]


def check(trials: list[Any], logged: list[tuple[int, float]], cells: int) -> None:
    finished = {trial.number: trial.value for trial in trials if trial.state.name == "COMPLETE"}
    assert [entry for entry in logged if finished.get(entry[0]) != entry[1]] == []  # no finished trial is lost
    done = Counter(_plan.cell_of(trial) for trial in trials if trial.state.name == "COMPLETE")
    assert len(done) == cells
    assert set(done.values()) == {1}
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "FAIL"}


@linux
def test_ten_kills_lose_no_finished_trial(tmp_path: Path) -> None:
    place = tmp_path / "s.journal"
    trials, logged = worked(str(place), tmp_path, 160, 4, kills=10)
    check(trials, logged, 160)
    ends = Counter(map(_plan.end_of, trials))
    assert 0 < ends["died"] <= 10
    assert set(ends) <= {"", "died"}
    assert [study.study_name for study in _storage.opened(place).get_all_studies()] == ["s"]
    report = sweep(fine, dict.fromkeys("abcd", "constant()"), lr=[0.1, 0.2], seeds=20, storage=place, name="s")
    assert states(report) == {"finished": 160}


@linux
def test_several_processes_share_an_sqlite_database(tmp_path: Path) -> None:
    trials, logged = worked(f"sqlite:///{tmp_path / 's.db'}", tmp_path, 16, 2)
    check(trials, logged, 16)
    assert len(trials) == 16  # planned once
    assert len({trial.user_attrs["worker"]["pid"] for trial in trials}) > 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """``lucid sweep --serve`` on loopback."""
    port, url = free_port(), f"sqlite:///{tmp_path / 's.db'}"
    server = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "sweep", "--serve", f"127.0.0.1:{port}", "--storage", url],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield f"grpc://127.0.0.1:{port}"
        server.send_signal(signal.SIGINT)
        told, _ = server.communicate(timeout=60)
        assert told == f"serving {url} as grpc://127.0.0.1:{port}; Ctrl-C ends\nstopped\n"
        assert server.returncode == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.communicate()


# Ctrl-C reaches a process only where its parent did not ignore it, as shells do for what runs in the background.
INTERRUPTIBLE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from lucid.cli import main; sys.exit(main())"
)


@linux
def test_several_processes_share_a_database_through_a_server(tmp_path: Path, proxy: str) -> None:
    trials, logged = worked(proxy, tmp_path, 16, 2)
    check(trials, logged, 16)
    assert len(trials) == 16
    assert len({trial.user_attrs["worker"]["pid"] for trial in trials}) > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert states(sweep(fine, dict.fromkeys("abcd", "constant()"), lr=[0.1, 0.2], seeds=2, storage=proxy, name="s")) == {
            "finished": 16
        }


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """The server of LUCID_POSTGRES (its database is used), or one of its own, of Debian's package."""
    if url := os.environ.get("LUCID_POSTGRES"):
        yield url
        return
    pytest.importorskip("psycopg", reason='PostgreSQL is not tested: pip install "psycopg[binary]"')
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not binaries:
        pytest.skip("PostgreSQL is not tested: apt install postgresql, or name a server's URL in LUCID_POSTGRES")
    bin_, port = binaries[-1].parent, free_port()
    place = Path("/tmp") / f"lucid-pg-{os.getpid()}"
    place.mkdir()
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []  # it refuses to run as root
    if as_user:
        shutil.chown(place, "postgres")
    control = [*as_user, str(bin_ / "pg_ctl"), "-D", str(place / "data"), "-w", "-s"]
    try:
        subprocess.run(
            [*as_user, str(bin_ / "initdb"), "-D", str(place / "data"), "-A", "trust", "-U", "lucid"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {place} -F"
        subprocess.run([*control, "-l", str(place / "log"), "-o", options, "start"], check=True, cwd="/")
        yield f"postgresql+psycopg://lucid@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd="/")
        shutil.rmtree(place, ignore_errors=True)


@linux
def test_several_processes_share_postgresql_and_ten_kills_lose_nothing(tmp_path: Path, postgres: str) -> None:
    trials, logged = worked(postgres, tmp_path, 80, 4, kills=10, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    check(trials, logged, 80)
    assert set(map(_plan.end_of, trials)) <= {"", "died"}


MODULE = """
import os, signal, time

open(f"born-{os.getpid()}", "w").close()

def objective(schedule, lr, seed):
    yield lr + seed
    yield lr

def fails(schedule, lr, seed):
    raise ValueError("no")

def exits(schedule, lr, seed):
    os._exit(7)

def once(schedule, lr, seed):
    if lr == 0.2 and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return lr

def stumbles(schedule, lr, seed):
    name = f"died-{lr}"
    if lr in (0.2, 0.4) and not os.path.exists(name):
        if lr == 0.4:  # the run that was done again is seen
            wait(lambda: os.path.exists("seen-3"))
        open(name, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if lr == 0.2:  # the death is seen, and its worker replaced, before this is done
        wait(lambda: sum(one.startswith("born-") for one in os.listdir()) > 3)
    return lr

def wait(happened):
    deadline = time.monotonic() + 120
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)

def waits(schedule, lr, seed):
    open("begun", "w").close()
    time.sleep(60)
    return lr
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that workers can import, in the folder where the test stands."""
    (tmp_path / "lucid_test_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    yield importlib.import_module("lucid_test_mine")
    del sys.modules["lucid_test_mine"]


def test_a_call_may_bring_its_own_processes(mine: Any) -> None:
    report = sweep(mine.objective, ["constant()"], lr=[0.1, 0.2], seeds=4, workers=2)
    assert states(report) == {"finished": 8}
    assert report.best is not None
    assert (report.best.lr, report.best.std) == (0.1, 0.0)


@linux
def test_a_process_that_dies_is_replaced(mine: Any) -> None:
    report = sweep(mine.once, ["constant()"], lr=[0.1, 0.2, 0.3], seeds=1, workers=2, storage="s.journal")
    assert states(report) == {"finished": 3}
    assert Counter(map(_plan.end_of, stored("s.journal", "once"))) == {"": 3, "died": 1}


@linux
def test_deaths_count_only_while_nothing_gets_done(mine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = _plan.Plan.progress

    def seen(self: _plan.Plan, trials: Any) -> Any:
        done, left = progress(self, trials)
        Path(f"seen-{done}").touch()
        return done, left

    monkeypatch.setattr(_plan.Plan, "progress", seen)
    report = sweep(mine.stumbles, ["constant()"], lr=[0.1, 0.2, 0.3, 0.4], seeds=1, workers=2, max_failures=1)
    assert states(report) == {"finished": 4}


def test_processes_that_only_die_end_the_sweep(mine: Any) -> None:
    with pytest.raises(
        RuntimeError, match=r"worker processes died before a trial was done, the last with exit code 7; a script must"
    ):
        sweep(mine.exits, ["constant()"], lr=[0.1], seeds=2, workers=2, max_failures=1, retries=10)


def test_a_process_that_gives_up_says_why(mine: Any) -> None:
    with pytest.raises(RuntimeError, match="2 trials in a row have failed, the last with ValueError: no; mend"):
        sweep(mine.fails, ["constant()"], lr=[0.1, 0.2, 0.3, 0.4], seeds=1, workers=2, max_failures=2)


def test_ctrl_c_ends_the_processes_too(mine: Any, interruptible: None) -> None:
    began = [math.inf]

    def interrupt() -> None:
        deadline = time.monotonic() + 120
        while not Path("begun").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        began[0] = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    report = sweep(mine.waits, ["constant()"], lr=[0.1, 0.2], seeds=1, workers=2, storage="s.journal")
    thread.join()
    assert time.monotonic() - began[0] < 40
    assert report.interrupted
    assert report.left == 2
    assert {_plan.end_of(trial) for trial in stored("s.journal", "waits") if trial.state.name == "FAIL"} == {"interrupted"}
    assert "RUNNING" not in {trial.state.name for trial in stored("s.journal", "waits")}


def test_processes_end_with_the_one_that_started_them(mine: Any) -> None:
    call = "lucid.sweep(lucid_test_mine.waits, ['constant()'], lr=[0.1, 0.2], seeds=1, workers=2, storage='s.journal')"
    Path("call.py").write_text(f"import lucid, lucid_test_mine\nif __name__ == '__main__':\n    {call}\n")
    parent = subprocess.Popen([sys.executable, "call.py"], env=os.environ | {"PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 120

    def ended(*expected: str) -> bool:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        return Path("s.journal").exists() and Counter(t.state.name for t in _trials("s.journal", "waits")) == Counter(expected)

    try:
        while not ended("RUNNING", "RUNNING"):
            assert parent.poll() is None
    finally:
        parent.kill()
        parent.wait()
    while not ended("FAIL", "FAIL"):
        pass
    assert {_plan.end_of(trial) for trial in stored("s.journal", "waits")} == {"interrupted"}


def _trials(storage: Any, name: str) -> list[Any]:
    """As :func:`stored`, and none where the study is yet to be made."""
    try:
        return stored(storage, name)
    except KeyError:
        return []


# -- the command


def command(*arguments: Any) -> int:
    try:
        return main(["sweep", *map(str, arguments)])
    except SystemExit as end:
        return int(end.code or 0)


def test_the_command_ranks_candidates_by_an_objective(mine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["cosine(10)", "constant()", "--objective", "lucid_test_mine:objective", "--lr", "0.1", "0.2", "--seeds", "2"]
    assert command(*arguments, "--out", "results") == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out.startswith("lucid_test_mine:objective: 8 finished\n")
    assert told.out.endswith("\nresults/report.json\nresults/runs.csv\nresults/sweep.journal\n")
    report = json.loads(Path("results/report.json").read_text())
    assert [entry["schedule"] for entry in report["ranking"]] == ["cosine(10)", "constant()"]
    assert len(Path("results/runs.csv").read_text().splitlines()) == 9
    assert told.out.startswith(Path("results/report.txt").read_text())
    changed = Path("results/sweep.journal").stat().st_size
    assert command(*arguments, "--out", "results") == 0
    assert Path("results/sweep.journal").stat().st_size == changed  # nothing was left to do


def test_the_command_leaves_an_objective_its_own_rates(mine: Any) -> None:
    mine_ = ["--objective", "lucid_test_mine:objective", "--seeds", "1"]
    assert command("pretrain-llm", *mine_, "--steps", "1000", "--out", "recipe") == 0
    assert command("0.5 * constant()", *mine_) == 0
    assert [run["lr"] for run in json.loads(Path("runs/sweep/report.json").read_text())["runs"]] == [1.0]


def test_the_command_draws_rates_from_a_range_and_maximizes(mine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "constant()",
        "--objective",
        "lucid_test_mine:objective",
        "--lr-range",
        "0.1",
        "0.2",
        "--trials",
        "3",
        "--maximize",
    ]
    assert command(*arguments, "--seeds", "1", "--prune", "--storage", "sqlite:///s.db", "--name", "n") == 0
    report = json.loads(Path("runs/sweep/report.json").read_text())
    rates = [entry["lr"] for entry in report["entries"]]
    assert rates == sorted(rates, reverse=True)
    assert (report["direction"], len(rates), report["name"]) == ("maximize", 3, "n")
    assert len(stored("sqlite:///s.db", "n")) == 3


def test_the_command_trains_on_the_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["cosine(1)", "linear(9, 1, 0)", "--lr", "0.1", "--epochs", "1", "--seeds", "2"]
    assert command(*arguments) == 0
    told = capsys.readouterr()
    assert told.err == "lucid sweep: linear(9, 1, 0) lasts 9: of it a run of 1 sees the beginning\n"
    report = json.loads(Path("runs/sweep/report.json").read_text())
    losses = [run["loss"] for run in report["runs"]]
    assert len(set(losses)) == 4
    assert all(0 < loss < math.log(10) for loss in losses)
    assert report["name"] == "digits, 1 epochs"
    from lucid._sweep._digits import digits

    assert list(digits(Cosine(1), 0.1, 0, epochs=1)) == losses[:1]


def test_the_common_candidates_fit_any_number_of_epochs() -> None:
    from lucid._commands.sweep import _common

    for epochs in (1, 3, 10, 1000):
        for text in _common(epochs):
            length = lucid.parse(text).length
            assert math.isinf(length) or length == pytest.approx(epochs)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--lr", "0"], "--lr: must be a finite number > 0"),
        (["--seeds", "0"], "--seeds: must be a whole number >= 1"),
        (["--lr", "0.1", "--lr-range", "0.1", "0.2"], "not allowed with"),
        (["--lr-range", "0.1", "0.2"], "--lr-range needs --trials"),
        (["--trials", "3"], "--trials is how many rates to draw from --lr-range, which is missing"),
        (["cosin(3)"], "unknown schedule 'cosin'; did you mean"),
        (["constant()", "constant()"], r"constant\(\) is given twice"),
        (["constant()", "--lr", "0.1", "0.1"], "lr 0.1 is given twice"),
        (["constant()", "--epochs", "3", "--objective", "lucid_test_mine:objective"], "--epochs is for the digits"),
        (["constant()", "--steps", "9"], "--steps is for an --objective"),
        (
            ["pretrain-llm", "--objective", "lucid_test_mine:objective"],
            "is made for a run's length, so tell it, such as --steps",
        ),
        (["--objective", "lucid_test_mine:objective"], "--objective needs candidates"),
        (["constant()", "--objective", "objective"], "--objective must be MODULE:FUNCTION, such as"),
        (["constant()", "--objective", "nosuch:objective"], "there is no module 'nosuch'; name one of this folder"),
        (["constant()", "--objective", "lucid_test_mine:nosuch"], "lucid_test_mine has no 'nosuch'"),
        (["constant()", "--objective", "lucid_test_mine:os"], "objective must be a function"),
        (
            ["constant()", "--objective", "lucid_test_mine:fails", "--seeds", "11", "--lr", "1"],
            "10 trials in a row have failed.* the same command with --retry-failed goes on",
        ),
        (["--lr-range", "0.2", "0.1", "--trials", "3"], "--lr-range LOW HIGH: LOW must be below HIGH, got 0.2 0.1"),
        (["constant()", "--objective", "lucid_test_mine:objective", "--storage", "nonsense://"], "is no URL of a database"),
        (["--serve", "127.0.0.1:8000"], "--serve needs --storage, the URL"),
        (["--serve", "here", "--storage", "sqlite:///s.db"], "--serve must be HOST:PORT"),
        (["--serve", "8000", "--storage", "s.journal"], "--serve lends a database, which --storage must name by its URL"),
        (["--serve", "8000", "--storage", "grpc://127.0.0.1:1"], "--serve lends a database"),
    ],
)
def test_mistakes_on_the_command_line(mine: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], match: str) -> None:
    assert command(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" or told.out.startswith("serving")
    assert re.search(match, told.err)
    assert "Traceback" not in told.err


def test_the_digits_say_what_they_need(tmp_path: Path) -> None:
    code = "import sys; sys.modules['sklearn'] = None; from lucid.cli import main; sys.exit(main(['sweep']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    told = 'the digits need sklearn; pip install "lucid-lr[sweep,train]", or name an --objective'
    assert done.stderr == f"lucid sweep: error: {told}\n"
    assert not list(tmp_path.iterdir())


def test_the_command_speaks_of_options(mine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("constant()", "--objective", "lucid_test_mine:fails", "--seeds", "1", "--lr", "1") == 0
    assert "--retry-failed runs them again." in capsys.readouterr().out


def test_the_command_leaves_candidates_names_as_they_are(mine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = "eden(5, 4, steps_per_epoch=8)"
    assert command(name, "--objective", "lucid_test_mine:objective", "--seeds", "1", "--lr", "1") == 0
    assert name in capsys.readouterr().out


def test_a_port_that_is_taken_is_not_shared(mine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert command("--serve", f"127.0.0.1:{taken.getsockname()[1]}", "--storage", "sqlite:///s.db") == 2
    assert "Address already in use" in capsys.readouterr().err


def test_serving_other_machines_is_warned_of(
    mine: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = []
    monkeypatch.setattr(_storage, "serve", lambda *arguments: served.append(arguments))
    assert command("--serve", "0.0.0.0:8000", "--storage", "postgresql://me:secret@host/db") == 0
    told = capsys.readouterr()
    assert "there is no password" in told.err
    assert "secret" not in told.out + told.err
    assert served == [("postgresql://me:secret@host/db", "0.0.0.0", 8000)]


@pytest.mark.parametrize("storage", ["s.journal", "sqlite:///s.db"])
def test_ctrl_c_says_how_to_go_on(
    mine: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    arguments = ["sweep", "constant()", "--objective", "lucid_test_mine:objective", "--lr", "0.1", "0.2", "--storage", storage]
    monkeypatch.setattr(sys, "argv", ["lucid", *arguments])

    def interrupted(schedule: Schedule, lr: float, seed: int) -> float:
        if lr == 0.2:
            raise KeyboardInterrupt
        return lr

    with monkeypatch.context() as patch:
        patch.setattr(mine, "objective", interrupted)
        assert main(arguments) == 130
    told = capsys.readouterr()
    assert "Interrupted: 5 runs are still to be done" in told.out
    assert (
        f"To go on:\n  {'lucid' if shutil.which('lucid') else sys.executable + ' -m lucid.cli'} sweep 'constant()'" in told.out
    )
    assert told.err == "lucid sweep: interrupted\n"
    assert main(arguments) == 0
    assert "6 finished" in capsys.readouterr().out
