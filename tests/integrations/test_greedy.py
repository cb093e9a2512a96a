"""Our GreedyLR beside that of Hugging Face transformers: alone, from its states, and in its Trainer."""

import inspect
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from integrations.rows import LR
from integrations.test_transformers import Run
from transformers.optimization import GreedyLR

from lucid.optim import lr_scheduler as ours

COUNTERS = ("num_bad_epochs", "num_good_epochs", "cooldown_counter", "warmup_counter", "last_epoch", "min_lrs", "max_lrs")


def sgd(lrs: list[float]) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in lrs]
    return torch.optim.SGD(groups, lr=LR)


def rates(optimizer: Any) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def drawn(draw: random.Random) -> tuple[list[float], dict[str, Any]]:
    """Rates of some groups, and arguments."""
    groups = draw.randint(1, 3)

    def limits(*choices: float) -> Any:
        return draw.choice([draw.choice(choices), [draw.choice(choices) for _ in range(groups)]])

    return [draw.choice([0.1, 0.5, 1e-4, draw.uniform(1e-3, 1)]) for _ in range(groups)], {
        "mode": draw.choice(["min", "max"]),
        "factor": draw.choice([0.95, 0.5, draw.uniform(0.1, 0.99)]),
        "patience": draw.choice([0, 0, 1, 2, 10]),
        "threshold": draw.choice([0.0, 1e-6, 0.05]),
        "threshold_mode": draw.choice(["rel", "abs"]),
        "cooldown": draw.choice([0, 0, 1, 3]),
        "warmup": draw.choice([0, 0, 1, 4]),
        "min_lr": limits(0.0, 1e-3, 0.05),
        "max_lr": limits(0.05, 0.2, 1.0, 5.0),
        "eps": draw.choice([1e-8, 1e-3]),
        "smooth": draw.random() < 0.5,
        "window_size": draw.choice([1, 2, 5, 50]),
        "reset_start": draw.choice([0, 1, 2, 5, 500]),
    }


def drawn_metric(draw: random.Random, kind: str, t: int) -> float:
    """Positive, for relative margins mean something else there below zero."""
    if kind == "of sixteenths":
        return draw.randint(1, 64) / 16
    if kind == "in steps":
        return 0.75 if t % 40 < 20 else 0.5
    return 10 + draw.gauss(0, 1) + (t / 20 if kind == "rising" else 0)


def rounded_above_a_floor(scheduler: Any) -> bool:
    """Where it never starts over there."""
    floors = zip(rates(scheduler.optimizer), scheduler.min_lrs, strict=True)
    return any(floor < lr <= floor * (1 + 1e-9) for lr, floor in floors)


@pytest.mark.parametrize("seed", range(4))
def test_the_rates_are_the_same(seed: int) -> None:
    moves, whole = 0, 0
    for trial in range(100):
        draw = random.Random(f"{seed} {trial}")
        lrs, given = drawn(draw)
        mine, other = ours.GreedyLR(sgd(lrs), **given), GreedyLR(sgd(lrs), **given)
        kind = draw.choice(["of sixteenths", "in steps", "level", "rising"])
        mine.optimizer.step()
        for t in range(150):
            metric = drawn_metric(draw, kind, t)
            before = rates(mine.optimizer)
            mine.step(metric)
            other.step(metric)
            if rounded_above_a_floor(other):
                break
            assert rates(mine.optimizer) == rates(other.optimizer) == mine.get_last_lr(), (given, t)
            assert [getattr(mine, name) for name in COUNTERS] == [getattr(other, name) for name in COUNTERS], (given, t)
            assert mine.num_at_min == other.reset_start_original - other.reset_start
            moves += before != rates(mine.optimizer)
        else:
            whole += 1
    assert whole > 80
    assert moves > 1000


def test_the_arguments_are_the_same() -> None:
    their = list(inspect.signature(GreedyLR).parameters.values())
    mine = list(inspect.signature(ours.GreedyLR).parameters.values())
    assert [(p.name, p.default) for p in mine[: len(their)]] == [(p.name, p.default) for p in their]
    assert all(p.kind is p.KEYWORD_ONLY for p in mine[len(their) :])


@pytest.mark.parametrize("smooth", [False, True])
def test_its_states_load_and_go_on(smooth: bool) -> None:
    given = {"factor": 0.5, "patience": 1, "warmup": 2, "cooldown": 1, "min_lr": 0.05, "reset_start": 2, "smooth": smooth}
    draw = random.Random(smooth)
    metrics = [draw.randint(1, 64) / 16 for _ in range(120)]
    other = GreedyLR(sgd([0.4, 0.2]), window_size=3, **given)
    for t, metric in enumerate(metrics):
        mine = ours.GreedyLR(sgd([0.4, 0.2]), window_size=3, **given)
        mine.load_state_dict(json.loads(json.dumps(other.state_dict())))
        assert rates(mine.optimizer) == rates(other.optimizer)
        twin = GreedyLR(sgd([0.4, 0.2]), window_size=3, **given)
        twin.load_state_dict(other.state_dict())
        mine.optimizer.step()
        for later in metrics[t : t + 20]:
            mine.step(later)
            twin.step(later)
            assert rates(mine.optimizer) == rates(twin.optimizer)
        other.step(metric)


METRICS = [1.0, 0.9, 0.8, 0.8, 0.8, 0.7, 0.6]
"""With patience 1: good, good: raised; good, bad, bad: cut; good, good: raised."""
RATES = [LR] * 2 + [2 * LR] * 3 + [LR] * 2
"""The rate before the first metric, and after each but the last."""


@pytest.mark.parametrize("at", [4, 8])
@pytest.mark.parametrize("made_of", [ours.GreedyLR, GreedyLR], ids=["ours", "theirs"])
def test_the_trainer_steps_logs_saves_and_restores_it(made_of: Any, at: int, tmp_path: Path) -> None:
    def run(metrics: list[float]) -> Run:
        left = iter(metrics)
        return Run(
            lambda optimizer: made_of(optimizer, factor=0.5, patience=1),
            tmp_path,
            lambda _: {"known": next(left)},
            max_steps=2 * len(METRICS),
            eval_strategy="steps",
            eval_steps=2,
            save_strategy="steps",
            save_steps=2,
            metric_for_best_model="known",
            greater_is_better=False,
        )

    right = [rate for rate in RATES for _ in range(2)]
    whole = run(METRICS)
    assert whole.train()["lr"] == whole.logged() == right
    resumed = run(METRICS[at // 2 :])
    assert resumed.train(str(tmp_path / f"checkpoint-{at}"))["lr"] == right[at:]
    assert resumed.logged() == right
