"""Changes of plan: other Schedules from a time on, made of the old ones by cutting, joining, stretching and continuing.

A scheduler keeps its changes in a list, in the order in which they were made; folded over the plan that its hyper-parameters
tell, they give the Schedules that it follows. So these stay pure in the time, and a state tells the changes alone.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from lucid.schedules import (
    Constant,
    Continue,
    Cut,
    Join,
    Linear,
    Maximum,
    Minimum,
    Product,
    Scale,
    Schedule,
    Shift,
    Stretch,
    Sum,
)
from lucid.schedules._numbers import number
from lucid.schedules._schedule import _Composed, _parsed

Change = dict[str, Any]
"""``at`` and ``key``, and one of: ``schedule`` and ``continuous``; ``total_steps``; ``factor`` and ``steps``."""

MOST = 64  # changes that a scheduler keeps: each one is evaluated within the next


def changed(owner: str, plan: Mapping[str, Any], changes: list[Change]) -> dict[str, Any]:
    """``plan``, group key -> Schedule or list of them, with the changes.

    Raises:
        ValueError: one of the changes cannot be made.
    """
    made = dict(plan)
    for change in changes:
        key = change["key"]
        if key not in made:
            raise ValueError(f"{owner}: {key!r} is not scheduled, so its plan cannot change; {', '.join(made) or 'nothing'} is")
        old, new = made[key], change.get("schedule")
        many = max((len(of) for of in (old, new) if isinstance(of, list)), default=0)
        if many:  # groups beyond a list follow its last one
            made[key] = [_changed(owner, _of(old, i), _of(new, i), change, length_of(old)) for i in range(many)]
        else:
            made[key] = _changed(owner, old, new, change, length_of(old))
    return made


def before(changes: list[Change], key: str, at: float, continuous: bool) -> list[Change]:
    """``changes`` without the last ones that another schedule of ``key`` from ``at`` on leaves no say."""
    kept = list(changes)
    for i in range(len(changes) - 1, -1, -1):
        one = changes[i]
        if one["key"] == key:
            jumps = one.get("continuous") is False or one.get("steps") == 0  # and moves what is continued from
            if one["at"] < at or (one["at"] == at and continuous and jumps):
                break  # what was made before may shape what comes before, as it is extended
            del kept[i]
    return kept


def _of(plan: Any, i: int) -> Any:
    return plan[min(i, len(plan) - 1)] if isinstance(plan, list) else plan


def length_of(plan: Any) -> float:
    """When the last of the schedules ends that end at all; infinite where none does."""
    ends = [one.length for one in (plan if isinstance(plan, list) else [plan]) if one.length < math.inf]
    return max(ends, default=math.inf)


def same_time(a: float, b: float) -> bool:
    """Whether only rounding tells two times apart."""
    return math.isclose(a, b, rel_tol=1e-12)


def _changed(owner: str, old: Schedule, new: Schedule | None, change: Change, longest: float) -> Schedule:
    at, key = change["at"], change["key"]
    if "total_steps" in change:
        return _extended(owner, old, change) if same_time(old.length, longest) or longest == math.inf else old
    if "factor" in change:
        ramp = Linear(change["steps"], 1.0, change["factor"]) if change["steps"] else Constant(change["factor"])
        rest = _rest(old, at)
        # Where the base has a say it is scaled, so that absolute floors stay.
        return _joined(old, at, Product((rest, ramp) if rest.absolute else (ramp, rest)))
    assert new is not None
    if not change["continuous"]:
        return _joined(old, at, new)
    if old(at, 0.0) == 0.0 == old(at, 1.0):
        raise ValueError(
            f"{owner}: {key} is 0 at {at}, and what continues from 0 stays there; continuous=False starts from the base"
        )
    try:
        return _joined(old, at, Continue(new, _until(old, at)[-1]))
    except ValueError as error:
        raise ValueError(f"{owner}: {error}; continuous=False lets it start where it does") from None


def _extended(owner: str, old: Schedule, change: Change) -> Schedule:
    """``old`` with its end at another time: by a longer flat phase, or else by all that remains in slow motion."""
    at, total, end = change["at"], change["total_steps"], old.length
    if end == math.inf:
        raise ValueError(f"{owner}: {change['key']} has no end to extend, it follows {old!r}; replan() says what comes instead")
    if same_time(total, end):
        return old
    if total < end:
        raise ValueError(
            f"{owner}: total_steps must be >= {end:g}, where {change['key']} ends now, got {total!r}; to end sooner, replan() "
            "with a cooldown: Decay(steps)"
        )
    if at >= end:
        raise ValueError(
            f"{owner}: {change['key']} ended at {end:g}, so at {at:g} nothing is left to extend; replan() says what follows, "
            "or go back to a checkpoint before"
        )
    longer = _lengthened(old, at, total - end if end % 1 else total - int(end), end)
    if longer is not None:
        return longer
    since = _end_of_rise(old, at)
    since = at if since is None or since >= end else since  # where a rise is all that is left, that takes longer
    left, asked = (int(end) if end % 1 == 0 else end) - since, total - since
    by = asked / left
    if Fraction(by) * Fraction(left) > Fraction(asked):  # rounded up: each time would come late, the end never
        by = math.nextafter(by, 0.0)
    return _joined(old, since, Cut(Stretch(_rest(old, since), by), asked))


def _through(schedule: Schedule) -> Schedule:
    """What a named composition is made of."""
    while isinstance(schedule, _Composed):
        schedule = schedule._made
    return schedule


def _until(schedule: Schedule, at: float) -> list[Schedule]:
    """The parts of ``schedule`` up to ``at``, the last of them cut there."""
    made = _through(schedule)
    if not isinstance(made, Join):
        return [_cut(schedule, at)]
    i = bisect_right(made._starts, at) - 1
    return [*made.parts[:i], _cut(made.parts[i], at - made._starts[i])]


def _cut(schedule: Schedule, at: float) -> Cut:
    return Cut(schedule.of if isinstance(schedule, Cut) and at <= schedule.steps else schedule, at)


def _rest(schedule: Schedule, at: float) -> Schedule:
    """What follows ``at``, in its own time from 0."""
    made = _through(schedule)
    if not isinstance(made, Join):
        return Shift(schedule, -at) if at else schedule
    i = bisect_right(made._starts, at) - 1
    gone = at - made._starts[i]
    first = Shift(made.parts[i], -gone) if gone else made.parts[i]
    if i + 1 == len(made.parts):
        return first
    return Join((Cut(first, made._starts[i + 1] - at), *made.parts[i + 1 :]))


def _joined(old: Schedule, at: float, new: Schedule) -> Schedule:
    """``old`` until ``at``, and ``new`` from then on."""
    before = [part for part in _until(old, at) if part.length]
    return Join((*before, new)) if before else new


def _end_of_rise(schedule: Schedule, at: float) -> float | None:
    """When the part of a join ends that ``at`` lies in, if that one goes up, and others follow: a warm-up stays as it is."""
    made = _through(schedule)
    if isinstance(made, Cut):
        return _end_of_rise(made.of, at)
    if not isinstance(made, Join):
        return None
    i = bisect_right(made._starts, at) - 1
    start, part = made._starts[i], made.parts[i]
    within = _end_of_rise(part, at - start)
    if within is not None:
        return start + within
    if i + 1 == len(made.parts):
        return None
    end = made._starts[i + 1]
    return end if part(end - start, 1.0) > part(at - start, 1.0) else None


def _lengthened(schedule: Schedule, at: float, by: float, end: float) -> Schedule | None:
    """``schedule``, which is asked until ``end``, with its last flat phase longer, if that is not over at ``at``; what follows
    the phase comes so much later."""
    made = _through(schedule)
    if made._still:
        return schedule if end > at else None
    if isinstance(made, Constant):
        return replace(made, steps=made.steps + by) if made.steps is not None and min(made.steps, end) > at else None
    if isinstance(made, Cut):
        inner = _lengthened(made.of, at, by, min(made.steps, end))
        return None if inner is None else Cut(inner, made.steps + by)
    if isinstance(made, Join):
        ends = [min(until, end) for until in (*made._starts[1:], end)]
        for i in range(len(made.parts) - 1, -1, -1):
            start = made._starts[i]
            inner = _lengthened(made.parts[i], max(at - start, 0), by, ends[i] - start) if start < end else None
            if inner is not None:
                return Join((*made.parts[:i], inner, *made.parts[i + 1 :]))
        return None
    if isinstance(made, (Product, Sum, Maximum, Minimum)):
        ending = [same_time(part.length, end) for part in made.parts]  # the others run on, or are over
        parts = [_lengthened(part, at, by, end) if ends else part for part, ends in zip(made.parts, ending, strict=True)]
        whole = [part for part in parts if part is not None]
        return type(made)(tuple(whole)) if any(ending) and len(whole) == len(parts) else None
    if isinstance(made, (Scale, Continue)):
        inner = _lengthened(made.of, at, by, end)
    elif isinstance(made, Shift):
        inner = _lengthened(made.of, at - made.by, by, end - made.by)
    elif isinstance(made, Stretch) and not made.staircase:
        inner = _lengthened(made.of, at / made.by, by / made.by, end / made.by)
    else:
        return None
    return None if inner is None else replace(made, of=inner)


def within(schedule: Schedule | None) -> Iterator[Schedule]:
    """A schedule and all that it is made of."""
    if schedule is None:
        return
    yield schedule
    for field in fields(schedule):  # type: ignore[arg-type]
        value = getattr(schedule, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Schedule):
                yield from within(part)


# -- as plain data


def told(changes: list[Change]) -> list[dict[str, Any]]:
    """Changes as strict JSON data; a schedule that holds a function is None."""
    return [{name: _told(value) for name, value in change.items()} for change in changes]


def text_of(changes: list[Change]) -> str:
    """Changes as a state has them: as text, for a distributed checkpoint finds lists and mappings only where there were such
    before."""
    return json.dumps(told(changes), allow_nan=False)


def _told(value: Any) -> Any:
    if isinstance(value, list):
        plain = [_told(one) for one in value]
        return None if None in plain else plain
    if not isinstance(value, Schedule):
        return value
    try:
        return value.to_dict()
    except ValueError:
        return None


def read(owner: str, saved: Any, mine: list[Change], groups: int) -> list[Change]:
    """The changes that a state tells, as :func:`text_of` writes them, for so many parameter groups; a schedule with a function
    is that of ``mine``.

    Raises:
        ValueError: they are not written so, or one holds a function, and there is none of mine.
    """
    try:
        saved = _parsed(saved)
    except ValueError as error:
        raise ValueError(f"{owner}: _changes: {error}") from None
    if not isinstance(saved, list) or len(saved) > MOST:
        raise ValueError(f"{owner}: _changes must be a list of at most {MOST} changes of plan, got {saved!r}")
    return [_read(owner, f"_changes[{i}]", one, mine[i] if i < len(mine) else {}, groups) for i, one in enumerate(saved)]


def _read(owner: str, field: str, saved: Any, mine: Change, groups: int) -> Change:
    names = set(saved) if isinstance(saved, Mapping) else set()
    if not names > {"at", "key"} or names - {"at", "key"} not in (
        {"schedule", "continuous"},
        {"total_steps"},
        {"factor", "steps"},
    ):
        raise ValueError(f"{owner}: {field} must tell at, key and a change of plan, got {saved!r}")
    if not isinstance(saved["key"], str):
        raise ValueError(f"{owner}: {field} must name its key, got {saved['key']!r}")
    change: Change = {"at": time(owner, f"at of {field}", saved["at"]), "key": saved["key"]}
    if "total_steps" in names:
        return {**change, "total_steps": time(owner, f"total_steps of {field}", saved["total_steps"])}
    if "factor" in names:
        factor = number(owner, f"factor of {field}", saved["factor"], "> 0")
        return {**change, "factor": factor, "steps": time(owner, f"steps of {field}", saved["steps"])}
    config, continuous = saved["schedule"], saved["continuous"]
    if not isinstance(continuous, bool):
        raise ValueError(f"{owner}: continuous of {field} must be true or false, got {continuous!r}")
    schedule: Any = None
    if config is None:  # it holds a function
        if all(mine.get(name) == of for name, of in change.items()) and _told(mine.get("schedule", 0)) is None:
            schedule = mine["schedule"]
        else:
            key, at = change["key"], change["at"]
            raise ValueError(
                f"{owner}: the state's schedule of {key} from {at} on holds a function, which no state has; call "
                f"replan({key}=..., at={at}) with it, and load the state then"
            )
    elif isinstance(config, list):
        if not 0 < len(config) <= groups:  # before each change makes as many schedules
            raise ValueError(
                f"{owner}: schedule of {field} must be a list of 1 to {groups} schedules, as many as there are parameter "
                f"groups, got {len(config)}"
            )
        schedule = [Schedule.from_dict(one) for one in config]
    else:
        schedule = Schedule.from_dict(config)
    return {**change, "schedule": schedule, "continuous": continuous}


def time(owner: str, field: str, value: Any) -> Any:
    """A time that can be counted to."""
    value = number(owner, field, value, ">= 0")
    if value > 2**53:
        raise ValueError(f"{owner}: {field} must be <= 2**53, got {value!r}")
    return value
