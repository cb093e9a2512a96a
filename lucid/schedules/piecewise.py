"""Values at chosen times."""

from bisect import bisect_right
from math import pi
from typing import Any, Literal

from lucid.schedules._numbers import NonNegative, Times
from lucid.schedules._ops import clip, cos, is_number, where
from lucid.schedules._schedule import Schedule


class Piecewise(Schedule):
    r"""Multiples of the base at chosen times; between them the last one, a straight line or half a cosine.

    .. math::
        h(i) = \min\left(\max\left(\frac{t - \tau(i - 1)}{\tau(i) - \tau(i - 1)}, 0\right), 1\right) \\
        g(i) = \begin{cases}
            \lfloor h(i) \rfloor & \text{constant} \\
            h(i) & \text{linear} \\
            (1 - \cos(\pi \, h(i))) / 2 & \text{cosine}
        \end{cases} \\
        \eta(t) = \eta_{base} \, \left(v(0) + \sum_{i=1}^{n} g(i) \, (v(i) - v(i - 1))\right)

    Args:
        times: :math:`\tau`, times >= 0, each later than the one before. Before the first its value holds, after the last too.
        values: :math:`v`, multiples of the base >= 0, one for each time.
        shape: ``"constant"``, ``"linear"`` or ``"cosine"``, what is between two times.

    Raises:
        ValueError: as many values as times are needed; times out of order; a number outside of its range.

    Example:
        >>> Piecewise((0, 30, 80), (1.0, 0.5, 0.25)).at([0, 29, 30, 80])
        [1.0, 1.0, 0.5, 0.25]
        >>> Piecewise((0, 30, 80), (0.0, 1.0, 0.5), "linear").at([0, 15, 30, 55, 99])
        [0.0, 0.5, 1.0, 0.75, 0.5]
    """

    aliases = {
        "piecewise_constant": {"shape": "constant"},
        "piecewise_linear": {"shape": "linear"},
        "piecewise_cosine": {"shape": "cosine"},
        "piecewise_interpolate": {"shape": "linear"},
    }

    times: Times
    values: tuple[NonNegative, ...]
    shape: Literal["constant", "linear", "cosine"] = "constant"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.times) != len(self.values):
            raise ValueError(f"Piecewise: values must be as many as times, {len(self.times)}, got {self.values!r}")
        if any(a >= b for a, b in zip(self.times, self.times[1:], strict=False)):
            raise ValueError(f"Piecewise: times must be ascending, got {self.times!r}; sort them")

    @property
    def length(self) -> float:
        return float(self.times[-1])

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        if is_number(t):
            i = bisect_right(self.times, t)
            return base * (self.values[0] if i == 0 else self._after(i - 1, t))
        level = self.values[0] + 0 * t
        for i, since in enumerate(self.times):
            level = where(t < since, level, self._after(i, t))
        return base * level

    def _after(self, i: int, t: Any) -> Any:
        """What holds from the i-th time on, until the next."""
        value = self.values[i]
        if self.shape == "constant" or i + 1 == len(self.times):
            return value + 0 * t
        since = self.times[i]
        p = clip((clip(t, since) - since) / (self.times[i + 1] - since), 0.0, 1.0)  # no unsigned counter goes below 0
        return value + (self.values[i + 1] - value) * (p if self.shape == "linear" else (1 - cos(pi * p)) / 2)
