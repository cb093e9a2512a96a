"""Schedules of several phases: compositions that have a name."""

from collections.abc import Callable
from math import floor
from typing import Any

from lucid.schedules._numbers import AtLeastOne, Count, Inside, NonNegative, Positive
from lucid.schedules._ops import is_number
from lucid.schedules._schedule import Join, Schedule, _Composed
from lucid.schedules.constant import Constant
from lucid.schedules.cosine import Cosine
from lucid.schedules.decay import Decay, Shape
from lucid.schedules.exponential import Exponential
from lucid.schedules.inverse_power import InversePower
from lucid.schedules.linear import Linear

_MOST = 10_000  # cycles that are laid out


class WSD(_Composed):
    r"""Warm-up, stable, decay: the peak for as long as you like, then a cooldown. Also called trapezoidal.

    .. math::
        x = t - w \\
        \eta(t) = \begin{cases}
            (a + (1 - a) \, t / w) \, \sigma(0, \eta_{base}) & t < w \\
            \delta(\max(x - (T - D), 0), \sigma(x, \eta_{base})) & \text{otherwise}
        \end{cases}

    In words: :math:`\delta` is the :class:`Decay` of the same ``shape`` over :math:`D`, of what is stable, :math:`\sigma`.

    Args:
        steps: :math:`T > 0`, stable and decay together, without the warm-up, in the unit of ``t``.
        decay_steps: :math:`D > 0`, the last part of them.
        warmup_steps: :math:`w \ge 0`, before them.
        end: the value at the end, absolute, >= 0.
        shape: the shape of the decay, as that of :class:`Decay`.
        power: for the shape ``"power"``.
        ratio: for the shapes ``"exponential"`` and ``"inverse"``.
        start: :math:`a \ge 0`, multiple of the peak at 0.
        stable: :math:`\sigma`, what the base does before and while it decays, if it does not stand still: a Schedule.

    Raises:
        ValueError: a number outside of its range, ``decay_steps`` above ``steps``.

    Example:
        >>> WSD(8, 4, warmup_steps=2, shape="linear").at([0, 1, 2, 6, 8, 10])
        [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]

    Source: Hu et al., "MiniCPM" (2024); 1-sqrt: Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed
    Training Durations" (2024).
    """

    aliases = {
        "warmup_stable_decay": {},
        "trapezoidal": {"shape": "linear"},
        "warmup_hold_cosine": {"shape": "cosine"},
    }

    steps: Positive
    decay_steps: Positive
    warmup_steps: NonNegative = 0.0
    end: NonNegative = 0.0
    shape: Shape | Callable[[Any], Any] = "1-sqrt"
    power: Positive = 0.5
    ratio: Inside = 0.1
    start: NonNegative = 0.0
    stable: Schedule | None = None

    def compose(self) -> Schedule:
        if self.decay_steps > self.steps:
            raise ValueError(f"WSD: decay_steps must be <= steps, {self.steps!r}, got {self.decay_steps!r}")
        decay = Decay(self.decay_steps, self.end, self.shape, self.power, self.ratio)
        made: Schedule = Constant()[: self.steps - self.decay_steps] >> decay
        made = made if self.stable is None else (self.stable * made)[: self.steps]
        return made.warmup(self.warmup_steps, start=self.start)


class RsqrtCooldown(_Composed):
    r"""Warm-up, one over the square root of time, and a cooldown of that.

    .. math::
        x = t - w \\
        \eta(t) = \begin{cases}
            \eta_{base} \, t / w & t < w \\
            \delta(\max(x - (T - D), 0), \eta_{base} \, (1 + x / s)^{-1/2}) & \text{otherwise}
        \end{cases}

    In words: :math:`\delta` is the :class:`Decay` of the same ``shape`` over :math:`D`; the square root goes on meanwhile.

    Args:
        steps: :math:`T > 0`, without the warm-up, in the unit of ``t``.
        decay_steps: :math:`D > 0`, the last part of them.
        warmup_steps: :math:`w \ge 0`, before them.
        timescale: :math:`s > 0`; None takes ``warmup_steps``.
        end: the value at the end, absolute, >= 0.
        shape: the shape of the cooldown, as that of :class:`Decay`.

    Raises:
        ValueError: a number outside of its range, ``decay_steps`` above ``steps``.

    Example:
        >>> RsqrtCooldown(400, 100, timescale=100).at([0, 300, 400])
        [1.0, 0.5, 0.0]

    Source: Zhai et al., "Scaling Vision Transformers" (2021).
    """

    steps: Positive
    decay_steps: Positive
    warmup_steps: NonNegative = 0.0
    timescale: Positive | None = None
    end: NonNegative = 0.0
    shape: Shape | Callable[[Any], Any] = "linear"

    def compose(self) -> Schedule:
        if self.timescale is None:
            if not self.warmup_steps:
                raise ValueError("RsqrtCooldown: timescale must be given where there is no warm-up to take it from")
            object.__setattr__(self, "timescale", self.warmup_steps)
        if self.decay_steps > self.steps:
            raise ValueError(f"RsqrtCooldown: decay_steps must be <= steps, {self.steps!r}, got {self.decay_steps!r}")
        stable = InversePower(self.timescale)  # type: ignore[arg-type]
        return WSD(self.steps, self.decay_steps, self.warmup_steps, self.end, self.shape, stable=stable)


class WSDS(_Composed):
    r"""Periods that are stable and then decay, one after the other; each starts at the peak again: WSD-S.

    .. math::
        \eta(t) = \begin{cases}
            \eta_{base} \, t / w & t < w \\
            s(t - w - r, \eta_{base}) & \text{otherwise}
        \end{cases}

    In words: :math:`s` is the :class:`WSD` of the period that the time lies in, and :math:`r` when that began after the
    warm-up; after the last one its end holds.

    Args:
        periods: lengths > 0 of the periods, stable and decay together, in the unit of ``t``.
        decay_steps: length > 0 of the decay in each.
        warmup_steps: :math:`w \ge 0`, before the first.
        end: the value at the end of each period, absolute, >= 0.
        shape: the shape of the decays, as that of :class:`Decay`.

    Raises:
        ValueError: a number outside of its range, ``decay_steps`` above a period.

    Example:
        >>> WSDS((4, 6), 2, shape="linear").at(range(11))
        [1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]

    Source: Wen et al., "Understanding Warmup-Stable-Decay Learning Rates" (2024).
    """

    aliases = {"infinite": {}}

    periods: tuple[Positive, ...]
    decay_steps: Positive
    warmup_steps: NonNegative = 0.0
    end: NonNegative = 0.0
    shape: Shape | Callable[[Any], Any] = "linear"

    def compose(self) -> Schedule:
        for period in self.periods:
            if self.decay_steps > period:
                raise ValueError(f"WSDS: decay_steps must be <= every period, {period!r}, got {self.decay_steps!r}")
        parts = tuple(WSD(period, self.decay_steps, 0.0, self.end, self.shape) for period in self.periods)
        return Join(parts).warmup(self.warmup_steps)


class TriStage(_Composed):
    r"""Warm-up from a small rate, the peak for a while, then an exponential to a small rate.

    .. math::
        \eta(t) = \eta_{base} \begin{cases}
            a + (1 - a) \, t / w & t < w \\
            1 & t < w + h \\
            e^{\min((t - w - h) / D, 1)} & \text{otherwise}
        \end{cases}

    Args:
        warmup_steps: :math:`w \ge 0`, in the unit of ``t``.
        hold_steps: :math:`h \ge 0`.
        decay_steps: :math:`D > 0`.
        start: :math:`a \ge 0`, multiple of the base at 0.
        end: :math:`e > 0`, multiple of the base at the end.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> TriStage(2, 2, 2, start=0.5, end=0.25).at(range(8))
        [0.5, 0.75, 1.0, 1.0, 1.0, 0.5, 0.25, 0.25]

    Source: Park et al., "SpecAugment" (2019), as in fairseq.
    """

    warmup_steps: NonNegative
    hold_steps: NonNegative
    decay_steps: Positive
    start: NonNegative = 0.01
    end: Positive = 0.01

    def compose(self) -> Schedule:
        decay = Exponential(self.end, every=self.decay_steps)[: self.decay_steps]
        return (Constant()[: self.hold_steps] >> decay).warmup(self.warmup_steps, start=self.start)


class FlatCosine(_Composed):
    r"""The base for most of the time, then half a cosine to ``end``.

    .. math::
        p = \min\left(\frac{\max(t - f T, 0)}{(1 - f) \, T}, 1\right) \\
        \eta(t) = \eta_{end} + (\eta_{base} - \eta_{end}) \, \frac{1 + \cos(\pi p)}{2}

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        flat: :math:`f` in (0, 1), the share of it that is flat.
        end: :math:`\eta_{end} \ge 0`, the value at the end, absolute.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> FlatCosine(8, flat=0.5).at([0, 4, 6, 8])
        [1.0, 1.0, 0.5, 0.0]

    Source: fastai's ``fit_flat_cos`` (2019).
    """

    steps: Positive
    flat: Inside = 0.7
    end: NonNegative = 0.0

    def compose(self) -> Schedule:
        since = self.flat * self.steps
        return Constant()[:since] >> Cosine(self.steps - since, self.end)


class SlantedTriangular(_Composed):
    r"""A short way up and a long way down, both straight.

    .. math::
        c = \lfloor T q \rfloor \\
        \eta(t) = \frac{\eta_{base}}{r} \begin{cases}
            1 + (r - 1) \, t / c & t < c \\
            1 + (r - 1) \, (1 - \min((t - c) / (T - c), 1)) & \text{otherwise}
        \end{cases}

    Args:
        steps: length :math:`T > 0`, in the unit of ``t``.
        cut_frac: :math:`q` in (0, 1), the share of the steps that the way up takes.
        ratio: :math:`r \ge 1`, how many times smaller than the base the rate is at both ends.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> SlantedTriangular(20, cut_frac=0.2, ratio=4.0).at([0, 2, 4, 12, 20])
        [0.25, 0.625, 1.0, 0.625, 0.25]

    Source: Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification" (2018).
    """

    steps: Positive
    cut_frac: Inside = 0.1
    ratio: AtLeastOne = 32.0

    def compose(self) -> Schedule:
        cut, low = floor(self.steps * self.cut_frac), 1 / self.ratio
        return Linear(self.steps - cut, 1.0, low).warmup(cut, start=low)


class CosineRestarts(_Composed):
    r"""Cosines one after the other, each from the peak again: equal ones, growing ones, or any list of lengths.

    .. math:: \eta(t) = s_i(t - t_i, \eta_{base}), \qquad t_i \le t < t_{i+1}

    In words: cycle :math:`s_i` warms up for ``warmup_steps`` to its peak and goes down from there to ``end`` in a cosine
    over its steps; the next one starts when it is over, and after the last one its end holds.

    Args:
        steps: length > 0 of the first cosine, in the unit of ``t``, or a list with those of all.
        times: how many cycles, >= 1; None goes on for ever. Not with a list.
        growth: how many times as long as the one before each cosine is, > 0. Not with a list.
        decay: how many times as high as the one before each peak is, >= 0; or a list of multiples of the base, one for each
            cycle of a list.
        end: the value at the end of each cycle, absolute, >= 0.
        warmup_steps: length >= 0 of the warm-up in each cycle, which does not grow.
        warmup_start: multiple of the peak where a warm-up starts, >= 0.

    Raises:
        ValueError: a number outside of its range; lists of different lengths; no ``times`` where cycles get shorter or peaks
            higher, or where they grow after a warm-up: the restarts of that have no formula.

    Example:
        >>> CosineRestarts(2, growth=2, decay=0.5).at([0, 1, 2, 4, 6])
        [1.0, 0.5, 0.5, 0.25, 0.25]
        >>> CosineRestarts((2, 2), decay=(1.0, 0.8), warmup_steps=1).at(range(7))
        [0.0, 1.0, 0.5, 0.0, 0.8, 0.4, 0.0]

    Source: Loshchilov & Hutter, "SGDR" (2016).
    """

    aliases = {"sgdr": {}, "warm_restarts": {}, "cosine_annealing_warm_restarts": {}, "warmup_restarts": {}}

    steps: Positive | tuple[Positive, ...]
    times: Count | None = None
    growth: Positive = 1.0
    decay: NonNegative | tuple[NonNegative, ...] = 1.0
    end: NonNegative = 0.0
    warmup_steps: NonNegative = 0.0
    warmup_start: NonNegative = 0.0

    def compose(self) -> Schedule:
        steps, times, decay = self.steps, self.times, self.decay
        if isinstance(steps, tuple):
            if times is not None or self.growth != 1:
                raise ValueError("CosineRestarts: a list of steps says times and growth, so they must not be given")
        elif isinstance(decay, tuple):
            raise ValueError(f"CosineRestarts: a list of decays needs a list of steps, got {steps!r}")
        elif 0 < decay <= 1 and (self.growth == 1 or (self.growth > 1 and self.warmup_steps == 0)):
            return self._cycle(steps).repeat(times, stretch=self.growth, decay=decay)
        elif times is None:
            raise ValueError(
                "CosineRestarts: times must be given where cycles get shorter or peaks higher, or where cycles grow after a "
                "warm-up that does not"
            )
        elif times > _MOST:
            raise ValueError(f"CosineRestarts: times must be <= {_MOST} for cycles that are laid out one by one, got {times!r}")
        else:
            try:
                steps = tuple(float(steps * self.growth**i) for i in range(times))
            except OverflowError:
                raise ValueError(f"CosineRestarts: the last of {times} cycles is longer than every number") from None
        try:
            ratio: Any = float(decay) if not isinstance(decay, tuple) and is_number(decay) else decay
            weights = decay if isinstance(decay, tuple) else tuple(ratio**i for i in range(len(steps)))
        except OverflowError:
            raise ValueError(f"CosineRestarts: the last of {times} peaks is higher than every number") from None
        if len(weights) != len(steps):
            raise ValueError(f"CosineRestarts: decay must be as many as steps, {len(steps)}, got {weights!r}")
        cycles = (Constant(weight)[:0] * self._cycle(n) for n, weight in zip(steps, weights, strict=True))
        return Join(tuple(cycles))

    def _cycle(self, steps: float) -> Schedule:
        return Cosine(steps, self.end).warmup(self.warmup_steps, start=self.warmup_start)
