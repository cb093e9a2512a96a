"""torch.distributed.checkpoint saves and restores our schedulers, as states or as they are (its Stateful protocol)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from integrations.rows import METRICS, PLATEAU, ROWS, Build, assert_used, expected, plateau, recorded, rest, sgd
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.checkpoint.stateful import Stateful

from lucid.optim import lr_scheduler as ours

AT, STEPS = 7, 20


@pytest.fixture(params=["no process group", "gloo"])
def _group(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    if request.param == "gloo":
        dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
    yield
    if request.param == "gloo":
        dist.destroy_process_group()


class Training:
    def __init__(self, build: Build) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(2, 1)
        self.optimizer = sgd(self.model.parameters())
        self.used = recorded(self.optimizer)
        self.scheduler = build(self.optimizer)

    def batch(self, *metric: float) -> None:
        self.optimizer.zero_grad()
        self.model(torch.ones(3, 2)).pow(2).sum().backward()
        self.optimizer.step()
        self.scheduler.step(*metric)

    def weights(self) -> list[float]:
        return [value for parameter in self.model.parameters() for value in parameter.flatten().tolist()]


class AsStates:
    """What a script does that knows of states alone; the model's and the optimizer's as DCP wants them."""

    def parts(self, training: Training) -> dict[str, Any]:
        model, optimizer = get_state_dict(training.model, training.optimizer)
        return {"model": model, "optimizer": optimizer, "scheduler": training.scheduler.state_dict()}

    def save(self, training: Training, folder: Path) -> None:
        dcp.save(self.parts(training), checkpoint_id=folder)

    def load(self, training: Training, folder: Path) -> None:
        parts = self.parts(training)
        dcp.load(parts, checkpoint_id=folder)
        set_state_dict(training.model, training.optimizer, model_state_dict=parts["model"], optim_state_dict=parts["optimizer"])
        training.scheduler.load_state_dict(parts["scheduler"])


class SchedulerFirst(AsStates):
    def load(self, training: Training, folder: Path) -> None:
        parts = {"scheduler": training.scheduler.state_dict()}
        dcp.load(parts, checkpoint_id=folder)
        training.scheduler.load_state_dict(parts["scheduler"])
        parts = self.parts(training)
        dcp.load(parts, checkpoint_id=folder)
        set_state_dict(training.model, training.optimizer, model_state_dict=parts["model"], optim_state_dict=parts["optimizer"])


class App(Stateful):
    """Model and optimizer as in DCP's tutorial."""

    def __init__(self, training: Training) -> None:
        self.of = training.model, training.optimizer

    def state_dict(self) -> dict[str, Any]:
        model, optimizer = get_state_dict(*self.of)
        return {"model": model, "optimizer": optimizer}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        set_state_dict(*self.of, model_state_dict=state["model"], optim_state_dict=state["optimizer"])


class AsStateful(AsStates):
    """DCP asks the scheduler itself for its state, and hands the loaded one to it."""

    def parts(self, training: Training) -> dict[str, Any]:
        assert isinstance(training.scheduler, Stateful)
        return {"app": App(training), "scheduler": training.scheduler}

    def load(self, training: Training, folder: Path) -> None:
        dcp.load(self.parts(training), checkpoint_id=folder)


WAYS = [AsStates(), SchedulerFirst(), AsStateful()]


@pytest.mark.usefixtures("_group")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
@pytest.mark.parametrize("name", ROWS)
def test_loading_is_as_if_nothing_had_happened(name: str, way: AsStates, tmp_path: Path) -> None:
    build = partial(ROWS[name].build, ours)
    whole = Training(build)
    for step in range(STEPS):
        if step == AT:
            way.save(whole, tmp_path / "saved")
        whole.batch()
    assert_used(whole.used, expected(name, range(STEPS)))

    loaded = Training(build)
    way.load(loaded, tmp_path / "saved")
    for values in loaded.used.values():
        values.clear()  # get_state_dict() had the optimizer make its moments, in a step with the rate 0
    for _ in range(AT, STEPS):
        loaded.batch()
    assert loaded.used == rest(whole.used, AT)  # bit by bit
    assert loaded.weights() == whole.weights()
    assert loaded.scheduler.state_dict() == whole.scheduler.state_dict()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
@pytest.mark.parametrize("at", range(len(METRICS)))
def test_loading_a_plateau(at: int, way: AsStates, tmp_path: Path) -> None:
    training, rates = Training(partial(plateau, ours)), []
    for i, metric in enumerate(METRICS):
        if i == at:
            way.save(training, tmp_path)
            training = Training(partial(plateau, ours))
            way.load(training, tmp_path)
        training.batch(metric)
        rates.append(training.used["lr"][-1])
    assert [*rates, *training.scheduler.get_last_lr()] == PLATEAU
