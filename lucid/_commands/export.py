"""``lucid export``."""

import argparse
import io
import math
import sys
from pathlib import Path
from typing import Any

from lucid._commands import UsageError
from lucid._commands.schedules import HELP, add_run, length_of, read_all
from lucid.schedules import Schedule

_TABLES = ("csv", "npy")
_FORMATS = ("json", *_TABLES, "pytorch", "optax", "keras", "transformers")
_ROWS = 10**7


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "export",
        help="write a schedule as JSON, as a table of its values, or as a program for PyTorch, optax, Keras or transformers",
        description="Write a schedule as JSON, as a table of its values, or as a program for another library.",
        epilog=f"""{HELP}

formats:
  json           the schedule itself, which SCHEDULE and Schedule.from_json read
  csv            step,value for each step of the run, 0 to N - 1, with all digits
  npy            these values as an array of NumPy, float64
  pytorch, optax, keras, transformers
                 a program that trains with it there and runs as it stands; model and data are yours to fill in

examples:
  lucid export "warmup(500) >> cosine(9500)" --format pytorch --lr 3e-4 -o train.py
  lucid export pretrain-llm --steps 100000 -o schedule.json
  lucid export schedule.json --lr 3e-4 -o rates.csv""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("schedule", metavar="SCHEDULE", help="see below")
    parser.add_argument("--format", choices=_FORMATS, help="see below (default: by the file's name, else json)")
    add_run(parser, epochs=False)
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to, replacing what is there (default: print it)")
    parser.set_defaults(run=_export, extra="plot", lr=None)


def _export(schedule: str, format: str | None, steps: int | None, lr: float | None, out: Path | None) -> None:
    format = format or _format_of(out)
    [made] = read_all([schedule], steps)
    if format == "json":
        _refuse_what_json_has_not(made, steps, lr)
    try:
        content = _content(made, format, schedule, steps, 1.0 if lr is None else lr)
    except ValueError as error:
        raise UsageError(str(error).removeprefix("snippet: ")) from None
    if out is not None:
        out.write_bytes(content)
    elif format == "npy" and sys.stdout.isatty():
        raise UsageError("npy is no text; name a file by -o rates.npy, or pipe it")
    elif hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content.decode())


def _format_of(out: Path | None) -> str:
    if out is None:
        return "json"
    suffix = out.suffix.lower().removeprefix(".")
    if suffix in ("json", *_TABLES):
        return suffix
    raise UsageError(f"the name {str(out)!r} tells no format; give one by --format: {', '.join(_FORMATS)}")


def _refuse_what_json_has_not(made: Schedule, steps: int | None, lr: float | None) -> None:
    if lr is not None:
        raise UsageError("json holds the schedule itself, which has no base rate; leave out --lr, or ask for another --format")
    if steps is not None and made.length not in (steps, math.inf):
        raise UsageError(
            f"json holds the schedule itself, whose length is {made.length:.10g}; leave out --steps, or cut it: (...)[:{steps}]"
        )


def _content(made: Schedule, format: str, text: str, steps: int | None, lr: float) -> bytes:
    if format == "json":
        return (made.to_json(indent=2) + "\n").encode()
    if format not in _TABLES:
        from lucid._snippets import snippet

        return snippet(made, format, lr, steps).encode()
    run = math.ceil(length_of([made], steps, [text]))
    if run > _ROWS:
        raise UsageError(f"a table has at most {_ROWS} steps, got {run}; tell fewer by --steps, or stretch the schedule")
    values = [float(made(t, lr)) for t in range(run)]  # as a scheduler computes them, to the last bit
    for t, value in enumerate(values):
        if not math.isfinite(value):
            raise UsageError(f"the value at {t} is {value}; make the schedule smaller or shorter")
    if format == "csv":
        return "".join(["step,value\n", *(f"{t},{value!r}\n" for t, value in enumerate(values))]).encode()
    import numpy as np

    file = io.BytesIO()
    np.save(file, np.array(values, dtype=np.float64), allow_pickle=False)
    return file.getvalue()
