"""Powers of the time that is left."""

from typing import Any

from lucid.schedules._ops import clip
from lucid.schedules._schedule import Schedule, check


class Polynomial(Schedule):
    r"""From the base to ``end``, with a power of the time that is left; then flat.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, (1 - p)^c

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        power: :math:`c \ge 0`; 1 is a straight line, 0 stays at the base.
        end: :math:`\eta_{end} \ge 0`, the value at :math:`T` and after, absolute.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> Polynomial(4, power=2).at(range(6))
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]

    Source: Chen et al., "DeepLab" (2016), section 3.1: the "poly" policy.
    """

    steps: float
    power: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        check(self, steps="> 0", power=">= 0", end=">= 0")

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        steps = self.steps
        left = (steps - clip(t, 0.0, steps)) / steps  # exact, where 1 - t / T has few digits near the end
        return self.end + (base - self.end) * left**self.power
