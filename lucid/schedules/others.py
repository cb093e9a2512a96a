"""Schedules for a purpose: tests of ranges, optimizers with a step of their own, noise, what follows another schedule."""

from math import pi
from typing import Any

from lucid.schedules._numbers import Inside, NonNegative, Positive, Whole
from lucid.schedules._ops import HUGE, clip, cos, exp, floor, floor_divide, log, minimum, raised, where
from lucid.schedules._schedule import Schedule, _inherit


class RangeTest(Schedule):
    r"""Up in a straight line without end: how much a model stands.

    .. math::
        x = \begin{cases} \lfloor t / n \rfloor & \text{staircase} \\ t / n & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{base} \, (1 + r x)

    The exponential one is ``Exponential(high / low, every=steps)``.

    Args:
        every: :math:`n > 0`, in the unit of ``t``.
        rate: :math:`r > 0`, multiples of the base that come on top per ``every``.
        staircase: whether it goes up once per ``every``, in stairs.

    Raises:
        ValueError: a number outside of its range.
        TypeError: ``staircase`` is not a bool.

    Example:
        >>> RangeTest(2).at(range(5)), RangeTest(2, staircase=True).at(range(5))
        ([1.0, 1.5, 2.0, 2.5, 3.0], [1.0, 1.0, 2.0, 2.0, 3.0])

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015); in DeepSpeed LRRangeTest.
    """

    every: Positive
    rate: Positive = 1.0
    staircase: bool = False

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        t = clip(t, 0)
        x = floor_divide(t, self.every) if self.staircase else t / self.every
        return base * (1.0 + clip(self.rate * x, 0, HUGE))


class Adafactor(Schedule):
    r"""Adafactor's relative step; the base is the scale of the parameters, 1 for none.

    .. math::
        k = t + 1 \\
        \eta(t) = \eta_{base} \begin{cases}
            \min(k / 1000000, k^{-1/2}) & \text{warmup} \\ \min(1 / 100, k^{-1/2}) & \text{otherwise}
        \end{cases}

    Args:
        warmup_init: whether it starts small, and rises with the steps.

    Raises:
        TypeError: ``warmup_init`` is not a bool.

    Example:
        >>> Adafactor().at([0, 9999, 39999]), Adafactor(warmup_init=True)(0)
        ([0.01, 0.01, 0.005], 1e-06)

    Source: Shazeer & Stern, "Adafactor" (2018), section 8.
    """

    warmup_init: bool = False

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        k = clip(t, 0) + 1.0
        return base * minimum(k / 1e6 if self.warmup_init else 0.01 + 0 * k, k**-0.5)


class Eden(Schedule):
    r"""Down with the batches and with the epochs, and a short warm-up: two clocks.

    .. math::
        x = \lfloor t / n \rfloor \\
        \eta(t) = \eta_{base} \,
            \left(\frac{t^2 + B^2}{B^2}\right)^{-1/4} \, \left(\frac{x^2 + E^2}{E^2}\right)^{-1/4} \,
            \left(a + (1 - a) \, \min\left(\frac{t}{w}, 1\right)\right)

    Args:
        lr_batches: :math:`B > 0`, where the fall with the steps begins to tell.
        lr_epochs: :math:`E > 0`, where the fall with the epochs begins to tell.
        steps_per_epoch: :math:`n > 0`.
        warmup_steps: :math:`w > 0`.
        warmup_start: :math:`a \ge 0`, multiple of the base at 0.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> [round(v, 6) for v in Eden(5000, 4, 1000).at([0, 500, 4000, 5000])]
        [0.5, 0.997516, 0.743073, 0.664625]

    Source: icefall's Eden (2022), with Yao et al., "Zipformer" (2023).
    """

    lr_batches: Positive
    lr_epochs: Positive
    steps_per_epoch: Positive
    warmup_steps: Positive = 500.0
    warmup_start: NonNegative = 0.5

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        t = clip(t, 0)
        epoch = floor_divide(t, self.steps_per_epoch)
        rise = self.warmup_start + (1 - self.warmup_start) * clip(t / self.warmup_steps, 0.0, 1.0)
        x, y = t / self.lr_batches, epoch / self.lr_epochs
        return base * ((x * x + 1.0) ** -0.25 * (y * y + 1.0) ** -0.25 * rise)


class Proportion(Schedule):
    r"""What another schedule is at between two values, between two others: weight decay or momentum that follows the rate.

    .. math:: \eta(t) = c + (d - c) \, \frac{s(t, \eta_{base}) - a}{b - a}

    Args:
        of: the schedule :math:`s`.
        of_low: :math:`a \ge 0`, a value of it; beyond, the line goes on.
        of_high: :math:`b \ge 0`, another value of it.
        low: :math:`c \ge 0`, what ``of_low`` becomes.
        high: :math:`d \ge 0`, what ``of_high`` becomes.

    Raises:
        ValueError: a number outside of its range, ``of_low`` equal to ``of_high``.

    Example:
        >>> from lucid.schedules import Linear
        >>> Proportion(Linear(4, 1.0, 0.0), 0.0, 1.0, 0.95, 0.85).at([0, 2, 4])
        [0.85, 0.8999999999999999, 0.95]
    """

    of: Schedule
    of_low: NonNegative
    of_high: NonNegative
    low: NonNegative
    high: NonNegative

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.of_low == self.of_high:
            raise ValueError(f"Proportion: of_low and of_high must differ, got {self.of_low!r} twice")
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return self.of.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.low + (self.high - self.low) * ((self.of(t, base) - self.of_low) / (self.of_high - self.of_low))


class Noise(Schedule):
    r"""A schedule with noise on top: another share of its value at each step, the same in every run and after every resume.

    .. math::
        x = \min(t, L) \\
        \eta(t) = s(t, \eta_{base}) \begin{cases}
            1 + [x \ge a] \, \epsilon(\lfloor x \rfloor) & \text{endless} \\
            1 + [x \ge a] \, [x < b] \, \epsilon(\lfloor x \rfloor) & \text{ends}
        \end{cases}

    The noise :math:`\epsilon(k)`, :meth:`draw`, is a pure function of the step and the seed. It is the same for Python
    numbers and all arrays, and no library's generator is touched.

    Args:
        of: the schedule :math:`s`, of length :math:`L`, beyond which nothing changes.
        size: bound of the noise, a share of the value in (0, 1).
        std: standard deviation > 0 of normal noise, which is drawn again until it is within ``size``: one coordinate of a
            normal point that lies in the circle of this radius. None draws evenly.
        seed: a whole number >= 0.
        start: :math:`a \ge 0`, when noise begins.
        end: :math:`b \ge 0`, when it is over; None for never.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> from lucid.schedules import Constant
        >>> [round(v, 3) for v in Noise(Constant(), size=0.1, start=2).at(range(6))]
        [1.0, 1.0, 0.972, 1.023, 0.914, 1.055]

    Source: noise on the rate, as in timm; the generator adds three small ones, after Wichmann & Hill (1982).
    """

    of: Schedule
    size: Inside = 0.67
    std: Positive | None = None
    seed: Whole = 0
    start: NonNegative = 0.0
    end: NonNegative | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _inherit(self, (self.of,))

    @property
    def length(self) -> float:
        return self.of.length

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        x = clip(t, 0, self.of.length)
        noise = where(x < self.start, 0.0 * x, self.draw(floor(x)))
        if self.end is not None:
            noise = where(x < self.end, noise, 0.0 * x)
        return self.of(t, base) * (1 + noise)

    def draw(self, step: Any) -> Any:
        """The noise of a step, between ``-size`` and ``size``."""
        even = self._even(step, 1)
        if self.std is None:
            return self.size * (2 * even - 1)
        bound = self.size / self.std
        inside = 1 - exp(-bound * bound / 2)
        radius = raised(-2 * log(1 - inside * even), 0.5)
        return self.std * radius * cos(2 * pi * self._even(step, 2))

    def _even(self, step: Any, stream: int) -> Any:
        """A number in [0, 1): three hashes modulo primes so small that single precision multiplies them exactly."""
        total = 0.0
        for p in (2039, 2027, 2003):  # 2 modulo 3, so that cubing shuffles
            x = step % p
            for salt in (self.seed % p, stream * 769 + self.seed // p % p, 101):
                x = ((x * x) % p * x + salt) % p
            total = total + x / p
        return total % 1.0
