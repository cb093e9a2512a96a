"""Handwritten digits on 1 to N ranks. Kill it at any time, resume it on any number of ranks: the rates are those of one run.

    torchrun --nproc-per-node 2 examples/ddp_digits.py --out runs/ddp
    torchrun --nproc-per-node 3 examples/ddp_digits.py --out runs/ddp --fsdp --async    # goes on from where that was killed

Gloo on the CPU, NCCL on GPUs; DistributedDataParallel, or FSDP2 (``fully_shard``) with --fsdp. docs/distributed.md explains.
"""

import argparse
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from sklearn.datasets import load_digits
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.checkpoint.stateful import Stateful
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Sampler, TensorDataset

from lucid.optim.lr_scheduler import ChainedScheduler, LRScheduler, ReduceLROnPlateau
from lucid.schedules import Cosine


def schedulers(optimizer: torch.optim.Optimizer, steps: int) -> Any:
    """Warm-up and cosine over ``steps`` updates, and cuts where the loss stands still. Nothing here knows of ranks but sync."""
    curve = LRScheduler(optimizer, lr=Cosine(steps - steps // 10).warmup(steps // 10))
    return ChainedScheduler([curve, ReduceLROnPlateau(optimizer, factor=0.5, patience=50, threshold=0.01, sync=True)])


class Batches(Sampler[list[int]]):
    """This rank's share of each global batch from number ``start`` on. The batches are the same on any number of ranks."""

    def __init__(self, samples: int, batch: int, start: int) -> None:
        self.samples, self.batch, self.start = samples, batch, start

    def __iter__(self) -> Iterator[list[int]]:
        known, per_epoch = -1, self.samples // self.batch
        for number in count(self.start):
            epoch, i = divmod(number, per_epoch)
            if epoch != known:
                known, order = epoch, torch.randperm(self.samples, generator=torch.Generator().manual_seed(epoch))
            yield order[i * self.batch : (i + 1) * self.batch][dist.get_rank() :: dist.get_world_size()].tolist()


class Training(Stateful):
    """Model, optimizer, and how many batches they have seen: in a form that any number of ranks reads, sharded or not."""

    def __init__(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.model, self.optimizer, self.batches = model, optimizer, 0

    def state_dict(self) -> dict[str, Any]:
        model, optimizer = get_state_dict(self.model, self.optimizer)
        return {"model": model, "optimizer": optimizer, "batches": self.batches}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        set_state_dict(self.model, self.optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])
        self.batches = state["batches"]


class Checkpoints:
    """Folders ``step-00000040``. One has that name, and counts, only after every rank's part of it is on the disk."""

    def __init__(self, args: argparse.Namespace, **parts: Stateful) -> None:
        self.folder, self.keep, self.in_background, self.parts = args.out, args.keep, args.in_background, parts
        self.ranks = dist.new_group(backend="gloo")  # its own: what is saved in the background meets no other collective
        self.half: Any = None  # the folder that is being written to
        self.writing: Any = None  # and what it waits for, if that is done in the background

    def resume(self) -> None:
        """Load the latest; one that cannot be read is passed over for the one before."""
        told: list[Any] = [None]
        if dist.get_rank() == 0:
            missing = [one for one in (self.folder, *self.folder.parents) if not one.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            for one in reversed(missing):
                on_disk(one.parent)
            for half in self.folder.glob("step-*.tmp"):
                print(f"{half} was half-written or half-removed when the run ended: removed", flush=True)
                shutil.rmtree(half)
            told = [self.whole()[::-1]]
        dist.broadcast_object_list(told, group=self.ranks)  # one rank looks: all take the same
        for whole in told[0]:
            try:
                dcp.load(self.parts, checkpoint_id=whole, process_group=self.ranks)
                return
            except dcp.api.CheckpointException as error:
                warnings.warn(f"{whole} cannot be read, the one before is tried: {error}", stacklevel=2)
        if told[0]:
            raise SystemExit(
                f"no checkpoint in {self.folder} can be read, as told above: keep --amp as it was, or give another --out"
            )

    def whole(self) -> list[Path]:
        """From the first to the last, by their numbers: in tokens these have more digits with time."""
        return sorted((one for one in self.folder.glob("step-*") if one.name[5:].isdigit()), key=lambda one: int(one.name[5:]))

    def save(self, step: int) -> None:
        self.publish(wait=True)  # one at a time
        self.half = self.folder / f"step-{step:08}.tmp"
        if self.in_background:
            self.writing = dcp.async_save(self.parts, checkpoint_id=self.half, process_group=self.ranks)
        else:
            dcp.save(self.parts, checkpoint_id=self.half, process_group=self.ranks)
            self.publish()

    def publish(self, wait: bool = False) -> None:
        """Give what has been written its name, and remove what is older than the last ``keep``."""
        if self.half is None or not (wait or self.writing is None or self.writing.done()):
            return
        if self.writing is not None:
            self.writing.result()  # raises what went wrong
        if dist.get_rank() == 0:
            on_disk(self.half)  # its files are: DCP has seen to that
            whole = self.half.with_suffix("")
            if whole.exists():
                shutil.rmtree(whole)  # resume() could not read it
            self.half.rename(whole)
            on_disk(self.folder)
            written = self.whole()
            for old in written[: written.index(whole) + 1][: -self.keep]:  # later ones could not be read
                shutil.rmtree(old.rename(old.with_suffix(".tmp")))  # half-removed, it must not count either
        self.half = self.writing = None


def on_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def train(args: argparse.Namespace, schedulers: Callable[[Any, int], Any] = schedulers) -> torch.nn.Module:
    rank, world, device = dist.get_rank(), dist.get_world_size(), torch.device(args.device)
    digits = load_digits()
    data = TensorDataset(torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target))
    if not world <= args.batch <= len(data):
        raise SystemExit(
            f"--batch is global and must be at least 1 for each of the {world} ranks and at most the {len(data)} samples there "
            f"are, got {args.batch}"
        )
    torch.manual_seed(0)
    model: Any = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)).to(device)
    model = fully_shard(model, mesh=init_device_mesh(device.type, (world,))) if args.fsdp else DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    scheduler = schedulers(optimizer, args.steps)
    scaler = torch.amp.GradScaler(device.type, enabled=args.amp)
    training = Training(model, optimizer)
    checkpoints = Checkpoints(args, training=training, scheduler=scheduler, scaler=scaler)  # schedulers are Stateful
    checkpoints.resume()
    log = os.open(args.out / f"rates-{rank}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND) if args.rates else None
    loader = iter(DataLoader(data, batch_sampler=Batches(len(data), args.batch, training.batches)))

    while (step := scheduler.last_epoch) < args.steps:  # the position is the scheduler's: updates that were made
        x, y = (part.to(device) for part in next(loader))
        rates = [group[key] for group in optimizer.param_groups for key in ("lr", "momentum")]
        loss = torch.zeros((), device=device)
        shares = zip(x.tensor_split(args.accumulate), y.tensor_split(args.accumulate), strict=True)
        for i, (some, labels) in enumerate(shares, 1):
            if args.fsdp:
                model.set_requires_gradient_sync(i == args.accumulate)
            else:
                model.require_backward_grad_sync = i == args.accumulate  # what no_sync() sets
            with torch.autocast(device.type, torch.float16, enabled=args.amp):
                logits = model(some)
            # the ranks' gradients are averaged: with this weight to the mean over the global batch, however it is shared
            part = torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum") * world / args.batch
            scaler.scale(part).backward()
            loss += part.detach()
        scale = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        training.batches += 1
        if scaler.get_scale() < scale:  # the gradients were not finite, on all ranks alike: no update, no step
            continue
        if log is not None:
            os.write(log, f"{step} {' '.join(float(rate).hex() for rate in rates)}\n".encode())
            os.fsync(log)
        if rank == 0 and step % args.every == 0:
            print(f"step {step}  lr {rates[0]:.6f}  loss on rank 0 {loss:.4f}", flush=True)
        scheduler.step(loss)
        checkpoints.publish()
        if scheduler.last_epoch % args.every == 0 or scheduler.last_epoch == args.steps:
            checkpoints.save(scheduler.last_epoch)
    checkpoints.publish(wait=True)
    return model


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be >= 1, got {value}")
    return value


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/ddp"), help="folder of the checkpoints (%(default)s)")
    parser.add_argument("--steps", type=positive, default=200, help="updates of the parameters (%(default)s)")
    parser.add_argument("--batch", type=positive, default=96, help="samples of all ranks in an update (%(default)s)")
    parser.add_argument("--accumulate", type=positive, default=1, help="parts that a batch is computed in (%(default)s)")
    parser.add_argument("--lr", type=float, default=0.1, help="peak of the rate (%(default)s)")
    parser.add_argument("--every", type=positive, default=20, help="steps between checkpoints (%(default)s)")
    parser.add_argument("--keep", type=positive, default=3, help="checkpoints that are kept (%(default)s)")
    parser.add_argument("--async", dest="in_background", action="store_true", help="write checkpoints while training goes on")
    parser.add_argument("--fsdp", action="store_true", help="FSDP2 in place of DistributedDataParallel")
    parser.add_argument("--amp", action="store_true", help="float16 with a GradScaler")
    parser.add_argument("--rates", action="store_true", help="write every step's rates and momenta, exactly, to rates-RANK.txt")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args(given)


def main() -> None:
    args = arguments()
    if args.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if args.device == "cuda" else "gloo")
    train(args)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
