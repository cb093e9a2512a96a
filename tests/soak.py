"""A scheduler run for very long, and very many schedulers run briefly: ``python tests/soak.py``.

``long_run`` steps a random composite and compares what it writes with the closed form, at random points and at the end, bit for
bit. ``many`` builds and drops every scheduler of ``cases.py`` again and again. Both look at the memory, and neither leaves
anything to the collector of reference cycles. ``tests/test_soak.py`` runs both for a short while.
"""

import argparse
import gc
import random
import sys
import time
import warnings
import weakref
from pathlib import Path
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import torch  # noqa: E402
from cases import SCHEDULERS, metrics, step  # noqa: E402
from catalogue import ROWS, draw  # noqa: E402

from lucid.optim import lr_scheduler as ours  # noqa: E402
from lucid.schedules import Schedule  # noqa: E402

PHASES = (
    "Linear",
    "Cosine",
    "Polynomial",
    "Step",
    "Exponential",
    "Piecewise",
    "WSD",
    "CosineRestarts",
    "Cyclic",
    "Noise",
    "REX",
)


class Run(NamedTuple):
    """What a long run came to."""

    steps: int
    points: int
    differ: int
    seconds: float
    blocks: int
    """Of memory that Python held more at the end than after a tenth."""
    resident: int
    """Bytes by which the process grew meanwhile."""
    collected: int
    """Objects that were left to the collector of cycles."""
    schedule: Schedule


def resident() -> int:
    """Bytes of the process that are in memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            import resource

            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # not on Linux
        return 0


def composite(seed: int, steps: int) -> Schedule:
    """Phases one after the other, and something on top, over about so many steps."""
    rng = random.Random(seed)
    made: Schedule | None = None
    for part in range(rng.randint(3, 6)):
        name = rng.choice(PHASES)
        variants = [variant for variant in ROWS[name] if (name, variant) not in {("Cyclic", "cycle"), ("Cyclic", "iterations")}]
        phase = draw(name, rng.choice(variants), seed * 10 + part).stretch(rng.uniform(1, steps / 300))[
            : rng.randint(1, steps // 4)
        ]
        made = phase if made is None else made >> phase
    assert made is not None
    top = draw("CosineRestarts", "", seed).stretch(steps / 500).repeat()
    return rng.choice([made, 0.5 * made + 0.25 * top, made * top, made.maximum(1e-4), made.warmup(steps // 50)])


def long_run(seed: int, steps: int, points: int = 1000) -> Run:
    """So many steps of a random composite as the rate of two groups, beside a wave as their momentum."""
    schedule, wave = composite(seed, steps), draw("Cosine", "otherwise", seed).stretch(steps / 400)
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "momentum": momentum} for momentum in (0.9, 0.8)]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    scheduler = ours.LRScheduler(optimizer, lr=schedule, momentum=wave)
    optimizer.step()
    rng = random.Random(seed)
    asked = {rng.randint(1, steps) for _ in range(points - 1)} | {steps}
    began, differ, t = time.perf_counter(), 0, 0
    measured = []
    gc.collect()
    gc.disable()
    try:
        for until in sorted({*asked, steps // 10}):
            while t < until:
                scheduler.step()
                t += 1
            if until in asked:
                line = wave(t, 1j)  # offset and slope, which is how groups of different bases share an evaluation
                for group, base in zip(optimizer.param_groups, (0.9, 0.8), strict=True):
                    differ += group["lr"] != schedule(t, 0.1)
                    differ += group["momentum"] != line.real + line.imag * base
            if until in (steps // 10, steps):
                measured.append((sys.getallocatedblocks(), resident()))
        left = gc.collect()
    finally:
        gc.enable()
    assert scheduler.last_epoch == steps
    (blocks, pages), (blocks_last, pages_last) = measured
    return Run(steps, len(asked), differ, time.perf_counter() - began, blocks_last - blocks, pages_last - pages, left, schedule)


class Many(NamedTuple):
    """What many short lives came to."""

    cycles: int
    alive: int
    """Schedulers and optimizers that were there after they were dropped, before the collector came."""
    collected: int
    """Objects of ours in what the collector found."""
    objects: int
    """Objects more than after the first tenth."""
    resident: int
    seconds: float


def live(name: str, steps: int = 3) -> list[Any]:
    """A scheduler's life: built, stepped, saved, loaded; what is left are weak references."""
    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    groups = [{"params": [parameter], "lr": lr} for parameter, lr in zip(parameters, (0.1, 0.2), strict=True)]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.01)
    scheduler = SCHEDULERS[name](optimizer)
    children = list(getattr(scheduler, "_schedulers", ()))
    for loss in metrics(steps):
        step(scheduler, loss)
    scheduler.load_state_dict(scheduler.state_dict())
    repr(scheduler)
    return [weakref.ref(one) for one in (scheduler, optimizer, *scheduler._tracks, *children)]


def many(cycles: int) -> Many:
    """So many lives of all schedulers in turn, without the collector."""
    names = sorted(SCHEDULERS)
    for name in names:
        live(name)
    gc.collect()
    gc.disable()
    before = gc.get_debug()
    began, alive, collected, measured = time.perf_counter(), 0, 0, (0, 0)
    try:
        for i in range(cycles):
            if i == cycles // 10:
                gc.collect()
                measured = len(gc.get_objects()), resident()
            alive += sum(ref() is not None for ref in live(names[i % len(names)]))
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        collected = sum(type(one).__module__.startswith("lucid.") for one in gc.garbage)
        gc.garbage.clear()
    finally:
        gc.set_debug(before)
        gc.enable()
    gc.collect()
    objects, pages = len(gc.get_objects()) - measured[0], resident() - measured[1]
    return Many(cycles, alive, collected, objects, pages, time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=10**7)
    parser.add_argument("--cycles", type=int, default=10**4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    life = many(options.cycles)
    print(
        f"{life.cycles} lives of {len(SCHEDULERS)} schedulers in {life.seconds:.0f} s: {life.alive} alive after they were "
        f"dropped, {life.collected} left to the collector, {life.objects:+} objects, {life.resident / 2**20:+.1f} MiB",
        flush=True,
    )
    run = long_run(options.seed, options.steps)
    print(
        f"{run.steps} steps in {run.seconds:.0f} s: {run.differ} differences at {run.points} points, {run.blocks:+} blocks of "
        f"memory, {run.resident / 2**20:+.1f} MiB, {run.collected} objects left to the collector"
    )
    print(f"    {run.schedule!r}")
    grown = max(run.blocks, life.objects) > 2000 or max(run.resident, life.resident) > 2**24
    return int(bool(run.differ or run.collected or life.alive or life.collected or grown))


if __name__ == "__main__":
    sys.exit(main())
