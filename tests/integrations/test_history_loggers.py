"""History's names and values beside Lightning's own monitor; real loggers and their files."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.loggers.logger import Logger

from lucid import History
from lucid.optim.lr_scheduler import LRScheduler
from lucid.schedules import Cosine, Linear

STEPS = 6


class Memory(Logger):
    """Keeps what is logged, by step."""

    name, version = "memory", 0

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, dict[str, float]] = {}

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        row = self.rows.setdefault(int(step or 0), {})
        row.update({name: float(value) for name, value in metrics.items() if name.startswith("lr-")})

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        pass


class Net(pl.LightningModule):
    """Two optimizers or one, stepped by hand, and recorded right before."""

    def __init__(self, build: Any, grow_at: int | None = None) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.layers = torch.nn.ModuleList(torch.nn.Linear(2, 1) for _ in range(4))
        self.build, self.grow_at = build, grow_at

    def configure_optimizers(self) -> Any:
        made = self.build([list(layer.parameters()) for layer in self.layers])
        self.recorded: list[Any] = made
        self.followers = [LRScheduler(optimizer, lr=Linear(2, 0.5) >> Cosine(4)) for optimizer in made]
        self.history = History(*made)
        return made, self.followers

    def training_step(self, batch: torch.Tensor, _: int) -> None:
        self.history.record(self.global_step // len(self.recorded))
        loss = sum(layer(batch).pow(2).mean() for layer in self.layers)
        loss.backward()
        for optimizer in [self.optimizers()] if len(self.recorded) == 1 else self.optimizers():
            optimizer.step()
            optimizer.zero_grad()
        for follower in self.followers:
            follower.step()
        if self.grow_at == self.global_step:
            self.recorded[0].add_param_group({"params": list(self.layers[3].parameters()), "lr": 0.7})

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(torch.ones(STEPS, 2), batch_size=1)


def fit(net: Net, root: Path, *loggers: Any) -> None:
    monitor = LearningRateMonitor("step", log_momentum=True, log_weight_decay=True)
    pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        default_root_dir=root,
        logger=list(loggers),
        callbacks=[monitor],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    ).fit(net)


BUILDS = {
    "SGD": lambda ps: [torch.optim.SGD(ps[0], lr=0.1, momentum=0.9, weight_decay=0.01)],
    "a named group": lambda ps: [torch.optim.SGD([{"params": ps[0], "name": "body"}], lr=0.1, momentum=0.9)],
    "groups": lambda ps: [torch.optim.SGD([{"params": p} for p in ps[:3]], lr=0.1, momentum=0.9)],
    "groups, one named": lambda ps: [
        torch.optim.AdamW([{"params": ps[0]}, {"params": ps[1], "name": "head", "lr": 0.5}], lr=0.1)
    ],
    "Adam": lambda ps: [torch.optim.Adam(ps[0], lr=0.1, betas=(0.8, 0.99), weight_decay=0.1)],
    "two of a kind": lambda ps: [torch.optim.SGD(ps[0], lr=0.1, momentum=0.9), torch.optim.SGD(ps[1], lr=0.2, momentum=0.8)],
    "two kinds": lambda ps: [torch.optim.Adam(ps[0], lr=0.1), torch.optim.RMSprop([{"params": p} for p in ps[1:3]], lr=0.2)],
}


@pytest.mark.filterwarnings("ignore:You have set log_momentum=True, but some:RuntimeWarning")  # Adam's has another name
@pytest.mark.parametrize("name", BUILDS)
def test_names_and_values_are_those_of_lightnings_monitor(name: str, tmp_path: Path) -> None:
    net, seen = Net(BUILDS[name]), Memory()
    fit(net, tmp_path, seen)
    rows = [{key: value for key, value in row.items() if key != "step"} for row in net.history.rows()]
    assert len(rows) == STEPS
    assert rows == [row for _, row in sorted(seen.rows.items()) if row]
    assert len({row[next(iter(row))] for row in rows}) > 3  # the rates moved


def test_a_group_that_comes_later_changes_the_name_as_lightnings_monitor_does(tmp_path: Path) -> None:
    net, seen = Net(BUILDS["SGD"], grow_at=3), Memory()
    fit(net, tmp_path, seen)
    theirs = [row for _, row in sorted(seen.rows.items()) if row]
    assert set(theirs[2]) == {"lr-SGD", "lr-SGD-momentum", "lr-SGD-weight_decay"}
    stems = ("lr-SGD/pg1", "lr-SGD/pg2")
    assert set(theirs[3]) == {stem + end for stem in stems for end in ("", "-momentum", "-weight_decay")}
    rows = [{key: value for key, value in row.items() if key != "step"} for row in net.history.rows()]
    assert rows[3:] == theirs[3:]
    # Theirs leaves the first rows under the old name, ours has one column of all.
    assert rows[:3] == [{key.replace("lr-SGD", "lr-SGD/pg1"): value for key, value in row.items()} for row in theirs[:3]]


def test_lightnings_csv_logger_writes_what_history_reads_and_takes_its_rows(tmp_path: Path) -> None:
    net, logger = Net(BUILDS["groups, one named"]), CSVLogger(tmp_path, name="theirs")
    fit(net, tmp_path, logger)
    read = History.read(Path(logger.log_dir) / "metrics.csv")
    assert {name: read[name] for name in net.history.columns} == net.history.columns
    assert read.steps == net.history.steps

    mine = CSVLogger(tmp_path, name="mine")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    history = History(optimizer, loggers=mine)
    for step in range(3):
        history.record(loss=step / 7)
    mine.save()
    again = History.read(Path(mine.log_dir) / "metrics.csv")
    assert again.steps == [0, 1, 2]
    assert {name: again[name] for name in history.columns} == history.columns


def test_tensorboards_writer(tmp_path: Path) -> None:
    """With the real one where it is installed; tests/test_history.py has a stand-in."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)], lr=0.25, momentum=0.5)
    with SummaryWriter(str(tmp_path)) as writer:
        history = History(optimizer, keys=["lr"], loggers=writer)
        for step in range(3):
            optimizer.param_groups[0]["lr"] = 2.0**-step
            history.record(step * 10, **{"train/loss": step / 2})
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["lr-SGD/pg1", "lr-SGD/pg2", "train/loss"]
    assert [(e.step, e.value) for e in events.Scalars("lr-SGD/pg1")] == [(0, 1.0), (10, 0.5), (20, 0.25)]
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(0, 0.0), (10, 0.5), (20, 1.0)]
