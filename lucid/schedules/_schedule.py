"""Schedule, the pure function ``value = schedule(t, base)``, and the combinators that make schedules of schedules."""

import math
import operator
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, fields
from itertools import accumulate
from typing import Any, ClassVar, Self, dataclass_transform, get_type_hints

from lucid.schedules._numbers import (
    AtLeastOne,
    Count,
    NonNegative,
    Number,
    Positive,
    Ratio,
    hold,
    kinds_of,
    number,
)
from lucid.schedules._ops import (
    HUGE,
    clip,
    floor,
    floor_divide,
    in_memory,
    is_number,
    library,
    log,
    maximum,
    minimum,
    raised,
    remainder,
    span,
    where,
)

_MAX_DEPTH = 64
_MAX_TEXT = 1_000_000
_ELSEWHERE = {"TimmNoise": "lucid.compat.timm", "RunningProduct": "lucid.optim.lr_scheduler"}  # known once that is imported
_BLOCK = 2**15  # times
_MOST = 100_000  # schedules of one configuration or expression: a second's work
_left: ContextVar[list[int] | None] = ContextVar("left", default=None)
"""How many more schedules what is being read may make, and how deep; None where nothing is read."""


@dataclass_transform(frozen_default=True)
class Schedule:
    r"""A rate's trajectory: pure in the time ``t`` and in the parameter group's own ``base``.

    A subclass declares its parameters as annotated fields and its formula as ``__call__(self, t, base=1.0)``; it becomes a
    frozen dataclass and enters the registry by itself. The types say the rules, ``steps: Positive``, and are held to.
    ``t`` is any number, in the unit of the user's choice: steps, epochs, samples, tokens, seconds. Before 0 a schedule holds
    its first value, beyond its end its last.

    Two rules, which the tests hold every schedule to: finite for every finite ``t``, and no ``if`` on ``t`` (write
    :func:`lucid.schedules.ops.where`), so that one formula serves numbers and arrays of every library.

    Example:
        >>> from lucid.schedules import Linear, Cosine
        >>> schedule = Linear(10, start=0.0) >> Cosine(90)
        >>> schedule(5, 0.1), schedule(10, 0.1), schedule(55, 0.1), schedule(100, 0.1)
        (0.05, 0.1, 0.05, 0.0)
    """

    _registry: ClassVar[dict[str, type["Schedule"]]] = {}
    _by_name: ClassVar[tuple[Any, dict[str, tuple[str, Mapping[str, Any]]]] | None] = None
    """The registry, and what each plain name in it means; None where a class has come."""
    __array_ufunc__: ClassVar[None] = None  # so that numpy_scalar * schedule comes to __rmul__
    affine: ClassVar[bool] = True
    """``schedule(t, b) == schedule(t, 0) + b * (schedule(t, 1) - schedule(t, 0))``; a schedule that is not says False."""

    absolute: ClassVar[bool] = False
    """Whether the base plays no part, at any time."""

    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Other names that :func:`lucid.get` knows it by, and the fields that such a name fixes."""

    _is_schedule: ClassVar[bool] = True
    _still: ClassVar[bool] = False
    _endless: ClassVar[bool] = False  # whether a value takes as long as its time is late: no data makes one
    _deep: ClassVar[int] = 0
    _kinds: ClassVar[dict[str, list[tuple[str, Any]]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__name__
        taken = Schedule._registry.get(name)
        if taken is not None and taken.__module__.startswith("lucid.") and taken.__module__ != cls.__module__:
            raise TypeError(f"schedule name {name!r} is taken by {taken.__module__}.{name}; choose another")
        made = dataclass(frozen=True, repr=False)(cls)
        if name.startswith("_"):  # what others are made of
            return
        for field in fields(made):  # type: ignore[arg-type]
            if field.name == "schedule":
                raise TypeError(f"{name}: no field may be called 'schedule', which names the class in a configuration")
            if hasattr(Schedule, field.name):
                raise TypeError(f"{name}: no field may be called {field.name!r}, which every schedule has a meaning for")
        try:
            hints = get_type_hints(made, include_extras=True)
        except NameError:  # types of the user's own, which we cannot look up
            hints = {}
        Schedule._by_name = None
        made._kinds = {field.name: kinds_of(hints.get(field.name)) for field in fields(made)}  # type: ignore[arg-type]
        Schedule._registry[name] = made

    def __post_init__(self) -> None:
        """Hold the fields to what their types say, and store them as plain Python values."""
        owner = type(self).__name__
        left = _left.get()
        if left is not None:
            if self._endless:
                raise ValueError(_no_data(owner))
            left[0] -= 1
            self._deepen(max((part._deep for part in _parts_of(self)), default=-1) + 1)
            if left[0] < 0:
                raise ValueError(
                    f"{owner}: a configuration or expression may make at most {_MOST} schedules, and this is one more"
                )
        for field, kinds in self._kinds.items():
            if kinds:
                object.__setattr__(self, field, hold(owner, field, getattr(self, field), kinds))

    def _deepen(self, deep: int) -> None:
        """While it is being read: how many schedules are nested, which are no more than could be written."""
        most = (_left.get() or [0, deep])[1]
        if deep > most:
            raise ValueError(f"{type(self).__name__}: a configuration or expression is nested deeper than {most}")
        object.__setattr__(self, "_deep", deep)

    def __repr__(self) -> str:
        """As it is written, without what is left at its default."""
        told = ((field.name, getattr(self, field.name), field.default) for field in fields(self))  # type: ignore[arg-type]
        shown = (f"{name}={value!r}" for name, value, default in told if type(value) is not type(default) or value != default)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: define __call__(self, t, base=1.0)")

    def at(self, times: Any, base: Any = 1.0) -> Any:
        """The whole curve: an array of times gives an array at once, any other iterable a list.

        >>> from lucid.schedules import Step
        >>> Step(2, gamma=0.5).at(range(5))
        [1.0, 1.0, 0.5, 0.5, 0.25]
        """
        if hasattr(times, "ndim"):
            return _in_blocks(self, times, base) if in_memory(times) and times.ndim > 0 else self(times, base)
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

    def __add__(self, other: Any) -> "Schedule":
        """``a + b``, both from the same time and base; a number is the same for every base."""
        try:
            return Sum((self, _as_schedule(other)))
        except TypeError:
            return NotImplemented

    def __radd__(self, other: Any) -> "Schedule":
        try:
            return Sum((_as_schedule(other), self))
        except TypeError:
            return NotImplemented

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

    def stretch(self, by: float) -> "Stretch":
        """``by`` times as long."""
        return Stretch(self, by)

    def per_epoch(self, steps: float, *, staircase: bool = False) -> "Stretch":
        """A schedule over epochs for a time in steps, of which an epoch has ``steps``; smooth, or a stair per epoch."""
        return Stretch(self, steps, staircase)

    def clip(self, lo: float | None = None, hi: float | None = None) -> "Schedule":
        """Never below ``lo`` nor above ``hi``, absolute values. Where it is clipped, the base has no say.

        So a scheduler that follows it overwrites edits and what other schedulers wrote: multiply the schedules instead, or take
        a floor that is a share of the base, ``(1 - k) * schedule + k * Constant()``.
        """
        if lo is not None and hi is not None and hi < lo:
            raise ValueError(f"{type(self).__name__}: clip(lo, hi) needs lo <= hi, got {lo!r} and {hi!r}")
        made: Schedule = self if lo is None else Maximum((self, _as_schedule(lo)))
        return made if hi is None else Minimum((made, _as_schedule(hi)))

    def maximum(self, other: Any) -> "Maximum":
        """The larger of the two at each time; a number is the same for every base."""
        return Maximum((self, _as_schedule(other)))

    def minimum(self, other: Any) -> "Minimum":
        """The smaller of the two at each time; a number is the same for every base."""
        return Minimum((self, _as_schedule(other)))

    def continue_from(self, previous: "Schedule") -> "Continue":
        """Scaled so that it starts where ``previous`` ends: ``a >> b.continue_from(a)`` does not jump."""
        return Continue(self, previous)

    def warmup(self, steps: float, *, shape: Any = "linear", start: float | None = None) -> "Schedule":
        """A warm-up of ``steps`` in front, up to the first value: see :class:`Warmup`. One of 0 steps is none."""
        from lucid.schedules.warmup import Warmup  # which is made of Schedule

        steps = number("Warmup", "steps", steps)
        if is_number(steps) and steps == 0:
            return self
        rise: Schedule = Warmup(steps, start, shape)
        if not self.affine or self(0, 0.0) != 0 or self(0, 1.0) != 1:  # it does not begin at its base
            first = self._asked[bisect_right(self._starts, 0) - 1] if isinstance(self, Join) else self
            rise = Product((Cut(first, 0), rise))
        return rise >> self

    def k_decay(self, k: float) -> "KDecay":
        """Slower at first and faster later, for ``k`` > 1, over the same length: see :class:`KDecay`."""
        return KDecay(self, k)

    # -- configuration

    def to_json(self, *, indent: int | None = None) -> str:
        """:meth:`to_dict` as text."""
        import json

        return json.dumps(self.to_dict(), allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The schedule that :meth:`to_json` wrote; what is not strict JSON is refused.

        Raises:
            ValueError: as :meth:`from_dict`, and no JSON, a name twice in one object, NaN, a number beyond every float, a
                text of more than a million characters.

        >>> Schedule.from_json('{"schedule": "Step", "every": 30, "every": 3}')
        Traceback (most recent call last):
        ...
        ValueError: schedule configuration: 'every' is given twice
        """
        return cls.from_dict(_parsed(text))

    def to_dict(self) -> dict[str, Any]:
        """The schedule as strict JSON data, ``{"schedule": "Cosine", "steps": 900, ...}``.

        Raises:
            ValueError: it holds a function, which JSON cannot, or is nested deeper than 64.
        """
        return _config(self, 0)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """The schedule that :meth:`to_dict` described.

        Raises:
            ValueError: unknown schedule or field, missing field, wrong type, a number that is not finite or breaks the
                schedule's rules, nesting deeper than 64, more than 100,000 schedules within each other or side by side,
                those that named ones are composed of included.

        >>> Schedule.from_dict({"schedule": "Cosin", "steps": 90})
        Traceback (most recent call last):
        ...
        ValueError: unknown schedule 'Cosin'; did you mean 'Cosine'?
        """
        try:
            with limited():
                made = _from_json(config, 0)
        except RecursionError:  # of what no schedule could be, but whose representation a message wants
            raise ValueError(f"schedule configuration is nested deeper than {_MAX_DEPTH}") from None
        if not isinstance(made, cls):
            raise ValueError(f"{cls.__name__}: the configuration describes {made!r}")
        return made


@contextmanager
def limited(deep: int = 2 * _MAX_DEPTH) -> Iterator[None]:
    """While something is read that somebody else wrote: no more than so many schedules, so deep, with all they are made of."""
    token = _left.set([_MOST, deep]) if _left.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _left.reset(token)


def _parts_of(schedule: Schedule) -> Iterator[Schedule]:
    """The schedules in its fields, before anybody has checked what these hold."""
    for field in schedule._kinds:
        value = getattr(schedule, field)
        for part in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(part, Schedule):
                yield part


def _as_schedule(other: Any) -> Schedule:
    """Numbers are absolute values."""
    from lucid.schedules.constant import Absolute  # which is made of Schedule

    return other if isinstance(other, Schedule) else Absolute(other)


def _inherit(made: Schedule, parts: Iterable[Schedule]) -> None:
    """What is made of affine schedules is affine; what is made of absolute ones is absolute."""
    object.__setattr__(made, "affine", all(part.affine for part in parts))
    object.__setattr__(made, "absolute", all(part.absolute for part in parts))
    object.__setattr__(made, "_still", all(part._still for part in parts))


def _longest(parts: Iterable[Schedule]) -> float:
    """The length of schedules that run side by side: of the longest; what stands still for ever has no say."""
    lengths = [part.length for part in parts if not part._still]
    return max(lengths, default=math.inf)


def _flat(made: Any) -> tuple[Schedule, ...]:
    """Its parts, with those of parts of the same kind in their place."""
    parts: list[Schedule] = []
    for part in made.parts:
        parts.extend(part.parts if type(part) is type(made) else (part,))
    object.__setattr__(made, "parts", tuple(parts))
    if _left.get() is not None:
        made._deepen(max(part._deep for part in parts) + 1)
    return tuple(parts)


class _Composed(Schedule):
    """A schedule that is a composition of others: a subclass says which in :meth:`compose`."""

    _made: ClassVar[Schedule]

    def compose(self) -> Schedule:
        raise NotImplementedError

    def __post_init__(self) -> None:
        super().__post_init__()
        made = self.compose()
        object.__setattr__(self, "_made", made)
        _inherit(self, (made,))

    @property
    def length(self) -> float:
        return self._made.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self._made(t, base)


def _in_blocks(schedule: Schedule, times: Any, base: Any) -> Any:
    """``schedule(times, base)`` of an array of NumPy's, block by block: what formulas make on their way stays in the cache."""
    of_each = getattr(base, "ndim", 0) > 0
    if len(times) < 2 * _BLOCK or (of_each and base.shape != times.shape):
        return schedule(times, base)
    values: Any = None
    for start in range(0, len(times), _BLOCK):
        block = slice(start, start + _BLOCK)
        found = schedule(times[block], base[block] if of_each else base)
        if in_memory(found) and values is None:
            values = library(times).empty(times.shape, found.dtype)
        if not in_memory(found) or found.dtype != values.dtype or found.shape != values[block].shape:
            return schedule(times, base)  # what it gives depends on more than each time
        values[block] = found
    return values


def _whole(time: float) -> float:
    """``time`` as an int where it is one of 32 bits: a whole counter stays whole, where a single float would round it."""
    return int(time) if abs(time) < 2**31 and time == int(time) else time


def _is_plain(value: Any) -> bool:
    """Whether no number in a schedule is an array or a tracer, whose value nobody may ask for."""
    if isinstance(value, Schedule):
        return all(_is_plain(getattr(value, field.name)) for field in fields(value))  # type: ignore[arg-type]
    return all(map(_is_plain, value)) if isinstance(value, tuple) else not hasattr(value, "shape")


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
        super().__post_init__()
        parts = _flat(self)
        for part in parts[:-1]:
            if part.length == math.inf:
                raise ValueError(f"Join: {part!r} has no end, so nothing can follow it; cut it first: schedule[:n]")
        starts = tuple(map(_whole, accumulate((part.length for part in parts[:-1]), initial=0.0)))
        object.__setattr__(self, "_starts", starts)
        last = parts[-1].length if _is_plain(parts[-1]) else math.inf
        end = starts[-1] + last
        object.__setattr__(self, "_end", end)
        # The time of the last part, where the whole ends, may round to before its own end.
        object.__setattr__(self, "_short", last if end < math.inf and end - starts[-1] < last else 0.0)
        # No part is asked beyond its end but the last.
        object.__setattr__(self, "_asked", (*map(_uncut, parts[:-1]), parts[-1]))
        _inherit(self, parts)

    _starts: ClassVar[tuple[float, ...]]
    _asked: ClassVar[tuple[Schedule, ...]]
    _end: ClassVar[float]
    _short: ClassVar[float]

    @property
    def length(self) -> float:
        return float(self._starts[-1] + self.parts[-1].length)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        starts, kind = self._starts, type(t)
        if kind is int or kind is float:  # is_number, unrolled: this runs in training loops
            if t >= starts[-1]:  # where a training is most of the time
                x = t - starts[-1]
                return self._asked[-1](self._short if x < self._short and t >= self._end else x, base)
            t = 0 if t < 0 else t
            i = bisect_right(starts, t) - 1
            return self._asked[i](t - starts[i], base)
        first, last = 0, len(starts)
        since, until = span(t)
        if since >= 0:  # it is known, so nothing is being traced: torch's compiler takes no bisect
            first, last = bisect_right(starts, since) - 1, bisect_right(starts, until)
        else:
            t = clip(t, 0)
        value = self.parts[first](self._since(first, t), base)
        for i in range(first + 1, last):
            value = where(t < starts[i], value, self.parts[i](self._since(i, clip(t, starts[i])), base))
        return value

    def _since(self, i: int, t: Any) -> Any:
        """The time of the i-th part, of an array that is nowhere before its start: no unsigned counter goes below 0."""
        x = t - self._starts[i] if i else t
        if self._short and i + 1 == len(self._starts):
            x = where((t >= self._end) & (x < self._short), self._short, x)
        return x

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.parts)) if len(self.parts) > 1 else super().__repr__()


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
        super().__post_init__()
        parts = _flat(self)
        _inherit(self, parts)
        # What comes before an absolute part has no say.
        since = max((i for i, part in enumerate(parts) if part.absolute), default=0)
        object.__setattr__(self, "absolute", parts[since].absolute)
        object.__setattr__(self, "_asked", parts[since:])

    _asked: ClassVar[tuple[Schedule, ...]]

    @property
    def length(self) -> float:
        return _longest(self.parts)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        for part in self._asked:
            base = part(t, base)
        return base

    def __repr__(self) -> str:
        told = (f"({part!r})" if isinstance(part, (Join, Scale, Sum)) else repr(part) for part in self.parts)
        return " * ".join(told) if len(self.parts) > 1 else super().__repr__()


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
    factor: NonNegative

    def __post_init__(self) -> None:
        super().__post_init__()
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return self.of.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.factor * self.of(t, base)

    def __repr__(self) -> str:
        inner = repr(self.of)
        return f"{self.factor} * ({inner})" if isinstance(self.of, (Join, Product, Scale, Sum)) else f"{self.factor} * {inner}"


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
    steps: NonNegative

    def __post_init__(self) -> None:
        super().__post_init__()
        _inherit(self, (self.of,))
        object.__setattr__(self, "_still", False)  # it is there for its length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.of(clip(t, 0, self.steps), base)

    def __repr__(self) -> str:
        inner = repr(self.of)
        return f"({inner})[:{self.steps}]" if isinstance(self.of, (Join, Product, Scale, Sum)) else f"{inner}[:{self.steps}]"


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
        growth: :math:`k \ge 1`, how many times as long as the one before each cycle is.
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
    times: Count | None = None
    growth: AtLeastOne = 1.0
    decay: Ratio = 1.0

    _asked: ClassVar[Schedule]
    _period: ClassVar[float]
    _k: ClassVar[float]
    _rise: ClassVar[float]
    _log: ClassVar[float]
    _decays: ClassVar[bool]
    _end: ClassVar[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        period, k = self.of.length, float(self.growth)
        if period == math.inf:
            raise ValueError(f"Repeat: {self.of!r} has no end, so it cannot start again; cut it first: schedule[:n]")
        if period == 0:
            raise ValueError(f"Repeat: {self.of!r} has no length, so there is nothing to repeat")
        object.__setattr__(self, "_asked", _uncut(self.of))
        object.__setattr__(self, "_period", _whole(period))
        object.__setattr__(self, "_k", k)
        object.__setattr__(self, "_rise", min((k - 1) / period, HUGE))
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
        if self._k == 1 and not self._decays and self.times is None and not is_number(t):
            return self._asked(remainder(clip(t, 0), self._period), base)  # nobody asks in which cycle
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
            grown = t * self._rise
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
            n, s = floor_divide(t, period), remainder(t, period)
        else:
            n = floor(log(1 + clip(t * self._rise, 0, HUGE)) / self._log)
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
    by: Number

    _from: ClassVar[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_from", maximum(self.by, 0 * self.by))
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return max(self.of.length + self.by, 0.0)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        by, t = self.by, maximum(t, self._from)
        return self.of(t + -by if is_number(by) and by < 0 else t - by, base)  # no unsigned counter goes below 0


class _Parallel(Schedule):
    """Schedules side by side, from the same time and base, whose values a subclass folds into one."""

    parts: tuple[Schedule, ...]

    _fold: ClassVar[Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        _inherit(self, _flat(self))
        if not type(self).affine:
            object.__setattr__(self, "affine", self.absolute)

    @property
    def length(self) -> float:
        return _longest(self.parts)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        value = self.parts[0](t, base)
        for part in self.parts[1:]:
            value = self._fold(value, part(t, base))
        return value


class Sum(_Parallel):
    r"""Schedules added up, each from the same time and base: what ``a + b`` makes.

    .. math:: \eta(t) = s_1(t, \eta_{base}) + s_2(t, \eta_{base}) + \dots + s_n(t, \eta_{base})

    Args:
        parts: the schedules :math:`s_i`. Nested sums are flattened, so ``+`` is associative.

    Raises:
        ValueError: no parts.

    Example:
        A cosine above a floor that is a share of the base:

        >>> from lucid.schedules import Constant, Cosine
        >>> (0.75 * Cosine(4) + Constant(0.25)).at([0, 2, 4], base=0.8)
        [0.8, 0.5, 0.2]
    """

    _fold = staticmethod(operator.add)

    def __repr__(self) -> str:
        told = (f"({part!r})" if isinstance(part, Join) else repr(part) for part in self.parts)
        return " + ".join(told) if len(self.parts) > 1 else super().__repr__()


class Maximum(_Parallel):
    r"""The largest of several schedules at each time: what ``a.maximum(b)`` and the floor of ``a.clip(lo)`` make.

    .. math:: \eta(t) = \max(s_1(t, \eta_{base}), s_2(t, \eta_{base}), \dots, s_n(t, \eta_{base}))

    Not affine in the base, unless all parts are absolute: a scheduler overwrites edits.

    Args:
        parts: the schedules :math:`s_i`. Nested maxima are flattened.

    Raises:
        ValueError: no parts.

    Example:
        >>> from lucid.schedules import Cosine
        >>> Cosine(4).maximum(0.25).at(range(0, 6, 2))
        [1.0, 0.5, 0.25]
    """

    affine = False
    _fold = staticmethod(maximum)


class Minimum(_Parallel):
    r"""The smallest of several schedules at each time: what ``a.minimum(b)`` and the ceiling of ``a.clip(hi=...)`` make.

    .. math:: \eta(t) = \min(s_1(t, \eta_{base}), s_2(t, \eta_{base}), \dots, s_n(t, \eta_{base}))

    Not affine in the base, unless all parts are absolute: a scheduler overwrites edits.

    Args:
        parts: the schedules :math:`s_i`. Nested minima are flattened.

    Raises:
        ValueError: no parts.

    Example:
        >>> from lucid.schedules import Linear
        >>> Linear(4).minimum(0.75).at(range(5))
        [0.0, 0.25, 0.5, 0.75, 0.75]
    """

    affine = False
    _fold = staticmethod(minimum)


class Stretch(Schedule):
    r"""A schedule in another unit of time: what ``schedule.stretch(k)`` and ``schedule.per_epoch(n)`` make.

    .. math::
        x = \begin{cases} \lfloor t / k \rfloor & \text{staircase} \\ t / k & \text{otherwise} \end{cases} \\
        \eta(t) = s(x, \eta_{base})

    Args:
        of: the schedule :math:`s`.
        by: how many times as long, :math:`k > 0`: the steps of an epoch, for a schedule over epochs.
        staircase: whether only whole units of :math:`s` count, so that the value changes once per epoch.

    Raises:
        ValueError: ``by`` is not > 0.

    Example:
        >>> from lucid.schedules import Linear
        >>> Linear(2).per_epoch(2).at(range(5)), Linear(2).per_epoch(2, staircase=True).at(range(5))
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.5, 0.5, 1.0])
    """

    of: Schedule
    by: Positive
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        length = self.of.length
        return (float(math.ceil(length)) if self.staircase and length < math.inf else length) * self.by

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        x = t / self.by
        if self.staircase:
            x = floor(clip(x, -HUGE, HUGE))
            x = where((x + 1) * self.by <= t, x + 1, x)  # the quotient rounds
        return self.of(x, base)


class KDecay(Schedule):
    r"""A schedule whose time runs as a power: slow at first and fast later, over the same length.

    .. math::
        p = \min\left(\frac{t}{L}, 1\right) \\
        \eta(t) = s(L \, p^k, \eta_{base})

    Args:
        of: the schedule :math:`s`, of length :math:`L`.
        k: :math:`k > 0`; 1 changes nothing.

    Raises:
        ValueError: ``k`` is not > 0, or the schedule has no end or no length.

    Example:
        >>> from lucid.schedules import Polynomial
        >>> Polynomial(4).k_decay(2).at(range(5))
        [1.0, 0.9375, 0.75, 0.4375, 0.0]

    Source: Zhang & Li, "k-decay: A New Method For Learning Rate Schedule" (2020).
    """

    of: Schedule
    k: Positive

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.of.length < math.inf:
            raise ValueError(f"KDecay: of must have an end and a length, got {self.of!r}; cut it first: schedule[:n]")
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return self.of.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        steps = self.of.length
        return self.of(steps * raised(clip(t / steps, 0.0, 1.0), self.k), base)


class Continue(Schedule):
    r"""A schedule that starts where another one ends: what ``schedule.continue_from(previous)`` makes.

    .. math:: \eta(t) = s\left(t, \frac{r(L, \eta_{base}) - s(0, 0)}{s(0, 1) - s(0, 0)}\right)

    In words: the base of :math:`s` is what its first value needs to be the last value of :math:`r`, of length :math:`L`.

    Args:
        of: the schedule :math:`s`.
        previous: the schedule :math:`r`, which has an end.

    Raises:
        ValueError: ``previous`` has no end; the first value of ``of`` does not depend on the base.

    Example:
        >>> from lucid.schedules import Cosine, Linear
        >>> a = Linear(2, 1.0, 0.5)
        >>> (a >> Cosine(2).continue_from(a)).at(range(5))
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    of: Schedule
    previous: Schedule

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.previous.length == math.inf:
            raise ValueError(f"Continue: {self.previous!r} has no end to continue from; cut it first: schedule[:n]")
        if not self.of.affine:
            raise ValueError(f"Continue: {self.of!r} is not affine in the base, so no base makes it start elsewhere")
        first = self.of(0, 0.0)
        slope = self.of(0, 1.0) - first
        if slope == 0:
            raise ValueError(f"Continue: the first value of {self.of!r} does not follow the base, so it cannot start elsewhere")
        while isinstance(self.previous, Join):  # of which the last part alone tells the end
            object.__setattr__(self, "previous", self.previous.parts[-1])
        _inherit(self, (self.of, self.previous))
        object.__setattr__(self, "absolute", self.previous.absolute)
        object.__setattr__(self, "_first", first)
        object.__setattr__(self, "_slope", slope)
        object.__setattr__(self, "_ended", self.previous.length)

    _first: ClassVar[float]
    _slope: ClassVar[float]
    _ended: ClassVar[float]

    @property
    def length(self) -> float:
        return self.of.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.of(t, (self.previous(self._ended, base) - self._first) / self._slope)


def _config(schedule: Schedule, depth: int) -> dict[str, Any]:
    name = type(schedule).__name__
    told = {f.name: _to_json(name, f.name, getattr(schedule, f.name), depth + 1) for f in fields(schedule)}  # type: ignore[arg-type]
    if schedule._endless:  # though its function is a schedule
        raise ValueError(_no_data(name))
    return {"schedule": name, **told}


def _no_data(owner: str) -> str:
    return (
        f"{owner}: no configuration or expression can hold it, for it calls its function as often as steps have passed; "
        "build it in code"
    )


def _to_json(owner: str, field: str, value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:  # which nobody would read
        raise ValueError(f"schedule configuration is nested deeper than {_MAX_DEPTH}")
    if isinstance(value, Schedule):
        return _config(value, depth)
    if isinstance(value, (tuple, list)):
        return [_to_json(owner, field, item, depth + 1) for item in value]
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
        place = _ELSEWHERE.get(name) if isinstance(name, str) else None
        hint = f"; import {place} first" if place else did_you_mean(name, Schedule._registry)
        raise ValueError(f"unknown schedule {name!r}{hint}")
    given = {key: _from_json(item, depth + 1) for key, item in value.items() if key != "schedule"}
    try:
        return _made_of(str(name), given)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _parsed(text: str | bytes) -> Any:
    """Strict JSON: nothing twice, nothing that is not finite."""
    import json

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"schedule configuration: {key!r} is given twice")
            found[key] = value
        return found

    def finite(word: str) -> float:
        value = float(word)
        if not math.isfinite(value):
            raise ValueError(f"schedule configuration: {word} is no finite number")
        return value

    if not isinstance(text, (str, bytes)):
        raise ValueError(f"a schedule configuration must be text, got {text!r}")
    if len(text) > _MAX_TEXT:
        raise ValueError(f"schedule configuration is longer than {_MAX_TEXT} characters")
    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=finite, parse_float=finite)
    except RecursionError:
        raise ValueError(f"schedule configuration is nested deeper than {_MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"schedule configuration is no JSON: {error}") from None


def _plain(name: str) -> str:
    """A name as :func:`get` compares it: ``multi_step``, ``MultiStep`` and ``multistep`` are one."""
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()


def names() -> list[str]:
    """The name of every schedule, as :func:`get` and configurations take it; your own too."""
    return sorted(Schedule._registry)


def aliases() -> dict[str, str]:
    """Every other name that :func:`get` takes, and the schedule that it means."""
    return {alias: name for name in names() for alias in Schedule._registry[name].aliases}


def get(name: str, *arguments: Any, **parameters: Any) -> Schedule:
    """A schedule by its name, or by that of another library: ``get("cosine", steps=900)``.

    Args:
        name: one of :func:`names` or :func:`aliases`; upper and lower case and underscores make no difference.
        *arguments: its fields, in their order.
        **parameters: its fields.

    Raises:
        ValueError: unknown name or field, missing field, a number outside of its range.
        TypeError: a value of the wrong type.

    >>> get("cosine", steps=100, end=0.25)
    Cosine(steps=100, end=0.25)
    >>> get("cosin", steps=100)
    Traceback (most recent call last):
    ...
    ValueError: unknown schedule 'cosin'; did you mean 'Cosine'?
    """
    found = _known_names().get(_plain(name)) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"unknown schedule {name!r}{did_you_mean(name, [*names(), *aliases()])}")
    own, fixed = found
    order = [field.name for field in fields(Schedule._registry[own]) if field.name not in fixed]  # type: ignore[arg-type]
    if len(arguments) > len(order):
        raise ValueError(f"{own}: takes at most {len(order)} fields, got {len(arguments)}")
    given = dict(zip(order, arguments, strict=False))
    for field in parameters:
        if field in given:
            raise ValueError(f"{own}: field {field!r} is given twice")
        if field in fixed:
            raise ValueError(f"{own}: the name {name!r} says that {field} is {fixed[field]!r}; get {own!r} for another")
    return _made_of(own, {**fixed, **given, **parameters})


def _known_names() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Every plain name: the schedule that it means, and the fields that it fixes."""
    cached = Schedule._by_name
    if cached is not None and cached[0] is Schedule._registry:
        return cached[1]
    known: dict[str, tuple[str, Mapping[str, Any]]] = {_plain(own): (own, {}) for own in Schedule._registry}
    for own, made_of in Schedule._registry.items():
        for alias, fixed in made_of.aliases.items():
            known.setdefault(_plain(alias), (own, fixed))
    Schedule._by_name = Schedule._registry, known
    return known


def _made_of(name: str, given: dict[str, Any]) -> Schedule:
    made_of = Schedule._registry[name]
    known = {f.name: f for f in fields(made_of)}  # type: ignore[arg-type]
    for key in given:
        if key not in known:
            raise ValueError(f"{name}: unknown field {key!r}{did_you_mean(key, known)}")
    for key, field in known.items():
        if key not in given and field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{name}: field {key!r} is missing")
    return made_of(**given)


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """``"; did you mean 'Cosine'?"`` where something is close, else nothing."""
    import difflib  # only to explain an error

    if not isinstance(name, str):
        return ""
    names = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), names, 1)
    return f"; did you mean {names[close[0]]!r}?" if close else ""
