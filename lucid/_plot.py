"""Pictures of schedules, schedulers and histories. Every value is a schedule's or a record's; no formula stands here."""

import base64
import hashlib
import html as _html
import io
import json
import math
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from lucid._curves import joints
from lucid._history import History
from lucid._terminal import one_line
from lucid.schedules import Schedule
from lucid.schedules._numbers import number
from lucid.schedules._schedule import Cut, Join, Product, Scale, Stretch, _Composed
from lucid.schedules.warmup import Warmup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["svg", "png", "html"]
FORMATS: tuple[Format, ...] = ("svg", "png", "html")

_NAMES = {"lr": "learning rate", "momentum": "momentum", "weight_decay": "weight decay"}
_FINE = 2**12  # samples of a short schedule at least: between whole times too, where jumps are upright
_DENSE = 2**22  # samples at most; up to here every whole time is one
_SLOWLY = 200_000  # samples at most of what takes no arrays
_COLUMNS = 1500  # of pixels, each with its first, lowest, highest and last value
_MOST_MARKS = 40  # boundaries of one curve that are marked: more would hide it
_COLOURS = ("#3b6fd4", "#d9572b", "#2a9d62", "#a04fc4", "#c29000", "#d6428f", "#1a9fb0", "#7d7d7d")
_lock = threading.Lock()  # matplotlib's settings are the whole process's


@dataclass(frozen=True)
class Curve:
    """A line of a picture: what it is called, and its points."""

    track: str
    """``"lr"``, ``"momentum"``, ``"weight_decay"``, or the name of a metric: curves of one track share axes."""
    label: str
    colour: int
    """Curves of one parameter group have the same in all tracks."""
    times: list[float]
    """In the unit of the chart."""
    values: list[float]
    """NaN where there is none."""
    joints: list[float]
    """Where one part of the schedule ends and the next begins."""
    warmup: float
    """Where the warm-up ends; 0 where there is none."""
    recorded: bool
    """Whether it is what a run really had."""


@dataclass(frozen=True)
class Chart:
    """Everything that a picture shows, before it is drawn."""

    curves: list[Curve]
    unit: str
    """``"step"`` or ``"epoch"``."""
    end: float

    @property
    def tracks(self) -> dict[str, list[Curve]]:
        """The curves by track: rates first, metrics last."""
        found: dict[str, list[Curve]] = {track: [] for track in _NAMES}
        for curve in self.curves:
            found.setdefault(curve.track, []).append(curve)
        return {track: curves for track, curves in found.items() if curves}


def plot(
    *schedules: Any,
    steps: float | None = None,
    epochs: float | None = None,
    steps_per_epoch: float | None = None,
    lr: float | Sequence[float] = 1.0,
    momentum: Any = None,
    weight_decay: Any = None,
    labels: str | Sequence[str] | None = None,
    log: bool = False,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw schedules, and what runs really had, as curves over time.

    The rates are on top, with boundaries of joined schedules as dotted lines and the warm-up shaded; momentum, weight decay
    and metrics have axes of their own below, ``ax.figure.axes``. Curves hold every jump and every restart, however long.

    Args:
        *schedules: Schedules, expressions such as ``"warmup(500) >> cosine(9500)"``, LRSchedulers (each different group, every
            key that is scheduled) and Histories, in any mixture.
        steps: how far to draw, in the unit of the schedules' time; None is to the end of the longest.
        epochs: how far to draw in epochs, and the unit of the axis. Without ``steps_per_epoch`` or ``steps`` the schedules'
            time is in epochs too.
        steps_per_epoch: steps of an epoch, where the schedules' time is in steps and the axis in epochs.
        lr: base of the Schedules and expressions, or a list with one for each of them. Schedulers know their own.
        momentum: Schedule or expression to draw on axes of its own, a pair of one and its base, or a list of such.
        weight_decay: likewise.
        labels: one for each of ``schedules``.
        log: whether the rate's axis is logarithmic.
        ax: where to draw. None makes a new figure: one of pyplot's, which notebooks and ``plt.show()`` show, where pyplot is
            imported or IPython runs, and else one that belongs to nobody.

    Returns:
        The matplotlib Axes of the rates; ``ax.figure.savefig(...)`` saves the picture.

    Raises:
        TypeError: something that cannot be drawn.
        ValueError: nothing to draw, schedules without an end and no ``steps``, a list of the wrong length, an expression that
            cannot be read.

    Example:
        >>> from lucid.schedules import Cosine
        >>> ax = plot(Cosine(900).warmup(100), "step(300, gamma=0.5)", lr=[0.1, 0.05], labels=["cosine", "step"])
        >>> [line.get_label() for line in ax.lines[:2]], ax.get_xlabel()
        (['cosine', 'step'], 'step')
    """
    shown = chart(
        *schedules, steps=steps, epochs=epochs, steps_per_epoch=steps_per_epoch, lr=lr,
        momentum=momentum, weight_decay=weight_decay, labels=labels,
    )  # fmt: skip
    _check_log("plot", shown, log)
    made = _draw(shown, log, ax)
    if ax is None:
        _fit(made.figure, grows=True)
    return made


def image(
    *schedules: Any,
    format: Format = "svg",
    title: str | None = None,
    log: bool = False,
    width: float = 8.0,
    height: float | None = None,
    **options: Any,
) -> bytes:
    """The picture that :func:`plot` draws, as a file: the same input gives the same bytes, however matplotlib is set up.

    Args:
        *schedules: as those of :func:`plot`.
        format: ``"svg"``, ``"png"`` (150 dots per inch) or ``"html"``, an interactive page in one file that asks nobody for
            anything.
        title: above the picture.
        log: whether the rate's axis is logarithmic, in a page at first.
        width: of SVG and PNG, in inches.
        height: of SVG and PNG, in inches; None fits the axes and the names above them.
        **options: the other arguments of :func:`plot` but ``ax``.

    Raises:
        TypeError, ValueError: as :func:`plot`; an unknown format, a size that is not within 1 to 100 inches.

    Example:
        >>> image("cosine(100)", format="png")[:4]
        b'\\x89PNG'
    """
    if format not in FORMATS:
        raise ValueError(f"image: format must be {', '.join(map(repr, FORMATS[:-1]))} or {FORMATS[-1]!r}, got {format!r}")
    for name, inches in (("width", width), ("height", height)):
        if inches is not None and not 1 <= number("image", name, inches) <= 100:
            raise ValueError(f"image: {name} must be within 1 to 100 inches, got {inches!r}")
    shown = chart(*schedules, **options)
    _check_log("image", shown, log)
    if format == "html":
        return page(shown, title=title, log=log)
    import matplotlib as mpl
    from cycler import cycler  # matplotlib's own
    from matplotlib.figure import Figure

    with _lock, mpl.rc_context():
        mpl.rcdefaults()  # not the user's style, which the next user has not
        mpl.rcParams.update({
            "svg.hashsalt": "lucid", "font.family": _fonts(shown, title), "axes.prop_cycle": cycler(color=_COLOURS),
            "axes.titlesize": 10, "axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8,
        })  # fmt: skip
        figure = Figure(figsize=(width, height or _height(shown)), dpi=150, layout="constrained")
        _draw(shown, log, figure)
        _fit(figure, grows=height is None)
        if title is not None:
            figure.suptitle(textwrap.fill(_clean(title), 80), fontsize=12).set_parse_math(False)
        made = io.BytesIO()
        told = {"Date": None, "Creator": "Lucid", "Title": _clean(title or "Lucid")} if format == "svg" else {"Software": None}
        figure.savefig(made, format=format, metadata=told)
    return made.getvalue()


# -- what there is to show


def chart(
    *schedules: Any,
    steps: float | None = None,
    epochs: float | None = None,
    steps_per_epoch: float | None = None,
    lr: float | Sequence[float] = 1.0,
    momentum: Any = None,
    weight_decay: Any = None,
    labels: str | Sequence[str] | None = None,
    columns: int = _COLUMNS,
) -> Chart:
    """What :func:`plot` draws of these arguments, as points: at most four for each of the ``columns``."""
    if not schedules and momentum is None and weight_decay is None:
        raise ValueError("plot: give at least one Schedule, expression, LRScheduler or History")
    for name, value in (("steps", steps), ("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if value is not None:
            number("plot", name, value, "> 0")
    plans, records = _collected(schedules, lr, labels)
    for track, more in (("momentum", momentum), ("weight_decay", weight_decay)):
        plans += _further(track, more)
    if not plans and not records:
        raise ValueError("plot: the History has no column to draw, neither a rate nor a metric")
    in_epochs = epochs is not None or steps_per_epoch is not None
    if in_epochs and records and steps_per_epoch is None and steps is None:
        raise ValueError("plot: a History counts steps; give steps_per_epoch to show it over epochs")
    end = _end(plans, records, steps, epochs, steps_per_epoch)
    if steps_per_epoch is None:
        steps_per_epoch = steps / epochs if epochs is not None and steps is not None else 1
    unit = steps_per_epoch if in_epochs else 1
    curves: list[Curve] = []
    for curve, schedule, base in plans:
        times, values = _sampled(schedule, base, end, columns)
        met, warm = [t for t in joints(schedule, end) if t < end], warmup_of(schedule)
        curves.append(
            replace(
                curve,
                times=[t / unit for t in times],
                values=values,
                joints=[t / unit for t in met] if len(met) <= _MOST_MARKS else [],
                warmup=warm / unit if warm < end else 0.0,
            )
        )
    for curve, taken, values in records:
        some = [i for i, t in enumerate(taken) if t <= end]
        kept = _thinned([values[i] for i in some], columns)
        curves.append(replace(curve, times=[taken[some[i]] / unit for i in kept], values=[values[some[i]] for i in kept]))
    return Chart(curves, "epoch" if in_epochs else "step", end / unit)


_Plan = tuple[Curve, Schedule, float]
_Record = tuple[Curve, list[int], list[float]]


def _collected(schedules: Sequence[Any], lr: Any, labels: Any) -> tuple[list[_Plan], list[_Record]]:
    """The curves of the arguments, without their points: of plans what gives them, of records what they are."""
    given = [labels] if isinstance(labels, str) else labels
    if given is not None:
        if not isinstance(given, Sequence) or not all(isinstance(label, str) for label in given):
            raise TypeError(f"plot: labels must be a list of texts, got {labels!r}")
        if len(given) != len(schedules):
            raise ValueError(f"plot: labels must be as many as schedules, {len(schedules)}, got {len(given)}")
    pure = [isinstance(item, (str, Schedule)) for item in schedules]
    if isinstance(lr, Sequence) and not isinstance(lr, str):
        if len(lr) != sum(pure):
            raise ValueError(f"plot: lr must be one base, or one for each of {sum(pure)} schedules, got {len(lr)}")
        bases = iter(lr)
    else:
        bases = iter([lr] * sum(pure))
    plans: list[_Plan] = []
    records: list[_Record] = []
    colour = 0
    for i, item in enumerate(schedules):
        label = None if given is None else given[i]
        if isinstance(item, History):
            found = list(_recorded(item, label, colour))
            records += found
            colour = max([colour, *(curve.colour + 1 for curve, _, _ in found)])
            continue
        if pure[i]:
            base = float(number("plot", "lr", next(bases), ">= 0"))
            told = [("lr", label or (item if isinstance(item, str) else repr(item)), colour, _schedule(item), base)]
        else:
            told = list(_followed(item, label, colour))
        plans += [(_curve(track, name, c), schedule, base) for track, name, c, schedule, base in told]
        colour = max(c + 1 for _, _, c, _, _ in told)
    return plans, records


def _schedule(given: Any) -> Schedule:
    if isinstance(given, str):
        from lucid._expression import parse

        return parse(given)
    assert isinstance(given, Schedule)
    return given


def _followed(item: Any, label: str | None, colour: int) -> Iterator[tuple[str, str, int, Schedule, float]]:
    """What a scheduler follows: each different pair of schedule and base once."""
    tracks = getattr(item, "_tracks", None)
    if tracks is None or not hasattr(item, "schedules_of"):
        one = getattr(item, "schedule", None)  # as the Keras adapter has one
        if not isinstance(one, Schedule):
            raise TypeError(
                f"plot: takes Schedules, expressions, Lucid's LRSchedulers and Histories, got {item!r}; what another "
                "library's scheduler does is recorded by lucid.History(optimizer)"
            )
        yield "lr", label or repr(one), colour, one, float(getattr(item, "base", 1.0))
        return
    if not tracks:
        item.schedules_of("lr")  # says why there are none
    groups = item.optimizer.param_groups
    colours: dict[tuple[int, ...], int] = {}
    for track in tracks:
        bases = [*track.initial, *track.bases_now(groups)[len(track.initial) :]]
        alike: dict[tuple[int, float], list[int]] = {}
        of_groups = item.schedules_of(track.key)
        for i, (schedule, base) in enumerate(zip(of_groups, bases, strict=True)):
            same = next((k for k in alike if k[1] == base and of_groups[alike[k][0]] == schedule), (i, float(base)))
            alike.setdefault(same, []).append(i)
        for (_, base), members in alike.items():
            schedule = of_groups[members[0]]
            name = label or (repr(schedule) if type(item).__name__ == "LRScheduler" else type(item).__name__)
            if len(alike) > 1:
                named = [str(groups[i].get("name", f"pg{i + 1}")) for i in members]
                in_a_row = len(members) > 2 and members[-1] - members[0] == len(members) - 1
                name = f"{name}, {f'{named[0]} to {named[-1]}' if in_a_row else ', '.join(named)}"
            yield track.key, name, colours.setdefault(tuple(members), colour + len(colours)), schedule, base


def _further(track: str, given: Any) -> Iterator[_Plan]:
    for i, one in enumerate(given if isinstance(given, list) else [] if given is None else [given]):
        of, base = one if isinstance(one, tuple) and len(one) == 2 else (one, 1.0)
        if not isinstance(of, (str, Schedule)):
            raise TypeError(
                f"plot: {track} must be a Schedule or expression, a pair of one and its base, or a list, got {one!r}"
            )
        name = of if isinstance(of, str) else repr(of)
        yield _curve(track, name, i), _schedule(of), float(number("plot", f"{track}'s base", base, "finite"))


def _recorded(history: History, label: str | None, colour: int) -> Iterator[_Record]:
    """The columns of a history; momentum and weight decay only where they changed."""
    if not history.steps:
        raise ValueError("plot: the History is empty; record() adds to it")
    groups: dict[str, int] = {}
    for name, column in history.columns.items():
        track, group = history.place(name)
        there = [(step, float(value)) for step, value in zip(history.steps, column, strict=True) if value is not None]
        values = [value for _, value in there]
        if not there or track == "epoch" or (track in ("momentum", "weight_decay") and len({v for v in values if v == v}) < 2):
            continue
        if track in _NAMES:
            told = group if label is None else f"{label}, {group}"
            number_of = groups.setdefault(group, colour + len(groups))
        else:
            told, number_of = label or track, colour
        yield replace(_curve(track, told, number_of), recorded=True), [step for step, _ in there], values


def _curve(track: str, label: str, colour: int) -> Curve:
    return Curve(track, _clean(label), colour, [], [], [], 0.0, False)


def _clean(text: str) -> str:
    """One line that every format can hold."""
    text = one_line(text)
    return text if len(text) <= 200 else text[:199] + "…"


def _end(
    plans: list[_Plan], records: list[_Record], steps: float | None, epochs: float | None, steps_per_epoch: float | None
) -> float:
    """How far to draw, in the unit of the schedules' time."""
    if epochs is not None and steps is not None and steps_per_epoch is not None and steps != epochs * steps_per_epoch:
        raise ValueError(
            f"plot: steps is {steps!r}, but {epochs!r} epochs of {steps_per_epoch!r} are {epochs * steps_per_epoch!r}"
        )
    if steps is not None:
        return steps
    if epochs is not None:
        return epochs * (steps_per_epoch or 1)
    known = [schedule.length for _, schedule, _ in plans if 0 < schedule.length < math.inf]
    known += [float(max(times[-1], 1)) for _, times, _ in records]
    if not known:
        raise ValueError(f"plot: {plans[0][1]!r} has no end, or no length; say how far to draw, steps= or epochs=")
    return max(known)


# -- the points of a schedule


def warmup_of(schedule: Schedule) -> float:
    """Where a schedule's warm-up ends: that of its first part, where that is a warm-up or rises; 0 where it has none."""
    match schedule:
        case Warmup():
            return float(schedule.steps)
        case _Composed():
            return warmup_of(schedule._made)
        case Join():
            first = schedule.parts[0]
            rises = first.length > 0 and len(schedule.parts) > 1 and float(first(0, 1.0)) < float(first(first.length, 1.0))
            return first.length if rises else min(warmup_of(first), first.length)
        case Stretch():
            return warmup_of(schedule.of) * schedule.by
        case Scale() | Cut():
            return warmup_of(schedule.of)
        case Product():
            return max(map(warmup_of, schedule.parts))
    told = getattr(schedule, "warmup_steps", 0)  # a formula that has one in it
    return float(told) if isinstance(told, (int, float)) else 0.0


def _sampled(schedule: Schedule, base: float, end: float, columns: int) -> tuple[list[float], list[float]]:
    """Times and values from 0 to ``end``, from which a line has every jump, every restart and every extreme."""
    import numpy as np

    knots = [t for t in joints(schedule, end) if t < end]
    knots = sorted({*knots, *(math.nextafter(t, 0.0) for t in knots)})  # just before a jump, and just after

    def grid(most: int) -> Any:
        if end >= most:
            times = np.unique(np.round(np.linspace(0, end, most + 1)))
        else:
            within = 2 ** max(0, math.floor(math.log2(min(_FINE, most) / end)))  # of which whole times are multiples
            times = np.arange(math.floor(end) * within + 1) / within
        times = np.append(times[times < end], end)
        return np.union1d(times, knots) if len(knots) <= most else times

    def taken(times: Any) -> Any:
        with np.errstate(all="ignore"):
            values = np.asarray(schedule.at(times, base), dtype=float)
        if values.shape != times.shape:
            raise ValueError("a function of the user's takes no arrays")
        return values

    try:
        taken(np.linspace(0, end, 3))
        times = grid(_DENSE)
        values = taken(times)
    except Exception:  # whatever a function of the user's raises of an array
        times = grid(_SLOWLY)
        try:
            values = np.array([float(v) for v in schedule.at(times.tolist(), base)])
        except (TypeError, LookupError):  # a table of the user's, which has whole times alone
            whole = range(0, math.ceil(end), math.ceil(end / _SLOWLY))
            times, values = np.array(whole, dtype=float), np.array([float(v) for v in schedule.at(whole, base)])
    kept = _thinned(values, columns)
    return times[kept].tolist(), values[kept].tolist()


def _thinned(values: Any, columns: int) -> Any:
    """Which of the values a line needs: in each column the first, the lowest, the highest and the last, and a gap."""
    import numpy as np

    values = np.asarray(values, dtype=float)
    size = -(-len(values) // columns)
    if size <= 4:
        return np.arange(len(values))
    whole = len(values) // size * size
    kept = [np.arange(0, len(values), size), np.arange(size - 1, len(values), size), np.arange(whole, len(values))]
    blocks, starts = values[:whole].reshape(-1, size), np.arange(0, whole, size)
    gaps = np.isnan(blocks)
    kept += [starts + np.where(gaps, np.inf, blocks).argmin(1), starts + np.where(gaps, -np.inf, blocks).argmax(1)]
    kept += [starts + gaps.argmax(1)]
    return np.unique(np.concatenate(kept))


def _floor(curves: list[Curve]) -> float | None:
    """Where a logarithmic axis begins; None where nothing is above 0. A cosine comes down to rounding errors."""
    values = [v for curve in curves for v in curve.values if 0 < v < math.inf]
    return max(min(values) / 1.5, max(values) * 1e-6) if values else None


def _check_log(owner: str, shown: Chart, log: bool) -> None:
    rates = shown.tracks.get("lr", [])
    if log and rates and _floor(rates) is None:
        raise ValueError(f"{owner}: log needs rates > 0, and {rates[0].label} has none; leave log out")


# -- matplotlib


def _height(shown: Chart) -> float:
    names = max(map(len, shown.tracks.values()))
    return 3.8 + 1.4 * (len(shown.tracks) - 1) + 0.1 * max(names - 2, 0)


def _fit(figure: Any, grows: bool) -> None:
    """Room for the names above the axes; where there cannot be so much, they stand on them."""
    legends = [legend for axis in figure.axes if (legend := axis.get_legend())]
    names = sum(legend.get_window_extent().height for legend in legends) / figure.dpi
    count = len(figure.axes)
    if grows:
        figure.set_figheight(max(figure.get_figheight(), min(1.5 + 1.4 * count + names, 100)))
    if names > figure.get_figheight() - 0.7 - 0.7 * count:
        for legend in legends:
            legend.set_bbox_to_anchor(None)
            legend.set_loc("best")


def _new_figure(shown: Chart) -> "Figure":
    """One that is shown where somebody looks at pyplot's; else one that is freed with its last reference."""
    size = {"figsize": (8.0, _height(shown)), "layout": "constrained"}
    notebook = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)() is not None
    if notebook or "matplotlib.pyplot" in sys.modules:
        from matplotlib import pyplot

        return pyplot.figure(**size)  # type: ignore[arg-type]
    from matplotlib.figure import Figure

    return Figure(**size)  # type: ignore[arg-type]


def _draw(shown: Chart, log: bool, where: Any) -> "Axes":
    """Draw on the axes or figure ``where``; gives the first axes."""
    from matplotlib.ticker import EngFormatter

    tracks = shown.tracks
    ratios = [3.0] + [1.2] * (len(tracks) - 1)
    own = where is None or hasattr(where, "subplots")
    if own:
        figure = _new_figure(shown) if where is None else where
        axes = list(figure.subplots(len(tracks), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0])
    else:
        axes = [where, *_below(where, ratios)]
    for axis, (track, curves) in zip(axes, tracks.items(), strict=True):
        axis.margins(x=0.01, y=0.12)  # with room for what is written at the top
        lines = []
        plans = any(not curve.recorded for curve in curves)  # beside which a record is a broad line
        for curve in curves:
            style: dict[str, Any] = (
                {"linewidth": 4.0, "alpha": 0.4, "zorder": 1.9} if curve.recorded and plans else {"linewidth": 1.6}
            )
            (line,) = axis.plot(curve.times, curve.values, color=f"C{curve.colour}", label=curve.label, **style)
            if len(curve.times) == 1:
                line.set_marker("o")
            lines.append(line)
        if track == "lr" and log:
            axis.set_yscale("log", nonpositive="clip")
            axis.set_ylim(bottom=_floor(curves))
        elif track == "lr" and all(not v < 0 for curve in curves for v in curve.values):
            axis.set_ylim(bottom=0)
        _mark(axis, curves)
        axis.set_ylabel(_NAMES.get(track, track), parse_math=False)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        _name(axis, lines, [curve.label for curve in curves], title=axis is axes[0], above=own)
    if shown.end >= 100_000:
        axes[-1].xaxis.set_major_formatter(EngFormatter(sep=""))
    axes[-1].set_xlabel(shown.unit)
    return axes[0]  # type: ignore[no-any-return]


def _below(axis: "Axes", ratios: list[float]) -> list["Axes"]:
    """Axes in the lower part of the room that ``axis`` has."""
    if len(ratios) == 1:
        return []
    figure, place = axis.figure, axis.get_subplotspec()
    if place is not None:
        rows = place.subgridspec(len(ratios), 1, height_ratios=ratios)
        axis.set_subplotspec(rows[0])
        found = [figure.add_subplot(rows[i], sharex=axis) for i in range(1, len(ratios))]
    else:
        left, bottom, width, height = axis.get_position().bounds
        room = height / sum(ratios)
        tops = [bottom + height - room * sum(ratios[:i]) for i in range(len(ratios))]
        gap = 0.15 * room
        axis.set_position((left, tops[0] - room * ratios[0] + gap, width, room * ratios[0] - gap))
        found = [
            figure.add_axes((left, top - room * ratio + gap, width, room * ratio - gap), sharex=axis)
            for top, ratio in zip(tops[1:], ratios[1:], strict=True)
        ]
    for each in [axis, *found[:-1]]:
        each.tick_params(labelbottom=False)
    return found


def _mark(axis: Any, curves: list[Curve]) -> None:
    """The warm-up as a shade, boundaries as dotted lines; what several curves share once, and in grey."""

    def owners(times: list[tuple[float, int]]) -> Iterator[tuple[float, str]]:
        for t in dict.fromkeys(t for t, _ in times):
            of = {colour for time, colour in times if time == t}
            yield t, f"C{of.pop()}" if len(of) == 1 and len(curves) > 1 else "0.4"

    for t, colour in owners([(t, curve.colour) for curve in curves for t in curve.joints]):
        axis.axvline(t, color=colour, linestyle=":", linewidth=0.9, alpha=0.8, zorder=1, gid=f"boundary-{t:.10g}")
    for i, (t, colour) in enumerate(owners([(curve.warmup, curve.colour) for curve in curves if curve.warmup > 0])):
        axis.axvspan(0, t, color=colour, alpha=0.08, linewidth=0, zorder=0, gid=f"warm-up-{t:.10g}")
        if i == 0:
            axis.annotate("warm-up", (0, 1), (4, -3), xycoords=("data", "axes fraction"), textcoords="offset points",
                          va="top", fontsize=7, color="0.35",
                          bbox={"facecolor": axis.get_facecolor(), "edgecolor": "none", "alpha": 0.8, "pad": 0.8})  # fmt: skip


def _name(axis: Any, lines: list[Any], labels: list[str], title: bool, above: bool) -> None:
    """The curves' names, as they are: no mathematics in them, no name left out; where there is room, above the curves."""
    if len(labels) == 1:
        if title:
            axis.set_title(textwrap.fill(labels[0], 96), loc="left").set_parse_math(False)
        return
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2} if above else {}
    columns = max(1, min(len(labels), 110 // (max(map(len, labels)) + 9))) if above else 1
    for ncols in range(columns, 0, -1):  # as many as this font has room for
        legend = axis.legend(
            lines, ["curve"] * len(lines), frameon=True, framealpha=0.8, edgecolor="none", ncols=ncols, **place
        )
        for text, label in zip(legend.get_texts(), labels, strict=True):
            text.set_text(textwrap.fill(label, 60))
            text.set_parse_math(False)
        if ncols == 1 or legend.get_window_extent().width <= 0.92 * axis.figure.bbox.width:
            break


def _fonts(shown: Chart, title: str | None) -> list[str]:
    """matplotlib's own, which is everywhere the same; behind it what this machine has for writing that it lacks."""
    from matplotlib import font_manager

    text = "".join([title or "", *shown.tracks, *(curve.label for curve in shown.curves)])
    own = "DejaVu Sans"
    if text.isascii():
        return [own]
    missing = {ord(c) for c in text} - font_manager.get_font(font_manager.findfont(own)).get_charmap().keys()
    wanted = ("CJK", "Nanum", "Malgun", "Apple SD Gothic", "Hiragino", "YaHei", "Yu Gothic", "Arial Unicode")
    there = sorted({font.name for font in font_manager.fontManager.ttflist if any(name in font.name for name in wanted)})
    return [own, *there] if missing else [own]


# -- the page


@cache
def _asset(name: str) -> str:
    return files("lucid").joinpath("_static", *name.split("/")).read_text(encoding="utf-8")


def page(shown: Chart, *, title: str | None = None, log: bool = False) -> bytes:
    """A chart as one HTML file, interactive, that asks nobody for anything and runs no script but its own."""
    tracks = []
    for track, curves in shown.tracks.items():
        told = [
            {
                "label": curve.label, "colour": curve.colour, "recorded": curve.recorded, "warmup": curve.warmup,
                "joints": curve.joints, "times": _times(curve.times), "values": [_short(v) for v in curve.values],
            }
            for curve in curves
        ]  # fmt: skip
        tracks.append({"key": track, "name": _NAMES.get(track, track), "floor": _floor(curves), "curves": told})
    positive = "lr" in shown.tracks and _floor(shown.tracks["lr"]) is not None
    data = {"unit": shown.unit, "end": shown.end, "log": log, "positive": positive, "tracks": tracks}
    # Nothing in a label can end the element that holds the data.
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    styles = [_asset("uplot/uPlot.min.css"), _asset("plot/page.css")]
    scripts = [_asset("uplot/uPlot.iife.min.js"), _asset("plot/page.js")]
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src {' '.join(map(_hash, styles))}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    name = _html.escape(_clean(title or "Learning-rate schedule" + ("s" if len(shown.curves) > 1 else "")))
    scale = f'<button id="log" type="button" aria-pressed="{str(log).lower()}">Logarithmic</button>' if positive else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Lucid">
<link rel="icon" href="data:,">
<title>{name}</title>
{"".join(f"<style>{style}</style>" + chr(10) for style in styles)}</head>
<body>
<main>
<h1>{name}</h1>
<div class="tools" role="toolbar" aria-label="View">
<button id="in" type="button">Zoom in</button><button id="out" type="button">Zoom out</button>
<button id="left" type="button" aria-label="Earlier">←</button><button id="right" type="button" aria-label="Later">→</button>
<button id="all" type="button">Whole</button>{scale}
</div>
<div id="charts"></div>
<noscript><p>The curves are drawn by a script in this page; the table below needs none.</p></noscript>
<p>Drag to zoom, double-click for the whole; click a name to hide its curve.
Keys: <kbd>←</kbd> <kbd>→</kbd> cursor, with <kbd>Shift</kbd> the view, <kbd>+</kbd> <kbd>-</kbd> zoom, <kbd>0</kbd> whole{
        ", <kbd>L</kbd> logarithmic" if positive else ""
    }.</p>
{_table(shown)}
</main>
<script type="application/json" id="data">{text}</script>
{"".join(f"<script>{script}</script>" + chr(10) for script in scripts)}</body>
</html>
""".encode()


def _table(shown: Chart) -> str:
    """Where each curve starts, peaks and ends."""
    rows = []
    for track, curves in shown.tracks.items():
        for curve in curves:
            points = [(t, v) for t, v in zip(curve.times, curve.values, strict=True) if math.isfinite(v)]
            if not points:
                continue
            top = max(v for _, v in points)
            at = next(t for t, v in points if v == top)
            name = curve.label if curve.label == track else f"{_NAMES.get(track, track)}: {curve.label}"
            cells = (points[0][1], top, at, points[-1][1])
            rows.append(f"<tr><th scope=row>{_html.escape(name)}</th>{''.join(f'<td>{v:.6g}</td>' for v in cells)}</tr>\n")
    return (
        '<div class="scroll"><table class="ends">\n<thead><tr><th scope=col>curve</th><th scope=col>start</th><th scope=col>'
        f"highest</th><th scope=col>at {shown.unit}</th><th scope=col>end</th></tr></thead>\n<tbody>\n{''.join(rows)}"
        "</tbody>\n</table></div>"
    )


def _short(value: float) -> float | int | str:
    """A number for the page: nine digits, more than anybody sees; what is not finite is a gap."""
    if not math.isfinite(value):
        return "NaN"
    return int(value) if value == int(value) and abs(value) < 2**53 else float(f"{value:.9g}")


def _times(times: list[float]) -> list[Any]:
    """Short, but each later than the one before: at a jump two are as near as floats can be."""
    short = [_short(t) for t in times]
    return [s if i + 1 == len(short) or s != short[i + 1] else times[i] for i, s in enumerate(short)]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
