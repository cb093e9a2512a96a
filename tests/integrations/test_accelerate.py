"""Hugging Face Accelerate wraps, steps, saves and restores our schedulers as it does PyTorch's."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from integrations.rows import (
    METRICS,
    PLATEAU,
    ROWS,
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
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours

BATCHES = 5


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Accelerate keeps what it is told in the process."""
    forget()
    yield
    forget()


def forget() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


class Run:
    """All that a script of its user has."""

    def __init__(self, build: Build, accumulate: int = 1, **options: Any) -> None:
        forget()
        self.accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulate, **options)
        model = torch.nn.Linear(2, 1)
        optimizer = sgd(model.parameters())
        self.used = recorded(optimizer)
        loader = torch.utils.data.DataLoader(torch.ones(BATCHES * 2, 2), batch_size=2)
        self.model, self.optimizer, self.loader, self.scheduler = self.accelerator.prepare(
            model, optimizer, loader, build(optimizer)
        )

    def epoch(self, skip: int = 0, stop: int = BATCHES) -> None:
        loader = self.accelerator.skip_first_batches(self.loader, skip) if skip else self.loader
        for i, batch in enumerate(loader, skip):
            if i == stop:
                break
            with self.accelerator.accumulate(self.model):
                self.accelerator.backward(self.model(batch).pow(2).mean())
                self.optimizer.step()
                self.scheduler.step()
                self.optimizer.zero_grad()

    def epochs(self, n: int) -> Used:
        for _ in range(n):
            self.epoch()
        return self.used


@pytest.mark.parametrize("name", ROWS)
def test_rates_at_every_update(name: str) -> None:
    check(name, range(4 * BATCHES), lambda build: Run(build).epochs(4))


@pytest.mark.parametrize("accumulate", [2, 3, 7])
@pytest.mark.parametrize("name", ROWS)
def test_accumulated_gradients_are_one_step(name: str, accumulate: int) -> None:
    check(name, range(4 * -(-BATCHES // accumulate)), lambda build: Run(build, accumulate).epochs(4))


def test_steps_apart_from_the_optimizer() -> None:
    """Without the link the scheduler counts batches, and the first rate is indeed never used."""

    def run(build: Build) -> Used:
        with pytest.warns(UserWarning, match=r"call.*optimizer\.step\(\)"):
            return Run(build, 2, step_scheduler_with_optimizer=False).epochs(4)

    check("CyclicLR, momentum", [5 * epoch + batch for epoch in range(4) for batch in (1, 3, 4)], run)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", ROWS)
def test_resuming_is_as_if_nothing_had_happened(name: str, accumulate: int, tmp_path: Path) -> None:
    build = partial(ROWS[name].build, ours)
    whole = Run(build, accumulate).epochs(4)
    updates = -(-BATCHES // accumulate)
    assert_used(whole, expected(name, range(4 * updates)))

    saved = Run(build, accumulate)
    saved.epoch()
    saved.epoch(stop=2)
    saved.accelerator.save_state(str(tmp_path))
    at = updates + 2 // accumulate
    assert saved.used == {key: values[:at] for key, values in whole.items()}

    resumed = Run(build, accumulate)
    resumed.accelerator.load_state(str(tmp_path))
    resumed.epoch(skip=2)
    assert resumed.epochs(2) == rest(whole, at)  # bit by bit


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
@pytest.mark.parametrize("at", [0, 3, 5, 8])
def test_a_plateau_through_saving_and_loading(module: Any, at: int, tmp_path: Path) -> None:
    run = Run(partial(plateau, module))
    used: list[float] = []
    for i, metric in enumerate(METRICS):
        if i == at:
            run.accelerator.save_state(str(tmp_path))
            run = Run(partial(plateau, module))
            run.accelerator.load_state(str(tmp_path))
        run.accelerator.backward(run.model(torch.ones(2, 2)).mean())
        run.optimizer.step()
        run.scheduler.step(metric)
        used += run.used["lr"]
        run.used["lr"].clear()
    assert [*used, run.scheduler.get_last_lr()[0]] == PLATEAU
