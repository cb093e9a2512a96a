"""Keras' learning-rate schedules under their own names: each gives the Lucid Schedule it is.

    from lucid.compat.keras import CosineDecay

    schedule = CosineDecay(0.1, decay_steps=900, warmup_target=0.1, warmup_steps=100)

Names, parameters and defaults are those of ``keras.optimizers.schedules`` (Keras 3), and so are the values at every whole step.
They are absolute, as Keras': the base of a parameter group plays no part. Keras itself is not needed; a Keras model takes the
schedule, or any other, as ``lucid.adapters.keras(schedule)``.

What is different, on purpose:

* A whole number for the first rate is a rate like any other. Keras computes in its type: ``CosineDecay(0, 900,
  warmup_target=0.1, warmup_steps=100)`` stays at 0 there, and here it warms up from 0.
* Everything is computed in the precision of the time that is asked for, 64 bits for a Python number; Keras computes in
  ``keras.config.floatx()``.
* Between whole steps, ``PiecewiseConstantDecay`` changes at the next whole one, and so does ``ExponentialDecay`` with a
  ``decay_rate`` of 0.
* ``CosineDecayRestarts`` with both ``m_mul`` and ``t_mul`` above 1 is laid out cycle by cycle until step 2**31, where the steps
  that Keras counts end; the end of the last cycle holds.
* What would give rates below zero or no number at all is refused at once: a ``t_mul`` below 1, whose cycles are all over by
  step ``first_decay_steps / (1 - t_mul)``, and NaN in Keras from then on; negative rates, targets, shares, powers and ratios;
  lengths that are not > 0.
* Refused, though Keras gives numbers: in ``CosineDecayRestarts`` an ``alpha`` above 1, ``m_mul`` above 1 with a ``t_mul`` so
  little above 1 that it takes more than 200 cycles to step 2**31, or with peaks beyond every float by then; in
  ``PiecewiseConstantDecay`` boundaries that are negative, out of order, or two within one step.

The metric-driven ``keras.callbacks.ReduceLROnPlateau(factor=f, patience=p, mode=m, min_delta=d, cooldown=c, min_lr=l)`` is an
option of Lucid's, epoch by epoch the same::

    lucid.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode=m, factor=f, patience=max(p - 1, 0), threshold=d, threshold_mode="abs",
        cooldown=max(c - 1, 0), min_lr=l, eps=0.0, on_nan="bad",
    )

because Keras cuts in the bad epoch that makes ``patience`` full, not in the one after it, and counts bad epochs again in the
last one of the cooldown. ``mode="auto"`` has to be said: ``"min"`` for a loss, ``"max"`` for an accuracy. Where the very first
metric is NaN, Keras keeps it as the best one and no epoch ever is good again; here NaN never becomes the best.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from lucid.schedules import (
    Absolute,
    Cosine,
    CosineRestarts,
    Exponential,
    InversePower,
    Piecewise,
    Polynomial,
    Schedule,
    Step,
    Stretch,
)
from lucid.schedules._numbers import hold, number

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
]

_LAST = 2**31  # Keras counts in 32 bits
_MOST = 200  # cycles in a row: a compiler unrolls them
_LN_LARGEST = 690.0  # e to it is a float, and a rate of thousands times it still is


def ExponentialDecay(  # noqa: N802
    initial_learning_rate: float,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = "ExponentialDecay",
) -> Schedule:
    r"""``initial_learning_rate`` times ``decay_rate`` every ``decay_steps``, smoothly or in stairs.

    ``Absolute(initial_learning_rate) * Exponential(decay_rate, every=decay_steps)``, with ``Step`` for stairs. With a
    ``decay_rate`` of 0 there is one step, or one stair, of the first rate, and nothing after it.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps per ``decay_rate``, > 0.
        decay_rate: ratio, >= 0.
        staircase: whether the rate changes only at whole multiples of ``decay_steps``.
        name: taken and not used, as a schedule has no operations to name.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: a number outside of its range.

    Example:
        >>> ExponentialDecay(0.5, decay_steps=2, decay_rate=0.25).at(range(4))
        [0.5, 0.25, 0.125, 0.0625]
        >>> ExponentialDecay(0.5, decay_steps=2, decay_rate=0.25, staircase=True).at(range(4))
        [0.5, 0.5, 0.125, 0.125]
    """
    owner = "ExponentialDecay"
    first, steps = _begin(owner, name, initial_learning_rate), number(owner, "decay_steps", decay_steps, "> 0")
    rate, stairs = number(owner, "decay_rate", decay_rate, ">= 0"), _flag(owner, "staircase", staircase)
    if not rate:
        return first[: steps if stairs else 1] >> Absolute(0.0)
    return first * (Step(steps, rate) if stairs else Exponential(rate, every=steps))


def PiecewiseConstantDecay(  # noqa: N802
    boundaries: Sequence[float], values: Sequence[float], name: str | None = "PiecewiseConstant"
) -> Schedule:
    r"""A value for each stretch between boundaries; at a boundary itself the value before it still holds.

    ``Absolute(1.0) * Piecewise((0, floor(boundaries) + 1), values)``.

    Args:
        boundaries: steps >= 0 in ascending order, the last one of each stretch.
        values: rates >= 0, one more than boundaries.
        name: taken and not used.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: not one value more than boundaries; boundaries of which two fall into the same step, or out of order; a
            number outside of its range.

    Example:
        >>> PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25]).at(range(7))
        [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    owner = "PiecewiseConstantDecay"
    _name(owner, name)
    limits = _listed(owner, "boundaries", boundaries)
    rates = _listed(owner, "values", values)
    if len(limits) != len(rates) - 1:
        raise ValueError(f"{owner}: values must be one more than boundaries, got {len(rates)} values, {len(limits)} boundaries")
    times = [0, *(math.floor(limit) + 1 for limit in limits)]  # Keras rounds down to the type of the step
    if any(a >= b for a, b in pairwise(times)):
        raise ValueError(f"{owner}: boundaries must rise by a step at least, got {boundaries!r}; sort them")
    return Absolute(1.0) * Piecewise(tuple(times), tuple(rates))


def PolynomialDecay(  # noqa: N802
    initial_learning_rate: float,
    decay_steps: float,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str | None = "PolynomialDecay",
) -> Schedule:
    r"""From ``initial_learning_rate`` to ``end_learning_rate`` with a power of the time that is left.

    ``Absolute(initial_learning_rate) * Polynomial(decay_steps, power, end_learning_rate, cycle)``.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: length in steps, > 0.
        end_learning_rate: rate at the end, >= 0.
        power: >= 0; 1 is a straight line.
        cycle: after ``decay_steps``, whether to go on with the curve of twice as many steps, then that of three times and so
            on; otherwise the end holds.
        name: taken and not used.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: a number outside of its range.

    Example:
        >>> PolynomialDecay(0.5, 4, end_learning_rate=0.0).at(range(6))
        [0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
        >>> PolynomialDecay(0.5, 2, end_learning_rate=0.0, cycle=True).at(range(5))
        [0.5, 0.25, 0.0, 0.125, 0.0]
    """
    owner = "PolynomialDecay"
    first, steps = _begin(owner, name, initial_learning_rate), number(owner, "decay_steps", decay_steps, "> 0")
    end = number(owner, "end_learning_rate", end_learning_rate, ">= 0")
    return first * Polynomial(steps, number(owner, "power", power, ">= 0"), end, _flag(owner, "cycle", cycle))


def InverseTimeDecay(  # noqa: N802
    initial_learning_rate: float,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = "InverseTimeDecay",
) -> Schedule:
    r"""``initial_learning_rate`` over 1 + ``decay_rate`` times the time in units of ``decay_steps``, smoothly or in stairs.

    ``Absolute(initial_learning_rate) * InversePower(1 / decay_rate, power=1).per_epoch(decay_steps, staircase=staircase)``.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: unit of time, in steps, > 0.
        decay_rate: >= 0; 0 keeps the rate.
        staircase: whether the rate changes only at whole multiples of ``decay_steps``.
        name: taken and not used.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: a number outside of its range.

    Example:
        >>> InverseTimeDecay(0.5, decay_steps=2, decay_rate=1.0).at([0, 1, 2, 6])
        [0.5, 0.3333333333333333, 0.25, 0.125]
        >>> InverseTimeDecay(0.5, decay_steps=2, decay_rate=1.0, staircase=True).at([0, 1, 2, 6])
        [0.5, 0.5, 0.25, 0.125]
    """
    owner = "InverseTimeDecay"
    first, steps = _begin(owner, name, initial_learning_rate), number(owner, "decay_steps", decay_steps, "> 0")
    rate, stairs = number(owner, "decay_rate", decay_rate, ">= 0"), _flag(owner, "staircase", staircase)
    return first * Stretch(InversePower(1 / rate, power=1.0), steps, stairs) if rate else first


def CosineDecay(  # noqa: N802
    initial_learning_rate: float,
    decay_steps: float,
    alpha: float = 0.0,
    name: str | None = "CosineDecay",
    warmup_target: float | None = None,
    warmup_steps: float = 0,
) -> Schedule:
    r"""Half a cosine down to a share of its start, after a straight warm-up where ``warmup_target`` is given.

    ``Absolute(initial_learning_rate) * Cosine(decay_steps, alpha * initial_learning_rate)``, or
    ``(Absolute(initial_learning_rate) * Polynomial(warmup_steps, end=warmup_target))[:warmup_steps] >>
    Absolute(warmup_target) * Cosine(decay_steps, alpha * warmup_target)``.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: length of the cosine in steps, > 0; the warm-up comes on top.
        alpha: share >= 0 of ``warmup_target``, or without one of ``initial_learning_rate``, that is left at the end.
        name: taken and not used.
        warmup_target: rate >= 0 at the end of the warm-up; None is without one.
        warmup_steps: length of the warm-up in steps, >= 0, of which without ``warmup_target`` nothing is made. 0 starts at
            ``warmup_target``.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: a number outside of its range.

    Example:
        >>> CosineDecay(0.5, 4, alpha=0.5).at(range(0, 7, 2))
        [0.5, 0.375, 0.25, 0.25]
        >>> CosineDecay(0.0, 4, warmup_target=0.5, warmup_steps=2).at(range(0, 7, 2))
        [0.0, 0.5, 0.25, 0.0]
    """
    owner = "CosineDecay"
    first, steps = _begin(owner, name, initial_learning_rate), number(owner, "decay_steps", decay_steps, "> 0")
    share = number(owner, "alpha", alpha, ">= 0")
    rise = number(owner, "warmup_steps", warmup_steps, ">= 0")
    if warmup_target is None:
        return first * Cosine(steps, end=share * first.value)
    target = Absolute(number(owner, "warmup_target", warmup_target, ">= 0"))
    fall = target * Cosine(steps, end=share * target.value)
    return (first * Polynomial(rise, end=target.value))[:rise] >> fall if rise else fall


def CosineDecayRestarts(  # noqa: N802
    initial_learning_rate: float,
    first_decay_steps: float,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = "SGDRDecay",
) -> Schedule:
    r"""Cosines one after the other, longer and with lower peaks each time; the floor under them does not sink.

    With :math:`b` the first rate and :math:`a` the share of the floor, ``Absolute(a * b) + Absolute((1 - a) * b) *
    Cosine(first_decay_steps).repeat(stretch=t_mul, decay=m_mul)``. For peaks that rise, the cosines are
    ``Step(first_decay_steps, m_mul) * Cosine(first_decay_steps).repeat()`` where they are equally long, up to 2**126 times the
    first one, else ``CosineRestarts(first_decay_steps, times, t_mul, m_mul)`` with all that begin before step 2**31. Exact at
    every restart; Keras finds the cycle by a logarithm, whose rounding may show the end of the one before at a restart.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        first_decay_steps: length of the first cosine in steps, > 0.
        t_mul: how many times as long as the one before each cosine is, >= 1.
        m_mul: how many times as high above the floor as the one before each cosine starts, >= 0; 0 stays at the floor after the
            first one.
        alpha: share of ``initial_learning_rate``, in [0, 1], that is the floor.
        name: taken and not used.

    Raises:
        TypeError: a value of the wrong type.
        ValueError: a number outside of its range; with ``m_mul`` above 1, a ``t_mul`` with too many cycles to lay out, or
            peaks beyond every float.

    Example:
        Restarts at 2 and 6; peaks of 0.5, 0.25 and 0.125 above a floor of 0.5:

        >>> CosineDecayRestarts(1.0, 2, m_mul=0.5, alpha=0.5).at([0, 1, 2, 4, 6])
        [1.0, 0.75, 0.75, 0.625, 0.625]
    """
    owner = "CosineDecayRestarts"
    first, steps = _begin(owner, name, initial_learning_rate), number(owner, "first_decay_steps", first_decay_steps, "> 0")
    stretch, decay = number(owner, "t_mul", t_mul, ">= 1"), number(owner, "m_mul", m_mul, ">= 0")
    share = number(owner, "alpha", alpha, "in [0, 1]")
    above = Absolute((1 - share) * first.value) * _restarts(owner, steps, stretch, decay)
    return Absolute(share * first.value) + above


def _restarts(owner: str, steps: float, stretch: float, decay: float) -> Schedule:
    """Cosines down to 0, one after the other."""
    cycle = Cosine(steps)
    if not decay:
        return cycle
    if decay <= 1:
        return cycle.repeat(stretch=stretch, decay=decay)
    if stretch == 1:
        return Step(steps, decay) * cycle.repeat()
    times = max(math.ceil(math.log1p(_LAST / steps * (stretch - 1)) / math.log(stretch)), 1)
    if times > _MOST:
        raise ValueError(
            f"{owner}: t_mul must be 1, or so large that for m_mul > 1 at most {_MOST} cycles begin before step 2**31, got "
            f"{stretch!r} with {times} of them"
        )
    if (times - 1) * math.log(decay) > _LN_LARGEST:
        raise ValueError(
            f"{owner}: m_mul must be so small that the peaks up to step 2**31, {times} of them, are finite, got {decay!r}"
        )
    return CosineRestarts(steps, times, stretch, decay)


def _begin(owner: str, name: object, initial_learning_rate: float) -> Absolute:
    """The rate at step 0, and a look at ``name``: a rate that lands there was meant for something else."""
    _name(owner, name)
    return Absolute(number(owner, "initial_learning_rate", initial_learning_rate, ">= 0"))


def _name(owner: str, name: object) -> None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"{owner}: name must be a string, got {name!r}")


def _flag(owner: str, field: str, value: object) -> bool:
    return bool(hold(owner, field, value, [("bool", None)]))


def _listed(owner: str, field: str, values: Sequence[float]) -> list[float]:
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__len__") or not hasattr(values, "__iter__"):
        raise TypeError(f"{owner}: {field} must be a list of numbers, got {values!r}")
    return [number(owner, f"{field}[{i}]", value, ">= 0") for i, value in enumerate(values)]
