"""Schedule, the pure function ``value = schedule(t, base)``, and the combinators that make schedules of schedules."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from itertools import accumulate
from typing import Any, ClassVar, Self, dataclass_transform

from lucid.schedules._numbers import number
from lucid.schedules._ops import clip, is_number, where

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
    """What is made of affine schedules is affine."""
    object.__setattr__(made, "affine", all(part.affine for part in parts))


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
        _inherit(self, parts)

    _starts: ClassVar[tuple[float, ...]]

    @property
    def length(self) -> float:
        return self._starts[-1] + self.parts[-1].length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        starts, t = self._starts, clip(t, 0)
        if is_number(t):
            i = bisect_right(starts, t) - 1
            return self.parts[i](t - starts[i], base)
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

    @property
    def length(self) -> float:
        return max(part.length for part in self.parts)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        for part in self.parts:
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
