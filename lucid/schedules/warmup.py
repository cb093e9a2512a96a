"""The way up at the beginning."""

from math import pi
from typing import Any, Literal

from lucid.schedules._numbers import NonNegative, Positive
from lucid.schedules._ops import clip, cos, exp, floor, log, raised
from lucid.schedules._schedule import Schedule


class Warmup(Schedule):
    r"""From a multiple of the base up to the base, in one of many shapes.

    .. math::
        q = \min\left(\frac{t}{w}, 1\right) \\
        h = \begin{cases}
            q & \text{linear} \\
            q & \text{inverse} \\
            \lfloor q \rfloor & \text{constant} \\
            (1 - \cos(\pi q)) / 2 & \text{cosine} \\
            q^2 & \text{quadratic} \\
            1 - (1 - q)^{1/2} & \text{1-sqrt} \\
            \min(\log(1 + t) / \log(\max(w, 2)), 1) & \text{log} \\
            1 - \exp(-(t + 1) / w) & \text{exponential}
        \end{cases} \\
        \eta(t) = \eta_{base} \, (a + (1 - a) \, h)

    Args:
        steps: length :math:`w > 0`, in the unit of ``t``.
        start: :math:`a \ge 0`, multiple of the base at 0; None is 0, and 20 for ``"inverse"``, which comes down from there.
        shape: ``"linear"``, ``"cosine"``, ``"quadratic"``, ``"1-sqrt"``, ``"log"`` (DeepSpeed's), ``"inverse"``,
            ``"constant"`` (jumps at the end), or ``"exponential"``, which alone is not over after ``steps``: it goes on
            towards the base, so that it can be multiplied with what decays.

    Raises:
        ValueError: a number outside of its range, an unknown ``shape``.

    Example:
        >>> Warmup(4).at(range(6)), Warmup(4, shape="quadratic").at(range(6), base=0.8)
        ([0.0, 0.25, 0.5, 0.75, 1.0, 1.0], [0.0, 0.05, 0.2, 0.45, 0.8, 0.8])

    Source: Goyal et al., "Accurate, Large Minibatch SGD" (2017); exponential: Ma & Yarats, "On the adequacy of untuned
    warmup for adaptive optimization" (2019), with :math:`w = 1 / (1 - \beta_2)`.
    """

    steps: Positive
    start: NonNegative | None = None
    shape: Literal["linear", "cosine", "quadratic", "1-sqrt", "log", "exponential", "inverse", "constant"] = "linear"

    def __post_init__(self) -> None:
        if self.start is None:
            object.__setattr__(self, "start", 20.0 if self.shape == "inverse" else 0.0)
        super().__post_init__()

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        start: Any = self.start
        return base * (start + (1 - start) * _RISES[self.shape](clip(t, 0), self.steps))


_RISES = {
    "linear": lambda t, w: clip(t / w, 0.0, 1.0),
    "inverse": lambda t, w: clip(t / w, 0.0, 1.0),
    "constant": lambda t, w: floor(clip(t / w, 0.0, 1.0)),
    "cosine": lambda t, w: (1 - cos(pi * clip(t / w, 0.0, 1.0))) / 2,
    "quadratic": lambda t, w: clip(t / w, 0.0, 1.0) ** 2,
    "1-sqrt": lambda t, w: 1 - raised((w - clip(t, 0.0, w)) / w, 0.5),
    "log": lambda t, w: clip(log(1.0 + t) / log(clip(w, 2.0)), 0.0, 1.0),
    "exponential": lambda t, w: 1 - exp(-((t + 1) / w)),
}
