"""What the schedules did: a table, a picture, and the history as CSV."""

import csv
import io
import math
import textwrap
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich import box
from rich.table import Table
from rich.text import Text

from lucid._train.spec import Settings

# One row of the history. Epochs count from 0, as in the schedules' formulas; the rates are those of the epoch's first and
# last batch; the training's figures are the means over the epoch's batches, the validation's are taken after it.
FIELDS = ("scheduler", "epoch", "lr_start", "lr_end", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
Row = dict[str, Any]

_COLOURS = [f"C{number}" for number in (0, 1, 2, 3, 4, 5, 6, 8, 9)]  # C7 is grey, too near to the baseline's black


@dataclass
class History:
    """What happened so far."""

    settings: Settings
    rows: list[Row]
    rates: list[list[float]]
    """For each scheduler that was begun, the rate of every step."""

    def rows_of(self, scheduler: object) -> list[Row]:
        """The epochs of one scheduler."""
        return [row for row in self.rows if row["scheduler"] == str(scheduler)]


def history_csv(history: History) -> bytes:
    """The history, its numbers written in full."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history.rows)
    return text.getvalue().encode()


def table(history: History) -> Table:
    """Where each scheduler ended; the best on the validation images in bold."""
    schedulers = history.settings.scheduler
    names = [spec.name for spec in schedulers]
    ends = [history.rows_of(spec)[-1] for spec in schedulers]
    best = max(end["val_accuracy"] for end in ends)
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    made.add_column("scheduler", overflow="fold")
    for heading in ("train\nloss", "val.\nloss", "train\nacc.", "val.\nacc.", "lr:\nstart", "\nmiddle", "\nend"):
        made.add_column(heading, justify="right", no_wrap=True)
    for spec, end, rates in zip(schedulers, ends, history.rates, strict=True):
        made.add_row(
            Text(spec.name if names.count(spec.name) == 1 else str(spec)),
            *(f"{end[loss]:.3g}" for loss in ("train_loss", "val_loss")),
            *(f"{end[accuracy]:.1%}" for accuracy in ("train_accuracy", "val_accuracy")),
            *(f"{rates[at]:.3g}" for at in (0, len(rates) // 2, -1)),
            style="bold" if end["val_accuracy"] == best else None,
        )
    return made


def picture(history: History) -> bytes:
    """The rate of every step, and below it the losses of every epoch, as PNG."""
    figure = Figure(figsize=(12, 9), dpi=120, layout="constrained")
    axes = figure.subplot_mosaic([["rate", "rate"], ["train_loss", "val_loss"]])
    epochs = history.settings.epochs
    styles = cycle(product(("-", "--", ":"), _COLOURS))
    for spec, rates in zip(history.settings.scheduler, history.rates, strict=True):
        dashes, colour = ("-", "black") if spec.name == "constant" else next(styles)
        style: dict[str, Any] = {"color": colour, "ls": dashes, "lw": 1.5}
        times = [step * epochs / len(rates) for step in range(len(rates))]
        axes["rate"].plot(times, rates, label=textwrap.fill(str(spec), 72), **style)
        rows = history.rows_of(spec)
        for loss in ("train_loss", "val_loss"):
            axes[loss].plot([row["epoch"] + 1 for row in rows], [row[loss] for row in rows], **style)
    used = [rate for rates in history.rates for rate in rates if rate > 0]
    if used and max(used) > 10 * min(used):
        axes["rate"].set_yscale("log")
        axes["rate"].set_ylim(bottom=max(min(used) / 1.5, max(used) * 1e-5))  # a cosine comes down to rounding errors
    for name, title in (
        ("rate", "learning rate of every step"),
        ("train_loss", "training loss over each epoch"),
        ("val_loss", "validation loss after each epoch"),
    ):
        axes[name].set_title(title, loc="left")
        axes[name].set_xlabel("epochs")
        axes[name].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[name].grid(alpha=0.3)
        axes[name].margins(x=0.01)
        axes[name].spines[["top", "right"]].set_visible(False)
        if name != "rate" and any(math.isfinite(row[name]) for row in history.rows):
            axes[name].set_yscale("log")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()
