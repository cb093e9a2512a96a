"""``lucid compare``."""

import argparse
import itertools
import math
from typing import Any

from lucid._commands import UsageError
from lucid._commands.schedules import HELP, add_run, length_of, read_all
from lucid._commands.show import add_look, called, drawing, moments, sized, tabulated, times


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="tell how schedules differ over a run: their areas, peaks and ends, and where they are furthest apart",
        description="Tell how schedules differ over a run: their areas, peaks and ends, and where they are furthest apart.",
        epilog=f"""{HELP}

The area is the sum of the values of all steps, 0 to N - 1; beyond 100,000 steps it is estimated from as many, spread
evenly, and so is the largest difference: "≈" says so. The end is the value at N, when the run is over.

examples:
  lucid compare "cosine(9500).warmup(500)" "wsd(9500, 2000, warmup_steps=500)" --lr 3e-4
  lucid compare before.json after.json --steps 10000 --json""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_compare, extra="terminal")
    parser.add_argument("schedules", nargs="+", metavar="SCHEDULE", help="two or more; see below")
    add_run(parser, epochs=False)
    parser.add_argument("--at", type=times, metavar="T,T,...", help="the table has the values at these times")
    parser.add_argument("--json", action="store_true", help="print JSON, with all digits")
    add_look(parser)


def _compare(
    schedules: list[str],
    steps: int | None,
    lr: float,
    at: list[float] | None,
    json: bool,
    labels: list[str] | None,
    width: int | None,
    height: int | None,
    **look: Any,
) -> None:
    from lucid._curves import difference, figures

    if len(schedules) < 2:
        raise UsageError("takes two schedules or more; lucid show draws one")
    found = read_all(schedules, steps)
    run = math.ceil(length_of(found, steps, schedules))
    named = called(schedules, found, labels)
    try:
        notes, left_out = moments(named, run, lr)
        told = [figures(schedule, run, lr) for schedule in found]
        pairs = [(i, j, difference(found[i], found[j], run, lr)) for i, j in itertools.combinations(range(len(found)), 2)]
    except ValueError as error:
        raise UsageError(str(error)) from None
    if at is not None:
        notes, left_out = {t: notes.get(t, "") for t in at}, 0
    if json:
        _print_json(named, run, lr, told, pairs, sorted(notes))
        return
    from lucid._terminal import LETTERS, number, table

    across, high = sized(width, height)
    print(drawing(named, run, lr, across, high, **look))
    print()
    print(tabulated(named, notes, lr, across))
    if left_out:
        print(f"and {left_out} boundaries more; ask for times by --at")
    print()
    about = "" if told[0].exact else "≈ "
    rows = [["", "area", "peak", "at", "end"]]
    for letter, one in zip(LETTERS, told, strict=False):
        rows.append([letter, about + number(one.area), number(one.peak[1]), number(one.peak[0]), number(one.end)])
    print(table(rows, left=[0]))
    print()
    for i, j, gap in pairs:
        print(f"{LETTERS[i]} and {LETTERS[j]}: {_apart(found[i], found[j], gap, about)}")


def _apart(one: Any, other: Any, gap: Any, about: str) -> str:
    from lucid._terminal import number

    if one == other:
        return "the same schedule"
    if gap.largest == 0:
        return "equal at every step" if not about else "equal at every step that was looked at"
    told = f"at most {about}{number(gap.largest)} apart, at step {number(gap.at)}"
    if gap.share < 1e-12:
        return f"equal but for rounding: {told}"
    return f"{told}, {number(float(f'{100 * gap.share:.3g}'))} % of the higher peak"


def _print_json(named: Any, run: int, lr: float, told: Any, pairs: Any, moments: Any) -> None:
    import json

    schedules = [
        {
            "name": name,
            "schedule": schedule.to_dict(),
            "area": one.area,
            "peak": {"step": one.peak[0], "value": one.peak[1]},
            "end": one.end,
            "values": [{"step": t, "value": float(schedule(t, lr))} for t in moments],
        }
        for (name, schedule), one in zip(named, told, strict=True)
    ]
    differences = [
        {
            "between": [i, j],
            "largest": gap.largest,
            "step": gap.at,
            "share_of_peak": gap.share,
            "equal": gap.largest == 0,
            "same_schedule": named[i][1] == named[j][1],
        }
        for i, j, gap in pairs
    ]
    exact = told[0].exact
    print(json.dumps({"steps": run, "lr": lr, "exact": exact, "schedules": schedules, "differences": differences}, indent=2))
