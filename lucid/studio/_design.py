"""What the page shows: curves and their figures, forms, errors by field. All of it asks schedules; nothing is a formula."""

import ctypes
import functools
import inspect
import math
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

import lucid
from lucid import recipes
from lucid._curves import boundaries
from lucid._formulas import described, plain
from lucid.schedules import Absolute, Schedule
from lucid.schedules._numbers import number
from lucid.schedules._schedule import Join, Repeat, Stretch, _Composed
from lucid.schedules._schema import _definition

CANDIDATES = 8
VALUES = 4000  # that a design may hold, of any kind
COLUMNS = 4096
STEPS = 10**12
RATE = 1e30
POINTS = 2**17  # at which a schedule is evaluated, at most
MARKS = 256  # boundaries of a candidate, where the curve is looked at closely
SECONDS = 2.0  # that an answer may take to compute, in time of the processor
_AGAIN = 0.25  # seconds after which a thread that did not stop is told again
GROUPS = ("Basics", "Decay", "Cycles", "Whole runs", "Combine", "Others", "Yours")


class TooLong(BaseException):  # not an Exception, so that no handler on the way takes it for a schedule's
    """The computation took more than its time."""


class PointlessError(ValueError):
    """What was asked for is possible, and would do nothing."""


@contextmanager
def deadline(seconds: float = SECONDS) -> Iterator[None]:
    """Raise :class:`TooLong` in this thread when the time is over: a short JSON can describe ten thousand cycles.

    And again, until it is heard: one that comes within a callback of the garbage collector is lost. The time is that of the
    processor where the system tells it, so that a busy machine, which is slow with everything, refuses nothing.
    """
    thread, lock, over = threading.get_ident(), threading.Lock(), threading.Event()
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc

    taken = _clock(thread)
    begun = taken()

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            with lock:
                if over.is_set():
                    return
                wait = seconds - (taken() - begun)
                if wait <= 0:
                    interrupt(ctypes.c_ulong(thread), ctypes.py_object(TooLong))
                    wait = _AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        while True:
            try:
                with lock:
                    over.set()
                    interrupt(ctypes.c_ulong(thread), None)  # one that was sent, and has not come
                break
            except TooLong:
                continue


def _clock(thread: int) -> Callable[[], float]:
    """The time that this thread has computed, readable from others while it runs; else that of the clock on the wall."""
    if hasattr(time, "pthread_getcpuclockid"):
        return functools.partial(time.clock_gettime, time.pthread_getcpuclockid(thread))
    return time.monotonic


# -- schedules from designs


def built(design: Any) -> Schedule:
    """The schedule of a configuration.

    Raises:
        ValueError: as :meth:`Schedule.from_dict`, and a design of more than 4000 values.
    """
    _count(design)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Schedule.from_dict(_as_written(design))
    except ValueError:
        raise
    except RecursionError:
        raise ValueError("this design is nested too deeply") from None
    except Exception as error:  # a class of the user's, or numbers beyond every float
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _as_written(design: Any) -> Any:
    """With defaults as they are declared: JavaScript knows one kind of number, and sends back 0 for 0.0."""
    if isinstance(design, (list, tuple)):
        return [_as_written(one) for one in design]
    if not isinstance(design, Mapping):
        return design
    name = design.get("schedule")
    made_of = Schedule._registry.get(name) if isinstance(name, str) else None
    defaults = {field.name: field.default for field in fields(made_of)} if made_of else {}  # type: ignore[arg-type]
    return {
        key: defaults[key]
        if type(value) is int and type(defaults.get(key)) is float and value == defaults[key]
        else _as_written(value)
        for key, value in design.items()
    }


def _count(design: Any) -> None:
    left, waiting = VALUES, [design]
    while waiting:
        value = waiting.pop()
        left -= 1
        if left < 0:
            raise ValueError(f"this design has more than {VALUES} values; the studio takes no more")
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)


def fault(design: Any, path: tuple[str | int, ...] = ()) -> dict[str, Any] | None:
    """Where a design is wrong: the path of the innermost configuration that cannot be built, its field, and the message."""
    if isinstance(design, Mapping):
        parts: list[tuple[str | int, Any]] = list(design.items())
    elif isinstance(design, (list, tuple)):
        parts = list(enumerate(design))
    else:
        return None
    for key, value in parts:
        found = fault(value, (*path, key))
        if found is not None:
            return found
    if not isinstance(design, Mapping):
        return None
    try:
        built(design)
    except ValueError as error:
        message = str(error)
        named = re.match(r"\w+: (?:unknown field |field )?'?(\w+)", message)
        field = named[1] if named and (named[1] in design or "field" in message) else None
        return {"path": list(path), "field": field, "message": message}
    return None


def refused(design: Any, error: ValueError) -> dict[str, Any]:
    return fault(design) or {"path": [], "field": None, "message": str(error)}


def _nodes(schedule: Schedule) -> int:
    """How many schedules are evaluated for a value of this one, about."""
    if isinstance(schedule, _Composed):
        return _nodes(schedule._made)
    return 1 + sum(map(_nodes, _parts(schedule)))


# -- curves


def curves(designs: list[Any], steps: Any, lr: Any, columns: Any = 1000, since: Any = 0, until: Any = None) -> dict[str, Any]:
    """Every candidate's curve over the same times, about two to a column of the chart, and what it comes to.

    Where a column holds more steps than can be seen, its lowest and highest are kept, so that no restart is lost. Every
    value is the schedule's own at that time. Figures are of the whole run, whatever part of it is shown.

    Args:
        designs: configurations; one that is wrong has an error in its place, and the others their curves.
        steps: length of the run, a whole number >= 1.
        lr: the base, >= 0.
        columns: of the chart.
        since: first time shown.
        until: last time shown; None is the run's end.

    Raises:
        ValueError: numbers outside of their range, too many designs.
    """
    if not isinstance(designs, list) or not 1 <= len(designs) <= CANDIDATES:
        raise ValueError(f"candidates must be a list of 1 to {CANDIDATES}")
    total = within("steps", steps, "a whole number >= 1", STEPS)
    base = within("lr", lr, ">= 0", RATE)
    across = int(within("columns", columns, "a whole number >= 1", COLUMNS))
    first = within("from", since, ">= 0", total)
    last = total if until is None else within("to", until, ">= 0", total)
    if last <= first:
        raise ValueError(f"to must be later than from, {first:g}, got {until!r}")
    found: list[dict[str, Any]] = []
    good: list[tuple[dict[str, Any], Schedule, list[float]]] = []
    for design in designs:
        told: dict[str, Any] = {}
        found.append(told)
        try:
            schedule = built(design)
            good.append((told, schedule, boundaries(schedule, total)[:MARKS]))
        except ValueError as error:
            told["error"] = refused(design, error)
        except Exception as error:
            told["error"] = _failed(schedule, error)
    points = max(min(POINTS, 2**20 // max(sum(_nodes(schedule) for _, schedule, _ in good), 1)), 2 * across)
    marks = [some for _, _, some in good]
    run = _times(0, total, points, across, marks)
    seen = run if (first, last) == (0, total) else _times(first, last, points, across, marks)
    shown: list[tuple[dict[str, Any], Any]] = []
    for told, schedule, some in good:
        try:
            values = _values(schedule, run, base)
            told |= _figures(schedule, run, values, total) | {"boundaries": some, "advice": advise(schedule, total, base)}
            shown.append((told, values if seen is run else _values(schedule, seen, base)))
        except Exception as error:
            told.clear()
            told["error"] = _failed(schedule, error)
    kept = _kept(seen, [values for _, values in shown], across, marks)
    for told, values in shown:
        told["values"] = [value if math.isfinite(value) else None for value in values[kept].tolist()]
    return {"times": seen[kept].tolist(), "candidates": found}


def _failed(schedule: Schedule, error: Exception) -> dict[str, Any]:
    """What a schedule of the user's raised when it was asked."""
    return {"path": [], "field": None, "message": f"{type(schedule).__name__}: {error or type(error).__name__}"}


def within(name: str, value: Any, rule: str, most: float) -> Any:
    try:
        plain = number("studio", name, value, rule)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if plain > most:
        raise ValueError(f"studio: {name} must be <= {most:g}, got {value!r}")
    return plain


def _times(since: float, until: float, points: int, columns: int, marks: list[list[float]]) -> Any:
    """Whole steps, of a long run some of them, of a short one parts too; and the last moment before each boundary."""
    span = until - since
    if span > points:
        times = np.unique(np.rint(np.linspace(since, until, points)))
    elif span >= columns:
        times = np.arange(math.ceil(since), math.floor(until) + 1, dtype=float)
    else:
        parts = max(math.ceil(columns / span), 1) if span >= 1 else columns
        times = (
            np.arange(math.floor(since) * parts, math.ceil(until) * parts + 1) / parts
            if span >= 1
            else np.linspace(since, until, columns)
        )
    near = [t for found in marks for b in found for t in _beside(b, span < columns) if since <= t <= until]
    return np.unique(np.concatenate([times[(times >= since) & (times <= until)], [since, until], near]))


def _beside(boundary: float, parts: bool) -> tuple[float, float]:
    """The boundary, and the time before it: the step, or as near as a number comes."""
    if parts:
        return math.nextafter(boundary, 0), boundary
    after = math.ceil(boundary)
    return after - 1, after


def _values(schedule: Schedule, times: Any, base: float) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            values = np.asarray(schedule.at(times, base), dtype=float)
            if values.shape == times.shape:
                return values
        except (TypeError, ValueError, AttributeError):  # a class of the user's that takes numbers alone
            if type(schedule).__module__.startswith("lucid.schedules.") and not _has_strangers(schedule):
                raise
        return np.array([float(schedule(t, base)) for t in times.tolist()])


def _has_strangers(schedule: Schedule) -> bool:
    """Whether classes that are not Lucid's are in it."""
    if not type(schedule).__module__.startswith("lucid."):
        return True
    return any(map(_has_strangers, _parts(schedule)))


def _figures(schedule: Schedule, times: Any, values: Any, total: float) -> dict[str, Any]:
    """Area, peak and end as :func:`lucid._curves.figures` has them: the area of the steps 0 to ``total - 1``."""
    whole = times == np.floor(times)
    steps, rates = times[whole][:-1], values[whole][:-1]
    exact = len(steps) == total
    # Of a long run some steps are known: each stands for those until the next one that is.
    area = rates.sum() if exact else (rates * np.diff(np.append(steps, total))).sum()
    top = int(np.argmax(values[whole]))
    finite = bool(np.isfinite(values).all())
    return {
        "expression": repr(schedule),
        "name": type(schedule).__name__,
        "starts": [float(t) for t in schedule._starts[:MARKS]] if isinstance(schedule, Join) else [0.0],
        "length": schedule.length if schedule.length < math.inf else None,
        "area": float(area) if finite else None,
        "exact": exact,
        "peak": float(values[whole][top]) if finite else None,
        "peak_at": float(times[whole][top]),
        "end": float(values[-1]) if finite else None,
        "finite": finite,
    }


def _kept(times: Any, curves: list[Any], columns: int, marks: list[list[float]]) -> Any:
    """Which of the times are told: a column's first, and where a curve leaves what those of two columns show."""
    count = len(times)
    if count <= 2 * columns or not curves:
        return np.arange(count) if count <= 2 * columns else np.arange(0, count, -(-count // columns))
    width = -(-count // columns)
    rows = -(-count // width)
    kept = [np.arange(0, count, width), np.array([count - 1])]
    for found in marks:
        for boundary in found:
            near = np.searchsorted(times, _beside(boundary, False))
            kept.append(near[near < count])
    for values in curves:
        table = np.append(values, np.full(rows * width - count, values[-1])).reshape(rows, width)
        starts = table[:, 0]
        after = np.append(starts[1:], values[-1])
        low, high = np.minimum(starts, after), np.maximum(starts, after)
        with np.errstate(all="ignore"):
            reach = 1e-3 * (values.max() - values.min())
            least, most = table.min(1), table.max(1)
            for column, beyond in (
                (table.argmin(1), (least < low - reach) | (least < 0.95 * low)),
                (table.argmax(1), (most > high + reach) | (most > 1.05 * high)),
            ):
                row = np.flatnonzero(beyond)
                kept.append(np.minimum(row * width + column[row], count - 1))
    return np.unique(np.concatenate(kept))


def advise(schedule: Schedule, steps: float, base: float) -> list[str]:
    """What :func:`lucid.advise` says of it, without warning."""
    told = recipes._oddity("the rate", schedule, base or 1.0, float(steps), False)
    return [] if told is None else [told]


# -- changes that are schedules' own


def changed(design: Any, action: str, steps: Any) -> dict[str, Any]:
    """A design with a change that schedules make: ``"warmup"`` in front, or ``"split"`` into what it is made of."""
    schedule = built(design)
    if action == "warmup":
        rise = within("warmup", steps, "> 0", STEPS)
        if schedule(0, 1.0) == 0:
            raise PointlessError("It begins at 0, where a warm-up in front of it would stay; lengthen its own rise instead")
        return schedule.warmup(rise).to_dict()
    if action == "split":
        if not isinstance(schedule, _Composed):
            raise ValueError(f"{type(schedule).__name__} is not made of others")
        return schedule._made.to_dict()
    raise ValueError(f"unknown change {action!r}; there are 'warmup' and 'split'")


def recipe(name: Any, steps: Any) -> dict[str, Any]:
    """A published recipe for a run of this length."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lucid.recipe(name, within("steps", steps, "a whole number >= 1", STEPS)).to_dict()


# -- forms

_TIMES = re.compile(r"(^|_)steps(_|$)|^(every|periods|milestones|timescale|upper_bound|times|by)$")


def catalogue(steps: float = 10_000, lr: float = 1e-3) -> dict[str, Any]:
    """Every schedule of the registry that JSON can hold: its fields as forms show them, and an example that fits the run."""
    families = []
    for name, made_of in sorted(Schedule._registry.items()):
        example = _example(made_of, steps, lr)
        if example is None:
            continue
        told = _told(made_of)
        args = _help(made_of)
        schema = _definition(name, made_of)["properties"]
        families.append(
            {
                "name": name,
                "group": group(made_of),
                "summary": told["summary"],
                "formula": told.get("formula", ""),
                "aliases": list(made_of.aliases),
                "source": told.get("source", ""),
                "example": example,
                "spark": _spark(example, steps, lr),
                "wraps": any(f.name == "of" for f in fields(made_of)) and name != "Continue",  # type: ignore[arg-type]
                "composed": issubclass(made_of, _Composed),
                "fields": [
                    {
                        "name": field.name,
                        "kinds": [
                            {"kind": kind, "rule": rule if kind.startswith("number") else None, "choices": list(rule)}
                            if kind == "choice"
                            else {"kind": kind, "rule": rule}
                            for kind, rule in made_of._kinds.get(field.name, ())
                        ],
                        "schema": schema[field.name],
                        "default": _plain(field.default),
                        "required": field.default is MISSING and field.default_factory is MISSING,
                        "help": args.get(field.name, ""),
                        "time": _is_time(made_of, field.name, args),
                        "absolute": _is_absolute(made_of, field.name, args),
                    }
                    for field in fields(made_of)  # type: ignore[arg-type]
                ],
            }
        )
    return {
        "families": families,
        "groups": list(GROUPS),
        "recipes": [
            {"name": one, "summary": plain((inspect.getdoc(recipes._recipes[one]) or "").partition("\n\n")[0])}
            for one in recipes.names()
        ],
        "limits": {"candidates": CANDIDATES, "columns": COLUMNS, "steps": STEPS},
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else None


def group(made_of: type[Schedule]) -> str:
    """By the module that a schedule is in."""
    if not made_of.__module__.startswith("lucid."):
        return "Yours"
    return "Others" if made_of.__name__ == "Lambda" else {
        "_schedule": "Combine", "constant": "Basics", "warmup": "Basics", "linear": "Basics",
        "cyclic": "Cycles", "phases": "Whole runs", "one_cycle": "Whole runs", "others": "Others",
    }.get(made_of.__module__.rpartition(".")[2], "Decay")  # fmt: skip


def _told(made_of: type[Schedule]) -> dict[str, Any]:
    """What its docstring tells; of one that is written otherwise, as the user's may be, what can be known."""
    try:
        return described(made_of)
    except Exception:  # LaTeX, or a default, that nobody foresaw
        return {"name": made_of.__name__, "summary": (inspect.getdoc(made_of) or "").partition("\n")[0], "fields": []}


def _help(made_of: type[Schedule]) -> dict[str, str]:
    return {field["name"]: field.get("about", "") for field in _told(made_of)["fields"]}


def _is_time(made_of: type[Schedule], field: str, args: Mapping[str, str]) -> bool:
    kinds = dict(made_of._kinds.get(field, ()))
    rules = [rule for kind, rule in kinds.items() if kind in ("number", "numbers")]
    if not rules or any("whole" in str(rule) for rule in rules):
        return False
    return made_of is not Stretch and (  # whose number says how many times as long
        _TIMES.search(field) is not None or "in the unit of t" in args.get(field, "").partition(".")[0]
    )


def _is_absolute(made_of: type[Schedule], field: str, args: Mapping[str, str]) -> bool:
    """Whether a field is a rate itself, and no multiple of the base."""
    return "absolute" in args.get(field, "") or (made_of is Absolute and field == "value")


def example(name: Any, steps: Any, lr: Any) -> dict[str, Any]:
    """A configuration of a schedule to begin with, that fits a run of this length."""
    made_of = Schedule._registry.get(name) if isinstance(name, str) else None
    found = _example(made_of, within("steps", steps, "> 0", STEPS), within("lr", lr, ">= 0", RATE) or 1.0) if made_of else None
    if found is None:
        raise ValueError(f"unknown schedule {name!r}")
    return found


def _example(made_of: type[Schedule], steps: float, lr: float) -> dict[str, Any] | None:
    """One that can be built: of its docstring's first what has no default, its times made to fit; else by its fields' types."""
    args = _help(made_of)
    guessed = _guessed(made_of, steps, lr)
    documented = _documented(made_of)
    if documented is not None:
        times = {field.name for field in fields(made_of) if _is_time(made_of, field.name, args)}  # type: ignore[arg-type]
        rates = {name for name, text in args.items() if "per unit of" in text}  # which go as one over time
        for field in fields(made_of):  # type: ignore[arg-type]
            if field.name not in times and field.default is not MISSING:
                documented[field.name] = _plain(field.default)
            elif _is_absolute(made_of, field.name, args) and field.name not in times:
                documented[field.name] *= lr  # the docstring's base is 1
        spans = [one for name in times for one in _numbers(documented[name])]
        spans += [1 / one for name in rates & documented.keys() for one in _numbers(documented[name])]
        with suppress(ValueError):
            length = built(documented).length
            listed = any(isinstance(documented[name], list) for name in times)
            scale = steps / (length if length < math.inf else (1.25 if listed else 4) * max(spans, default=1))
            scaled = {name: _scaled(documented[name], scale) for name in times}
            scaled |= {name: _scaled(documented[name], 1 / scale) for name in rates & documented.keys() - times}
            return built({**documented, **scaled}).to_dict()
    try:
        return built(guessed).to_dict()
    except ValueError:
        return None


def _numbers(value: Any) -> list[float]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, (int, float)) and not isinstance(one, bool) and one > 0]


def _scaled(value: Any, by: float) -> Any:
    if isinstance(value, list):
        return [_scaled(one, by) for one in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _round(value * by)
    return value


def _round(value: float) -> float:
    """To three digits, whole where it is large."""
    rounded = float(f"{value:.3g}")
    return int(rounded) if rounded == int(rounded) else rounded


def _documented(made_of: type[Schedule]) -> dict[str, Any] | None:
    """The first example of its docstring that is one of it, with numbers alone."""
    text = (inspect.getdoc(made_of) or "").partition("Example:")[2]
    for call in re.findall(rf"\b{made_of.__name__}\((?:[^()]|\([^()]*\))*\)", text):
        with suppress(ValueError):
            made = lucid.parse(call)
            if type(made) is made_of and not _parts(made):
                return made.to_dict()
    return None


def _parts(schedule: Schedule) -> list[Schedule]:
    """The schedules in the fields of one."""
    found: list[Schedule] = []
    for field in fields(schedule):  # type: ignore[arg-type]
        value = getattr(schedule, field.name)
        found += [one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, Schedule)]
    return found


def _guessed(made_of: type[Schedule], steps: float, lr: float) -> dict[str, Any]:
    args = _help(made_of)
    found: dict[str, Any] = {"schedule": made_of.__name__}
    cosine = {"schedule": "Cosine", "steps": _round(steps / 4 if made_of is Repeat else steps)}
    for field in fields(made_of):  # type: ignore[arg-type]
        if field.default is not MISSING:
            found[field.name] = _plain(field.default)
            continue
        kind, rule = (made_of._kinds.get(field.name) or [("number", "finite")])[0]
        value: Any
        if kind in ("schedule", "callable"):
            value = {"schedule": "Linear", "steps": _round(steps / 2), "start": 1, "end": 0.5} if found.get("of") else cosine
        elif kind == "schedules" and made_of is Join:
            value = [{"schedule": "Warmup", "steps": _round(steps / 10)}, {**cosine, "steps": _round(0.9 * steps)}]
        elif kind == "schedules":
            value = [cosine, {"schedule": "Exponential", "gamma": 0.5, "every": _round(steps / 4)}]
        elif kind == "choice":
            value = rule[0]
        elif kind == "bool":
            value = False
        else:
            time = _is_time(made_of, field.name, args)
            value = _round(steps / 2) if time else _guess(str(rule), field.name, args.get(field.name, ""), lr)
            value = [value] if kind == "numbers" else value
        found[field.name] = value
    return found


def _guess(rule: str, name: str, help: str, lr: float) -> float:
    if "absolute" in help or name == "of_high":
        return lr
    if "(0, 1)" in rule or "[0, 1]" in rule or name == "factor":
        return 0.5
    return {"k": 2.0, "by": 2.0, "of_low": 0.0, "low": 0.1}.get(name, 1.0)


def _spark(design: dict[str, Any], steps: float, lr: float) -> list[float]:
    """A curve for a picture of a thumbnail's size, its peak at 1."""
    try:
        values = _values(built(design), np.linspace(0, steps, 49), lr)
    except Exception:  # a class of the user's
        return [0.0] * 49
    top = float(values.max()) if np.isfinite(values).all() else 0.0
    return [round(v / top, 3) for v in values.tolist()] if top > 0 else [0.0] * 49
