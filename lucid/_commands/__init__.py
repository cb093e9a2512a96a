"""One module per subcommand: ``add(commands)`` adds its options, and says what runs it.

``parser.set_defaults(run=function, extra="plot")``: the function gets the options by name; the extra is what to install where a
library is missing. Libraries are imported in the function, so that ``--help`` and the other commands start at once.
"""

import re


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why, and the way out. Exit code 2."""


def as_options(text: str) -> str:
    """A message to who calls a function, to who types a command: ``retry_failed=True`` and ``steps=`` are options there."""
    text = re.sub(r"\b(retry_failed)=True|\b(steps|epochs)=(?=[ ,;.]|$)|\b(steps_per_epoch)\b(?!=)", _option, text)
    return text.replace("the same call", "the same command")


def _option(found: re.Match[str]) -> str:
    return f"--{found[found.lastindex or 0].replace('_', '-')}"
