"""Sweeps: schedules and peak rates tried over seeds, on Optuna, by any number of processes; and a report that ranks them."""

import inspect
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from lucid._sweep._plan import Plan, Task
from lucid._sweep._report import Difference, Entry, Report, Run, report_of
from lucid.schedules import Schedule
from lucid.schedules._numbers import number

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import Trial

    Candidates = Mapping[str, Schedule | str] | Iterable[Schedule | str] | Callable[[Trial], Schedule]

__all__ = ["Difference", "Entry", "Report", "Run", "sweep"]

_LONGEST = 200  # characters of a candidate's name


def sweep(
    objective: Callable[[Schedule, float, int], Any],
    candidates: "Candidates",
    *,
    lr: float | Sequence[float] | None = None,
    seeds: int | Iterable[int] = 3,
    trials: int | None = None,
    storage: "str | os.PathLike[str] | BaseStorage | None" = None,
    name: str | None = None,
    pruner: "Literal['median'] | BasePruner | None" = None,
    sampler: "BaseSampler | None" = None,
    direction: Literal["minimize", "maximize"] = "minimize",
    workers: int = 1,
    progress: bool = True,
    retry_failed: bool = False,
    retries: int = 3,
    max_failures: int = 10,
    lease: float = 60.0,
) -> Report:
    """Try every schedule at several peak rates with several seeds, and rank them; needs the extra ``sweep``.

    What is stored is not run again: the same call goes on where another one ended, was interrupted or killed; a call for more
    candidates, rates or seeds runs what is new. Any number of processes, on any number of machines, may make the same call at
    the same time: they share the runs out among themselves, and take over those of a process that died.

    Args:
        objective: ``objective(schedule, lr, seed)`` trains, with ``schedule(t, lr)`` as the rate at time ``t``, and returns the
            final loss; or is a generator that yields the loss from time to time (or ``(step, loss)``, where runs do not yield
            equally often): the last one is the result. A loss that is NaN or infinite ends the run, which ranks behind those
            that finished. An exception fails the run, and the sweep goes on.
        candidates: schedules or expressions (:func:`lucid.parse`), under names of yours in a mapping, or in a list; or a
            function ``space(trial)`` that makes a schedule out of ``trial.suggest_float(...)`` and the like.
        lr: the peak rates, a list; or ``(low, high)``, a tuple, a range from which ``trials`` are drawn, log-uniform at first.
            None: the schedules say their rates themselves, and ``lr`` is 1.0.
        seeds: how many, counted from 0, or which. Every candidate gets the same.
        trials: how many draws: of rates for each candidate, or from the space. Each is run with one seed, and with the
            others too if that one finishes.
        storage: a path, for a journal that the processes of one machine share; or a URL, for several machines:
            ``postgresql+psycopg://user@host/db``, ``mysql+pymysql://...``, ``sqlite:///file.db``, ``grpc://host:port``
            (``lucid sweep --serve``). None: nothing is kept.
        name: of the sweep in the storage; the objective's name where None. What the objective does is not stored: after a
            change that makes old losses incomparable, take another name.
        pruner: ends runs early by the losses that they yield, compared with the other runs of the same seed at the same step.
            "median" ends those worse than the median of at least five, not before a third of their steps.
        sampler: draws from a range or a space; Optuna's TPE where None.
        direction: "maximize" for scores such as an accuracy.
        workers: processes of this machine; more than one need an objective that can be imported.
        progress: show a bar, on a terminal.
        retry_failed: run again what has failed before.
        retries: how often a run is started again whose process died.
        max_failures: so many failures in a row end the sweep.
        lease: seconds of silence after which a process on another machine counts as dead.

    Returns:
        What is there when everything is done, or at Ctrl-C: ``print(report)``, ``report.best``, ``report.ranking``,
        ``report.to_json()``, ``report.to_csv()``.

    Raises:
        ValueError: what was asked for makes no sense, or goes not together with what is stored.
        TypeError: the objective does not take three arguments.
        OSError: the storage cannot be reached or written to.
        RuntimeError: ``max_failures`` runs in a row have failed.
        ImportError: Optuna or a database's driver is not installed.

    Example:
        >>> def objective(schedule, lr, seed):
        ...     weight = 1.0 + seed / 10
        ...     for step in range(100):
        ...         weight -= schedule(step, lr) * weight
        ...         yield weight**2
        >>> report = sweep(objective, ["cosine(100)", "constant()"], lr=[0.01, 0.03], seeds=2)
        >>> report.best.name, report.best.lr, report.best.n
        ('constant()', 0.03, 2)
    """
    if find_spec("optuna") is None:
        raise ModuleNotFoundError('sweep: needs optuna; pip install "lucid-lr[sweep]"', name="optuna")
    task = _task(objective, candidates, lr, seeds, trials, name, direction, retries, max_failures, lease)
    if not (pruner is None or pruner == "median" or hasattr(pruner, "prune")):
        raise ValueError(f'sweep: pruner must be None, "median" or a pruner of Optuna\'s, got {pruner!r}')
    workers = _whole("workers", workers, 1)
    from lucid._sweep._storage import lent, quiet
    from lucid._sweep._work import Worker, begun, crew

    kept = storage is not None
    with ExitStack() as stack:
        stack.enter_context(quiet())
        if storage is None and workers > 1:
            folder = tempfile.mkdtemp(prefix="lucid-sweep-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            storage = os.path.join(folder, "sweep.journal")
        place = stack.enter_context(lent(storage))
        study = begun(task, place, sampler, pruner)
        told = stack.enter_context(_bar(task, progress))
        interrupted = False
        try:
            if workers == 1:
                Worker(task, study, place, retry_failed, told).run()
            else:
                crew(task, storage, study, sampler, pruner, workers, retry_failed, told)
        except KeyboardInterrupt:
            interrupted = True
        found = study.get_trials(deepcopy=False)
        return report_of(task, found, Plan(task).progress(found)[1], interrupted=interrupted, kept=kept)


def _task(
    objective: Any,
    candidates: Any,
    lr: Any,
    seeds: Any,
    trials: Any,
    name: Any,
    direction: Any,
    retries: Any,
    failures: Any,
    lease: Any,
) -> Task:
    """What was asked for, checked."""
    if not callable(objective):
        raise TypeError(f"sweep: objective must be a function of (schedule, lr, seed), got {objective!r}")
    try:
        inspect.signature(objective).bind(None, None, None)
    except ValueError:  # it has none
        pass
    except TypeError as error:
        raise TypeError(f"sweep: objective must take (schedule, lr, seed): {error}") from None
    space = callable(candidates) and not isinstance(candidates, (Schedule, Mapping))
    named = candidates if space else _named(candidates)
    rates, within = _rates(lr)
    if trials is not None:
        trials = _whole("trials", trials, 1)
    if (space or within) and trials is None:
        what = "a space" if space else "a range of rates"
        raise ValueError(f"sweep: {what} needs trials=, how many draws; or give lists, which make a grid")
    if trials is not None and not (space or within):
        raise ValueError(
            "sweep: trials= is for a range (low, high) of rates or for a space; a grid runs every cell, so leave it out"
        )
    if direction not in ("minimize", "maximize"):
        raise ValueError(f'sweep: direction must be "minimize" or "maximize", got {direction!r}')
    name = name if name is not None else _name_of(objective)
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
        raise ValueError(f"sweep: name must be text of 1 to {_LONGEST} characters, got {name!r}")
    seconds = float(number("sweep", "lease", lease))
    if not 0 < seconds < math.inf:
        raise ValueError(f"sweep: lease must be > 0 seconds and finite, got {lease!r}")
    return Task(
        name, objective, named, rates, within, _seeds(seeds), trials, direction == "minimize", seconds,
        _whole("retries", retries, 0), _whole("max_failures", failures, 1),
    )  # fmt: skip


def _named(candidates: Any) -> dict[str, Schedule]:
    if isinstance(candidates, (str, Schedule)):
        candidates = [candidates]
    if not isinstance(candidates, Iterable):
        raise ValueError(f"sweep: candidates must be schedules, expressions, or a function space(trial), got {candidates!r}")
    found: dict[str, Schedule] = {}
    for given in candidates.items() if isinstance(candidates, Mapping) else ((None, one) for one in candidates):
        name, one = given
        schedule = _parsed(one)
        if name is None:
            name = _cut(one if isinstance(one, str) else repr(one))
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
            raise ValueError(f"sweep: a candidate's name must be text of 1 to {_LONGEST} characters, got {name!r}")
        if name in found:
            raise ValueError(f"sweep: candidate {name!r} is given twice; give names of your own in a mapping")
        found[name] = schedule
    if not found:
        raise ValueError("sweep: candidates are empty; give at least one schedule or expression")
    return found


def _parsed(one: Any) -> Schedule:
    if isinstance(one, Schedule):
        return one
    if not isinstance(one, str):
        raise ValueError(f"sweep: a candidate must be a Schedule or an expression such as 'cosine(9500)', got {one!r}")
    from lucid._expression import parse

    try:
        return parse(one)
    except ValueError as error:
        raise ValueError(f"sweep: candidate {_cut(one)!r}: {error}") from None


def _cut(text: str) -> str:
    """``text`` as a name: a long one ends in a sum over all of it."""
    text = " ".join(text.split())
    if len(text) <= _LONGEST:
        return text
    from zlib import crc32

    return f"{text[: _LONGEST - 12]}... {crc32(text.encode()):08x}"


def _rates(lr: Any) -> tuple[tuple[float, ...] | None, tuple[float, float] | None]:
    """The list of peak rates, or the range."""
    if lr is None:
        return None, None
    given = [lr] if isinstance(lr, (int, float)) or getattr(lr, "ndim", None) == 0 else lr
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(f"sweep: lr must be a list of peak rates, or a tuple (low, high), got {lr!r}")
    rates = []
    for rate in given:
        value = float(number("sweep", "lr", rate))
        if not 0 < value < math.inf:
            raise ValueError(f"sweep: lr must be > 0 and finite, got {rate!r}")
        if value in rates:
            raise ValueError(f"sweep: lr {value:g} is given twice")
        rates.append(value)
    if not rates:
        raise ValueError("sweep: lr is empty; give at least one peak rate, or None")
    if not isinstance(lr, tuple):
        return tuple(rates), None
    if len(rates) != 2 or not rates[0] < rates[1]:
        raise ValueError(
            f"sweep: lr as a tuple is a range (low, high) with low < high; write a list for peak rates, got {lr!r}"
        )
    return None, (rates[0], rates[1])


def _seeds(seeds: Any) -> tuple[int, ...]:
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        return tuple(range(_whole("seeds", seeds, 1)))
    if isinstance(seeds, (str, bool)) or not isinstance(seeds, Iterable):
        raise ValueError(f"sweep: seeds must be a whole number >= 1, or a list of whole numbers, got {seeds!r}")
    found = tuple(_whole("a seed", seed, 0) for seed in seeds)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"sweep: seeds must be at least one, and each only once, got {found!r}")
    return found


def _whole(what: str, value: Any, lowest: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < lowest:
        raise ValueError(f"sweep: {what} must be a whole number >= {lowest}, got {value!r}")
    return int(value.__index__())


def _name_of(objective: Any) -> str:
    while hasattr(objective, "func"):  # of a partial
        objective = objective.func
    return re.sub(r".*<locals>\.", "", getattr(objective, "__qualname__", type(objective).__qualname__))[:_LONGEST]


def _bar(task: Task, wanted: bool) -> Any:
    """A context that gives what tells a progress bar how many runs are done, or None."""
    from contextlib import nullcontext

    if not wanted or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    class Bar(Progress):
        def __enter__(self) -> Any:
            super().__enter__()
            line = self.add_task(task.name, total=None)
            return lambda done, left: self.update(line, completed=done, total=done + left)

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Bar(*columns, console=Console(stderr=True), transient=True)
