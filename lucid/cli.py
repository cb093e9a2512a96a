"""The command ``lucid``: ``lucid._commands`` has a module per subcommand."""

import argparse
import os
import sys
from collections.abc import Sequence

import lucid
from lucid._commands import UsageError, compare, completion, export, find, list_, plot, show, studio, sweep, train

# What the user gets from pip under another name than Python's.
_PACKAGES = {"sklearn": "scikit-learn"}


def parser() -> argparse.ArgumentParser:
    """What reads the command line, with every command's options."""
    parser = argparse.ArgumentParser(
        prog="lucid", description="Lucid designs the learning rate's trajectory on the time axis.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"lucid {lucid.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for command in (show, list_, compare, export, plot, studio, find, sweep, train, completion):
        command.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``, the process's own where None; gives the exit code."""
    options = vars(parser().parse_args(argv))
    name, run, extra = (options.pop(what) for what in ("command", "run", "extra"))
    if getattr(sys.stdout, "errors", None) == "strict" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # formulas, signs and names of the user's, where the encoding has them not
    try:
        run(**options)
        if sys.stdout is not None:  # it was closed before the start
            sys.stdout.flush()
    except (UsageError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():  # who did has seen enough, as head does
            return 0
        message = str(error)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        message = f'needs {_PACKAGES.get(package, package)}, which is not installed; pip install "lucid-lr[{extra}]"'
    except KeyboardInterrupt:
        print(f"lucid {name}: interrupted", file=sys.stderr)
        return 130
    else:
        return 0
    print(f"lucid {name}: error: {message}", file=sys.stderr)
    return 2


def _nobody_reads() -> bool:
    """Whether the reader of standard output is gone; then Python's last flush has somewhere else to go."""
    import select

    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        if not any(event & select.POLLERR for _, event in poll.poll(0)):
            return False  # another pipe is broken
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


if __name__ == "__main__":
    sys.exit(main())
