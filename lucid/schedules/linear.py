"""Straight lines."""

from typing import Any

from lucid.schedules._numbers import NonNegative, Positive
from lucid.schedules._ops import clip
from lucid.schedules._schedule import Schedule


class Linear(Schedule):
    r"""A straight line between two multiples of the base: warm-up, or decay to zero; then flat.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        \eta(t) = \eta_{base} \, (a + (b - a) \, p)

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        start: :math:`a \ge 0`, multiple of the base at 0.
        end: :math:`b \ge 0`, multiple of the base at :math:`T` and after.

    Raises:
        ValueError: a number outside of its range.

    Example:
        A warm-up over 4 steps, base 0.1, that does not waste its first step at 0:

        >>> Linear(4, start=0.25).at([0, 2, 4, 5], base=0.1)
        [0.025, 0.0625, 0.1, 0.1]

    Source: warm-up, Goyal et al., "Accurate, Large Minibatch SGD" (2017).
    """

    steps: Positive
    start: NonNegative = 0.0
    end: NonNegative = 1.0

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        p = clip(t / self.steps, 0.0, 1.0)
        return base * (self.start * (1 - p) + self.end * p)  # exact at both ends
