"""``lucid studio``."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from lucid._commands import UsageError
from lucid._commands.numbers import rate
from lucid._commands.schedules import HELP, label, read_all, steps


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "studio",
        help="design a schedule on a page in the browser",
        description="Design a schedule on a page in the browser: phases, sliders, candidates, real runs beside the plan.\n"
        "The page is served on 127.0.0.1 alone, to whoever has the address that is printed; Ctrl-C ends it.",
        epilog=f"""{HELP}

examples:
  lucid studio
  lucid studio "warmup(500) >> cosine(9500)" "wsd(9500, 2000, 500)" --lr 3e-4
  lucid studio plan.json --history runs/digits/history.csv""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_studio, extra="studio")
    parser.add_argument("schedules", nargs="*", metavar="SCHEDULE", help="what to begin with; several are laid over each other")
    parser.add_argument("--steps", type=steps, metavar="N", help="length of the run (default: the longest's, or 10000)")
    parser.add_argument(
        "--lr", type=rate, default=1e-3, metavar="RATE", help="base rate of the optimizer (default: %(default)s)"
    )
    parser.add_argument(
        "--history", nargs="+", action="extend", default=[], metavar="FILE", help="real runs to show beside, CSV or JSON Lines"
    )
    parser.add_argument(
        "--import", dest="modules", action="append", default=[], metavar="MODULE",
        help="import a module of yours first, whose Schedule classes then are on the page as well",
    )  # fmt: skip
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="port to listen on, 0 for any that is free (default: 8417, or any if that is taken)",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def _studio(
    schedules: Sequence[str],
    steps: int | None,
    lr: float,
    history: Sequence[str],
    modules: Sequence[str],
    port: int | None,
    no_browser: bool,
) -> None:
    _import(modules)
    from lucid.studio import _server  # uvicorn and NumPy, which --help need not wait for

    try:
        found = read_all(schedules, steps or 10_000)
        names = [label(text, one) for text, one in zip(schedules, found, strict=True)]
        start = _server.opening(list(zip(names, found, strict=True)), steps, lr, history)
    except ValueError as error:
        raise UsageError(str(error)) from None
    _server.serve(start, port, None if no_browser else _browse)


def _import(modules: Sequence[str]) -> None:
    """Modules of the user's, from the folder where the command runs too, as with ``python -m``."""
    if modules:
        sys.path.insert(0, os.getcwd())
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # what the module itself lacks
            raise UsageError(f"there is no module {module!r} to import, neither here nor installed") from None


def _browse(url: str) -> None:
    """In the user's browser, where there is a screen: one in the terminal would take it from the server."""
    import webbrowser

    if sys.platform not in ("linux", "freebsd") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535, got {text!r}")
    return int(text)
