"""The schedules of ``mlx.optimizers`` by their own names and arguments: ``schedule(step)`` is the value that MLX's gives.

The values are absolute, as MLX's are. An MLX optimizer takes the schedule as its ``learning_rate``.

    >>> linear_schedule(0.0, 0.5, 4).at(range(6))
    [0.0, 0.125, 0.25, 0.375, 0.5, 0.5]

What differs, on purpose:

* Values below zero are refused, and a ``decay_rate`` that is not above it.
* Before step 0 the first value holds, where MLX goes on with the formula; no optimizer asks there.
* Growth stops at 2**126.

MLX itself is not needed.
"""

from lucid.compat.optax import join_schedules
from lucid.schedules import Absolute, Cosine, Exponential, Polynomial, Schedule, Step
from lucid.schedules._numbers import number

__all__ = ["cosine_decay", "exponential_decay", "join_schedules", "linear_schedule", "step_decay"]


def exponential_decay(init: float, decay_rate: float) -> Schedule:
    """Times ``decay_rate`` at each step: ``Absolute(init) * Exponential(decay_rate)``.

    Args:
        init: the value >= 0 at step 0.
        decay_rate: the ratio > 0 per step.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> exponential_decay(1.0, 0.5).at(range(4))
        [1.0, 0.5, 0.25, 0.125]
    """
    owner = "exponential_decay"
    return Absolute(number(owner, "init", init, ">= 0")) * Exponential(number(owner, "decay_rate", decay_rate, "> 0"))


def step_decay(init: float, decay_rate: float, step_size: int) -> Schedule:
    """Times ``decay_rate`` after each ``step_size`` steps: ``Absolute(init) * Step(step_size, decay_rate)``.

    Args:
        init: the value >= 0 at step 0.
        decay_rate: the ratio > 0.
        step_size: how many steps a stair is wide, >= 1.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> step_decay(1.0, 0.5, 2).at(range(5))
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    owner = "step_decay"
    start, rate = number(owner, "init", init, ">= 0"), number(owner, "decay_rate", decay_rate, "> 0")
    return Absolute(start) * Step(number(owner, "step_size", step_size, ">= 1"), rate)


def cosine_decay(init: float, decay_steps: int, end: float = 0.0) -> Schedule:
    """Half a cosine: ``Absolute(init) * Cosine(decay_steps, end)``.

    Args:
        init: the value >= 0 at step 0.
        decay_steps: how many steps it takes, >= 1.
        end: the value >= 0 after them.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> cosine_decay(1.0, 4, end=0.5).at([0, 2, 4, 6])
        [1.0, 0.75, 0.5, 0.5]
    """
    owner = "cosine_decay"
    start, steps = number(owner, "init", init, ">= 0"), number(owner, "decay_steps", decay_steps, ">= 1")
    return Absolute(start) * Cosine(steps, number(owner, "end", end, ">= 0"))


def linear_schedule(init: float, end: float, steps: int) -> Schedule:
    """A straight line: ``Absolute(init) * Polynomial(steps, end=end)``.

    Args:
        init: the value >= 0 at step 0.
        end: the value >= 0 from ``steps`` on.
        steps: how many steps it takes, >= 1.

    Raises:
        ValueError: a number outside of its range.
        TypeError: a number that is none.

    Example:
        >>> linear_schedule(0.0, 1.0, 4).at(range(6))
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    owner = "linear_schedule"
    start, stop = number(owner, "init", init, ">= 0"), number(owner, "end", end, ">= 0")
    return Absolute(start) * Polynomial(number(owner, "steps", steps, ">= 1"), end=stop)
