"""Schedules in MLX: the whole catalogue, its optimizers trained with it, and compiled."""

from typing import Any

import numpy as np
import pytest
from catalogue import ROWS, draw

mx = pytest.importorskip("mlx.core")
nn = pytest.importorskip("mlx.nn")
optim = pytest.importorskip("mlx.optimizers")

from lucid.compat import mlx as compat  # noqa: E402
from lucid.schedules import Absolute, Constant, Cosine, Linear, Schedule, Step  # noqa: E402

EVERY = [(name, variant) for name, row in ROWS.items() for variant in row]
STEPS = [0, 1, 2, 3, 7, 16, 29, 30, 41, 58, 60, 123, 400]


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_every_schedule_takes_mlxs_steps(name: str, variant: str) -> None:
    schedule = draw(name, variant, 1)
    expected = np.array(schedule.at(STEPS, 0.3))
    bound = 1e-5 * max(1.0, expected.max())
    counts = {kind: mx.array(STEPS, dtype=kind) for kind in (mx.uint64, mx.int32, mx.float32)}
    compiled = mx.compile(lambda t: schedule(t, 0.3))(counts[mx.uint64])  # its optimizers count in these
    for found in (compiled, *(schedule(steps, 0.3) for steps in counts.values())):
        assert isinstance(found, mx.array)
        np.testing.assert_allclose(np.array(found), expected, rtol=0, atol=bound)
    for step, value in zip(STEPS, expected, strict=True):
        assert float(schedule(mx.array(step, dtype=mx.uint64), 0.3)) == pytest.approx(value, rel=0, abs=bound)


def trained(rate: Any, kind: Any, *, compiled: bool = False) -> tuple[list[float], np.ndarray]:
    """The rates of 60 steps on a line through eight points, and where they lead."""
    x = mx.linspace(-1.0, 1.0, 8)[:, None]
    y = 3 * x - 0.5
    mx.random.seed(0)
    model = nn.Linear(1, 1)
    optimizer = kind(learning_rate=rate)

    def loss(model: Any) -> Any:
        return ((model(x) - y) ** 2).mean()

    gradients = nn.value_and_grad(model, loss)

    def step() -> Any:
        value, found = gradients(model)
        optimizer.update(model, found)
        return value

    if compiled:
        optimizer.init(model.trainable_parameters())
        state = [model.state, optimizer.state]
        step = mx.compile(step, inputs=state, outputs=state)
    rates, losses = [], []
    for _ in range(60):
        losses.append(float(step()))
        rates.append(float(optimizer.learning_rate))
    assert losses[-1] < losses[0] / 2  # it does learn
    return rates, np.concatenate([np.array(model.weight).ravel(), np.array(model.bias)])


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW], ids=lambda kind: kind.__name__)
def test_training_is_the_same_as_with_mlxs_own_schedule(kind: Any, compiled: bool) -> None:
    warmup, fall = optim.linear_schedule(0.01, 0.2, 10), optim.cosine_decay(0.2, 50, 0.01)
    rates, theirs = trained(optim.join_schedules([warmup, fall], [10]), kind, compiled=compiled)
    for rate in (
        compat.join_schedules([compat.linear_schedule(0.01, 0.2, 10), compat.cosine_decay(0.2, 50, 0.01)], [10]),
        Absolute(0.2) * Cosine(50, 0.01).warmup(10, start=0.05),
    ):
        found, ours = trained(rate, kind, compiled=compiled)
        np.testing.assert_allclose(found, rates, rtol=1e-5)
        np.testing.assert_allclose(found, rate.at(range(60)), rtol=0, atol=1e-6)
        np.testing.assert_allclose(ours, theirs, rtol=2e-5)
    if compiled:
        return
    assert not np.allclose(trained(optim.cosine_decay(0.2, 60), kind)[1], theirs, rtol=2e-4)


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(steps=2**30) >> Linear(1000, 1.0, 0.0),
        Cosine(1000).shift(2**30),
        (Linear(7) >> Cosine(1000)).repeat(),
        Step(100, 0.9999999),
    ],
    ids=repr,
)
def test_whole_numbers_keep_whole_counters_exact(schedule: Schedule) -> None:
    """Beyond the 24 bits of a single float."""
    for n in (0, 1, 2, 3, 99, 100, 777):
        assert float(schedule(mx.array(2**30 + n, dtype=mx.uint64))) == pytest.approx(schedule(2**30 + n), abs=1e-6)
