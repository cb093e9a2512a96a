"""A worker: takes cells one after the other, runs the objective, writes down how it went; and several of them."""

import inspect
import math
import operator
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.storages import BaseStorage
from optuna.trial import BaseTrial, FixedTrial, FrozenTrial, Trial, TrialState

from lucid._sweep._alive import Watch, working
from lucid._sweep._plan import Cell, Plan, Task, cell_of, end_of
from lucid._sweep._storage import alone, lent, patiently, quiet
from lucid.schedules import Schedule

_LONGEST = 20_000  # characters of a traceback that are kept, its end

Told = Callable[[int, int], None]
"""Is told how many runs are done, and how many are left."""


class Taken(Exception):  # noqa: N818
    """The trial is another worker's by now: this one was silent for longer than the lease."""


def begun(task: Task, storage: BaseStorage, sampler: Any, pruner: Any) -> optuna.Study:
    """The study of a sweep, made by whoever comes first.

    Raises:
        ValueError: what is stored under the name does not go together with what is asked for.
    """
    direction = "minimize" if task.minimize else "maximize"
    options: dict[str, Any] = {"storage": storage, "study_name": task.name, "sampler": sampler, "pruner": _SameSeed(pruner)}
    with quiet():
        try:
            study = patiently(task.lease, optuna.load_study, **options)
        except KeyError:  # or, should another one be quicker, that one's
            study = patiently(task.lease, optuna.create_study, **options, direction=direction, load_if_exists=True)
    study.stop = lambda: None  # type: ignore[method-assign]  # a sampler that has seen everything; here the plan says when to end
    advice = f"give this sweep another name than {task.name!r}, or another storage"
    if study.direction.name.lower() != direction:
        raise ValueError(
            f"sweep: direction is {direction!r}, and what is stored is a sweep to {study.direction.name.lower()}; {advice}"
        )
    drawing = {"space"} if callable(task.candidates) else {"range"} if task.within else set()
    for trial in study.get_trials(deepcopy=False):
        cell = cell_of(trial)
        if cell is None:
            raise ValueError(f"sweep: the stored study has trials that are none of a sweep's; {advice}")
        kind, name, _, _ = cell
        if kind != "space" and name in task.named:
            ours, theirs = config(task.named[name]), trial.user_attrs.get("config")
            if ours != theirs:
                raise ValueError(
                    f"sweep: candidate {name!r} is another schedule than the stored one of that name; rename it, or {advice}"
                )
        if kind in drawing and "lr" in trial.user_attrs and (kind == "space" or name in task.named):
            drawing.discard(kind)  # one tells
            if not _would_be_drawn(task, trial, cell):
                what = "the space" if kind == "space" else f"the range of lr, {task.within},"
                raise ValueError(f"sweep: {what} is another one than that which the stored runs were drawn from; {advice}")
    return study


def config(schedule: Schedule) -> dict[str, Any] | None:
    """The schedule as JSON data; None where it holds a function."""
    try:
        return schedule.to_dict()
    except ValueError:
        return None


def drawn(task: Task, trial: BaseTrial, cell: Cell) -> tuple[Schedule, float]:
    """The schedule of a cell and its peak rate; what of it is to be drawn, the trial draws."""
    kind, name, point, _ = cell
    if kind == "grid":
        return task.named[name], point
    if kind == "range":
        assert task.within is not None
        return task.named[name], trial.suggest_float(f"lr of {name}", *task.within, log=True)
    assert callable(task.candidates)
    schedule = task.candidates(trial)
    if not isinstance(schedule, Schedule):
        raise TypeError(f"sweep: the space must give a Schedule for each trial, got {schedule!r}")
    if (task.rates or task.within) and "lr" in trial.params:
        raise ValueError("sweep: the space draws a parameter 'lr', and so would lr=; leave lr= out, or rename the space's")
    if task.within:
        return schedule, trial.suggest_float("lr", *task.within, log=True)
    return schedule, trial.suggest_categorical("lr", task.rates) if task.rates else 1.0


def _would_be_drawn(task: Task, trial: FrozenTrial, cell: Cell) -> bool:
    """Whether the range or the space of a task could have drawn what a stored trial has."""
    choices = (one for kind in trial.distributions.values() for one in getattr(kind, "choices", ()))
    if not all(isinstance(one, (bool, int, float, str, type(None))) for one in choices):
        return True  # storages make lists of tuples: nothing can be told
    again = FixedTrial(trial.params, trial.number)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's, of values that are out of range
            schedule, _ = drawn(task, again, cell)
    except (ValueError, TypeError):  # it asks for a parameter that was not drawn
        return False
    except Exception:  # a space of the user's that needs more than a trial's parameters: nothing can be told
        return True
    return again.distributions == trial.distributions and config(schedule) == trial.user_attrs.get("config")


@dataclass
class Worker:
    """Runs what is missing, and what others leave behind, until everything is done."""

    task: Task
    study: optuna.Study
    storage: BaseStorage
    retry_failed: bool = False
    told: Told | None = None
    _plan: Plan = field(init=False)
    _watch: Watch = field(init=False)
    _running: int | None = None
    _in_a_row: int = 0
    _me: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._plan, self._watch = Plan(self.task), Watch(self.task.lease)

    def run(self) -> None:
        """Work until every cell is done.

        Raises:
            RuntimeError: many trials in a row have failed.
        """
        stop = threading.Event()
        with working() as self._me:
            renewal = threading.Thread(target=self._renew, args=(stop,), daemon=True)
            renewal.start()
            try:
                self._go_on()
            finally:
                stop.set()
                renewal.join()

    def _go_on(self) -> None:
        before = self._trials() if self.retry_failed else []
        forgiven = frozenset(trial.number for trial in before if trial.state == TrialState.FAIL)
        pause = 0.02
        while True:
            since = time.monotonic()
            trials = self._trials()
            if self.told is not None:
                self.told(*self._plan.progress(trials))
            reaped = [trial for trial in trials if trial.state == TrialState.RUNNING and self._reaped(trial)]
            if reaped:
                continue
            if self._plan.missing(trials, forgiven):
                with alone(self.storage, self.task.name, self.task.lease) as beat:
                    for cell, known in self._plan.missing(self._trials(), forgiven).items():
                        self._enqueue(cell, known)
                        beat()
                continue
            wanted = self._plan.needed(trials)
            if self._run_some(trials, wanted, time.monotonic() - since):
                pause = 0.02
            elif any(t.state not in _ENDED and cell_of(t) in wanted for t in trials):
                time.sleep(pause)  # for what others are at: they may yet die
                pause = min(pause * 1.5, 1.0)
            else:
                return

    def _run_some(self, trials: list[FrozenTrial], wanted: Iterable[Cell], looked: float) -> bool:
        """Run what waits, in the order of the plan, until it is time to look at all trials again; whether there was anything.

        To look took ``looked`` seconds. It is done after each run, but takes a tenth of the time at most: the more trials there
        are, the longer it takes, and a sweep of many short runs would do nothing else. Until then nothing is overlooked that
        counts: who takes a trial asks the storage for it, which gives it to one alone.
        """
        until, ran = time.monotonic() + 10 * looked, False
        for cell, trial, first in self._waiting(trials, wanted):
            claimed = self._taken(trial, first)
            if claimed is not None:
                self._run(claimed, cell)
                ran = True
            if ran and time.monotonic() > until:
                break
        return ran

    def _trials(self) -> list[FrozenTrial]:
        return patiently(self.task.lease, self.study.get_trials, deepcopy=False)

    def _enqueue(self, cell: Cell, known: dict[str, Any]) -> None:
        kind, name, point, seed = cell
        attributes: dict[str, Any] = {"cell": list(cell), "seed": seed}
        if kind != "space":
            attributes |= {"schedule": name, "config": config(self.task.named[name])}
        if kind == "grid":
            attributes |= {"lr": point}
        fixed = {"fixed_params": known} if known else {}  # as enqueue_trial does; GridSampler takes no empty ones
        trial = optuna.create_trial(state=TrialState.WAITING, user_attrs=attributes, system_attrs=fixed)
        patiently(self.task.lease, self.study.add_trial, trial)

    # -- whose a trial is

    def _reaped(self, trial: FrozenTrial) -> bool:
        """Whether its worker is dead: then it has failed, and its cell is missing again."""
        worker = trial.user_attrs.get("worker")
        if not self._watch.is_dead(trial._trial_id, worker):
            return False
        told = f"its worker died ({worker['name']}, process {worker['pid']})" if worker else "its worker died"
        with suppress(UpdateFinishedTrialError):  # another one was quicker
            self._set(trial._trial_id, "end", {"why": "died", "error": told})
            patiently(self.task.lease, self.storage.set_trial_state_values, trial._trial_id, TrialState.FAIL)
        return True

    def _waiting(self, trials: list[FrozenTrial], wanted: Iterable[Cell]) -> Iterator[tuple[Cell, FrozenTrial, FrozenTrial]]:
        """What waits, in the order of the plan: cell, trial, and the first trial that stands for the cell."""
        standing: dict[Cell | None, list[FrozenTrial]] = {}
        for trial in trials:
            if trial.state != TrialState.FAIL:
                standing.setdefault(cell_of(trial), []).append(trial)
        for cell in wanted:
            for trial in standing.get(cell, ()):
                if trial.state == TrialState.WAITING:
                    yield cell, trial, standing[cell][0]

    def _taken(self, trial: FrozenTrial, first: FrozenTrial) -> Trial | None:
        """The trial, now ours alone; None where another one has it, or had."""
        try:
            if not patiently(self.task.lease, self.storage.set_trial_state_values, trial._trial_id, TrialState.RUNNING):
                return None
            self._set(trial._trial_id, "worker", self._me)
            if trial is first:
                return patiently(self.task.lease, Trial, self.study, trial._trial_id)
            self._set(trial._trial_id, "end", {"why": "duplicate"})  # it was planned twice: the earlier one counts
            patiently(self.task.lease, self.storage.set_trial_state_values, trial._trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            pass
        return None

    def _renew(self, stop: threading.Event) -> None:
        """Tell from time to time that the trial that runs has a worker."""
        beat = 0
        while not stop.wait(self.task.lease / 4):
            running, beat = self._running, beat + 1
            if running is not None:
                with suppress(Exception):  # the next beat may come through; and who has lost the trial hears so when it ends
                    self.storage.set_trial_user_attr(running, "worker", self._me | {"beat": beat})

    def _set(self, trial_id: int, key: str, value: Any) -> None:
        patiently(self.task.lease, self.storage.set_trial_user_attr, trial_id, key, value)

    # -- a run

    def _run(self, trial: Trial, cell: Cell) -> None:
        self._running = trial._trial_id
        try:
            self._result(trial, cell)
        except (Taken, UpdateFinishedTrialError):
            pass
        except BaseException:  # Ctrl-C, or the storage is out of reach
            with suppress(Exception):
                self._set(trial._trial_id, "end", {"why": "interrupted"})
                self.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
            raise
        finally:
            self._running = None

    def _result(self, trial: Trial, cell: Cell) -> None:
        try:
            loss = self._loss(trial, cell)
        except _Raised as raised:
            return self._failed(trial, raised.error)
        except optuna.TrialPruned:
            return self._tell(trial, state=TrialState.PRUNED)
        self._in_a_row = 0
        return self._tell(trial, loss if math.isfinite(loss) else math.inf if self.task.minimize else -math.inf)

    def _loss(self, trial: Trial, cell: Cell) -> float:
        """The last loss, or the first that is not finite."""
        loss = math.nan
        with _theirs():
            schedule, rate = self._drawn(trial, cell)
            values = _values(self.task.objective(schedule, rate, cell[3]))
        with closing(values):
            while True:
                with _theirs():
                    value = next(values, None)
                if value is None:
                    return loss
                step, loss = value
                if not math.isfinite(loss):
                    break
                if step is not None:
                    patiently(self.task.lease, trial.report, loss, step)
                    if patiently(self.task.lease, trial.should_prune):
                        break
            with _theirs():
                values.close()
        if math.isfinite(loss):
            raise optuna.TrialPruned
        return loss

    def _drawn(self, trial: Trial, cell: Cell) -> tuple[Schedule, float]:
        """The schedule of a cell and its peak rate, drawn now where the sampler has the say."""
        schedule, rate = drawn(self.task, trial, cell)
        if cell[0] == "space":
            self._set(trial._trial_id, "schedule", repr(schedule))
            self._set(trial._trial_id, "config", config(schedule))
        if cell[0] != "grid":
            self._set(trial._trial_id, "lr", rate)
        return schedule, rate

    def _failed(self, trial: Trial, error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        self._set(
            trial._trial_id,
            "end",
            {"why": "raised", "error": f"{type(error).__name__}: {error}"[:500], "traceback": text[-_LONGEST:]},
        )
        self._tell(trial, state=TrialState.FAIL)
        self._in_a_row += 1
        if self._in_a_row >= self.task.max_failures:
            raise RuntimeError(
                f"sweep: {self._in_a_row} trials in a row have failed, the last with {type(error).__name__}: {error}; mend the "
                "objective, then the same call with retry_failed=True goes on"
            ) from error

    def _tell(self, trial: Trial, loss: float | None = None, state: TrialState | None = None) -> None:
        def tell() -> None:
            try:
                self.study.tell(trial, loss, state=state)
            except ValueError as error:  # Optuna's way to say that it is not running
                if self.storage.get_trial(trial._trial_id).state.is_finished():
                    raise Taken from error
                raise

        patiently(self.task.lease, tell)


_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class _Raised(Exception):  # noqa: N818
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


@contextmanager
def _theirs() -> Iterator[None]:
    """Code of the user's, whose errors fail the trial. Those of the storage are the sweep's."""
    import grpc

    try:
        yield
    except (optuna.TrialPruned, UpdateFinishedTrialError, StorageInternalError, grpc.RpcError):
        raise
    except Exception as error:
        raise _Raised(error) from error


def _values(result: Any) -> Generator[tuple[int | None, float]]:
    """What an objective gave: a loss, or a generator of losses or of (step, loss); the last one is the result."""
    if not inspect.isgenerator(result):
        yield None, _number(result)
        return
    with closing(result):
        last = -1
        while True:
            try:
                value = next(result)
            except StopIteration as stop:
                if stop.value is not None:
                    yield None, _number(stop.value)
                elif last < 0:
                    raise ValueError("sweep: the objective is a generator that yielded no loss") from None
                return
            step = last + 1
            if isinstance(value, tuple) and len(value) == 2:
                step, value = operator.index(value[0]), value[1]
                if step <= last:
                    raise ValueError(f"sweep: the steps that the objective yields must ascend from 0, got {step} after {last}")
            last = step
            yield step, _number(value)


def _number(value: Any) -> float:
    if (
        isinstance(value, (str, bytes, bool))
        or value is None
        or not (hasattr(value, "__float__") or hasattr(value, "__index__"))
    ):
        raise TypeError(f"sweep: the objective must give the loss as a number, or yield losses, got {value!r}")
    return float(value)


# -- pruning


class _SameSeed(BasePruner):
    """Compares a trial with those of the same seed alone: they saw the same data in the same order from the same weights."""

    def __init__(self, pruner: Any) -> None:
        self._patient = pruner == "median"
        self._pruner: BasePruner = MedianPruner() if self._patient else NopPruner() if pruner is None else pruner

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        if isinstance(self._pruner, NopPruner):
            return False
        alike: Any = _Alike(study, trial.user_attrs.get("seed"))
        if self._patient:
            # A warm-up is behind the others at first, by design: nobody is judged in the first third.
            steps = [t.last_step for t in alike.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))]
            longest = max((step for step in steps if step is not None), default=0)
            if trial.last_step is None or trial.last_step + 1 <= (longest + 1) / 3:
                return False
        return self._pruner.prune(alike, trial)


class _Alike:
    """A study as a pruner sees it: the trials of one seed."""

    def __init__(self, study: optuna.Study, seed: Any) -> None:
        self._whole, self._seed = study, seed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def get_trials(self, deepcopy: bool = True, states: Any = None) -> list[FrozenTrial]:
        found = self._whole.get_trials(deepcopy=deepcopy, states=states)
        return [t for t in found if t.user_attrs.get("seed") == self._seed and end_of(t) != "diverged"]

    def _get_trials(self, deepcopy: bool = True, states: Any = None, use_cache: bool = False) -> list[FrozenTrial]:
        return self.get_trials(deepcopy, states)

    @property
    def trials(self) -> list[FrozenTrial]:
        return self.get_trials()

    @property
    def best_trial(self) -> FrozenTrial:
        done = self.get_trials(states=(TrialState.COMPLETE,))
        if not done:
            raise ValueError("no trial has finished with this seed")
        sign = 1.0 if self._whole.direction.name == "MINIMIZE" else -1.0
        return min(done, key=lambda trial: sign * (trial.value or 0.0))


# -- several workers


def crew(
    task: Task,
    storage: Any,
    study: optuna.Study,
    sampler: Any,
    pruner: Any,
    workers: int,
    retry_failed: bool,
    told: Told | None,
) -> None:
    """``workers`` processes of this machine work until everything is done; one that dies is replaced.

    Raises:
        ValueError: something of the task cannot be sent to another process.
        RuntimeError: a worker gave up, or workers die again and again.
    """
    import multiprocessing

    try:
        packed = pickle.dumps((task, storage, sampler, pruner))
    except Exception as error:
        raise ValueError(
            f"sweep: workers={workers} sends the objective to other processes, which cannot be done ({error}); "
            "define functions at the top of a module, or run the same call with workers=1 in several processes"
        ) from error
    context = multiprocessing.get_context("spawn")
    plan, deaths, before = Plan(task), 0, -1
    members: list[tuple[Any, Any]] = []

    def hire(again: bool) -> None:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_member, args=(packed, theirs, again))
        process.start()
        theirs.close()
        members.append((process, ours))

    try:
        for _ in range(workers):
            hire(retry_failed)
        while members:
            for member in [*members]:
                process, pipe = member
                process.join(0.2 / len(members))
                if process.exitcode is None:
                    continue
                members.remove(member)
                problem = None
                with suppress(EOFError, OSError):
                    problem = pipe.recv() if pipe.poll() else None
                pipe.close()
                if problem is not None:
                    raise RuntimeError(problem)
                if process.exitcode != 0:
                    deaths += 1
                    if deaths > task.max_failures:
                        raise RuntimeError(
                            f"sweep: {deaths} worker processes died before a trial was done, the last with exit code "
                            f"{process.exitcode}; a script must call sweep() below if __name__ == '__main__', and the "
                            "objective must be importable"
                        )
                    hire(False)
            done, left = plan.progress(patiently(task.lease, study.get_trials, deepcopy=False))
            if told is not None:
                told(done, left)
            if done != before:
                before, deaths = done, 0
    finally:
        _dismiss([process for process, _ in members])


def _dismiss(processes: list[Any]) -> None:
    """End what still runs: kindly, then not. Ctrl-C in a terminal has reached them already."""
    _await(processes, 0.3)
    for process in processes:
        if process.is_alive():
            process.terminate() if sys.platform == "win32" else os.kill(process.pid, signal.SIGINT)
    _await(processes, 10.0)
    for process in processes:
        process.kill()
    _await(processes, 10.0)


def _await(processes: list[Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(deadline - time.monotonic(), 0.0))


def _member(packed: bytes, pipe: Any, retry_failed: bool) -> None:
    """A process of a crew."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        parent = multiprocessing.parent_process()
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        task, storage, sampler, pruner = pickle.loads(packed)
        with quiet(), lent(storage) as place:
            Worker(task, begun(task, place, sampler, pruner), place, retry_failed).run()
    except KeyboardInterrupt:
        pass
    except Exception as error:
        pipe.send(f"{error}" if str(error).startswith("sweep:") else "sweep: a worker failed:\n" + traceback.format_exc())


def _end_with(parent: Any) -> None:
    """Interrupt this process when the one that started it is gone: nobody is left to ask it to end."""
    parent.join()
    os.kill(os.getpid(), signal.SIGINT)
