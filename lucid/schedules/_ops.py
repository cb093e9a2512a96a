"""The few functions that formulas are written with: Python numbers first, else the array's own library.

``t``, ``base`` and parameters may be Python numbers, NumPy arrays, torch tensors, JAX arrays or tracers, MLX arrays.
Each function looks at the type of its own argument and asks nothing else, so no formula ever branches on a value.
"""

import math
import sys
from typing import Any

HUGE = 2.0**126  # growth stops here: finite in 32 bits too, and no rate is ever near it
_LN_HUGE = math.log(HUGE)
_libraries: dict[type, Any] = {}


def is_number(x: Any) -> bool:
    """Whether ``x`` is a plain Python number, which ``math`` handles."""
    kind = type(x)
    return kind is float or kind is int


def library(x: Any) -> Any:
    """The module whose ``cos`` takes ``x``: numpy, torch, jax.numpy, mlx.core, ... (cached per type)."""
    kind = type(x)
    home = sys.modules.get(kind.__module__)
    if hasattr(home, "cos") and hasattr(home, "where") and hasattr(home, "clip"):
        return home  # without the cache, which torch's compiler would watch for changes, and compile again
    found = _libraries.get(kind)
    if found is None:
        found = _libraries[kind] = _find_library(x, kind)
    return found


def _find_library(x: Any, kind: type) -> Any:
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    for cls in kind.__mro__:  # a subclass lives elsewhere, its library is that of the class it extends
        name = cls.__module__
        while name:
            module = sys.modules.get(name)
            if hasattr(module, "cos") and hasattr(module, "where") and hasattr(module, "clip"):
                return module
            name = name.rpartition(".")[0]
    raise TypeError(f"time and base must be numbers or arrays, got {kind.__name__}")


def cos(x: Any) -> Any:
    """The cosine of ``x``, in radians: ``cos(0.0) == 1.0``."""
    return math.cos(x) if type(x) is float else library(x).cos(x) if not is_number(x) else math.cos(x)


def exp(x: Any) -> Any:
    """e to the power of ``x``: ``exp(0.0) == 1.0``."""
    return math.exp(x) if is_number(x) else library(x).exp(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent of ``x``: ``tanh(0.0) == 0.0``."""
    return math.tanh(x) if is_number(x) else library(x).tanh(x)


def log(x: Any) -> Any:
    """The natural logarithm of ``x`` > 0: ``log(1.0) == 0.0``."""
    return math.log(x) if is_number(x) else library(x).log(x)


def floor(x: Any) -> Any:
    """The largest whole number that is not above ``x``: ``floor(2.5) == 2``."""
    return math.floor(x) if is_number(x) else library(x).floor(x)


def floor_divide(x: Any, n: Any) -> Any:
    """How many whole ``n`` > 0 fit into ``x``, exactly: ``floor_divide(7.5, 2) == 3``."""
    if is_number(x):
        return x // n
    if not _divides_exactly(x, n):
        div = getattr(library(x), "div", None)
        return x // n if div is None else div(x, n, rounding_mode="floor")  # torch's, of which alone it knows the slope, 0
    q = floor(x / n)
    return where(q * n > x, q - 1, q)  # the quotient rounds, by no more than to the next whole number; the product is exact


def remainder(x: Any, n: Any) -> Any:
    """What of ``x`` is left over by whole ``n`` > 0, exactly: ``remainder(7.5, 2) == 1.5``."""
    if not _divides_exactly(x, n):
        return x % n
    rest = x - floor(x / n) * n
    return where(rest < 0, rest + n, rest)


def _divides_exactly(x: Any, n: Any) -> bool:
    """Whether NumPy's ``//`` and ``%`` of floats, a long division of each, can be done without: in a quarter of the time."""
    if not is_number(n) or not 0 < n < math.inf or n != int(n):
        return False
    since, until = span(x)
    return since > -(2.0**52) and until < 2.0**52  # so whole multiples of n are exact


def in_memory(x: Any) -> bool:
    """Whether ``x`` is an array of NumPy's: one whose numbers can be looked at and written where they are."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(x) is numpy.ndarray


def span(x: Any) -> tuple[float, float]:
    """The least and the largest of ``x`` where that costs nothing to know: of doubles :func:`in_memory`; else all numbers.

    With it a formula leaves out what holds for none of them, and without it comes to the same.
    """
    if in_memory(x) and x.dtype.char == "d" and x.size:
        least, largest = float(x.min()), float(x.max())
        if least <= largest:  # no NaN
            return least, largest
    return -math.inf, math.inf


def clip(x: Any, lo: float, hi: float | None = None) -> Any:
    """``x`` held inside [lo, hi]; without ``hi`` there is no upper bound."""
    kind = type(x)
    if kind is float or kind is int:  # is_number, unrolled: this is the commonest call of a training loop
        return lo if x < lo else x if hi is None or x < hi else hi
    return library(x).clip(x, lo, hi)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of ``x`` and ``y``, element by element: ``minimum(2, 3) == 2``."""
    less = x < y
    if less is True or less is False:
        return x if less else y
    return library(less).where(less, x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger of ``x`` and ``y``, element by element: ``maximum(2, 3) == 3``."""
    less = x < y
    if less is True or less is False:
        return y if less else x
    return library(less).where(less, y, x)


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``, element by element: ``where(t < 5, 1.0, 0.5)``, not ``if``."""
    if condition is True or condition is False:
        return x if condition else y
    return library(condition).where(condition, x, y)


def raised(x: Any, n: Any) -> Any:
    """``x`` >= 0 to the power of ``n`` >= 0: ``raised(0.25, 0.5) == 0.5``.

    Where ``x`` is 0 its slope counts as 0. That of a root is infinite there, and times the slope of a time that is held at
    the end, which is 0, would make a gradient NaN.
    """
    if is_number(x) or (in_memory(x) and is_number(n)):  # which have no slopes
        return x**n
    return where(x == 0, where(n > 0, 0.0, 1.0), where(x == 0, 1.0, x) ** n)


def power(a: Any, n: Any) -> Any:
    """``a ** max(n, 0)`` for a > 0, at most ``HUGE``: decay per step that no time can overflow."""
    kind = type(n)
    if (kind is int or kind is float) and (type(a) is float or is_number(a)):
        if n <= 0:
            return 1.0
        try:
            value = float(a) ** n  # a whole number would grow without bound
        except OverflowError:
            return HUGE
        return HUGE if value > HUGE else value
    return exp(clip(clip(n, 0) * log(a), -1000.0, _LN_HUGE))
