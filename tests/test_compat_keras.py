"""Keras' schedules by their own names, without Keras: values worked out by hand, refusals, configurations."""

import math
import subprocess
import sys
from math import cos, inf, nan, pi, sqrt
from typing import Any

import pytest

import lucid.adapters
from lucid.compat import keras
from lucid.compat.keras import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from lucid.schedules import Constant, Schedule

WORKED: list[tuple[Schedule, dict[float, float]]] = [
    (ExponentialDecay(0.8, 10, 0.25), {0: 0.8, 5: 0.4, 10: 0.2, 20: 0.05}),
    (ExponentialDecay(0.8, 10, 0.25, staircase=True), {0: 0.8, 9: 0.8, 10: 0.2, 19: 0.2, 20: 0.05}),
    (ExponentialDecay(0.5, 4, 4.0, True), {3: 0.5, 4: 2.0, 8: 8.0}),
    (ExponentialDecay(0.5, 4, 0.0), {0: 0.5, 1: 0.0, 2: 0.0, 99: 0.0}),
    (ExponentialDecay(0.5, 4, 0, staircase=True), {0: 0.5, 3: 0.5, 4: 0.0, 99: 0.0}),
    (PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1]), {0: 1.0, 10: 1.0, 11: 0.5, 20: 0.5, 21: 0.1, 999: 0.1}),
    (PiecewiseConstantDecay((0, 1), (0.3, 0.2, 0.1)), {0: 0.3, 1: 0.2, 2: 0.1}),
    (PiecewiseConstantDecay([2.5], [1.0, 0.5]), {2: 1.0, 3: 0.5}),
    (PiecewiseConstantDecay([], [0.25]), {0: 0.25, 100: 0.25}),
    (PolynomialDecay(0.5, 8), {0: 0.5, 4: 0.25005, 8: 0.0001, 9: 0.0001}),
    (PolynomialDecay(0.5, 8, 0.1, power=2.0), {0: 0.5, 4: 0.2, 8: 0.1}),
    (PolynomialDecay(0.5, 8, 0.1, power=0.5), {6: 0.3, 8: 0.1}),
    (PolynomialDecay(1.0, 4, 0.0, cycle=True), {0: 1.0, 4: 0.0, 5: 0.375, 8: 0.0, 9: 0.25, 12: 0.0}),
    (InverseTimeDecay(0.6, 10, 0.5), {0: 0.6, 10: 0.4, 40: 0.2}),
    (InverseTimeDecay(0.6, 10, 0.5, staircase=True), {9: 0.6, 10: 0.4, 19: 0.4, 20: 0.3}),
    (InverseTimeDecay(0.6, 10, 0.0), {0: 0.6, 1000: 0.6}),
    (CosineDecay(0.4, 8), {0: 0.4, 4: 0.2, 8: 0.0, 100: 0.0}),
    (CosineDecay(0.4, 8, alpha=0.5), {0: 0.4, 4: 0.3, 8: 0.2}),
    (CosineDecay(0.4, 8, warmup_steps=100), {0: 0.4, 4: 0.2, 8: 0.0}),  # without a target there is no warm-up
    (CosineDecay(0.1, 8, 0.5, warmup_target=0.4, warmup_steps=3), {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4, 7: 0.3, 11: 0.2, 12: 0.2}),
    (CosineDecay(0.4, 8, 0.5, warmup_target=0.1, warmup_steps=3), {0: 0.4, 1: 0.3, 3: 0.1, 11: 0.05}),
    (CosineDecay(0.1, 8, warmup_target=0.4), {0: 0.4, 8: 0.0}),
    (CosineDecay(0, 8, warmup_target=0.4, warmup_steps=4), {0: 0.0, 2: 0.2, 4: 0.4}),
    (CosineDecayRestarts(1.0, 4), {0: 1.0, 2: 0.5, 3: (1 + cos(0.75 * pi)) / 2, 4: 1.0, 8: 0.5, 12: 1.0, 28: 1.0}),
    (CosineDecayRestarts(1.0, 4, t_mul=1.0), {4: 1.0, 6: 0.5, 8: 1.0, 400: 1.0}),
    # peaks: floor 0.25 plus 0.75 times 1, 0.4, 0.16
    (CosineDecayRestarts(1.0, 4, 1.0, 0.4, alpha=0.25), {0: 1.0, 2: 0.625, 4: 0.55, 6: 0.4, 8: 0.37}),
    (CosineDecayRestarts(0.5, 2, alpha=1.0, m_mul=0.5), {0: 0.5, 1: 0.5, 77: 0.5}),
    # peaks that rise: floor 0.25 plus 0.75 times 1, 2, 4
    (
        CosineDecayRestarts(1.0, 4, 1.0, 2.0, alpha=0.25),
        {0: 1.0, 2: 0.625, 4: 1.75, 6: 1.0, 8: 3.25, 400: 0.25 + 0.75 * 2**100},
    ),
    (CosineDecayRestarts(1.0, 4, 2.0, 2.0, alpha=0.25), {0: 1.0, 2: 0.625, 4: 1.75, 8: 1.0, 12: 3.25, 4 * 1023: 768.25}),
    (CosineDecayRestarts(1.0, 2**32, 2.0, 3.0), {0: 1.0, 2**31: 0.5}),
    (CosineDecayRestarts(1.0, 4, 2.0, 0.0, alpha=0.25), {0: 1.0, 2: 0.625, 4: 0.25, 99: 0.25}),
    (CosineDecayRestarts(1.0, 10, t_mul=7.0, alpha=0.25), {10: 1.0, 80: 1.0, 570: 1.0, 4000: 1.0}),
    (CosineDecayRestarts(1.0, 10, t_mul=1.5), {10: 1.0, 25: 1.0, 47: (1 + cos(pi * 22 / 22.5)) / 2}),
]


@pytest.mark.parametrize(("schedule", "values"), WORKED, ids=[str(i) for i in range(len(WORKED))])
def test_worked_values(schedule: Schedule, values: dict[float, float]) -> None:
    for t, value in values.items():
        assert schedule(t) == pytest.approx(value, rel=1e-12, abs=1e-15), t
        assert schedule(t, 123.0) == schedule(t)  # absolute
    assert schedule.absolute


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in WORKED], ids=[str(i) for i in range(len(WORKED))])
def test_configurations_of_the_catalogue(schedule: Schedule) -> None:
    again = Schedule.from_json(schedule.to_json())
    assert again == schedule
    assert again.at(range(40)) == schedule.at(range(40))


REFUSED: list[tuple[Any, tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    (ExponentialDecay, (-0.1, 10, 0.5), {}, ValueError, "ExponentialDecay: initial_learning_rate must be >= 0, got -0.1"),
    (ExponentialDecay, (0.1, 0, 0.5), {}, ValueError, "ExponentialDecay: decay_steps must be > 0, got 0"),
    (ExponentialDecay, (0.1, 10, -0.5), {}, ValueError, "ExponentialDecay: decay_rate must be >= 0, got -0.5"),
    (ExponentialDecay, (0.1, 10, 0.5, 1), {}, TypeError, "ExponentialDecay: staircase must be True or False, got 1"),
    (ExponentialDecay, (nan, 10, 0.5), {}, ValueError, "ExponentialDecay: initial_learning_rate must be finite, got nan"),
    (
        PiecewiseConstantDecay,
        ([1], [1.0]),
        {},
        ValueError,
        "values must be one more than boundaries, got 1 values, 1 boundaries",
    ),
    (
        PiecewiseConstantDecay,
        ([1], [1, 1, 1]),
        {},
        ValueError,
        "values must be one more than boundaries, got 3 values, 1 boundar",
    ),
    (PiecewiseConstantDecay, ([], []), {}, ValueError, "values must be one more than boundaries, got 0 values, 0 boundaries"),
    (PiecewiseConstantDecay, ([2, 1], [1, 1, 1]), {}, ValueError, "boundaries must rise by a step at least, got [2, 1]; sort"),
    (PiecewiseConstantDecay, ([2, 2], [1, 1, 1]), {}, ValueError, "boundaries must rise by a step at least, got [2, 2]; sort"),
    (PiecewiseConstantDecay, ([2.2, 2.7], [1, 1, 1]), {}, ValueError, "boundaries must rise by a step at least"),
    (PiecewiseConstantDecay, ([-1], [1, 1]), {}, ValueError, "PiecewiseConstantDecay: boundaries[0] must be >= 0, got -1"),
    (PiecewiseConstantDecay, ([1, inf], [1, 1, 1]), {}, ValueError, "boundaries[1] must be finite, got inf"),
    (PiecewiseConstantDecay, ([1], [1, -1]), {}, ValueError, "PiecewiseConstantDecay: values[1] must be >= 0, got -1"),
    (PiecewiseConstantDecay, (1, [1, 1]), {}, TypeError, "PiecewiseConstantDecay: boundaries must be a list of numbers, got 1"),
    (PiecewiseConstantDecay, ([1], "12"), {}, TypeError, "PiecewiseConstantDecay: values must be a list of numbers, got '12'"),
    (PiecewiseConstantDecay, ([1], [1, 1], 5), {}, TypeError, "PiecewiseConstantDecay: name must be a string, got 5"),
    (PolynomialDecay, (0.1, 0), {}, ValueError, "PolynomialDecay: decay_steps must be > 0, got 0"),
    (PolynomialDecay, (0.1, 1, -1), {}, ValueError, "PolynomialDecay: end_learning_rate must be >= 0, got -1"),
    (PolynomialDecay, (0.1, 1, 0.0, -1), {}, ValueError, "PolynomialDecay: power must be >= 0, got -1"),
    (PolynomialDecay, (0.1, 1, 0.0, 1, "no"), {}, TypeError, "PolynomialDecay: cycle must be True or False, got 'no'"),
    (InverseTimeDecay, (0.1, -1, 1), {}, ValueError, "InverseTimeDecay: decay_steps must be > 0, got -1"),
    (InverseTimeDecay, (0.1, 1, -1), {}, ValueError, "InverseTimeDecay: decay_rate must be >= 0, got -1"),
    (InverseTimeDecay, (0.1, 1, 1, None), {}, TypeError, "InverseTimeDecay: staircase must be True or False, got None"),
    (CosineDecay, (0.1, 0), {}, ValueError, "CosineDecay: decay_steps must be > 0, got 0"),
    (CosineDecay, (0.1, 1, -0.1), {}, ValueError, "CosineDecay: alpha must be >= 0, got -0.1"),
    (CosineDecay, (0.1, 1, 0.0, 0.5, 10), {}, TypeError, "CosineDecay: name must be a string, got 0.5"),
    (CosineDecay, (0.1, 1), {"warmup_steps": -1}, ValueError, "CosineDecay: warmup_steps must be >= 0, got -1"),
    (CosineDecay, (0.1, 1), {"warmup_target": -1}, ValueError, "CosineDecay: warmup_target must be >= 0, got -1"),
    (CosineDecay, ("0.1", 1), {}, TypeError, "CosineDecay: initial_learning_rate must be a number, got '0.1'"),
    (CosineDecayRestarts, (0.1, 0), {}, ValueError, "CosineDecayRestarts: first_decay_steps must be > 0, got 0"),
    (CosineDecayRestarts, (0.1, 1, 0.5), {}, ValueError, "CosineDecayRestarts: t_mul must be >= 1, got 0.5"),
    (CosineDecayRestarts, (0.1, 1, 2, -1), {}, ValueError, "CosineDecayRestarts: m_mul must be >= 0, got -1"),
    (
        CosineDecayRestarts,
        (0.1, 1, 1.01, 1.1),
        {},
        ValueError,
        "t_mul must be 1, or so large that for m_mul > 1 at most 200 cycles begin before step 2**31, got 1.01 with 1697 of",
    ),
    (
        CosineDecayRestarts,
        (0.1, 1, 2.0, 1e10),
        {},
        ValueError,
        "CosineDecayRestarts: m_mul must be so small that the peaks up to step 2**31, 32 of them, are finite, got",
    ),
    (CosineDecayRestarts, (0.1, 1, 2, 1, 1.5), {}, ValueError, "CosineDecayRestarts: alpha must be in [0, 1], got 1.5"),
]


@pytest.mark.parametrize(("made", "args", "more", "error", "message"), REFUSED, ids=[row[-1] for row in REFUSED])
def test_refusals(made: Any, args: tuple[Any, ...], more: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as refused:
        made(*args, **more)
    assert message in str(refused.value)


@pytest.mark.parametrize(("first", "t_mul"), [(1, 2.0), (10, 2.0), (7, 1.5), (1, 1.2), (100, 1.1), (1.5, 30.0)])
def test_rising_peaks_are_laid_out_to_the_end_of_keras_count(first: float, t_mul: float) -> None:
    """Every cycle that begins before step 2**31, and none after."""
    schedule = CosineDecayRestarts(1.0, first, t_mul, 1.05)
    (times,) = [part.parts[-1].times for part in schedule.parts if hasattr(part, "parts")]
    begins = [first * (t_mul**i - 1) / (t_mul - 1) for i in (times - 1, times)]
    assert begins[0] < 2**31 <= begins[1]
    assert schedule.length >= 2**31
    assert schedule(math.ceil(begins[0])) == pytest.approx(1.05 ** (times - 1), rel=1e-6)


def test_the_name_changes_nothing() -> None:
    for made, args in (
        (ExponentialDecay, (0.1, 10, 0.5)),
        (PiecewiseConstantDecay, ([1], [1.0, 0.5])),
        (PolynomialDecay, (0.1, 10)),
        (InverseTimeDecay, (0.1, 10, 0.5)),
        (CosineDecay, (0.1, 10)),
        (CosineDecayRestarts, (0.1, 10)),
    ):
        assert made(*args, name="mine") == made(*args, name=None) == made(*args)
    assert {made.__name__ for made in map(vars(keras).get, keras.__all__)} == set(keras.__all__)


def test_neither_namesakes_nor_adapters_bring_a_library() -> None:
    code = """
import sys
import lucid.adapters
import lucid.compat.keras
dir(lucid.adapters)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "lucid" in loaded
    assert loaded.isdisjoint({"keras", "torch", "jax", "numpy", "tensorflow"})


def test_the_adapters_names() -> None:
    assert {"jax", "keras"} <= set(dir(lucid.adapters))
    assert callable(lucid.adapters.keras)
    assert callable(lucid.adapters.jax.on_host)
    with pytest.raises(AttributeError, match=r"module 'lucid\.adapters' has no attribute 'caffe'"):
        _ = lucid.adapters.caffe


def test_without_keras_the_adapter_says_so_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delitem(sys.modules, "lucid.adapters._keras", raising=False)
    monkeypatch.delitem(vars(lucid.adapters), "keras", raising=False)
    adapter = lucid.adapters.keras  # asking for it is no error
    assert "keras" in vars(lucid.adapters)
    with pytest.raises(ImportError, match="keras"):
        adapter(Constant())


def test_square_root_decay_is_exact_at_its_end() -> None:
    schedule = PolynomialDecay(0.1, 50, end_learning_rate=0.01, power=0.5)
    assert schedule(50) == 0.01
    assert schedule(49) == pytest.approx(0.01 + 0.09 * sqrt(1 / 50), rel=1e-12)
