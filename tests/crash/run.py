"""Kill a training at any instant, resume it on any number of ranks: are the rates those of the run that was never stopped?

    python tests/crash/run.py --trials 200 --seed 0

What is killed is ``examples/ddp_digits.py`` as it is. In half of the trials one rank gets SIGKILL at a step (before or after
the update, after the scheduler's step, or while a checkpoint is written) and the rest is ended, as torchrun would; in the
other half all ranks get it at an instant, often while a checkpoint is being written. Then the run is resumed on another
number of ranks, up to four times, as DDP or FSDP2, with checkpoints in the background or not, until it is finished. Every
rate and momentum that any rank used at any step must be the reference's, bit by bit.

Workers are forked from a process that has imported torch already and done nothing else: no thread, no process group.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")

import argparse
import ctypes
import importlib
import json
import math
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import ddp_digits

from lucid.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    GreedyLR,
    LinearLR,
    LRScheduler,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from lucid.schedules import Cosine, Linear

for used in (
    "fsspec.core",
    "sklearn.datasets.data",
    "torch._dynamo",
    "torch._functorch.aot_autograd",
    "torch._inductor.config",
):
    importlib.import_module(used)  # by the workers; here they cost nothing

STEPS, EVERY, WORLDS, TOO_LONG = 48, 3, (1, 2, 3, 4), 90.0
PLACES = ("before the update", "after the update", "after the scheduler's step", "while saving")


# -- what is trained: schedulers whose rates depend on all that they have seen


def metric(step: int, rank: int, world: int) -> float:
    """One that falls for a while and then no more, different on each rank; the mean over any number of ranks is the same.

    All are sums of few powers of two, so that the mean is exact. At some steps it is NaN on one rank.
    """
    if step % 13 == 5 and rank == world - 1:
        return float("nan")
    common = max(64 - 5 * step, -20) / 16 + random.Random(step).randrange(8) / 64
    apart = [random.Random(f"{step} {other}").randrange(-16, 17) / 32 for other in range(world - 1)]
    return common + [*apart, -sum(apart)][rank]


class _Told:
    """Is stepped with this metric in place of the loss, whose rounding depends on the number of ranks; and is edited once."""

    on_step: Callable[[int], None] | None = None
    optimizer: Any
    last_epoch: int

    def step(self, metrics: Any = None, epoch: Any = None) -> None:
        super().step(metric(self.last_epoch, dist.get_rank(), dist.get_world_size()), epoch)  # type: ignore[misc]
        if self.last_epoch == 17:
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.75
        if self.on_step is not None:
            self.on_step(self.last_epoch)


class Chained(_Told, ChainedScheduler):
    pass


class Sequential(_Told, SequentialLR):
    pass


def chained(optimizer: Any, steps: int) -> Any:
    warm = [LinearLR(optimizer, 0.1, total_iters=8), CosineAnnealingLR(optimizer, steps - 8, 0.001)]
    return Chained(
        [
            SequentialLR(optimizer, warm, milestones=[8]),
            StepLR(optimizer, 15, 0.7),
            ReduceLROnPlateau(optimizer, factor=0.8, patience=2, cooldown=1, sync=True),
            LRScheduler(optimizer, momentum=Linear(10, start=0.5) >> Cosine(steps - 10, end=0.7)),
        ]
    )


def sequential(optimizer: Any, steps: int) -> Any:
    parts = [
        LinearLR(optimizer, 0.2, total_iters=6),
        ReduceLROnPlateau(optimizer, factor=0.7, patience=1, sync=True, on_nan="bad"),
        ExponentialLR(optimizer, 0.93),
    ]
    return Sequential(optimizer, parts, milestones=[6, 34])


def greedy(optimizer: Any, steps: int) -> Any:
    return Chained(
        [
            CosineAnnealingWarmRestarts(optimizer, 5, 2, 0.001),
            GreedyLR(optimizer, factor=0.9, patience=1, smooth=True, window_size=4, warmup=1, min_lr=0.0, sync="mean"),
        ]
    )


PLANS = {"chained": chained, "sequential": sequential, "greedy": greedy}


# -- one rank


def rank_of(trial: Path, attempt: dict[str, Any], rank: int) -> None:
    """What a forked process does; it never returns."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # Linux: with the launcher ends what it has launched
    code = 1
    output = os.open(trial / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        world = attempt["world"]
        store = dist.FileStore(attempt["store"], world)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=timedelta(seconds=60))
        args = ddp_digits.arguments(
            ["--out", str(trial / "run"), f"--steps={STEPS}", f"--every={EVERY}", "--rates", *attempt["flags"]]
        )
        doom = attempt.get("doom")
        model = ddp_digits.train(args, doomed(attempt, *doom[1:]) if doom and doom[0] == rank else PLANS[attempt["plan"]])
        whole = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        if rank == 0:
            torch.save(whole, trial / "model.pt")
        dist.barrier()
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)  # a gloo group that others have left may wait for them


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doomed(attempt: dict[str, Any], step: int, place: str, delay: float) -> Any:
    """Schedulers that bring SIGKILL to their rank at the first ``step`` or later."""

    def build(optimizer: Any, steps: int) -> Any:
        scheduler = PLANS[attempt["plan"]](optimizer, steps)
        if place == "before the update":
            optimizer.register_step_pre_hook(lambda *_: die() if scheduler.last_epoch >= step else None)
        elif place == "after the update":
            optimizer.register_step_post_hook(lambda *_: die() if scheduler.last_epoch >= step else None)
        elif place == "after the scheduler's step":
            scheduler.on_step = lambda at: die() if at > step else None
        else:
            save = ddp_digits.Checkpoints.save

            def last_save(self: Any, at: int) -> None:
                if at > step:
                    threading.Timer(delay, die).start()
                save(self, at)

            ddp_digits.Checkpoints.save = last_save  # type: ignore[method-assign]
        return scheduler

    return build


# -- the ranks of an attempt


def launch(trial: Path, attempt: dict[str, Any], chance: random.Random) -> str:
    """Start the ranks, kill them as the attempt says, see to it that all end: "finished", "killed", "failed" or "hung"."""
    attempt["store"] = str(trial / f"store-{attempt['number']}")
    started = time.monotonic()
    ranks = {}
    for rank in range(attempt["world"]):
        pid = os.fork()
        if pid == 0:
            rank_of(trial, attempt, rank)
        ranks[pid] = rank
    codes: dict[int, int] = {}
    strike = attempt.get("strike")  # all at once: seconds from the start, or from when the nth checkpoint is begun
    at = started + strike[1] if strike and strike[0] == "time" else None
    seen: set[tuple[str, int]] = set()
    first_end: float | None = None
    struck = hung = False
    while len(codes) < len(ranks):
        for pid in ranks.keys() - codes.keys():
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                codes[pid] = os.waitstatus_to_exitcode(status)
                if codes[pid] != 0 and first_end is None:
                    first_end = time.monotonic() + chance.uniform(0, 0.1)
        now = time.monotonic()
        if strike and strike[0] == "save" and at is None:
            with suppress(FileNotFoundError):
                seen |= unnamed(trial / "run") - attempt["left"]
            if len(seen) >= strike[1]:
                at = now + strike[2]
        hung = hung or now > started + TOO_LONG
        struck = struck or (at is not None and now >= at)
        if struck or hung or (first_end is not None and now > first_end + 5):
            end(ranks.keys() - codes.keys(), signal.SIGKILL)
        elif first_end is not None and now > first_end:
            end(ranks.keys() - codes.keys(), signal.SIGTERM)
        time.sleep(0.001)
    if hung:
        return "hung"
    if not any(codes.values()):
        return "finished"
    return "killed" if struck or -signal.SIGKILL in codes.values() else "failed"


def end(pids: set[int], by: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, by)


# -- a trial


def used(run: Path) -> dict[int, list[tuple[int, str]]]:
    """rank -> (step, what it used), as written."""
    files = {int(path.stem.split("-")[1]): path.read_text() for path in run.glob("rates-*.txt")}
    return {rank: [(int(line.split()[0]), line.split(" ", 1)[1]) for line in text.splitlines()] for rank, text in files.items()}


def try_it(spec: tuple[int, int, str, dict[str, Any]]) -> dict[str, Any]:
    """A run that is killed and resumed until it is finished."""
    number, seed, scratch, references = spec
    chance = random.Random(f"{seed} {number}")
    trial = Path(scratch) / f"trial-{number}"
    run = trial / "run"
    run.mkdir(parents=True)
    plan, by = chance.choice(list(PLANS)), ("one rank", "all ranks")[number % 2]
    told = {"trial": number, "plan": plan, "by": by, "outcome": "", "kills": 0, "half_written": 0, "nameless": 0}
    worlds: list[int] = []
    kills, begun = chance.randint(1, 4), time.monotonic()
    while told["outcome"] in ("", "killed") and len(worlds) < 50:
        world = chance.choice([other for other in WORLDS if [other] != worlds[-1:]])
        flags = [flag for flag in ("--async", "--fsdp") if chance.random() < 0.5]
        left = unnamed(run)
        attempt: dict[str, Any] = {"number": len(worlds), "plan": plan, "world": world, "flags": flags, "left": left}
        worlds.append(world)
        if told["kills"] < kills and by == "one rank":
            at = chance.randrange(min(resumes_at(run), STEPS - 1), STEPS)
            attempt["doom"] = (chance.randrange(world), at, chance.choice(PLACES), chance.uniform(0, 0.03))
        elif told["kills"] < kills:
            to_come = (STEPS - resumes_at(run)) // EVERY
            save = "save", chance.randint(1, max(1, min(4, to_come))), chance.uniform(0, 0.03)
            attempt["strike"] = save if chance.random() < 0.7 else ("time", chance.uniform(0, 2.0))
        told["outcome"] = launch(trial, attempt, chance)
        for path in unnamed(run) - left:
            told["nameless" if (run / path[0] / ".metadata").exists() else "half_written"] += 1
        told["kills"] += told["outcome"] == "killed"
        if told["outcome"] == "finished" and not told["kills"]:  # quicker than the kill: once more, from the start
            shutil.rmtree(run)
            run.mkdir()
            told["outcome"] = ""
    finished = told["outcome"] == "finished"
    told |= {"worlds": worlds, "compared": 0, "mismatches": 0}
    for rank, lines in used(run).items():
        told["compared"] += len(lines)
        told["mismatches"] += sum(line != references[plan]["rates"][step] for step, line in lines)
        if rank == 0:  # it is always there: it leaves out no step, and goes back only where it was killed
            steps = [-1, *(step for step, _ in lines)]
            returns = sum(after <= before for before, after in pairwise(steps))
            told["mismatches"] += sum(after > before + 1 for before, after in pairwise(steps)) + max(0, returns - told["kills"])
            told["mismatches"] += finished and steps[-1] != STEPS - 1
    if finished:
        saved, model = torch.load(trial / "model.pt", weights_only=True), references[plan]["model"]
        told["apart"] = max(float((saved[name] - torch.tensor(value)).abs().max()) for name, value in model.items())
        if not told["mismatches"]:
            shutil.rmtree(trial)
    return {**told, "seconds": round(time.monotonic() - begun, 1)}


def unnamed(run: Path) -> set[tuple[str, int]]:
    """Folders of checkpoints that do not count: half-written, written whole but not named yet, or half-removed."""
    return {(path.name, path.stat().st_ino) for path in run.glob("*.tmp")}


def resumes_at(run: Path) -> int:
    return max((int(path.name[5:]) for path in run.glob("step-????????")), default=0)


def undisturbed(scratch: Path) -> dict[str, Any]:
    """Rates and parameters of runs that nobody kills; they must not depend on the number of ranks either."""
    references: dict[str, Any] = {}
    for plan in PLANS:
        for world in (1, 4):
            trial = scratch / f"reference-{plan}-{world}"
            (trial / "run").mkdir(parents=True)
            attempt = {"number": 0, "plan": plan, "world": world, "left": set(), "flags": []}
            outcome = launch(trial, attempt, random.Random(0))
            if outcome != "finished":
                raise SystemExit(f"the reference {plan} on {world} ranks {outcome}:\n{(trial / 'output.txt').read_text()}")
            for rank, lines in used(trial / "run").items():
                assert [step for step, _ in lines] == list(range(STEPS)), (plan, world, rank)
                rates = [line for _, line in lines]
                model = {name: value.tolist() for name, value in torch.load(trial / "model.pt", weights_only=True).items()}
                known = references.setdefault(plan, {"rates": rates, "model": model})
                assert known["rates"] == rates, (plan, world, rank)
        assert len(set(references[plan]["rates"])) > STEPS // 2, plan
    return references


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of what is killed when; instants still differ from run to run")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time (%(default)s)")
    parser.add_argument("--scratch", type=Path, help="a folder to work in, and where what went wrong is left")
    args = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="crash-", dir=args.scratch))
    begun = time.monotonic()
    references = undisturbed(scratch)
    print(f"references in {time.monotonic() - begun:.0f} s; {scratch}", flush=True)
    results = []
    specs = [(number, args.seed, str(scratch), references) for number in range(args.trials)]
    with multiprocessing.get_context("fork").Pool(args.jobs) as pool:
        for told in pool.imap_unordered(try_it, specs):
            results.append(told)
            print(json.dumps(told), flush=True)
    total = {name: sum(told[name] for told in results) for name in ("kills", "half_written", "nameless", "compared")}
    summary = {
        "seed": args.seed,
        "trials": len(results),
        "one rank": sum(told["by"] == "one rank" for told in results),
        "all ranks": sum(told["by"] == "all ranks" for told in results),
        **total,
        "mismatches": sum(told["mismatches"] for told in results),
        "unfinished": sum(told["outcome"] != "finished" for told in results),
        "parameters_apart": max((told["apart"] for told in results if "apart" in told), default=math.inf),
        "seconds": round(time.monotonic() - begun, 1),
    }
    print(json.dumps(summary), flush=True)
    good = not summary["mismatches"] and not summary["unfinished"] and summary["parameters_apart"] < 1e-4
    if good:
        shutil.rmtree(scratch)
    return not good


if __name__ == "__main__":
    sys.exit(main())
