"""Presets: schedules that published runs used, as plain compositions; and what is odd about a schedule for a run.

schedule = lucid.recipe("pretrain-llm", total_steps=100_000)     # multiples of the group's rate
lucid.advise(schedule, steps=80_000)                             # warns: the run ends before the schedule does
"""

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Sized
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, TypeVar

from lucid.schedules import (
    WSD,
    Constant,
    Continue,
    Cosine,
    Cut,
    Join,
    Linear,
    MultiStep,
    Noam,
    Noise,
    OneCycle,
    Product,
    Proportion,
    Scale,
    Schedule,
    Shift,
    Stretch,
    Warmup,
)
from lucid.schedules._numbers import number
from lucid.schedules._schedule import _Composed, _Parallel, _plain, _uncut, did_you_mean

__all__ = ["advise", "names", "recipe"]

Recipe = TypeVar("Recipe", bound=Callable[..., Schedule])
_recipes: dict[str, Callable[..., Schedule]] = {}


def recipe(name: str, total_steps: float, **options: Any) -> Schedule:
    """The schedule of a published way to train, as a plain composition: print it, change it, save it.

    It gives multiples of each group's own rate, so the optimizer's ``lr`` is the peak; ``"transformer"`` alone gives absolute
    rates, and the optimizer's ``lr`` plays no part.

    Args:
        name: one of :func:`names`: ``"pretrain-llm"``, ``"wsd"``, ``"fine-tune"``, ``"vision-from-scratch"``, ...; upper and
            lower case, hyphens and underscores make no difference.
        total_steps: length of the run > 0, warm-up included, in the unit of ``t``.
        **options: what the recipe offers besides, such as ``warmup_steps``; ``help(lucid.recipes)`` lists them.

    Raises:
        ValueError: unknown name or option, a number outside of its range.

    Warns:
        UserWarning: the warm-up is not over before the run is, and whatever else :func:`advise` finds.

    >>> recipe("fine-tune", total_steps=1000)
    Warmup(steps=100.0, start=0.0) >> Linear(steps=900.0, start=1.0, end=0.0)
    """
    found = {_plain(own): own for own in _recipes}.get(_plain(name)) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"unknown recipe {name!r}{did_you_mean(name, _recipes)}; there are {', '.join(names())}")
    name, made_by = found, _recipes[found]
    known = list(inspect.signature(made_by).parameters)[1:]
    for option in options:
        if option not in known:
            raise ValueError(f"{name}: unknown option {option!r}{did_you_mean(option, known)}")
    schedule = made_by(number(name, "total_steps", total_steps, "> 0"), **options)
    advise(schedule, steps=total_steps, stacklevel=3)
    return schedule


def names() -> list[str]:
    """The name of every recipe.

    >>> "pretrain-llm" in names()
    True
    """
    return sorted(_recipes)


def _recipe(name: str) -> Callable[[Recipe], Recipe]:
    def register(made_by: Recipe) -> Recipe:
        _recipes[name] = made_by
        return made_by

    return register


def _warmed(name: str, steps: Any, total: float, then: Callable[[float], Schedule], start: float = 0.0) -> Schedule:
    """A linear warm-up and what follows for the rest; where nothing is left for it, the warm-up alone."""
    steps = number(name, "warmup_steps", steps, ">= 0")
    return then(total - steps).warmup(steps, start=start) if steps < total else Warmup(steps, start)


@_recipe("pretrain-llm")
def pretrain_llm(total_steps: float, warmup_steps: float | None = None, floor: float = 0.1) -> Schedule:
    """Linear warm-up, then a cosine to a tenth of the peak.

    ``warmup_steps``: 2000, or a tenth of a short run. ``floor``: where it ends, a multiple of the peak in [0, 1].

    Source: Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022); Touvron et al., "LLaMA" (2023).
    """
    floor = number("pretrain-llm", "floor", floor, "in [0, 1]")
    steps = min(2000.0, total_steps / 10) if warmup_steps is None else warmup_steps
    return _warmed("pretrain-llm", steps, total_steps, lambda rest: (1 - floor) * Cosine(rest) + Constant(floor, rest))


@_recipe("pretrain-llm-to-zero")
def pretrain_llm_to_zero(total_steps: float, warmup_steps: float | None = None) -> Schedule:
    """Linear warm-up, then a straight line to zero.

    ``warmup_steps``: a tenth of the run.

    Source: Bergsma et al., "Straight to Zero" (2025); Defazio et al., "When, Why and How Much?" (2023).
    """
    steps = total_steps / 10 if warmup_steps is None else warmup_steps
    return _warmed("pretrain-llm-to-zero", steps, total_steps, lambda rest: Linear(rest, 1.0, 0.0))


@_recipe("wsd")
def wsd(total_steps: float, warmup_steps: float | None = None, cooldown: float = 0.2, shape: Any = "1-sqrt") -> Schedule:
    """Warm-up, stable, and a cooldown over the last fifth: the stable part can be resumed and made longer.

    ``warmup_steps``: 2000, or a tenth of a short run. ``cooldown``: its share of the run, in (0, 1]. ``shape``: of the
    cooldown, as in Decay.

    Source: Hu et al., "MiniCPM" (2024); Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
    Durations" (2024).
    """
    cooldown = number("wsd", "cooldown", cooldown, "in (0, 1]") * total_steps
    steps = min(2000.0, total_steps / 10) if warmup_steps is None else warmup_steps
    return _warmed("wsd", steps, total_steps, lambda rest: WSD(rest, min(cooldown, rest), shape=shape))


@_recipe("fine-tune")
def fine_tune(total_steps: float, warmup_steps: float | None = None) -> Schedule:
    """Linear warm-up over the first tenth, then a straight line to zero.

    ``warmup_steps``: a tenth of the run.

    Source: Devlin et al., "BERT" (2018); Mosbach et al., "On the Stability of Fine-tuning BERT" (2021).
    """
    steps = total_steps / 10 if warmup_steps is None else warmup_steps
    return _warmed("fine-tune", steps, total_steps, lambda rest: Linear(rest, 1.0, 0.0))


@_recipe("instruction-tune")
def instruction_tune(total_steps: float, warmup_steps: float | None = None) -> Schedule:
    """A short warm-up, then a cosine to zero.

    ``warmup_steps``: 3 % of the run.

    Source: Taori et al., "Stanford Alpaca" (2023).
    """
    steps = 0.03 * total_steps if warmup_steps is None else warmup_steps
    return _warmed("instruction-tune", steps, total_steps, Cosine)


@_recipe("vision-from-scratch")
def vision_from_scratch(total_steps: float, warmup_steps: float | None = None, floor: float = 0.01) -> Schedule:
    """Linear warm-up over 5 of 300 epochs, then a cosine to a hundredth of the peak.

    ``warmup_steps``: a sixtieth of the run. ``floor``: where it ends, a multiple of the peak in [0, 1].

    Source: Touvron et al., "Training data-efficient image transformers" (2021): DeiT.
    """
    floor = number("vision-from-scratch", "floor", floor, "in [0, 1]")
    steps = total_steps / 60 if warmup_steps is None else warmup_steps
    return _warmed("vision-from-scratch", steps, total_steps, lambda rest: (1 - floor) * Cosine(rest) + Constant(floor, rest))


@_recipe("resnet")
def resnet(total_steps: float, warmup_steps: float | None = None, start: float = 0.0) -> Schedule:
    """Warm-up over 5 of 90 epochs, then a tenth at each of 30, 60 and 80 of 90.

    ``warmup_steps``: an eighteenth of the run. ``start``: where it begins, a multiple of the peak in [0, 1]; the paper begins
    at the rate of a single worker, ``start=1 / workers``.

    Source: Goyal et al., "Accurate, Large Minibatch SGD" (2017).
    """
    start = number("resnet", "start", start, "in [0, 1]")
    steps = total_steps / 18 if warmup_steps is None else warmup_steps
    times = [total_steps * share / 9 for share in (3, 6, 8)]
    stairs = MultiStep(tuple(times))
    return _warmed("resnet", steps, total_steps, lambda rest: stairs.shift(-(total_steps - rest))[:rest], start)


@_recipe("super-convergence")
def super_convergence(total_steps: float, pct_start: float = 0.3) -> Schedule:
    """One cycle: up for the first third, down for the rest, far below the start.

    ``pct_start``: the share of the run that the way up takes, in [0, 1].

    Source: Smith & Topin, "Super-Convergence" (2017).
    """
    return OneCycle(total_steps, pct_start=pct_start)


@_recipe("transformer")
def transformer(total_steps: float, model_size: float = 512, warmup_steps: float = 4000) -> Schedule:
    """The Transformer's own: absolute rates, whatever the optimizer's ``lr`` is.

    ``model_size``: its width. ``warmup_steps``: where the peak lies.

    Source: Vaswani et al., "Attention Is All You Need" (2017).
    """
    return Noam(model_size, warmup_steps)[:total_steps]


def advise(
    schedule: Any,
    steps: float | None = None,
    *,
    loader: Sized | None = None,
    epochs: float = 1,
    accumulate: int = 1,
    stacklevel: int = 2,
) -> list[str]:
    """Warn of what is odd about a schedule for a run of this length, and return the warnings.

    A run of n steps sees the times 0 to n - 1, and one step more or less is never odd. What is:

    - the run ends while the schedule is still on its first way up, which later turns or levels off. What rises for ever, and
      what was cut on its way up for the length of the run, is a test of rates and meant so;
    - the run ends before the schedule, or the part of it that is followed by a constant for ever, at another
      value: by more than a hundredth of the peak;
    - the schedule ends before the run and rises again, as ``Cosine(..., hold=False)``;
    - the schedule ends before the run and stands still at a tenth of its peak or less, for a tenth of the run or more. A
      higher constant, and SWALR's rate, is taken for one that it was meant to reach.

    Args:
        schedule: a Schedule, or a scheduler that follows some: every one of every group and key is looked at. Rates that
            come from metrics, or from ``get_lr()`` of a subclass, cannot be foretold, and get no advice.
        steps: how many times the scheduler will be stepped; or tell it by
        loader: a data loader, or anything else that has a length, stepped once per batch,
        epochs: for so many passes, and
        accumulate: so many batches to a step, the last of an epoch perhaps fewer.
        stacklevel: as that of :func:`warnings.warn`: 2 warns where this function is called.

    Raises:
        TypeError: no Schedule.
        ValueError: neither ``steps`` nor ``loader``, or both; a number outside of its range.

    Warns:
        UserWarning: what it found, each once.

    >>> import warnings
    >>> with warnings.catch_warnings():  # doctest: +ELLIPSIS
    ...     warnings.simplefilter("ignore")
    ...     for message in advise(Cosine(90), steps=100) + advise(Warmup(200) >> Cosine(800), steps=100):
    ...         print(message)
    the schedule ends after 90 steps and the run after 100: the rate stands still from there, at 0 % of its peak; give it ...
    the rate is still on its way up after 100 steps, when the run ends, at 49.5 % of its peak: make the warm-up shorter
    """
    followed = list(_followed(schedule))
    if (steps is None) == (loader is None):
        raise ValueError("advise: give either steps or loader")
    if loader is not None:
        batches = math.ceil(len(loader) / number("advise", "accumulate", accumulate, "a whole number >= 1"))
        steps = batches * number("advise", "epochs", epochs, "> 0")
    length = number("advise", "steps", steps, "> 0")
    averages = "swa_lr" in getattr(schedule, "_rules", ())
    found = dict.fromkeys(
        message
        for key, of, base in followed
        if (message := _oddity("the rate" if key == "lr" else key, of, base, length, averages))
    )
    for message in found:
        warnings.warn(message, stacklevel=stacklevel)
    return list(found)


def _followed(schedule: Any) -> Iterator[tuple[str, Schedule, float]]:
    """Every different schedule that is followed: the key, the schedule, its base."""
    tracks = getattr(schedule, "_tracks", None)
    if tracks is None:
        of = schedule if isinstance(schedule, Schedule) else getattr(schedule, "schedule", None)
        if not isinstance(of, Schedule):
            raise TypeError(f"advise: schedule must be a Schedule, or a scheduler that follows some, got {schedule!r}")
        yield "lr", of, float(getattr(schedule, "base", 1.0))  # as the Keras adapter has one
        return
    for track in tracks:  # none where get_lr() has the say
        of_groups = schedule.schedules_of(track.key)
        bases = [*track.initial, *track.bases_now(schedule.optimizer.param_groups)[len(track.initial) :]]
        pairs = {(id(of), float(base)): of for of, base in zip(of_groups, bases, strict=True)}
        for (_, base), of in pairs.items():
            yield track.key, of, base


def _oddity(what: str, schedule: Schedule, base: float, steps: float, averages: bool) -> str | None:
    schedule = _bare(schedule)
    end, last = _end(schedule), max(steps - 1, 0.0)
    run = _values(schedule, base, _whole_times(0, last))
    whole = run if end == math.inf else [*run, *_values(schedule, base, _whole_times(0, end)), float(schedule(end, base))]
    peak = max(whole)
    if peak <= 0:
        return None
    top = _top_to_come(schedule, base, steps, run)
    if top is not None:
        return (
            f"{what} is still on its way up after {_told(steps)} steps, when the run ends, at {_share(run[-1], top)} of its "
            "peak: make the warm-up shorter"
        )
    if end == math.inf or abs(end - steps) <= 1:
        return None
    told = f"the schedule ends after {_told(end)} steps and the run after {_told(steps)}: {what}"
    if end > steps:
        stop, aim = run[-1], float(schedule(end, base))
        odd = abs(stop - aim) > 0.01 * peak
        return (
            f"{told} stops at {_share(stop, peak)} of its peak, not at {_share(aim, peak)}; give it the run's length"
            if odd
            else None
        )
    after = _values(schedule, base, [end + (last - end) * i / 64 for i in range(65)])
    if max(after) > after[0] + 1e-3 * peak:
        return f"{told} rises again from there, up to {_share(max(after), peak)} of its peak; give it the run's length"
    if after[-1] <= 0.1 * peak * (1 + 1e-9) and steps - end >= 0.1 * steps and not averages:
        return f"{told} stands still from there, at {_share(after[-1], peak)} of its peak; give it the run's length"
    return None


def _top_to_come(schedule: Schedule, base: float, steps: float, run: list[float]) -> float | None:
    """The first peak, where it lies beyond the run, all of which leads up to it."""
    early = run[(len(run) - 1) // 4]
    if any(b < a * (1 - 1e-9) for a, b in pairwise(run)) or run[0] < early >= run[-1] * (1 - 1e-9):
        return None
    try:
        beyond = [steps, steps + 1, *(math.ceil(steps * 10000 ** (i / 400)) + 1 for i in range(1, 401))]
        later = _values(schedule, base, beyond)
        at = 0
        while at < 401 and later[at + 1] >= later[at] * (1 - 1e-9):
            at += 1
        since, until = beyond[at] if at == 0 else beyond[at - 1], beyond[min(at + 1, 401)]
        top = max(later[at], *_values(schedule, base, [since + (until - since) * i / 256 for i in range(257)]))
    except Exception:  # a function of the user's, that was made for the run alone
        return None
    if top <= run[-1] * (1 + 1e-9) or top > 1e9 or (at == 401 and later[-1] > 1.01 * later[-61]):  # 61: a quarter of the time
        return None
    near = max(run[-1], *later[:2])  # a step beyond the run
    if top > near * 1.001 or min(later[1:]) < near * 0.999 or isinstance(schedule, Warmup):
        return top
    if isinstance(schedule, Cut):  # a warm-up that never turns is meant so
        uncut = _top_to_come(_uncut(schedule), base, steps, run)
        return uncut if uncut is not None and float(_uncut(schedule)(beyond[-1], base)) < 0.999 * uncut else None
    return None


def _bare(schedule: Schedule) -> Schedule:
    """Without noise; an exponential warm-up, which never is over, counts as over after its steps."""
    if isinstance(schedule, Noise):
        return _bare(schedule.of)
    if isinstance(schedule, Warmup):
        return replace(schedule, shape="linear") if schedule.shape == "exponential" else schedule
    if isinstance(schedule, _Composed):
        made = _bare(schedule._made)
        return schedule if made is schedule._made else made
    changes: dict[str, Any] = {}
    for field in fields(schedule):  # type: ignore[arg-type]
        value = getattr(schedule, field.name)
        if isinstance(value, Schedule):
            bare: Any = _bare(value)
            changed = bare is not value
        elif isinstance(value, tuple):
            bare = tuple(_bare(one) if isinstance(one, Schedule) else one for one in value)
            changed = any(a is not b for a, b in zip(bare, value, strict=True))
        else:
            continue
        if changed:
            changes[field.name] = bare
    return replace(schedule, **changes) if changes else schedule  # type: ignore[type-var]


def _end(schedule: Schedule) -> float:
    """Where a schedule ends, or what it has before a constant for ever."""
    if schedule.length < math.inf:
        return schedule.length
    if isinstance(schedule, Join):
        last = schedule.parts[-1]
        return schedule._starts[-1] + (0.0 if last._still else _end(last))
    if isinstance(schedule, (Product, _Parallel)):
        return max((_end(part) for part in schedule.parts if not part._still), default=math.inf)
    if isinstance(schedule, Shift):
        return max(_end(schedule.of) + schedule.by, 0.0)
    if isinstance(schedule, Stretch):
        return _end(schedule.of) * schedule.by
    return _end(schedule.of) if isinstance(schedule, (Continue, Proportion, Scale)) else math.inf


def _whole_times(since: float, until: float) -> list[float]:
    """At most 257 of the whole times."""
    return sorted({math.floor(since + (until - since) * i / 256) for i in range(257)})


def _values(schedule: Schedule, base: float, times: list[float]) -> list[float]:
    return [float(schedule(t, base)) for t in times]


def _share(value: float, of: float) -> str:
    return f"{100 * value / of:.3g} %"


def _told(value: float) -> str:
    return f"{value:.10g}" if value == int(value) else f"{value:.3g}"
