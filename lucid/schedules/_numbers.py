"""What counts as a number, and the one wording of every refusal: class, field, rule, value."""

import math
from collections.abc import Callable
from typing import Any

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
    return plain


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
    try:
        item = value.item()
    except TypeError:  # jax's ConcretizationTypeError is one
        return value
    return None if isinstance(item, bool) or not isinstance(item, (int, float)) else item
