"""Cosines."""

from math import pi
from typing import Any

from lucid.schedules._ops import clip, cos
from lucid.schedules._schedule import Schedule, check


class Cosine(Schedule):
    r"""Half a cosine from ``base`` to ``end`` over ``steps``; then flat, or up again.

    .. math::
        p = \begin{cases} \min(t / T, 1) & \text{hold} \\ t / T & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, \frac{1 + \cos(\pi p)}{2}

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        end: :math:`\eta_{end} \ge 0`, the value at :math:`T`, absolute.
        hold: True stays at ``end`` after ``steps``; False comes up again, with period :math:`2 T` on both sides of 0, as
            PyTorch's CosineAnnealingLR does.

    Raises:
        ValueError: a number outside of its range.
        TypeError: ``hold`` is not a bool.

    Example:
        >>> Cosine(100, end=0.25).at([0, 50, 100, 200])
        [1.0, 0.625, 0.25, 0.25]

    Source: Loshchilov & Hutter, "SGDR" (2016), without the restarts.
    """

    steps: float
    end: float = 0.0
    hold: bool = True

    def __post_init__(self) -> None:
        check(self, steps="> 0", end=">= 0")
        if not isinstance(self.hold, bool):
            raise TypeError(f"Cosine: hold must be True or False, got {self.hold!r}")

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        # Without hold, whole periods go out first, which is exact however late it is.
        p = clip(t / self.steps, 0.0, 1.0) if self.hold else t % (2 * self.steps) / self.steps
        return self.end + (base - self.end) * (1 + cos(pi * p)) / 2
