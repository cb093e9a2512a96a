"""The Trainer of Hugging Face transformers steps, logs, saves and restores our schedulers as it does PyTorch's."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from integrations.rows import (
    METRICS,
    PLATEAU,
    ROWS,
    TWINS,
    Build,
    Used,
    assert_used,
    check,
    expected,
    plateau,
    recorded,
    rest,
    sgd,
)
from torch.optim import lr_scheduler as theirs
from transformers import AutoModelForCausalLM, LlamaConfig, Trainer, TrainingArguments

from lucid.optim import lr_scheduler as ours

STEPS, AT = 13, 6


def tiny() -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    return AutoModelForCausalLM.from_config(LlamaConfig(**sizes, num_attention_heads=1, max_position_embeddings=8))


class Run:
    """A Trainer on a tiny language model, with an optimizer that tells what it used."""

    def __init__(self, build: Build, folder: Path, compute_metrics: Callable[[Any], Any] | None = None, **options: Any) -> None:
        model = tiny()
        optimizer = sgd(model.parameters())
        self.used = recorded(optimizer)
        text = [{"input_ids": ids, "labels": ids} for ids in torch.arange(64).remainder(8).view(16, 4)]
        options = {"save_strategy": "no", "max_steps": STEPS, "logging_steps": 1, **options}
        arguments = TrainingArguments(
            str(folder), use_cpu=True, report_to=[], disable_tqdm=True, per_device_train_batch_size=4, **options
        )
        self.trainer = Trainer(
            model,
            arguments,
            train_dataset=text,
            eval_dataset=text[:4],
            compute_metrics=compute_metrics,
            optimizers=(optimizer, build(optimizer)),
        )

    def train(self, resume: str | None = None) -> Used:
        self.trainer.train(resume_from_checkpoint=resume)
        return self.used

    def logged(self) -> list[float]:
        return [line["learning_rate"] for line in self.trainer.state.log_history if "learning_rate" in line]


@pytest.mark.parametrize(("name", "accumulate"), [*((name, 1) for name in ROWS), ("LRScheduler, keys", 3)])
def test_rates_used_and_logged(name: str, accumulate: int, tmp_path: Path) -> None:
    def run(build: Build) -> Used:
        run = Run(build, tmp_path, gradient_accumulation_steps=accumulate)
        used = run.train()
        assert run.logged() == used["lr"]
        return used

    check(name, range(STEPS), run)


@pytest.mark.parametrize("name", ROWS)
def test_resuming_is_as_if_nothing_had_happened(name: str, tmp_path: Path) -> None:
    build = partial(ROWS[name].build, ours)
    whole = Run(build, tmp_path, save_strategy="steps", save_steps=AT)
    assert_used(whole.train(), expected(name, range(STEPS)))

    resumed = Run(build, tmp_path)
    assert resumed.train(str(tmp_path / f"checkpoint-{AT}")) == rest(whole.used, AT)  # bit by bit
    assert resumed.logged() == whole.logged()


@pytest.mark.parametrize("name", TWINS)
def test_a_checkpoint_of_pytorchs_scheduler_goes_on_with_ours(name: str, tmp_path: Path) -> None:
    Run(partial(ROWS[name].build, theirs), tmp_path, save_strategy="steps", save_steps=AT).train()
    resumed = Run(partial(ROWS[name].build, ours), tmp_path)
    assert_used(resumed.train(str(tmp_path / f"checkpoint-{AT}")), rest(expected(name, range(STEPS)), AT))


@pytest.mark.parametrize("at", [4, 8])
@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
def test_a_plateau_follows_the_metric_for_the_best_model(module: Any, at: int, tmp_path: Path) -> None:
    def run(metrics: list[float]) -> Run:
        left = iter(metrics)
        return Run(
            partial(plateau, module),
            tmp_path,
            lambda _: {"known": next(left)},
            max_steps=2 * len(METRICS),
            eval_strategy="steps",
            eval_steps=2,
            save_strategy="steps",
            save_steps=2,
            metric_for_best_model="known",
            greater_is_better=False,
        )

    right = [rate for rate in PLATEAU[:-1] for _ in range(2)]
    whole = run(METRICS)
    assert whole.train()["lr"] == whole.logged() == right
    resumed = run(METRICS[at // 2 :])
    assert resumed.train(str(tmp_path / f"checkpoint-{at}"))["lr"] == right[at:]
    assert resumed.logged() == right
