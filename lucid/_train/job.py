"""The job of ``lucid train``: the specification's loop, once per scheduler, with a checkpoint after every epoch."""

import inspect
import io
import math
import random
import shlex
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.datasets import load_digits

import lucid
from lucid import nn
from lucid._checkpoint import replacing
from lucid._commands import UsageError
from lucid._train.report import FIELDS, History, history_csv, picture, table
from lucid._train.spec import EACH_BATCH, Settings, Spec, formula
from lucid.data import DataLoader, TensorDataset, random_split
from lucid.nn import functional as F
from lucid.optim import SGD, lr_scheduler
from lucid.schedules import Constant
from lucid.schedules._schedule import did_you_mean

_FORMAT = 1  # of the checkpoint
_TRAINING, _VALIDATION = 1437, 360  # images


class Net(nn.Module):
    """8 x 8 pixels to ten digits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, stride=2)
        self.dropout = nn.Dropout(0.25)
        self.head = nn.Linear(32 * 4 * 4, 10)

    def forward(self, images: Any) -> Any:
        x = F.relu(self.conv2(F.relu(self.conv1(images))))
        return self.head(self.dropout(x.flatten(1)))


def train(asked: dict[str, Any], out: Path, resume: bool) -> None:
    """Train once with each scheduler, or go on with it, and leave the results in a folder.

    Args:
        asked: the settings that were given; the others are the checkpoint's, or the defaults.
        out: the folder.
        resume: go on from the checkpoint in it.

    Raises:
        UsageError: what was asked for cannot be done.
    """
    console = Console(highlight=False, markup=False)
    torch.set_num_threads(1)  # so small a net is fastest so, and its sums do not depend on the number of cores
    torch.backends.cudnn.deterministic = True  # a resumed training equals an uninterrupted one, on a GPU too
    checkpoint, picture_file, table_file = (out / name for name in ("checkpoint.pt", "report.png", "history.csv"))
    if resume:
        history, states = _read(checkpoint)
        _agree(_settled(history.settings, asked), history.settings)
    else:
        history, states = History(_settled(Settings(), asked), [], []), {}
        try:
            out.mkdir(parents=True, exist_ok=True)
            _save(checkpoint, history, states)  # from here on there is something to resume
            for stale in (picture_file, table_file):
                stale.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"--out {out} cannot be written to ({error.strerror}); name another folder") from None
    try:
        _go_on(console, checkpoint, history, states)
        replace_file(table_file, history_csv(history))
        replace_file(picture_file, picture(history))
    except KeyboardInterrupt:
        program = ["lucid"] if shutil.which("lucid") else [sys.executable, "-m", "lucid.cli"]
        console.print("The epochs that were finished are kept. To go on:")
        console.print("  " + shlex.join([*program, "train", "--resume", "--out", str(out)]), soft_wrap=True)
        raise
    console.print()
    console.print(table(history))
    console.print()
    console.print(f"{picture_file}\n{table_file}", soft_wrap=True)


def _go_on(console: Console, checkpoint: Path, history: History, states: dict[str, Any]) -> None:
    """Train what the history lacks."""
    settings, rows = history.settings, history.rows
    device = _device(settings.device)
    training, validation = _loaders(settings)
    schedulers, epochs = len(settings.scheduler), settings.epochs
    total = schedulers * epochs
    finished, start = divmod(len(rows), epochs)
    console.print(
        f"schedulers: {schedulers}, epochs: {epochs}, batches per epoch: {len(training)}, device: {device}"
        + (f"; done before: {len(rows)} of all {total} epochs" if rows else ""),
        soft_wrap=True,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=total, completed=len(rows))
        for spec in settings.scheduler[finished:]:
            progress.update(bar, description=spec.name)
            torch.manual_seed(settings.seed)  # the same weights for every scheduler
            model = Net().to(device)
            optimizer = _optimizer(model, settings)
            scheduler = _attached(spec, optimizer, epochs)
            parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
            if start:
                with _intact(checkpoint):
                    for name, part in parts.items():
                        part.load_state_dict(states[name])
            else:
                history.rates.append([])
            for epoch in range(start, epochs):
                # All chance in an epoch follows from seed and epoch: there is no generator's state to save, and every
                # scheduler gets the same batches.
                torch.manual_seed(random.Random(f"{settings.seed} {epoch}").getrandbits(63))
                rates, train_loss, train_accuracy = _train_epoch(model, optimizer, scheduler, spec, training, device)
                val_loss, val_accuracy = _evaluate(model, validation, device)
                if spec.name == "ReduceLROnPlateau":
                    scheduler.step(val_loss)
                elif spec.name not in EACH_BATCH:
                    scheduler.step()
                figures = (str(spec), epoch, rates[0], rates[-1], train_loss, train_accuracy, val_loss, val_accuracy)
                rows.append(dict(zip(FIELDS, figures, strict=True)))
                history.rates[-1] += rates
                _save(checkpoint, history, {name: part.state_dict() for name, part in parts.items()})
                progress.advance(bar)
            start = 0
            console.print(f"{spec}: {rows[-1]['val_accuracy']:.1%} of the validation images right", soft_wrap=True)


def _train_epoch(
    model: Net, optimizer: Any, scheduler: Any, spec: Spec, loader: DataLoader, device: torch.device
) -> tuple[list[float], float, float]:
    """The specification's loop: the rate of each step, and loss and accuracy over the epoch."""
    rates, losses, right, seen = [], 0.0, 0, 0
    model.train()
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        out = model(inputs)
        loss = F.cross_entropy(out, targets)
        loss.eval()
        loss.backward()
        optimizer.step()
        if spec.name in EACH_BATCH:
            scheduler.step()
        losses += loss.item() * len(targets)
        right += int((out.argmax(1) == targets).sum())
        seen += len(targets)
    return rates, losses / seen, right / seen


def _evaluate(model: Net, loader: DataLoader, device: torch.device) -> tuple[float, float]:
    """Loss and accuracy on images that the model was not trained on, all in one batch."""
    model.eval()
    with torch.no_grad():
        inputs, targets = next(iter(loader))
        out, targets = model(inputs.to(device)), targets.to(device)
        return F.cross_entropy(out, targets).item(), int((out.argmax(1) == targets).sum()) / len(targets)


def _loaders(settings: Settings) -> tuple[DataLoader, DataLoader]:
    """The digits in batches, to train on and to validate with."""
    digits = load_digits()
    images = lucid.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    parts = random_split(
        TensorDataset(images, lucid.tensor(digits.target)),
        [_TRAINING, _VALIDATION],
        generator=torch.Generator().manual_seed(settings.seed),
    )
    return DataLoader(parts[0], batch_size=settings.batch_size, shuffle=True), DataLoader(parts[1], batch_size=_VALIDATION)


# -- settings


def _settled(settings: Settings, asked: dict[str, Any]) -> Settings:
    """``settings`` with what was asked for, spelt out in full and checked.

    Raises:
        UsageError: a device that is not there, or a scheduler that cannot be built.
    """
    settings = replace(settings, **asked)
    steps = math.ceil(_TRAINING / settings.batch_size)
    specs = tuple(spec.fitted(settings.epochs, steps, settings.lr) for spec in settings.scheduler)
    for i, spec in enumerate(specs):
        _attached(spec, _optimizer(nn.Linear(1, 1), settings), settings.epochs)
        if str(spec) in map(str, specs[:i]):
            raise UsageError(f"--scheduler {spec} is given twice")
    return replace(settings, scheduler=specs, device=str(_device(settings.device)))


def _agree(asked: Settings, found: Settings) -> None:
    """Refuse to go on with other settings than the checkpoint's."""
    for field in fields(Settings):
        ours, theirs = (getattr(settings, field.name) for settings in (asked, found))
        if ours != theirs:
            ours, theirs = (", ".join(map(str, v)) if isinstance(v, tuple) else v for v in (ours, theirs))
            raise UsageError(
                f"--{field.name.replace('_', '-')} {ours} differs from the checkpoint's {theirs}, and --resume goes on with "
                "the same settings only; leave the option out, or start anew without --resume (another --out keeps this one)"
            )


def _device(name: str) -> torch.device:
    try:
        device = lucid.device(name)
        torch.zeros(1, device=device).item()  # some devices are known by name and not there
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0]
        raise UsageError(f"--device {name}: {why}" + ("" if '"cpu"' in why else '; use "cpu"')) from None
    return device


def _optimizer(model: nn.Module, settings: Settings) -> SGD:
    return SGD(model.parameters(), lr=settings.lr, momentum=0.9)


def _attached(spec: Spec, optimizer: SGD, epochs: int) -> Any:
    """The scheduler that ``spec`` asks for, attached to ``optimizer``."""
    arguments = dict(spec.arguments or {})
    if spec.name == "constant":
        scheduler: Any = lr_scheduler.LRScheduler
        known = {}
    else:
        scheduler = getattr(lr_scheduler, spec.name)
        known = dict(inspect.signature(scheduler).parameters)
        del known["optimizer"]
        known.pop("last_epoch", None)  # the checkpoint's business
    for name in arguments:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise UsageError(f"--scheduler {spec}: no argument {name!r}{did_you_mean(name, known)} ({takes})")
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise UsageError(f"--scheduler {spec}: {name} is missing; {spec.name} without parentheses takes arguments that fit")
    try:
        if "lr_lambda" in arguments:
            arguments["lr_lambda"] = formula(arguments["lr_lambda"], epochs)
        return scheduler(optimizer, **arguments) if known else scheduler(optimizer, lr=Constant())
    except (UsageError, TypeError, ValueError) as error:
        raise UsageError(f"--scheduler {spec}: {error}") from None


# -- files


def _save(checkpoint: Path, history: History, states: dict[str, Any]) -> None:
    """All that going on takes. The position is the number of rows."""
    data = io.BytesIO()
    lucid.save({"lucid train": _FORMAT, **asdict(history), **states}, data)
    replace_file(checkpoint, data.getvalue())


def _read(checkpoint: Path) -> tuple[History, dict[str, Any]]:
    try:
        data = checkpoint.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--resume: no checkpoint to go on from ({checkpoint}: {error.strerror}); "
            "start without --resume, or name the folder of another training with --out"
        ) from None
    with _intact(checkpoint):
        if zipfile.ZipFile(io.BytesIO(data)).testzip() is not None:  # torch.load checks no sums
            raise ValueError("wrong checksum")
        content = lucid.load(io.BytesIO(data))
        if content.pop("lucid train") != _FORMAT:
            raise ValueError("another version's")
        settings = content.pop("settings")
        specs = tuple(Spec(**spec) for spec in settings.pop("scheduler"))
        history = History(Settings(scheduler=specs, **settings), content.pop("rows"), content.pop("rates"))
        expected = [(str(spec), epoch) for spec in specs for epoch in range(history.settings.epochs)]
        if [(row["scheduler"], row["epoch"]) for row in history.rows] != expected[: len(history.rows)]:
            raise ValueError("rows are missing")
    return history, content


@contextmanager
def _intact(checkpoint: Path) -> Iterator[None]:
    """Reading a damaged checkpoint may raise anything."""
    try:
        yield
    except Exception as error:
        raise UsageError(
            f"--resume: {checkpoint} is damaged, or no checkpoint of this version of lucid train; start anew without --resume"
        ) from error


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, whatever happens meanwhile."""
    with replacing(path) as file:
        file.write(data)
