"""Decay by a constant ratio: at every moment, every so often, or at chosen times."""

from bisect import bisect_right
from typing import Any

from lucid.schedules._numbers import number
from lucid.schedules._ops import clip, is_number, power, where
from lucid.schedules._schedule import Schedule, check


class Exponential(Schedule):
    r"""The base times ``gamma`` per unit of time.

    .. math:: \eta(t) = \eta_{base} \, \gamma^t

    Args:
        gamma: :math:`\gamma > 0`, ratio per unit of ``t``. Growth stops at 2**126.

    Raises:
        ValueError: ``gamma`` is not > 0.

    Example:
        >>> Exponential(0.5).at([0, 1, 2, 3], base=0.8)
        [0.8, 0.4, 0.2, 0.1]
    """

    gamma: float

    def __post_init__(self) -> None:
        check(self, gamma="> 0")

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base * power(self.gamma, t)


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

    every: float
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check(self, every="> 0", gamma="> 0")

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base * power(self.gamma, t // self.every)


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

    milestones: tuple[float, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check(self, gamma="> 0")
        given: Any = self.milestones
        if isinstance(given, (str, bytes, dict)) or not hasattr(given, "__iter__") or not len(given):
            raise ValueError(f"MultiStep: milestones must be a non-empty tuple of times, got {given!r}")
        times = tuple(number("MultiStep", f"milestones[{i}]", m, ">= 0") for i, m in enumerate(given))
        if list(times) != sorted(times):
            raise ValueError(f"MultiStep: milestones must be ascending, got {given!r}; sort them")
        object.__setattr__(self, "milestones", times)

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        t = clip(t, 0)
        if is_number(t):
            return base * power(self.gamma, bisect_right(self.milestones, t))
        none = 0 * t  # in the array's own precision
        reached = sum(where(t < m, none, none + 1) for m in self.milestones)
        return base * power(self.gamma, reached)
