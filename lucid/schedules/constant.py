"""Constants, and the user's own function."""

import math
from collections.abc import Callable
from typing import Any

from lucid.schedules._numbers import NonNegative, Positive, number
from lucid.schedules._ops import is_number
from lucid.schedules._schedule import Schedule, _Composed


class Constant(Schedule):
    r"""A multiple of the base, for ever or for ``steps``.

    .. math:: \eta(t) = k \, \eta_{base}

    Args:
        factor: :math:`k \ge 0`, multiple of the base.
        steps: length > 0 in the unit of ``t``, or None for an endless one. It only matters to what follows:
            ``Constant(steps=100) >> Cosine(900)``.

    Raises:
        ValueError: a number outside of its range.

    Example:
        0.05 at every time, for base 0.1:

        >>> Constant(0.5).at([0, 10, 1000], base=0.1)
        [0.05, 0.05, 0.05]
    """

    factor: NonNegative = 1.0
    steps: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_still", self.steps is None)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.factor * base + 0 * t  # an array of times gives an array


class Absolute(Schedule):
    r"""The same value for every base: what follows it in a product has this value for its base.

    .. math:: \eta(t) = v

    ``Absolute(0.001) * Cosine(900)`` falls from 0.001 whatever rate a parameter group was given.

    Args:
        value: :math:`v \ge 0`.

    Raises:
        ValueError: ``value`` is negative.

    Example:
        >>> Absolute(0.25).at([0, 10], base=0.1)
        [0.25, 0.25]
    """

    absolute = True
    _still = True

    value: NonNegative

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.value + 0 * t


class Lambda(Schedule):
    r"""The base times a function of your own.

    .. math:: \eta(t) = f(t) \, \eta_{base}

    Args:
        fn: :math:`f`, from time to a multiple of the base. It must be pure; written with NumPy, torch or
            :mod:`lucid.schedules.ops` it serves arrays as well.

    Raises:
        TypeError: ``fn`` is not callable.
        ValueError: when called, ``fn`` gives a number that is not finite.

    Example:
        >>> Lambda(lambda t: 0.95**t)(2, 0.1)
        0.09025
    """

    fn: Callable[[Any], Any]

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        factor = self.fn(t)
        if is_number(t) and not (type(factor) is float and math.isfinite(factor)):
            factor = number("Lambda", f"fn({t!r})", factor)
        return base * factor + 0 * t  # a constant function of an array gives an array


class Hold(_Composed):
    r"""A multiple of the base for a while, then the base.

    .. math::
        \eta(t) = \eta_{base} \begin{cases} k & t < T \\ 1 & \text{otherwise} \end{cases}

    Args:
        steps: :math:`T > 0`, in the unit of ``t``.
        factor: :math:`k \ge 0`, multiple of the base.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> Hold(2, 0.25).at(range(4))
        [0.25, 0.25, 1.0, 1.0]
    """

    steps: Positive
    factor: NonNegative

    def compose(self) -> Schedule:
        return Constant(self.factor, self.steps) >> Constant()

    @property
    def length(self) -> float:
        return float(self.steps)
