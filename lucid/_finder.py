"""A range test of the learning rate: train a little while the rate rises, see where the loss falls, and take it all back."""

import json
import math
import random
import signal
import sys
import threading
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from typing import Any, Literal, Self

from lucid.schedules import Exponential, Linear, Scale, Schedule
from lucid.schedules._numbers import number

Slope = Literal["log", "rate", "step"]
Back = Callable[[], Any]

_RULES = ("valley", "steep", "minimum", "slide")
_GAP = 15  # points between the two gradients that slide compares
_SETTLED = 0.005  # their difference, where slide stops
_ENDINGS = ("all steps", "diverged", "not finite")


def lr_suggest(
    rates: Iterable[float],
    losses: Iterable[float],
    *,
    skip_start: int | None = None,
    skip_end: int = 5,
    slope: Slope = "log",
) -> dict[str, float | None]:
    r"""Where to train, by four rules, after a range test: pure in the rates and the (smoothed) losses.

    The first ``skip_start`` points, the last ``skip_end``, and everything from the first loss that is NaN or infinite are left
    out. A rule that too few points are left for says None: one for valley and minimum, two for steep, sixteen for slide.

    - **valley**: the longest falling subsequence of the losses, of length n and ending first at e, between a third and a half
      of its way: the rate at :math:`e - n + \lfloor n / 3 \rfloor + \lfloor n / 6 \rfloor`.
    - **steep**: where the loss falls fastest per :math:`\ln \eta`, from one point to the next.
    - **minimum**: a tenth of the rate at the lowest loss.
    - **slide**: from the right, two gradients 15 points apart, moving left while they differ by more than 0.005; the rate of
      the left one.

    Args:
        rates: > 0 and ascending.
        losses: one per rate. fastai and Lightning take the smoothed ones.
        skip_start: how many points to leave out in front; None for a tenth of them.
        skip_end: how many to leave out at the end.
        slope: what steep divides by: ``"log"`` as fastai, forward differences; ``"rate"`` the rate itself, central differences,
            as Lightning (with ``skip_start=10, skip_end=1``); ``"step"`` the number of points, central differences, as
            torch-lr-finder (with ``skip_start=10, skip_end=5``).

    Raises:
        ValueError: lists of different lengths, rates that are not > 0 and ascending, a skip below 0, an unknown slope.
        TypeError: what is no number.

    Example:
        >>> rates = [0.001 * 2**i for i in range(16)]
        >>> losses = [9, 9, 9, 8, 7, 4, 3, 2, 1, 2, 4, 8, 9, 9, 9, 9]
        >>> lr_suggest(rates, losses)
        {'valley': 0.016, 'steep': 0.016, 'minimum': 0.0256, 'slide': None}

    Source: the rules are fastai's, of which valley is by Novik and slide by Chang (2020). There a valley of two points at the
    very beginning gives the last rate, whose index is -1; here it gives the first.
    """
    owner = "lr_suggest"
    xs = [float(number(owner, f"rates[{i}]", rate, "> 0")) for i, rate in enumerate(rates)]
    ys = [_real(owner, f"losses[{i}]", loss) for i, loss in enumerate(losses)]
    if len(xs) != len(ys):
        raise ValueError(f"{owner}: rates and losses must be of the same length, got {len(xs)} and {len(ys)}")
    if any(b <= a for a, b in pairwise(xs)):
        raise ValueError(f"{owner}: rates must be ascending, as a range test writes them, got {xs!r}")
    first = len(xs) // 10 if skip_start is None else number(owner, "skip_start", skip_start, "a whole number >= 0")
    last = max(len(xs) - number(owner, "skip_end", skip_end, "a whole number >= 0"), first)
    if slope not in ("log", "rate", "step"):
        raise ValueError(f"{owner}: slope must be 'log', 'rate' or 'step', got {slope!r}")
    xs, ys = xs[first:last], ys[first:last]
    known = next((i for i, loss in enumerate(ys) if not math.isfinite(loss)), len(ys))
    xs, ys = xs[:known], ys[:known]
    return {
        "valley": _valley(xs, ys) if ys else None,
        "steep": _steep(xs, ys, slope) if len(ys) > 1 else None,
        "minimum": xs[ys.index(min(ys))] / 10 if ys else None,
        "slide": _slide(xs, ys) if len(ys) > _GAP else None,
    }


def _valley(rates: Sequence[float], losses: Sequence[float]) -> float:
    tops: list[float] = []  # at k the highest loss, negated, in which a falling subsequence of length k + 1 ends
    end = 0
    for i, loss in enumerate(losses):
        at = bisect_left(tops, -loss)
        if at == len(tops):
            tops.append(-loss)
            end = i
        else:
            tops[at] = -loss
    length = len(tops)
    return rates[max(end - length + length // 3 + length // 6, 0)]


def _steep(rates: Sequence[float], losses: Sequence[float], slope: Slope) -> float:
    if slope == "log":
        logs = [math.log(rate) for rate in rates]
        falls = [(losses[i + 1] - losses[i]) / (logs[i + 1] - logs[i]) for i in range(len(losses) - 1)]
    else:
        falls = _gradient(losses, rates if slope == "rate" else range(len(losses)))
    return rates[falls.index(min(falls))]


def _slide(rates: Sequence[float], losses: Sequence[float]) -> float:
    gradients = _gradient(losses, range(len(losses)))
    left = len(losses) - _GAP - 1
    found = rates[left]
    while left >= 0 and abs(gradients[left + _GAP] - gradients[left]) > _SETTLED:
        found = rates[left]
        left -= 1
    return found


def _gradient(values: Sequence[float], at: Sequence[float]) -> list[float]:
    """Central differences of second order at points at any distances, one-sided ones at both ends: as ``numpy.gradient``."""
    slopes = [(values[i + 1] - values[i]) / (at[i + 1] - at[i]) for i in range(len(values) - 1)]
    inner = []
    for i in range(1, len(values) - 1):
        before, after = at[i] - at[i - 1], at[i + 1] - at[i]
        inner.append((slopes[i - 1] * after + slopes[i] * before) / (before + after))
    return [slopes[0], *inner, slopes[-1]]


def _real(owner: str, field: str, value: Any) -> float:
    """A number that may be NaN or infinite."""
    if isinstance(value, float) and not math.isfinite(value):
        return float(value)
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
        if isinstance(value, float):
            return value
    return float(number(owner, field, value))


@dataclass(frozen=True)
class LRFind:
    """What a range test found: the curve, and where to train by four rules.

    Args:
        rates: the rate of each step that was made, of the group with the highest one.
        losses: the loss before each step, as it was.
        smoothed: its moving average.
        steps: how many steps were planned.
        ended: ``"all steps"``, ``"diverged"`` where the loss rose too far above its best, ``"not finite"`` where it became NaN
            or infinite.

    Raises:
        ValueError: lists of different lengths, rates that are not > 0 and ascending, more points than steps, an unknown ending.

    Example:
        >>> curve = [3.0] * 40 + [3.0 - 0.1 * i for i in range(20)] + [1.0 + 0.1 * i for i in range(40)]
        >>> found = LRFind([1e-5 * 1.1**i for i in range(100)], curve, curve, 100)
        >>> found
        LRFind(100 of 100 steps, 1e-05 to 0.125: valley 0.00107, steep 0.000453, minimum 0.000304, slide 0.0186)
        >>> LRFind.from_json(found.to_json()) == found
        True
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steps: int
    ended: str = "all steps"

    def __post_init__(self) -> None:
        owner = type(self).__name__
        object.__setattr__(self, "rates", tuple(float(number(owner, "rates", rate, "> 0")) for rate in self.rates))
        for name in ("losses", "smoothed"):
            object.__setattr__(self, name, tuple(_real(owner, name, loss) for loss in getattr(self, name)))
        object.__setattr__(self, "steps", number(owner, "steps", self.steps, "a whole number >= 1"))
        lengths = [len(self.rates), len(self.losses), len(self.smoothed)]
        if lengths != [lengths[0]] * 3 or lengths[0] > self.steps:
            raise ValueError(
                f"{owner}: rates, losses and smoothed must be of the same length, at most steps = {self.steps}, got {lengths}"
            )
        if any(b <= a for a, b in pairwise(self.rates)):
            raise ValueError(f"{owner}: rates must be ascending, got {self.rates!r}")
        if self.ended not in _ENDINGS:
            raise ValueError(f"{owner}: ended must be one of {', '.join(map(repr, _ENDINGS))}, got {self.ended!r}")

    def suggest(self, *, skip_start: int | None = None, skip_end: int = 5, slope: Slope = "log") -> dict[str, float | None]:
        """The four rules of :func:`lr_suggest` on the smoothed losses; None where too few points are left for one.

        Args:
            skip_start: how many points to leave out in front; None for a tenth of the planned steps.
            skip_end: how many to leave out at the end. Steps that a loss of NaN left undone count as such.
            slope: what steep divides by, see :func:`lr_suggest`; ``suggest(skip_start=10, skip_end=1, slope="rate")["steep"]``
                is Lightning's suggestion.
        """
        first = self.steps // 10 if skip_start is None else skip_start
        last = number("suggest", "skip_end", skip_end, "a whole number >= 0")
        if self.ended == "not finite":
            last = max(last - (self.steps - len(self.rates)), 0)
        return lr_suggest(self.rates, self.smoothed, skip_start=first, skip_end=last, slope=slope)

    @property
    def suggestions(self) -> dict[str, float | None]:
        """``{"valley": ..., "steep": ..., "minimum": ..., "slide": ...}``; None where too few points are left for a rule."""
        return self.suggest()

    @property
    def suggestion(self) -> float:
        """The one to begin with: valley.

        Raises:
            ValueError: too few points are left for it.
        """
        found = self.suggestions["valley"]
        if found is None:
            raise ValueError(
                f"{type(self).__name__}: no suggestion from {len(self.rates)} of {self.steps} steps ({self.ended}), of which "
                f"the first {self.steps // 10} and the last 5 do not count; take more steps, or another start"
            )
        return found

    def __repr__(self) -> str:
        span = f", {self.rates[0]:.3g} to {self.rates[-1]:.3g}" if self.rates else ""
        told = ", ".join(f"{rule} {'none' if rate is None else f'{rate:.3g}'}" for rule, rate in self.suggestions.items())
        ended = "" if self.ended == "all steps" else f", {self.ended}"
        return f"{type(self).__name__}({len(self.rates)} of {self.steps} steps{span}{ended}: {told})"

    def _smoothed_at(self, rate: float) -> float:
        """The smoothed loss at a rate, a straight line in its logarithm between the points; at the ends theirs.

        Raises:
            ValueError: there is no point.
        """
        if not self.rates:
            raise ValueError(f"{type(self).__name__}: no steps were made, so there is no loss at {rate!r}")
        i = bisect_right(self.rates, rate)
        if i in (0, len(self.rates)):
            return self.smoothed[max(i - 1, 0)]
        low, high = self.rates[i - 1 : i + 1]
        share = math.log(rate / low) / math.log(high / low)
        return self.smoothed[i - 1] + (self.smoothed[i] - self.smoothed[i - 1]) * share if share else self.smoothed[i - 1]

    def _window(self) -> tuple[float, float]:
        """Lowest and highest smoothed loss worth seeing: of the rise at the end, which may be beyond every picture, a third."""
        seen = [loss for loss in self.smoothed if math.isfinite(loss)] or [0.0]
        low, top = min(seen), max(seen)
        before = max(seen[: seen.index(low) + 1])
        return low, min(before + (before - low) / 3, top) if before > low else top

    def plot(self, ax: Any = None, *, log: bool = True) -> Any:
        """The losses over the rates with the suggestions marked, on matplotlib's ``ax``, or new ones of pyplot's; returns it.

        Args:
            ax: where to draw.
            log: whether the axis of rates is logarithmic.
        """
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.subplots(figsize=(8, 4.5), layout="constrained")[1]
        ax.plot(self.rates, self.losses, color="0.78", lw=1, label="loss")
        ax.plot(self.rates, self.smoothed, color="C0", lw=2, label="smoothed")
        marks = zip(("o", "^", "s", "D"), ("C3", "C2", "C1", "C4"), self.suggestions.items(), strict=True)
        for marker, color, (rule, rate) in marks:
            if rate is not None:
                ax.plot(
                    [rate], [self._smoothed_at(rate)], marker, color=color, ms=9, mec="white", mew=1.2, zorder=3,
                    label=f"{rule}  {rate:.2e}",
                )  # fmt: skip
                ax.axvline(rate, color=color, lw=0.8, ls=":", zorder=1)
        if log:
            ax.set_xscale("log")
        low, high = self._window()
        low = min([low, *(loss for loss in self.losses if math.isfinite(loss))])
        margin = (high - low) * 0.06 or abs(low) * 0.06 or 1.0
        ax.set_ylim(low - margin, high + margin)
        ax.set_xlabel("learning rate")
        ax.set_ylabel("loss")
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(framealpha=0.9, edgecolor="none")
        return ax

    def to_json(self, *, indent: int | None = None) -> str:
        """Strict JSON: the fields, and the suggestions. Losses that are NaN or infinite are "nan", "inf" and "-inf"."""
        told: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("losses", "smoothed"):
            told[name] = [loss if math.isfinite(loss) else str(loss) for loss in told[name]]
        return json.dumps({**told, "suggestions": self.suggestions}, allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What :meth:`to_json` wrote; the suggestions follow from the curve.

        Raises:
            ValueError: no JSON, another one's, or values that a range test does not give.
        """
        try:
            told = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{cls.__name__}: no JSON: {error}") from None
        known = {field.name for field in fields(cls)}
        if not isinstance(told, dict) or told.keys() - {"suggestions"} != known:
            raise ValueError(f"{cls.__name__}: the JSON must be an object with {', '.join(sorted(known))}; to_json() writes it")
        told.pop("suggestions", None)
        try:
            for name in ("losses", "smoothed"):
                told[name] = [float(one) if one in ("nan", "inf", "-inf") else one for one in told[name]]
            return cls(**told)
        except TypeError as error:
            raise ValueError(f"{cls.__name__}: {error}") from None


def lr_find(
    model: Any,
    optimizer: Any,
    loss_fn: Callable[[Any, Any], Any] | None,
    loader: Iterable[Any],
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    shape: Literal["exponential", "linear"] = "exponential",
    smoothing: float = 0.98,
    stop: float | None = 4.0,
    accumulate: int = 1,
    device: Any = None,
    step: Callable[[Any, Any], Any] | None = None,
    scheduler: Any = None,
) -> LRFind:
    r"""Train a little while the rate rises from ``start`` towards ``end``, and see where the loss falls: a range test.

    .. math:: \eta(t) = \eta_{start} \left(\frac{\eta_{end}}{\eta_{start}}\right)^{t / n} \text{or} \quad
        \eta(t) = \eta_{start} + (\eta_{end} - \eta_{start}) \, t / n

    The schedules are :class:`lucid.schedules.Exponential` and :class:`lucid.schedules.Linear`, at t = 0 to n - 1. Several
    groups keep the proportions of their rates: the highest one follows the schedule, and is what the suggestions mean. (Where
    all are 0, as a warm-up begins, their ``initial_lr`` have the say; where there are none, all groups get the same rate.)

    Afterwards, and after an exception or Ctrl-C too, everything is bit for bit as before: parameters, buffers, gradients,
    modes and ``requires_grad`` of the model (and of ``loss_fn``, if it is a module); state, groups, rates and counters of
    the optimizer; the random numbers of Python, NumPy, torch, every accelerator, and those that the loader, its samplers and
    dataset, and the modules hold. Objects stay the same ones. The copy is kept in the CPU's memory: as much as parameters,
    buffers, gradients and the optimizer's state take. What is not restored: batches taken from an iterator that cannot be
    asked again, what hooks of yours and ``step`` leave elsewhere, and what goes on in worker processes of a loader that were
    running before; attributes that a module has only since, and what it keeps in objects of your own classes.

    A model that is in eval mode is trained in train mode; one that is not is left as it is, so that frozen layers stay so.
    Hooks after the optimizer's step are put off, unless ``step`` is given. On several ranks, let ``step`` train and return the
    mean over the ranks, so that all stop at the same time.

    Args:
        model: a module, on its device, a compiled one too.
        optimizer: with ``param_groups`` that have an ``"lr"``; one whose step needs a closure, such as LBFGS, gets one.
        loss_fn: ``loss_fn(output, target)``, for batches ``(input, target)`` or ``(input, input, ..., target)``.
        loader: gives the batches, again and again where it is short.
        start: rate of the first step, > 0. Far below where the loss begins to fall, the smoothed one falls too, by amounts that
            nobody sees, and valley, a share of the way from there, is small: two decades below are better than five.
        end: the rate after the last step, > ``start``.
        steps: how many steps :math:`n \ge 1` there are at most.
        shape: ``"exponential"`` or ``"linear"``.
        smoothing: of the moving average, in [0, 1); unbiased from the first point on.
        stop: end where the smoothed loss is above this multiple > 1 of its best; None for never. Below zero, where multiples
            make no sense, the same distance in ``abs(best)``. A loss that is NaN or infinite ends the test anyway.
        accumulate: batches per step, >= 1, whose mean counts.
        device: where batches go; None for where the model's parameters are.
        step: instead of ``loss_fn`` (which is None then), ``step(model, batch)`` gives the loss: for other batches,
            ``lambda model, batch: model(**batch).loss``, or autocast. If what it gives has no gradient, a number say, it has
            trained by itself: for GradScaler, clipping, and loops of any kind.
        scheduler: what ``step`` moves besides, a scheduler, a GradScaler, or a list of such: anything with ``state_dict()`` and
            ``load_state_dict()``, which are asked before and after.

    Returns:
        An :class:`LRFind`: ``.suggestion``, ``.suggestions``, ``.plot()``, the curve.

    Raises:
        ValueError: a number outside of its range, both or neither of ``loss_fn`` and ``step``, groups without a rate, a model
            that knows no shapes yet, a loader that gives nothing, a loss without a gradient, an optimizer of another model.
        TypeError: no module, an optimizer without groups, a loader, batch or loss of the wrong kind.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD((model := lucid.nn.Linear(1, 1)).parameters(), lr=0.1)
        >>> data = [(lucid.tensor([[1.0], [2.0]]), lucid.tensor([[2.0], [4.0]]))]
        >>> found = lr_find(model, optimizer, lucid.nn.functional.mse_loss, data, start=1e-4, smoothing=0.5)
        >>> found.ended, 0.001 < found.suggestion < 1, optimizer.param_groups[0]["lr"]
        ('diverged', True, 0.1)

        fastai's settings are the defaults. Lightning's:

        >>> found = lr_find(model, optimizer, lucid.nn.functional.mse_loss, data, start=1e-8, end=1)
        >>> rate = found.suggest(skip_start=10, skip_end=1, slope="rate")["steep"]

        torch-lr-finder's are nearly ``start=lr, smoothing=0.95, stop=5`` (its average is biased towards the first loss) and
        ``suggest(skip_start=10, slope="step")["steep"]``.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015).
    """
    import torch

    from lucid._device import known as known_device
    from lucid.optim.lr_scheduler._base import parameter_groups

    owner = "lr_find"
    steps = number(owner, "steps", steps, "a whole number >= 1")
    accumulate = number(owner, "accumulate", accumulate, "a whole number >= 1")
    smoothing = number(owner, "smoothing", smoothing, ">= 0")
    if smoothing >= 1:
        raise ValueError(f"{owner}: smoothing must be in [0, 1), got {smoothing!r}")
    if stop is not None and (stop := number(owner, "stop", stop)) <= 1:
        raise ValueError(f"{owner}: stop must be > 1, got {stop!r}; None never stops")
    if (loss_fn is None) is (step is None):
        raise ValueError(f"{owner}: give loss_fn(output, target), or loss_fn=None and step=function(model, batch), not both")
    if not (hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")):
        raise TypeError(f"{owner}: loader must give batches, as a DataLoader or a list does, got {type(loader).__name__}")
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"{owner}: model must be a torch.nn.Module, got {type(model).__name__}")
    schedule = _schedule(owner, start, end, steps, shape)
    shares = _shares(owner, parameter_groups(owner, optimizer))
    if any(map(torch.nn.parameter.is_lazy, [*model.parameters(), *model.buffers()])):
        raise ValueError(f"{owner}: the model has parameters without a shape; give it one batch first, model(inputs)")
    places = {parameter.device for parameter in model.parameters()}
    place = known_device(device) if device is not None else places.pop() if len(places) == 1 else None
    takes_closure = _needs_closure(optimizer)
    others = [] if scheduler is None else list(scheduler) if isinstance(scheduler, (list, tuple)) else [scheduler]

    def evaluate(some: list[Any]) -> tuple[float, bool]:
        """The mean loss of some batches, and whether there is a gradient of it to step along."""
        total, trains = 0.0, False
        for batch in some:
            loss = step(model, batch) if step is not None else _loss(owner, model, loss_fn, batch)
            if isinstance(loss, torch.Tensor) and loss.numel() != 1:
                raise TypeError(f"{owner}: the loss must be one number, got the shape {list(loss.shape)}; take its mean")
            if isinstance(loss, torch.Tensor) and loss.requires_grad:
                if not trains:
                    optimizer.zero_grad()
                trains = True
                (loss / accumulate).backward()  # type: ignore[no-untyped-call]
                loss = loss.detach()
            elif step is None:
                raise ValueError(f"{owner}: the loss has no gradient: it depends on no parameter that requires one")
            total += _real(owner, "the loss", loss)
        return total / accumulate, trains

    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    average, best, ended = 0.0, math.inf, "all steps"
    with (
        _as_before(model, optimizer, loss_fn, loader, others),
        torch.enable_grad(),
        closing(_endless(owner, loader)) as batches,
    ):
        if step is None:
            getattr(optimizer, "_optimizer_step_post_hooks", {}).clear()
        if not model.training:
            model.train()
        for t in range(steps):
            _write(optimizer, [schedule(t, share) for share in shares])
            some = [_moved(next(batches), place) for _ in range(accumulate)]
            loss, trains = evaluate(some)
            if t == 0 and trains:
                _check_trains(owner, model, optimizer)
            average = smoothing * average + (1 - smoothing) * loss
            now = average / (1 - smoothing ** (t + 1))
            rates.append(schedule(t, 1.0))
            losses.append(loss)
            smoothed.append(now)
            best = min(best, now) if now == now else best
            if stop is not None and now > (stop * best if best > 0 else best + (stop - 1) * abs(best)):
                ended = "diverged"
                break
            if not math.isfinite(now):
                ended = "not finite"
                break
            if trains and takes_closure:
                optimizer.step(lambda some=some: evaluate(some)[0])
            elif trains:
                optimizer.step()
    return LRFind(tuple(rates), tuple(losses), tuple(smoothed), steps, ended)


def _schedule(owner: str, start: Any, end: Any, steps: int, shape: Any) -> Schedule:
    """The rates of the test, for a base of 1."""
    start, end = (number(owner, name, value, "> 0") for name, value in (("start", start), ("end", end)))
    if end <= start:
        raise ValueError(f"{owner}: end must be > start, got start={start!r} and end={end!r}")
    if shape == "linear":
        return Linear(steps, start, end)
    if shape != "exponential":
        raise ValueError(f"{owner}: shape must be 'exponential' or 'linear', got {shape!r}")
    return Scale(Exponential(end / start, every=steps), start)


def _shares(owner: str, groups: list[dict[str, Any]]) -> list[float]:
    """What each group's rate is of the highest one."""
    for key in ("lr", "initial_lr"):
        if key == "lr" and any(group.get("lr") is None for group in groups):
            raise ValueError(f"{owner}: every group of the optimizer must have a rate, 'lr'; build it with one, lr=1e-3")
        rates = [
            float(number(owner, f"param_groups[{i}][{key!r}]", group.get(key, 0.0), ">= 0")) for i, group in enumerate(groups)
        ]
        if max(rates) > 0:
            return [rate / max(rates) for rate in rates]
    return [1.0] * len(groups)


def _check_trains(owner: str, model: Any, optimizer: Any) -> None:
    """That there is something for the optimizer to do, after the first backward pass."""
    theirs = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    ours = set(map(id, model.parameters()))
    if not any(parameter.grad is not None or id(parameter) in ours for parameter in theirs):
        raise ValueError(
            f"{owner}: the optimizer has none of the model's parameters, and none that got a gradient: it would train nothing; "
            "build it from model.parameters()"
        )


def _write(optimizer: Any, rates: list[float]) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if hasattr(group["lr"], "fill_"):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _needs_closure(optimizer: Any) -> bool:
    from inspect import Parameter, signature

    try:
        closure = signature(optimizer.step).parameters.get("closure")
    except (ValueError, TypeError):
        return False
    return closure is not None and closure.default is Parameter.empty


def _loss(owner: str, model: Any, loss_fn: Any, batch: Any) -> Any:
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise TypeError(
            f"{owner}: the loader must give (input, target), got {type(batch).__name__}; for other batches pass "
            "loss_fn=None, step=function(model, batch)"
        )
    *inputs, target = batch
    return loss_fn(model(*inputs), target)


def _endless(owner: str, loader: Iterable[Any]) -> Any:
    """The loader's batches, over and over."""
    while True:
        given = 0
        for batch in loader:
            yield batch
            given += 1
        if not given:
            raise ValueError(
                f"{owner}: the loader gives no batches, or no more of them; pass one that can be iterated again and again, "
                "such as a DataLoader or a list, or take fewer steps"
            )


def _moved(batch: Any, device: Any) -> Any:
    """A batch, and what is in it, on a device; None leaves it."""
    if device is None:
        return batch
    if callable(getattr(batch, "to", None)):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: _moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(value, device) for value in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(_moved(value, device) for value in batch)
    return batch


# -- taking it back


@contextmanager
def _as_before(model: Any, optimizer: Any, loss_fn: Any, loader: Any, others: list[Any]) -> Iterator[None]:
    """Whatever happens in it, everything is as before afterwards: the same objects, bit for bit the same content."""
    import torch

    kept: dict[int, Back] = {}
    backs = _keep_chance()
    for module in model.modules():
        backs += _keep_object(module, kept)
    if isinstance(loss_fn, torch.nn.Module):
        for module in loss_fn.modules():
            backs += _keep_object(module, kept)
    for part in _parts_of(loader):
        backs += _keep_object(part, kept)
    backs.append(_keep(optimizer, kept))
    backs += [_keep_state(other) for other in others]
    try:
        yield
    finally:
        with _uninterrupted(), ExitStack() as stack:  # each of them, should another fail
            for back in backs:
                stack.callback(back)


def _keep(value: Any, kept: dict[int, Back]) -> Back:
    """What gives ``value`` back as it is now: the same object with the same content. Of other objects, the object alone."""
    import torch

    if id(value) in kept:
        return kept[id(value)]
    back: Back = lambda: value  # noqa: E731
    if isinstance(value, torch.Tensor):
        back = _keep_tensor(value, kept)
    elif isinstance(value, torch.optim.Optimizer):  # one that wraps another has it among its attributes
        back = _keep_all(value, vars(value), kept)
    elif isinstance(value, (dict, list, deque)):
        back = _keep_all(value, value, kept)
    elif isinstance(value, tuple):
        parts = [_keep(part, kept) for part in value]

        def back() -> Any:
            for part in parts:
                part()
            return value
    elif (generator := _keep_generator(value)) is not None:
        back = generator
    kept[id(value)] = back
    return back


def _keep_all(value: Any, container: Any, kept: dict[int, Back]) -> Back:
    if isinstance(container, dict):
        pairs = [(key, _keep(item, kept)) for key, item in container.items()]

        def back() -> Any:
            items = [(key, part()) for key, part in pairs]
            container.clear()
            container.update(items)
            return value
    else:
        parts = [_keep(item, kept) for item in container]

        def back() -> Any:
            items = [part() for part in parts]
            container.clear()
            container.extend(items)
            return value

    return back


def _keep_tensor(tensor: Any, kept: dict[int, Back]) -> Back:
    import torch

    from lucid._tensor import Tensor

    data = tensor.detach()
    simple = type(data) in (torch.Tensor, Tensor)
    strided = simple and data.layout is torch.strided and data.device.type != "meta"
    if strided:  # of what is expanded, which memory has but once, one of each
        data = data[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in data.stride())]
    copy = data.to("cpu", copy=True) if simple else data.clone()
    leaf = tensor.is_leaf
    needs_grad = tensor.requires_grad
    grad = _keep(tensor.grad, kept) if leaf else None
    whole = tensor.detach()

    def back() -> Any:
        with torch.no_grad():
            if strided and tensor.data_ptr() != whole.data_ptr():
                tensor.data = whole
            data.copy_(copy)
            if leaf:
                tensor.requires_grad_(needs_grad)
                tensor.grad = None if grad is None else grad()
        return tensor

    return back


def _keep_object(owner: Any, kept: dict[int, Back]) -> list[Back]:
    """The tensors and plain values among the attributes of a module, loader or dataset, such as ``training`` or ``epoch``.

    Of a module the containers too; a dataset's may be as large as the data.
    """
    import torch

    held = vars(owner)
    contained = (dict, list, deque, tuple) if isinstance(owner, torch.nn.Module) else ()
    backs: list[Back] = []

    def put(name: str, part: Back) -> None:
        held[name] = part()

    for name, value in list(held.items()):
        plain = value is None or isinstance(value, (bool, int, float, complex, str, bytes))
        if plain or isinstance(value, (*contained, torch.Tensor)) or _keep_generator(value) is not None:
            backs.append(partial(put, name, _keep(value, kept)))
    return backs


def _parts_of(loader: Any) -> list[Any]:
    """A loader with its samplers and dataset."""
    found: list[Any] = [loader]
    for part in found:
        for name in ("dataset", "sampler", "batch_sampler"):
            more = getattr(part, "__dict__", {}).get(name)
            if more is not None and all(more is not one for one in found):
                found.append(more)
    return [part for part in found if hasattr(part, "__dict__")]


def _keep_state(other: Any) -> Back:
    """A scheduler and the like, by its own account."""
    import copy

    if not callable(getattr(other, "state_dict", None)) or not callable(getattr(other, "load_state_dict", None)):
        raise TypeError(f"lr_find: scheduler must have state_dict() and load_state_dict(), {type(other).__name__} has not")
    state = copy.deepcopy(other.state_dict())
    watched = getattr(other, "_watched", None)  # how a scheduler of ours sees the optimizer's first step
    kept = _keep(watched, {})

    def back() -> None:
        if other.state_dict() != state:
            other.load_state_dict(state)
        if watched is not None:
            other._watched = kept()

    return back


def _keep_generator(value: Any) -> Back | None:
    """What gives a generator of random numbers back as it is now; None for anything else."""
    import torch

    numpy = sys.modules.get("numpy")
    get: Callable[[], Any]
    put: Callable[[Any], Any]
    if isinstance(value, torch.Generator) or (numpy is not None and isinstance(value, numpy.random.RandomState)):
        get, put = value.get_state, value.set_state
    elif isinstance(value, random.Random):
        get, put = value.getstate, value.setstate
    elif numpy is not None and isinstance(value, numpy.random.Generator):
        get, put = lambda: value.bit_generator.state, lambda state: setattr(value.bit_generator, "state", state)
    else:
        return None
    state: Any = get()

    def back() -> Any:
        put(state)
        return value

    return back


def _keep_chance() -> list[Back]:
    """The generators that everybody shares."""
    import torch

    ways: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
        (random.getstate, random.setstate),
        (torch.get_rng_state, torch.set_rng_state),
    ]
    if (numpy := sys.modules.get("numpy")) is not None:
        ways.append((numpy.random.get_state, numpy.random.set_state))
    if torch.accelerator.is_available():
        device = torch.get_device_module(torch.accelerator.current_accelerator())
        if getattr(device, "is_initialized", lambda: True)():  # else nobody has drawn there yet
            every = "_all" if hasattr(device, "get_rng_state_all") else ""
            ways.append((getattr(device, f"get_rng_state{every}"), getattr(device, f"set_rng_state{every}")))
    return [partial(put, get()) for get, put in ways]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until it is over."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    pressed: list[Any] = []
    signal.signal(signal.SIGINT, lambda *told: pressed.append(told))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed and callable(before):
            before(*pressed[0])
