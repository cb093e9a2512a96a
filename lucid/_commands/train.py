"""``lucid train``."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lucid._commands import UsageError
from lucid._commands.numbers import rate, whole
from lucid._train.spec import EACH_BATCH, FORMULA, SCHEDULERS, Settings, Spec, parse


def add(commands: Any) -> None:
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
    parser.set_defaults(run=_train, extra="train")

    def option(name: str, kind: Callable[[str], Any], help: str, **more: Any) -> None:
        # No defaults here: what was not given is the checkpoint's with --resume, and else Settings'.
        parser.add_argument(name, type=kind, help=help, default=argparse.SUPPRESS, **more)

    option("--scheduler", _scheduler, "train with this one; may be given several times (default: all, see below)",
        action="append", metavar="NAME[(...)]")  # fmt: skip
    option("--epochs", whole(1), f"epochs per scheduler (default: {Settings.epochs})", metavar="N")
    option("--batch-size", whole(1), f"images per step (default: {Settings.batch_size})", metavar="N")
    option("--lr", rate, f"base rate of the optimizer, SGD with momentum 0.9 (default: {Settings.lr})", metavar="RATE")
    option("--seed", whole(0), f"of weights, dropout and the order of the images (default: {Settings.seed})", metavar="N")
    option("--device", str, f'"cpu", "gpu" (whatever accelerator is there), "cuda:1", ... (default: {Settings.device})')
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
