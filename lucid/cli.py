"""The command ``lucid``: a function per subcommand, which adds its options and says what runs it."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lucid
from lucid._train.spec import EACH_BATCH, FORMULA, SCHEDULERS, Settings, Spec, UsageError, parse

# What the user gets from pip under another name than Python's.
_PACKAGES = {"sklearn": "scikit-learn"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``, the process's own where None; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="lucid", description="Lucid designs the learning rate's trajectory on the time axis.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"lucid {lucid.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for add in (_add_train,):
        add(commands)
    options = vars(parser.parse_args(argv))
    name, run = options.pop("command"), options.pop("run")
    try:
        run(**options)
    except (UsageError, OSError) as error:
        message = str(error)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        message = f'needs {_PACKAGES.get(package, package)}, which is not installed; pip install "lucid-lr[{name}]"'
    except KeyboardInterrupt:
        print(f"lucid {name}: interrupted", file=sys.stderr)
        return 130
    else:
        return 0
    print(f"lucid {name}: error: {message}", file=sys.stderr)
    return 2


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a small net on handwritten digits with every scheduler, and show what the schedules did",
        description="Train a small convolutional net on 1,797 handwritten digits, once with each scheduler, and show\n"
        "what the schedules did: a table, report.png and history.csv.",
        epilog=f"""schedulers:
  {", ".join(SCHEDULERS)}

  A name alone takes arguments that fit the number of epochs and --lr. With parentheses it is the constructor's call,
  with literals for keyword arguments. {" and ".join(sorted(EACH_BATCH))} step once per batch, the others once per
  epoch. LambdaLR takes a formula, which may hold
  {FORMULA}

examples:
  lucid train
  lucid train --epochs 30 --scheduler constant --scheduler "StepLR(step_size=10, gamma=0.3)"
  lucid train --scheduler "LambdaLR(lr_lambda='0.9 ** epoch')" --out runs/lambda
  lucid train --resume""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_train)

    def add(option: str, kind: Callable[[str], Any], help: str, **more: Any) -> None:
        # No defaults here: what was not given is the checkpoint's with --resume, and else Settings'.
        parser.add_argument(option, type=kind, help=help, default=argparse.SUPPRESS, **more)

    add("--scheduler", _scheduler, "train with this one; may be given several times (default: all, see below)",
        action="append", metavar="NAME[(...)]")  # fmt: skip
    add("--epochs", _whole(1), f"epochs per scheduler (default: {Settings.epochs})", metavar="N")
    add("--batch-size", _whole(1), f"images per step (default: {Settings.batch_size})", metavar="N")
    add("--lr", _rate, f"base rate of the optimizer, SGD with momentum 0.9 (default: {Settings.lr})", metavar="RATE")
    add("--seed", _whole(0), f"of weights, dropout and the order of the images (default: {Settings.seed})", metavar="N")
    add("--device", str, f'"cpu", "gpu" (whatever accelerator is there), "cuda:1", ... (default: {Settings.device})')
    parser.add_argument(
        "--out", type=Path, default=Path("runs/digits"), metavar="FOLDER",
        help="where the results and the checkpoint go, replacing what is there (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the folder, with its settings")


def _train(out: Path, resume: bool, **asked: Any) -> None:
    from lucid._train.job import train  # torch takes seconds, which --help need not wait for

    train(asked, out, resume)


def _scheduler(text: str) -> Spec:
    try:
        return parse(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole(lowest: int) -> Callable[[str], int]:
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


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number > 0, got {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
