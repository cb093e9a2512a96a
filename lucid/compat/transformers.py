"""The schedulers of Hugging Face transformers by their own names and arguments, each a composition of the catalogue.

``from lucid.compat.transformers import get_scheduler`` takes the place of ``from transformers import get_scheduler``, and the
same with every ``get_*_schedule``. What comes back steps, saves and loads as any of Lucid's schedulers: the state is strict
JSON and holds the schedule itself, and states that transformers' own saved load too. The rates are those of transformers 5.23,
in every group and beyond the end of the training. Where they are not, it is on purpose:

- ``polynomial`` with ``num_training_steps == num_warmup_steps`` is at its end; there it divides by zero. With ``power=0`` it is
  at its end at ``num_training_steps``; there one step later.
- ``cosine_with_restarts`` restarts where a cycle ends; there rounding misses some, the first at 22 cycles in 22 steps. With a
  fractional ``num_warmup_steps`` each rounds in its own way where a cycle ends at the very step.
- ``cosine_warmup_with_min_lr`` with a fractional ``num_warmup_steps`` stops at the rate; there its last step goes beyond.
- A ``min_lr`` above ``optimizer.defaults["lr"]``, or a ``min_lr_rate`` or ``min_lr_ratio`` above 1, is refused; there the decay
  rises, for groups with a rate of their own by any factor. Negative numbers are refused everywhere.
- ``warmup_stable_decay`` warns of ``num_stable_steps`` and ``num_training_steps`` together only where they disagree.
- ``constant`` and ``constant_with_warmup`` refuse unknown ``scheduler_specific_kwargs``, as the others do; there they are lost.
- ``reduce_lr_on_plateau`` and ``greedy`` are Lucid's :class:`~lucid.optim.lr_scheduler.ReduceLROnPlateau` and
  :class:`~lucid.optim.lr_scheduler.GreedyLR`, which tell their differences themselves.
- A layer-wise optimizer gets one scheduler for all layers, which ``step()`` moves and a state resumes; there hooks move one per
  layer, which no state has, those that follow a metric fail, and with PyTorch 2.13 so does a second layer.
- :class:`AdafactorSchedule` shows a rate whether or not gradients are left, and refuses an optimizer whose rate it would spoil.
- A rate that somebody edits in a group stays edited, as with all of Lucid's schedulers; there the next step overwrites it.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from inspect import Parameter, signature
from operator import rshift
from typing import Any

from lucid.optim.lr_scheduler import LRScheduler as _LRScheduler
from lucid.optim.lr_scheduler._base import parameter_groups, warn
from lucid.schedules import Constant, Cosine, Decay, InversePower, Linear, Polynomial, Schedule, Warmup
from lucid.schedules._numbers import number
from lucid.schedules._schedule import did_you_mean

__all__ = [
    "TYPE_TO_SCHEDULER_FUNCTION",
    "AdafactorSchedule",
    "LRScheduler",
    "get_adafactor_schedule",
    "get_constant_schedule",
    "get_constant_schedule_with_warmup",
    "get_cosine_schedule_with_warmup",
    "get_cosine_with_hard_restarts_schedule_with_warmup",
    "get_cosine_with_min_lr_schedule_with_warmup",
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    "get_greedy_schedule",
    "get_inverse_sqrt_schedule",
    "get_linear_schedule_with_warmup",
    "get_polynomial_decay_schedule_with_warmup",
    "get_reduce_on_plateau_schedule",
    "get_scheduler",
    "get_wsd_schedule",
]


class LRScheduler(_LRScheduler):
    """:class:`lucid.optim.lr_scheduler.LRScheduler` for those who come from transformers' LambdaLR.

    It starts from a group's ``initial_lr`` where there is one, whatever rate the group has by then, and loads the states that
    transformers' schedulers saved. Its own states are the same, and go to and fro between the two.
    """

    def _find_bases(self, groups: Any) -> None:
        track: Any = self._lr
        track.hidden.clear()  # a scheduler that was here before may have ended at zero
        track.rebase(list(track.initial))

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        if "lr_lambdas" not in state:
            raise ValueError("LRScheduler: the state must be Lucid's or that of transformers' scheduler of the same name")
        return {**self._hyper_state(), **state}  # a LambdaLR's tells no formula, so this scheduler's holds


# -- arguments


def _steps(owner: str, field: str, value: Any) -> Any:
    return number(owner, field, value, ">= 0")


def _phases(owner: str, num_warmup_steps: Any, num_training_steps: Any) -> tuple[Any, Any]:
    """The length of the warm-up, and what is left for the rest: negative where the training is over before."""
    warmup = _steps(owner, "num_warmup_steps", num_warmup_steps)
    return warmup, _steps(owner, "num_training_steps", num_training_steps) - warmup


def _default_lr(owner: str, field: str, optimizer: Any) -> Any:
    lr = getattr(optimizer, "defaults", {}).get("lr")
    if lr is None:
        raise ValueError(f"{owner}: {field} is a share of optimizer.defaults['lr'], which {type(optimizer).__name__} lacks")
    return number(owner, "optimizer.defaults['lr']", lr, ">= 0")


def _floor(owner: str, optimizer: Any, min_lr: Any, min_lr_rate: Any) -> Any:
    """The lowest rate as a multiple of the base."""
    if (min_lr is None) == (min_lr_rate is None):
        given = "neither" if min_lr is None else f"{min_lr!r} and {min_lr_rate!r}"
        raise ValueError(f"{owner}: give one of min_lr and min_lr_rate, got {given}")
    if min_lr is None:
        return number(owner, "min_lr_rate", min_lr_rate, "in [0, 1]")
    lr, min_lr = _default_lr(owner, "min_lr", optimizer), number(owner, "min_lr", min_lr, ">= 0")
    if not min_lr <= lr or not lr:
        raise ValueError(
            f"{owner}: min_lr must be at most optimizer.defaults['lr'], and that above 0, got {min_lr!r} and {lr!r}; "
            "min_lr_rate is a share of each group's own rate"
        )
    return min_lr / lr


# -- what the compositions have in common


def _warmed(steps: Any, rest: Schedule) -> Schedule:
    return Warmup(steps) >> rest if steps else rest


def _above(floor: Any, fall: Schedule) -> Schedule:
    """A fall from the base to 0, ending at that multiple of the base instead."""
    return (1 - floor) * fall + Constant(floor) if floor else fall


def _waves(owner: str, steps: Any, num_cycles: Any) -> Schedule:
    """So many whole waves in ``steps``, and on like that: half a one by default."""
    cycles = number(owner, "num_cycles", num_cycles, ">= 0")
    return Cosine(steps / (2 * cycles), hold=False) if cycles else Constant()


# -- the schedulers


def get_constant_schedule(optimizer: Any, last_epoch: int = -1) -> LRScheduler:
    """The base rate for ever: ``Constant()``.

    Args:
        optimizer: anything with ``param_groups``.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_constant_schedule(optimizer).lr_at(1000)
        [0.5]
    """
    return LRScheduler(optimizer, last_epoch, lr=Constant())


def get_constant_schedule_with_warmup(optimizer: Any, num_warmup_steps: float, last_epoch: int = -1) -> LRScheduler:
    """A warm-up, then the base rate: ``Warmup(w) >> Constant()``.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_constant_schedule_with_warmup(optimizer, 4).schedule.at(range(6))
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    warmup = _steps("get_constant_schedule_with_warmup", "num_warmup_steps", num_warmup_steps)
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, Constant()))


def get_linear_schedule_with_warmup(
    optimizer: Any, num_warmup_steps: float, num_training_steps: float, last_epoch: int = -1
) -> LRScheduler:
    """A warm-up, then a straight line to 0: ``Warmup(w) >> Linear(n - w, 1, 0)``.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_training_steps: n >= 0, in steps, where the rate is 0; if that is within the warm-up, it is 0 right after.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_linear_schedule_with_warmup(optimizer, 2, 6).schedule.at(range(8))
        [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    warmup, left = _phases("get_linear_schedule_with_warmup", num_warmup_steps, num_training_steps)
    fall = Linear(left, min(float(left), 1.0), 0.0) if left > 0 else Constant(0.0)  # in one step at the quickest
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, fall))


def get_cosine_schedule_with_warmup(
    optimizer: Any, num_warmup_steps: float, num_training_steps: float, num_cycles: float = 0.5, last_epoch: int = -1
) -> LRScheduler:
    """A warm-up, then waves between the base rate and 0: ``Warmup(w) >> Cosine((n - w) / (2 c), hold=False)``.

    With half a wave the rate is 0 at n, and rises again after it.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_training_steps: n >= 0, in steps.
        num_cycles: c >= 0, how many waves there are in the n - w steps after the warm-up.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_cosine_schedule_with_warmup(optimizer, 10, 110).schedule.at([0, 5, 10, 60, 110, 210])
        [0.0, 0.5, 1.0, 0.5, 0.0, 1.0]
    """
    owner = "get_cosine_schedule_with_warmup"
    warmup, left = _phases(owner, num_warmup_steps, num_training_steps)
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, _waves(owner, max(1, left), num_cycles)))


def get_cosine_with_hard_restarts_schedule_with_warmup(
    optimizer: Any, num_warmup_steps: float, num_training_steps: float, num_cycles: int = 1, last_epoch: int = -1
) -> LRScheduler:
    """A warm-up, then equal cosines from the base rate to 0, then 0: ``Cosine((n - w) / c).repeat()`` for n - w steps.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_training_steps: n >= 0, in steps, from which on the rate is 0.
        num_cycles: c >= 0, how many cosines; a fraction of one is cut off at n, 0 stays at the base rate until then.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = get_cosine_with_hard_restarts_schedule_with_warmup(optimizer, 2, 10, num_cycles=2)
        >>> scheduler.schedule.at(range(1, 12))
        [0.5, 1.0, 0.8535533905932737, 0.5, 0.14644660940672627, 1.0, 0.8535533905932737, 0.5, 0.14644660940672627, 0.0, 0.0]
    """
    owner = "get_cosine_with_hard_restarts_schedule_with_warmup"
    warmup, left = _phases(owner, num_warmup_steps, num_training_steps)
    cycles = number(owner, "num_cycles", num_cycles, ">= 0")
    steps = max(1, left)
    fall: Schedule = Constant()
    if cycles:
        length = steps / cycles
        if Fraction(length) * Fraction(cycles) > steps:  # rounded up, it would come after a restart at a whole step
            length = math.nextafter(length, 0.0)
        fall = Cosine(length).repeat()
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, fall[:steps] >> Constant(0.0)))


def get_polynomial_decay_schedule_with_warmup(
    optimizer: Any,
    num_warmup_steps: float,
    num_training_steps: float,
    lr_end: float = 1e-7,
    power: float = 1.0,
    last_epoch: int = -1,
) -> LRScheduler:
    """A warm-up, then a power of the time left: ``Warmup(w) >> (1 - r) * Polynomial(n - w, power) + Constant(r)``.

    r is ``lr_end / optimizer.defaults["lr"]``, so a group with a rate of its own ends at that multiple of it.

    Args:
        optimizer: anything with ``param_groups`` and ``defaults["lr"]``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_training_steps: n >= 0, in steps, where the end is reached.
        lr_end: >= 0, the rate at the end, for a group that has the optimizer's default rate.
        power: >= 0; 1 is a straight line, and 0 stays at the base rate until n.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range; ``lr_end`` is not below the optimizer's default rate.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_polynomial_decay_schedule_with_warmup(optimizer, 2, 6, lr_end=0.25).lr_at(4)
        [0.375]
    """
    owner = "get_polynomial_decay_schedule_with_warmup"
    warmup, left = _phases(owner, num_warmup_steps, num_training_steps)
    lr, lr_end = _default_lr(owner, "lr_end", optimizer), number(owner, "lr_end", lr_end, ">= 0")
    if not lr_end < lr:
        raise ValueError(f"{owner}: lr_end must be below optimizer.defaults['lr'], got {lr_end!r} and {lr!r}")
    power, end = number(owner, "power", power, ">= 0"), lr_end / lr
    fall: Schedule = Constant(end)
    if left > 0:
        fall = _above(end, Polynomial(left, power)) if power else Constant(steps=left) >> fall
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, fall))


def get_inverse_sqrt_schedule(
    optimizer: Any, num_warmup_steps: float, timescale: float | None = None, last_epoch: int = -1
) -> LRScheduler:
    """A warm-up, then one over the square root of time: ``Warmup(w) >> InversePower(timescale)``.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        timescale: > 0, in steps; None is w, and 10000 where that is 0.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_inverse_sqrt_schedule(optimizer, 100).schedule.at([50, 100, 400])
        [0.5, 1.0, 0.5]
    """
    owner = "get_inverse_sqrt_schedule"
    warmup = _steps(owner, "num_warmup_steps", num_warmup_steps)
    scale = warmup or 10_000 if timescale is None else number(owner, "timescale", timescale, "> 0")
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, InversePower(scale)))


def get_cosine_with_min_lr_schedule_with_warmup(
    optimizer: Any,
    num_warmup_steps: float,
    num_training_steps: float,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
) -> LRScheduler:
    """As :func:`get_cosine_schedule_with_warmup` above a floor: ``Warmup(w) >> (1 - m) * Cosine(...) + Constant(m)``.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_training_steps: n >= 0, in steps.
        num_cycles: how many waves there are after the warm-up.
        last_epoch: -1 starts at 0; N starts at N + 1.
        min_lr: the lowest rate, >= 0, for a group that has the optimizer's default rate: m is
            ``min_lr / optimizer.defaults["lr"]``, and for a group with a rate of its own that multiple of it is the lowest.
        min_lr_rate: m in [0, 1], in the place of ``min_lr``.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range; both or neither of ``min_lr`` and ``min_lr_rate``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_cosine_with_min_lr_schedule_with_warmup(optimizer, 10, 110, min_lr=0.25).schedule.at([10, 60, 110])
        [1.0, 0.75, 0.5]
    """
    owner = "get_cosine_with_min_lr_schedule_with_warmup"
    warmup, left = _phases(owner, num_warmup_steps, num_training_steps)
    floor = _floor(owner, optimizer, min_lr, min_lr_rate)
    fall = _above(floor, _waves(owner, max(1, left), num_cycles))
    return LRScheduler(optimizer, last_epoch, lr=_warmed(warmup, fall))


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    optimizer: Any,
    num_warmup_steps: float,
    num_training_steps: float,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
    warmup_lr_rate: float | None = None,
) -> LRScheduler:
    """As :func:`get_cosine_with_min_lr_schedule_with_warmup`, but neither end of the warm-up costs a step.

    ``Linear(w).shift(-1)`` in the warm-up, or ``Linear(w - 1, start=r)``; then the cosine, one step along.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_training_steps: n >= 0, in steps; the end is reached at n - 1.
        num_cycles: how many waves there are after the warm-up.
        last_epoch: -1 starts at 0; N starts at N + 1.
        min_lr: the lowest rate, >= 0, for a group that has the optimizer's default rate; others have the same share of theirs.
        min_lr_rate: the lowest rate as a multiple of the base, in [0, 1], in the place of ``min_lr``.
        warmup_lr_rate: r >= 0, multiple of the base at the start; None is 1 / w.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range; both or neither of ``min_lr`` and ``min_lr_rate``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = get_cosine_with_min_lr_schedule_with_warmup_lr_rate(optimizer, 4, 8, min_lr_rate=0.5)
        >>> scheduler.schedule.at([0, 1, 2, 3, 5, 7])
        [0.25, 0.5, 0.75, 1.0, 0.75, 0.5]
    """
    owner = "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"
    warmup, left = _phases(owner, num_warmup_steps, num_training_steps)
    floor = _floor(owner, optimizer, min_lr, min_lr_rate)
    if warmup_lr_rate is None:
        rise: Schedule = Linear(max(1, warmup)).shift(-1)
    else:
        rise = Linear(max(1, warmup - 1), number(owner, "warmup_lr_rate", warmup_lr_rate, ">= 0"))
    schedule = _above(floor, _waves(owner, max(1, left), num_cycles).shift(-1))
    return LRScheduler(optimizer, last_epoch, lr=rise[:warmup] >> schedule if warmup else schedule)


def get_wsd_schedule(
    optimizer: Any,
    num_warmup_steps: float,
    num_decay_steps: float,
    num_training_steps: float | None = None,
    num_stable_steps: float | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> LRScheduler:
    """Warm-up, stable, decay: ``Warmup(w, m) >> Constant(steps=s) >> fall[:d] >> Constant(m)``.

    Args:
        optimizer: anything with ``param_groups``.
        num_warmup_steps: w >= 0, in steps; 0 for none.
        num_decay_steps: d >= 0, in steps; 0 falls at once.
        num_training_steps: n >= 0, in steps, of which s = n - w - d are stable; where they are fewer than none, the decay is
            already so far along when it begins.
        num_stable_steps: s >= 0, in steps, in the place of ``num_training_steps``.
        warmup_type: ``"linear"``, ``"cosine"`` or ``"1-sqrt"``: see :class:`lucid.schedules.Warmup`.
        decay_type: ``"linear"``, ``"cosine"`` or ``"1-sqrt"``: see :class:`lucid.schedules.Decay`.
        min_lr_ratio: m in [0, 1], the multiple of the base that the warm-up starts from and the decay ends at.
        num_cycles: how many waves the decay has, with ``decay_type="cosine"``.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: no optimizer, or an argument that is no number.
        ValueError: a number outside of its range; an unknown type; neither ``num_training_steps`` nor ``num_stable_steps``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_wsd_schedule(optimizer, 2, 4, num_stable_steps=1, decay_type="linear", min_lr_ratio=0.5).schedule.at(range(8))
        [0.5, 0.75, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5]
    """
    owner = "get_wsd_schedule"
    warmup = _steps(owner, "num_warmup_steps", num_warmup_steps)
    decay = _steps(owner, "num_decay_steps", num_decay_steps)
    total = None if num_training_steps is None else _steps(owner, "num_training_steps", num_training_steps)
    for field, value in (("warmup_type", warmup_type), ("decay_type", decay_type)):
        if value not in ("linear", "cosine", "1-sqrt"):
            raise ValueError(f"{owner}: {field} must be 'linear', 'cosine' or '1-sqrt', got {value!r}")
    floor = number(owner, "min_lr_ratio", min_lr_ratio, "in [0, 1]")
    if num_stable_steps is not None:
        stable = _steps(owner, "num_stable_steps", num_stable_steps)
        if total is not None and total != warmup + stable + decay:
            warn(
                f"{owner}: num_training_steps is {total!r}, and the phases have {warmup + stable + decay!r} steps; "
                "num_stable_steps holds. Leave one of them out"
            )
    elif total is not None:
        stable = total - warmup - decay
    else:
        raise ValueError(f"{owner}: give num_training_steps or num_stable_steps, got neither")
    waves = _waves(owner, max(1, decay), num_cycles)
    fall = waves if decay_type == "cosine" else Decay(max(1, decay), shape=decay_type)  # type: ignore[arg-type]
    fall = _above(floor, fall)
    gone = max(-stable, 0)  # what a training that is too short cuts off the decay, at its beginning
    phases: list[Schedule] = [Constant(floor)]
    if decay > gone:
        phases.insert(0, (fall.shift(-gone) if gone else fall)[: decay - gone])
    if stable > 0:
        phases.insert(0, Constant(steps=stable))
    if warmup:
        phases.insert(0, Warmup(warmup, floor, warmup_type))  # type: ignore[arg-type]
    return LRScheduler(optimizer, last_epoch, lr=reduce(rshift, phases))


def get_reduce_on_plateau_schedule(optimizer: Any, **kwargs: Any) -> _LRScheduler:
    """:class:`lucid.optim.lr_scheduler.ReduceLROnPlateau`, which cuts the rate when a metric has stopped improving.

    Args:
        optimizer: anything with ``param_groups``.
        **kwargs: its other arguments: ``mode``, ``factor``, ``patience``, ``threshold``, ``min_lr``, ...

    Raises:
        TypeError: an unknown argument, or one of the wrong type.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_reduce_on_plateau_schedule(optimizer, factor=0.5, patience=2).patience
        2
    """
    from lucid.optim.lr_scheduler import ReduceLROnPlateau

    return ReduceLROnPlateau(optimizer, **kwargs)


def get_greedy_schedule(optimizer: Any, **kwargs: Any) -> _LRScheduler:
    """:class:`lucid.optim.lr_scheduler.GreedyLR`, which raises the rate while a metric improves and cuts it when it does not.

    Args:
        optimizer: anything with ``param_groups``.
        **kwargs: its other arguments: ``mode``, ``factor``, ``patience``, ``min_lr``, ``max_lr``, ...

    Raises:
        TypeError: an unknown argument, or one of the wrong type.
        ValueError: a number outside of its range.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_greedy_schedule(optimizer, patience=2).max_lr
        1.0
    """
    from lucid.optim.lr_scheduler import GreedyLR

    return GreedyLR(optimizer, **kwargs)


class AdafactorSchedule(_LRScheduler):
    """Shows the rates that transformers' Adafactor computes itself, for those who log them: it schedules nothing.

    A group's rate is that of its first parameter with a state, in the last step of the optimizer; before the first step it is
    ``initial_lr``. It depends on the parameters, so there is no ``schedule`` to look at, and ``lr_at`` knows no other time.

    To have the same relative step from a schedule, which other ones can be joined to and multiplied with, let the optimizer
    take its rate from the group: ``Adafactor(parameters, lr=1.0, relative_step=False)``, and
    ``LRScheduler(optimizer, lr=lucid.schedules.Adafactor())``, with the same ``warmup_init``.

    Args:
        optimizer: transformers' Adafactor, with ``relative_step=True`` in every group.
        initial_lr: >= 0, shown before the first step.

    Raises:
        TypeError: the optimizer computes no rates, or ``initial_lr`` is no number.
        ValueError: ``initial_lr`` is negative; a group without ``relative_step``.
    """

    def __init__(self, optimizer: Any, initial_lr: float = 0.0) -> None:
        owner = type(self).__name__
        groups = parameter_groups(owner, optimizer)
        if not callable(getattr(optimizer, "_get_lr", None)):
            raise TypeError(
                f"{owner}: optimizer must be transformers' Adafactor, which computes its own rates, got "
                f"{type(optimizer).__name__}; get_scheduler() is for the others"
            )
        self.initial_lr = float(number(owner, "initial_lr", initial_lr, ">= 0"))
        for i, group in enumerate(groups):
            if not group.get("relative_step"):
                raise ValueError(
                    f"{owner}: parameter group {i} must have relative_step=True, got {group.get('relative_step')!r}; its rate "
                    "is yours to schedule: get_scheduler()"
                )
        for group in groups:
            group["lr"] = group["initial_lr"] = self.initial_lr
        super().__init__(optimizer)
        for group in groups:
            del group["initial_lr"]  # which a scheduler that comes later would start from

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """The rates of the optimizer's last step, one per group."""
        return [self._shown(group) for group in self.optimizer.param_groups]

    def _shown(self, group: dict[str, Any]) -> float:
        for parameter in group["params"]:
            state = self.optimizer.state.get(parameter)
            if state:
                return float(self.optimizer._get_lr(group, state))
        return self.initial_lr


def get_adafactor_schedule(optimizer: Any, initial_lr: float = 0.0) -> AdafactorSchedule:
    """:class:`AdafactorSchedule` by its function's name.

    Args:
        optimizer: transformers' Adafactor, with ``relative_step=True`` in every group.
        initial_lr: >= 0, shown before the first step.

    Raises:
        TypeError: the optimizer computes no rates, or ``initial_lr`` is no number.
        ValueError: ``initial_lr`` is negative; a group without ``relative_step``.
    """
    return AdafactorSchedule(optimizer, initial_lr)


# -- by name

TYPE_TO_SCHEDULER_FUNCTION: dict[str, Callable[..., _LRScheduler]] = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "cosine_with_restarts": get_cosine_with_hard_restarts_schedule_with_warmup,
    "polynomial": get_polynomial_decay_schedule_with_warmup,
    "constant": get_constant_schedule,
    "constant_with_warmup": get_constant_schedule_with_warmup,
    "inverse_sqrt": get_inverse_sqrt_schedule,
    "reduce_lr_on_plateau": get_reduce_on_plateau_schedule,
    "cosine_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup,
    "cosine_warmup_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    "warmup_stable_decay": get_wsd_schedule,
    "greedy": get_greedy_schedule,
}
"""The values of transformers' SchedulerType, and the function that each stands for."""


class _Layers:
    """The optimizers of all layers as one: their groups, and what their defaults have in common."""

    def __init__(self, optimizers: Mapping[Any, Any]) -> None:
        layers = list(optimizers.values())
        self.param_groups = [group for layer in layers for group in parameter_groups("get_scheduler", layer)]
        lrs = [getattr(layer, "defaults", {}).get("lr") for layer in layers]
        self.defaults = {"lr": lrs[0]} if lrs.count(lrs[0]) == len(lrs) else {}


def get_scheduler(
    name: Any,
    optimizer: Any,
    num_warmup_steps: float | None = None,
    num_training_steps: float | None = None,
    scheduler_specific_kwargs: Mapping[str, Any] | None = None,
) -> _LRScheduler:
    """A scheduler by transformers' name for it: ``get_scheduler("cosine", optimizer, 500, 10_000)``.

    Args:
        name: a key of ``TYPE_TO_SCHEDULER_FUNCTION``, or an enum's member with that value, as transformers' SchedulerType.
        optimizer: anything with ``param_groups``; or transformers' LayerWiseDummyOptimizer, of whose optimizers all groups are
            scheduled as one's.
        num_warmup_steps: in steps; without it go ``constant``, ``reduce_lr_on_plateau`` and ``greedy``.
        num_training_steps: in steps; without it go those, ``constant_with_warmup``, ``inverse_sqrt``, and
            ``warmup_stable_decay`` with ``num_stable_steps``.
        scheduler_specific_kwargs: the other arguments of the function that the name stands for.

    Raises:
        ValueError: an unknown name; steps that are missing; what the function refuses.
        TypeError: an argument that the function does not have, or one of the wrong type.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> get_scheduler("linear", optimizer, 2, 6).schedule
        Warmup(steps=2, start=0.0) >> Linear(steps=4, start=1.0, end=0.0)
    """
    known = TYPE_TO_SCHEDULER_FUNCTION
    value = getattr(name, "value", name)
    make = known.get(value) if isinstance(value, str) else None
    if make is None:
        raise ValueError(f"get_scheduler: name must be one of {', '.join(known)}, got {value!r}{did_you_mean(value, known)}")
    has = signature(make).parameters
    steps = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    steps = {field: given for field, given in steps.items() if field in has}
    for field, given in steps.items():
        if given is None and has[field].default is Parameter.empty:
            raise ValueError(f"get_scheduler: {field} must be given for {value!r}, got None")
    layers = getattr(optimizer, "optimizer_dict", None)
    return make(_Layers(layers) if layers else optimizer, **steps, **(scheduler_specific_kwargs or {}))
