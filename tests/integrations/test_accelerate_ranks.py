"""Accelerate on two ranks: what it makes of a scheduler's step there, and the ways in which a step is one update."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from lucid.optim import lr_scheduler as ours

BATCHES, WORLD = 4, 2


# -- what each rank does: this file, under torchrun


def build(optimizer: Any) -> Any:
    return ours.LinearLR(optimizer, 1.0, 0.0, total_iters=100)  # 1 - t / 100


def plateau(optimizer: Any) -> Any:
    return ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, sync=True)


class Run:
    def __init__(self, prepared: bool = False, accumulate: int = 1, of: Any = build, **options: Any) -> None:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState, GradientState
        from accelerate.utils import DataLoaderConfiguration

        AcceleratorState._reset_state()
        GradientState._reset_state()
        loading = DataLoaderConfiguration(split_batches=options.pop("split_batches", False))
        self.accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulate, dataloader_config=loading, **options)
        batch = 2 * (WORLD if loading.split_batches else 1)
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        self.used: list[float] = []
        self.loader = torch.utils.data.DataLoader(torch.ones(2 * WORLD * BATCHES, 2), batch_size=batch)
        self.scheduler = of(optimizer)
        optimizer.register_step_pre_hook(lambda optimizer, *_: self.used.append(optimizer.param_groups[0]["lr"]))
        self.model, self.optimizer, self.loader = self.accelerator.prepare(model, optimizer, self.loader)
        if prepared:
            self.scheduler = self.accelerator.prepare(self.scheduler)
        else:
            self.accelerator.register_for_checkpointing(self.scheduler)

    def epoch(self, step: Callable[..., Any]) -> "Run":
        """``step`` is the script's line after the optimizer's step."""
        for batch in self.loader:
            with self.accelerator.accumulate(self.model):
                self.accelerator.backward(self.model(batch).pow(2).mean() * 0)
                self.optimizer.step()
                step(self)
                self.optimizer.zero_grad()
        return self


def always(run: Run) -> None:
    run.scheduler.step()


def with_updates(run: Run) -> None:
    """The line of docs/distributed.md."""
    if run.accelerator.sync_gradients and not run.accelerator.optimizer_step_was_skipped:
        run.scheduler.step()


def with_metric(run: Run) -> None:
    run.scheduler.step(float(run.accelerator.process_index))  # another one on each rank


def ranks(folder: Path) -> dict[str, Any]:
    def two(step: Callable[..., Any], **options: Any) -> list[float]:
        return Run(**options).epoch(step).epoch(step).used

    told: dict[str, Any] = {
        "prepared": two(always, prepared=True),
        "split": two(always, prepared=True, split_batches=True),
        "split, accumulated": two(always, prepared=True, split_batches=True, accumulate=2),
        "unlinked": two(always, prepared=True, step_scheduler_with_optimizer=False),
        "unlinked, accumulated": two(with_updates, prepared=True, step_scheduler_with_optimizer=False, accumulate=2),
        "apart": two(with_updates),
        "apart, accumulated": two(with_updates, accumulate=2),
        "plateau prepared": two(with_metric, of=plateau, prepared=True),
        "plateau apart": two(with_metric, of=plateau),
    }
    saved = Run(accumulate=2).epoch(with_updates)
    saved.accelerator.save_state(str(folder / "state"))
    saved.accelerator.wait_for_everyone()
    loaded = Run(accumulate=2)
    loaded.accelerator.load_state(str(folder / "state"))
    told["resumed"] = loaded.epoch(with_updates).used
    return told


def main() -> None:
    torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=60))
    folder, rank = Path(sys.argv[1]), os.environ["RANK"]
    (folder / f"{rank}.json").write_text(json.dumps(ranks(folder)))
    torch.distributed.barrier()
    os._exit(0)


# -- the test


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("ranks")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={WORLD}",
        __file__,
        str(folder),
    ]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        output = run.communicate(timeout=300)[0]
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, output
    first, *others = (json.loads((folder / f"{rank}.json").read_text()) for rank in range(WORLD))
    assert others == [first]  # every rank does the same
    return first


def updates(n: int, every: int = 1, start: int = 0) -> Any:
    return pytest.approx([1 - every * t / 100 for t in range(start, start + n)])


def test_a_prepared_scheduler_is_stepped_once_per_rank(told: dict[str, Any]) -> None:
    """What Accelerate does unless told otherwise: time runs as fast as there are ranks."""
    assert told["prepared"] == updates(8, every=WORLD)


@pytest.mark.parametrize("way", ["split", "unlinked", "apart"])
def test_a_step_is_an_update(told: dict[str, Any], way: str) -> None:
    assert told[way] == updates(8)
    assert told[f"{way}, accumulated"] == updates(4)


def test_a_scheduler_that_was_not_prepared_is_saved_and_restored(told: dict[str, Any]) -> None:
    assert told["resumed"] == updates(2, start=2)


def test_a_plateau_sees_each_metric_once(told: dict[str, Any]) -> None:
    """The mean of the ranks' metrics stands still, which is borne once; prepared, where each counts twice, not even that."""
    assert told["plateau apart"] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert told["plateau prepared"] == [1, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]


if __name__ == "__main__":
    main()
