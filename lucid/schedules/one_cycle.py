"""One cycle for a whole training."""

from math import pi
from typing import Any, ClassVar, Literal

from lucid.schedules._numbers import AtLeastOne, NonNegative, Share
from lucid.schedules._ops import clip, cos, is_number, span, where
from lucid.schedules._schedule import Schedule


class OneCycle(Schedule):
    r"""Up to a peak, down again and far below the start: one cycle for a whole training, in multiples of the base.

    .. math::
        x = \min(t, T - 1) \\
        u = q \, T - 1 \\
        h(p) = \begin{cases} p & \text{linear} \\ (1 - \cos(\pi p)) / 2 & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{base} \begin{cases}
            a + (b - a) \, h\left(\frac{\max(\min(x, 2 u - x), 0)}{u}\right)
              + (c - a) \, h\left(\frac{\max(x - 2 u, 0)}{T - 1 - 2 u}\right) & \text{three phases} \\
            b + (a - b) \, h\left(\frac{\max(u - x, 0)}{u}\right)
              + (c - b) \, h\left(\frac{\max(x - u, 0)}{T - 1 - u}\right) & \text{otherwise}
        \end{cases}

    In words: from :math:`a` up to :math:`b` at :math:`u`, with three phases back to :math:`a` at :math:`2 u`, then down to
    :math:`c` at :math:`T - 1`, and flat; a phase without length is left out. All of them have the shape :math:`h`. Where
    :math:`u < 0`, the fall has begun at that time. ``Absolute(1.0) * OneCycle(...)`` takes the three values as they are.

    Args:
        steps: length :math:`T \ge 1`, in the unit of ``t``; the last value is that of :math:`T - 1`.
        start: :math:`a \ge 0`, multiple of the base at 0.
        peak: :math:`b \ge 0`, multiple of the base at the peak; below ``start`` it is a valley, as momentum has it.
        end: :math:`c \ge 0`, multiple of the base at the end.
        pct_start: :math:`q` in [0, 1], the share of the steps that the rise takes.
        anneal: ``"cos"`` or ``"linear"``, the shape of the phases.
        three_phase: whether the fall to ``start`` is a phase of its own, as long as the rise.

    Raises:
        ValueError: a number outside of its range, an unknown ``anneal``.
        TypeError: a number that is none, ``three_phase`` is not a bool.

    Example:
        Up until 3, down until 9:

        >>> OneCycle(10, start=0.5, end=0.25, pct_start=0.4, anneal="linear").at([0, 1.5, 3, 6, 9, 10])
        [0.5, 0.75, 1.0, 0.625, 0.25, 0.25]

    Source: Smith & Topin, "Super-Convergence" (2017).
    """

    steps: AtLeastOne
    start: NonNegative = 1 / 25
    peak: NonNegative = 1.0
    end: NonNegative = 1 / 25e4
    pct_start: Share = 0.3
    anneal: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    _phases: ClassVar[tuple[tuple[float, float, float, float], ...]]
    _last: ClassVar[float]
    _linear: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        start, peak, end = self.start, self.peak, self.end
        up, last = self.pct_start * self.steps - 1, self.steps - 1
        down = 2 * up if self.three_phase else up
        phases = [(0.0, up, start, peak), (up, down, peak, start), (down, last, start if self.three_phase else peak, end)]
        # (until when, how long, to what, from what); those that are over at 0 or have no length are left out
        kept = tuple((to, to - since, b, a) for since, to, a, b in phases if to > 0 < to - since)
        object.__setattr__(self, "_phases", kept or ((0.0, 1.0, end, end),))
        object.__setattr__(self, "_last", last)
        object.__setattr__(self, "_linear", self.anneal == "linear")

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        last = self._last
        if is_number(t):
            x = 0.0 if t < 0 else t if t < last else last
            for phase in self._phases:
                if x <= phase[0]:
                    break
            return base * self._level(x, phase)
        x = clip(t, 0.0, last)
        since, until = span(x)
        phases = [phase for phase in self._phases if since <= phase[0]] or self._phases[-1:]
        while len(phases) > 1 and until <= phases[-2][0]:
            phases = phases[:-1]
        level = self._level(x, phases[-1])
        for phase in phases[-2::-1]:
            level = where(x <= phase[0], self._level(x, phase), level)
        return base * level

    def _level(self, x: Any, phase: tuple[float, float, float, float]) -> Any:
        until, span, to, since = phase
        left = (until - x) / span
        if not self._linear:
            left = (1 - cos(pi * left)) / 2
        return to * (1 - left) + since * left  # exact at both ends
