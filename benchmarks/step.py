"""How much faster ``step()`` is than torch's: torch's time divided by ours, as paired ratios in one run.

    python benchmarks/step.py [--rounds 41] [--only StepLR] [--json ratios.json]

Each round times both sides back to back on the same number of steps (thread CPU time, in alternating order), and the
median of the rounds' ratios is reported with its quartiles: a machine that slows down slows both sides of a pair.
"""

import argparse
import gc
import json
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import lr_scheduler as theirs
from torch.optim.swa_utils import SWALR

from lucid.optim import lr_scheduler as ours

SCHEDULERS: dict[str, Callable[[Any, Any], Any]] = {
    "StepLR": lambda m, o: m.StepLR(o, step_size=30, gamma=0.99),
    "MultiStepLR": lambda m, o: m.MultiStepLR(o, milestones=[30, 80, 300], gamma=0.5),
    "ExponentialLR": lambda m, o: m.ExponentialLR(o, gamma=0.9999),
    "CosineAnnealingLR": lambda m, o: m.CosineAnnealingLR(o, T_max=1000, eta_min=1e-5),
    "ConstantLR": lambda m, o: m.ConstantLR(o, factor=0.5, total_iters=300),
    "LinearLR": lambda m, o: m.LinearLR(o, start_factor=0.1, total_iters=5000),
    "PolynomialLR": lambda m, o: m.PolynomialLR(o, total_iters=100000, power=2.0),
    "CosineAnnealingWarmRestarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, T_0=50, T_mult=2, eta_min=1e-5),
    "MultiplicativeLR": lambda m, o: m.MultiplicativeLR(o, lambda t: 0.9999),
    "OneCycleLR": lambda m, o: m.OneCycleLR(o, max_lr=0.3, total_steps=10**6),
    "SWALR": lambda m, o: swalr(m)(o, swa_lr=0.01, anneal_epochs=10**6),
    "SequentialLR": lambda m, o: m.SequentialLR(
        o, [m.LinearLR(o, 0.1, total_iters=20), m.CosineAnnealingLR(o, 10**5)], milestones=[20]
    ),
    "ChainedScheduler": lambda m, o: m.ChainedScheduler([m.LinearLR(o, 0.1, total_iters=5000), m.ExponentialLR(o, 0.9999)]),
    "LambdaLR": lambda m, o: m.LambdaLR(o, lambda t: 1 / (1 + 0.01 * t)),
    "CyclicLR": lambda m, o: m.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=50, step_size_down=70),
    "ReduceLROnPlateau": lambda m, o: m.ReduceLROnPlateau(o, patience=10),
}


def swalr(module: Any) -> Any:
    return getattr(module, "SWALR", SWALR)


# (label, groups, tensor rates, distinct rates)
SHAPES = [
    ("1", 1, False, False),
    ("8 equal", 8, False, False),
    ("8 distinct", 8, False, True),
    ("64 equal", 64, False, False),
    ("64 distinct", 64, False, True),
    ("1000 equal", 1000, False, False),
    ("1000 distinct", 1000, False, True),
    ("1 tensor", 1, True, False),
    ("8 tensors", 8, True, True),
    ("1000 tensors", 1000, True, True),
]


def optimizer_of(groups: int, tensors: bool, distinct: bool) -> torch.optim.Optimizer:
    rates = [0.1 + (1e-4 * i if distinct else 0.0) for i in range(groups)]
    params = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(lr) if tensors else lr} for lr in rates]
    return torch.optim.SGD(params, lr=0.1, momentum=0.9)


def seconds(scheduler: Any, steps: int, metric: bool) -> float:
    step = scheduler.step
    start = time.thread_time()
    if metric:
        for _ in range(steps):
            step(1.0)
    else:
        for _ in range(steps):
            step()
    return time.thread_time() - start


def ratio(name: str, shape: tuple[str, int, bool, bool], rounds: int) -> dict[str, float]:
    _, groups, tensors, distinct = shape
    metric = name == "ReduceLROnPlateau"
    pair = []
    for module in (theirs, ours):
        optimizer = optimizer_of(groups, tensors, distinct)
        optimizer.step()
        scheduler = SCHEDULERS[name](module, optimizer)
        optimizer.step()
        seconds(scheduler, 50 if groups < 1000 else 3, metric)  # warm the interpreter's inline caches
        pair.append(scheduler)
    steps = max(2, 600 // groups // (4 if tensors else 1))
    ratios, micros = [], []
    for round_ in range(rounds):
        if round_ % 2:
            mine = seconds(pair[1], steps, metric)
            other = seconds(pair[0], steps, metric)
        else:
            other = seconds(pair[0], steps, metric)
            mine = seconds(pair[1], steps, metric)
        ratios.append(other / mine)
        micros.append(mine / steps * 1e6)
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {"ratio": middle, "low": low, "high": high, "us": statistics.median(micros)}


def construction(name: str, rounds: int) -> float:
    """Torch's time to build a scheduler on 1000 groups, divided by ours."""
    optimizers = [optimizer_of(1000, False, True) for _ in range(2)]
    ratios = []
    for round_ in range(rounds):
        took = [0.0, 0.0]
        for side in (round_ % 2, 1 - round_ % 2):
            start = time.thread_time()
            SCHEDULERS[name]((theirs, ours)[side], optimizers[side])
            took[side] = time.thread_time() - start
        ratios.append(took[0] / took[1])
    return statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--only", nargs="*", choices=list(SCHEDULERS), default=list(SCHEDULERS))
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}; torch's time / ours")
    print(f"{'':28}" + "".join(f"{shape[0]:>15}" for shape in SHAPES) + f"{'build 1000':>12}")
    gc.disable()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name in options.only:
        figures[name] = {}
        cells = []
        for shape in SHAPES:
            found = figures[name][shape[0]] = ratio(name, shape, options.rounds)
            cells.append(f"{found['ratio']:6.1f} ({found['us']:.1f}us)")
            gc.collect()
        built = construction(name, options.rounds)
        figures[name]["build 1000"] = {"ratio": built}
        print(f"{name:28}" + "".join(f"{cell:>15}" for cell in cells) + f"{built:12.1f}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
