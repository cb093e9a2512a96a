"""The programs for optax and Keras run as they stand, and what they train sees the curve."""

import os
import runpy
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import lucid  # noqa: E402
from lucid._snippets import snippet  # noqa: E402
from lucid.schedules import Cosine, Schedule, Step, Warmup  # noqa: E402

STEPS, LR = 12, 0.01
SCHEDULES = {
    "join": Warmup(3) >> Cosine(6, end=1e-4),
    "recipe": lucid.recipe("wsd", 12),
    "product": Step(4, 0.5) * Warmup(4),
}
pytestmark = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def run(schedule: Schedule, format: str, folder: Path) -> dict[str, Any]:
    program = folder / "program.py"
    program.write_text(snippet(schedule, format, LR, STEPS), encoding="utf-8")
    return runpy.run_path(str(program), run_name="__main__")


def curve(schedule: Schedule) -> Any:
    """To what 32 bits hold."""
    return pytest.approx(schedule.at(range(STEPS), LR), rel=1e-6, abs=1e-9)


def test_optax(schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []

    def adamw(learning_rate: Any) -> Any:
        """Which tells what rate it has used: SGD's update is that times the gradient."""
        inner = optax.sgd(learning_rate)

        def update(grads: Any, state: Any, params: Any) -> Any:
            rate, _ = inner.update(jax.tree.map(jax.numpy.ones_like, grads), state, params)
            jax.debug.callback(lambda value: used.append(-float(value)), jax.tree.leaves(rate)[0].ravel()[0], ordered=True)
            return inner.update(grads, state, params)

        return optax.GradientTransformation(inner.init, update)

    monkeypatch.setattr(optax, "adamw", adamw)
    program = run(schedule, "optax", tmp_path)
    jax.effects_barrier()
    assert used == curve(schedule)
    assert not np.array_equal(program["params"], np.zeros((8, 1)))  # it trained


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn:DeprecationWarning")  # Keras' own
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="the other backends are tested through the adapter")
def test_keras(schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []
    step = keras.optimizers.AdamW.apply

    def apply(self: Any, *args: Any, **kwargs: Any) -> Any:
        used.append(float(self.learning_rate))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(keras.optimizers.AdamW, "apply", apply)
    program = run(schedule, "keras", tmp_path)
    assert used == curve(schedule)
    assert int(program["model"].optimizer.iterations) == STEPS
