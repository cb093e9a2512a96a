"""Cosines."""

from math import pi
from typing import Any

from lucid.schedules._numbers import NonNegative, Positive
from lucid.schedules._ops import clip, cos, raised
from lucid.schedules._schedule import Schedule


class Cosine(Schedule):
    r"""Half a cosine from ``base`` to ``end`` over ``steps``; then flat, or up again.

    .. math::
        p = \begin{cases} \min(t / T, 1) & \text{hold} \\ t / T & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, \left(\frac{1 + \cos(\pi p)}{2}\right)^q

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        end: :math:`\eta_{end} \ge 0`, the value at :math:`T`, absolute.
        hold: True stays at ``end`` after ``steps``; False comes up again, with period :math:`2 T` on both sides of 0, as
            PyTorch's CosineAnnealingLR does.
        exponent: :math:`q > 0`, power of the cosine; above 1 it is lower in the middle.

    Raises:
        ValueError: a number outside of its range.
        TypeError: ``hold`` is not a bool.

    Example:
        >>> Cosine(100, end=0.25).at([0, 50, 100, 200])
        [1.0, 0.625, 0.25, 0.25]

    Source: Loshchilov & Hutter, "SGDR" (2016), without the restarts.
    """

    aliases = {"cosine_decay": {}, "cosine_annealing": {"hold": False}, "wave": {"hold": False}}

    steps: Positive
    end: NonNegative = 0.0
    hold: bool = True
    exponent: Positive = 1.0

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        # Without hold, whole periods go out first, which is exact however late it is.
        p = clip(t / self.steps, 0.0, 1.0) if self.hold else t % (2 * self.steps) / self.steps
        level = (1 + cos(pi * p)) / 2
        if type(self.exponent) is not float or self.exponent != 1.0:
            level = raised(level, self.exponent)
        return self.end + (base - self.end) * level
