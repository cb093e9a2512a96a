"""``lucid sweep``."""

import argparse
import re
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

from lucid._commands import UsageError, as_options
from lucid._commands.numbers import rate, whole

_RATES = (0.03, 0.1, 0.3)


def add(commands: Any) -> None:
    from lucid._commands.schedules import HELP, steps

    parser = commands.add_parser(
        "sweep",
        help="rank schedules at several peak rates, over several seeds",
        description="Train with every candidate at every peak rate with every seed, and rank the candidates by their loss.\n"
        "By default a small convolutional net on 1,797 handwritten digits is trained, with SGD with momentum 0.9; the loss\n"
        "is that of 360 images it was not trained on, and the schedules' times are epochs.",
        epilog=f"""{HELP.replace("SCHEDULE is", "CANDIDATE is", 1)}

  The same command again runs what is missing. Any number of processes may run it at the same time and share the work:
  with a file as --storage on one machine, with a database's URL (postgresql+psycopg://user@host/db, mysql+pymysql://...,
  sqlite:///file.db) or grpc://HOST:PORT on several.

examples:
  lucid sweep
  lucid sweep "cosine(10)" "warmup(1) >> cosine(9)" "constant()" --lr 0.05 0.1 0.2 --seeds 5
  lucid sweep "cosine(10)" "wsd(10, 3)" --lr-range 0.01 1 --trials 20 --prune --workers 4
  lucid sweep "cosine(1000)" --objective mymodule:objective --lr 1e-3 3e-3
  lucid sweep --serve 127.0.0.1:13000 --storage sqlite:///sweep.db
  lucid sweep --storage grpc://127.0.0.1:13000""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_sweep, extra="sweep")
    parser.add_argument("candidates", nargs="*", metavar="CANDIDATE", help="a schedule (default: some common ones)")
    rates = parser.add_mutually_exclusive_group()
    rates.add_argument(
        "--lr",
        type=rate,
        nargs="+",
        metavar="RATE",
        help=f"peak rates (default: {' '.join(map(str, _RATES))} on the digits; else 1, for schedules that say their rates)",
    )
    rates.add_argument(
        "--lr-range", type=rate, nargs=2, metavar=("LOW", "HIGH"), help="draw --trials peak rates for each candidate"
    )
    parser.add_argument(
        "--trials", type=whole(1), metavar="N", help="how many rates to draw from --lr-range for each candidate"
    )
    parser.add_argument("--seeds", type=whole(1), default=3, metavar="N", help="seeds 0 to N - 1 (default: %(default)s)")
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="epochs of each training on the digits (default: 10)")
    parser.add_argument(
        "--objective", metavar="MODULE:FUNCTION", help="your own training: objective(schedule, lr, seed) in a module here"
    )
    parser.add_argument(
        "--steps", type=steps, metavar="N", help="how long your objective trains, in the schedules' unit; recipes need it"
    )
    parser.add_argument("--maximize", action="store_true", help="the objective's results are scores, not losses")
    parser.add_argument("--prune", action="store_true", help="end trainings early that are worse than the median of their seed")
    parser.add_argument("--workers", type=whole(1), default=1, metavar="N", help="processes of this machine (default: 1)")
    parser.add_argument(
        "--storage", metavar="PATH|URL", help="where the trainings are recorded (default: sweep.journal in --out)"
    )
    parser.add_argument("--name", metavar="NAME", help="of the sweep in the storage (default: the objective's)")
    parser.add_argument("--retry-failed", action="store_true", help="run again what has failed")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/sweep"), metavar="FOLDER",
        help="where report.txt, report.json and runs.csv go (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--serve", metavar="HOST:PORT", help="only lend the database that --storage names to other machines")


def _sweep(candidates: list[str], out: Path, storage: str | None, serve: str | None, **options: Any) -> None:
    if serve is not None:
        _serve(serve, storage)
        return
    import optuna  # noqa: F401  # which is wanted before anything is written

    from lucid import sweep

    epochs, objective, name = options["epochs"], options["objective"], options["name"]
    if options["lr_range"] and not options["trials"]:
        raise UsageError("--lr-range needs --trials, how many rates to draw for each candidate")
    if options["lr_range"] and not options["lr_range"][0] < options["lr_range"][1]:
        raise UsageError("--lr-range LOW HIGH: LOW must be below HIGH, got {:g} {:g}".format(*options["lr_range"]))
    if options["trials"] and not options["lr_range"]:
        raise UsageError("--trials is how many rates to draw from --lr-range, which is missing")
    if objective is None:
        try:
            from lucid._sweep._digits import digits
        except ModuleNotFoundError as error:
            needs = str(error.name).partition(".")[0]
            raise UsageError(f'the digits need {needs}; pip install "lucid-lr[sweep,train]", or name an --objective') from None
        if options["steps"] is not None:
            raise UsageError("--steps is for an --objective; on the digits --epochs says how long a training is")
        epochs = epochs or 10
        run: Any = partial(digits, epochs=epochs)
        name = name or f"digits, {epochs} epochs"
        texts = candidates or _common(epochs)
    else:
        if epochs is not None:
            raise UsageError("--epochs is for the digits; your --objective says itself how long it trains")
        if not candidates:
            raise UsageError('--objective needs candidates, such as: lucid sweep "cosine(1000)" "constant()" --objective ...')
        run, name, texts = _function(objective), name or objective, candidates
    named = _named(texts, epochs or options["steps"])
    rates = tuple(options["lr_range"]) if options["lr_range"] else options["lr"] or (None if objective else list(_RATES))
    place = storage if storage is not None else str(out / "sweep.journal")
    try:
        out.mkdir(parents=True, exist_ok=True)
        report = sweep(
            run, named, lr=rates,
            seeds=options["seeds"], trials=options["trials"], storage=place, name=name, workers=options["workers"],
            pruner="median" if options["prune"] else None, direction="maximize" if options["maximize"] else "minimize",
            retry_failed=options["retry_failed"],
        )  # fmt: skip
    except ModuleNotFoundError:
        raise
    except (ValueError, TypeError, RuntimeError, ImportError, OSError) as error:
        raise UsageError(as_options(str(error).removeprefix("sweep: "))) from error
    shown = as_options(str(report))
    for file, text in (("report.txt", f"{shown}\n"), ("report.json", report.to_json(indent=1)), ("runs.csv", report.to_csv())):
        (out / file).write_text(text, encoding="utf-8")
    print(shown)
    print()
    print(f"{out / 'report.json'}\n{out / 'runs.csv'}\n{place if '@' not in place else 'the storage'}")
    if report.interrupted:
        _tell_how_to_go_on(place)
        raise KeyboardInterrupt


def _common(epochs: int) -> list[str]:
    """What people compare first, over so many epochs."""
    warm, rest, third = (f"{epochs * share:g}" for share in (0.1, 0.9, 1 / 3))
    return [
        "constant()", f"step({third}, gamma=0.1)", f"linear({epochs}, 1, 0)", f"cosine({epochs})",
        f"warmup({warm}) >> cosine({rest})", f"wsd({rest}, {epochs * 0.3:g}, warmup_steps={warm})",
    ]  # fmt: skip


def _named(texts: list[str], length: int | None) -> dict[str, Any]:
    from lucid._commands.schedules import read_all

    schedules = read_all(texts, length)
    named: dict[str, Any] = {}
    for text, schedule in zip(texts, schedules, strict=True):
        name = text if len(text) <= 100 and not text.lstrip().startswith("{") and text != "-" else repr(schedule)
        if name in named:
            raise UsageError(f"{name} is given twice")
        named[name] = schedule
        if length is not None and length * 1.01 < schedule.length < float("inf"):
            print(
                f"lucid sweep: {name} lasts {schedule.length:g}: of it a run of {length} sees the beginning",
                file=sys.stderr,
            )
    return named


def _function(text: str) -> Any:
    """What ``module:function`` names, looked up where the user stands, too."""
    from importlib import import_module

    module, _, path = text.partition(":")
    if not re.fullmatch(r"[\w.]+:[\w.]+", text):
        raise UsageError(f"--objective must be MODULE:FUNCTION, such as mymodule:objective, got {text!r}")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # so that spawned workers find it as well
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise UsageError(
                f"--objective {text}: there is no module {module!r}; name one of this folder, or an installed one"
            ) from None
        raise
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"--objective {text}: {module} has no {path!r}")
        found = getattr(found, part)
    return found


def _tell_how_to_go_on(storage: str) -> None:
    program = ["lucid"] if shutil.which("lucid") else [sys.executable, "-m", "lucid.cli"]
    told = shlex.join([*program, *sys.argv[1:]]) if not re.search(r"://[^/]*:[^/]*@", storage) else "the same command again"
    print(f"What was finished is kept. To go on:\n  {told}")


def _serve(text: str, storage: str | None) -> None:
    if storage is None:
        raise UsageError("--serve needs --storage, the URL of the database to lend, such as sqlite:///sweep.db")
    from lucid._sweep._storage import address, hidden, serve

    try:
        host, port = address(text, "--serve")
        if host not in ("127.0.0.1", "localhost", "[::1]"):
            print(
                f"lucid sweep: {host} can be reached from other machines, and there is no password: whoever reaches the "
                f"port {port} can read and change the sweep; keep it in a private network, or behind an SSH tunnel",
                file=sys.stderr,
            )
        print(f"serving {hidden(storage)} as grpc://{host}:{port}; Ctrl-C ends", flush=True)
        serve(storage, host, port)
    except KeyboardInterrupt:
        print("stopped")
    except ModuleNotFoundError:
        raise
    except (ValueError, ImportError) as error:
        raise UsageError(str(error).removeprefix("sweep: ")) from error
    except OSError as error:
        raise UsageError(f"--serve {text}: {str(error).removeprefix('sweep: ')}") from error
