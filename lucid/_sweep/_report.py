"""What a sweep found: schedules ranked at their best rates, with their spread over seeds."""

import csv
import io
import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lucid._sweep._plan import FINISHED, Task, cell_of, end_of
from lucid._terminal import table
from lucid.schedules import Schedule

# Student's t, two-sided 95 %, by degrees of freedom; beyond 30 the next smaller entry, which errs on the side of noise.
_T = (
    math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_FIELDS = ("schedule", "lr", "seed", "state", "loss", "steps", "seconds", "error")


@dataclass(frozen=True)
class Run:
    """One trial that has ended: a schedule at a peak rate with a seed."""

    schedule: str
    lr: float | None
    """None where it failed before there was one."""
    seed: int
    state: str
    """"finished", "pruned", "diverged" (the loss was NaN or infinite) or "failed"."""
    loss: float | None
    """The last one; of a pruned run that before it was stopped; None where it diverged or failed."""
    steps: int
    """How many intermediate losses it gave."""
    seconds: float | None
    error: str | None = None
    traceback: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Entry:
    """A schedule at one peak rate, over its seeds."""

    name: str
    lr: float
    schedule: Schedule | None = field(repr=False)
    """None where it holds a function, and was run by another call."""
    losses: Mapping[int, float]
    """Of the seeds that finished, by seed."""
    pruned: int = 0
    diverged: int = 0
    failed: int = 0
    last: tuple[float, ...] = field(default=(), repr=False)
    """The last losses of the pruned runs."""

    @property
    def n(self) -> int:
        """How many seeds finished."""
        return len(self.losses)

    @property
    def mean(self) -> float | None:
        """Over the seeds that finished; None where none did. It says little where ``diverged`` or ``pruned`` is not 0."""
        return statistics.fmean(self.losses.values()) if self.losses else None

    @property
    def std(self) -> float | None:
        """The standard deviation over seeds, with n - 1; None below two."""
        return statistics.stdev(self.losses.values()) if self.n > 1 else None

    @property
    def sem(self) -> float | None:
        """The standard error of the mean; None below two seeds."""
        return None if self.std is None else self.std / math.sqrt(self.n)

    def to_dict(self) -> dict[str, Any]:
        """The entry as strict JSON data."""
        return {
            "schedule": self.name, "lr": self.lr, "n": self.n, "mean": self.mean, "std": self.std, "sem": self.sem,
            "losses": {str(seed): loss for seed, loss in sorted(self.losses.items())},
            "pruned": self.pruned, "diverged": self.diverged, "failed": self.failed, "config": _config(self.schedule),
        }  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Between two entries, seed by seed: same data, same weights at the start, another schedule."""

    mean: float
    """How much worse the second is."""
    sem: float | None
    """Its standard error; None below two seeds in common."""
    n: int
    """Seeds in common."""

    @property
    def within_noise(self) -> bool | None:
        """Whether a paired t-test at the 5 % level sees no difference; None where two seeds in common are lacking."""
        if self.sem is None:
            return None
        return abs(self.mean) <= _T[min(self.n - 1, len(_T) - 1)] * self.sem


@dataclass(frozen=True)
class Report:
    """The runs of a sweep, ranked. ``print(report)`` shows it."""

    name: str
    minimize: bool
    rates: tuple[float, ...] = field(repr=False)
    """The peak rates of the grid; none where they were drawn."""
    runs: tuple[Run, ...] = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    """Every schedule at every peak rate, the best first."""
    left: int = 0
    """Runs that are still to be done."""
    interrupted: bool = False
    kept: bool = True
    """Whether the storage outlives the call."""

    @property
    def ranking(self) -> tuple[Entry, ...]:
        """Each schedule at its best peak rate, the best first.

        By the mean over the seeds that finished. What was pruned with a seed comes after all that was not, what diverged
        with a seed after that, and what never finished last.
        """
        best: dict[str, Entry] = {}
        for entry in self.entries:
            best.setdefault(entry.name, entry)
        return tuple(best.values())

    @property
    def best(self) -> Entry | None:
        """The first of the ranking; None where no run has finished."""
        first = next(iter(self.ranking), None)
        return first if first is not None and first.n else None

    def difference(self, first: Entry, second: Entry) -> Difference:
        """How much worse the second is than the first, over the seeds that both finished."""
        sign = 1.0 if self.minimize else -1.0
        common = sorted(first.losses.keys() & second.losses.keys())
        apart = [sign * (second.losses[seed] - first.losses[seed]) for seed in common]
        n = len(apart)
        sem = statistics.stdev(apart) / math.sqrt(n) if n > 1 else None
        return Difference(statistics.fmean(apart) if apart else math.nan, sem, n)

    @property
    def verdict(self) -> str:
        """One sentence on whether the first two can be told apart."""
        ranked = [entry for entry in self.ranking if entry.n and not entry.pruned and not entry.diverged]
        if len(ranked) < 2:
            return "Fewer than two schedules finished with every seed: nothing to compare."
        first, second = ranked[:2]
        found = self.difference(first, second)
        pair = f"{first.name} and {second.name}"
        if found.n == 0:
            return f"{pair} have no seed in common: they cannot be compared."
        told = f"{pair} differ by {_short(found.mean)}"
        if found.within_noise is None:
            return f"{told} with one seed: whether that is noise cannot be told; run more seeds."
        told += f" ± {_short(found.sem)} (mean and standard error over {found.n} seeds in common)"
        if found.within_noise:
            return f"{told}: within the noise (paired t-test, 95 %)."
        return f"{told}: more than the noise (paired t-test, 95 %, not corrected for how many were compared)."

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the reader should know."""
        notes = [
            f"The best rate of {entry.name}, {entry.lr:g}, is the {where} that was tried: try {further} ones."
            for entry in self.ranking
            if entry.n and len(self.rates) > 2
            for where, further, edge in (("lowest", "lower", min(self.rates)), ("highest", "higher", max(self.rates)))
            if entry.lr == edge
        ]
        failed = [run for run in self.runs if run.state == "failed"]
        if failed:
            first = failed[0]
            notes.append(
                f"{len(failed)} failed, the first {first.schedule}{_at(first.lr)} with seed {first.seed}: {first.error}; "
                "retry_failed=True runs them again."
            )
        if self.left:
            more = "the same call goes on from there" if self.kept else "nothing is kept without storage="
            notes.append(f"{'Interrupted: ' if self.interrupted else ''}{self.left} runs are still to be done; {more}.")
        return tuple(notes)

    def __str__(self) -> str:
        """A table of the ranking, one of the rates where there are several, the verdict and the notes."""
        parts = [self._counts(), self._ranked()]
        if len({entry.lr for entry in self.entries}) > 1 and len(self.ranking) < len(self.entries):
            parts.append(self._rates())
        return "\n\n".join([*parts, "\n".join([self.verdict, *self.notes])])

    def _counts(self) -> str:
        counts = {state: sum(run.state == state for run in self.runs) for state in ("finished", "pruned", "diverged", "failed")}
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count or state == "finished")
        return f"{self.name}: {told}" + (f", {self.left} to do" if self.left else "")

    def _ranked(self) -> str:
        rows = []
        for place, entry in enumerate(self.ranking, 1):
            apart = self.difference(self.ranking[0], entry)
            noise = {True: " ~", False: "", None: " ?"}[apart.within_noise]
            rows.append((
                str(place), entry.name, f"{entry.lr:.4g}", *(map(_short, (entry.mean, entry.std, entry.sem))), str(entry.n),
                "" if place == 1 or not apart.n else f"{apart.mean:+.3g}{noise}", _blemishes(entry),
            ))  # fmt: skip
        head = ("", "schedule", "lr", "mean", "std", "std error", "n", "to 1st", "")
        signs = (("~", "within the noise"), ("?", "one seed cannot tell"))
        legend = ", ".join(f"{sign} {meaning}" for sign, meaning in signs if any(row[7].endswith(sign) for row in rows))
        return table([head, *rows], left=(1, 8)) + (f"\n{legend}" if legend else "")

    def _rates(self) -> str:
        names, rates = [entry.name for entry in self.ranking], sorted({entry.lr for entry in self.entries})
        if not self.rates:  # drawn: each schedule has its own
            drawn = [
                (entry.name, f"{entry.lr:.4g}", _short(entry.mean), str(entry.n), _blemishes(entry)) for entry in self.entries
            ]
            return table([("schedule", "lr", "mean", "n", ""), *drawn[:40]], left=(0, 4)) + ("\n..." if len(drawn) > 40 else "")
        found = {(entry.name, entry.lr): entry for entry in self.entries}
        rows = []
        for name in names:
            cells = [found.get((name, rate)) for rate in rates]
            rows.append((name, *("" if cell is None else _short(cell.mean) + "*" * bool(_blemishes(cell)) for cell in cells)))
        legend = "\n* not all seeds finished" if any("*" in cell for row in rows for cell in row[1:]) else ""
        return table([("mean at lr", *(f"{rate:.4g}" for rate in rates)), *rows], left=(0,)) + legend

    def to_dict(self) -> dict[str, Any]:
        """The report as strict JSON data."""
        return {
            "name": self.name, "direction": "minimize" if self.minimize else "maximize", "left": self.left,
            "interrupted": self.interrupted, "verdict": self.verdict, "notes": list(self.notes),
            "ranking": [entry.to_dict() for entry in self.ranking],
            "entries": [entry.to_dict() for entry in self.entries],
            "runs": [{name: getattr(run, name) for name in (*_FIELDS, "traceback")} for run in self.runs],
        }  # fmt: skip

    def to_json(self, *, indent: int | None = None) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), allow_nan=False, indent=indent)

    def to_csv(self) -> str:
        """The runs, one in a line, under ``schedule,lr,seed,state,loss,steps,seconds,error``."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_FIELDS)
        rows.writerows([getattr(run, name) for name in _FIELDS] for run in self.runs)
        return text.getvalue()

    def plot(self, count: int = 5, **options: Any) -> Any:
        """:func:`lucid.plot` of the first schedules of the ranking; needs matplotlib.

        Args:
            count: how many.
            options: passed on to :func:`lucid.plot`, ``steps=`` among them.

        Raises:
            ValueError: no run has finished, or the schedules hold functions.
        """
        import lucid

        schedules = [entry.schedule for entry in self.ranking if entry.n and entry.schedule is not None][:count]
        if not schedules:
            raise ValueError("Report: no schedule to plot; no run has finished")
        return lucid.plot(*schedules, **options)


def report_of(task: Task, trials: Iterable[Any], left: int, *, interrupted: bool = False, kept: bool = True) -> Report:
    """What the stored trials say; those that others run now are left out."""
    sign = 1.0 if task.minimize else -1.0
    schedules: dict[str, Schedule | None] = dict(task.named)
    groups: dict[tuple[str, float], list[Run]] = {}
    runs = []
    for trial in _counted(task, trials):
        run = _run(trial)
        runs.append(run)
        if run.schedule not in schedules:
            config = trial.user_attrs.get("config")
            schedules[run.schedule] = Schedule.from_dict(config) if config else None
        if run.lr is not None:
            groups.setdefault((run.schedule, run.lr), []).append(run)
    entries = [_entry(name, rate, schedules[name], found) for (name, rate), found in groups.items()]
    entries.sort(key=lambda entry: _rank(entry, sign))
    return Report(task.name, task.minimize, task.rates or (), tuple(runs), tuple(entries), left, interrupted, kept)


def _counted(task: Task, trials: Iterable[Any]) -> Iterable[Any]:
    """One trial for each cell: that which ended well, else the last that failed for good."""
    found: dict[Any, Any] = {}
    died: Counter[Any] = Counter()
    for trial in trials:
        cell, end = cell_of(trial), end_of(trial)
        if cell is None or trial.state.name not in FINISHED or end in ("duplicate", "interrupted"):
            continue
        if end == "died":
            died[cell] += 1
            if died[cell] <= task.retries:
                continue
        if cell not in found or found[cell].state.name == "FAIL":
            found[cell] = trial
    return found.values()


def _run(trial: Any) -> Run:
    why, attributes = end_of(trial), trial.user_attrs
    state = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}[trial.state.name] if why != "diverged" else why
    begun, ended, end = trial.datetime_start, trial.datetime_complete, attributes.get("end", {})
    return Run(
        attributes.get("schedule", "(not drawn)"), attributes.get("lr"), attributes["seed"], state,
        trial.value if state in ("finished", "pruned") else None, len(trial.intermediate_values),
        (ended - begun).total_seconds() if begun and ended else None, end.get("error"), end.get("traceback"),
    )  # fmt: skip


def _entry(name: str, rate: float, schedule: Schedule | None, runs: list[Run]) -> Entry:
    count = Counter(run.state for run in runs)
    losses = {run.seed: run.loss for run in runs if run.state == "finished" and run.loss is not None}
    last = tuple(run.loss for run in runs if run.state == "pruned" and run.loss is not None)
    return Entry(name, rate, schedule, losses, count["pruned"], count["diverged"], count["failed"], last)


def _rank(entry: Entry, sign: float) -> tuple[float, ...]:
    flaw = 2 if entry.diverged else 1 if entry.pruned else 0 if entry.n else 3
    mean = math.inf if entry.mean is None else sign * entry.mean
    last = sign * statistics.fmean(entry.last) if entry.last else math.inf
    return (flaw, entry.diverged, -entry.n, mean, last) if flaw else (flaw, mean)


def _blemishes(entry: Entry) -> str:
    counts = {"pruned": entry.pruned, "diverged": entry.diverged, "failed": entry.failed}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _config(schedule: Schedule | None) -> dict[str, Any] | None:
    try:
        return schedule.to_dict() if schedule is not None else None
    except ValueError:  # it holds a function
        return None


def _at(rate: float | None) -> str:
    return "" if rate is None else f" at {rate:g}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
