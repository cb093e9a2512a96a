"""The Trainer with get_scheduler() of lucid.compat.transformers trains as with its own schedulers, resumes, and takes over."""

from pathlib import Path
from typing import Any

import pytest
from integrations.test_transformers import AT, STEPS, Run
from transformers.trainer_utils import SchedulerType

from lucid.compat.transformers import get_scheduler
from lucid.optim.lr_scheduler import LRScheduler

WARMUP = 3
METRICS = [1.0, 0.5, 0.6, 0.4, 0.45, 0.5, 0.5]
KWARGS: dict[str, dict[str, Any]] = {
    "cosine_with_restarts": {"num_cycles": 3},
    "polynomial": {"lr_end": 0.01, "power": 2.0},
    "cosine_with_min_lr": {"min_lr": 0.01},
    "cosine_warmup_with_min_lr": {"min_lr_rate": 0.1, "warmup_lr_rate": 0.2},
    "warmup_stable_decay": {"num_decay_steps": 4, "decay_type": "1-sqrt", "min_lr_ratio": 0.1},
    "reduce_lr_on_plateau": {"patience": 0, "factor": 0.5},
    "greedy": {"patience": 0, "factor": 0.5, "max_lr": 0.3},
}
NAMES = [kind.value for kind in SchedulerType]
FOLLOW_A_METRIC = ("reduce_lr_on_plateau", "greedy")


def run(name: str, mine: bool, folder: Path, resumed_at: int = 0, **options: Any) -> Run:
    """A Trainer with our scheduler, or with the one that it makes itself."""
    kwargs = KWARGS.get(name, {})

    def build(optimizer: Any) -> Any:
        return get_scheduler(name, optimizer, WARMUP, STEPS, kwargs) if mine else None

    if name in FOLLOW_A_METRIC:
        left = iter(METRICS[resumed_at // 2 :])
        options |= {
            "compute_metrics": lambda _: {"known": next(left)},
            "eval_strategy": "steps",
            "eval_steps": 2,
            "metric_for_best_model": "known",
            "greater_is_better": False,
        }
    return Run(build, folder, lr_scheduler_type=name, warmup_steps=WARMUP, lr_scheduler_kwargs=kwargs, **options)


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_resumes_as_with_its_own(name: str, tmp_path: Path) -> None:
    folders = {mine: tmp_path / str(mine) for mine in (True, False)}
    whole = {mine: run(name, mine, folder, save_strategy="steps", save_steps=AT) for mine, folder in folders.items()}
    used = {mine: one.train()["lr"] for mine, one in whole.items()}
    assert isinstance(whole[True].trainer.lr_scheduler, LRScheduler)
    assert not isinstance(whole[False].trainer.lr_scheduler, LRScheduler)
    assert len(used[True]) == STEPS
    assert used[True] == pytest.approx(used[False], rel=1e-12, abs=1e-13)
    assert (len(set(used[True])) > 1) == (name != "constant")
    assert whole[True].logged() == pytest.approx(whole[False].logged(), rel=1e-12, abs=1e-13)

    resumed = run(name, True, folders[True], AT)
    assert resumed.train(str(folders[True] / f"checkpoint-{AT}"))["lr"] == used[True][AT:]  # bit by bit
    taken_over = run(name, True, folders[False], AT)
    rest = taken_over.train(str(folders[False] / f"checkpoint-{AT}"))["lr"]
    assert rest == pytest.approx(used[False][AT:], rel=1e-12, abs=1e-13)
