"""Curves and tables as text: braille dots by plotille, axes whose ticks are round numbers.

plotille's own Figure loads NumPy where there is one, and its ticks are not round; so its Canvas draws, and the axes are ours.
"""

import math
import os
import string
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from lucid._curves import Point, boundaries, columns
from lucid.schedules import Schedule

LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""What marks the curves where there are several."""

_COLORS = ("cyan", "magenta", "green", "red", "yellow", "blue")
_DECADES = 6  # that a logarithmic axis has at most, so that a cosine's last steps are not most of it
_MARGIN = 8  # characters for the labels of values

Named = Sequence[tuple[str, Schedule]]
"""Schedules, each with what it is called."""


def wants_color() -> bool:
    """Whether standard output is a terminal that shows colours, and nobody asked for none (https://no-color.org)."""
    forced = os.environ.get("FORCE_COLOR", "").strip().lower()
    if os.environ.get("NO_COLOR") or forced in ("0", "false", "none"):
        return False
    seen = sys.stdout is not None and sys.stdout.isatty()
    return bool(forced) or (seen and os.environ.get("TERM") != "dumb")


def can_braille() -> bool:
    """Whether braille can be written to standard output."""
    try:
        "⣿┤▲".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def draw(
    named: Named,
    steps: float,
    *,
    base: float = 1.0,
    width: int = 80,
    height: int = 16,
    log: bool = False,
    color: bool = False,
    plain: bool = False,
    unit: str = "steps",
) -> str:
    """The curves of a run as lines of text, each at most ``width`` wide.

    Every column shows the whole range that the values have there, so that what swings faster than the columns is a filled area.
    Several curves carry letters, which the legend above explains; ``▲`` on the axis marks where parts begin.

    Args:
        named: the schedules, at most 52, each with what it is called.
        steps: length of the run, > 0.
        base: the base that they are evaluated at.
        width: of the text, at least 24.
        height: lines of the plot itself, at least 3.
        log: whether the axis of the values is logarithmic; what is 0 or less, and what is less than a millionth of the peak,
            then lies on its bottom.
        color: whether to colour, where standard output is a terminal or FORCE_COLOR is set.
        plain: ASCII alone.
        unit: of the time.

    Raises:
        ValueError: no schedule or more than 52, a size too small, a value that is not finite, or none > 0 with ``log``.

    >>> from lucid.schedules import Linear
    >>> print(draw([("up", Linear(10))], 10, width=34, height=3, plain=True))
    up, 10 steps
         1.0 +                 *******
         0.5 +      ************
         0.0 +*******
             ++-----------+----------+
              0           5         10
    """
    if not 1 <= len(named) <= len(LETTERS):
        raise ValueError(f"draw: takes 1 to {len(LETTERS)} schedules, got {len(named)}")
    if not (steps > 0 and width >= 24 and height >= 3):
        raise ValueError(f"draw: needs steps > 0, width >= 24 and height >= 3, got {steps!r}, {width!r} and {height!r}")
    across = width - _MARGIN - 2
    count, at_most = across * (1 if plain else 2), max(64 // len(named), 8)
    seen = [columns(schedule, steps, count, base, at_most) for _, schedule in named]
    lo, hi = _range([value for curve in seen for column in curve for _, value in column], log)
    rows = height * (1 if plain else 4)

    def row(value: float) -> int:
        low, at, high = (math.log10(max(x, lo)) if log else x for x in (lo, value, hi))
        return min(max(round((at - low) / (high - low) * (rows - 1)), 0), rows - 1)

    grid = _dots(seen, row, across, height, color, plain)
    ticks = _decades(lo, hi, height) if log else _round_numbers(lo, hi, max(height // 3, 3))
    if len({row(tick) * height // rows for tick in ticks}) < 2:  # there are no two round numbers in different lines
        ticks = [lo, hi]
    told = map(number, (float(f"{tick:.3g}") for tick in ticks)) if log else _labels(ticks)
    labels = {row(tick) * height // rows: label for tick, label in zip(ticks, told, strict=True)}
    wall, notch = "|+" if plain else "│┤"
    lines = [_title(named, steps, base, width, unit)] if len(named) == 1 else _legend(named, steps, base, width, unit, color)
    for i in range(height - 1, -1, -1):
        lines.append(f"{labels.get(i, ''):>{_MARGIN}} {notch if i in labels else wall}{grid[i]}")
    return "\n".join([*lines, *_time_axis([of for _, of in named], steps, across, plain)])


def _range(values: Iterable[float], log: bool) -> tuple[float, float]:
    values = list(values)
    least, most = min(values), max(values)
    if not log:
        least, most = min(least, 0.0), max(most, 0.0)
        if not math.isfinite(most - least):
            raise ValueError(f"the values lie further apart than a number can tell: {least:.3g} to {most:.3g}")
        return (least, most) if most > least else (0.0, 1.0)
    if most <= 0:
        raise ValueError("no value is > 0, so there is nothing to draw on a logarithmic axis; leave out --log")
    least = max(min(value for value in values if value > 0), most / 10**_DECADES)
    return (least, most) if least < most else (most / 10, most)


def _round_numbers(lo: float, hi: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within a range, at most so many steps apart."""
    rough = (hi - lo) / count
    exponent = math.floor(math.log10(rough))
    step = next(m for m in (1, 2, 5, 10) if m * 10.0**exponent >= rough * (1 - 1e-9))
    width = step * 10.0**exponent
    first, last = math.ceil(lo / width - 1e-9), math.floor(hi / width + 1e-9)
    return [float(f"{i * step}e{exponent}") for i in range(first, last + 1)]


def _decades(lo: float, hi: float, height: int) -> list[float]:
    """Powers of ten within a range, with 2 and 5 between them where there is room."""
    first, last = math.floor(math.log10(lo)), math.ceil(math.log10(hi))
    between = (1, 2, 5) if (last - first) * 6 <= height else (1,)
    found = [float(f"{m}e{k}") for k in range(first, last + 1) for m in between]
    return [tick for tick in found if lo * (1 - 1e-9) <= tick <= hi * (1 + 1e-9)]


def _labels(ticks: Sequence[float]) -> list[str]:
    """Of one form: all as decimals, or all with an exponent."""
    digits = [float(f"{tick:.3g}") for tick in ticks]
    largest, least = max(map(abs, digits)), min((abs(d) for d in digits if d), default=1.0)
    if 1e-3 <= largest < 1e6 and least >= 1e-4:
        places = max(len(f"{d:.8f}".rstrip("0").partition(".")[2]) for d in digits)
        return [f"{d:.{places}f}" for d in digits]
    parts = [f"{d:.2e}".split("e") for d in digits]
    keep = max(len(mantissa.lstrip("-").rstrip("0").rstrip(".")) for mantissa, _ in parts)
    return [
        f"{mantissa[: keep + mantissa.startswith('-')]}e{int(power)}" if float(mantissa) else "0" for mantissa, power in parts
    ]


def _dots(seen: list[list[list[Point]]], row: Any, across: int, height: int, color: bool, plain: bool) -> list[str]:
    """The plot's lines, from the bottom."""
    from plotille import Canvas

    canvas = Canvas(across, height, 0, 0, 2 * across, 4 * height)  # whose unit is a dot
    for i, curve in enumerate(seen):
        marker = (LETTERS[i] if len(seen) > 1 else "*") if plain else None
        paint = _COLORS[i % len(_COLORS)] if color else None
        before = None
        for x, column in enumerate(curve):
            at = [row(value) for _, value in column]
            # A gap to the column before is closed here, up to where that one ended.
            since = at[0] if before is None else before + (at[0] > before) - (at[0] < before)
            lo, hi, before = min(since, *at), max(since, *at), at[-1]
            if plain:
                for y in range(lo, hi + 1):
                    canvas.point(2 * x, 4 * y, color=paint, marker=marker)
            else:
                canvas.line(x, lo, x, hi, color=paint)
    if len(seen) > 1 and not plain:
        for i, curve in enumerate(seen):
            often = max(across // (10 * len(seen)), 1)
            for k in range(often):  # each in places of its own, so that equal curves can be told too
                x = int((k + (i + 0.5) / len(seen)) * across / often)
                middle = curve[2 * x][-1][1]
                canvas.text(2 * x, row(middle), LETTERS[i], color=_COLORS[i % len(_COLORS)] if color else None)
    lines = canvas.plot("\n").split("\n")
    return [line.replace("\u2800", " ").rstrip() for line in reversed(lines)]


def _title(named: Named, steps: float, base: float, width: int, unit: str) -> str:
    told = _told(steps, base, unit)
    return f"{short(named[0][0], width - len(told) - 2)}, {told}"


def _legend(named: Named, steps: float, base: float, width: int, unit: str, color: bool) -> list[str]:
    lines = [_told(steps, base, unit)]
    for i, (name, _) in enumerate(named):
        text = f"{LETTERS[i]}  {short(name, width - 3)}"
        if color:
            from plotille import color as painted

            text = painted(text, fg=_COLORS[i % len(_COLORS)])  # type: ignore[arg-type,unused-ignore]
        lines.append(text)
    return lines


def _told(steps: float, base: float, unit: str) -> str:
    return f"{number(steps)} {unit.removesuffix('s') if steps == 1 else unit}" + ("" if base == 1 else f", base {number(base)}")


def one_line(text: str) -> str:
    """A text without line breaks and what a terminal, or a format of pictures, would take for an order."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


def cells(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia have two, accents that join a letter none."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(c) in "WF" else not combining(c) for c in text)


def short(text: str, width: int) -> str:
    """A text that fits, without its middle."""
    text = one_line(text)
    if cells(text) <= width:
        return text
    room = max(width - 3, 2)
    front, back = room - room // 2, room // 2
    start = next(i for i in range(len(text), -1, -1) if cells(text[:i]) <= front)
    return f"{text[:start]}...{text[next(i for i in range(len(text) + 1) if cells(text[i:]) <= back) :]}"


def _time_axis(schedules: Sequence[Schedule], steps: float, across: int, plain: bool) -> list[str]:
    def place(t: float) -> int:
        return min(round(t / steps * (across - 1)), across - 1)

    ticks = _round_numbers(0.0, steps, max(across // 10, 3))
    line, labels, until = ["-" if plain else "─"] * across, [" "] * across, -1
    for tick, label in zip(ticks, _labels(ticks), strict=True):
        line[place(tick)] = "+" if plain else "┬"
        since = max(min(place(tick) - len(label) // 2, across - len(label)), 0)
        if since > until:
            labels[since : since + len(label)] = label
            until = since + len(label)
    for schedule in schedules:
        for t in boundaries(schedule, steps):
            line[place(t)] = "^" if plain else "▲"
    corner = "+" if plain else "└"
    return [" " * (_MARGIN + 1) + corner + "".join(line), " " * (_MARGIN + 2) + "".join(labels).rstrip()]


def number(value: float) -> str:
    """A number as people write it: ``10000``, ``0.0003``, ``1e12``."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e9:
        return str(int(value))
    digits, _, power = f"{value:.6g}".partition("e")
    return f"{digits}e{int(power)}" if power else digits


def table(rows: Sequence[Sequence[str]], *, left: Iterable[int] = ()) -> str:
    """Columns of text, the first row their heads; those of numbers to the right, ``left`` to the left.

    >>> print(table([["step", "value", ""], ["0", "0.5", "start"], ["100", "1", "end"]], left=[2]))
    step  value
       0    0.5  start
     100      1  end
    """
    left = set(left)
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]

    def padded(i: int, cell: str) -> str:
        room = " " * (widths[i] - cells(cell))
        return cell + room if i in left else room + cell

    return "\n".join("  ".join(padded(i, cell) for i, cell in enumerate(row)).rstrip() for row in rows)
