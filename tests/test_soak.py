"""``tests/soak.py`` for a short while: long runs keep to the closed form and to their memory, and the dead leave nothing."""

import gc
import math
from typing import Any

import pytest
import soak
from cases import SCHEDULERS

from lucid.optim import lr_scheduler as ours


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_long_run_is_the_closed_form_and_takes_no_memory() -> None:
    run = soak.long_run(seed=1, steps=100_000, points=200)
    assert run.steps == 100_000
    assert run.points > 190
    assert run.differ == 0
    assert run.collected == 0
    assert run.blocks < 2000  # of 90,000 steps


@pytest.mark.parametrize("seed", range(4))
def test_random_composites_are_the_closed_form(seed: int) -> None:
    run = soak.long_run(seed, steps=2000, points=400)
    assert (run.differ, run.collected) == (0, 0)


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    step, kept = ours.LRScheduler.step, []

    def wrong(self: Any, epoch: Any = None) -> None:
        step(self, epoch)
        kept.append([self.last_epoch])
        for group in self.optimizer.param_groups:
            group["lr"] = math.nextafter(group["lr"], 1.0)

    monkeypatch.setattr(ours.LRScheduler, "step", wrong)
    run = soak.long_run(seed=1, steps=1000, points=200)
    assert run.differ > 0
    assert run.blocks > 500


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_schedulers_that_are_dropped_are_gone() -> None:
    life = soak.many(500)
    assert (life.cycles, life.alive, life.collected) == (500, 0, 0)
    assert life.objects < 200


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_cycle_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def knotted(optimizer: Any) -> Any:
        scheduler = ours.StepLR(optimizer, 3)
        scheduler.myself = scheduler
        return scheduler

    monkeypatch.setattr(soak, "SCHEDULERS", {"StepLR": SCHEDULERS["StepLR"], "knotted": knotted})
    life = soak.many(20)
    assert life.alive > 0
    assert life.collected > 0
    gc.collect()
