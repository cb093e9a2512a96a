"""Schedule, the pure function ``value = schedule(t, base)``, and the combinators that make schedules of schedules."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from itertools import accumulate
from typing import Any, ClassVar, Self, dataclass_transform

from lucid.schedules._numbers import number
from lucid.schedules._ops import HUGE, clip, floor, is_number, log, where

_MAX_DEPTH = 64


@dataclass_transform(frozen_default=True)
class Schedule:
    r"""A rate's trajectory: pure in the time ``t`` and in the parameter group's own ``base``.

    A subclass declares its parameters as annotated fields and its formula as ``__call__(self, t, base=1.0)``; it becomes a
    frozen dataclass and enters the registry by itself. ``t`` is any number, in the unit of the user's choice: steps,
    epochs, samples, tokens, seconds. Before 0 a schedule holds its first value, beyond its end its last.

    Two rules, which the tests hold every schedule to: finite for every finite ``t``, and no ``if`` on ``t`` (write
    :func:`lucid.schedules.ops.where`), so that one formula serves numbers and arrays of every library.

    Example:
        >>> from lucid.schedules import Linear, Cosine
        >>> schedule = Linear(10, start=0.0) >> Cosine(90)
        >>> schedule(5, 0.1), schedule(10, 0.1), schedule(55, 0.1), schedule(100, 0.1)
        (0.05, 0.1, 0.05, 0.0)
    """

    _registry: ClassVar[dict[str, type["Schedule"]]] = {}
    __array_ufunc__: ClassVar[None] = None  # so that numpy_scalar * schedule comes to __rmul__
    affine: ClassVar[bool] = True
    """``schedule(t, b) == schedule(t, 0) + b * (schedule(t, 1) - schedule(t, 0))``; a schedule that is not says False."""

    absolute: ClassVar[bool] = False
    """Whether the base plays no part, at any time."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__name__
        taken = Schedule._registry.get(name)
        if taken is not None and taken.__module__.startswith("lucid.") and taken.__module__ != cls.__module__:
            raise TypeError(f"schedule name {name!r} is taken by {taken.__module__}.{name}; choose another")
        made = dataclass(frozen=True)(cls)
        if any(field.name == "schedule" for field in fields(made)):  # type: ignore[arg-type]
            raise TypeError(f"{name}: no field may be called 'schedule', which names the class in a configuration")
        Schedule._registry[name] = made

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: define __call__(self, t, base=1.0)")

    def at(self, times: Any, base: Any = 1.0) -> Any:
        """The whole curve: an array of times gives an array at once, any other iterable a list.

        >>> from lucid.schedules import Step
        >>> Step(2, gamma=0.5).at(range(5))
        [1.0, 1.0, 0.5, 0.5, 0.25]
        """
        if hasattr(times, "ndim"):
            return self(times, base)
        if not isinstance(times, Iterable):
            raise TypeError(f"{type(self).__name__}: at() takes an iterable or an array of times, got {times!r}")
        return [self(t, base) for t in times]

    @property
    def length(self) -> float:
        """Where the schedule ends, in the unit of ``t``; ``math.inf`` for an endless one."""
        steps = getattr(self, "steps", None)
        return math.inf if steps is None else float(steps)

    # -- composition

    def __rshift__(self, other: "Schedule") -> "Join":
        """``a >> b``: first a, and where it ends, b with its own time from 0."""
        return Join((self, other)) if isinstance(other, Schedule) else NotImplemented

    def __mul__(self, other: Any) -> "Schedule":
        """``a * b``: b acts on what a gives, ``b(t, a(t, base))``; ``a * 0.5`` and ``0.5 * a`` scale."""
        if isinstance(other, Schedule):
            return Product((self, other))
        try:
            return Scale(self, other)
        except TypeError:
            return NotImplemented

    def __rmul__(self, other: Any) -> "Schedule":
        return self.__mul__(other)

    def __getitem__(self, cut: slice) -> "Cut":
        """``schedule[:n]``: its first n units of time, which gives an endless schedule an end."""
        if not isinstance(cut, slice) or cut.start is not None or cut.step is not None or cut.stop is None:
            raise TypeError(f"{type(self).__name__}: write schedule[:n] for its first n units of time")
        return Cut(self, cut.stop)

    def repeat(self, times: int | None = None, *, stretch: float = 1.0, decay: float = 1.0) -> "Repeat":
        """Over and over, or ``times`` times: each cycle ``stretch`` times as long, its base ``decay`` times the one before."""
        return Repeat(self, times, stretch, decay)

    def shift(self, by: float) -> "Shift":
        """Later by ``by`` units of time, holding the first value until then; earlier where ``by`` is negative."""
        return Shift(self, by)

    # -- configuration

    def to_dict(self) -> dict[str, Any]:
        """The schedule as strict JSON data, ``{"schedule": "Cosine", "steps": 900, ...}``.

        Raises:
            ValueError: it holds a function, which JSON cannot.
        """
        name = type(self).__name__
        return {"schedule": name, **{f.name: _to_json(name, f.name, getattr(self, f.name)) for f in fields(self)}}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """The schedule that :meth:`to_dict` described.

        Raises:
            ValueError: unknown schedule or field, missing field, wrong type, a number that is not finite or breaks the
                schedule's rules, nesting deeper than 64.

        >>> Schedule.from_dict({"schedule": "Cosin", "steps": 90})
        Traceback (most recent call last):
        ...
        ValueError: unknown schedule 'Cosin'; did you mean 'Cosine'?
        """
        made = _from_json(config, 0)
        if not isinstance(made, cls):
            raise ValueError(f"{cls.__name__}: the configuration describes {made!r}")
        return made


def check(schedule: Schedule, **rules: str) -> None:
    """Hold the fields of a schedule under construction to their rules, and store them as plain Python numbers."""
    for field, rule in rules.items():
        value = number(type(schedule).__name__, field, getattr(schedule, field), rule)
        object.__setattr__(schedule, field, value)


def _schedules(owner: str, parts: Any) -> tuple[Schedule, ...]:
    if not isinstance(parts, (tuple, list)) or not parts:
        raise ValueError(f"{owner}: parts must be a non-empty tuple of schedules, got {parts!r}")
    for part in parts:
        if not isinstance(part, Schedule):
            raise TypeError(f"{owner}: parts must be schedules, got {part!r}")
    return tuple(parts)


def _inherit(made: Schedule, parts: Iterable[Schedule]) -> None:
    """What is made of affine schedules is affine; what is made of absolute ones is absolute."""
    object.__setattr__(made, "affine", all(part.affine for part in parts))
    object.__setattr__(made, "absolute", all(part.absolute for part in parts))


def _uncut(schedule: Schedule) -> Schedule:
    """What a cut is a cut of: for whoever asks nothing beyond its end, it has nothing to do."""
    return schedule.of if isinstance(schedule, Cut) else schedule


class Join(Schedule):
    r"""One schedule after another, each with its own time from 0: what ``a >> b`` makes. At a boundary the new one holds.

    .. math:: \eta(t) = s_i(t - t_i, \eta_{base}), \qquad t_i \le t < t_{i+1}

    Args:
        parts: the schedules :math:`s_i`; :math:`t_i` is the sum of the lengths before. Nested joins are flattened, so
            ``>>`` is associative.

    Raises:
        ValueError: no parts, or one that is endless before the last.

    Example:
        >>> from lucid.schedules import Constant, Linear
        >>> (Linear(4, start=0.0) >> Constant(steps=2) >> Constant(0.1)).at(range(8))
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.1, 0.1]
    """

    parts: tuple[Schedule, ...]

    def __post_init__(self) -> None:
        parts: list[Schedule] = []
        for part in _schedules("Join", self.parts):
            parts.extend(part.parts if isinstance(part, Join) else (part,))
        for part in parts[:-1]:
            if part.length == math.inf:
                raise ValueError(f"Join: {part!r} has no end, so nothing can follow it; cut it first: schedule[:n]")
        starts = tuple(accumulate((part.length for part in parts[:-1]), initial=0.0))
        object.__setattr__(self, "parts", tuple(parts))
        object.__setattr__(self, "_starts", starts)
        # No part is asked beyond its end but the last.
        object.__setattr__(self, "_asked", (*map(_uncut, parts[:-1]), parts[-1]))
        _inherit(self, parts)

    _starts: ClassVar[tuple[float, ...]]
    _asked: ClassVar[tuple[Schedule, ...]]

    @property
    def length(self) -> float:
        return self._starts[-1] + self.parts[-1].length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        starts, kind = self._starts, type(t)
        if kind is int or kind is float:  # is_number, unrolled: this runs in training loops
            if t >= starts[-1]:  # where a training is most of the time
                return self._asked[-1](t - starts[-1], base)
            t = 0 if t < 0 else t
            i = bisect_right(starts, t) - 1
            return self._asked[i](t - starts[i], base)
        t = clip(t, 0)
        value = self.parts[0](t, base)
        for start, part in zip(starts[1:], self.parts[1:], strict=True):
            value = where(t < start, value, part(t - start, base))
        return value

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.parts))


class Product(Schedule):
    r"""Schedules that act on each other's result, first to last: what ``a * b`` and ``k * a`` make.

    .. math:: \eta(t) = s_n(t, \dots s_2(t, s_1(t, \eta_{base})))

    For factors of the base (all but those with absolute values) this is their product, in any order.

    Args:
        parts: the schedules :math:`s_i`. Nested products are flattened, so ``*`` is associative.

    Raises:
        ValueError: no parts.

    Example:
        >>> from lucid.schedules import Exponential, Linear
        >>> (Linear(2, start=0.0) * Exponential(0.5)).at(range(4))
        [0.0, 0.25, 0.25, 0.125]
    """

    parts: tuple[Schedule, ...]

    def __post_init__(self) -> None:
        parts: list[Schedule] = []
        for part in _schedules("Product", self.parts):
            parts.extend(part.parts if isinstance(part, Product) else (part,))
        object.__setattr__(self, "parts", tuple(parts))
        _inherit(self, parts)
        # What comes before an absolute part has no say.
        since = max((i for i, part in enumerate(parts) if part.absolute), default=0)
        object.__setattr__(self, "absolute", parts[since].absolute)
        object.__setattr__(self, "_asked", tuple(parts[since:]))

    _asked: ClassVar[tuple[Schedule, ...]]

    @property
    def length(self) -> float:
        return max(part.length for part in self.parts)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        for part in self._asked:
            base = part(t, base)
        return base

    def __repr__(self) -> str:
        return " * ".join(f"({part!r})" if isinstance(part, (Join, Scale)) else repr(part) for part in self.parts)


class Scale(Schedule):
    r"""A schedule times a number: what ``k * a`` makes.

    .. math:: \eta(t) = k \, s(t, \eta_{base})

    Args:
        of: the schedule :math:`s`.
        factor: :math:`k \ge 0`.

    Example:
        >>> from lucid.schedules import Cosine
        >>> (0.5 * Cosine(2)).at(range(3))
        [0.5, 0.25, 0.0]
    """

    of: Schedule
    factor: float

    def __post_init__(self) -> None:
        _schedules("Scale", (self.of,))
        check(self, factor=">= 0")
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return self.of.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.factor * self.of(t, base)

    def __repr__(self) -> str:
        inner = repr(self.of)
        return f"{self.factor} * ({inner})" if isinstance(self.of, (Join, Product, Scale)) else f"{self.factor} * {inner}"


class Cut(Schedule):
    r"""The first ``steps`` of a schedule, after which it stands still: what ``schedule[:n]`` makes.

    .. math:: \eta(t) = s(\min(t, T), \eta_{base})

    Args:
        of: the schedule :math:`s`.
        steps: where to cut, :math:`T \ge 0`, in the unit of ``t``.

    Example:
        >>> from lucid.schedules import Cosine, Exponential
        >>> (Exponential(0.5)[:2] >> Cosine(2)).at(range(5))
        [1.0, 0.5, 1.0, 0.5, 0.0]
    """

    of: Schedule
    steps: float

    def __post_init__(self) -> None:
        _schedules("Cut", (self.of,))
        check(self, steps=">= 0")
        _inherit(self, (self.of,))

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.of(clip(t, 0, self.steps), base)

    def __repr__(self) -> str:
        inner = repr(self.of)
        return f"({inner})[:{self.steps}]" if isinstance(self.of, (Join, Product, Scale)) else f"{inner}[:{self.steps}]"


class Repeat(Schedule):
    r"""A schedule over and over again: what ``schedule.repeat()`` makes. Exact at every restart.

    .. math::
        r(i) = L \, \sum_{j=1}^{i} k^{j - 1} \\
        n = \sum_{i=1}^{N - 1} [r(i) \le t] \\
        \eta(t) = s\left(\min\left(\frac{t - r(n)}{k^n}, L\right), \eta_{base} \, d^n\right)

    In words: with :math:`L` the length of :math:`s`, restart :math:`i` comes at :math:`r(i) = L + k L + k^2 L + \dots`, and
    :math:`n` counts those that have come. After ``times`` cycles the end of the last one holds.

    Args:
        of: the schedule :math:`s`, which has an end.
        times: :math:`N \ge 1`, how many cycles, a whole number; None goes on for ever.
        stretch: :math:`k \ge 1`, how many times as long as the one before each cycle is.
        decay: :math:`d` in (0, 1], how many times the base of the one before each cycle has.

    Raises:
        ValueError: a number outside of its range, a schedule without end or of no length.
        TypeError: ``of`` is no schedule.

    Example:
        >>> from lucid.schedules import Linear
        >>> Linear(2, start=1.0, end=0.0).repeat(stretch=2).at(range(7))
        [1.0, 0.5, 1.0, 0.75, 0.5, 0.25, 1.0]

    Source: Loshchilov & Hutter, "SGDR" (2016).
    """

    of: Schedule
    times: int | None = None
    stretch: float = 1.0
    decay: float = 1.0

    _asked: ClassVar[Schedule]
    _period: ClassVar[float]
    _k: ClassVar[float]
    _growth: ClassVar[float]
    _log: ClassVar[float]
    _decays: ClassVar[bool]
    _end: ClassVar[float]

    def __post_init__(self) -> None:
        _schedules("Repeat", (self.of,))
        check(self, stretch=">= 1", decay="in (0, 1]", **({} if self.times is None else {"times": "a whole number >= 1"}))
        period, k = self.of.length, float(self.stretch)
        if period == math.inf:
            raise ValueError(f"Repeat: {self.of!r} has no end, so it cannot start again; cut it first: schedule[:n]")
        if period == 0:
            raise ValueError(f"Repeat: {self.of!r} has no length, so there is nothing to repeat")
        object.__setattr__(self, "_asked", _uncut(self.of))
        object.__setattr__(self, "_period", period)
        object.__setattr__(self, "_k", k)
        object.__setattr__(self, "_growth", min((k - 1) / period, HUGE))
        object.__setattr__(self, "_log", math.log(k))
        object.__setattr__(self, "_decays", not is_number(self.decay) or self.decay != 1)
        object.__setattr__(self, "_end", self.length)
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        try:
            return math.inf if self.times is None else float(self._began(self.times))
        except OverflowError:
            return math.inf

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        n, s = self._place(t)
        return self._asked(s, base * self.decay**n if self._decays else base)

    def cycle(self, t: Any) -> tuple[Any, Any]:
        """Which cycle ``t`` lies in, counted from 0, and when that one began."""
        n = floor(self._place(t)[0])
        return n, self._began(n)

    def _place(self, t: Any) -> tuple[Any, Any]:
        """The cycle that ``t`` lies in, and the time of the schedule there, from 0 to its length."""
        period, k = self._period, self._k
        if is_number(t):
            if t >= self._end:
                return self.times - 1, period  # type: ignore[operator]
            t = 0.0 if t < 0 else t
            if k == 1:
                return t // period, t % period
            grown = t * self._growth
            n = int(math.log(1 + (grown if grown < HUGE else HUGE)) / self._log)
            began = period * ((k**n - 1) / (k - 1))
            if began > t:  # the logarithm rounds
                n -= 1
                began = period * ((k**n - 1) / (k - 1))
            elif (after := period * ((k ** (n + 1) - 1) / (k - 1))) <= t:
                n += 1
                began = after
            s = (t - began) / k**n
            return n, s if s < period else period
        t = clip(t, 0)
        if k == 1:
            n, s = t // period, t % period
        else:
            n = floor(log(1 + clip(t * self._growth, 0, HUGE)) / self._log)
            n = where(self._began(n + 1) <= t, n + 1, n)
            n = where(self._began(n) > t, n - 1, n)
            s = clip((t - self._began(n)) / k**n, 0, period)
        if self.times is None:
            return n, s
        return where(t < self._end, n, self.times - 1), where(t < self._end, s, period)

    def _began(self, n: Any) -> Any:
        k = self._k
        if k == 1:
            return n * self._period
        # An array is divided by an array: XLA would multiply it by the rounded reciprocal of a number.
        return self._period * ((k**n - 1) / (k - 1 if is_number(n) else 0 * n + (k - 1)))


class Shift(Schedule):
    r"""A schedule that starts later: what ``schedule.shift(n)`` makes. Until then its first value holds.

    .. math:: \eta(t) = s(\max(t, n, 0) - n, \eta_{base})

    Args:
        of: the schedule :math:`s`.
        by: how much later, :math:`n`, in the unit of ``t``; where it is negative, the schedule is that far along at 0.

    Raises:
        TypeError: ``of`` is no schedule, ``by`` no number.
        ValueError: ``by`` is not finite.

    Example:
        >>> from lucid.schedules import Linear
        >>> Linear(2).shift(1).at(range(4))
        [0.0, 0.0, 0.5, 1.0]
    """

    of: Schedule
    by: float

    _first: ClassVar[float]

    def __post_init__(self) -> None:
        _schedules("Shift", (self.of,))
        check(self, by="finite")
        object.__setattr__(self, "_first", where(self.by < 0, -self.by, 0 * self.by))
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return max(self.of.length + self.by, 0.0)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.of(clip(t - self.by, self._first), base)


def _to_json(owner: str, field: str, value: Any) -> Any:
    if isinstance(value, Schedule):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_to_json(owner, field, item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError(f"{owner}: {field} is {value!r}, which JSON cannot hold; write the rule as a Schedule of its own")


def _from_json(value: Any, depth: int) -> Any:
    """A schedule from its configuration; the fields of one are numbers, strings, lists and configurations."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"schedule configuration is nested deeper than {_MAX_DEPTH}")
    if depth == 0 and not isinstance(value, Mapping):
        raise ValueError(f"a schedule configuration must be a mapping, got {value!r}")
    if isinstance(value, (list, tuple)):
        return tuple(_from_json(item, depth + 1) for item in value)
    if not isinstance(value, Mapping):
        return value
    name = value.get("schedule")
    made_of = Schedule._registry.get(name) if isinstance(name, str) else None
    if made_of is None:
        raise ValueError(f"unknown schedule {name!r}{did_you_mean(name, Schedule._registry)}")
    known = {f.name: f for f in fields(made_of)}  # type: ignore[arg-type]
    given = {key: _from_json(item, depth + 1) for key, item in value.items() if key != "schedule"}
    for key in given:
        if key not in known:
            raise ValueError(f"{name}: unknown field {key!r}{did_you_mean(key, known)}")
    for key, field in known.items():
        if key not in given and field.default is MISSING:
            raise ValueError(f"{name}: field {key!r} is missing")
    try:
        return made_of(**given)
    except TypeError as error:
        raise ValueError(str(error)) from error


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """``"; did you mean 'Cosine'?"`` where something is close, else nothing."""
    import difflib  # only to explain an error

    if not isinstance(name, str):
        return ""
    names = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), names, 1)
    return f"; did you mean {names[close[0]]!r}?" if close else ""
