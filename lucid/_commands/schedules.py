"""Schedules on the command line: what ``SCHEDULE`` may be, and how long a run is."""

import argparse
import math
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from lucid._commands import UsageError
from lucid._commands.numbers import rate, whole
from lucid.schedules import Schedule, aliases, names
from lucid.schedules._schedule import _plain, did_you_mean

HELP = """SCHEDULE is
  an expression           "warmup(500) >> cosine(9500)"; names, fields and formulas: lucid list
  a published recipe      pretrain-llm, with --steps; lucid list recipes
  a file                  schedule.json, with JSON or an expression
  JSON                    '{"schedule": "Cosine", "steps": 9500}'
  -                       any of these, from standard input"""


def steps(text: str) -> int:
    """A number of steps, which may be written as ``1e6`` or ``1_000_000``."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (1 <= value <= 2**53 and value == int(value)):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 2**53, got {text!r}")
    return int(value)


def add_run(parser: Any, *, epochs: bool = True) -> None:
    """The options that say how long a run is, and at which base rate."""
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=steps, metavar="N", help="length of the run (default: the schedule's own)")
    if epochs:
        length.add_argument("--epochs", type=steps, metavar="N", help="the same in epochs, for a schedule that counts epochs")
        parser.add_argument(
            "--steps-per-epoch",
            type=whole(1),
            metavar="N",
            help="with it the schedule counts steps, and --epochs has so many each",
        )
    parser.add_argument(
        "--lr", type=rate, default=1.0, metavar="RATE", help="base rate of the optimizer (default: 1, so values are multiples)"
    )


def read_all(texts: Sequence[str], run: float | None) -> list[Schedule]:
    """The schedules that were asked for; ``run`` is the run's length where it was told.

    Raises:
        UsageError: one of them is none.
        OSError: a file cannot be read.
    """
    if sum(text == "-" for text in texts) > 1:
        raise UsageError("standard input can be read only once; name files for the others")
    known = {_plain(name): name for name in _recipes()} if any(map(_is_bare, texts)) else {}
    found: list[Schedule | None] = [None if _plain(text) in known else _read(text, known.values()) for text in texts]
    lengths = [one.length for one in found if one is not None and one.length < math.inf]
    length = run or max(lengths, default=None)
    return [_recipe(known[_plain(text)], length) if one is None else one for text, one in zip(texts, found, strict=True)]


def run_of(steps: float | None, epochs: float | None, steps_per_epoch: float | None) -> float | None:
    """The length of a run as it was asked for, in the schedule's own unit."""
    return steps if steps is not None or epochs is None else epochs * (steps_per_epoch or 1)


def length_of(schedules: Sequence[Schedule], run: float | None, texts: Sequence[str]) -> float:
    """How long the run is: as it was told, or as the longest of the schedules that have an end."""
    if run is not None:
        return run
    longest = max((one.length for one in schedules if one.length < math.inf), default=0.0)
    if longest == 0:
        endless = any(one.length == math.inf for one in schedules)
        what = "goes on for ever" if endless else "has no length"
        raise UsageError(f"{_short(texts[0])} {what}, so tell how long the run is, such as --steps 10000")
    return longest


def label(text: str, schedule: Schedule) -> str:
    """What a schedule is called where it was given no name: as it was typed, if that tells."""
    return repr(schedule) if text == "-" or text.lstrip().startswith("{") else " ".join(text.split())


def is_history(text: str) -> bool:
    """Whether it is the name of a file as ``lucid.History`` writes them."""
    return text.lower().endswith((".csv", ".jsonl", ".ndjson"))


def _is_bare(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z][\w-]*", text.strip()) is not None


def _recipes() -> list[str]:
    from lucid import recipes

    return recipes.names()


def _recipe(name: str, length: float | None) -> Schedule:
    from lucid import recipes

    if length is None:
        raise UsageError(f"the recipe {name!r} is made for a run's length, so tell it, such as --steps 100000")
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        made = recipes.recipe(name, length)
    for warning in odd:
        print(f"lucid: note: {name}: {warning.message}", file=sys.stderr)
    return made


def _read(text: str, recipes: Any) -> Schedule:
    from lucid import _expression

    if is_history(text) and os.path.isfile(text):
        raise UsageError(f"{text} is what a run had, not a schedule; lucid plot draws it, beside a schedule too")
    if os.path.isdir(text):
        raise UsageError(f"{text} is a folder; name a file in it, such as {os.path.join(text, 'schedule.json')}")
    try:
        if text == "-":
            given = sys.stdin.read()
            return Schedule.from_json(given) if given.lstrip().startswith("{") else _expression.parse(given)
        return _expression.read(text)
    except ValueError as error:
        message = str(error)
    if _is_bare(text):
        known = [*names(), *aliases()]
        if _plain(text) not in map(_plain, known):
            raise UsageError(f"unknown schedule or recipe {text!r}{did_you_mean(text, [*known, *recipes])}; see lucid list")
        message += f"; give its fields, such as {text}(1000), and see lucid list {text}"
    elif text == "-":
        message = f"standard input: {message}"
    raise UsageError(message)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
