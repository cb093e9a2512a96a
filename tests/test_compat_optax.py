"""``lucid.compat.optax`` and ``lucid.compat.mlx`` by themselves: refusals, JSON, importing, and worked values."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lucid
from lucid.compat import mlx, optax
from lucid.schedules import Absolute, Cosine, Exponential, Linear, Polynomial, Schedule, Step

CYCLE = {"init_value": 0.0, "peak_value": 0.5, "warmup_steps": 2, "decay_steps": 6}
MADE: list[Schedule] = [
    optax.constant_schedule(0.5),
    optax.polynomial_schedule(0.5, 0.25, 2, 4, 1),
    optax.linear_schedule(0.0, 0.5, 4),
    optax.piecewise_constant_schedule(0.5, {2: 0.5, 4: 0.0}),
    optax.piecewise_interpolate_schedule("cosine", 0.5, {2: 0.5, 4: 3.0}),
    optax.piecewise_interpolate_schedule("linear", 0.5, {-2: 0.5, 4: 3.0}),
    optax.exponential_decay(0.5, 2, 0.5, 1, True, 0.1),
    optax.exponential_decay(0.5, 2, 1.5, end_value=0.75),
    optax.cosine_decay_schedule(0.5, 4, 0.25, 2.0),
    optax.linear_onecycle_schedule(10, 0.5),
    optax.cosine_onecycle_schedule(10, 0.5),
    optax.warmup_constant_schedule(0.0, 0.5, 4),
    optax.warmup_cosine_decay_schedule(0.0, 0.5, 2, 6, 0.125),
    optax.warmup_exponential_decay_schedule(0.0, 0.5, 2, 3, 0.5),
    optax.sgdr_schedule([CYCLE, CYCLE | {"decay_steps": 3}]),
    optax.join_schedules([Linear(3), Cosine(4)], [2]),
    mlx.exponential_decay(0.5, 0.75),
    mlx.step_decay(0.5, 0.75, 3),
    mlx.cosine_decay(0.5, 4, 0.25),
    mlx.linear_schedule(0.0, 0.5, 4),
    mlx.join_schedules([mlx.linear_schedule(0.0, 0.5, 4), mlx.cosine_decay(0.5, 4)], [4]),
]


@pytest.mark.parametrize("schedule", MADE, ids=repr)
def test_what_they_return_is_a_schedule_like_any_other(schedule: Schedule) -> None:
    copy = Schedule.from_dict(json.loads(json.dumps(schedule.to_dict(), allow_nan=False)))
    times = [*range(-3, 14), 1.5, 10**6]
    assert copy == schedule
    assert copy.at(times) == schedule.at(times)
    assert schedule.absolute
    assert schedule.at(times, base=3.0) == schedule.at(times)
    assert all(0 <= value <= 1.5 for value in schedule.at(times))
    np.testing.assert_allclose(schedule(np.array(times)), schedule.at(times), rtol=1e-12, atol=1e-15)
    unsigned = np.array(times[3:17], dtype=np.uint64)  # a counter that knows nothing below 0
    np.testing.assert_allclose(schedule(unsigned), schedule.at(unsigned.tolist()), rtol=1e-12, atol=1e-15)
    assert [float(schedule(t)) for t in unsigned] == pytest.approx(schedule.at(unsigned.tolist()), rel=1e-12, abs=1e-15)


def test_all_of_them_are_made_above() -> None:
    assert len(MADE) >= len(optax.__all__) + len(mlx.__all__)
    assert optax.__all__ == sorted(optax.__all__)
    assert mlx.__all__ == sorted(mlx.__all__)


def test_they_are_thin_expressions_of_the_catalogue() -> None:
    assert optax.constant_schedule(0.5) == Absolute(0.5)
    assert optax.linear_schedule(0.1, 0.5, 4) == Absolute(0.1) * Polynomial(4, 1, 0.5)
    assert optax.linear_schedule(0.1, 0.5, 0, 9) == Absolute(0.1)
    assert optax.linear_schedule(0.1, 0.5, 4, 3) == (Absolute(0.1) * Polynomial(4, 1, 0.5)).shift(3)
    assert optax.exponential_decay(0.1, 4, 0.5) == Absolute(0.1) * Exponential(0.5, 4)
    assert optax.exponential_decay(0.1, 4, 0.5, 0, True) == Absolute(0.1) * Step(4, 0.5)
    assert optax.exponential_decay(0.1, 4, 0.5, end_value=0.01) == (Absolute(0.1) * Exponential(0.5, 4)).maximum(0.01)
    assert optax.cosine_decay_schedule(0.5, 4, 0.25) == Absolute(0.5) * Cosine(4, 0.125)
    warmup = Absolute(0.0) * Polynomial(2, 1, 0.5)
    assert optax.warmup_cosine_decay_schedule(0.0, 0.5, 2, 6) == warmup >> Absolute(0.5) * Cosine(4)
    assert optax.join_schedules([Linear(2), 0.5 * Cosine(4)], [2]) == Absolute(1.0) * (Linear(2) >> 0.5 * Cosine(4))
    assert mlx.join_schedules is optax.join_schedules
    joined = optax.join_schedules([Linear(9), Step(3), Cosine(4)], [2, 2])
    assert joined == Absolute(1.0) * (Linear(9)[:2] >> Cosine(4))  # the one that never acts is left out
    assert "[:" not in repr(optax.sgdr_schedule([CYCLE] * 3))  # nothing is cut that ends there anyway


def test_numbers_come_from_every_library() -> None:
    plain = optax.warmup_cosine_decay_schedule(0.0, 0.5, 2, 6)
    assert optax.warmup_cosine_decay_schedule(np.float32(0.0), np.array(0.5), np.int64(2), np.uint8(6)) == plain
    assert all(type(value) in (int, float) for value in optax.linear_schedule(np.float64(0.5), 0, np.int32(4)).at(range(3)))


def test_a_function_is_called_on_its_own_count_and_is_no_json() -> None:
    asked: list[Any] = []

    def mine(count: Any) -> float:
        asked.append(count)
        return 0.25

    joined = optax.join_schedules([optax.linear_schedule(0.0, 1.0, 4), mine], [4])
    assert joined.at([0, 2, 4, 9]) == [0.0, 0.5, 0.25, 0.25]
    assert asked == [0, 5]
    with pytest.raises(ValueError, match=r"^Lambda: fn is .*mine.*, which JSON cannot hold"):
        joined.to_dict()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optax.constant_schedule(-1), ValueError, "constant_schedule: value must be >= 0, got -1"),
        (lambda: optax.constant_schedule("1"), TypeError, "constant_schedule: value must be a number, got '1'"),
        (lambda: optax.constant_schedule(True), TypeError, "constant_schedule: value must be a number, got True"),
        (lambda: optax.polynomial_schedule(-1, 0, 1, 4), ValueError, "polynomial_schedule: init_value must be >= 0, got -1"),
        (lambda: optax.polynomial_schedule(1, -1, 1, 4), ValueError, "polynomial_schedule: end_value must be >= 0, got -1"),
        (lambda: optax.polynomial_schedule(1, 0, -1, 4), ValueError, "polynomial_schedule: power must be >= 0, got -1"),
        (lambda: optax.polynomial_schedule(1, 0, 1, None), TypeError, "polynomial_schedule: transition_steps must be a number"),
        (
            lambda: optax.polynomial_schedule(1, 0, 1, 4, float("nan")),
            ValueError,
            "polynomial_schedule: transition_begin must be finite",
        ),
        (lambda: optax.linear_schedule(-1, 0, 4), ValueError, "linear_schedule: init_value must be >= 0, got -1"),
        (
            lambda: optax.linear_schedule(1, 0, float("inf")),
            ValueError,
            "linear_schedule: transition_steps must be finite, got inf",
        ),
        (lambda: optax.linear_schedule(1, 0, 4, "2"), TypeError, "linear_schedule: transition_begin must be a number, got '2'"),
        (
            lambda: optax.piecewise_constant_schedule(-1, {}),
            ValueError,
            "piecewise_constant_schedule: init_value must be >= 0, got -1",
        ),
        (
            lambda: optax.piecewise_constant_schedule(1, [(3, 0.5)]),
            TypeError,
            r"piecewise_constant_schedule: boundaries_and_scales must be a mapping of counts to scales, got \[\(3, 0.5\)\]",
        ),
        (
            lambda: optax.piecewise_constant_schedule(1, {"3": 0.5}),
            TypeError,
            "piecewise_constant_schedule: a boundary must be a number, got '3'",
        ),
        (
            lambda: optax.piecewise_constant_schedule(1, {3: None}),
            TypeError,
            "piecewise_constant_schedule: the scale at 3 must be a number, got None",
        ),
        (
            lambda: optax.piecewise_interpolate_schedule("step", 1),
            ValueError,
            "piecewise_interpolate_schedule: interpolate_type must be 'linear' or 'cosine', got 'step'",
        ),
        (
            lambda: optax.piecewise_interpolate_schedule("linear", -1),
            ValueError,
            "piecewise_interpolate_schedule: init_value must be >= 0, got -1",
        ),
        (
            lambda: optax.piecewise_interpolate_schedule("linear", 1, {3: -2}),
            ValueError,
            "piecewise_interpolate_schedule: the scale at 3 must be >= 0, got -2",
        ),
        (lambda: optax.exponential_decay(-1, 4, 0.5), ValueError, "exponential_decay: init_value must be >= 0, got -1"),
        (lambda: optax.exponential_decay(1, 4, -0.5), ValueError, "exponential_decay: decay_rate must be >= 0, got -0.5"),
        (lambda: optax.exponential_decay(1, "4", 0.5), TypeError, "exponential_decay: transition_steps must be a number"),
        (lambda: optax.exponential_decay(1, 4, 0.5, "1"), TypeError, "exponential_decay: transition_begin must be a number"),
        (
            lambda: optax.exponential_decay(1, 4, 0.5, end_value=-1),
            ValueError,
            "exponential_decay: end_value must be >= 0, got -1",
        ),
        (lambda: optax.cosine_decay_schedule(-1, 4), ValueError, "cosine_decay_schedule: init_value must be >= 0, got -1"),
        (lambda: optax.cosine_decay_schedule(1, 0), ValueError, "cosine_decay_schedule: decay_steps must be > 0, got 0"),
        (lambda: optax.cosine_decay_schedule(1, 4, -0.1), ValueError, "cosine_decay_schedule: alpha must be >= 0, got -0.1"),
        (lambda: optax.cosine_decay_schedule(1, 4, 0, -1), ValueError, "cosine_decay_schedule: exponent must be >= 0, got -1"),
        (
            lambda: optax.linear_onecycle_schedule(0, 1),
            ValueError,
            "linear_onecycle_schedule: transition_steps must be > 0, got 0",
        ),
        (
            lambda: optax.linear_onecycle_schedule(9, -1),
            ValueError,
            "linear_onecycle_schedule: peak_value must be >= 0, got -1",
        ),
        (
            lambda: optax.linear_onecycle_schedule(9, 1, "0.3"),
            TypeError,
            "linear_onecycle_schedule: pct_start must be a number, got '0.3'",
        ),
        (
            lambda: optax.linear_onecycle_schedule(9, 1, 0.3, None),
            TypeError,
            "linear_onecycle_schedule: pct_final must be a number, got None",
        ),
        (
            lambda: optax.linear_onecycle_schedule(9, 1, div_factor=0),
            ValueError,
            "linear_onecycle_schedule: div_factor must be > 0, got 0",
        ),
        (
            lambda: optax.cosine_onecycle_schedule(9, 1, final_div_factor=0),
            ValueError,
            "cosine_onecycle_schedule: final_div_factor must be > 0, got 0",
        ),
        (lambda: optax.cosine_onecycle_schedule(-9, 1), ValueError, "cosine_onecycle_schedule: transition_steps must be > 0"),
        (
            lambda: optax.cosine_onecycle_schedule(9, 1, float("nan")),
            ValueError,
            "cosine_onecycle_schedule: pct_start must be finite, got nan",
        ),
        (
            lambda: optax.warmup_constant_schedule(0, -1, 4),
            ValueError,
            "warmup_constant_schedule: peak_value must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_constant_schedule(-1, 1, 4),
            ValueError,
            "warmup_constant_schedule: init_value must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_constant_schedule(0, 1, "4"),
            TypeError,
            "warmup_constant_schedule: warmup_steps must be a number, got '4'",
        ),
        (
            lambda: optax.warmup_cosine_decay_schedule(0, 1, 6, 6),
            ValueError,
            "warmup_cosine_decay_schedule: decay_steps must be > warmup_steps, 6, which it counts too, got 6",
        ),
        (
            lambda: optax.warmup_cosine_decay_schedule(0, 1, 2, 6, -1),
            ValueError,
            "warmup_cosine_decay_schedule: end_value must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_cosine_decay_schedule(0, 1, 2, 6, 0, -1),
            ValueError,
            "warmup_cosine_decay_schedule: exponent must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_cosine_decay_schedule(-1, 1, 2, 6),
            ValueError,
            "warmup_cosine_decay_schedule: init_value must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_cosine_decay_schedule(0, -1, 2, 6),
            ValueError,
            "warmup_cosine_decay_schedule: peak_value must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_exponential_decay_schedule(0, 1, 2, 6, -0.5),
            ValueError,
            "warmup_exponential_decay_schedule: decay_rate must be >= 0, got -0.5",
        ),
        (
            lambda: optax.warmup_exponential_decay_schedule(0, -1, 2, 6, 0.5),
            ValueError,
            "warmup_exponential_decay_schedule: peak_value must be >= 0, got -1",
        ),
        (
            lambda: optax.warmup_exponential_decay_schedule(0, 1, 2, 6, 0.5, 0, False, -1),
            ValueError,
            "warmup_exponential_decay_schedule: end_value must be >= 0, got -1",
        ),
        (lambda: optax.sgdr_schedule([]), ValueError, "sgdr_schedule: cosine_kwargs must describe one cycle or more, got none"),
        (lambda: optax.sgdr_schedule([CYCLE | {"steps": 1}]), TypeError, r".*unexpected keyword argument 'steps'"),
        (lambda: optax.sgdr_schedule([{"init_value": 0.0}]), TypeError, r".*missing 3 required positional arguments"),
        (lambda: optax.join_schedules([], []), ValueError, "join_schedules: schedules must be one or more, got none"),
        (
            lambda: optax.join_schedules([Linear(3)], [3]),
            ValueError,
            "join_schedules: boundaries must be one less than the 1 schedules, got 1",
        ),
        (
            lambda: optax.join_schedules([Linear(3), 0.1], [3]),
            TypeError,
            r"join_schedules: schedules\[1\] must be a schedule or a function of the count, got 0.1",
        ),
        (
            lambda: optax.join_schedules([Linear(3), Linear(3)], ["3"]),
            TypeError,
            r"join_schedules: boundaries\[0\] must be a number, got '3'",
        ),
        (lambda: mlx.exponential_decay(-1, 0.5), ValueError, "exponential_decay: init must be >= 0, got -1"),
        (lambda: mlx.exponential_decay(1, 0), ValueError, "exponential_decay: decay_rate must be > 0, got 0"),
        (lambda: mlx.step_decay(-1, 0.5, 3), ValueError, "step_decay: init must be >= 0, got -1"),
        (lambda: mlx.step_decay(1, 0, 3), ValueError, "step_decay: decay_rate must be > 0, got 0"),
        (lambda: mlx.step_decay(1, 0.5, 0.5), ValueError, "step_decay: step_size must be >= 1, got 0.5"),
        (lambda: mlx.cosine_decay(-1, 3), ValueError, "cosine_decay: init must be >= 0, got -1"),
        (lambda: mlx.cosine_decay(1, 0), ValueError, "cosine_decay: decay_steps must be >= 1, got 0"),
        (lambda: mlx.cosine_decay(1, 3, -1), ValueError, "cosine_decay: end must be >= 0, got -1"),
        (lambda: mlx.linear_schedule(-1, 0, 3), ValueError, "linear_schedule: init must be >= 0, got -1"),
        (lambda: mlx.linear_schedule(1, -1, 3), ValueError, "linear_schedule: end must be >= 0, got -1"),
        (lambda: mlx.linear_schedule(1, 0, 0), ValueError, "linear_schedule: steps must be >= 1, got 0"),
    ],
)
def test_refusals(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        call()


# -- importing


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    root = Path(lucid.__file__).parents[1]
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_they_need_no_library_but_ours() -> None:
    loaded = "import sys\nfor name in ('jax', 'optax', 'mlx', 'numpy', 'torch'):\n    sys.modules[name] = None\n"
    printed = run(loaded + "from lucid.compat import mlx, optax\nprint(optax.linear_schedule(0.0, 1.0, 4)(1), mlx.__name__)")
    assert printed == "0.25 lucid.compat.mlx"


def test_a_module_is_imported_when_it_is_asked_for() -> None:
    code = "import sys, lucid.compat\nprint('lucid.compat.optax' in sys.modules, lucid.compat.optax.__name__)"
    assert run(code) == "False lucid.compat.optax"


def test_names_that_are_none() -> None:
    with pytest.raises(AttributeError, match=r"^module 'lucid\.compat' has no attribute 'caffe'$"):
        lucid.compat.caffe  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'lucid\.compat' has no attribute '__wrapped__'$"):
        lucid.compat.__wrapped__  # noqa: B018


def test_a_module_that_lacks_its_library_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "needy.py").write_text("import a_library_that_is_not_there\n")
    monkeypatch.setattr(lucid.compat, "__path__", [*lucid.compat.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_there"):
        lucid.compat.needy  # noqa: B018
