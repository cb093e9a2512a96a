"""A position far away on a fresh optimizer: one jump of ours against replaying torch's steps.

    python benchmarks/seek.py [--position 1000000] [--replay 20000] [--json seek.json]

For each class: what a jump to the position takes on a fresh scheduler (the best of five: it is a single call), whether it
is bit for bit where all the steps of ours lead, and how far from there torch's recursive steps end. Torch's time is that of
``--replay`` steps, times what is missing to the position; ``--replay 1000000`` takes them all, and compares the rates too.
"""

import argparse
import json
import time
import warnings
from typing import Any

import torch
from step import SCHEDULERS, optimizer_of
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours

JUMPERS = {name: make for name, make in SCHEDULERS.items() if name != "ReduceLROnPlateau"}  # whose rates are its metrics'


def fresh(name: str, module: Any) -> tuple[Any, Any]:
    optimizer = optimizer_of(2, False, True)
    optimizer.step()
    scheduler = JUMPERS[name](module, optimizer)
    optimizer.step()
    return optimizer, scheduler


def rates(optimizer: Any) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def jump(name: str, position: int) -> tuple[float, list[float]]:
    took, found = float("inf"), []
    for _ in range(5):
        optimizer, scheduler = fresh(name, ours)
        start = time.perf_counter()
        scheduler.step(position)
        took = min(took, time.perf_counter() - start)
        found = rates(optimizer)
    return took, found


def walk(name: str, module: Any, steps: int) -> tuple[float, list[float]]:
    optimizer, scheduler = fresh(name, module)
    start = time.perf_counter()
    for _ in range(steps):
        scheduler.step()
    return time.perf_counter() - start, rates(optimizer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--position", type=int, default=1_000_000)
    parser.add_argument("--replay", type=int, default=20_000)
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    position, replay = options.position, min(options.replay, options.position)
    print(f"to {position} on a fresh optimizer with two groups; torch's time from {replay} steps")
    print(f"{'':28}{'jump':>12}{'torch':>12}{'ratio':>14}   as our steps   torch is off by")
    figures = {}
    for name in JUMPERS:
        took, found = jump(name, position)
        exact = walk(name, ours, position)[1] == found
        seconds, other = walk(name, theirs, replay)
        seconds *= position / replay
        off = max(abs(a - b) / (b or 1.0) for a, b in zip(other, found, strict=True)) if replay == position else None
        figures[name] = {"jump_us": took * 1e6, "torch_s": seconds, "ratio": seconds / took, "exact": exact, "off": off}
        told = "not compared" if off is None else f"{off:.1e}"
        print(f"{name:28}{took * 1e6:10.1f}us{seconds:11.1f}s{seconds / took:14,.0f}   {exact!s:12}   {told}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
