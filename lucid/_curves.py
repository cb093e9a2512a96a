"""What a schedule is like over a run, for whoever draws or compares: where its parts begin, its range in few columns, figures.

Nothing here needs an array library, and nothing takes longer for a run of 10**12 steps than for one of 10**5.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lucid.schedules import (
    Cut,
    Join,
    KDecay,
    MultiStep,
    OneCycle,
    Piecewise,
    Product,
    Repeat,
    Schedule,
    Shift,
    Stretch,
)
from lucid.schedules._schedule import _Composed, _Parallel, _whole

_GOLDEN = (math.sqrt(5) - 1) / 2
_RESTARTS = 64  # as many as anyone could tell apart
_JOINTS = 10_000  # that are looked at: a repeat of repeats has any number
_EACH = 100_000  # steps: up to so many, each one is looked at

Point = tuple[float, float]
"""A time, and the value there."""


def boundaries(schedule: Schedule, steps: float) -> list[float]:
    """The times within (0, ``steps``) at which one part of a schedule ends and another begins, ascending.

    Joins, milestones, knots, the phases of one cycle, restarts where there are at most 64 of them, and the schedule's end.

    >>> from lucid.schedules import Cosine, Warmup
    >>> boundaries(Warmup(500) >> Cosine(1000).repeat(3), 10_000)
    [500, 1500, 2500, 3500]
    """
    return sorted({_whole(t) for t in (*_begins(schedule, steps, True), schedule.length) if 0 < t < steps})


def joints(schedule: Schedule, until: float) -> list[float]:
    """The times after 0 and up to ``until`` at which a schedule goes over to another or a cycle starts again, ascending.

    Of those that are too many to look at, some 10,000 of the first.

    >>> from lucid.schedules import Cosine, Warmup
    >>> joints(Warmup(500) >> Cosine(1000).repeat(3), 10_000)
    [500, 1500, 2500]
    """
    return sorted({t for t in islice(_begins(schedule, until, False), _JOINTS) if 0 < t <= until})


def _begins(schedule: Schedule, until: float, corners: bool) -> Iterator[float]:
    """Where parts begin, but the first; with ``corners`` also where one bends, and no restarts that nobody can tell apart."""
    if isinstance(schedule, Join):
        begun = [(start, part) for start, part in zip(schedule._starts, schedule.parts, strict=True) if start <= until]
        yield from (start for start, _ in begun[1:])
        for i, (start, part) in enumerate(begun):
            length = part.length if i + 1 < len(schedule.parts) else math.inf
            yield from (start + t for t in _begins(part, min(length, until - start), corners) if t < length)
    elif isinstance(schedule, _Composed):
        yield from _begins(schedule._made, until, corners)
    elif isinstance(schedule, (Product, _Parallel)):
        for part in schedule.parts:
            yield from _begins(part, until, corners)
            if corners:
                yield part.length
    elif isinstance(schedule, Repeat):
        yield from _cycles(schedule, min(until, schedule.length), corners)
    elif isinstance(schedule, Cut):
        yield from (t for t in _begins(schedule.of, min(until, schedule.steps), corners) if t <= schedule.steps)
    elif isinstance(schedule, Shift):
        if corners:
            yield schedule.by
        yield from (t + schedule.by for t in _begins(schedule.of, until - schedule.by, corners))
    elif isinstance(schedule, Stretch):
        inner = _begins(schedule.of, until / schedule.by, corners)
        yield from ((math.ceil(t) if schedule.staircase and t < math.inf else t) * schedule.by for t in inner)
    elif isinstance(schedule, KDecay):
        length = schedule.length
        yield from (length * (t / length) ** (1 / schedule.k) for t in _begins(schedule.of, length, corners))
    elif isinstance(of := getattr(schedule, "of", None), Schedule):
        yield from _begins(of, until, corners)
    elif corners:
        yield from _bends(schedule)


def _bends(schedule: Schedule) -> Iterable[float]:
    if isinstance(schedule, MultiStep):
        return schedule.milestones
    if isinstance(schedule, Piecewise):
        return schedule.times
    return (phase[0] for phase in schedule._phases) if isinstance(schedule, OneCycle) else ()


def _cycles(schedule: Repeat, until: float, corners: bool) -> Iterator[float]:
    last = schedule.cycle(until)[0]
    if corners and last > _RESTARTS:
        return
    inner = [t for t in islice(_begins(schedule.of, schedule.of.length, corners), _JOINTS) if t < schedule.of.length]
    for n in range(int(min(last, _JOINTS, math.inf if schedule.times is None else schedule.times - 1)) + 1):
        began, k = schedule._began(n), schedule.growth**n
        if n:
            yield began
        yield from (began + t * k for t in inner)


def columns(schedule: Schedule, steps: float, count: int, base: float = 1.0, at_most: int = 64) -> list[list[Point]]:
    """What there is to see of a run in each of ``count`` columns, from 0 to ``steps``: points in the order of time.

    Where a column stands for many steps, it has about ``at_most`` of the whole ones, spread by the golden ratio, so that no
    period of the schedule beats with the columns; and what lies on both sides of each boundary.

    Raises:
        ValueError: a value is not finite.

    >>> from lucid.schedules import Linear
    >>> columns(Linear(4), 4, 2)
    [[(0, 0.0), (1, 0.25), (2, 0.5)], [(2, 0.5), (3, 0.75), (4, 1.0)]]
    """
    width = steps / (count - 1)
    marks = boundaries(schedule, steps)
    found: list[list[Point]] = []
    until = 0.0
    for i in range(count):
        since, until = until, min(steps * (2 * i + 1) / (2 * (count - 1)), steps)
        times: set[float] = {steps} if i == count - 1 else set()
        if width > 1:
            times |= _whole_times(since, until, at_most)
        else:
            times |= {since, *(since + width * k / 4 for k in (1, 2, 3)), until}
        times |= {t for mark in marks for t in _sides(mark, width) if since <= t <= until}
        found.append(_values(schedule, sorted(t for t in times if since <= t <= until), base))
    return found


def _sides(mark: float, width: float) -> Point:
    """The last time before a boundary and the first from it on: of a line, or of the whole steps of a run."""
    return (math.nextafter(mark, 0.0), mark) if width <= 1 else (math.ceil(mark) - 1, math.ceil(mark))


def _whole_times(since: float, until: float, at_most: int) -> set[float]:
    first, last = math.ceil(since), math.floor(until)
    count = last - first + 1
    if count <= at_most:
        return set(range(first, last + 1))
    return {first, last, *(first + int((i * _GOLDEN) % 1.0 * count) for i in range(at_most))}


def _values(schedule: Schedule, times: Iterable[float], base: float) -> list[Point]:
    found = []
    for t in map(_whole, times):
        value = float(schedule(t, base))
        if not math.isfinite(value):
            raise ValueError(f"the value at {t:.10g} is {value}, which cannot be drawn; make the schedule smaller or shorter")
        found.append((t, value))
    return found


def peak(schedule: Schedule, steps: float, base: float = 1.0) -> Point:
    """When the value of a run, at the times 0 to ``steps`` that it steps at, is largest, and that value.

    The first such time of a run of up to 10,000 steps; of a longer one, one of them.

    >>> from lucid.schedules import Cosine
    >>> peak(Cosine(900).warmup(100), 1000, base=0.5)
    (100, 0.5)
    """
    if steps <= 10_000:
        return max(_values(schedule, range(math.floor(steps) + 1), base), key=_rank)
    points = [point for column in columns(schedule, steps, 256, base, 8) for point in column]
    best = max(range(len(points)), key=lambda i: _rank(points[i]))
    lo, hi = math.ceil(points[max(best - 1, 0)][0]), math.floor(points[min(best + 1, len(points) - 1)][0])
    found = points[best]
    while lo <= hi:  # between the neighbours there is one hill
        a, b = lo + (hi - lo) // 3, hi - (hi - lo) // 3
        one, other = _values(schedule, (a, b), base)
        found = max(found, one, other, key=_rank)
        if one[1] >= other[1]:
            hi = b - 1
        else:
            lo = a + 1
    return found


def _rank(point: Point) -> Point:
    return point[1], -point[0]


@dataclass(frozen=True)
class Figures:
    """Of a run of a whole number of steps, which sees the times 0 to ``steps`` - 1."""

    area: float
    """The sum of the values of all steps."""
    exact: bool
    """Whether each step was looked at; else 100,000 of them, spread evenly."""
    peak: Point
    end: float
    """The value at ``steps``, where the run is over."""


def figures(schedule: Schedule, steps: int, base: float = 1.0) -> Figures:
    """What is told about a run in a few numbers.

    >>> from lucid.schedules import Linear
    >>> figures(Linear(4, 1.0, 0.0), 4)
    Figures(area=2.5, exact=True, peak=(0, 1.0), end=0.0)
    """
    times = looked_at(steps)
    area = math.fsum(value for _, value in _values(schedule, times, base)) * (steps / len(times))
    end = _values(schedule, (steps,), base)[0][1]
    return Figures(area, steps <= _EACH, peak(schedule, steps, base), end)


def looked_at(steps: int) -> Any:
    """The steps of a run, or 100,000 of them, evenly spread: one in each of as many parts, at places that beat with no period.

    >>> looked_at(3), len(looked_at(10**12)), looked_at(10**12)[:2]
    (range(0, 3), 100000, [0, 16180339])
    """
    if steps <= _EACH:
        return range(steps)
    return [i * steps // _EACH + int(i * _GOLDEN % 1.0 * (steps / _EACH)) for i in range(_EACH)]


@dataclass(frozen=True)
class Difference:
    """Between two schedules over a run."""

    largest: float
    """Of the values, in size."""
    at: float
    """The first step at which they differ by as much."""
    share: float
    """Of the larger peak of the two."""


def difference(one: Schedule, other: Schedule, steps: int, base: float = 1.0) -> Difference:
    """Where two schedules are furthest apart, of the steps that :func:`looked_at` gives, the boundaries, and the end.

    >>> from lucid.schedules import Cosine, Linear
    >>> found = difference(Linear(100, 1.0, 0.0), Cosine(100), 100)
    >>> found.at, round(found.largest, 3)
    (22, 0.105)
    """
    marks = {math.ceil(t) - k for of in (one, other) for t in boundaries(of, steps) for k in (0, 1)}
    times = sorted({0, *looked_at(steps), *marks, steps})
    largest, at, top = 0.0, 0.0, 0.0
    for (t, a), (_, b) in zip(_values(one, times, base), _values(other, times, base), strict=True):
        top = max(top, abs(a), abs(b))
        if abs(a - b) > largest:
            largest, at = abs(a - b), t
    return Difference(largest, at, largest / top if top else 0.0)
