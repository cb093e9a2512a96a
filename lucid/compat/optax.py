"""optax's schedules by their own names and arguments: ``schedule(count)`` is the value that optax's gives.

The values are absolute, as optax's are: the base plays no part, so ``schedule(count)`` is a rate in every engine, and a
parameter group's own rate has no say. The counts are optax's too: 0 at the first update.

    >>> schedule = warmup_cosine_decay_schedule(0.0, 0.5, warmup_steps=2, decay_steps=6)
    >>> schedule.at(range(7))
    [0.0, 0.25, 0.5, 0.42677669529663687, 0.25, 0.07322330470336313, 0.0]

What differs, on purpose:

* Values below zero are refused, and rates and powers below zero too, of which optax makes NaN or infinities.
* Values are numbers, or what jax traces, not arrays with axes.
* Before count 0 the first value holds. optax's cosine is symmetric there, and its interpolation gives 0.
* ``join_schedules`` refuses boundaries that are too many or too few; optax leaves out what has no partner.
* Between boundaries that are less than a count apart, the way is as long as they say; optax stretches it to a whole count.
* Growth stops at 2**126.

optax itself is not needed; its functions, and those of your own, are welcome in :func:`join_schedules`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import mul
from typing import Any

from lucid.schedules import Absolute, Cosine, Exponential, Join, Lambda, Piecewise, Polynomial, Schedule, Step
from lucid.schedules._numbers import number
from lucid.schedules._ops import is_number, where

__all__ = [
    "constant_schedule",
    "cosine_decay_schedule",
    "cosine_onecycle_schedule",
    "exponential_decay",
    "join_schedules",
    "linear_onecycle_schedule",
    "linear_schedule",
    "piecewise_constant_schedule",
    "piecewise_interpolate_schedule",
    "polynomial_schedule",
    "sgdr_schedule",
    "warmup_constant_schedule",
    "warmup_cosine_decay_schedule",
    "warmup_exponential_decay_schedule",
]


def constant_schedule(value: Any) -> Schedule:
    """The same value for ever: ``Absolute(value)``.

    Args:
        value: the value >= 0.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> constant_schedule(0.5).at([0, 100])
        [0.5, 0.5]
    """
    return Absolute(number("constant_schedule", "value", value, ">= 0"))


def polynomial_schedule(
    init_value: Any, end_value: Any, power: Any, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """A power of the time that is left: ``(Absolute(init) * Polynomial(steps, power, end)).shift(begin)``.

    Args:
        init_value: the value >= 0 until ``transition_begin``.
        end_value: the value >= 0 from ``transition_begin + transition_steps`` on.
        power: the power >= 0; 0 never leaves ``init_value``.
        transition_steps: how many counts the way takes; 0 and less is none at all: ``init_value`` for ever.
        transition_begin: the count at which it begins; below 0 is 0.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> polynomial_schedule(1.0, 0.0, 2, transition_steps=4, transition_begin=1).at(range(7))
        [1.0, 1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """
    owner = "polynomial_schedule"
    start, end = number(owner, "init_value", init_value, ">= 0"), number(owner, "end_value", end_value, ">= 0")
    steps, begin = number(owner, "transition_steps", transition_steps), number(owner, "transition_begin", transition_begin)
    return _fall(start, end, number(owner, "power", power, ">= 0"), steps, begin)


def linear_schedule(init_value: Any, end_value: Any, transition_steps: int, transition_begin: int = 0) -> Schedule:
    """A straight line: :func:`polynomial_schedule` of power 1.

    Args:
        init_value: the value >= 0 until ``transition_begin``.
        end_value: the value >= 0 from ``transition_begin + transition_steps`` on.
        transition_steps: how many counts the way takes; 0 and less is none at all: ``init_value`` for ever.
        transition_begin: the count at which it begins; below 0 is 0.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> linear_schedule(0.0, 1.0, transition_steps=4).at(range(6))
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    owner = "linear_schedule"
    start, end = number(owner, "init_value", init_value, ">= 0"), number(owner, "end_value", end_value, ">= 0")
    steps, begin = number(owner, "transition_steps", transition_steps), number(owner, "transition_begin", transition_begin)
    return _fall(start, end, 1, steps, begin)


def piecewise_constant_schedule(init_value: Any, boundaries_and_scales: Mapping[int, float] | None = None) -> Schedule:
    """Times a scale at each boundary: ``Absolute(init) * Piecewise(times, products)``.

    Args:
        init_value: the value >= 0 before the first boundary.
        boundaries_and_scales: ``{count: scale}`` in any order, scales >= 0; each acts from its count on, and on what the
            ones before have left. None or an empty one is a constant.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> piecewise_constant_schedule(1.0, {2: 0.5, 4: 0.5}).at(range(6))
        [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    owner = "piecewise_constant_schedule"
    start = number(owner, "init_value", init_value, ">= 0")
    levels: dict[float, float] = {0: 1.0}
    for time, level in _levels(owner, boundaries_and_scales):
        levels[max(time, 0)] = level  # those of the past have acted
    return Absolute(start) * Piecewise(tuple(levels), tuple(levels.values()))


def piecewise_interpolate_schedule(
    interpolate_type: str, init_value: Any, boundaries_and_scales: Mapping[int, float] | None = None
) -> Schedule:
    """Through values at boundaries, each a scale times the one before: ``Absolute(init) * Piecewise(times, products, type)``.

    Args:
        interpolate_type: ``"linear"`` or ``"cosine"``, the way from one boundary to the next.
        init_value: the value >= 0 at count 0.
        boundaries_and_scales: ``{count: scale}`` in any order, scales >= 0. One at 0 takes the place of ``init_value``; None
            or an empty one is a constant.

    Raises:
        ValueError: another ``interpolate_type``; a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> piecewise_interpolate_schedule("linear", 1.0, {2: 0.5, 4: 0.0}).at(range(6))
        [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    owner = "piecewise_interpolate_schedule"
    if interpolate_type not in ("linear", "cosine"):
        raise ValueError(f"{owner}: interpolate_type must be 'linear' or 'cosine', got {interpolate_type!r}")
    start = number(owner, "init_value", init_value, ">= 0")
    return _between(start, interpolate_type, _levels(owner, boundaries_and_scales))


def exponential_decay(
    init_value: Any,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """Times ``decay_rate`` per ``transition_steps``: ``(Absolute(init) * Exponential(rate, steps)).shift(begin).clip(end)``.

    Args:
        init_value: the value >= 0 until ``transition_begin``.
        transition_steps: how many counts ``decay_rate`` takes; 0 and less never leaves ``init_value``.
        decay_rate: the ratio >= 0; 0 never leaves ``init_value``.
        transition_begin: the count at which it begins; below 0 is 0.
        staircase: whether it changes all at once after each ``transition_steps``: ``Step`` instead of ``Exponential``.
        end_value: no lower than this value >= 0 if ``decay_rate`` is below 1, else no higher; None for no bound.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> exponential_decay(1.0, transition_steps=2, decay_rate=0.25, transition_begin=1, end_value=0.1).at(range(6))
        [1.0, 1.0, 0.5, 0.25, 0.125, 0.1]
    """
    owner = "exponential_decay"
    start, rate = number(owner, "init_value", init_value, ">= 0"), number(owner, "decay_rate", decay_rate, ">= 0")
    steps, begin = number(owner, "transition_steps", transition_steps), number(owner, "transition_begin", transition_begin)
    end = None if end_value is None else number(owner, "end_value", end_value, ">= 0")
    return _shrink(start, steps, rate, begin, staircase, end)


def cosine_decay_schedule(init_value: Any, decay_steps: int, alpha: Any = 0.0, exponent: Any = 1.0) -> Schedule:
    """Half a cosine: ``Absolute(init) * Cosine(steps, end=alpha * init, exponent=exponent)``.

    Args:
        init_value: the value >= 0 at count 0.
        decay_steps: how many counts it takes, > 0.
        alpha: what is left at the end, a multiple >= 0 of ``init_value``.
        exponent: the power >= 0 of the cosine; 0 never leaves ``init_value``.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> cosine_decay_schedule(1.0, 4, alpha=0.5).at([0, 2, 4, 6])
        [1.0, 0.75, 0.5, 0.5]

    Source: Loshchilov & Hutter, "SGDR" (2016), without the restarts.
    """
    owner = "cosine_decay_schedule"
    start, share = number(owner, "init_value", init_value, ">= 0"), number(owner, "alpha", alpha, ">= 0")
    steps = number(owner, "decay_steps", decay_steps, "> 0")
    return _cosine(start, share * start, steps, number(owner, "exponent", exponent, ">= 0"))


def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up to a peak, down to where it began, and on to a small end, in straight lines: a linear :class:`Piecewise`.

    Args:
        transition_steps: how many counts the cycle takes, > 0.
        peak_value: the highest value, >= 0.
        pct_start: the share of the counts after which the peak is reached, rounded down to a count.
        pct_final: the share after which the first value is reached again, rounded down.
        div_factor: the first value is ``peak_value / div_factor``, > 0.
        final_div_factor: the last value is the first one over this, > 0.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> linear_onecycle_schedule(10, 1.0, 0.25, 0.5, div_factor=4, final_div_factor=2).at([0, 1, 2, 5, 10])
        [0.25, 0.625, 1.0, 0.25, 0.125]

    Source: Smith & Topin, "Super-Convergence" (2017).
    """
    owner = "linear_onecycle_schedule"
    steps, start, div, final_div = _one_cycle(owner, transition_steps, peak_value, div_factor, final_div_factor)
    top = int(number(owner, "pct_start", pct_start) * steps)
    back = int(number(owner, "pct_final", pct_final) * steps)
    # As in optax's own mapping, of two at the same count the later one alone is left.
    return _between(start, "linear", _levels(owner, {top: div, back: 1.0 / div, steps: 1.0 / final_div}))


def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up to a peak and down to a small end, in half cosines: a :class:`Piecewise` of the shape ``"cosine"``.

    Args:
        transition_steps: how many counts the cycle takes, > 0.
        peak_value: the highest value, >= 0.
        pct_start: the share of the counts after which the peak is reached, rounded down to a count.
        div_factor: the first value is ``peak_value / div_factor``, > 0.
        final_div_factor: the last value is the first one over this, > 0.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> cosine_onecycle_schedule(8, 1.0, 0.25, div_factor=4, final_div_factor=2).at([0, 1, 2, 5, 8])
        [0.25, 0.625, 1.0, 0.5625, 0.125]

    Source: Smith & Topin, "Super-Convergence" (2017).
    """
    owner = "cosine_onecycle_schedule"
    steps, start, div, final_div = _one_cycle(owner, transition_steps, peak_value, div_factor, final_div_factor)
    top = int(number(owner, "pct_start", pct_start) * steps)
    return _between(start, "cosine", _levels(owner, {top: div, int(steps): 1.0 / (div * final_div)}))


def warmup_constant_schedule(init_value: Any, peak_value: Any, warmup_steps: int) -> Schedule:
    """A straight line up to a value that holds: :func:`linear_schedule`.

    Args:
        init_value: the value >= 0 at count 0.
        peak_value: the value >= 0 from ``warmup_steps`` on.
        warmup_steps: how many counts the line takes; 0 and less never leaves ``init_value``, as with optax.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> warmup_constant_schedule(0.0, 1.0, 4).at(range(6))
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    owner = "warmup_constant_schedule"
    start, peak = number(owner, "init_value", init_value, ">= 0"), number(owner, "peak_value", peak_value, ">= 0")
    return _fall(start, peak, 1, number(owner, "warmup_steps", warmup_steps))


def warmup_cosine_decay_schedule(
    init_value: Any, peak_value: Any, warmup_steps: int, decay_steps: int, end_value: Any = 0.0, exponent: Any = 1.0
) -> Schedule:
    """A straight line up, then half a cosine: ``linear_schedule(init, peak, w)[:w] >> cosine_decay_schedule(peak, n - w)``.

    Args:
        init_value: the value >= 0 at count 0.
        peak_value: the value >= 0 at ``warmup_steps``.
        warmup_steps: how many counts the line takes.
        decay_steps: how many counts it takes in all: it counts the warm-up, and must be longer.
        end_value: the value >= 0 at the end; without meaning where ``peak_value`` is 0.
        exponent: the power >= 0 of the cosine; 0 never leaves ``peak_value``.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=2, decay_steps=6, end_value=0.5).at([0, 1, 2, 4, 6, 9])
        [0.0, 0.5, 1.0, 0.75, 0.5, 0.5]
    """
    owner = "warmup_cosine_decay_schedule"
    start, peak = number(owner, "init_value", init_value, ">= 0"), number(owner, "peak_value", peak_value, ">= 0")
    warmup, steps = number(owner, "warmup_steps", warmup_steps), number(owner, "decay_steps", decay_steps)
    end, exponent = number(owner, "end_value", end_value, ">= 0"), number(owner, "exponent", exponent, ">= 0")
    if steps <= warmup:
        raise ValueError(f"{owner}: decay_steps must be > warmup_steps, {warmup!r}, which it counts too, got {steps!r}")
    fall = _cosine(peak, where(peak == 0, 0.0, end), steps - warmup, exponent)
    return _joined([_fall(start, peak, 1, warmup), fall], [warmup])


def warmup_exponential_decay_schedule(
    init_value: Any,
    peak_value: Any,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: Any,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """A straight line up, then :func:`exponential_decay` from there, whose count begins with it.

    Args:
        init_value: the value >= 0 at count 0.
        peak_value: the value >= 0 at ``warmup_steps``.
        warmup_steps: how many counts the line takes.
        transition_steps: how many counts ``decay_rate`` takes; 0 and less never leaves ``peak_value``.
        decay_rate: the ratio >= 0; 0 never leaves ``peak_value``.
        transition_begin: how many counts after the warm-up it begins; below 0 is 0.
        staircase: whether it changes all at once after each ``transition_steps``.
        end_value: no lower than this value >= 0 if ``decay_rate`` is below 1, else no higher; None for no bound.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> warmup_exponential_decay_schedule(0.0, 1.0, 2, transition_steps=1, decay_rate=0.5).at(range(5))
        [0.0, 0.5, 1.0, 0.5, 0.25]
    """
    owner = "warmup_exponential_decay_schedule"
    start, peak = number(owner, "init_value", init_value, ">= 0"), number(owner, "peak_value", peak_value, ">= 0")
    warmup, rate = number(owner, "warmup_steps", warmup_steps), number(owner, "decay_rate", decay_rate, ">= 0")
    steps, begin = number(owner, "transition_steps", transition_steps), number(owner, "transition_begin", transition_begin)
    end = None if end_value is None else number(owner, "end_value", end_value, ">= 0")
    return _joined([_fall(start, peak, 1, warmup), _shrink(peak, steps, rate, begin, staircase, end)], [warmup])


def sgdr_schedule(cosine_kwargs: Iterable[Mapping[str, Any]]) -> Schedule:
    """Warm restarts: one :func:`warmup_cosine_decay_schedule` after another, the last of which holds its end.

    Args:
        cosine_kwargs: the arguments of each, by name; its ``decay_steps`` are its length.

    Raises:
        ValueError: no cycles; a number outside of its range.
        TypeError: an argument that is missing or unknown; a number that is none.

    Example:
        >>> cycle = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 1, "decay_steps": 3}
        >>> sgdr_schedule([cycle, cycle | {"peak_value": 0.5}]).at(range(7))
        [0.0, 1.0, 0.5, 0.0, 0.5, 0.25, 0.0]

    Source: Loshchilov & Hutter, "SGDR" (2016).
    """
    cycles = [dict(kwargs) for kwargs in cosine_kwargs]
    if not cycles:
        raise ValueError("sgdr_schedule: cosine_kwargs must describe one cycle or more, got none")
    made = [warmup_cosine_decay_schedule(**kwargs) for kwargs in cycles]
    lengths = [number("sgdr_schedule", "decay_steps", kwargs["decay_steps"]) for kwargs in cycles]
    return _joined(made, list(accumulate(lengths))[:-1])


def join_schedules(schedules: Sequence[Callable[[Any], Any]], boundaries: Sequence[int]) -> Schedule:
    """One schedule after another, each with a count of its own: ``a[:b] >> c``.

    Args:
        schedules: Lucid's schedules, at base 1, or any functions of the count, optax's own for instance. A function makes
            the whole no JSON.
        boundaries: the count at which each but the first begins, and its own count is 0. Where one is not above those
            before it, the last that has begun acts.

    Raises:
        ValueError: no schedules; not one boundary less than schedules.
        TypeError: a schedule that is not callable, a boundary that is no number.

    Example:
        >>> join_schedules([linear_schedule(0.0, 1.0, 2), exponential_decay(1.0, 1, 0.5)], [2]).at(range(5))
        [0.0, 0.5, 1.0, 0.5, 0.25]
    """
    owner = "join_schedules"
    given, at = list(schedules), [number(owner, f"boundaries[{i}]", boundary) for i, boundary in enumerate(boundaries)]
    if not given:
        raise ValueError(f"{owner}: schedules must be one or more, got none")
    if len(at) != len(given) - 1:
        raise ValueError(f"{owner}: boundaries must be one less than the {len(given)} schedules, got {len(at)}")
    for i, schedule in enumerate(given):
        if not callable(schedule):
            raise TypeError(f"{owner}: schedules[{i}] must be a schedule or a function of the count, got {schedule!r}")
    made = _joined([one if isinstance(one, Schedule) else Lambda(one) for one in given], at)
    return made if made.absolute else Absolute(1.0) * made


# -- what they are made of


def _fall(start: Any, end: Any, power: Any, steps: Any, begin: Any = 0) -> Schedule:
    """From ``start`` to ``end``, up or down; where there is no time to it, ``start`` stays."""
    return Absolute(start) if steps <= 0 else _later(Absolute(start) * Polynomial(steps, power, end), begin)


def _later(schedule: Schedule, by: Any) -> Schedule:
    return schedule.shift(by) if by > 0 else schedule


def _cosine(start: Any, end: Any, steps: Any, exponent: Any) -> Schedule:
    if is_number(exponent) and exponent == 0:
        return Absolute(start)
    return Absolute(start) * Cosine(steps, end, exponent=exponent)


def _shrink(start: Any, steps: Any, rate: Any, begin: Any, staircase: bool, end: Any) -> Schedule:
    if steps <= 0 or rate == 0:
        return Absolute(start)
    made = _later(Absolute(start) * (Step(steps, rate) if staircase else Exponential(rate, steps)), begin)
    if end is None:
        return made
    return made.maximum(end) if rate < 1 else made.minimum(end)


def _one_cycle(owner: str, steps: Any, peak: Any, div: Any, final_div: Any) -> tuple[Any, Any, Any, Any]:
    """The numbers that both one-cycles have, the peak as the value to start from."""
    steps, peak = number(owner, "transition_steps", steps, "> 0"), number(owner, "peak_value", peak, ">= 0")
    div, final_div = number(owner, "div_factor", div, "> 0"), number(owner, "final_div_factor", final_div, "> 0")
    return steps, peak / div, div, final_div


def _levels(owner: str, boundaries_and_scales: Mapping[int, float] | None) -> list[tuple[Any, Any]]:
    """Each boundary, in order, and the product of the scales up to it."""
    if not isinstance(boundaries_and_scales, Mapping | None):
        raise TypeError(f"{owner}: boundaries_and_scales must be a mapping of counts to scales, got {boundaries_and_scales!r}")
    given = sorted(
        (number(owner, "a boundary", boundary), number(owner, f"the scale at {boundary!r}", scale, ">= 0"))
        for boundary, scale in (boundaries_and_scales or {}).items()
    )
    return list(zip((time for time, _ in given), accumulate((scale for _, scale in given), mul), strict=True))


def _between(start: Any, shape: Any, levels: list[tuple[Any, Any]]) -> Schedule:
    """Through ``levels``, multiples of ``start``; a boundary before 0 is one that the way has begun from already."""
    knots = levels if levels and levels[0][0] <= 0 else [(0, 1.0), *levels]
    first = knots[0][0]
    times, values = (time - first for time, _ in knots), (level for _, level in knots)
    made = Absolute(start) * Piecewise(tuple(times), tuple(values), shape)
    return made.shift(first) if first < 0 else made


def _joined(schedules: Sequence[Schedule], boundaries: Sequence[Any]) -> Schedule:
    """At each time the last schedule that has begun, its own time from 0 since then; the first begins at 0."""
    parts: list[Schedule] = []
    until: Any = math.inf
    for schedule, begin in reversed(list(zip(schedules, (0, *boundaries), strict=True))):
        since = max(begin, 0)
        if since >= until:  # a later one has begun before it, or with it
            continue
        part = schedule.shift(begin) if begin < 0 else schedule
        parts.append(part if until in (math.inf, since + part.length) else part[: until - since])
        until = since
    return Join(tuple(reversed(parts))) if len(parts) > 1 else parts[0]
