"""Up and down again."""

from collections.abc import Callable
from typing import Any, Literal

from lucid.schedules._numbers import NonNegative, Positive
from lucid.schedules._ops import clip, floor_divide, minimum, power
from lucid.schedules._schedule import Schedule


class Cyclic(Schedule):
    r"""A triangle from ``start`` up to ``peak`` and down again, over and over. Absolute: the base plays no part.

    .. math::
        N = u + d \\
        c = \lfloor 1 + t / N \rfloor \\
        s = t - (c - 1) \, N \\
        h = \min\left(\frac{s}{u}, \frac{N - s}{d}\right) \\
        \kappa = \begin{cases}
            f(c) & \text{cycle} \\ f(t) & \text{iterations} \\
            1 & \text{triangular} \\ 2^{1 - c} & \text{triangular2} \\ \gamma^t & \text{exp_range}
        \end{cases} \\
        \eta(t) = \eta_{start} + (\eta_{peak} - \eta_{start}) \, h \, \kappa

    ``peak`` may be below ``start``: that is how momentum mirrors the rate.

    Args:
        start: :math:`\eta_{start} \ge 0`, absolute.
        peak: :math:`\eta_{peak} \ge 0`, absolute.
        steps_up: :math:`u > 0`, in the unit of ``t``.
        steps_down: :math:`d > 0`; None takes ``steps_up``.
        mode: how the peak changes: ``"triangular"`` keeps it, ``"triangular2"`` halves it each cycle,
            ``"exp_range"`` multiplies it by ``gamma`` per unit of ``t``. Without meaning when ``scale_fn`` is given.
        gamma: :math:`\gamma > 0`, for ``"exp_range"``.
        scale_fn: :math:`f`, a rule of your own for the peak, instead of ``mode``.
        scale_mode: what ``scale_fn`` is given: ``"cycle"``, :math:`c`, counted from 1, or ``"iterations"``, :math:`t`.

    Raises:
        ValueError: a number outside of its range, an unknown ``mode`` or ``scale_mode``.
        TypeError: ``scale_fn`` is not callable.

    Example:
        Up in 2 steps, down in 4:

        >>> Cyclic(0.0, 1.0, 2, 4).at(range(8))
        [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.5]

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015).
    """

    absolute = True
    aliases = {mode: {"mode": mode} for mode in ("triangular", "triangular2", "exp_range")}

    start: NonNegative
    peak: NonNegative
    steps_up: Positive
    steps_down: Positive | None = None
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    gamma: Positive = 1.0
    scale_fn: Callable[[Any], Any] | None = None
    scale_mode: Literal["cycle", "iterations"] = "cycle"

    def __post_init__(self) -> None:
        if self.steps_down is None:
            object.__setattr__(self, "steps_down", self.steps_up)
        super().__post_init__()

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        t = clip(t, 0)
        up, down = self.steps_up, self.steps_down
        period = up + down  # type: ignore[operator]
        s = t % period
        height = minimum(s / up, (period - s) / down)
        if self.scale_fn is not None:
            height = height * self.scale_fn(floor_divide(t, period) + 1 if self.scale_mode == "cycle" else t)
        elif self.mode == "triangular2":
            height = height * power(0.5, floor_divide(t, period))
        elif self.mode == "exp_range":
            height = height * power(self.gamma, t)
        return self.start + (self.peak - self.start) * height
