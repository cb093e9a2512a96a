"""The program for transformers runs as it stands, and its optimizer sees the curve, to the last bit."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from torch.optim.optimizer import register_optimizer_step_pre_hook

import lucid
from lucid._snippets import snippet
from lucid.schedules import Cosine, Schedule, Step, Warmup

STEPS, LR = 12, 0.01
SCHEDULES = {
    "join": Warmup(3) >> Cosine(6, end=1e-4),
    "recipe": lucid.recipe("wsd", 12),
    "product": Step(4, 0.5) * Warmup(4),
}


@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true but no accelerator is found:UserWarning")
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_transformers(schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    used: list[float] = []

    def note(optimizer: Any, args: Any, kwargs: Any) -> None:
        used.append(optimizer.param_groups[0]["lr"])

    (tmp_path / "program.py").write_text(snippet(schedule, "transformers", LR, STEPS), encoding="utf-8")
    hook = register_optimizer_step_pre_hook(note)
    try:
        runpy.run_path("program.py", run_name="__main__")
    finally:
        hook.remove()
    assert used == schedule.at(range(STEPS), LR)
