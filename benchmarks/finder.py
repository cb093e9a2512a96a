"""How good the range test's suggestions are: the digits, trained at each of them and at each rate of a grid.

    .venv/bin/python benchmarks/finder.py [--optimizer sgd|adam|adamw] [--seeds 0 1 2] [--epochs 20] [--start 1e-7]

The net, the images and the loop are ``lucid train``'s; the rate is constant. Figures are the share of validation images that
are right after the last epoch, the mean over the seeds. Each seed has its own range test, weights and split.
"""

import argparse
import math
import statistics
from typing import Any

import torch

import lucid
from lucid._train import job
from lucid._train.spec import Settings, Spec
from lucid.nn import functional as F

_OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
    "adam": lambda parameters, lr: torch.optim.Adam(parameters, lr=lr),
    "adamw": lambda parameters, lr: torch.optim.AdamW(parameters, lr=lr),
}


def accuracy(optimizer: str, lr: float, seed: int, epochs: int) -> float:
    training, validation = job._loaders(Settings(seed=seed))
    torch.manual_seed(seed)
    model = job.Net()
    made = _OPTIMIZERS[optimizer](model.parameters(), lr)
    for _ in range(epochs):
        job._train_epoch(model, made, None, Spec("constant", {}), training, torch.device("cpu"))
    return job._evaluate(model, validation, torch.device("cpu"))[1]


def suggestions(optimizer: str, seed: int, start: float) -> dict[str, float | None]:
    training, _ = job._loaders(Settings(seed=seed))
    torch.manual_seed(seed)
    model = job.Net()
    found = lucid.lr_find(model, _OPTIMIZERS[optimizer](model.parameters(), 0.1), F.cross_entropy, training, start=start)
    return {**found.suggestions, "Lightning": found.suggest(skip_start=10, skip_end=1, slope="rate")["steep"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizer", choices=_OPTIMIZERS, default="sgd")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--start", type=float, default=1e-7, help="of the range test")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    low, high = (1e-3, 1.0) if asked.optimizer == "sgd" else (1e-4, 0.1)
    grid = [low * (high / low) ** (i / 8) for i in range(9)]
    seeds = asked.seeds

    def mean(rates: list[float]) -> float:
        return statistics.fmean(
            accuracy(asked.optimizer, rate, seed, asked.epochs) for rate, seed in zip(rates, seeds, strict=True)
        )

    print(f"{asked.optimizer}, {asked.epochs} epochs, test from {asked.start:g}, mean over the seeds {seeds}", flush=True)
    best = 0.0
    for rate in grid:
        right = mean([rate] * len(seeds))
        best = max(best, right)
        print(f"  {rate:9.2e}  {right:.2%}", flush=True)
    found = [suggestions(asked.optimizer, seed, asked.start) for seed in seeds]
    for rule in found[0]:
        rates = [one[rule] or math.nan for one in found]
        right = mean(rates) if all(map(math.isfinite, rates)) else math.nan
        print(
            f"  {rule:9}  {right:.2%}, best of the grid {right - best:+.2%}  at {', '.join(f'{r:.2e}' for r in rates)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
