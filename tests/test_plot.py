"""lucid.plot, lucid plot and their files: what is drawn is what schedules and records say, the same each time, and harmless."""

import base64
import hashlib
import io
import json
import math
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import lucid
from lucid import History
from lucid._curves import joints
from lucid._plot import _thinned, chart, image, plot, warmup_of
from lucid.cli import main
from lucid.schedules import (
    WSD,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    Lambda,
    Linear,
    OneCycle,
    Piecewise,
    Step,
    Warmup,
)

ROOT = Path(lucid.__file__).parents[1]
SHOWN = runpy.run_path(str(ROOT / "docs" / "make.py"))["SHOWN"]
HOSTILE = "</script><script>alert(1)</script> <b>&amp; $\\bad_{$ _hidden --> \x00\x1b \u2028 ]]> 학습률"


@pytest.fixture(autouse=True)
def _no_figures_left() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def axes() -> Any:
    return Figure().subplots()


def run_of(steps: int = 20, **options: Any) -> History:
    """A real run, whose rate was halved in its middle."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5, momentum=0.9, weight_decay=0.01)
    scheduler = lucid.optim.lr_scheduler.LRScheduler(optimizer, lr=Cosine(steps))
    history = History(optimizer, **options)
    for step in range(steps):
        loss = layer(torch.ones(2, 3)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        history.record(loss=loss, odd=math.nan if 5 <= step < 8 else step)
        optimizer.step()
        if step == steps // 2:
            optimizer.param_groups[0]["lr"] *= 0.5
        scheduler.step()
    return history


# -- the points


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("steps", [110, 20_000])
def test_every_point_is_the_schedules_own(name: str, steps: int) -> None:
    schedule = lucid.parse(SHOWN[name])
    (curve,) = chart(schedule, steps=steps, lr=0.3).curves
    assert curve.values == pytest.approx([schedule(t, 0.3) for t in curve.times], rel=1e-9, abs=1e-12)
    assert curve.times == sorted(set(curve.times))
    assert (curve.times[0], curve.times[-1]) == (0, steps)
    whole = schedule.at(range(steps + 1), 0.3)
    assert max(curve.values) >= max(whole) * (1 - 1e-9)
    assert min(curve.values) <= min(whole) + 1e-9 * abs(min(whole))


def test_jumps_and_restarts_are_upright_at_a_million_steps() -> None:
    schedule = CosineRestarts(1000.5, times=999)
    (curve,) = chart(schedule, steps=1e6).curves
    at = dict(zip(curve.times, curve.values, strict=True))
    bounds = np.array(curve.times)
    for n in range(1, 999):
        near = bounds[np.abs(bounds - 1000.5 * n) <= 600]
        assert {0.0, 1.0} <= {round(at[t], 4) for t in near}
    assert len(curve.times) < 10_000
    (curve,) = chart(Linear(4000.25) >> Constant(0.5), steps=1e6).curves
    jump = curve.times.index(4000.25)
    assert curve.times[jump - 1] == math.nextafter(4000.25, 0)
    assert curve.values[jump - 1 : jump + 1] == [pytest.approx(1), 0.5]


@pytest.mark.parametrize("at", [3, 77_777, 999_998])
def test_a_step_that_is_alone_among_a_million_is_seen(at: int) -> None:
    spike = Piecewise((0, at, at + 1), (1.0, 7.0, 1.0))
    (curve,) = chart(spike, steps=1_000_000).curves
    assert (curve.times[curve.values.index(7.0)], max(curve.values)) == (at, 7.0)


def test_more_steps_than_can_be_asked_for() -> None:
    (curve,) = chart("warmup(2e9) >> cosine(9.98e11)").curves
    assert curve.times[-1] == 1e12
    assert curve.joints == [2e9]
    assert max(curve.values) == 1.0


@given(st.lists(st.floats() | st.just(math.nan), min_size=1, max_size=400), st.integers(1, 40))
def test_each_column_keeps_its_first_last_extremes_and_gap(values: list[float], columns: int) -> None:
    kept = _thinned(values, columns).tolist()
    assert kept == sorted(set(kept))
    assert len(kept) <= 5 * columns + 2 * -(-len(values) // columns)
    size = -(-len(values) // columns)
    for start in range(0, len(values), size):
        block, some = values[start : start + size], [values[i] for i in kept if start <= i < start + size]
        assert {start, min(start + size, len(values)) - 1} <= set(kept)
        assert any(map(math.isnan, block)) == any(map(math.isnan, some))
        numbers = [v for v in block if v == v]
        if numbers:
            assert min(numbers) in some
            assert max(numbers) in some


def test_functions_that_take_no_arrays() -> None:
    (curve,) = chart(Lambda(lambda t: 1.0 if t < 50 else 0.25), steps=100).curves
    assert curve.values == [1.0 if t < 50 else 0.25 for t in curve.times]
    table = [0.1, 0.2, 0.3]
    (curve,) = chart(Lambda(lambda t: table[t]), steps=3, lr=2.0).curves
    assert (curve.times, curve.values) == ([0, 1, 2], [0.2, 0.4, 0.6])
    with pytest.raises(ZeroDivisionError):
        chart(Lambda(lambda t: 1 // 0), steps=3)


@pytest.mark.parametrize(
    ("text", "met", "warmup"),
    [
        ("cosine(90)", [], 0),
        ("warmup(10) >> cosine(90)", [10], 10),
        ("linear(10) >> linear(90, 1, 0)", [10], 10),
        ("linear(10, 1, 0) >> linear(90)", [10], 0),
        ("constant(0.1)[:10] >> constant(1)", [10], 0),
        ("wsd(80, 20, warmup_steps=5)", [5, 65], 5),
        ("cosine(20).repeat(3)", [20, 40], 0),
        ("cosine(20).repeat(stretch=2)", [20, 60, 140], 0),
        ("(linear(5) >> cosine(15)).repeat(2)", [5, 20, 25], 0),
        ("(warmup(2) >> cosine(8)).per_epoch(10)", [20], 20),
        ("(warmup(1.5) >> cosine(8.5)).per_epoch(10, staircase=True)", [20], 15),
        ("(warmup(2) >> cosine(8)).shift(5)", [7], 0),
        ("0.5 * (warmup(2) >> cosine(8))", [2], 2),
        ("(warmup(2) >> cosine(8)) * step(3)", [2], 2),
        ("(warmup(2) >> cosine(8)) + constant(0.1)", [2], 0),
        ("(linear(50, 1, 0.5) >> cosine(50)).k_decay(2)", [70.71067811865476], 0),
        ("(linear(5) >> cosine(95))[:3] >> constant(1)", [3], 3),
        ("(linear(5) >> cosine(95))[:5]", [5], 5),  # where it jumps to what then stands still
        ("noam(512, 30)", [], 30),
        ("cosine(9).warmup(1).warmup(10)", [10, 11], 10),
        ("warmup(1000) >> cosine(9)", [], 1000),
    ],
)
def test_boundaries_and_warm_ups(text: str, met: list[float], warmup: float) -> None:
    schedule = lucid.parse(text)
    assert joints(schedule, 150) == pytest.approx(met)
    assert warmup_of(schedule) == warmup


def test_a_repeat_of_repeats_is_over_at_once() -> None:
    many = Cosine(1).repeat(10**6).repeat(10**6).repeat(10**6)
    assert len(joints(many, 1e18)) <= 10_000
    assert joints(Cosine(1).repeat(20_000) >> Cosine(9), 1e18)[-1] == 20_000  # which comes before the restarts
    (curve,) = chart(Cosine(1).repeat(100), steps=100).curves
    assert curve.joints == []  # too many to mark
    (curve,) = chart("warmup(1000) >> cosine(9)", steps=100).curves
    assert curve.warmup == 0  # it is all that there is to see


# -- the unit of time


@pytest.mark.parametrize(
    ("options", "unit", "end", "joint"),
    [
        ({}, "step", 100, 10),
        ({"steps": 50}, "step", 50, 10),
        ({"epochs": 20}, "epoch", 20, 10),
        ({"epochs": 5, "steps_per_epoch": 8}, "epoch", 5, 1.25),
        ({"epochs": 5, "steps": 40}, "epoch", 5, 1.25),
        ({"steps_per_epoch": 8}, "epoch", 12.5, 1.25),
        ({"steps_per_epoch": 8, "steps": 40}, "epoch", 5, 1.25),
        ({"steps_per_epoch": 8, "steps": 40, "epochs": 5}, "epoch", 5, 1.25),
    ],
)
def test_steps_and_epochs(options: dict[str, float], unit: str, end: float, joint: float) -> None:
    shown = chart("warmup(10) >> cosine(90)", **options)
    (curve,) = shown.curves
    assert (shown.unit, shown.end, curve.joints, curve.warmup, curve.times[-1]) == (unit, end, [joint], joint, end)


def test_a_history_over_epochs() -> None:
    shown = chart("cosine(20)", run_of(), steps_per_epoch=5)
    recorded = next(curve for curve in shown.curves if curve.recorded)
    assert (shown.end, recorded.times) == (4, [step / 5 for step in range(20)])
    with pytest.raises(ValueError, match="plot: a History counts steps; give steps_per_epoch to show it over epochs"):
        chart("cosine(20)", run_of(), epochs=3)
    assert len(chart(run_of(), steps=9).curves[0].times) == 10


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((), {}, ValueError, "plot: give at least one Schedule, expression, LRScheduler or History"),
        (("constant(1)",), {}, ValueError, r"plot: Constant.* has no end, or no length; say how far to draw"),
        (("cosin(9)",), {}, ValueError, "unknown schedule 'cosin'; did you mean 'Cosine'"),
        ((3,), {}, TypeError, "plot: takes Schedules, expressions, Lucid's LRSchedulers and Histories, got 3; what another"),
        (("cosine(9)",), {"steps": 0}, ValueError, "plot: steps must be > 0, got 0"),
        (("cosine(9)",), {"epochs": math.inf}, ValueError, "plot: epochs must be finite, got inf"),
        (("cosine(9)",), {"steps_per_epoch": "x"}, TypeError, "plot: steps_per_epoch must be a number, got 'x'"),
        (("cosine(9)",), {"steps": 9, "epochs": 2, "steps_per_epoch": 5}, ValueError, "plot: steps is 9, but 2 epochs of 5"),
        (("cosine(9)",), {"lr": [1, 2]}, ValueError, "plot: lr must be one base, or one for each of 1 schedules, got 2"),
        (("cosine(9)",), {"lr": -1}, ValueError, "plot: lr must be >= 0, got -1"),
        (("cosine(9)",), {"lr": "0.1"}, TypeError, "plot: lr must be a number, got '0.1'"),
        (("cosine(9)",), {"labels": ["a", "b"]}, ValueError, "plot: labels must be as many as schedules, 1, got 2"),
        (("cosine(9)",), {"labels": [3]}, TypeError, r"plot: labels must be a list of texts, got \[3\]"),
        (("cosine(9)",), {"momentum": 0.9}, TypeError, "plot: momentum must be a Schedule or expression, a pair"),
        (("cosine(9)",), {"weight_decay": ("cosine(9)", math.nan)}, ValueError, "plot: weight_decay's base must be finite"),
        ((History.parse(b"step,epoch\n3,1\n", "x.csv"),), {}, ValueError, "plot: the History has no column to draw"),
        ((History.parse(b"", "x.csv"),), {}, ValueError, r"plot: the History is empty; record\(\) adds to it"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(arguments: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plot(*arguments, **options)


def test_another_librarys_scheduler_is_told_the_way() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(TypeError, match=r"is recorded by lucid.History\(optimizer\)"):
        plot(torch.optim.lr_scheduler.StepLR(optimizer, 3))

    class Own(lucid.optim.lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [0.1]

    with pytest.raises(NotImplementedError, match=r"Own: its rates come from get_lr\(\), not from a schedule"):
        plot(Own(optimizer))


# -- the picture


def test_bases_labels_and_tracks(axes: Any) -> None:
    made = plot(
        Cosine(100), "linear(50, 1, 0)", lr=[0.4, 0.2], labels=["a", "_b $x"], ax=axes,
        momentum=("cosine(100)", 0.9), weight_decay=["constant(0.1)", Step(30)],
    )  # fmt: skip
    assert made is axes
    rates, momentum, decay = made.figure.axes
    assert [line.get_ydata()[0] for line in rates.lines] == [0.4, 0.2]
    assert [text.get_text() for text in rates.get_legend().get_texts()] == ["a", "_b $x"]
    assert momentum.lines[0].get_ydata()[0] == 0.9
    assert [line.get_ydata()[0] for line in decay.lines] == [0.1, 1.0]
    assert [axis.get_ylabel() for axis in (rates, momentum, decay)] == ["learning rate", "momentum", "weight decay"]
    assert [axis.get_xlabel() for axis in (rates, momentum, decay)] == ["", "", "step"]
    assert rates.get_shared_x_axes().joined(rates, decay)


def test_one_curve_is_titled(axes: Any) -> None:
    plot("warmup(5) >> cosine(95)", ax=axes)
    assert axes.get_title("left") == "warmup(5) >> cosine(95)"
    assert axes.get_legend() is None
    assert axes.get_ylim()[0] == 0


def test_names_hide_no_curve() -> None:
    made = plot(*(f"cosine({100 * i})" for i in range(1, 9)), log=True)
    made.figure.draw_without_rendering()
    names, curves = made.get_legend().get_window_extent(), made.get_window_extent()
    assert names.y0 >= curves.y1
    assert names.y1 <= made.figure.bbox.y1
    assert len({round(text.get_window_extent().x0) for text in made.get_legend().get_texts()}) == 5  # columns, as room is


@pytest.mark.parametrize(("count", "label"), [(4, "word " * 38), (20, "x" * 80), (40, "x" * 50)])
def test_names_have_room_however_many_and_long(count: int, label: str) -> None:
    momentum = [f"cosine({100 * i + 100})" for i in range(count)]
    made = plot(*momentum, labels=[f"{i} {label}" for i in range(count)], momentum=momentum)
    made.figure.draw_without_rendering()  # matplotlib warns where the axes have no room left
    first, second = (axis.get_window_extent() for axis in made.figure.axes)
    assert first.height > 140
    assert second.height > 60
    names, more = (axis.get_legend().get_window_extent() for axis in made.figure.axes)
    assert names.y1 <= made.figure.bbox.y1
    assert first.y1 <= names.y0
    assert more.y1 <= first.y0
    assert second.y1 <= more.y0


@pytest.mark.parametrize("size", [{"width": 3}, {"width": 4}, {"height": 1.5}, {"width": 3, "height": 1.5}])
def test_names_leave_room_in_small_pictures(size: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    image(*(f"warmup(5) >> cosine({i})" for i in range(90, 98)), format="png", **size)
    drawn[0].draw_without_rendering()
    share = drawn[0].axes[0].get_position()
    assert share.width > 0.6
    assert share.height > 0.2


def test_boundaries_and_the_warm_up_are_marked(axes: Any) -> None:
    plot(Warmup(10) >> Cosine(90), WSD(70, 20, warmup_steps=10), labels=["a", "b"], ax=axes)
    marks = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    assert {name: line.get_xdata()[0] for name, line in marks.items()} == {"boundary-10": 10, "boundary-60": 60}
    assert marks["boundary-10"].get_color() == "0.4"  # of both
    assert marks["boundary-60"].get_color() == "C1"
    (shade,) = [patch for patch in axes.patches if patch.get_gid() == "warm-up-10"]
    assert shade.get_x() + shade.get_width() == 10
    assert [text.get_text() for text in axes.texts] == ["warm-up"]
    assert axes.texts[0].get_bbox_patch() is not None  # so that no line goes through it
    plain = Figure().subplots()
    plot("cosine(9)", ax=plain)
    assert len(plain.lines) == 1
    assert not plain.patches
    assert not plain.texts


def test_a_logarithmic_axis(axes: Any) -> None:
    plot(Cosine(1000), Exponential(0.9)[:1000], lr=0.5, log=True, ax=axes)
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == pytest.approx(0.5e-6)
    floor = Figure().subplots()
    plot("linear(10, 1, 0.5)", log=True, ax=floor)
    assert floor.get_ylim()[0] == pytest.approx(0.5 / 1.5)
    with pytest.raises(ValueError, match=r"plot: log needs rates > 0, and cosine\(9\) has none; leave log out"):
        plot("cosine(9)", lr=0, log=True)
    with pytest.raises(ValueError, match=r"image: log needs rates > 0, and cosine\(9\) has none; leave log out"):
        image("cosine(9)", lr=0, log=True, format="html")


def test_a_scheduler_shows_its_groups_and_keys(axes: Any) -> None:
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(4)]
    optimizer = torch.optim.AdamW(
        [{"params": [p], "lr": lr} for p, lr in zip(parameters, (0.1, 0.1, 0.3, 0.1), strict=True)], weight_decay=0.2
    )
    optimizer.param_groups[2]["name"] = "head"
    same, other = Cosine(10), Linear(10, 1, 0)
    scheduler = lucid.optim.lr_scheduler.LRScheduler(
        optimizer, lr=[same, Cosine(10), same, other], weight_decay=Cosine(10, end=0.1), momentum=Linear(10, 1, 0.5)
    )
    scheduler.step(5)
    optimizer.param_groups[0]["lr"] = 7.0  # an edit is no part of the plan
    plot(scheduler, ax=axes)
    shown = chart(scheduler)
    rates = shown.tracks["lr"]
    assert [curve.label for curve in rates] == ["Cosine(steps=10), pg1, pg2", "Cosine(steps=10), head", f"{other!r}, pg4"]
    assert [curve.values[0] for curve in rates] == [0.1, 0.3, 0.1]
    assert [curve.values[0] for curve in shown.tracks["weight_decay"]] == [0.2]
    assert [(curve.values[0], curve.values[-1]) for curve in shown.tracks["momentum"]] == [(0.9, 0.45)]
    assert len(axes.figure.axes) == 3
    many = torch.optim.SGD([{"params": [p], "lr": lr} for p, lr in zip(parameters, (0.1, 0.1, 0.1, 0.3), strict=True)])
    labels = [curve.label for curve in chart(lucid.optim.lr_scheduler.CosineAnnealingLR(many, 9), steps=9).curves]
    assert labels == ["CosineAnnealingLR, pg1 to pg3", "CosineAnnealingLR, pg4"]
    named = lucid.optim.lr_scheduler.OneCycleLR(torch.optim.SGD(parameters, lr=0.1, momentum=0.9), max_lr=0.5, total_steps=50)
    assert [(curve.track, curve.label) for curve in chart(named).curves] == [("lr", "OneCycleLR"), ("momentum", "OneCycleLR")]
    assert chart(named, labels="mine").curves[0].label == "mine"


def test_a_run_beside_its_plan(axes: Any) -> None:
    history = run_of()
    shown = chart(Cosine(20), history, lr=0.5)
    plan, run = shown.tracks["lr"]
    assert (plan.recorded, run.recorded, run.label) == (False, True, "lr-SGD")
    assert run.times == history.steps
    assert run.values == history["lr-SGD"]
    assert run.values[:11] == Cosine(20).at(range(11), 0.5)
    assert run.values[11] == pytest.approx(0.5 * Cosine(20)(11, 0.5))
    assert list(shown.tracks) == ["lr", "loss", "odd"]  # what stood still is left out
    assert [math.isnan(v) for v in shown.tracks["odd"][0].values].count(True) == 3
    assert history.plot(ax=axes, labels="run") is axes
    assert axes.get_title("left") == "run, lr-SGD"
    assert axes.lines[0].get_ydata().tolist() == history["lr-SGD"]
    both = Figure().subplots()
    plot(Cosine(20), history, lr=0.5, ax=both)
    assert both.lines[1].get_linewidth() > 2 * both.lines[0].get_linewidth()
    again = chart(History.parse(history.to_csv().encode(), "run.csv"))
    assert [curve.values for curve in again.tracks["lr"]] == [history["lr-SGD"]]


def test_what_moved_is_shown_of_momentum_and_weight_decay() -> None:
    text = "step,lr-SGD/a,lr-SGD/a-momentum,lr-SGD/a-weight_decay,train/lr,epoch\n0,1,0.9,0,3,0\n1,2,0.8,0,4,0\n"
    shown = chart(History.parse(text.encode(), "x.csv"))
    assert [(curve.track, curve.label, curve.colour) for curve in shown.curves] == [
        ("lr", "lr-SGD/a", 0),
        ("momentum", "lr-SGD/a", 0),
        ("lr", "train/lr", 1),
    ]
    seldom = chart(History.parse(b"step,lr,val_loss,never\n0,1,,\n1,1,5,\n2,1,,\n3,1,nan,\n4,1,3,\n", "x.csv"))
    (curve,) = seldom.tracks["val_loss"]  # a line from value to value, with a gap only where there is no number
    assert (curve.times, [str(v) for v in curve.values]) == ([1, 3, 4], ["5.0", "nan", "3.0"])
    assert list(seldom.tracks) == ["lr", "val_loss"]
    one = chart(History.parse(b"step,lr\n7,1\n", "x.csv"))
    assert one.curves[0].times == [7]


@pytest.mark.parametrize("gridded", [True, False])
def test_axes_that_are_given_share_their_room(gridded: bool) -> None:
    figure = Figure()
    axis = figure.subplots(1, 2)[0] if gridded else figure.add_axes((0.2, 0.1, 0.5, 0.8))
    before = axis.get_position()
    plot("cosine(9)", momentum="linear(9)", ax=axis)
    below = figure.axes[-1]
    top, bottom = axis.get_position(), below.get_position()
    assert (top.x0, top.x1) == pytest.approx((before.x0, before.x1))
    assert (bottom.x0, bottom.x1) == pytest.approx((before.x0, before.x1))
    assert before.y0 - 1e-9 <= bottom.y0 < bottom.y1 < top.y0 < top.y1 <= before.y1 + 1e-9
    assert top.height > 1.5 * bottom.height
    three = Figure().subplots()
    plot("cosine(9)", momentum="linear(9)", weight_decay="step(3)", ax=three)
    told = [each.xaxis.get_tick_params().get("labelbottom", True) for each in three.figure.axes]
    assert told == [False, False, True]  # the time stands below the last of them


def test_pyplot_is_left_alone_where_nobody_uses_it() -> None:
    code = """
import sys, lucid
ax = lucid.plot("cosine(9)")
assert "matplotlib.pyplot" not in sys.modules and "torch" not in sys.modules
ax.figure.savefig("/dev/null", format="png")
import matplotlib.pyplot as plt
assert not plt.get_fignums()
ax = lucid.plot("cosine(9)")
assert plt.get_fignums() == [1] and plt.gcf() is ax.figure
own = plt.figure().subplots()
assert lucid.plot("cosine(9)", ax=own) is own and plt.get_fignums() == [1, 2]
before = dict(plt.rcParams)
lucid._plot.image("cosine(9)")
assert dict(plt.rcParams) == before and plt.get_fignums() == [1, 2]
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "MPLBACKEND": "Agg"}, check=False)
    assert done.returncode == 0


def test_a_notebook_gets_pyplots_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    pyplot = SimpleNamespace(figure=lambda **options: shown.append(Figure(**options)) or shown[-1])
    shown: list[Figure] = []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object()))
    monkeypatch.setattr(mpl, "pyplot", pyplot, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", pyplot)
    assert plot("cosine(9)").figure is shown[0]


# -- files

CURVES = f"""
import sys, matplotlib as mpl
from lucid._plot import image
mpl.use("Agg")
{{more}}
for format in ("svg", "png", "html"):
    made = image("warmup(5) >> cosine(95)", "step(30)", format=format, lr=[0.1, 0.05], title="학습률 < &",
                 labels=["a", {HOSTILE!r}], weight_decay="cosine(100)", log=True)
    sys.stdout.buffer.write(len(made).to_bytes(8, "big") + made)
"""


def made_by(more: str, seed: str) -> list[bytes]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CURVES.replace("{more}", more)],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True,
    )  # fmt: skip
    out, found = done.stdout, []
    while out:
        size = 8 + int.from_bytes(out[:8], "big")
        found.append(out[8:size])
        out = out[size:]
    return found


def test_files_are_the_same_to_the_byte_whatever_the_process_is_set_to() -> None:
    first = made_by("", "1")
    style = """
import matplotlib.style
mpl.style.use("dark_background")
mpl.rcParams.update({"svg.fonttype": "none", "font.family": "serif", "savefig.dpi": 33, "lines.linewidth": 9, "axes.grid": True,
                     "svg.hashsalt": "other", "savefig.bbox": "tight", "figure.figsize": (2, 2), "path.simplify": False})
"""
    second = made_by(style, "2")
    assert [len(made) for made in first] == [len(made) for made in second]
    assert first == second
    svg, png, page = first
    assert png.startswith(b"\x89PNG")
    assert page.startswith(b"<!doctype html>")
    assert not re.search(rb"<dc:date>|Matplotlib v|matplotlib\.org", svg + png)


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_an_svg_holds_any_name() -> None:
    made = image("warmup(5) >> cosine(95)", "cosine(3)", title=HOSTILE, labels=[HOSTILE, "_"])
    root = ElementTree.fromstring(made)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "script" not in tags
    assert {"warm-up-5", "boundary-5"} <= {element.get("id") for element in root.iter()}
    assert b"onload" not in made
    assert b"<image" not in made


def test_sizes_and_formats() -> None:
    head = image("cosine(9)", format="png", width=4, height=2)[16:24]
    assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (600, 300)
    one, two = (image("cosine(9)", format="png", momentum=more)[20:24] for more in (None, "linear(9)"))
    assert two > one  # taller
    for wrong, message in (
        ({"format": "pdf"}, "image: format must be 'svg', 'png' or 'html', got 'pdf'"),
        ({"width": 0}, "image: width must be within 1 to 100 inches, got 0"),
        ({"height": 101}, "image: height must be within 1 to 100 inches, got 101"),
    ):
        with pytest.raises(ValueError, match=message):
            image("cosine(9)", **wrong)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, made: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": [], "title": [], "h1": [], "th": []}
        self.open: str | None = None
        self.feed(made.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.inside:
            self.inside[tag].append("")
            self.open = tag

    def handle_endtag(self, tag: str) -> None:
        self.open = None if tag == self.open else self.open

    def handle_data(self, data: str) -> None:
        if self.open:
            self.inside[self.open][-1] += data


def test_a_page_asks_nobody_and_runs_its_own_scripts_alone() -> None:
    history = History.parse(json.dumps({"step": 1, "lr-SGD/" + HOSTILE: 0.5, HOSTILE: "Infinity"}).encode() + b"\n", "x.jsonl")
    made = image("warmup(5) >> cosine(95)", history, format="html", title=HOSTILE, labels=[HOSTILE, HOSTILE])
    page = Page(made)
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "img", "base", "form", "a")
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcset")]
        assert "src" not in attributes
        assert (tag, attributes.get("href")) in ((tag, None), ("link", "data:,"))
    scripts = [text for text, (tag, _) in zip(page.inside["script"], [t for t in page.tags if t[0] == "script"], strict=True)]
    data, *code = scripts
    kinds = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert kinds == ["application/json", None, None]
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy") or ""
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))

    def hashes(texts: list[str]) -> str:
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)

    assert rules == {
        "default-src": "'none'",
        "script-src": hashes(code),
        "style-src": hashes(page.inside["style"]),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    # The only addresses are uPlot's own, in its comment.
    assert set(re.findall(r"https?://[^\s\"')]+", made.decode())) == {"https://github.com/leeoniya/uPlot"}
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "innerHTML", "eval(", "sendBeacon", "url("):
        assert word not in "".join(code) + "".join(page.inside["style"])
    clean = " ".join("".join(c if c.isprintable() else "�" for c in " ".join(HOSTILE.split())).split())
    assert page.inside["title"] == page.inside["h1"] == [clean]
    told = json.loads(data)
    assert told["tracks"][0]["curves"][0]["label"] == clean
    assert any(clean in text for text in page.inside["th"])
    assert made.isascii() or made.decode()


def test_a_page_holds_the_chart() -> None:
    options: dict[str, Any] = {"lr": [0.1, 0.2], "momentum": "linear(100, 0.8, 0.9)", "steps_per_epoch": 10}
    given = ("warmup(5.5) >> cosine(94.5)", OneCycle(100))
    told = json.loads(Page(image(*given, format="html", log=True, **options)).inside["script"][0])
    shown = chart(*given, **options)
    assert (told["unit"], told["end"], told["log"], told["positive"]) == ("epoch", 10, True, True)
    assert [track["key"] for track in told["tracks"]] == list(shown.tracks)
    curves = [curve for track in told["tracks"] for curve in track["curves"]]
    for curve, mine in zip(curves, shown.curves, strict=True):
        assert curve["times"] == pytest.approx(mine.times)
        assert curve["values"] == pytest.approx(mine.values, rel=1e-8)
        assert (curve["joints"], curve["warmup"], curve["label"]) == (mine.joints, mine.warmup, mine.label)
        assert all(a < b for a, b in zip(curve["times"], curve["times"][1:], strict=False))
    assert told["tracks"][0]["floor"] == pytest.approx(0.2e-6)
    gaps = json.loads(Page(image(run_of(), format="html")).inside["script"][0])
    assert gaps["tracks"][2]["curves"][0]["values"][4:9] == [4, "NaN", "NaN", "NaN", 8]


def test_the_table_of_a_page() -> None:
    rows = re.findall(
        r"<tr><th scope=row>(.*?)</th>(.*?)</tr>", image("warmup(4) >> cosine(6)", format="html", lr=0.5).decode()
    )
    assert rows == [("learning rate: warmup(4) &gt;&gt; cosine(6)", "<td>0</td><td>0.5</td><td>4</td><td>0</td>")]


# -- lucid plot


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, run = tmp_path / "plan.json", tmp_path / "run.csv"
    plan.write_text(Cosine(20).to_json())
    run_of(file=run).close()
    for suffix in ("svg", "png", "html"):
        out = tmp_path / f"curve.{suffix}"
        options = ["--lr", "0.5", "--title", "both", "--log", "--momentum", "linear(9)", "--weight-decay", "step(4)"]
        assert main(["plot", str(plan), "step(5)", str(run), "-o", str(out), *options]) == 0
        assert capsys.readouterr().err == f"wrote {out}\n"
        history = History.read(run)
        labels = ["plan.json", "step(5)", "run.csv"]
        wanted = image(
            Cosine(20), "step(5)", history, format=suffix, lr=0.5, title="both", log=True, labels=labels,
            momentum=lucid.parse("linear(9)"), weight_decay=Step(4),
        )  # fmt: skip
        assert out.read_bytes() == wanted
    assert sorted(os.listdir(tmp_path)) == ["curve.html", "curve.png", "curve.svg", "plan.json", "run.csv"]
    out = tmp_path / "b.html"
    given = ["cosine(9)", "linear(9)", "--lr", "1", "--lr", "2", "--label", "a", "--label", "b", "--epochs", "9"]
    assert main(["plot", *given, "-o", str(out)]) == 0
    assert out.read_bytes() == image("cosine(9)", "linear(9)", format="html", lr=[1, 2], labels=["a", "b"], epochs=9)


def test_what_the_command_draws_is_told_as_to_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, run = tmp_path / "a.svg", tmp_path / "run.csv"
    run_of(file=run).close()
    recipe = lucid.recipe("pretrain-llm", 900)
    monkeypatch.setattr(sys, "stdin", io.StringIO(Cosine(20).to_json()))
    for options, length in (
        (["--steps", "900"], {"steps": 900.0}),
        (["--steps", "900", "--epochs", "90"], {"steps": 900.0, "epochs": 90.0}),
        (["--epochs", "90", "--steps-per-epoch", "10"], {"epochs": 90.0, "steps_per_epoch": 10.0}),
    ):
        assert main(["plot", "pretrain-llm", str(run), "-o", str(out), *options]) == 0
        labels = ["pretrain-llm", "run.csv"]
        assert out.read_bytes() == image(recipe, History.read(run), format="svg", labels=labels, **length)
    assert main(["plot", "-", "pretrain-llm", "-o", str(out)]) == 0  # as long as what it is beside
    assert out.read_bytes() == image(
        Cosine(20), lucid.recipe("pretrain-llm", 20), format="svg", labels=[repr(Cosine(20)), "pretrain-llm"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cosin(9)"], "unknown schedule 'cosin'; did you mean 'Cosine'?"),
        (["cosine(9)", "--momentum", "nope"], "unknown schedule or recipe 'nope'; did you mean 'Noise'?; see lucid list"),
        (["cosine"], "Cosine: field 'steps' is missing; give its fields, such as cosine(1000), and see lucid list cosine"),
        (["pretrain-llm"], "the recipe 'pretrain-llm' is made for a run's length, so tell it, such as --steps 100000"),
        (["constant(1)"], "has no end, or no length; say how far to draw, --steps or --epochs"),
        (["cosine(9)", "--label", "a", "--label", "b"], "error: labels must be as many as schedules, 1, got 2"),
        (["cosine(9)", "--width", "1000"], "error: width must be within 1 to 100 inches, got 1000.0"),
        (["empty.csv"], "error: empty.csv holds no step yet"),
        (["run.csv", "--epochs", "3"], "a History counts steps; give --steps-per-epoch to show it over epochs"),
        (["bad.csv"], "error: bad.csv, line 1: has no column 'step', only a"),
        (["none.csv"], "No such file or directory: 'none.csv'"),
    ],
)
def test_what_the_command_refuses(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("bad", "a\n1\n"), ("empty", "step,lr-SGD\n"), ("run", "step,lr-SGD\n0,0.1\n")):
        Path(f"{name}.csv").write_text(text)
    assert main(["plot", *arguments, "-o", "x.svg"]) == 2
    assert message in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["bad.csv", "empty.csv", "run.csv"]


def test_letters_without_a_font_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from matplotlib import font_manager

    bundled = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", bundled)  # wherever others are installed
    assert main(["plot", "cosine(9)", "--title", "속도 속", "-o", str(tmp_path / "x.png")]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "lucid plot: note: no font of this machine has 도 속; install one that has, or make an .html"
    assert [line.partition(" ")[0] for line in told[1:]] == ["wrote"]


def test_the_kind_of_file_is_its_ending(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "cosine(9)", "-o", "curve.pdf"]) == 2
    assert "curve.pdf: the file must end with .svg, .png or .html, which says what is made" in capsys.readouterr().err


def test_the_command_starts_without_what_it_does_not_need() -> None:
    code = "import sys; from lucid.cli import main\ntry: main(['plot', '--help'])\nexcept SystemExit: print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "matplotlib", "torch"}.isdisjoint(loaded)


def test_a_place_that_cannot_be_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "missing" / "curve.svg"
    assert main(["plot", "cosine(9)", "-o", str(out)]) == 2
    assert f"-o {out} cannot be written (No such file or directory); name another place" in capsys.readouterr().err
