"""What a field of a schedule may hold, and the one wording of every refusal: class, field, rule, value.

A field says its rule in its type, ``steps: Positive``; from there construction, the JSON Schema and forms read it.
"""

import collections.abc
import math
import sys
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

Number = Annotated[float, "finite"]
Positive = Annotated[float, "> 0"]
NonNegative = Annotated[float, ">= 0"]
AtLeastOne = Annotated[float, ">= 1"]
Share = Annotated[float, "in [0, 1]"]
Ratio = Annotated[float, "in (0, 1]"]
Inside = Annotated[float, "in (0, 1)"]
Count = Annotated[int, "a whole number >= 1"]
Whole = Annotated[int, "a whole number >= 0"]
Times = tuple[NonNegative, ...]

_FURTHEST = 1e300

_RULES: dict[str, Callable[[float], bool]] = {
    "finite": lambda v: True,
    "> 0": lambda v: v > 0,
    ">= 0": lambda v: v >= 0,
    "in [0, 1]": lambda v: 0 <= v <= 1,
    "in (0, 1)": lambda v: 0 < v < 1,
    "in (0, 1]": lambda v: 0 < v <= 1,
    ">= 1": lambda v: v >= 1,
    "a whole number >= 0": lambda v: v >= 0 and v == int(v),
    "a whole number >= 1": lambda v: v >= 1 and v == int(v),
}


def number(owner: str, field: str, value: Any, rule: str = "finite") -> Any:
    """``value`` as a plain Python int or float that keeps ``rule``.

    NumPy scalars and 0-d arrays or tensors of any library become Python numbers; a JAX tracer, whose value nobody
    knows yet, is kept as it is.

    Raises:
        TypeError: not a number (a bool, a string, a list, an array with axes, a complex number, ...).
        ValueError: not finite, or ``rule`` does not hold.
    """
    plain = value
    if type(value) not in (int, float):
        plain = _plain(value)
        if plain is None:
            raise TypeError(f"{owner}: {field} must be a number, got {value!r}")
        if plain is value:
            return value
    try:
        finite = math.isfinite(plain)
    except OverflowError:  # an int beyond every float
        finite = False
    if not finite:
        raise ValueError(f"{owner}: {field} must be finite, got {value!r}")
    if not _RULES[rule](plain):
        raise ValueError(f"{owner}: {field} must be {rule}, got {value!r}")
    return int(plain) if rule.startswith("a whole number") else plain


def _plain(value: Any) -> Any:
    """``value`` as int or float, ``value`` itself if it is a tracer, None if it is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return None
    jax = sys.modules.get("jax.core")
    if jax is not None and isinstance(value, jax.Tracer):  # item() of one that is differentiated would lose the gradient
        return value
    try:
        item = value.item()
    except TypeError:  # jax's ConcretizationTypeError is one
        return value
    return None if isinstance(item, bool) or not isinstance(item, (int, float)) else item


def kinds_of(hint: Any) -> list[tuple[str, Any]]:
    """What a field of this type may hold: ("number", rule), ("choice", values), ("bool", None), ("schedule", None),
    ("numbers", rule), ("schedules", None), ("callable", None), ("none", None). Of other types nothing is known: []."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return [("number", arguments[1])]
    if origin is Literal:
        return [("choice", arguments)]
    if origin in (Union, UnionType):
        found = [kinds_of(argument) for argument in arguments]
        return [kind for kinds in found for kind in kinds] if all(found) else []
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return [(f"{kind}s", rule) for kind, rule in kinds_of(arguments[0]) if kind in ("number", "schedule")]
    if origin is collections.abc.Callable:
        return [("callable", None)]
    if hint is bool or hint is None or hint is NoneType:
        return [("bool" if hint is bool else "none", None)]
    return [("schedule", None)] if getattr(hint, "_is_schedule", False) else []


def hold(owner: str, field: str, value: Any, kinds: list[tuple[str, Any]]) -> Any:
    """``value`` as the field stores it: numbers plain, lists as tuples.

    Raises:
        TypeError: the wrong type.
        ValueError: the right type, but not one of the choices, an empty list, or a number against its rule or beyond 1e300.
    """
    known = dict(kinds)
    if value is None and "none" in known:
        return None
    if "callable" in known and callable(value) and (not isinstance(value, type) or "choice" not in known):
        return value
    if "choice" in known and (isinstance(value, str) or len(known) == 1):
        if value not in known["choice"]:
            choices = ", ".join(map(repr, known["choice"]))
            head, _, tail = choices.rpartition(", ")
            raise ValueError(f"{owner}: {field} must be {head} or {tail}{_more(known)}, got {value!r}")
        return value
    if "bool" in known:
        if not isinstance(value, bool):
            raise TypeError(f"{owner}: {field} must be True or False, got {value!r}")
        return value
    listed = hasattr(value, "__len__") and getattr(value, "ndim", 1) == 1 and not isinstance(value, (str, bytes, dict))
    for kind in ("numbers", "schedules"):
        if kind in known and (listed or kind[:-1] not in known):
            if not listed or not len(value) or (kind == "schedules" and not isinstance(value, (tuple, list))):
                raise ValueError(f"{owner}: {field} must be a non-empty tuple of {kind}, got {value!r}")
            if kind == "numbers":
                named = ((f"{field}[{i}]", item) for i, item in enumerate(value))
                return tuple(_within_reach(owner, name, number(owner, name, item, known[kind])) for name, item in named)
            for item in value:
                if not _is_schedule(item):
                    raise TypeError(f"{owner}: {field} must be schedules, got {item!r}")
            return tuple(value)
    if "number" in known:
        return _within_reach(owner, field, number(owner, field, value, known["number"]))
    if "schedule" in known:
        if not _is_schedule(value):
            raise TypeError(f"{owner}: {field} must be a schedule, got {value!r}")
        return value
    raise TypeError(f"{owner}: {field} must be callable{_more(known, 'choice')}, got {value!r}")


def _within_reach(owner: str, field: str, value: Any) -> Any:
    """A field's number, which leaves room: what formulas make of it on their way, such as its double, is finite too."""
    if type(value) in (int, float) and not -_FURTHEST <= value <= _FURTHEST:
        raise ValueError(f"{owner}: {field} must be at most {_FURTHEST:g} in magnitude, got {value!r}")
    return value


def _is_schedule(value: Any) -> bool:
    return getattr(value, "_is_schedule", False) and not isinstance(value, type)


def _more(known: dict[str, Any], other: str = "callable") -> str:
    """The other thing that a field may hold, for a message."""
    if other not in known:
        return ""
    return ", or callable" if other == "callable" else f" or one of {known[other]}"
