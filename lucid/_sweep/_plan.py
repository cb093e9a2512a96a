"""What a sweep is to run, and what of it is missing: read off the trials, so that every worker finds the same."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lucid.schedules import Schedule

Cell = tuple[str, str, float, int]
"""One run: how it came up ("grid", "range" or "space"), schedule, peak rate or number of the draw, and seed."""

FINISHED = ("COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True)
class Task:
    """A sweep as it was asked for. Picklable where its objective is, and its space."""

    name: str
    objective: Callable[[Schedule, float, int], Any]
    candidates: Mapping[str, Schedule] | Callable[[Any], Any]
    rates: tuple[float, ...] | None
    within: tuple[float, float] | None
    seeds: tuple[int, ...]
    trials: int | None
    minimize: bool
    lease: float
    retries: int
    max_failures: int

    @property
    def named(self) -> Mapping[str, Schedule]:
        """The candidates, unless they are a space."""
        return {} if callable(self.candidates) else self.candidates


def cell_of(trial: Any) -> Cell | None:
    cell = trial.user_attrs.get("cell")
    return tuple(cell) if isinstance(cell, (list, tuple)) and len(cell) == 4 else None


def end_of(trial: Any) -> str:
    """Why it ended: "" where there is nothing to say; else "raised", "died", "interrupted", "duplicate" or "diverged"."""
    end = trial.user_attrs.get("end", {})
    if trial.state.name == "FAIL":
        return str(end.get("why", "died"))
    return "diverged" if trial.state.name == "COMPLETE" and not math.isfinite(trial.value) else ""


class Plan:
    """The cells of a sweep, in the order in which they are run: all with the first seed, then all with the second, ...

    Of a grid they are known. Of a range or a space, the draws are run with one seed; those that finish, with the others too.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self._grid: dict[Cell, dict[str, Any]] = {}
        if task.within is None and not callable(task.candidates):
            for seed in task.seeds:
                for rate in task.rates or (1.0,):
                    for name in task.candidates:
                        self._grid["grid", name, rate, seed] = {}

    def needed(self, trials: Iterable[Any]) -> Mapping[Cell, dict[str, Any]]:
        """Every cell that is wanted, with the parameters that are known of it."""
        if self._grid:
            return self._grid
        task = self.task
        kind, names = ("space", ("",)) if callable(task.candidates) else ("range", tuple(task.candidates))
        known: dict[tuple[str, float], dict[str, Any]] = {}
        finished: set[tuple[str, float]] = set()
        for trial in trials:
            cell = cell_of(trial)
            if cell is not None and cell[0] == kind and trial.params:
                draw = (cell[1], cell[2])
                known.setdefault(draw, dict(trial.params))
                if trial.state.name == "COMPLETE" and math.isfinite(trial.value):
                    finished.add(draw)
        draws = [(name, float(i)) for i in range(task.trials or 0) for name in names]
        found = {(kind, *draw, task.seeds[0]): known.get(draw, {}) for draw in draws}
        for seed in task.seeds[1:]:
            found |= {(kind, *draw, seed): known[draw] for draw in draws if draw in finished}
        return found

    def missing(self, trials: list[Any], forgiven: frozenset[int] = frozenset()) -> dict[Cell, dict[str, Any]]:
        """The cells that no trial stands for: neither waiting nor running nor ended in a way that counts.

        A trial whose worker died or was interrupted counts for nothing, but a cell is given up when that many workers have
        died over it. The failed trials of the numbers ``forgiven`` do not count either.
        """
        settled: set[Cell | None] = set()
        died: Counter[Cell | None] = Counter()
        for trial in trials:
            cell, end = cell_of(trial), end_of(trial)
            if trial.state.name != "FAIL" or (end == "raised" and trial.number not in forgiven):
                settled.add(cell)
            elif end == "died" and trial.number not in forgiven:
                died[cell] += 1
        needed = self.needed(trials).items()
        return {cell: known for cell, known in needed if cell not in settled and died[cell] <= self.task.retries}

    def progress(self, trials: list[Any]) -> tuple[int, int]:
        """How many cells are done, and how many are left, draws that may yet get their other seeds included."""
        needed = self.needed(trials)
        open_ = {cell_of(trial) for trial in trials if trial.state.name not in FINISHED}
        todo = [*self.missing(trials), *(cell for cell in needed if cell in open_)]
        seen: Counter[tuple[str, float]] = Counter((cell[1], cell[2]) for cell in needed)
        more = 0 if self._grid else (len(self.task.seeds) - 1) * sum(seen[cell[1], cell[2]] == 1 for cell in todo)
        return len(needed) - len(todo), len(todo) + more
