"""The same rates as PyTorch's classes, where we mean the same."""

import random
from typing import Any

import pytest
import torch
from cases import adam, rates, sgd
from torch.optim import lr_scheduler as theirs
from torch.optim.swa_utils import SWALR

from lucid.optim import lr_scheduler as ours


def parameters(name: str, draw: random.Random) -> dict[str, Any]:
    gamma = draw.choice([draw.uniform(0.3, 1.0), draw.uniform(0.9, 1.0), 1.01])
    if name == "StepLR":
        return {"step_size": draw.randint(1, 90), "gamma": gamma}
    if name == "MultiStepLR":
        return {"milestones": [draw.randint(0, 220) for _ in range(draw.randint(0, 6))], "gamma": gamma}
    if name == "ExponentialLR":
        return {"gamma": gamma}
    if name == "CosineAnnealingLR":
        return {"T_max": draw.randint(1, 150), "eta_min": draw.choice([0.0, draw.uniform(0, 0.05)])}
    if name == "LambdaLR":
        a = draw.uniform(0, 2)
        return {"lr_lambda": [lambda t: a / (1 + t), lambda t: 1.0, lambda t: a**0.5 * (t % 7)]}
    if name == "MultiplicativeLR":
        a = draw.uniform(0.9, 1.01)
        return {"lr_lambda": [lambda t: a, lambda t: 1 - 1 / (9 + t), lambda t: a if t % 5 else 1.0]}
    total = draw.randint(1, 150)
    if name == "ConstantLR":
        return {"factor": draw.uniform(0.05, 1), "total_iters": total}
    if name == "LinearLR":
        return {"start_factor": draw.uniform(0.05, 1), "end_factor": draw.uniform(0.05, 1), "total_iters": total}
    if name == "PolynomialLR":
        return {"total_iters": total, "power": draw.uniform(0.3, 3)}
    if name == "CosineAnnealingWarmRestarts":
        return {"T_0": draw.randint(1, 40), "T_mult": draw.randint(1, 4), "eta_min": draw.choice([0.0, 0.01])}
    if name == "SWALR":
        return {
            "swa_lr": draw.choice([0.02, [0.01, 0.02, 0.003]]),
            "anneal_epochs": draw.choice([0, 1, draw.randint(2, 90)]),
            "anneal_strategy": draw.choice(["cos", "linear"]),
        }
    if name == "OneCycleLR":
        length = draw.choice([{"total_steps": draw.randint(220, 400)}, {"epochs": draw.randint(11, 20), "steps_per_epoch": 20}])
        return {
            **length,
            "max_lr": draw.choice([0.2, [0.2, 0.3, 0.1]]),
            "pct_start": draw.choice([0.0, 1.0, draw.uniform(0.05, 0.95)]),
            "anneal_strategy": draw.choice(["cos", "linear"]),
            "cycle_momentum": draw.choice([True, False]),
            "base_momentum": draw.uniform(0.5, 0.8),
            "max_momentum": draw.choice([0.95, [0.9, 0.95, 0.99]]),
            "div_factor": draw.uniform(1, 50),
            "final_div_factor": draw.uniform(1, 1e5),
            "three_phase": draw.choice([True, False]),
        }
    up = draw.randint(1, 40)
    scale = draw.choice([None, None, lambda x: 1 / (1 + x)])
    return {
        "base_lr": draw.choice([0.01, [0.01, 0.02, 0.003]]),
        "max_lr": draw.choice([0.2, [0.2, 0.3, 0.1]]),
        "step_size_up": up,
        "step_size_down": draw.choice([None, draw.randint(1, 40)]),
        "mode": draw.choice(["triangular", "triangular2", "exp_range"]),
        "gamma": draw.uniform(0.95, 1.0),
        "scale_fn": scale,
        "scale_mode": draw.choice(["cycle", "iterations"]),
        "cycle_momentum": draw.choice([True, False]),
        "base_momentum": draw.uniform(0.5, 0.8),
        "max_momentum": draw.choice([0.95, [0.9, 0.95, 0.99]]),
    }


def momenta(optimizer: Any) -> list[float]:
    return [group["betas"][0] if "betas" in group else group["momentum"] for group in optimizer.param_groups]


RECURSIVE = {"MultiplicativeLR": 1e-12, "SWALR": 1e-11}  # what PyTorch's own steps lose by rounding


@pytest.mark.parametrize(
    "name",
    [
        *("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR", "LambdaLR"),
        *("MultiplicativeLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "SWALR"),
    ],
)
def test_rates_equal_torchs(name: str) -> None:
    draw = random.Random(name)
    lrs = [0.1, 0.05, 0.7]
    for trial in range(50):
        given = parameters(name, draw)
        cycles = name in ("CyclicLR", "OneCycleLR")
        make = adam if cycles and trial % 2 else sgd
        mine, other = make(*lrs), make(*lrs)
        ours_ = getattr(ours, name)(mine, **given)
        theirs_ = getattr(theirs, name, SWALR)(other, **given)
        for t in range(220):
            for a, b, base in zip(rates(mine), rates(other), lrs, strict=True):
                assert abs(a - b) <= RECURSIVE.get(name, 1e-12) * base, (given, t)
            if cycles:
                assert momenta(mine) == pytest.approx(momenta(other), rel=0, abs=1e-12), (given, t)
            assert ours_.last_epoch == theirs_.last_epoch
            assert ours_._step_count == theirs_._step_count or name == "CosineAnnealingWarmRestarts"  # which counts none there
            mine.step()
            other.step()
            ours_.step()
            theirs_.step()


@pytest.mark.parametrize("tensors", [False, True])
def test_plateau_equals_torchs(tensors: bool) -> None:
    for trial in range(50):
        draw = random.Random(trial)
        given = {
            "mode": draw.choice(["min", "max"]),
            "factor": draw.uniform(0.1, 0.9),
            "patience": draw.randint(0, 5),
            "threshold": draw.choice([0.0, 1e-4, 0.05]),
            "threshold_mode": draw.choice(["rel", "abs"]),
            "cooldown": draw.randint(0, 3),
            "min_lr": draw.choice([0.0, 1e-3, [1e-2, 1e-3]]),
            "eps": draw.choice([1e-8, 1e-3]),
        }
        lrs = [torch.tensor(lr, dtype=torch.float64) for lr in (0.1, 0.05)] if tensors else [0.1, 0.05]
        mine, other = sgd(*[torch.clone(lr) if tensors else lr for lr in lrs]), sgd(*lrs)
        ours_, theirs_ = ours.ReduceLROnPlateau(mine, **given), theirs.ReduceLROnPlateau(other, **given)
        for t in range(200):
            metric = 5 / (1 + t // draw.randint(1, 30)) + draw.random()
            mine.step()
            other.step()
            ours_.step(torch.tensor(metric, dtype=torch.float64) if t % 3 else metric)
            theirs_.step(metric)
            assert rates(mine) == pytest.approx(rates(other), rel=1e-14), (given, t)
            for name in ("best", "num_bad_epochs", "cooldown_counter", "last_epoch", "in_cooldown", "mode_worse"):
                assert getattr(ours_, name) == getattr(theirs_, name), (given, t, name)


def test_noam_is_its_formula() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.NoamScheduler(optimizer, model_size=512, warmup_steps=4000, factor=2.0)
    assert rates(optimizer) == [2 * 512**-0.5 * 4000**-1.5] * 2  # step_num = max(0, 1)
    worked = {1: 1.7469281074217107e-07, 4000: 6.987712429686843e-04, 16000: 3.4938562148434214e-04}
    for t, value in worked.items():
        scheduler.step(t)
        assert rates(optimizer) == pytest.approx([2 * value] * 2, rel=1e-14)
    small = sgd()
    scheduler = ours.NoamScheduler(small, model_size=16, warmup_steps=4)
    seen = []
    for _ in range(9):
        seen.append(rates(small)[0])
        small.step()
        scheduler.step()
    assert seen == pytest.approx([0.25 * 0.125, 0.25 * 0.125, 0.0625, 0.09375, 0.125, 0.25 * 5**-0.5, 0.25 * 6**-0.5,
                                  0.25 * 7**-0.5, 0.25 * 8**-0.5], rel=1e-14)  # fmt: skip


def test_the_base_of_a_cycle_is_its_argument() -> None:
    assert ours.CyclicLR(sgd(0.5, 0.5), 0.01, 0.1).base_lrs == [0.01, 0.01]
    assert ours.CyclicLR(sgd(0.5, 0.5), [0.01, 0.02], 0.1).base_lrs == [0.01, 0.02]


def test_worked_values() -> None:
    optimizer = sgd(0.1)
    scheduler = ours.StepLR(optimizer, step_size=30, gamma=0.1)
    seen = []
    for _ in range(90):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert seen == [0.1] * 30 + [0.1 * 0.1] * 30 + [0.1 * 0.1**2] * 30

    optimizer = sgd(0.1)
    scheduler = ours.CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=2, step_size_down=3)
    for lr, momentum in [(0.01, 0.9), (0.055, 0.85), (0.1, 0.8), (0.07, 0.8 + 0.1 / 3), (0.04, 0.9 - 0.1 / 3), (0.01, 0.9)]:
        assert rates(optimizer) == pytest.approx([lr])
        assert rates(optimizer, "momentum") == pytest.approx([momentum])
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.055)


def test_cosine_comes_up_again_and_the_schedule_stays() -> None:
    from lucid.schedules import Cosine

    up, flat = sgd(1.0), sgd(1.0)
    rising, holding = ours.CosineAnnealingLR(up, T_max=10), ours.LRScheduler(flat, lr=Cosine(10))
    for scheduler in (rising, holding):
        scheduler.step(10)
    assert (rates(up), rates(flat)) == ([0.0], [0.0])
    rising.step(20)
    holding.step(20)
    assert (rates(up), rates(flat)) == ([1.0], [0.0])
