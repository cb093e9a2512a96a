"""Decay with a power of one over time."""

from typing import Any

from lucid.schedules._numbers import NonNegative, Positive
from lucid.schedules._ops import clip, minimum
from lucid.schedules._schedule import Schedule, _Composed
from lucid.schedules.constant import Constant


class InversePower(Schedule):
    r"""One over a power of time: inverse square root, inverse time, power law.

    .. math:: \eta(t) = \eta_{base} \, \left(1 + \frac{t}{s}\right)^{-q}

    After a warm-up of ``timescale`` steps this is the Transformer's decay :math:`\sqrt{s / t}`:
    ``InversePower(4000).warmup(4000)``. Keras' InverseTimeDecay is ``InversePower(decay_steps / decay_rate, 1)``.

    Args:
        timescale: :math:`s > 0`, in the unit of ``t``; the larger, the slower.
        power: :math:`q > 0`.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> InversePower(100).at([0, 300, 1500]), InversePower(100, power=1).at([0, 100, 300])
        ([1.0, 0.5, 0.25], [1.0, 0.5, 0.25])

    Source: Vaswani et al., "Attention Is All You Need" (2017); Zhai et al., "Scaling Vision Transformers" (2021), whose
    rsqrt has a timescale; power: Shen et al., "Power Scheduler" (2024).
    """

    aliases = {"inverse_sqrt": {"power": 0.5}, "rsqrt": {"power": 0.5}, "power_decay": {}, "inverse_time": {"power": 1.0}}

    timescale: Positive
    power: Positive = 0.5

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base * (1.0 + clip(t, 0) / self.timescale) ** -self.power


class NoamHold(_Composed):
    r"""A warm-up, the peak for a while, then one over a power of time.

    .. math::
        \eta(t) = \eta_{base} \begin{cases}
            t / w & t < w \\
            1 & t < w + h \\
            \left(\frac{w}{t - h}\right)^q & \text{otherwise}
        \end{cases}

    Args:
        warmup_steps: :math:`w > 0`, in the unit of ``t``.
        hold_steps: :math:`h \ge 0`, how long the peak lasts.
        power: :math:`q > 0`.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> NoamHold(2, 3).at([0, 1, 2, 5, 11])
        [0.0, 0.5, 1.0, 1.0, 0.5]

    Source: Kim et al., "Squeezeformer" (2022), as in NeMo.
    """

    warmup_steps: Positive
    hold_steps: NonNegative
    power: Positive = 0.5

    def compose(self) -> Schedule:
        return (Constant()[: self.hold_steps] >> InversePower(self.warmup_steps, self.power)).warmup(self.warmup_steps)


class Noam(Schedule):
    r"""The Transformer's schedule: linear warm-up, then one over the square root of time. Absolute: the base plays no part.

    .. math::
        k = \max(t, 1) \\
        \eta(t) = c \, d^{-1/2} \, \min(k^{-1/2}, k \, w^{-3/2})

    Args:
        model_size: :math:`d > 0`, width of the model.
        warmup_steps: :math:`w > 0`, where the peak :math:`c / \sqrt{d w}` lies, in the unit of ``t``.
        factor: :math:`c > 0`, scales the whole curve.

    Raises:
        ValueError: a number outside of its range.

    Example:
        The Transformer's own, peak 7.0e-4 at step 4000:

        >>> [round(v, 9) for v in Noam(512, 4000).at([0, 1, 4000, 16000])]
        [1.75e-07, 1.75e-07, 0.000698771, 0.000349386]

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 5.3.
    """

    absolute = True

    model_size: Positive
    warmup_steps: Positive
    factor: Positive = 1.0

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        k = clip(t, 1)
        return self.factor * self.model_size**-0.5 * minimum(k**-0.5, k * clip(self.warmup_steps, 1e-100) ** -1.5)
