"""Curves from the base to an end that have names of their own."""

from math import ceil, pi
from typing import Any, ClassVar

from lucid.schedules._numbers import Inside, NonNegative, Number, Positive
from lucid.schedules._ops import clip, cos, floor, raised, tanh, where
from lucid.schedules._schedule import Schedule, _Composed
from lucid.schedules.cosine import Cosine


class QuarterCosine(Schedule):
    r"""A quarter of a cosine between two multiples of the base: flat first, steepest at the end.

    .. math::
        p = \begin{cases} \min(t / T, 1) & \text{hold} \\ t / T & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{base} \, \left(b + (a - b) \, \cos\left(\frac{\pi p}{2}\right)\right)

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        start: :math:`a \ge 0`, multiple of the base at 0.
        end: :math:`b \ge 0`, multiple of the base at :math:`T`.
        hold: True stays there; False goes on along the cosine, with period :math:`4 T`, below ``end`` first.

    Raises:
        ValueError: a number outside of its range.
        TypeError: ``hold`` is not a bool.

    Example:
        >>> [round(v, 6) for v in QuarterCosine(4).at([0, 2, 4, 6])]
        [1.0, 0.707107, 0.0, 0.0]
    """

    steps: Positive
    start: NonNegative = 1.0
    end: NonNegative = 0.0
    hold: bool = True

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        p = clip(t / self.steps, 0.0, 1.0) if self.hold else t % (4 * self.steps) / self.steps
        level = where(p == 1, 0 * p, cos(pi * p / 2))  # cos(pi / 2) rounds
        return base * (self.end + (self.start - self.end) * level)


class REX(Schedule):
    r"""From the base to ``end``, slowly first and fast at last: reflected exponential.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, \frac{1 - p}{1 - \beta p}

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        end: :math:`\eta_{end} \ge 0`, the value at the end, absolute.
        beta: :math:`\beta` in (0, 1); the larger, the later it falls.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> REX(4).at([0, 2, 4])
        [1.0, 0.6666666666666666, 0.0]

    Source: Chen et al., "REX: Revisiting Budgeted Training with an Improved Schedule" (2021).
    """

    steps: Positive
    end: NonNegative = 0.0
    beta: Inside = 0.5

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        p = clip(t / self.steps, 0.0, 1.0)
        return self.end + (base - self.end) * ((1 - p) / (1 - self.beta * p))


class Tanh(Schedule):
    r"""From near the base to near ``end`` along a hyperbolic tangent.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, \frac{1 - \tanh(l \, (1 - p) + u p)}{2}

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        end: :math:`\eta_{end} \ge 0`, absolute.
        lower: :math:`l`, where on the tangent it begins; at -7 it is 1e-6 below the base.
        upper: :math:`u`, where it stops; at 3 it is 0.25 % of the way above the end.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> [round(v, 6) for v in Tanh(10, lower=-3.0, upper=3.0).at([0, 5, 10])]
        [0.997527, 0.5, 0.002473]

    Source: Hsueh et al., "Stochastic Gradient Descent with Hyperbolic-Tangent Decay on Classification" (2018).
    """

    steps: Positive
    end: NonNegative = 0.0
    lower: Number = -7.0
    upper: Number = 3.0

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        p = clip(t / self.steps, 0.0, 1.0)
        return self.end + (base - self.end) * ((1 - tanh(self.lower * (1 - p) + self.upper * p)) / 2)


class Hyperbolic(Schedule):
    r"""Down along a hyperbola that does not depend on how long the run is, only on how long it might be.

    .. math::
        h(x) = \left(\frac{T - x}{U} \left(2 - \frac{T + x}{U}\right)\right)^{1/2} \\
        \eta(t) = \eta_{base} + (\eta_{base} - \eta_{end}) \, (h(\min(t, T)) - h(0))

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        upper_bound: :math:`U`, at least ``steps``; where it is ``steps``, the end is reached.
        end: :math:`\eta_{end} \ge 0`, what the curve aims at, absolute.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> [round(v, 6) for v in Hyperbolic(4, 4).at([0, 2, 4, 9])]
        [1.0, 0.5, 0.0, 0.0]

    Source: Kim, "HyperbolicLR: Epoch Insensitive Learning Rate Scheduler" (2024).
    """

    steps: Positive
    upper_bound: Positive
    end: NonNegative = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bound(self, self.steps, self.upper_bound)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base + (base - self.end) * _below(t, self.steps, self.upper_bound)


class ExpHyperbolic(Schedule):
    r"""As :class:`Hyperbolic`, along the logarithm of the rate.

    .. math::
        h(x) = \left(\frac{T - x}{U} \left(2 - \frac{T + x}{U}\right)\right)^{1/2} \\
        \eta(t) = \eta_{base} \, r^{h(0) - h(\min(t, T))}

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        upper_bound: :math:`U`, at least ``steps``; where it is ``steps``, the end is reached.
        ratio: :math:`r` in (0, 1), the multiple of the base that the curve aims at.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> [round(v, 6) for v in ExpHyperbolic(4, 4, ratio=0.01).at([0, 2, 4, 9])]
        [1.0, 0.1, 0.01, 0.01]

    Source: Kim, "HyperbolicLR: Epoch Insensitive Learning Rate Scheduler" (2024).
    """

    steps: Positive
    upper_bound: Positive
    ratio: Inside

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bound(self, self.steps, self.upper_bound)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base * self.ratio ** -_below(t, self.steps, self.upper_bound)


def _check_bound(schedule: Schedule, steps: Any, bound: Any) -> None:
    if bound < steps:
        raise ValueError(f"{type(schedule).__name__}: upper_bound must be >= steps, {steps!r}, got {bound!r}")


def _below(t: Any, steps: Any, bound: Any) -> Any:
    """How far a hyperbola has fallen at ``t``: 0 at 0, negative after."""
    x = clip(t, 0, steps)
    first = (steps / bound * (2 - steps / bound)) ** 0.5
    return raised((steps - x) / bound * (2 - (steps + x) / bound), 0.5) - first


class Chebyshev(Schedule):
    r"""Big and small steps in turn: the inverse roots of a Chebyshev polynomial, in an order that stays stable.

    .. math::
        \theta = \pi \, \frac{j + 1/2}{N} \\
        \eta(t) = \frac{2 \, \eta_{base}}{M + m - (M - m) \, \cos(\theta)}

    In words: :math:`N` is ``steps``, rounded up to a power of two, and :math:`j` the place of step :math:`\lfloor t \rfloor`
    in the fractal order: 0, then each order of n becomes that of 2 n, with 2 n - 1 - j after each j. The last step holds.

    Args:
        steps: how many steps, > 0.
        small: :math:`m > 0`, the smallest curvature; the largest step is near its inverse.
        big: :math:`M`, the largest curvature, above ``small``; the smallest step is near its inverse.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> [round(v, 3) for v in Chebyshev(4).at(range(4))]
        [11.607, 1.038, 2.914, 1.415]

    Source: Agarwal, Goel & Zhang, "Acceleration via Fractal Learning Rate Schedules" (2021).
    """

    aliases = {"chebyshev_steps": {}}

    steps: Positive
    small: Positive = 0.05
    big: Positive = 1.0

    _count: ClassVar[int]
    _last: ClassVar[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.small >= self.big:
            raise ValueError(f"Chebyshev: small must be < big, {self.big!r}, got {self.small!r}")
        if self.steps > 2**53:
            raise ValueError(f"Chebyshev: steps must be <= 2**53, which floats count to, got {self.steps!r}")
        count = 1
        while count < self.steps:
            count *= 2
        object.__setattr__(self, "_count", count)
        object.__setattr__(self, "_last", ceil(self.steps) - 1)

    def order(self, t: Any) -> Any:
        """The place of the step at ``t`` in the fractal order, a number from 0 to N - 1."""
        place, size, left = 0 * t, 1, floor(clip(t, 0, self._last))
        while size < self._count:  # from the highest bit to the lowest
            half = self._count // (2 * size)
            odd = left >= half
            left = where(odd, left - half, left)
            size *= 2
            place = where(odd, size - 1 - place, place)
        return place

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        near, far = (self.big + self.small) / 2, (self.big - self.small) / 2
        curvature = near - far * cos(pi * (self.order(t) + 0.5) / self._count)
        return base / clip(curvature, self.small)  # it rounds


class ChebyshevNodes(_Composed):
    r"""From the base to ``end`` through the nodes of a Chebyshev polynomial: a cosine half a step ahead.

    .. math::
        x = \min(t, T - 1) + \frac{1}{2} \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, \frac{1 + \cos(\pi \, x / T)}{2}

    Args:
        steps: how many nodes, :math:`T \ge 1`.
        end: :math:`\eta_{end} \ge 0`, absolute, half a step beyond the last node.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> [round(v, 6) for v in ChebyshevNodes(4).at(range(5))]
        [0.96194, 0.691342, 0.308658, 0.03806, 0.03806]
    """

    steps: Positive
    end: NonNegative = 0.0

    def compose(self) -> Schedule:
        if self.steps < 1:
            raise ValueError(f"ChebyshevNodes: steps must be >= 1, got {self.steps!r}")
        return Cosine(self.steps, self.end).shift(-0.5)[: self.steps - 1][: self.steps]
