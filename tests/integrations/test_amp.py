"""torch.amp.GradScaler leaves out updates whose gradients are infinite: no forgotten step, and no moved time of ours."""

from functools import partial

import pytest
import torch
from integrations.rows import ROWS, Build, Used, check, recorded, sgd
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours

INF = float("inf")
LOSSES = [INF, INF, 1.0, 1.0, INF, 1.0, 1.0, 1.0, INF, 1.0, 1.0, 1.0]
"""The first updates are left out, as they are in practice while the scale is too large, and two later."""
DONE = [t for t, loss in enumerate(LOSSES) if loss != INF]
FALSE_ALARM = r"Detected call of `lr_scheduler\.step\(\)` before `optimizer\.step\(\)`"


class Training:
    def __init__(self, build: Build) -> None:
        self.weight = torch.nn.Parameter(torch.ones(2))
        self.optimizer = sgd([self.weight])
        self.used = recorded(self.optimizer)
        self.scheduler = build(self.optimizer)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=2)

    def batch(self, factor: float) -> bool:
        """One batch; whether the parameters were updated."""
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = (self.weight * self.weight * factor).sum()
        self.scaler.scale(loss).backward()
        updates, scale = len(self.used["lr"]), self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        updated = len(self.used["lr"]) > updates
        assert updated == (self.scaler.get_scale() >= scale) == (factor != INF)
        return updated


@pytest.mark.parametrize("name", ROWS)
def test_a_scheduler_that_counts_batches(name: str) -> None:
    """Rates of skipped batches are passed over, and nobody is told off for it: warnings are errors here."""

    def run(build: Build) -> Used:
        training = Training(build)
        for factor in LOSSES:
            training.batch(factor)
            training.scheduler.step()
        return training.used

    check(name, DONE, run)


@pytest.mark.parametrize("name", ROWS)
def test_a_scheduler_that_counts_updates(name: str) -> None:
    def run(build: Build) -> Used:
        training = Training(build)
        for factor in LOSSES:
            if training.batch(factor):
                training.scheduler.step()
        return training.used

    check(name, range(len(DONE)), run)


@pytest.mark.parametrize("name", ["StepLR", "CosineAnnealingLR", "CyclicLR", "LambdaLR", "OneCycleLR", "SequentialLR"])
def test_pytorchs_scheduler_gives_a_false_warning(name: str) -> None:
    """The contrast: the very same batch."""
    training = Training(partial(ROWS[name].build, theirs))
    training.batch(INF)
    with pytest.warns(UserWarning, match=FALSE_ALARM):
        training.scheduler.step()


def test_a_step_that_was_forgotten_is_one_with_a_scaler_too() -> None:
    training = Training(partial(ROWS["StepLR"].build, ours))
    training.scaler.scale((training.weight * training.weight).sum()).backward()
    with pytest.warns(UserWarning, match=r"before the optimizer's first step\(\)"):
        training.scheduler.step()
