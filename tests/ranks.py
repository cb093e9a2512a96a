"""What each rank does for ``test_distributed.py``, under torchrun: ranks.py FOLDER. Leaves FOLDER/RANK.json."""

import copy
import hashlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
sys.path.insert(0, str(Path(__file__).parent))
import ddp_digits
from cases import sgd, step

from lucid.optim import lr_scheduler as ours
from lucid.optim.lr_scheduler import _plateau

STEPS = 24
METRICS = [[1.0, 0.25, 2.0, 0.5], [0.5, 1.0, 0.25, 0.75], [3.0, 0.125, 0.5, 0.5], [0.5, 0.5, 0.5, 4.0]] * 2
"""By epoch, and there by rank."""
NAN = {2: 1, 5: 0}
"""Epoch -> rank whose metric is NaN."""

Plateau = Callable[..., Any]


def mine(epoch: int) -> Any:
    """This rank's metric, each of another kind."""
    rank = dist.get_rank()
    value = METRICS[epoch][rank]
    return (float, torch.tensor, np.float32, np.array)[rank](value)


def followed(scheduler: Any, metric: Callable[[int], Any] = mine) -> list[float]:
    rates = []
    for epoch in range(len(METRICS)):
        step(scheduler, metric(epoch))
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
    return rates


def plateau(optimizer: Any, **options: Any) -> Any:
    return ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, **options)


def greedy(optimizer: Any, **options: Any) -> Any:
    return ours.GreedyLR(optimizer, factor=0.5, patience=0, min_lr=0.0, **options)


def chained(optimizer: Any, **options: Any) -> Any:
    return ours.ChainedScheduler([ours.ExponentialLR(optimizer, 0.5), plateau(optimizer, **options)])


def sequential(optimizer: Any, **options: Any) -> Any:
    warm = ours.LinearLR(optimizer, 0.5, total_iters=2)
    return ours.SequentialLR(optimizer, [warm, plateau(optimizer, **options)], milestones=[2])


BUILDS: list[Plateau] = [plateau, greedy, chained, sequential]
SYNCS = [True, "mean", "sum", "min", "max"]


def plateaus(folder: Path) -> Any:
    told: dict[str, Any] = {
        f"{build.__name__} {sync}": followed(build(sgd(1.0), sync=sync)) for build in BUILDS for sync in SYNCS
    }
    for sync in SYNCS:
        one = plateau(sgd(1.0), sync=sync)
        followed(one)
        told[f"best {sync}"] = one.best
    return told


def one_nan(folder: Path) -> Any:
    """Left out on all ranks alike, a bad epoch for all, an error of all."""

    def metric(epoch: int) -> float:
        return float("nan") if NAN.get(epoch) == dist.get_rank() else float(mine(epoch))

    told: dict[str, Any] = {}
    for sync in SYNCS:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            told[f"ignore {sync}"] = followed(plateau(sgd(1.0), sync=sync), metric)
        assert [str(one.message)[:40] for one in seen] == ["ReduceLROnPlateau: the metric is nan; su"], seen
        told[f"bad {sync}"] = followed(plateau(sgd(1.0), sync=sync, on_nan="bad"), metric)
        strict = plateau(sgd(1.0), sync=sync, on_nan="raise")
        try:
            followed(strict, metric)
        except ValueError as error:
            told[f"raise {sync}"] = [strict.last_epoch, str(error)]
    inf, last = float("inf"), dist.get_rank() == dist.get_world_size() - 1
    extremes = [-inf if dist.get_rank() else inf, 1e308, inf if last else 1e308]
    overflow = plateau(sgd(1.0), sync=True, on_nan="bad")
    for value in extremes:
        step(overflow, value)
    return {**told, "best": overflow.best}


def groups(folder: Path) -> Any:
    """Ranks 0, 2, ... decide among themselves, and so do 1, 3, ...: each has the metric of its parity."""
    both = [dist.new_group(list(range(parity, dist.get_world_size(), 2))) for parity in range(2)]
    parity = dist.get_rank() % 2
    told: dict[str, Any] = {"rates": followed(plateau(sgd(1.0), sync=True, process_group=both[parity]))}
    twin = copy.deepcopy(plateau(sgd(1.0), sync=True, process_group=both[parity]))
    told["twin"] = followed(twin)
    for name, options in {
        "other": {"sync": True, "process_group": both[1 - parity]},
        "unsaid": {"process_group": both[parity]},
    }.items():
        try:
            plateau(sgd(1.0), **options)
        except ValueError as error:
            told[name] = str(error)
    return told


def warned(folder: Path) -> Any:
    """What a process was told of ranks that have different metrics."""
    scenes = count()

    def told_by(run: Callable[[], Any]) -> list[str]:
        dist.barrier()
        _plateau._warned_of_ranks, _plateau._numbers = False, count(1000 * next(scenes))  # as in a new process
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            run()
        dist.barrier()
        return [str(one.message) for one in seen]

    def together(epoch: int) -> Any:
        """Step by step, as in training."""
        dist.barrier()
        return mine(epoch)

    def apart() -> None:
        """Each at a time of its own: nobody waits for anybody."""
        time.sleep(0.3 * dist.get_rank())
        followed(plateau(sgd(1.0)), lambda epoch: float(dist.get_rank()))

    def alone() -> None:
        if dist.get_rank() == 0:
            followed(plateau(sgd(1.0)), float)

    def twins() -> None:
        """A copy is another scheduler, with metrics of its own."""
        first = plateau(sgd(1.0))
        followed(first, float)
        followed(copy.deepcopy(first), lambda epoch: 100.0 - epoch)

    def late() -> None:
        """Alike at first; the fourth and the eighth are compared again."""
        followed(plateau(sgd(1.0)), lambda epoch: together(epoch) * 0 + (dist.get_rank() if epoch >= 3 else 0))

    def twice(build: Plateau) -> None:
        for _ in range(2):
            followed(build(sgd(1.0)), together)

    told = {build.__name__: told_by(partial(twice, build)) for build in BUILDS}
    told["late"] = told_by(late)
    told["apart"] = told_by(apart)
    told["alike"] = told_by(lambda: followed(plateau(sgd(1.0)), float))
    told["on purpose"] = told_by(lambda: followed(plateau(sgd(1.0), sync=False)))
    told["synced"] = told_by(lambda: followed(plateau(sgd(1.0), sync=True)))
    told["alone"] = told_by(alone)
    told["twins"] = told_by(twins)
    return told


def cut_often(optimizer: Any, steps: int) -> Any:
    warm = [ours.LinearLR(optimizer, 0.1, total_iters=4), ours.CosineAnnealingLR(optimizer, steps - 4)]
    cutting = ours.ReduceLROnPlateau(optimizer, factor=0.9, patience=0, threshold=0.05, sync=True)
    return ours.ChainedScheduler([ours.SequentialLR(optimizer, warm, milestones=[4]), cutting])


def trained(folder: Path, name: str, *flags: str, schedulers: Any = cut_often) -> dict[str, Any]:
    args = ddp_digits.arguments(["--out", str(folder / name), f"--steps={STEPS}", "--rates", "--every=8", *flags])
    model = ddp_digits.train(args, schedulers)
    whole = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True))
    flat = torch.cat([value.flatten() for value in whole.values()])
    dist.barrier()
    rates = (folder / name / f"rates-{dist.get_rank()}.txt").read_text().splitlines()
    return {"rates": rates, "digest": hashlib.sha256(flat.numpy().tobytes()).hexdigest(), "parameters": flat.tolist()}


def training(folder: Path) -> Any:
    """The example, with losses as metrics, in all its ways."""
    ways = {"ddp": [], "fsdp": ["--fsdp"], "async": ["--async"], "accumulate": ["--accumulate=3"]}
    ways["fsdp async accumulate"] = ["--fsdp", "--async", "--accumulate=3"]
    return {name: trained(folder, name, *flags) for name, flags in ways.items()}


def skips(folder: Path) -> Any:
    """GradScalers whose scale is too large at first leave out updates: these are no steps."""
    scaler = torch.amp.GradScaler
    told = {}
    for name in ("ddp", "fsdp"):
        ddp_digits.torch.amp.GradScaler = partial(scaler, init_scale=2.0**40)
        flags = ["--amp"] + ["--fsdp"] * (name == "fsdp")
        told[name] = trained(folder, f"skips {name}", *flags, schedulers=ddp_digits.schedulers)["rates"]
        ddp_digits.torch.amp.GradScaler = scaler
        told[f"{name} whole"] = trained(folder, f"whole {name}", *flags, schedulers=ddp_digits.schedulers)["rates"]
    return told


def skipped_alike(folder: Path) -> Any:
    """A gradient that is infinite on one rank alone, in its shard."""
    model = fully_shard(torch.nn.Linear(8, 8), mesh=init_device_mesh("cpu", (dist.get_world_size(),)))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(model(torch.ones(2, 8)).sum()).backward()
    if dist.get_rank() == 1:
        model.weight.grad.to_local()[0, 0] = float("inf")  # type: ignore[union-attr, operator]
    scaler.step(optimizer)
    scaler.update()
    return scaler.get_scale()


def damaged(folder: Path) -> Any:
    """A checkpoint that was never finished, one that rotted, and then nothing but such."""
    first = trained(folder, "damaged")["rates"]
    run = folder / "damaged"
    names = sorted(path.name for path in run.glob("step-*"))
    dist.barrier()
    if dist.get_rank() == 0:
        (run / "step-00000032.tmp").mkdir()
        (run / "step-00000032.tmp" / "__0_0.distcp").write_bytes(b"half")
        for path in (run / "step-00000024").glob("*.distcp"):
            path.write_bytes(path.read_bytes()[:100])
    dist.barrier()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        again = trained(folder, "damaged")["rates"]
    told = {
        "first": first,
        "names": names,
        "again": again[len(first) :],
        "left": sorted(path.name for path in run.glob("*.tmp")),
    }
    told["warned"] = [str(one.message).split(": ")[0] for one in seen if "cannot be read" in str(one.message)]
    dist.barrier()
    if dist.get_rank() == 0:
        for path in run.glob("step-*/.metadata"):
            path.unlink()
    dist.barrier()
    for name, flags in {"damaged": [], "too small": ["--batch=1"]}.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trained(folder, name, *flags)
        except SystemExit as error:
            told[f"refused {name}"] = str(error)
    return told


JOBS = [plateaus, one_nan, groups, warned, training, skips, skipped_alike, damaged]

if __name__ == "__main__":
    dist.init_process_group("gloo", timeout=timedelta(seconds=240))
    out = Path(sys.argv[1])
    results = {}
    for job in JOBS:
        begun = time.monotonic()
        results[job.__name__] = job(out)
        if dist.get_rank() == 0:
            print(job.__name__, round(time.monotonic() - begun, 1), flush=True)
    (out / f"{dist.get_rank()}.json").write_text(json.dumps(results))
    dist.barrier()
    os._exit(0)  # leaving a gloo group in good order may wait for ever
