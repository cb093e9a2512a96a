"""Decay by a constant ratio: at every moment, every so often, or at chosen times."""

from bisect import bisect_right
from typing import Any, ClassVar

from lucid.schedules._numbers import NonNegative, Positive, Times
from lucid.schedules._ops import clip, exp, floor_divide, is_number, maximum, minimum, power, where
from lucid.schedules._schedule import Schedule, _Composed


class Exponential(Schedule):
    r"""The base times ``gamma`` per unit of time, or per ``every`` units; down, or up, to ``end``.

    .. math::
        \eta(t) = \eta_{base} \begin{cases}
            \gamma^{t / n} & \text{endless} \\
            \max(\gamma^{t / n}, e) & \text{falls} \\
            \min(\gamma^{t / n}, e) & \text{rises}
        \end{cases}

    Args:
        gamma: :math:`\gamma > 0`, ratio per ``every``. Growth stops at 2**126.
        every: :math:`n > 0`, in the unit of ``t``.
        end: :math:`e \ge 0`, the multiple of the base where it stops, a floor for ``gamma`` below 1, else a ceiling; None
            goes on for ever.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> Exponential(0.5).at([0, 1, 2, 3], base=0.8)
        [0.8, 0.4, 0.2, 0.1]
        >>> Exponential(0.25, every=2, end=0.1).at([0, 1, 2, 3, 4])
        [1.0, 0.5, 0.25, 0.125, 0.1]
    """

    aliases = {"exponential_decay": {}, "geometric": {}}

    gamma: Positive
    every: Positive = 1.0
    end: NonNegative | None = None

    _plain: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_plain", self.end is None and is_number(self.every) and self.every == 1)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        if self._plain:  # as PyTorch's, in many training loops
            return base * power(self.gamma, t)
        end = self.end
        ratio = power(self.gamma, t / self.every)
        if end is not None:
            ratio = where(self.gamma < 1, maximum(ratio, end), minimum(ratio, end))
        return base * ratio


class NaturalExp(_Composed):
    r"""The base times e to the power of minus ``rate`` per unit of time: :class:`Exponential` by its exponent.

    .. math:: \eta(t) = \eta_{base} \, \exp(-\lambda t)

    Args:
        rate: :math:`\lambda > 0`, per unit of ``t``.

    Raises:
        ValueError: ``rate`` is not > 0, or so large that nothing is left.

    Example:
        >>> [round(v, 6) for v in NaturalExp(0.1).at([0, 1, 10])]
        [1.0, 0.904837, 0.367879]
    """

    rate: Positive

    def compose(self) -> Schedule:
        return Exponential(exp(-self.rate))


class Step(Schedule):
    r"""The base times ``gamma`` once ``every`` so often: a staircase of equal steps.

    .. math:: \eta(t) = \eta_{base} \, \gamma^{\lfloor t / n \rfloor}

    Args:
        every: width of a stair :math:`n > 0`, in the unit of ``t``.
        gamma: :math:`\gamma > 0`, ratio from one stair to the next.

    Raises:
        ValueError: a number outside of its range.

    Example:
        1.0 for t < 30, 0.5 for 30 <= t < 60, 0.25 from 60 to 90:

        >>> Step(30, gamma=0.5).at([0, 29, 30, 59, 60])
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    aliases = {"step_decay": {}}

    every: Positive
    gamma: Positive = 0.1

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        every, kind = self.every, type(t)
        # is_number, unrolled: this runs in training loops
        return base * power(self.gamma, t // every if kind is int or kind is float else floor_divide(t, every))


class MultiStep(Schedule):
    r"""The base times ``gamma`` at each milestone that has been reached.

    .. math:: \eta(t) = \eta_{base} \, \gamma^{\sum_{m \in M} [m \le t]}

    Args:
        milestones: :math:`M`, times >= 0 in ascending order; one that is named twice counts twice.
        gamma: :math:`\gamma > 0`, ratio at each milestone.

    Raises:
        ValueError: no milestones, not ascending, or a number outside of its range.

    Example:
        1.0 for t < 30, 0.5 for 30 <= t < 80, 0.25 after:

        >>> MultiStep((30, 80), gamma=0.5).at([0, 29, 30, 79, 80, 1000])
        [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    milestones: Times
    gamma: Positive = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if list(self.milestones) != sorted(self.milestones):
            raise ValueError(f"MultiStep: milestones must be ascending, got {self.milestones!r}; sort them")

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        t = clip(t, 0)
        if is_number(t):
            return base * power(self.gamma, bisect_right(self.milestones, t))
        none = 0 * t  # in the array's own precision
        reached = sum(where(t < m, none, none + 1) for m in self.milestones)
        return base * power(self.gamma, reached)
