"""Presets: schedules that published runs used, as plain compositions; and what is odd about a schedule for a run.

schedule = lucid.recipe("pretrain-llm", total_steps=100_000)     # multiples of the group's rate
lucid.advise(schedule, steps=80_000)                             # warns: the run ends before the schedule does
"""

import inspect
import math
import warnings
from collections.abc import Callable, Sized
from typing import Any, TypeVar

from lucid.schedules import WSD, Constant, Cosine, Linear, MultiStep, Noam, OneCycle, Schedule, Warmup
from lucid.schedules._numbers import number
from lucid.schedules._schedule import did_you_mean

__all__ = ["advise", "names", "recipe"]

Recipe = TypeVar("Recipe", bound=Callable[..., Schedule])
_recipes: dict[str, Callable[..., Schedule]] = {}


def recipe(name: str, total_steps: float, **options: Any) -> Schedule:
    """The schedule of a published way to train, as a plain composition: print it, change it, save it.

    It gives multiples of each group's own rate, so the optimizer's ``lr`` is the peak.

    Args:
        name: one of :func:`names`: ``"pretrain-llm"``, ``"wsd"``, ``"fine-tune"``, ``"vision-from-scratch"``, ...
        total_steps: length of the run > 0, warm-up included, in the unit of ``t``.
        **options: what the recipe offers besides, such as ``warmup_steps``; ``help(lucid.recipes)`` lists them.

    Raises:
        ValueError: unknown name or option, a number outside of its range.

    Warns:
        UserWarning: the warm-up is longer than the run, and whatever else :func:`advise` finds.

    >>> recipe("fine-tune", total_steps=1000)
    Warmup(steps=100.0, start=0.0) >> Linear(steps=900.0, start=1.0, end=0.0)
    """
    made_by = _recipes.get(name) if isinstance(name, str) else None
    if made_by is None:
        raise ValueError(f"unknown recipe {name!r}{did_you_mean(name, _recipes)}; there are {', '.join(names())}")
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


def _warmed(name: str, steps: Any, total: float, then: Callable[[float], Schedule]) -> Schedule:
    """A linear warm-up and what follows for the rest; where nothing is left for it, the warm-up alone."""
    steps = number(name, "warmup_steps", steps, ">= 0")
    return then(total - steps).warmup(steps) if steps < total else Warmup(steps)


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
def resnet(total_steps: float, warmup_steps: float | None = None) -> Schedule:
    """Warm-up over 5 of 90 epochs, then a tenth at each of 30, 60 and 80 of 90.

    ``warmup_steps``: an eighteenth of the run.

    Source: Goyal et al., "Accurate, Large Minibatch SGD" (2017).
    """
    steps = total_steps / 18 if warmup_steps is None else warmup_steps
    times = [total_steps * share / 9 for share in (3, 6, 8)]
    stairs = MultiStep(tuple(times))
    return _warmed("resnet", steps, total_steps, lambda rest: stairs.shift(-(total_steps - rest))[:rest])


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

    Args:
        schedule: a Schedule, or a scheduler with one.
        steps: how many times the scheduler will be stepped; or tell it by
        loader: a data loader, or anything else that has a length, stepped once per batch,
        epochs: for so many passes, and
        accumulate: so many batches to a step, the last of an epoch perhaps fewer.

    Raises:
        TypeError: no Schedule.
        ValueError: neither ``steps`` nor ``loader``, or both; a number outside of its range.

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     advise(Cosine(100), steps=500)
    ['the schedule ends after 100 steps and the run after 500: the rate stands still from there, at 0 of 1']
    """
    of = schedule if isinstance(schedule, Schedule) else getattr(schedule, "schedule", None)
    if not isinstance(of, Schedule):
        raise TypeError(f"advise: schedule must be a Schedule, or a scheduler that follows one, got {schedule!r}")
    if (steps is None) == (loader is None):
        raise ValueError("advise: give either steps or loader")
    if loader is not None:
        batches = math.ceil(len(loader) / number("advise", "accumulate", accumulate, "a whole number >= 1"))
        steps = batches * number("advise", "epochs", epochs, "> 0")
    found = list(_oddities(of, number("advise", "steps", steps, "> 0")))
    for message in found:
        warnings.warn(message, stacklevel=stacklevel)
    return found


def _oddities(schedule: Schedule, steps: float) -> Any:
    length = schedule.length
    values = [float(schedule(steps * i / 256)) for i in range(257)]
    peak = max(values)
    if length < math.inf and values[-1] == peak > values[-2] and values == sorted(values):
        yield f"the rate still rises after {_told(steps)} steps, when the run ends: the warm-up is longer than the run"
    elif length > steps * (1 + 1e-9) and length != math.inf:
        yield (
            f"the schedule ends after {_told(length)} steps and the run after {_told(steps)}: "
            f"it stops at {_told(values[-1])}, not at {_told(float(schedule(length)))}"
        )
    elif length < steps * (1 - 1e-9):
        after = [float(schedule(length + (steps - length) * i / 64)) for i in range(65)]
        if max(after) > min(after) and max(after) > after[0]:
            yield (
                f"the schedule ends after {_told(length)} steps and the run after {_told(steps)}: "
                f"the rate rises again from there, up to {_told(max(after))}"
            )
        else:
            yield (
                f"the schedule ends after {_told(length)} steps and the run after {_told(steps)}: the rate stands still from "
                f"there, at {_told(after[0])} of {_told(peak)}"
            )


def _told(value: float) -> str:
    return f"{value:.10g}" if value == int(value) else f"{value:.3g}"
