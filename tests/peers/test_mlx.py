"""``lucid.compat.mlx`` beside ``mlx.optimizers.schedulers``, live: every schedule and every difference."""

import inspect
from typing import Any

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core")
schedulers = pytest.importorskip("mlx.optimizers.schedulers")

from lucid.compat import mlx as ours  # noqa: E402
from lucid.schedules import Cosine, Linear, Schedule, Step  # noqa: E402

STEPS = [*range(70), 99, 100, 101, 150, 999, 1000, 12_345, 10**6]

CASES: dict[str, list[tuple[Any, ...] | dict[str, Any]]] = {
    # 24 bits hold these rates, or they have fallen to nothing before the rounding of the rate itself tells: MLX rounds it
    "exponential_decay": [(0.1, 0.9), (0.1, 0.9375), (0.1, 0.99609375), {"init": 0.1, "decay_rate": 1.0}, (0.0, 0.9)],
    "step_decay": [(0.1, 0.9, 10), (0.1, 0.5, 1), {"init": 0.1, "decay_rate": 1.0, "step_size": 7}, (0.1, 0.1, 33)],
    "cosine_decay": [(0.1, 60), (0.1, 60, 0.01), {"init": 0.01, "decay_steps": 60, "end": 0.1}, (0.1, 1)],
    "linear_schedule": [(0.1, 0.01, 60), (0.0, 0.1, 60), {"init": 0.1, "end": 0.1, "steps": 9}, (0.1, 0.0, 1)],
}


def made(library: Any, name: str, arguments: tuple[Any, ...] | dict[str, Any]) -> Any:
    function = getattr(library, name)
    return function(**arguments) if isinstance(arguments, dict) else function(*arguments)


def assert_equal(schedule: Schedule, theirs: Any, rate: float = 0.1) -> None:
    for kind in (mx.uint64, mx.int32, mx.float32):  # an optimizer of MLX counts in the first
        steps = mx.array(STEPS, dtype=kind)
        expected = np.array(theirs(steps))
        for found in (schedule.at(STEPS), schedule(steps)):
            np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-6 * rate)
    assert schedule.at(STEPS[:9], base=7.0) == schedule.at(STEPS[:9])
    assert schedule.absolute


@pytest.mark.parametrize(("name", "i"), [(name, i) for name, cases in CASES.items() for i in range(len(cases))])
def test_the_values_are_mlxs(name: str, i: int) -> None:
    arguments = CASES[name][i]
    schedule = made(ours, name, arguments)
    assert_equal(schedule, made(schedulers, name, arguments))
    assert Schedule.from_json(schedule.to_json()) == schedule


@pytest.mark.parametrize("boundaries", [(20, 40), (0, 40), (40, 20), (20, 20)])
def test_joined_schedules_are_mlxs(boundaries: tuple[int, int]) -> None:
    def parts(library: Any) -> list[Any]:
        return [library.linear_schedule(0.0, 0.1, 25), library.cosine_decay(0.1, 30, 0.01), library.step_decay(0.05, 0.5, 9)]

    theirs = schedulers.join_schedules(parts(schedulers), boundaries)
    assert_equal(ours.join_schedules(parts(ours), boundaries), theirs)
    joined = ours.join_schedules([parts(ours)[0], *parts(schedulers)[1:]], boundaries)
    for step in STEPS[:70]:
        assert float(joined(mx.array(step, dtype=mx.uint64))) == pytest.approx(float(theirs(mx.array(step))), abs=1e-7)


def test_lucids_schedules_join_as_mlx_would_call_them() -> None:
    parts, boundaries = [0.1 * Linear(20), 0.1 * Cosine(30), 0.01 * Step(9, 0.5)], [20, 50]
    assert_equal(ours.join_schedules(parts, boundaries), schedulers.join_schedules(parts, boundaries))


def test_every_schedule_of_mlx_has_its_namesake() -> None:
    found = {
        name
        for name, value in vars(schedulers).items()
        if inspect.isfunction(value) and value.__module__ == schedulers.__name__ and not name.startswith("_")
    }
    assert len(found) >= 5
    assert found == set(ours.__all__)
    assert set(CASES) == found - {"join_schedules"}


@pytest.mark.parametrize("name", ours.__all__)
def test_the_arguments_are_mlxs(name: str) -> None:
    def arguments(function: Any) -> list[Any]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert arguments(getattr(ours, name)) == arguments(getattr(schedulers, name))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("step_decay", (0.1, 0.5, 0), "step_size must be >= 1, got 0"),
        ("cosine_decay", (0.1, 0), "decay_steps must be >= 1, got 0"),
        ("linear_schedule", (0.1, 0.0, 0), "steps must be >= 1, got 0"),
        ("join_schedules", ([], []), "schedules must be one or more, got none"),
        ("join_schedules", ([Linear(3), Linear(3)], []), "boundaries must be one less than the 2 schedules, got 0"),
    ],
)
def test_what_mlx_refuses_is_refused(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        getattr(schedulers, name)(*arguments)
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        getattr(ours, name)(*arguments)


# -- the differences, all of which occur


def test_values_below_zero() -> None:
    assert float(schedulers.linear_schedule(0.1, -0.1, 10)(mx.array(10))) == pytest.approx(-0.1)
    with pytest.raises(ValueError, match=r"^linear_schedule: end must be >= 0, got -0.1"):
        ours.linear_schedule(0.1, -0.1, 10)


def test_ratios_that_are_not_above_zero() -> None:
    assert float(schedulers.exponential_decay(0.1, 0.0)(mx.array(3))) == 0.0
    with pytest.raises(ValueError, match=r"^exponential_decay: decay_rate must be > 0, got 0.0"):
        ours.exponential_decay(0.1, 0.0)
    with pytest.raises(ValueError, match=r"^step_decay: decay_rate must be > 0, got -0.5"):
        ours.step_decay(0.1, -0.5, 3)


def test_before_the_start() -> None:
    assert float(schedulers.linear_schedule(0.0, 0.1, 10)(mx.array(-5))) == pytest.approx(-0.05)
    assert ours.linear_schedule(0.0, 0.1, 10)(-5) == 0.0
    assert float(schedulers.exponential_decay(0.1, 0.5)(mx.array(-1.0))) == pytest.approx(0.2)
    assert ours.exponential_decay(0.1, 0.5)(-1) == 0.1


def test_growth_without_end() -> None:
    assert np.isinf(float(schedulers.exponential_decay(0.1, 2.0)(mx.array(1000.0))))
    assert ours.exponential_decay(0.1, 2.0)(1000) == 0.1 * 2.0**126
