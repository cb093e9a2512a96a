"""``lucid plot``."""

import argparse
import re
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from lucid._commands import UsageError, as_options
from lucid._commands.numbers import rate
from lucid._commands.schedules import HELP, is_history, label, read_all, run_of

_LACKING = r"Glyph (\d+) .* missing from"


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "plot",
        help="draw schedules and recorded runs as SVG, PNG or an interactive page",
        description="Draw schedules, and what runs really had, as a picture or as an interactive page in one file.",
        epilog=f"""{HELP}
  a history               run.csv or .jsonl, which lucid.History or another tool with a column "step" has written

examples:
  lucid plot "warmup(500) >> cosine(9500)" --lr 0.1 -o curve.svg
  lucid plot "cosine(90)" "step(30, gamma=0.1)" --epochs 90 --log --label cosine --label step -o candidates.png
  lucid plot plan.json run.csv --lr 3e-4 -o run.html""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_plot, extra="plot")
    parser.add_argument("schedules", nargs="+", metavar="SCHEDULE", help="what to draw, see below")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="where to; .svg, .png or .html says what is made"
    )
    parser.add_argument("--steps", type=rate, metavar="N", help="how far to draw (default: to the end of the longest)")
    parser.add_argument("--epochs", type=rate, metavar="N", help="how far to draw in epochs, and the unit of the axis")
    parser.add_argument("--steps-per-epoch", type=rate, metavar="N", help="steps of an epoch, where schedules count steps")
    parser.add_argument(
        "--lr", type=rate, action="append", metavar="RATE",
        help="base of the schedules; given several times, one for each of them (default: 1)",
    )  # fmt: skip
    parser.add_argument("--momentum", metavar="SCHEDULE", help="draw this one too, below")
    parser.add_argument("--weight-decay", metavar="SCHEDULE", help="draw this one too, below")
    parser.add_argument(
        "--label",
        action="append",
        dest="labels",
        metavar="TEXT",
        help="name of a curve; once for each SCHEDULE, in their order",
    )
    parser.add_argument("--title", metavar="TEXT", help="above the picture")
    parser.add_argument("--log", action="store_true", help="logarithmic axis for the rate")
    parser.add_argument("--width", type=rate, default=8.0, metavar="INCHES", help="of SVG and PNG (default: %(default)s)")
    parser.add_argument("--height", type=rate, metavar="INCHES", help="of SVG and PNG (default: as the axes need)")


def _plot(schedules: list[str], out: Path, lr: list[float] | None, labels: list[str] | None, **options: Any) -> None:
    import numpy  # noqa: F401  # what is missing is said before anything is read

    from lucid._plot import FORMATS, image

    kind: Any = out.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(f"-o {out}: the file must end with .svg, .png or .html, which says what is made")
    asked = {name: options.pop(name) for name in ("momentum", "weight_decay")}
    further = {name: text for name, text in asked.items() if text is not None}
    run = run_of(options["steps"], options["epochs"], options["steps_per_epoch"])
    planned = [*(text for text in schedules if not is_history(text)), *further.values()]
    plans = dict(zip(planned, read_all(planned, run), strict=True))
    found = [plans[text] if text in plans else _history(text) for text in schedules]
    names = labels or [_called(text, one) for text, one in zip(schedules, found, strict=True)]
    bases = 1.0 if lr is None else lr[0] if len(lr) == 1 else lr
    try:
        with warnings.catch_warnings(record=True) as odd:
            warnings.filterwarnings("always", _LACKING)
            made = image(
                *found, format=kind, lr=bases, labels=names, **{name: plans[text] for name, text in further.items()}, **options
            )
    except (TypeError, ValueError) as error:
        raise UsageError(as_options(re.sub(r"^(plot|image): ", "", str(error)))) from None
    _tell([str(warning.message) for warning in odd])
    part = out.with_name(f"{out.name}.part")
    try:
        part.write_bytes(made)
        part.replace(out)
    except OSError as error:
        raise UsageError(f"-o {out} cannot be written ({error.strerror}); name another place") from None
    finally:
        with suppress(OSError):
            part.unlink()
    print(f"wrote {out}", file=sys.stderr)


def _tell(warned: list[str]) -> None:
    """What matplotlib warned of, in a line each; the letters that it has no font for in one."""
    lacking = {chr(int(found[1])) for text in warned if (found := re.match(_LACKING, text))}
    notes = [text for text in warned if not re.match(_LACKING, text)]
    if lacking:
        notes.append(f"no font of this machine has {' '.join(sorted(lacking))}; install one that has, or make an .html")
    for note in dict.fromkeys(notes):
        print(f"lucid plot: note: {note}", file=sys.stderr)


def _history(text: str) -> Any:
    from lucid._history import History

    try:
        found = History.read(text)
    except ValueError as error:
        raise UsageError(str(error).removeprefix("History: ")) from None
    if not found.steps:
        raise UsageError(f"{text} holds no step yet")
    return found


def _called(text: str, found: Any) -> str:
    return Path(text).name if Path(text).suffix and Path(text).is_file() else label(text, found)
