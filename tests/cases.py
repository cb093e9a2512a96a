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


def wobbling(t: Any) -> float:
    return 0.97 if t % 3 else 1.02


class Rooted(ours.LRScheduler):
    """A subclass that computes its rates itself."""

    def get_lr(self) -> list[float]:
        return [base / (1 + self.last_epoch) ** 0.5 for base in self.base_lrs]


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
    "MultiplicativeLR": lambda o: ours.MultiplicativeLR(o, wobbling),
    "MultiplicativeLR, object": lambda o: ours.MultiplicativeLR(o, Halving(9)),
    "ConstantLR": lambda o: ours.ConstantLR(o, factor=0.3, total_iters=13),
    "LinearLR": lambda o: ours.LinearLR(o, start_factor=0.2, end_factor=0.9, total_iters=21),
    "PolynomialLR": lambda o: ours.PolynomialLR(o, total_iters=34, power=1.7),
    "CosineAnnealingWarmRestarts": lambda o: ours.CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2, eta_min=1e-3),
    "OneCycleLR": lambda o: ours.OneCycleLR(o, max_lr=[0.3, 0.4], total_steps=61),
    "OneCycleLR, three phases": lambda o: ours.OneCycleLR(
        o, max_lr=0.3, epochs=7, steps_per_epoch=9, three_phase=True, anneal_strategy="linear", cycle_momentum=False
    ),
    "SWALR": lambda o: ours.SWALR(o, swa_lr=0.01, anneal_epochs=25),
    "SWALR, linear": lambda o: ours.SWALR(o, swa_lr=[0.01, 0.02], anneal_epochs=18, anneal_strategy="linear"),
    "SequentialLR": lambda o: ours.SequentialLR(
        o, [ours.LinearLR(o, 0.1, total_iters=9), ours.CosineAnnealingLR(o, 20), ours.StepLR(o, 4)], [9, 29]
    ),
    "SequentialLR, cycles": lambda o: ours.SequentialLR(
        o, [ours.OneCycleLR(o, 0.3, 20), ours.CyclicLR(o, 0.01, 0.1, 4), ours.CosineAnnealingWarmRestarts(o, 7)], [20, 33]
    ),
    "SequentialLR, plateau": lambda o: ours.SequentialLR(
        o, [ours.LinearLR(o, 0.1, total_iters=6), ours.ReduceLROnPlateau(o, factor=0.5, patience=2, min_lr=1e-4)], [6]
    ),
    "SequentialLR, own rates": lambda o: ours.SequentialLR(o, [Rooted(o), ours.StepLR(o, 6, gamma=0.5)], [17]),
    "ChainedScheduler": lambda o: ours.ChainedScheduler([ours.LinearLR(o, 0.1, total_iters=9), ours.ExponentialLR(o, 0.95)]),
    "ChainedScheduler, nested": lambda o: ours.ChainedScheduler(
        [
            ours.SequentialLR(
                o,
                [
                    ours.ChainedScheduler([ours.ConstantLR(o, 0.5, 4), ours.MultiplicativeLR(o, wobbling)]),
                    ours.SequentialLR(o, [ours.PolynomialLR(o, 12), ours.CosineAnnealingLR(o, 9)], [10]),
                ],
                [14],
            ),
            ours.CosineAnnealingWarmRestarts(o, T_0=6),
            ours.ReduceLROnPlateau(o, factor=0.5, patience=3),
        ]
    ),
    "ChainedScheduler, own rates": lambda o: ours.ChainedScheduler([Rooted(o), ours.MultiStepLR(o, [11, 30], gamma=0.5)]),
    "NoamScheduler": lambda o: ours.NoamScheduler(o, model_size=64, warmup_steps=12),
    "ReduceLROnPlateau": lambda o: ours.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=1e-4),
    "ReduceLROnPlateau, max": lambda o: ours.ReduceLROnPlateau(
        o, mode="max", factor=0.3, patience=1, threshold_mode="abs", min_lr=[1e-3, 1e-4]
    ),
    "GreedyLR": lambda o: ours.GreedyLR(
        o, factor=0.5, patience=0, cooldown=1, warmup=1, min_lr=0.02, max_lr=0.3, smooth=True, window_size=3, reset_start=3
    ),
    "GreedyLR, max": lambda o: ours.GreedyLR(
        o, mode="max", factor=0.7, patience=1, threshold_mode="rel", min_lr=[0.1, 0.2], max_lr=0.25, reset_start=2, on_nan="bad"
    ),
    "SequentialLR, GreedyLR": lambda o: ours.SequentialLR(
        o, [ours.LinearLR(o, 0.1, total_iters=6), ours.GreedyLR(o, factor=0.5, patience=1, min_lr=0.01, reset_start=2)], [6]
    ),
    "ChainedScheduler, GreedyLR": lambda o: ours.ChainedScheduler(
        [ours.CosineAnnealingLR(o, 61, eta_min=0.01), ours.GreedyLR(o, factor=0.5, patience=0, min_lr=0.03, smooth=True)]
    ),
    "LRScheduler": lambda o: ours.LRScheduler(o, lr=Linear(10, start=0.1) >> Cosine(30, end=1e-3)),
    "LRScheduler, keys": lambda o: ours.LRScheduler(
        o, lr=[Step(5), Noam(16, 8)], momentum=Linear(20, start=0.5), weight_decay=[Constant(0.5), Exponential(0.9)]
    ),
    "LRScheduler, product": lambda o: ours.LRScheduler(o, lr=Linear(10) * Lambda(factor)),
    "LRScheduler, weight decay alone": lambda o: ours.LRScheduler(o, weight_decay=Cosine(20)),
}


def follows_metrics(name: str) -> bool:
    """Whether the scheduler's rates are no matter of the time alone: metrics, or children that overwrite each other."""
    return "lateau" in name or "Greedy" in name or "nested" in name or name == "ChainedScheduler, own rates"


def metrics(n: int, seed: int = 0) -> list[float]:
    """A loss that falls, stalls and jumps."""
    draw = random.Random(seed)
    return [2.0 / (1 + t // 9) + 0.05 * draw.random() for t in range(n)]


def step(scheduler: Any, metric: float = 0.0) -> None:
    """One optimizer step and one scheduler step."""
    scheduler.optimizer.step()
    if isinstance(scheduler, ours.ReduceLROnPlateau) or getattr(scheduler, "_plateaus", ()):
        scheduler.step(metric)
    else:
        scheduler.step()
