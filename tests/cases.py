"""Optimizers and schedulers that several test modules build."""

import random
from collections.abc import Callable
from typing import Any

import torch

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Constant, Cosine, Exponential, Lambda, Linear, Noam, Step


def sgd(*lrs: Any, momentum: float = 0.9, weight_decay: float = 0.01) -> torch.optim.SGD:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in lrs or (0.1,)]
    return torch.optim.SGD(groups, lr=0.1, momentum=momentum, weight_decay=weight_decay)


def adam(*lrs: Any) -> torch.optim.Adam:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in lrs or (0.1,)]
    return torch.optim.Adam(groups, lr=0.1, foreach=False)


def rates(optimizer: Any, key: str = "lr") -> list[Any]:
    return [float(group[key]) for group in optimizer.param_groups]


def everything(optimizer: Any) -> list[Any]:
    """All that a scheduler may write, for comparisons bit by bit."""
    return [
        {k: (float(v) if isinstance(v, torch.Tensor) else v) for k, v in group.items() if k not in ("params", "initial_lr")}
        for group in optimizer.param_groups
    ]


def factor(t: Any) -> float:
    return 1 / (1 + 0.1 * t)


def growing(t: Any) -> float:
    return 0.5 + 0.01 * t


class Halving:
    """A callable object with something to save."""

    def __init__(self, every: int) -> None:
        self.every = every

    def __call__(self, t: Any) -> float:
        return 0.5 ** (t // self.every)


SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: ours.StepLR(o, step_size=7, gamma=0.5),
    "MultiStepLR": lambda o: ours.MultiStepLR(o, milestones=[5, 20, 20, 41], gamma=0.3),
    "ExponentialLR": lambda o: ours.ExponentialLR(o, gamma=0.93),
    "CosineAnnealingLR": lambda o: ours.CosineAnnealingLR(o, T_max=25),
    "CosineAnnealingLR, eta_min": lambda o: ours.CosineAnnealingLR(o, T_max=17, eta_min=0.01),
    "LambdaLR": lambda o: ours.LambdaLR(o, factor),
    "LambdaLR, two": lambda o: ours.LambdaLR(o, [factor, growing]),
    "LambdaLR, object": lambda o: ours.LambdaLR(o, Halving(9)),
    "CyclicLR": lambda o: ours.CyclicLR(o, 0.01, 0.2, step_size_up=5, step_size_down=8),
    "CyclicLR, triangular2": lambda o: ours.CyclicLR(o, [0.01, 0.02], 0.2, step_size_up=5, mode="triangular2"),
    "CyclicLR, exp_range": lambda o: ours.CyclicLR(
        o, 0.01, 0.2, step_size_up=5, mode="exp_range", gamma=0.97, cycle_momentum=False
    ),
    "NoamScheduler": lambda o: ours.NoamScheduler(o, model_size=64, warmup_steps=12),
    "ReduceLROnPlateau": lambda o: ours.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=1e-4),
    "ReduceLROnPlateau, max": lambda o: ours.ReduceLROnPlateau(
        o, mode="max", factor=0.3, patience=1, threshold_mode="abs", min_lr=[1e-3, 1e-4]
    ),
    "LRScheduler": lambda o: ours.LRScheduler(o, lr=Linear(10, start=0.1) >> Cosine(30, end=1e-3)),
    "LRScheduler, keys": lambda o: ours.LRScheduler(
        o, lr=[Step(5), Noam(16, 8)], momentum=Linear(20, start=0.5), weight_decay=[Constant(0.5), Exponential(0.9)]
    ),
    "LRScheduler, product": lambda o: ours.LRScheduler(o, lr=Linear(10) * Lambda(factor)),
    "LRScheduler, weight decay alone": lambda o: ours.LRScheduler(o, weight_decay=Cosine(20)),
}


def metrics(n: int, seed: int = 0) -> list[float]:
    """A loss that falls, stalls and jumps."""
    draw = random.Random(seed)
    return [2.0 / (1 + t // 9) + 0.05 * draw.random() for t in range(n)]


def step(scheduler: Any, metric: float = 0.0) -> None:
    """One optimizer step and one scheduler step."""
    scheduler.optimizer.step()
    if isinstance(scheduler, ours.ReduceLROnPlateau):
        scheduler.step(metric)
    else:
        scheduler.step()
