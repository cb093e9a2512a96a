"""PyTorch Lightning steps, saves and restores our schedulers as it does PyTorch's."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from integrations.rows import (
    GIVEN,
    METRICS,
    PLATEAU,
    ROWS,
    TWINS,
    Build,
    Used,
    assert_used,
    check,
    expected,
    plateau,
    recorded,
    rest,
    sgd,
)
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers.logger import Logger
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours

BATCHES = 5


class Net(pl.LightningModule):
    """A layer, an optimizer that tells what it used, and a metric that is known beforehand."""

    def __init__(self, build: Build, **config: Any) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        self.build, self.config = build, config

    def training_step(self, batch: torch.Tensor, _: int) -> torch.Tensor:
        self.log("metric", METRICS[self.current_epoch])
        return self.layer(batch).pow(2).mean()

    def configure_optimizers(self) -> Any:
        optimizer = sgd(self.layer.parameters())
        self.used = recorded(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.build(optimizer), **self.config}}

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(torch.ones(BATCHES * 2, 2), batch_size=2)


def fit(net: Net, root: Path, epochs: int, resume: str | None = None, **options: Any) -> Used:
    options = {"logger": False, "enable_checkpointing": False, **options}
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        default_root_dir=root,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(net, ckpt_path=resume, weights_only=True if resume else None)
    return net.used


@pytest.mark.parametrize("name", ROWS)
def test_a_scheduler_of_steps(name: str, tmp_path: Path) -> None:
    check(name, range(4 * BATCHES), lambda build: fit(Net(build, interval="step"), tmp_path, 4))


@pytest.mark.parametrize("name", ROWS)
def test_a_scheduler_of_epochs(name: str, tmp_path: Path) -> None:
    times = [epoch for epoch in range(9) for _ in range(BATCHES)]
    check(name, times, lambda build: fit(Net(build, interval="epoch"), tmp_path, 9))


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    def run(build: Build) -> Used:
        return fit(Net(build, interval="step"), tmp_path, 4, accumulate_grad_batches=2)

    check("LRScheduler, keys", range(4 * 3), run)  # of 5 batches: 2, 2 and 1


def test_every_second_step(tmp_path: Path) -> None:
    def run(build: Build) -> Used:
        return fit(Net(build, interval="step", frequency=2), tmp_path, 4)

    check("LambdaLR", [2 * epoch + batch // 2 for epoch in range(4) for batch in range(BATCHES)], run)


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
def test_a_plateau_follows_the_monitored_metric(module: Any, tmp_path: Path) -> None:
    used = fit(Net(partial(plateau, module), monitor="metric"), tmp_path, len(METRICS))
    assert used["lr"] == [rate for rate in PLATEAU[:-1] for _ in range(BATCHES)]


def interrupted(build: Build, root: Path, at: int, epochs: int, then: Build | None = None, **config: Any) -> tuple[Used, Used]:
    """What a whole run used, and what a run that resumes from a checkpoint of it used."""
    save = ModelCheckpoint(root, filename="{step}", every_n_train_steps=at, save_top_k=-1)
    whole = fit(Net(build, **config), root, epochs, callbacks=[save], enable_checkpointing=True)
    return whole, fit(Net(then or build, **config), root, epochs, str(root / f"step={at}.ckpt"))


@pytest.mark.parametrize("at", [3, 5, 7, 12])
@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("name", ROWS)
def test_resuming_is_as_if_nothing_had_happened(name: str, interval: str, at: int, tmp_path: Path) -> None:
    whole, resumed = interrupted(partial(ROWS[name].build, ours), tmp_path, at, 4, interval=interval)
    steps = range(4 * BATCHES)
    assert_used(whole, expected(name, steps if interval == "step" else [step // BATCHES for step in steps]))
    assert resumed == rest(whole, at)  # bit by bit


@pytest.mark.parametrize("name", TWINS)
def test_a_checkpoint_of_pytorchs_scheduler_goes_on_with_ours(name: str, tmp_path: Path) -> None:
    before, after = (partial(ROWS[name].build, module) for module in (theirs, ours))
    whole, resumed = interrupted(before, tmp_path, 7, 4, then=after, interval="step")
    assert_used(whole, expected(name, range(4 * BATCHES)))
    assert_used(resumed, rest(whole, 7))


@pytest.mark.parametrize("at", [2, 9, 14, 17, 23, 36])
def test_resuming_a_plateau(at: int, tmp_path: Path) -> None:
    config = {"monitor": "metric", "interval": "step", "frequency": BATCHES}
    whole, resumed = interrupted(partial(plateau, ours), tmp_path, at, len(METRICS), **config)
    assert whole["lr"] == [rate for rate in PLATEAU[:-1] for _ in range(BATCHES)]
    assert resumed == rest(whole, at)


@pytest.mark.parametrize("at", [2, 9, 15, 17])
def test_resuming_a_plateau_of_epochs(at: int, tmp_path: Path) -> None:
    """Lightning leaves out the metric of the epoch that it resumes in, whosever scheduler it is."""
    whole, resumed = interrupted(partial(plateau, ours), tmp_path / "ours", at, len(METRICS), monitor="metric")
    assert whole["lr"] == [rate for rate in PLATEAU[:-1] for _ in range(BATCHES)]
    assert (whole, resumed) == interrupted(partial(plateau, theirs), tmp_path / "theirs", at, len(METRICS), monitor="metric")
    assert resumed["lr"][-1] < resumed["lr"][0] == whole["lr"][at]


class Memory(Logger):
    """Keeps what is logged."""

    name, version = "memory", 0

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.lines.append(metrics)

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        pass


@pytest.mark.parametrize("name", ROWS)
def test_the_monitor_of_rates_reports_what_is_used(name: str, tmp_path: Path) -> None:
    def run(build: Build) -> Used:
        memory = Memory()
        monitor = LearningRateMonitor(logging_interval="step", log_momentum=True, log_weight_decay=True)
        net = Net(build, interval="step", name="lr")
        fit(net, tmp_path, 4, logger=memory, callbacks=[monitor], log_every_n_steps=1)
        lines = [line for line in memory.lines if "lr" in line]
        logged = {key: [line["lr" if key == "lr" else f"lr-{key}"] for line in lines] for key in GIVEN}
        assert logged == net.used
        return logged

    check(name, range(4 * BATCHES), run)
