"""Powers of the time that is left."""

from math import inf
from typing import Any

from lucid.schedules._numbers import NonNegative, Positive
from lucid.schedules._ops import HUGE, clip, floor, raised, where
from lucid.schedules._schedule import Schedule


class Polynomial(Schedule):
    r"""From the base to ``end``, with a power of the time that is left; then flat, or up again and down over longer cycles.

    .. math::
        p = \begin{cases}
            \frac{t}{T \, \max(\lceil t / T \rceil, 1)} & \text{cycle} \\
            \min\left(\frac{t}{T}, 1\right) & \text{otherwise}
        \end{cases} \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, (1 - p)^c

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        power: :math:`c \ge 0`; 1 is a straight line, 0 stays at the base.
        end: :math:`\eta_{end} \ge 0`, the value at :math:`T` and after, absolute.
        cycle: after :math:`T`, whether to go on with the curve of 2 T, then that of 3 T and so on: at each multiple of
            :math:`T` the end is reached, and just after it the rate jumps to where the longer curve is.

    Raises:
        ValueError: a number outside of its range.
        TypeError: ``cycle`` is not a bool.

    Example:
        >>> Polynomial(4, power=2).at(range(6))
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]

    Source: Chen et al., "DeepLab" (2016), section 3.1: the "poly" policy.
    """

    aliases = {"polynomial_decay": {}, "poly": {}}

    steps: Positive
    power: NonNegative = 1.0
    end: NonNegative = 0.0
    cycle: bool = False

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        steps: Any = self.steps
        if self.cycle:
            t = clip(t, 0)
            cycles = clip(-floor(-clip(t / steps, 0, HUGE)), 1)
            cycles = where(t > cycles * steps, cycles + 1, cycles)  # the quotient rounds
            cycles = where((cycles > 1) & (t <= (cycles - 1) * steps), cycles - 1, cycles)
            steps = steps * cycles
            left = clip((steps - t) / steps, 0.0)
        else:
            left = (steps - clip(t, 0.0, steps)) / steps  # exact, where 1 - t / T has few digits near the end
        left = left**self.power if type(left) is float else raised(left, self.power)
        return self.end + (base - self.end) * left

    @property
    def length(self) -> float:
        return inf if self.cycle else float(self.steps)
