"""The kinds of numbers that options take."""

import argparse
import math
from collections.abc import Callable


def whole(lowest: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value < 2**63:
            raise argparse.ArgumentTypeError(
                f"must be a whole number >= {lowest}{'' if value < 2**63 else ' and < 2**63'}, got {text!r}"
            )
        return value

    return convert


def rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number > 0, got {text!r}")
    return value
