"""The table behind the integration tests: one row per scheduler. A new one needs a row here, and no test of its own.

The frameworks are told apart from the schedulers by doing everything twice: the rates that an optimizer used are compared to a
closed formula, and to what PyTorch's own class makes of the same set-up.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import partial
from math import cos, pi
from typing import Any, NamedTuple

import pytest
import torch
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Cosine, Exponential, Linear

GIVEN = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
"""What every optimizer here starts with."""
LR = GIVEN["lr"]

Build = Callable[[Any], Any]
"""From an optimizer to its scheduler."""
Used = dict[str, list[float]]
"""By group key, what stood in the first group at each update of the parameters."""


class Row(NamedTuple):
    """How to build a scheduler from a module and an optimizer, and what it writes at time t, by group key.

    A row without formulas is compared to PyTorch's class alone. It must bear 100 steps.
    """

    build: Callable[[Any, Any], Any]
    formulas: dict[str, Callable[[int], float]] = {}  # noqa: RUF012
    torchs: bool = True
    """Whether PyTorch has the class too."""


def shrinking(t: Any) -> float:
    return 1 / (1 + 0.1 * t)


def triangle(t: int) -> float:
    """Up in 4, down in 3."""
    t %= 7
    return t / 4 if t < 4 else (7 - t) / 3


def half_cosine(t: int, end: float, length: int, start: float = LR) -> float:
    return end + (start - end) * (1 + cos(pi * t / length)) / 2


def up_and_down(t: int, start: float, peak: float, end: float) -> float:
    """One cycle of 110 steps, of which 30 % go up: from the first, at 0, to the 33rd, and down to the last, at 109."""
    return half_cosine(t, peak, 32, start) if t < 32 else half_cosine(t - 32, end, 77, peak)


ROWS: dict[str, Row] = {
    "StepLR": Row(lambda m, o: m.StepLR(o, step_size=3, gamma=0.5), {"lr": lambda t: LR * 0.5 ** (t // 3)}),
    "CosineAnnealingLR": Row(
        lambda m, o: m.CosineAnnealingLR(o, T_max=8, eta_min=0.01), {"lr": lambda t: half_cosine(t, 0.01, 8)}
    ),
    "CyclicLR": Row(
        lambda m, o: m.CyclicLR(o, 0.01, 0.2, step_size_up=4, step_size_down=3, cycle_momentum=False),
        {"lr": lambda t: 0.01 + 0.19 * triangle(t)},
    ),
    "CyclicLR, momentum": Row(
        lambda m, o: m.CyclicLR(o, 0.01, 0.2, step_size_up=4, step_size_down=3),
        {"lr": lambda t: 0.01 + 0.19 * triangle(t), "momentum": lambda t: 0.9 - 0.1 * triangle(t)},
    ),
    "LambdaLR": Row(lambda m, o: m.LambdaLR(o, shrinking), {"lr": lambda t: LR / (1 + 0.1 * t)}),
    "OneCycleLR": Row(
        lambda m, o: m.OneCycleLR(o, max_lr=0.5, total_steps=110, cycle_momentum=False),
        {"lr": lambda t: up_and_down(t, 0.5 / 25, 0.5, 0.5 / 25e4)},
    ),
    "OneCycleLR, momentum": Row(
        lambda m, o: m.OneCycleLR(o, max_lr=0.5, total_steps=110),
        {
            "lr": lambda t: up_and_down(t, 0.5 / 25, 0.5, 0.5 / 25e4),
            "momentum": lambda t: up_and_down(t, 0.95, 0.85, 0.95),
        },
    ),
    "SequentialLR": Row(
        lambda m, o: m.SequentialLR(
            o, [m.LinearLR(o, start_factor=0.25, total_iters=6), m.CosineAnnealingLR(o, T_max=100)], milestones=[6]
        ),
        {"lr": lambda t: LR * (0.25 + 0.75 * t / 6) if t < 6 else half_cosine(t - 6, 0.0, 100)},
    ),
    "ChainedScheduler": Row(
        lambda m, o: m.ChainedScheduler(
            [m.LinearLR(o, start_factor=0.25, total_iters=6), m.ExponentialLR(o, gamma=0.9)], optimizer=o
        ),
        {"lr": lambda t: LR * (0.25 + 0.75 * min(t / 6, 1.0)) * 0.9**t},
    ),
    "LRScheduler": Row(
        lambda m, o: m.LRScheduler(o, lr=Linear(10) >> Cosine(90)),
        {"lr": lambda t: LR * t / 10 if t < 10 else half_cosine(t - 10, 0.0, 90)},
        torchs=False,
    ),
    "LRScheduler, keys": Row(
        lambda m, o: m.LRScheduler(
            o, lr=Linear(4, start=0.25) >> Cosine(96, end=0.001), momentum=Linear(5, start=0.5), weight_decay=Exponential(0.9)
        ),
        {
            "lr": lambda t: LR * (0.25 + 0.75 * t / 4) if t < 4 else half_cosine(t - 4, 0.001, 96),
            "momentum": lambda t: 0.9 * (0.5 + 0.5 * min(t / 5, 1.0)),
            "weight_decay": lambda t: 0.01 * 0.9**t,
        },
        torchs=False,
    ),
}
TWINS = [name for name, row in ROWS.items() if row.torchs]
"""Rows of PyTorch's classes."""


def sgd(parameters: Iterable[torch.Tensor]) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, **GIVEN)


def recorded(optimizer: Any) -> Used:
    """Collects from now on what the optimizer uses: seen from within its step(), whoever calls, skips or wraps that."""
    used: Used = {key: [] for key in GIVEN}

    def look(optimizer: Any, *_: Any) -> None:
        for key, values in used.items():
            values.append(float(optimizer.param_groups[0][key]))

    optimizer.register_step_pre_hook(look)
    return used


def expected(name: str, times: Iterable[int]) -> Used:
    """What a row uses at updates that stand at these times."""
    times, row = list(times), ROWS[name]
    if row.formulas:
        return {key: [row.formulas[key](t) if key in row.formulas else GIVEN[key] for t in times] for key in GIVEN}

    def loop(build: Build) -> Used:
        optimizer = sgd([torch.nn.Parameter(torch.ones(1))])
        used, scheduler = recorded(optimizer), build(optimizer)
        for _ in range(max(times) + 1):
            optimizer.step()
            scheduler.step()
        return {key: [values[t] for t in times] for key, values in used.items()}

    return with_torchs(name, loop)


def with_torchs(name: str, run: Callable[[Build], Used]) -> Used:
    """The same with PyTorch's class, of whose warnings there is no end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run(partial(ROWS[name].build, theirs))


def rest(used: Used, at: int) -> Used:
    """From update number ``at`` on."""
    return {key: values[at:] for key, values in used.items()}


def assert_used(used: Used, right: Used, rel: float = 1e-12) -> None:
    assert used.keys() == right.keys()
    for key, values in right.items():
        assert used[key] == pytest.approx(values, rel=rel, abs=1e-15), key


def check(name: str, times: Iterable[int], run: Callable[[Build], Used]) -> None:
    """That ``run``, given how to build the scheduler, used what the row says, and that PyTorch's class agrees on ``times``."""
    used = run(partial(ROWS[name].build, ours))
    assert_used(used, expected(name, times))
    if name in TWINS:
        assert_used(with_torchs(name, run), used)


def plateau(module: Any, optimizer: Any) -> Any:
    """The scheduler that METRICS are for."""
    return module.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1)


METRICS = [1.0, 0.8, 0.8, 0.8, 0.8, 0.7, 0.9, 0.9, 0.9]
"""Good, good, bad, bad: cut; cooldown, good, bad, bad: cut; cooldown."""
PLATEAU = [LR] * 4 + [LR / 2] * 4 + [LR / 4] * 2
"""The rate before the first metric, and after each."""

ONLY_LR = [name for name in ROWS if all(len(set(expected(name, range(100))[key])) == 1 for key in GIVEN if key != "lr")]
"""Rows that write nothing but the rate."""
