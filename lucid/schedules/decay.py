"""The way down at the end."""

from collections.abc import Callable
from math import pi
from typing import Any, Literal

from lucid.schedules._numbers import Inside, NonNegative, Positive, number
from lucid.schedules._ops import clip, cos, is_number, raised
from lucid.schedules._schedule import Schedule

Shape = Literal["linear", "cosine", "1-sqrt", "1-square", "power", "exponential", "inverse"]


class Decay(Schedule):
    r"""From the base to ``end``, in one of many shapes or one of your own; then flat: a cooldown.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        h = \begin{cases}
            1 - p & \text{linear} \\
            (1 + \cos(\pi p)) / 2 & \text{cosine} \\
            1 - p^{1/2} & \text{1-sqrt} \\
            1 - p^2 & \text{1-square} \\
            1 - p^k & \text{power} \\
            (r^p - r) / (1 - r) & \text{exponential} \\
            r \, (1 - p) / (r + (1 - r) \, p) & \text{inverse} \\
            f(p) & \text{function}
        \end{cases} \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, h

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        end: :math:`\eta_{end} \ge 0`, the value at :math:`T` and after, absolute.
        shape: ``"linear"``, ``"cosine"``, ``"1-sqrt"``, ``"1-square"``, ``"power"``, ``"exponential"``, ``"inverse"``, or a
            function :math:`f` of your own from progress to what is left, 1 to 0; a Schedule of length 1 is one.
        power: :math:`k > 0`, for ``"power"``.
        ratio: :math:`r` in (0, 1), for ``"exponential"`` and ``"inverse"``: the share to which the curve would have
            fallen, before it is drawn down to ``end``. Megatron's exponential has 0.5.

    Raises:
        ValueError: a number outside of its range, an unknown ``shape``.
        TypeError: ``shape`` is neither a name nor callable.

    Example:
        >>> Decay(4, shape="1-sqrt").at(range(6))
        [1.0, 0.5, 0.2928932188134524, 0.1339745962155614, 0.0, 0.0]

    Source: shapes of the cooldown, Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
    Durations" (2024).
    """

    aliases = {"cooldown": {}, "swa": {"shape": "cosine"}}

    steps: Positive
    end: NonNegative = 0.0
    shape: Shape | Callable[[Any], Any] = "linear"
    power: Positive = 0.5
    ratio: Inside = 0.1

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        p = clip(t / self.steps, 0.0, 1.0)
        shape = self.shape
        left = _FALLS[shape](p, self.power, self.ratio) if isinstance(shape, str) else _told(shape, p)
        return self.end + (base - self.end) * left


def _told(shape: Callable[[Any], Any], p: Any) -> Any:
    left = shape(p)
    return number("Decay", f"shape({p!r})", left) if is_number(p) and is_number(left) else left


_FALLS = {
    "linear": lambda p, k, r: 1 - p,
    "cosine": lambda p, k, r: (1 + cos(pi * p)) / 2,
    "1-sqrt": lambda p, k, r: 1 - raised(p, 0.5),
    "1-square": lambda p, k, r: 1 - p**2,
    "power": lambda p, k, r: 1 - raised(p, k),
    "exponential": lambda p, k, r: (r**p - r) / (1 - r),
    "inverse": lambda p, k, r: r * (1 - p) / (r + (1 - r) * p),
}
