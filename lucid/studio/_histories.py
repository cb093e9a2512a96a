"""Files of real runs, as curves beside the plan."""

import math
import warnings
from typing import Any

import numpy as np

from lucid._history import History
from lucid._plot import _thinned

_CURVES = 8  # of a file
_COLUMNS = 1500


def opened(path: str) -> dict[str, Any]:
    """The rates in a file.

    Raises:
        ValueError: as :meth:`History.read`, and no column of rates.
        OSError: it cannot be read.
    """
    return _told(History.read(path), path.replace("\\", "/").rpartition("/")[2])


def uploaded(name: str, text: str) -> dict[str, Any]:
    """The rates in a file that the page was given: the content came with it, and no path is opened."""
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        found = History.parse(text.encode("utf-8", "replace"), name)
    return {**_told(found, name), "notes": [str(one.message) for one in noted]}


def _told(history: History, name: str) -> dict[str, Any]:
    curves: list[dict[str, Any]] = []
    times = np.array(history.steps, dtype=float)
    for column, values in history.columns.items():
        track, group = history.place(column)
        rates = np.array([math.nan if value is None else value for value in values], dtype=float)
        here = np.flatnonzero(np.isfinite(rates))
        if track != "lr" or not len(here) or len(curves) == _CURVES:
            continue
        kept = here[_thinned(rates[here], _COLUMNS)]
        curves.append(
            {
                "label": group,
                "times": times[kept].tolist(),
                "values": rates[kept].tolist(),
                "area": _area(times[here], rates[here]),
                "peak": float(rates[here].max()),
                "end": float(rates[here][-1]),
                "steps": len(here),
            }
        )
    if not curves:
        told = ", ".join(history.columns) or "none"
        raise ValueError(f"{name} has no column of rates, such as lr or lr-SGD; its columns are {told}")
    return {"name": name, "curves": curves, "notes": []}


def _area(steps: Any, rates: Any) -> float:
    """The sum of the rates of all steps; where only some were recorded, each stands for those until the next."""
    apart = np.diff(steps)
    return float((rates * np.append(apart, apart[-1:] if len(apart) else 1.0)).sum())
