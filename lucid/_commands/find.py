"""``lucid find``."""

import argparse
import inspect
import math
from pathlib import Path
from typing import Any

from lucid._commands import UsageError
from lucid._commands.numbers import rate, whole

_OPTIMIZERS = ("sgd", "adam", "adamw")
_ROWS = 20  # of the table


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "find",
        help="find a learning rate for the net of lucid train, by a range test",
        description="Find a learning rate for the net of lucid train: train a little while the rate rises, see where the loss\n"
        "falls, and name four rates to train at. For a model of your own, call lucid.lr_find.",
        epilog="""examples:
  lucid find
  lucid find --optimizer adamw --plot range.png
  lucid find --shape linear --start 0.01 --end 1 --json""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_find, extra="train")
    parser.add_argument(
        "--optimizer", choices=_OPTIMIZERS, default="sgd",
        help="sgd has momentum 0.9, as in lucid train (default: %(default)s)",
    )  # fmt: skip
    for name, kind, default, what in (
        ("start", rate, 1e-4, "rate of the first step, a little below where the loss begins to fall"),
        ("end", rate, 10.0, "rate after the last step"),
        ("steps", whole(1), 100, "steps at most; it ends before where the loss diverges"),
        ("batch-size", whole(1), 64, "images per step"),
        ("seed", whole(0), 0, "of weights, dropout and the order of the images"),
    ):
        metavar = "RATE" if kind is rate else "N"
        parser.add_argument(f"--{name}", type=kind, default=default, metavar=metavar, help=f"{what} (default: %(default)s)")
    parser.add_argument(
        "--shape", choices=("exponential", "linear"), default="exponential", help="how the rate rises (default: %(default)s)"
    )
    parser.add_argument(
        "--device", default="cpu", help='"cpu", "gpu" (whatever accelerator is there), "cuda:1", ... (default: %(default)s)'
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curve too: .png, .svg or .pdf")
    parser.add_argument("--json", action="store_true", help="print the curve and the suggestions as JSON, nothing else")


def _find(
    optimizer: str, batch_size: int, seed: int, device: str, plot: Path | None, json: bool, steps: int, **test: Any
) -> None:
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot {plot} must end in .png, .svg or .pdf")
    if plot is not None and not plot.absolute().parent.is_dir():
        raise UsageError(f"--plot {plot}: there is no folder {plot.parent}; make it first, or name another one")
    if test["end"] <= test["start"]:
        raise UsageError(f"--end {test['end']:g} must be above --start {test['start']:g}")
    import torch

    from lucid._finder import lr_find
    from lucid._train import job
    from lucid._train.spec import Settings
    from lucid.nn import functional as F

    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True
    place = job._device(device)
    torch.manual_seed(seed)
    model = job.Net().to(place)
    made_of = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[optimizer]
    more: dict[str, Any] = {"momentum": 0.9} if "momentum" in inspect.signature(made_of).parameters else {}
    loader, _ = job._loaders(Settings(batch_size=batch_size, seed=seed))
    found = lr_find(model, made_of(model.parameters(), lr=0.1, **more), F.cross_entropy, loader, steps=steps, **test)
    if plot is not None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
        axes = found.plot(figure.subplots(), log=test["shape"] == "exponential")
        axes.set_title(f"range test: the digits with {optimizer}, batches of {batch_size}", loc="left")
        metadata = {} if plot.suffix.lower() == ".png" else {"Date": None} if plot.suffix == ".svg" else {"CreationDate": None}
        figure.savefig(plot, metadata=metadata)
    if json:
        print(found.to_json(indent=2))
        return
    _show(found)
    if plot is not None:
        print(f"\n{plot}")


def _show(found: Any) -> None:
    """The curve as a table with bars, and the suggestions."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rate", justify="right")
    table.add_column("loss", justify="right")
    table.add_column("smoothed", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("")
    points = len(found.rates)
    shown = sorted({round(i * (points - 1) / max(_ROWS - 1, 1)) for i in range(_ROWS)})
    marks: dict[int, list[str]] = {}
    for rule, suggested in found.suggestions.items():
        if suggested is not None:
            row = min(shown, key=lambda i: abs(found.rates[i] / suggested - suggested / found.rates[i]))
            marks.setdefault(row, []).append(rule)
    low, high = found._window()
    rows = {
        i: (f"{found.rates[i]:.2e}", f"{found.losses[i]:.4g}", f"{found.smoothed[i]:.4g}", ", ".join(marks.get(i, [])))
        for i in shown
    }
    taken = sum(max(map(len, column)) for column in zip(*rows.values(), ("", "", "smoothed", ""), strict=True))
    longest = max(min(24, console.width - taken - 16), 6)  # with the gaps between five columns; or every bar is cut the same
    for i, cells in rows.items():
        average = found.smoothed[i]
        share = (min(average, high) - low) / (high - low) if high > low else 0.0
        bar = "▇" * (1 + round(share * (longest - 1))) if math.isfinite(average) else ""
        table.add_row(*cells[:3], bar, cells[3])
    console.print(table)
    ended = {
        "all steps": f"all {found.steps} steps were made",
        "diverged": f"ended after {points} of {found.steps} steps: the smoothed loss was above 4 times its best",
        "not finite": f"ended after {points} of {found.steps} steps: the loss was NaN or infinite",
    }[found.ended]
    console.print(ended, soft_wrap=True)
    console.print()
    what = {
        "valley": "in the longest fall of the loss: begin with this one",
        "steep": "where the loss falls fastest",
        "minimum": "a tenth of where the loss is lowest",
        "slide": "where the slope has settled, seen from the right",
    }
    for rule, suggested in found.suggestions.items():
        told = "none: too few points; take more --steps" if suggested is None else f"{suggested:.2e}  {what[rule]}"
        console.print(f"{rule:>8}  {told}", soft_wrap=True)
