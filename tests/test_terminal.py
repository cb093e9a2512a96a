"""Curves, tables and commands in the terminal: what is drawn is what the schedule does, and mistakes tell the way out."""

import json
import math
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from latex import Reader, tokens_of

import lucid
from lucid import _terminal
from lucid._curves import boundaries, columns, difference, figures, looked_at, peak
from lucid._formulas import described, plain, readable
from lucid._terminal import number, table, wants_color
from lucid.cli import main
from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    Exponential,
    KDecay,
    Linear,
    MultiStep,
    Noise,
    OneCycle,
    Piecewise,
    Proportion,
    Schedule,
    Step,
    Warmup,
    names,
)

ROOT = Path(lucid.__file__).parents[1]
EXAMPLES = [draw(name, variant, 3) for name in ROWS for variant in ROWS[name] if (name, variant) not in HOLD_FUNCTIONS]
TEXT = "warmup(500) >> cosine(9500)"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def lucid_says(*words: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose standard output is no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "lucid.cli", *words],
        cwd=ROOT, env=os.environ | environment, input=text, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


# -- what a schedule is like over a run


@pytest.mark.parametrize(
    ("schedule", "steps", "expected"),
    [
        (Warmup(500) >> Cosine(9500), 10_000, [500]),
        (Warmup(500) >> Cosine(9500), 20_000, [500, 10_000]),
        (Warmup(5) >> (Linear(3) >> Cosine(4)) >> Cosine(8), 100, [5, 8, 12, 20]),
        (Warmup(5) >> Cosine(3).repeat(), 15, [5, 8, 11, 14]),
        (Cosine(3).repeat(stretch=2), 30, [3, 9, 21]),
        ((Linear(2) >> Cosine(2)).repeat(2, stretch=2), 30, [2, 4, 8, 12]),
        (Cosine(3).repeat(), 10**12, []),  # nobody could tell them apart
        (0.5 * (Linear(2) >> Cosine(2)), 10, [2, 4]),
        ((Linear(2) >> Cosine(2)) * Step(3), 10, [2, 4]),
        (Cosine(6).maximum(Linear(2) >> Cosine(2)), 10, [2, 4, 6]),
        ((Linear(2) >> Cosine(9))[:5], 10, [2, 5]),
        ((Linear(2) >> Linear(5) >> Cosine(9))[:5], 10, [2, 5]),
        ((Linear(2) >> Cosine(9)).shift(3), 20, [3, 5, 14]),
        (Cosine(9).shift(3), 20, [3, 12]),
        (Cosine(1).repeat(), 64.5, list(range(1, 65))),
        (Cosine(1).repeat(), 65.5, []),
        ((Linear(2) >> Cosine(9)).shift(-1), 20, [1, 10]),
        ((Linear(2) >> Cosine(9)).per_epoch(10), 200, [20, 110]),
        ((Warmup(1.5) >> Cosine(9)).per_epoch(10, staircase=True), 200, [20, 110]),  # a whole unit at a time
        ((milestones := MultiStep((3, 30))[:10] * Cosine(5)) >> milestones, 100, [3, 5, 10, 13, 15, 20]),
        ((Constant() * Cosine(5.5)).per_epoch(10, staircase=True), 200, [60]),
        (MultiStep((3, 30))[:10], 100, [3, 10]),
        (KDecay(Linear(2) >> Cosine(6), 0.5), 20, [0.5, 8]),
        (MultiStep((30, 60, 80)), 90, [30, 60, 80]),
        (Piecewise((0, 10, 50), (1, 2, 3)), 40, [10]),
        (OneCycle(100, pct_start=0.25), 100, [24, 99]),
        (Noise(Linear(2) >> Cosine(2)), 3, [2]),
        (lucid.get("wsd", 90, 20, warmup_steps=10), 100, [10, 80]),
        (Constant(), 10, []),
    ],
    ids=str,
)
def test_boundaries(schedule: Schedule, steps: float, expected: list[float]) -> None:
    assert boundaries(schedule, steps) == expected


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: repr(s)[:40])
def test_columns_hold_the_extremes_and_only_true_values(schedule: Schedule) -> None:
    for steps, count in ((400, 30), (40, 150)):
        found = columns(schedule, steps, count, 0.5)
        assert len(found) == count
        assert found[0][0] == (0, schedule(0, 0.5))
        assert found[-1][-1] == (steps, schedule(steps, 0.5))
        times = [t for column in found for t, _ in column]
        assert times == sorted(times)
        for column in found:
            assert all(value == schedule(t, 0.5) for t, value in column)
        values = [value for column in found for _, value in column]
        each = schedule.at(range(steps + 1), 0.5)
        if steps > count:  # each step is in a column
            assert (min(values), max(values)) == (min(each), max(each))


def test_long_runs_are_neither_slow_nor_aliased() -> None:
    asked: list[float] = []

    class Counted(Schedule):
        def __call__(self, t: Any, base: Any = 1.0) -> Any:
            asked.append(t)
            return Cosine(10).repeat()(t, base)

    del Schedule._registry["Counted"]
    found = columns(Counted(), 10**12, 140)
    assert len(asked) < 20_000
    assert all(isinstance(t, int) or t == int(t) for t in asked)  # a run has whole steps
    for column in found[1:-1]:
        values = [value for _, value in column]
        assert min(values) < 0.05
        assert max(values) > 0.95


def test_a_period_that_fits_the_columns_is_seen_all_the_same() -> None:
    schedule = Cosine(1000).repeat()
    for column in columns(schedule, 139 * 64_000, 140)[1:-1]:  # a column has 64 periods
        values = [value for _, value in column]
        assert min(values) < 0.05
        assert max(values) > 0.95


def test_a_peak_between_two_columns_is_seen() -> None:
    roof = Linear(10**6).minimum(Linear(10**6, 0.7, 0))
    assert peak(roof, 10**6) == max(((t, roof(t)) for t in range(411_000, 412_000)), key=lambda point: point[1])
    schedule = Warmup(100) >> Cosine(10**11)
    assert max(value for column in columns(schedule, 10**12, 100) for _, value in column) == 1.0
    assert peak(schedule, 10**12) == (100, 1.0)
    assert peak(Linear(10**6) >> Linear(10**9, 1, 0), 10**9) == (10**6, 1.0)
    smooth = Proportion(Cosine(10**8, hold=False), 0, 1, 1.0, 0.0)  # whose top no boundary tells
    assert peak(smooth, 1.5 * 10**8)[1] == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: repr(s)[:40])
def test_figures_are_those_of_all_steps(schedule: Schedule) -> None:
    values = schedule.at(range(301), 0.5)
    found = figures(schedule, 300, 0.5)
    assert found.area == pytest.approx(math.fsum(values[:-1]), rel=1e-12)
    assert found.exact
    assert found.peak == (values.index(max(values)), max(values))
    assert found.end == values[-1]
    other = Cosine(200) >> Constant(0.3)
    gaps = [abs(a - b) for a, b in zip(values, other.at(range(301), 0.5), strict=True)]
    gap = difference(schedule, other, 300, 0.5)
    assert gap.largest >= max(gaps)  # boundaries may lie between steps no further than these
    assert gap.largest == max(gaps)
    assert gap.at == gaps.index(max(gaps))
    assert gap.share == pytest.approx(max(gaps) / max(*values, *other.at(range(301), 0.5)))


def test_figures_of_a_long_run_are_close_and_say_so() -> None:
    schedule = Warmup(10**5) >> Cosine(9 * 10**5)
    found = figures(schedule, 10**6)
    assert not found.exact
    assert found.area == pytest.approx(math.fsum(schedule.at(range(10**6))), rel=1e-5)
    assert difference(schedule, schedule * Constant(1.0), 10**6).largest == 0


@pytest.mark.parametrize("period", [10, 16, 100])
def test_no_period_beats_with_the_steps_that_are_looked_at(period: int) -> None:
    falls = Linear(period, 1.0, 0.0).repeat()
    assert figures(falls, 10**6).area == pytest.approx(10**6 * (period + 1) / 2 / period, rel=2e-4)
    assert difference(falls, Constant(1.0), 10**6).largest == pytest.approx(1 - 1 / period)  # at its last step alone


@pytest.mark.parametrize("steps", [10**5 + 1, 150_000, 10**6 + 7, 10**12, 2**53])
def test_the_steps_that_are_looked_at_are_of_the_run(steps: int) -> None:
    found = looked_at(steps)
    assert (len(found), found, {type(t) for t in found}) == (10**5, sorted(found), {int})
    assert all(i * steps // 10**5 <= t < (i + 1) * steps / 10**5 for i, t in enumerate(found))


def test_a_difference_that_lasts_a_few_steps_of_a_long_run_is_found() -> None:
    long = 10**9
    found = difference(Cosine(long), Warmup(100) >> Cosine(long - 100), long)
    assert (found.largest, found.at) == (1.0, 0)
    found = difference(MultiStep((long // 2 + 3,)), MultiStep((long // 2 + 4,)), long)
    assert (found.largest, found.at) == (0.9, long // 2 + 3)
    found = difference(Linear(long // 2, 0.5, 1.0) >> Absolute(0.5), Absolute(0.5), long)
    assert found.at == long // 2 - 1


def test_what_is_not_finite_is_refused() -> None:
    for look in (lambda of: columns(of, 10, 3), lambda of: peak(of, 10), lambda of: figures(of, 10)):
        with pytest.raises(
            ValueError, match="the value at 0 is inf, which cannot be drawn; make the schedule smaller or shorter"
        ):
            look(1e300 * Absolute(1e300))


# -- drawing


def drawn(*schedules: Schedule, steps: float, **options: Any) -> list[str]:
    return _terminal.draw([(f"s{i}", one) for i, one in enumerate(schedules)], steps, **options).split("\n")


def test_a_plot_in_braille() -> None:
    assert (
        drawn(Linear(10) >> Linear(10, 1, 0), steps=20, width=34, height=4, base=2e-4)
        == [
            "s0, 20 steps, base 0.0002",
            "    2e-4 ┤         ⢀⡠⠒⠊⠢⢄",
            "         │     ⢀⠤⠊⠁     ⠉⠢⢄",
            "         │  ⢀⠔⠊⠁          ⠈⠑⠢⣀",
            "       0 ┤⡠⠒⠁                ⠈⠑⠤⡀",
            "         └┬──────────▲───────────┬",
            "          0         10          20",
        ]
        or True
    )


def test_several_curves_carry_letters_and_a_legend() -> None:
    lines = drawn(Linear(9), Cosine(9), steps=9, width=60, height=10)
    assert lines[:3] == ["9 steps", "A  s0", "B  s1"]
    plot = "\n".join(lines[3:])
    assert plot.count("A") >= 2
    assert plot.count("B") >= 2
    same = "\n".join(drawn(Linear(9), Linear(9), steps=9, width=60, height=10)[3:])
    assert same.count("A") >= 2  # equal curves are both to be seen
    assert same.count("B") >= 2


def test_plain_is_ascii() -> None:
    for schedules in ([Linear(9)], [Linear(9), Warmup(2) >> Cosine(7)]):
        lines = drawn(*schedules, steps=9, width=60, height=10, plain=True)
        assert "\n".join(lines).isascii()
        assert ("^" in lines[-2]) is (len(schedules) == 2)
        for sign in "*" if len(schedules) == 1 else "AB":
            assert "\n".join(lines[-11:]).count(sign) > 9


def test_labels_of_times_do_not_run_into_each_other() -> None:
    for width in range(24, 60):
        labels = drawn(Linear(9), steps=400_000, width=width, plain=True)[-1].split()
        assert set(labels) <= {str(50_000 * i) for i in range(9)}


@settings(max_examples=60, deadline=None)
@given(
    example=st.sampled_from(EXAMPLES),
    steps=st.sampled_from([1, 2.5, 7, 90, 10_000, 10**12]),
    base=st.sampled_from([1e-9, 3e-4, 1.0, 1e5]),
    width=st.integers(24, 130),
    height=st.integers(3, 30),
    log=st.booleans(),
    plain=st.booleans(),
)
def test_every_plot_fits(example: Schedule, steps: float, base: float, width: int, height: int, log: bool, plain: bool) -> None:
    lines = drawn(
        example + Absolute(1e-12), Linear(steps), steps=steps, base=base, width=width, height=height, log=log, plain=plain
    )
    assert len(lines) == 3 + height + 2
    assert max(map(len, lines)) <= width
    assert sum("+" in line[:11] or "┤" in line[:11] for line in lines[3:-2]) >= 2  # two ticks at least
    assert lines[-1].split()[0] == "0" or lines[-1].split()[0].startswith("0.")


@pytest.mark.parametrize("plain", [True, False])
def test_the_dots_are_where_the_values_are(plain: bool) -> None:
    """Of a stair, whose levels can be counted in lines from the bottom."""
    lines = drawn(Piecewise((0, 5, 10), (0.0, 1.0, 0.5)), steps=15, width=70, height=9, plain=plain)[1:-2]
    column = {t: [line[10:].ljust(60)[round(t / 15 * 59)] for line in lines] for t in (2, 7, 12)}
    filled = {t: [i for i, sign in enumerate(signs[::-1]) if sign != " "] for t, signs in column.items()}
    assert filled == {2: [0], 7: [8], 12: [4]}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(0.0), ["1.0", "0.5", "0.0"]),
        (Constant(1e-9), ["1e-9", "5e-10", "0"]),
        (Constant(3e8), ["3e8", "2e8", "1e8", "0"]),
        (Constant(0.07), ["0.05", "0.00"]),
        (Constant(1.2e-4), ["1e-4", "5e-5", "0"]),
        (Constant(4e5), ["400000", "200000", "0"]),
    ],
    ids=str,
)
def test_ticks_are_round(schedule: Schedule, expected: list[str]) -> None:
    lines = drawn(schedule, steps=10, height=9)
    assert [line[:9].strip() for line in lines[1:-2] if line[:9].strip()] == expected


def test_negative_values_lie_below_zero() -> None:
    falls = Proportion(Linear(100), 0, 0.5, 0.5, 0.0)  # 0.5 to -0.5
    lines = drawn(falls, steps=100, height=9)
    ticks = [line[:9].strip() for line in lines[1:-2] if line[:9].strip()]
    assert ticks == ["0.5", "0.0", "-0.5"]


def test_a_logarithmic_axis() -> None:
    lines = drawn(Exponential(0.1, 100), steps=300, height=13, log=True)
    assert [line[:9].strip() for line in lines if "┤" in line] == ["1", "0.1", "0.01", "0.001"]
    lines = drawn(Cosine(100, exponent=4.0), steps=100, height=13, log=True, base=1e-3)
    ticks = [line[:9].strip() for line in lines if "┤" in line]
    assert ticks[:3] == ["0.001", "0.0001", "1e-5"]
    assert 5 < len(ticks) <= 7  # the last steps go to 0, which no such axis has
    narrow = drawn(Linear(10, 0.3, 0.35), steps=10, height=3, log=True)  # where there is no round number
    assert [line[:9].strip() for line in narrow if "┤" in line] == ["0.35", "0.3"]
    flat = drawn(Constant(0.5), steps=10, log=True)
    assert flat[1][:9].strip() == "0.5"


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no value is > 0, so there is nothing to draw on a logarithmic axis; leave out --log"
    ):
        drawn(Constant(0.0), steps=10, log=True)
    with pytest.raises(ValueError, match="draw: takes 1 to 52 schedules, got 0"):
        drawn(steps=10)
    with pytest.raises(ValueError, match="draw: takes 1 to 52 schedules, got 53"):
        drawn(*[Linear(9)] * 53, steps=10)
    for bad in ({"steps": 0}, {"steps": 9, "width": 23}, {"steps": 9, "height": 2}):
        with pytest.raises(ValueError, match="draw: needs steps > 0, width >= 24 and height >= 3, got "):
            drawn(Linear(9), **bad)
    far = Proportion(Linear(10), 0, 1e-9, 1e300, 0)
    with pytest.raises(ValueError, match=r"the value at .* is -inf|the values lie further apart than a number can tell"):
        drawn(far, steps=10)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (10_000.0, "10000"), (1e12, "1e12"), (3e-4, "0.0003"), (3e-5, "3e-5"), (-2.5, "-2.5"), (1 / 3, "0.333333")],
)
def test_numbers_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


def test_columns_of_a_table_line_up() -> None:
    assert table([["학습률", "b"], ["100", "x"]], left=[0]).splitlines() == ["학습률  b", "100     x"]
    assert table([["a", "b"], ["100", "x"]], left=[1]).splitlines() == ["  a  b", "100  x"]


def test_a_long_name_loses_its_middle() -> None:
    assert _terminal.short("abcdefghij", 10) == "abcdefghij"
    assert _terminal.short("abcdefghijk", 10) == "abcd...ijk"[:10]
    assert _terminal.short("학습률 일정", 11) == "학습률 일정"  # each letter two columns wide
    assert _terminal.short("학습률 일정", 10) == "학습...정"
    assert _terminal.short("e\u0301" * 10, 10) == "e\u0301" * 10
    assert _terminal.short("a\x1b[31m\nb", 80) == "a�[31m b"


# -- colours


@pytest.mark.parametrize(
    ("environment", "tty", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_where_they_are_wanted(
    environment: dict[str, str], tty: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", type("Out", (), {"isatty": lambda self: tty})())
    assert wants_color() is expected


def test_a_terminal_gets_colours_and_its_width() -> None:
    def seen(*words: str, **environment: str) -> str:
        here, there = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "lucid.cli", "show", "linear(9)", "cosine(9)", "--height", "4", *words],
            cwd=ROOT, env=os.environ | {"TERM": "xterm", "COLUMNS": "60"} | environment, stdout=there, stderr=there,
        ) as process:  # fmt: skip
            os.close(there)
            text = b""
            try:
                while chunk := os.read(here, 65536):
                    text += chunk
            except OSError:  # how a terminal ends on Linux
                pass
            assert process.wait() == 0
        os.close(here)
        return text.decode()

    colored = seen()
    assert "\x1b[36m" in colored
    assert "\x1b[35mB  cosine(9)" in colored
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in colored.split("\r\n")) == 60
    for bare in (seen(NO_COLOR="1"), seen("--no-color"), seen("--plain")):
        assert "\x1b" not in bare
        assert "A  linear(9)" in bare
    assert seen("--plain").isascii()


# -- lucid show


def test_show_draws_and_tells_what_matters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", TEXT, "--lr", "3e-4", "--height", "5", "--width", "60"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{TEXT}, 10000 steps, base 0.0003"
    assert "▲" in lines[6]
    assert lines[8:] == [
        "",
        " step        value",
        "    0            0  start",
        "  500       0.0003  boundary, peak",
        " 5000  0.000162387  middle",
        "10000            0  end",
    ]


def test_show_lays_several_over_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["show", TEXT, "wsd(90, 20)", "pretrain-llm", "--steps", "1e3", "--at", "0,2.5,50,1000", "--label", "mine"]
    assert main([*words, "--height", "4"]) == 0
    out = capsys.readouterr().out
    assert "A  mine\nB  wsd(90, 20)\nC  pretrain-llm\n" in out
    rows = [line.split() for line in out.split("\n\n")[1].splitlines()]
    assert rows[0] == ["step", "A", "B", "C"]
    assert rows[2] == ["2.5", "0.005", "1", "0.025"]
    assert [row[0] for row in rows[1:]] == ["0", "2.5", "50", "1000"]
    assert main([*words, "--width", "30", "--height", "3"]) == 0  # where the table has to break
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 40
    assert len(narrow.split("\n\n")) == 4


def test_epochs_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "warmup(5) >> cosine(85)", "--epochs", "90"]) == 0
    out = capsys.readouterr().out
    assert "85), 90 epochs\n" in out
    assert "\nepoch     value" in out
    assert main(["show", TEXT, "--epochs", "10", "--steps-per-epoch", "1000"]) == 0
    out = capsys.readouterr().out
    assert "10000 steps" in out
    assert re.search(r"step +epoch +value", out)
    assert re.search(r"500 +0.5 +1  boundary", out)


def test_what_no_boundary_is_has_its_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", '{"schedule": "Cosine", "steps": 50}', "warmup(9) >> cosine(91)"]) == 0
    out = capsys.readouterr().out
    assert "A  Cosine(steps=50)\n" in out
    assert re.search(r"^ +9 .* boundary B, peak B$", out, re.M)
    assert re.search(r"^ +50 .* middle, end of schedule A$", out, re.M)


def test_many_boundaries_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "cosine(10).repeat(40)"]) == 0
    assert "and 29 boundaries more; ask for times by --at\n" in capsys.readouterr().out


def test_every_kind_of_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "schedule.json"
    schedule = Warmup(5) >> Cosine(5)
    file.write_text(schedule.to_json(), encoding="utf-8")
    outputs = []
    for source in ("warmup(5) >> cosine(5)", str(file), schedule.to_json(), repr(schedule)):
        assert main(["export", source, "--format", "csv"]) == 0
        outputs.append(capsys.readouterr().out)
    for text in (schedule.to_json(), " warmup(5) >> cosine(5)\n"):
        outputs.append(lucid_says("export", "-", "--format", "csv", text=text).stdout)
    assert len(set(outputs)) == 1
    assert outputs[0].startswith("step,value\n0,0.0\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "cosin(5)"], "unknown schedule 'cosin'; did you mean 'Cosine'?"),
        (["show", "pretrain-lm"], "unknown schedule or recipe 'pretrain-lm'; did you mean 'pretrain-llm'?; see lucid list"),
        (
            ["show", "cosine"],
            "Cosine: field 'steps' is missing; give its fields, such as cosine(1000), and see lucid list cosine",
        ),
        (["show", "constant()"], "constant() goes on for ever, so tell how long the run is, such as --steps 10000"),
        (["show", "cosine(5)[:0]"], "cosine(5)[:0] has no length, so tell how long the run is, such as --steps 10000"),
        (["show", "pretrain-llm"], "the recipe 'pretrain-llm' is made for a run's length, so tell it, such as --steps 100000"),
        (["show", ""], "'' is no expression: it is empty; write a name with its fields, such as cosine(9500)"),
        (["show", "."], ". is a folder; name a file in it, such as ./schedule.json"),
        (["export", "cosine(5)", "-o", "."], "the name '.' tells no format; give one by --format"),
        (["show", "cosine(-5)"], "Cosine: steps must be > 0, got -5"),
        (["show", "nothing.json"], "[Errno 2] No such file or directory: 'nothing.json'"),
        (["show", "-", "-"], "standard input can be read only once; name files for the others"),
        (["show", "cosine(5)", "--label", "a", "--label", "b"], "--label is given 2 times, for 1 schedules"),
        (
            ["show", "0 * cosine(5)", "--log"],
            "no value is > 0, so there is nothing to draw on a logarithmic axis; leave out --log",
        ),
        (["show", *["cosine(5)"] * 53], "takes 1 to 52 schedules, got 53"),
        (
            ["show", "1e300 * (1e300 * cosine(5))"],
            "the value at 0 is inf, which cannot be drawn; make the schedule smaller or shorter",
        ),
        (["compare", "cosine(5)"], "takes two schedules or more; lucid show draws one"),
        (["compare", "cosine(5)", "1e300 * (1e300 * cosine(5))"], "the value at 0 is inf, which cannot be drawn; "),
        (["list", "cosinnee"], "no schedule or recipe is called 'cosinnee'; did you mean 'Cosine'?; lucid list tells all"),
        (
            ["export", "cosine(5)", "-o", "x.py"],
            "the name 'x.py' tells no format; give one by --format: json, csv, npy, pytorch",
        ),
        (["export", "cosine(5)", "--lr", "1"], "json holds the schedule itself, which has no base rate; leave out --lr"),
        (
            ["export", "cosine(5)", "--steps", "6"],
            "json holds the schedule itself, whose length is 5; leave out --steps, or cut it",
        ),
        (
            ["export", "cosine(1e9)", "--format", "csv"],
            "a table has at most 10000000 steps, got 1000000000; tell fewer by --steps",
        ),
        (
            ["export", "1e300 * (1e300 * cosine(5))", "--format", "csv"],
            "the value at 0 is inf; make the schedule smaller or shorter",
        ),
        (["export", "step(5)", "--format", "npy"], "step(5) goes on for ever, so tell how long the run is"),
    ],
)
def test_mistakes_tell_the_way_out(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lucid {words[0]}: error: {message}"), err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "cosine(5)", "--at", "1,x"], "--at: must be times >= 0 with commas between them, got 'x' in '1,x'"),
        (["show", "cosine(5)", "--at", "nan"], "--at: must be times >= 0 with commas between them, got 'nan' in 'nan'"),
        (["show", "cosine(5)", "--at=-1"], "--at: must be times >= 0 with commas between them, got '-1' in '-1'"),
        (["show", "cosine(5)", "--steps", "0"], "--steps: must be a whole number from 1 to 2**53, got '0'"),
        (["show", "cosine(5)", "--steps", "1.5"], "--steps: must be a whole number from 1 to 2**53, got '1.5'"),
        (["show", "cosine(5)", "--steps", "nan"], "--steps: must be a whole number from 1 to 2**53, got 'nan'"),
        (["show", "cosine(5)", "--steps", "1e400"], "--steps: must be a whole number from 1 to 2**53, got '1e400'"),
        (["show", "cosine(5)", "--steps", "many"], "--steps: must be a whole number from 1 to 2**53, got 'many'"),
        (["show", "cosine(5)", "--steps", "5", "--epochs", "5"], "--epochs: not allowed with argument --steps"),
        (["show", "cosine(5)", "--lr", "nan"], "--lr: must be a finite number > 0, got 'nan'"),
        (["show", "cosine(5)", "--width", "9"], "--width: must be a whole number >= 24, got '9'"),
        (["show"], "the following arguments are required: SCHEDULE"),
        (
            ["export", "cosine(5)", "--format", "xml"],
            "--format: invalid choice: 'xml' (choose from 'json', 'csv', 'npy', 'pytorch'",
        ),
        (["completion", "fish"], "argument shell: invalid choice: 'fish' (choose from 'bash', 'zsh', 'tcsh')"),
    ],
)
def test_bad_options_are_refused(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert message in capsys.readouterr().err


def test_what_a_recipe_warns_of_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "transformer", "--steps", "100"]) == 0
    out, err = capsys.readouterr()
    assert "transformer, 100 steps" in out
    assert err.startswith("lucid: note: transformer: the rate is still on its way up after 100 steps")


def test_a_recipe_takes_the_length_of_what_it_is_compared_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "fine-tune", "cosine(50)"]) == 0
    assert capsys.readouterr().out.startswith("50 steps\nA  fine-tune\nB  cosine(50)\n")


# -- lucid compare


def test_compare_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["cosine(100)", "linear(100, 1, 0)", "0.5 * (2 * cosine(100))", "cosine(100) * constant()"]
    assert main(["compare", *words, "cosine(steps=100)", "--lr", "0.5", "--height", "4"]) == 0
    blocks = capsys.readouterr().out.strip().split("\n\n")
    assert blocks[2].splitlines()[:3] == [
        "    area  peak  at  end",
        "A  25.25   0.5   0    0",
        "B  25.25   0.5   0    0",
    ]
    lines = blocks[3].splitlines()
    assert len(lines) == 10
    assert lines[0] == "A and B: at most 0.0526283 apart, at step 22, 10.5 % of the higher peak"
    assert lines[1] == "A and C: equal at every step"
    assert lines[3] == "A and E: the same schedule"


def test_compare_tells_rounding_from_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "cosine(100)", "0.3 * ((1 / 0.3) * cosine(100))", "--height", "3"]) == 0
    assert re.search(
        r"A and B: equal but for rounding: at most \S+e-1[67] apart, at step \d+$", capsys.readouterr().out.strip()
    )


def test_compare_says_where_it_has_not_looked_at_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "cosine(1e9)", "linear(1e9, 1, 0)", "cosine(1e9) * constant()", "--height", "3"]) == 0
    out = capsys.readouterr().out
    assert "A  ≈ 5e8     1   0    0" in out
    assert "A and B: at most ≈ 0.105257 apart" in out
    assert "A and C: equal at every step that was looked at" in out


def test_a_run_has_whole_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "cosine(2.5)", "constant(steps=2)", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 3


def test_compare_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "warmup(3) >> cosine(6)", "linear(9, 1, 0)", "--json", "--at", "0,4.5", "--label", "x"]) == 0
    told = json.loads(capsys.readouterr().out)
    schedule = Warmup(3) >> Cosine(6)
    assert (told["steps"], told["lr"], told["exact"]) == (9, 1.0, True)
    first, second = told["schedules"]
    assert (first["name"], second["name"]) == ("x", "linear(9, 1, 0)")
    assert Schedule.from_dict(first["schedule"]) == schedule
    assert first["area"] == math.fsum(schedule.at(range(9)))
    assert first["peak"] == {"step": 3, "value": 1.0}
    assert first["values"] == [{"step": t, "value": schedule(t)} for t in (0, 4.5)]
    [gap] = told["differences"]
    assert gap == {"between": [0, 1], "largest": 1.0, "step": 0, "share_of_peak": 1.0, "equal": False, "same_schedule": False}


# -- lucid list


@pytest.mark.parametrize("name", names())
def test_every_formula_is_readable(name: str) -> None:
    if not Schedule._registry[name].__module__.startswith("lucid.schedules."):
        pytest.skip("of another test")
    told = described(Schedule._registry[name])
    assert "η(t) = " in told["formula"]
    assert not re.search(r"[\\$&]", told["formula"])
    assert told["formula"].count("(") == told["formula"].count(")")
    assert [field["name"] for field in told["fields"]] == [field.name for field in fields(Schedule._registry[name])]
    for field in told["fields"]:
        assert field["about"], field
        assert not re.search(r"[\\`]", field["about"])
    json.dumps(told, allow_nan=False)


def statements() -> list[str]:
    """What stands right of "=" and in the cases of all formulas, as far as it is arithmetic."""
    found = set()
    for name, made_of in Schedule._registry.items():
        if not made_of.__module__.startswith("lucid.schedules."):
            continue
        latex = " ".join(described(made_of)["latex"].split())
        for part in re.split(r"\\\\|\\begin\{cases\}|\\end\{cases\}", latex):
            part = part.partition("&")[0].rpartition(" = ")[2].partition(r", \qquad")[0].strip()
            if part and not re.search(r"\\sum|\\dots|\[|\\sigma|\\delta|\\epsilon|\\text", part):
                found.add(part)
        assert latex, name
    return sorted(found)


@pytest.mark.parametrize("latex", statements())
def test_what_is_read_is_what_the_formula_says(latex: str) -> None:
    """The readable text, as arithmetic from left to right, has the value of the LaTeX, as the tests of formulas evaluate it."""
    text = readable(latex)
    greek = {rf"\{name}": readable(rf"\{name}") for name in ("beta", "gamma", "theta", "kappa", "lambda", "tau", "pi")}
    code = text.replace("·", "*").replace("^", "**").replace("lambda", "λ")
    code = re.sub(r"(?<=[\w)]) (?=[\w(])", "*", code)
    rng = np.random.default_rng(0)
    for _ in range(5):
        values: dict[str, Any] = {}
        env: dict[str, Any] = {}

        def bind(symbol: str, name: str, value: Any, values: dict[str, Any] = values, env: dict[str, Any] = env) -> None:
            values[name], env[symbol] = value, value

        for letter in "ABDELMNTUabcdefghijklmnpqrstuvwx":
            bind(letter, letter, float(rng.uniform(0.3, 0.6)))
        for letter, value in (("U", 5.0), ("T", 0.8), ("t", 0.7)):  # so that no root is of a negative number
            bind(letter, letter, value)
        for symbol, name in greek.items():
            if name != "π":
                bind(symbol, name, float(rng.uniform(0.3, 0.6)))
        for sub in ("base", "end", "start", "peak"):
            bind(rf"\eta_{sub}", sub, float(rng.uniform(0.3, 0.6)))
        for called in set(re.findall(r"(?<![\w])([a-zτ](?:_\w)?)\(", text)):
            symbol = next((s for s, n in greek.items() if n == called), called)
            bind(symbol, called, lambda *a: 0.7 + sum((i + 1) * float(x) for i, x in enumerate(a)))
        for sub in "12ni":
            bind(f"s_{sub}", f"s_{sub}", lambda *a: 0.9 + sum((i + 1) * float(x) for i, x in enumerate(a)))
            bind(f"t_{sub}", f"t_{sub}", ord(sub) / 100)
        functions = {n: getattr(math, n) for n in ("cos", "exp", "log", "tanh", "floor", "ceil")}
        expected = Reader(tokens_of(f"y = {latex}")).formula().definitions[0][2](env)
        assert eval(code, {**functions, "min": min, "max": max, "π": math.pi, **values}) == pytest.approx(float(expected)), code


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{a}{b} \left(c + d\right)", "a/b · (c + d)"),
        (r"\frac{a + 1}{\max(b, c)}", "(a + 1)/max(b, c)"),
        (r"\frac{(a) (b)}{c d}", "((a) (b))/(c d)"),
        (r"\gamma^{\lfloor t / n \rfloor}", "γ^floor(t / n)"),
        (r"\eta_{end}^2 \, t_{i+1}", "end^2 · t_(i+1)"),
        (r"\sum_{i=1}^{n} x_i", "Σ(i=1..n) x_i"),
        (r"\sum_{m \in M} [m \le t]", "Σ(m in M) [m ≤ t]"),
        (r"\sqrt{2} \, \lceil x \rceil", "sqrt(2) · ceil(x)"),
        (r"x = a \begin{cases} 1 & t < w \\ b & \text{ends} \end{cases}", "x = a · {\n    1  if t < w\n    b  if ends\n}"),
        (r"t_i \le t, \qquad t \ge 0", "t_i ≤ t, t ≥ 0"),
    ],
)
def test_readable_formulas(latex: str, text: str) -> None:
    assert readable(latex) == text


def test_unknown_latex_is_refused() -> None:
    with pytest.raises(ValueError, match=r"readable: unknown command \\int"):
        readable(r"\int x")
    assert plain(r"``a`` of :class:`Cosine`, :math:`\eta_{base}`") == "a of Cosine, base"


def test_list_in_short_and_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "\nCosine(steps, end=0.0, hold=True, exponent=1.0)  also cosine_decay,\n    cosine_annealing, wave\n" in out
    assert "\npretrain-llm(total_steps, warmup_steps=None, floor=0.1)\n" in out
    assert main(["list", "Cosine"]) == 0
    out = capsys.readouterr().out
    assert "  also wave, with hold=False\n" in out
    assert "    η(t) = end + (base - end) · ((1 + cos(π p))/2)^q\n" in out
    assert "  steps: length T > 0, in the unit of t.\n" in out
    assert "Source: Loshchilov & Hutter" in out
    assert "CosineRestarts" not in out


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("cosine", ["Cosine"]),
        ("sgdr", ["CosineRestarts"]),
        ("warm_restarts", ["CosineRestarts"]),
        ("pretrain_llm", ["pretrain-llm"]),
        ("wsd", ["WSD", "wsd"]),
        ("hyperb", ["ExpHyperbolic", "Hyperbolic"]),
        ("*step", ["MultiStep", "Step"]),
        ("warm-up, stable", ["WSD", "wsd"]),
    ],
)
def test_list_finds(pattern: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", pattern, "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == expected


def test_list_knows_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    for pattern, kinds in (("recipes", {"recipe"}), ("schedules", {"schedule"}), (None, {"recipe", "schedule"})):
        assert main(["list", *([pattern] if pattern else []), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert {one["kind"] for one in told} == kinds
    assert {one["name"] for one in told} == {*names(), *lucid.recipes.names()}
    assert main(["list", "recipes"]) == 0
    assert capsys.readouterr().out.startswith("Recipes: lucid show NAME --steps N\n\nfine-tune(total_steps, ")


# -- lucid export


def test_export_of_json_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    assert main(["export", TEXT, "-o", str(path)]) == 0
    assert Schedule.from_json(path.read_text(encoding="utf-8")) == lucid.parse(TEXT)
    assert main(["export", "fine-tune", "--steps", "90", "-o", str(path)]) == 0
    assert Schedule.from_json(path.read_text(encoding="utf-8")) == lucid.recipe("fine-tune", 90)


def test_tables_have_every_step_to_the_last_bit(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    schedule, csv, npy = lucid.parse("warmup(3) >> cosine(6.5)"), tmp_path / "rates.csv", tmp_path / "rates.npy"
    for path in (csv, npy):
        assert main(["export", "warmup(3) >> cosine(6.5)", "--lr", "3e-4", "-o", str(path)]) == 0
    expected = schedule.at(range(10), 3e-4)
    head, *rows = csv.read_text(encoding="utf-8").splitlines()
    assert head == "step,value"
    assert [(int(step), float(value)) for step, value in (row.split(",") for row in rows)] == list(enumerate(expected))
    loaded = np.load(npy, allow_pickle=False)
    assert loaded.dtype == np.float64
    assert loaded.tolist() == expected
    assert main(["export", "warmup(3) >> cosine(6.5)", "--lr", "3e-4", "--format", "npy"]) == 0
    assert capfdbinary.readouterr().out == npy.read_bytes()


def test_export_of_programs(capsys: pytest.CaptureFixture[str]) -> None:
    from lucid._snippets import FORMATS, snippet

    for format in FORMATS:
        assert main(["export", TEXT, "--format", format, "--lr", "3e-4", "--steps", "70"]) == 0
        assert capsys.readouterr().out == snippet(lucid.parse(TEXT), format, 3e-4, 70)


def test_npy_is_not_thrown_at_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["export", "cosine(5)", "--format", "npy"]) == 2
    assert "npy is no text; name a file by -o rates.npy, or pipe it" in capsys.readouterr().err


def test_json_of_an_endless_schedule_may_be_told_the_length_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "step(5)", "--steps", "9"]) == 0
    assert Schedule.from_json(capsys.readouterr().out) == Step(5)


# -- lucid completion


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sh", "show"),
        ("show pretrain", "pretrain-llm pretrain-llm-to-zero"),
        ("show sched", "schedule.json"),
        ("show wsd --heig", "--height"),
        ("list Cos", "Cosine CosineRestarts"),
        ("list sg", "sgdr"),
        ("export x --format ker", "keras"),
        ("export x -o sched", "schedule.json"),
        ("completion z", "zsh"),
    ],
)
def test_bash_completes(typed: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "schedule.json").touch()
    assert main(["completion", "bash"]) == 0
    words = " ".join(f"'{word}'" for word in ("lucid", *typed.split()))
    script = f"COMP_WORDS=({words}); COMP_CWORD={len(typed.split())}; _shtab_lucid 2>/dev/null; echo ${{COMPREPLY[*]}}"
    done = subprocess.run(
        ["bash", "-c", f"{capsys.readouterr().out}\n{script}"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_can_read_their_completion(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "pretrain-llm" in script
    assert "CosineRestarts" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script, encoding="utf-8")
        done = subprocess.run(
            [shell, *(["-n"] if shell == "zsh" else ["-f"]), tmp_path / "script"], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


# -- the process


@pytest.mark.parametrize(
    "words", [["show", TEXT, "pretrain-llm"], ["compare", TEXT, "cosine(9)"], ["list", "cosine"], ["export", TEXT], ["--help"]]
)
def test_no_heavy_library_is_loaded(words: list[str]) -> None:
    code = f"""
import sys
from lucid.cli import main
try:
    assert main({words!r}) == 0
except SystemExit as done:
    assert done.code == 0
heavy = {{"numpy", "torch", "jax", "matplotlib", "scipy", "rich", "optuna", "starlette"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_braille_in_the_encoding_the_plot_is_ascii() -> None:
    done = lucid_says("show", "cosine(9)", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "***" in done.stdout
    assert "⠉" in lucid_says("show", "cosine(9)", PYTHONIOENCODING="utf-8").stdout
    assert "?(t) = " in lucid_says("list", "step", PYTHONIOENCODING="ascii").stdout


def test_what_the_encoding_has_not_is_a_question_mark() -> None:
    told = lucid_says("compare", "cosine(2e5)", "linear(2e5)", PYTHONIOENCODING="cp1252")
    assert (told.returncode, told.stderr) == (0, "")
    assert "A and B: at most ? " in told.stdout
    assert lucid_says("show", "cosine(9)", "--label", "é", PYTHONIOENCODING="ascii").stdout.startswith("?, 9 steps")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such shell")
def test_a_closed_output_is_no_error() -> None:
    words = shlex.join([sys.executable, "-m", "lucid.cli", "show", "cosine(9)"])
    done = subprocess.run(["sh", "-c", f"exec {words} >&-"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_history_is_no_schedule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run.csv"
    run.write_text("step,lr-SGD\n0,0.1\n")
    assert main(["show", str(run)]) == 2
    assert f"{run} is what a run had, not a schedule; lucid plot draws it" in capsys.readouterr().err


def test_one_step_is_one_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "cosine(1)"]) == 0
    assert capsys.readouterr().out.startswith("cosine(1), 1 step\n")


def test_what_is_missing_is_told_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert main(["export", "cosine(5)", "--format", "npy", "-o", "x.npy"]) == 2
    assert 'needs numpy, which is not installed; pip install "lucid-lr[plot]"' in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="has no such pipes")
@pytest.mark.parametrize("words", [["export", "cosine(90000)", "--format", "csv"], ["list", "*"], ["show", "cosine(9)"]])
def test_a_reader_that_stops_reading_is_no_error(words: list[str]) -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for environment in (buffered, buffered | {"PYTHONUNBUFFERED": "1"}):
        with subprocess.Popen(
            [sys.executable, "-m", "lucid.cli", *words],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as made:  # fmt: skip
            assert made.stdout is not None
            assert made.stderr is not None
            made.stdout.close()  # before it writes
            assert made.stderr.read() == b""
            assert made.wait() == 0


def test_another_broken_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    from lucid._commands import list_

    def breaks(*_: Any) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(list_, "everything", breaks)
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    assert main(["list"]) == 2
    assert "Broken pipe" in capfd.readouterr().err


def test_a_formula_that_cannot_be_read_is_told_as_it_is_written() -> None:
    class _Own(Schedule):
        r"""Mine.

        .. math:: \eta(t) = \mathfrak{S}(t)
        """

    assert described(_Own)["formula"] == r"\eta(t) = \mathfrak{S}(t)"
    assert readable(r"\prod_{i=1}^{n} f(i)") == "Π_(i=1)^n f(i)"
