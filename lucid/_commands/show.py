"""``lucid show``."""

import argparse
import math
import shutil
from collections.abc import Sequence
from typing import Any

from lucid._commands import UsageError
from lucid._commands.numbers import whole
from lucid._commands.schedules import HELP, add_run, label, length_of, read_all, run_of

_MOST = 10  # boundaries of a schedule in the table


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "show",
        help="draw schedules in the terminal, with their values at the steps that matter",
        description="Draw schedules in the terminal, with their values at the steps that matter.",
        epilog=f"""{HELP}

Where parts begin, the axis has a mark. Without --at the table has the start, the boundaries, the peak, the middle and
the end. Values at a boundary are those of the new part, as in training.

examples:
  lucid show "warmup(500) >> cosine(9500)" --lr 3e-4
  lucid show "wsd(9500, 2000, warmup_steps=500)" pretrain-llm --steps 10000
  lucid show "warmup(5) >> cosine(85)" --epochs 90
  lucid show "warmup(500) >> cosine(9500)" --epochs 10 --steps-per-epoch 1000 --at 0,250,5000
  cat schedule.json | lucid show -""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_show, extra="terminal")
    parser.add_argument("schedules", nargs="+", metavar="SCHEDULE", help="see below; several are drawn over each other")
    add_run(parser)
    parser.add_argument("--at", type=times, metavar="T,T,...", help="the table has the values at these times")
    add_look(parser)


def add_look(parser: Any) -> None:
    """The options that say what is drawn, and how."""
    parser.add_argument(
        "--label", action="append", dest="labels", metavar="TEXT", help="what to call a schedule; once for each, in order"
    )
    parser.add_argument("--log", action="store_true", help="a logarithmic axis of values")
    parser.add_argument("--width", type=whole(24), metavar="N", help="characters of a line (default: the terminal's)")
    parser.add_argument("--height", type=whole(3), metavar="N", help="lines of the plot (default: what fits, 8 to 20)")
    parser.add_argument("--no-color", action="store_true", help="no colours; NO_COLOR in the environment says so too")
    parser.add_argument("--plain", action="store_true", help="ASCII alone, without braille and colours")


def times(text: str) -> list[float]:
    """Times as ``0,250,1e4``."""
    found = []
    for one in text.split(","):
        try:
            value = float(one)
        except ValueError:
            value = math.nan
        if not 0 <= value <= 2**53:
            raise argparse.ArgumentTypeError(f"must be times >= 0 with commas between them, got {one.strip()!r} in {text!r}")
        found.append(int(value) if value == int(value) else value)
    return found


def called(texts: Sequence[str], schedules: Sequence[Any], labels: Sequence[str] | None) -> list[tuple[str, Any]]:
    """The schedules with what they are called."""
    names = labels or []
    if len(names) > len(schedules):
        raise UsageError(f"--label is given {len(names)} times, for {len(schedules)} schedules")
    told = [*names, *map(label, texts[len(names) :], schedules[len(names) :])]
    return list(zip(told, schedules, strict=True))


def sized(width: int | None, height: int | None) -> tuple[int, int]:
    """The width and the height of a plot: as it was asked for, or as the terminal is."""
    columns, lines = shutil.get_terminal_size()
    return width or min(max(columns, 24), 160), height or min(max(lines - 12, 8), 20)


def drawing(
    named: Sequence[tuple[str, Any]],
    run: float,
    lr: float,
    width: int,
    height: int,
    log: bool,
    no_color: bool,
    plain: bool,
    unit: str = "steps",
) -> str:
    """The curves, in what the terminal can show."""
    from lucid._terminal import can_braille, draw, wants_color

    plain = plain or not can_braille()
    color = wants_color() and not no_color and not plain
    try:
        return draw(named, run, base=lr, width=width, height=height, log=log, color=color, plain=plain, unit=unit)
    except ValueError as error:
        raise UsageError(str(error).removeprefix("draw: ")) from None


def tabulated(
    named: Sequence[tuple[str, Any]],
    notes: dict[float, str],
    lr: float,
    width: int,
    of_epoch: int | None = None,
    head: str = "step",
) -> str:
    """The values of schedules at times, each with a note; as many columns side by side as there is room for."""
    from lucid._terminal import LETTERS, number, table

    def block(some: range) -> str:
        heads = ["value" if len(named) == 1 else LETTERS[i] for i in some]
        rows = [[head, *(["epoch"] if of_epoch else []), *heads, ""]]
        for t in sorted(notes):
            epoch = [number(t / of_epoch)] if of_epoch else []
            rows.append([number(t), *epoch, *(number(float(named[i][1](t, lr))) for i in some), notes[t]])
        return table(rows, left=[len(rows[0]) - 1])

    for across in range(len(named), 0, -1):
        blocks = [block(range(first, min(first + across, len(named)))) for first in range(0, len(named), across)]
        if max(len(line) for one in blocks for line in one.splitlines()) <= width:
            break
    return "\n\n".join(blocks)


def moments(named: Sequence[tuple[str, Any]], run: float, lr: float) -> tuple[dict[float, str], int]:
    """The times that matter, and why; and how many boundaries were left out for want of room."""
    from lucid._curves import boundaries, peak
    from lucid._terminal import LETTERS

    why: dict[float, dict[str, list[str]]] = {0: {"start": []}, run: {"end": []}}
    middle = run // 2 if run >= 2 else run / 2
    why.setdefault(middle, {}).setdefault("middle", [])
    left_out = 0
    for letter, (_, schedule) in zip(LETTERS, named, strict=False):
        marks = boundaries(schedule, run)
        left_out += max(len(marks) - _MOST, 0)
        for t in marks[:_MOST]:
            what = "end of schedule" if t == schedule.length else "boundary"
            why.setdefault(t, {}).setdefault(what, []).append(letter)
        why.setdefault(peak(schedule, run, lr)[0], {}).setdefault("peak", []).append(letter)
    one = len(named) == 1

    def told(reasons: dict[str, list[str]]) -> str:
        return ", ".join(what if one or not of else f"{what} {' '.join(of)}" for what, of in reasons.items())

    return {t: told(reasons) for t, reasons in why.items()}, left_out


def _show(
    schedules: list[str],
    steps: int | None,
    epochs: int | None,
    steps_per_epoch: int | None,
    lr: float,
    at: list[float] | None,
    labels: list[str] | None,
    width: int | None,
    height: int | None,
    **look: Any,
) -> None:
    asked = run_of(steps, epochs, steps_per_epoch)
    found = read_all(schedules, asked)
    run = length_of(found, asked, schedules)
    named = called(schedules, found, labels)
    across, high = sized(width, height)
    unit = "step" if epochs is None or steps_per_epoch else "epoch"
    print(drawing(named, run, lr, across, high, **look, unit=f"{unit}s"))
    notes, left_out = moments(named, run, lr)
    if at is not None:
        notes, left_out = {t: notes.get(t, "") for t in at}, 0
    print()
    print(tabulated(named, notes, lr, across, steps_per_epoch, unit))
    if left_out:
        print(f"and {left_out} boundaries more; ask for times by --at")
