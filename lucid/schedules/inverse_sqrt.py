"""Decay with one over the square root of time."""

from typing import Any

from lucid.schedules._numbers import Positive
from lucid.schedules._ops import clip, minimum
from lucid.schedules._schedule import Schedule


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
        return self.factor * self.model_size**-0.5 * minimum(k**-0.5, k * self.warmup_steps**-1.5)
