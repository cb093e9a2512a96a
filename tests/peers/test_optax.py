"""``lucid.compat.optax`` beside optax itself, live: every schedule, every quirk, and every difference."""

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

from lucid.compat import optax as ours  # noqa: E402
from lucid.schedules import Cosine, Linear, Schedule, Step  # noqa: E402

COUNTS = [*range(70), 99, 100, 101, 150, 999, 1000, 12_345, 10**6, 10**9]
BEFORE = [-1000, -7, -1]


@pytest.fixture(autouse=True)
def _sixty_four_bits() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def cycle(**changes: Any) -> dict[str, Any]:
    return {"init_value": 0.01, "peak_value": 0.1, "warmup_steps": 3, "decay_steps": 20, "end_value": 0.001} | changes


# Function -> arguments. The words name the quirk.
CASES: dict[str, dict[str, tuple[Any, ...] | dict[str, Any]]] = {
    "constant_schedule": {"": (0.1,), "zero": (0,)},
    "polynomial_schedule": {
        "": (0.1, 0.01, 2, 40),
        "root": (0.1, 0.0, 0.5, 40),
        "up": (0.0, 0.1, 3.0, 40),
        "power 0 stays": (0.1, 0.01, 0, 40),
        "begin": (0.1, 0.01, 2, 40, 13),
        "begin below 0 is 0": (0.1, 0.01, 2, 40, -13),
        "no steps stays": (0.1, 0.01, 2, 0),
        "steps below 0 stay": (0.1, 0.01, 2, -5, 3),
    },
    "linear_schedule": {
        "": (0.1, 0.01, 40),
        "up": {"init_value": 0.0, "end_value": 0.1, "transition_steps": 40, "transition_begin": 13},
        "one step": (0.1, 0.05, 1),
        "no steps stays": (0.1, 0.01, 0),
        "steps below 0 stay": (0.1, 0.01, -1, 3),
        "begin below 0 is 0": (0.1, 0.01, 40, -3),
    },
    "piecewise_constant_schedule": {
        "": (0.1, {10: 0.5, 30: 0.1, 50: 3.0}),
        "not in order": (0.1, {50: 3.0, 10: 0.5, 30: 0.1}),
        "none": (0.1,),
        "empty": (0.1, {}),
        "scale 0": (0.1, {10: 0.5, 30: 0.0, 50: 3.0}),
        "at 0": (0.1, {0: 0.5, 30: 0.1}),
        "before 0": (0.1, {-5: 0.5, -3: 0.5, 30: 0.1}),
        "between counts": (0.1, {10.5: 0.5, 30: 0.1}),
        "from 0": (0, {10: 0.5}),
    },
    "piecewise_interpolate_schedule": {
        "linear": ("linear", 0.1, {10: 0.5, 30: 0.1, 50: 3.0}),
        "cosine": ("cosine", 0.1, {10: 0.5, 30: 0.1, 50: 3.0}),
        "not in order": ("cosine", 0.1, {50: 3.0, 10: 0.5, 30: 0.1}),
        "none": ("linear", 0.1),
        "empty": ("cosine", 0.1, {}),
        "scale 0": ("linear", 0.1, {10: 0.0, 30: 2.0}),
        "at 0": ("linear", 0.1, {0: 0.5, 30: 0.1}),
        "only at 0": ("linear", 0.1, {0: 0.5}),
        "begun before 0": ("cosine", 0.1, {-10: 0.5, 30: 0.1, 40: 2.0}),
        "begun twice before 0": ("linear", 0.1, {-10: 0.5, -5: 0.5, 30: 0.1}),
        "over before 0": ("linear", 0.1, {-10: 0.5, -5: 0.5}),
    },
    "exponential_decay": {
        "": (0.1, 10, 0.5),
        "begin": (0.1, 10, 0.5, 13),
        "begin below 0 is 0": (0.1, 10, 0.5, -13),
        "stairs": (0.1, 10, 0.5, 13, True),
        "floor": (0.1, 10, 0.5, 5, False, 0.02),
        "floor above the start": (0.1, 10, 0.5, 5, True, 0.2),
        "ceiling": {"init_value": 0.1, "transition_steps": 10, "decay_rate": 1.5, "end_value": 0.3},
        "ceiling below the start": (0.1, 10, 1.5, 5, False, 0.05),
        "rate 1": (0.1, 10, 1.0, 0, False, 0.05),
        "rate 0 stays": (0.1, 10, 0.0, 5, False, 0.2),
        "no steps stays": (0.1, 0, 0.5, 5, False, 0.2),
        "steps below 0 stay": (0.1, -3, 0.5),
    },
    "cosine_decay_schedule": {
        "": (0.1, 60),
        "alpha": (0.1, 60, 0.25),
        "alpha above 1": (0.1, 60, 2.0),
        "exponent": (0.1, 60, 0.1, 2.0),
        "root": {"init_value": 0.1, "decay_steps": 60, "alpha": 0.1, "exponent": 0.5},
        "exponent 0 stays": (0.1, 60, 0.1, 0),
        "from 0": (0.0, 60, 0.1),
        "one step": (0.1, 1),
    },
    "linear_onecycle_schedule": {
        "": (60, 0.1),
        "phases": (60, 0.1, 0.5, 0.6, 10.0, 3.0),
        "two at one count": (3, 0.1, 0.4, 0.6),
        "one count": (1, 0.1),
        "the peak is last": {"transition_steps": 60, "peak_value": 0.1, "pct_start": 1.0, "pct_final": 0.5},
        "the peak is first": (60, 0.1, 0.0, 0.85, 25.0, 0.5),
    },
    "cosine_onecycle_schedule": {
        "": (60, 0.1),
        "phases": (60, 0.1, 0.5, 10.0, 3.0),
        "one count": (1, 0.1),
        "the peak is last": (60, 0.1, 1.0),
        "the peak is first": (60, 0.1, 0.0),
        "half a count is none": (10.5, 0.1),
        "rounded down": {"transition_steps": 61, "peak_value": 0.1, "pct_start": 0.299},
    },
    "warmup_constant_schedule": {"": (0.0, 0.1, 20), "down": (0.1, 0.01, 20), "no warm-up stays at init": (0.01, 0.1, 0)},
    "warmup_cosine_decay_schedule": {
        "": (0.0, 0.1, 10, 60),
        "end": (0.01, 0.1, 10, 60, 0.001),
        "exponent": {"init_value": 0, "peak_value": 0.1, "warmup_steps": 10, "decay_steps": 60, "exponent": 2.0},
        "end above the peak": (0.01, 0.1, 10, 60, 0.2),
        "peak 0 forgets the end": (0.01, 0.0, 10, 60, 0.2),
        "no warm-up": (0.01, 0.1, 0, 60, 0.02),
        "warm-up before 0": (0.01, 0.1, -10, 60, 0.02),
        "one count of cosine": (0.0, 0.1, 59, 60),
    },
    "warmup_exponential_decay_schedule": {
        "": (0.0, 0.1, 10, 20, 0.5),
        "begin": (0.0, 0.1, 10, 20, 0.5, 7),
        "stairs": (0.0, 0.1, 10, 20, 0.5, 7, True),
        "floor": (0.0, 0.1, 10, 20, 0.5, 0, False, 0.05),
        "ceiling": (0.01, 0.1, 10, 20, 1.5, 0, False, 0.3),
        "rate 0 stays": (0.0, 0.1, 10, 20, 0.0),
        "no steps stays": (0.0, 0.1, 10, 0, 0.5),
        "no warm-up": (0.01, 0.1, 0, 20, 0.5),
        "begin below 0 is 0": (0.0, 0.1, 10, 20, 0.5, -7),
    },
    "sgdr_schedule": {
        "": ([cycle(), cycle(decay_steps=30, peak_value=0.05), cycle(exponent=2.0)],),
        "one": ([cycle()],),
        "no warm-up": ([cycle(warmup_steps=0), cycle(warmup_steps=0, decay_steps=7)],),
        "an iterator": (None,),  # replaced by a fresh one for each library
    },
}
HELD_BEFORE = {"constant_schedule", "polynomial_schedule", "linear_schedule", "exponential_decay", "warmup_constant_schedule"}
CASES_OF_ONE = [(name, quirk) for name, cases in CASES.items() for quirk in cases]


def made(library: Any, name: str, quirk: str) -> Callable[[Any], Any]:
    arguments = CASES[name][quirk]
    if quirk == "an iterator":
        arguments = (iter([cycle(), cycle(decay_steps=9)]),)
    function = getattr(library, name)
    return function(**arguments) if isinstance(arguments, dict) else function(*arguments)


def theirs_at(schedule: Callable[[Any], Any], counts: list[int]) -> np.ndarray:
    return np.asarray(jax.vmap(schedule)(jax.numpy.asarray(counts)))


def assert_equal(schedule: Schedule, theirs: Callable[[Any], Any], counts: list[int], rate: float = 0.1) -> None:
    expected = theirs_at(theirs, counts)
    for found in (schedule.at(counts), schedule(np.array(counts)), jax.jit(schedule)(jax.numpy.asarray(counts))):
        np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-9 * rate)
    assert schedule.at(counts[:9], base=7.0) == schedule.at(counts[:9])  # absolute
    assert schedule.absolute


@pytest.mark.parametrize(("name", "quirk"), CASES_OF_ONE)
def test_the_values_are_optaxs(name: str, quirk: str) -> None:
    counts = [*BEFORE, *COUNTS] if name in HELD_BEFORE else COUNTS
    schedule, theirs = made(ours, name, quirk), made(optax, name, quirk)
    assert_equal(schedule, theirs, counts)
    for count in (0, 3, 60):  # as they are called outside of a compiled program
        assert schedule(count) == pytest.approx(float(theirs(count)), rel=0, abs=1e-10)
    if name != "sgdr_schedule":
        assert Schedule.from_json(schedule.to_json()) == schedule


# Compared at counts up to 10**9, rates beyond these would be compared with dust.
def test_growth_is_optaxs_as_far_as_floats_hold_it() -> None:
    schedule, theirs = ours.exponential_decay(0.1, 10, 1.5), optax.exponential_decay(0.1, 10, 1.5)
    for count in (0, 10, 55, 500):
        assert schedule(count) == pytest.approx(float(theirs(count)), rel=1e-12)


@pytest.mark.parametrize("boundaries", [(20, 40), (0, 40), (-7, 40), (-9, -7), (40, 20), (20, 20), (20.5, 40)])
def test_joined_schedules_are_optaxs(boundaries: tuple[float, float]) -> None:
    def parts(library: Any) -> list[Any]:
        return [
            library.linear_schedule(0.0, 0.1, 25),
            library.cosine_decay_schedule(0.1, 30, 0.1),
            library.exponential_decay(0.05, 10, 0.5, 2),
        ]

    theirs = optax.join_schedules(parts(optax), boundaries)
    assert_equal(ours.join_schedules(parts(ours), boundaries), theirs, COUNTS)
    assert_equal(ours.join_schedules(parts(optax), list(boundaries)), theirs, COUNTS)
    mixed = [parts(ours)[0], parts(optax)[1], lambda count: 0.05 * 0.5 ** (jax.numpy.maximum(count - 2, 0) / 10)]
    assert_equal(ours.join_schedules(mixed, np.array(boundaries)), theirs, COUNTS)


def test_one_schedule_alone_is_a_join() -> None:
    assert_equal(ours.join_schedules([Linear(30)], []), optax.join_schedules([Linear(30)], []), COUNTS)


def test_lucids_schedules_join_as_optax_would_call_them() -> None:
    """At base 1, whatever base the whole is asked for."""
    parts, boundaries = [0.1 * Linear(20), 0.1 * Cosine(30), 0.01 * Step(9, 0.5)], [20, 50]
    assert_equal(ours.join_schedules(parts, boundaries), optax.join_schedules(parts, boundaries), COUNTS)


# -- names


def schedules_of(module: Any) -> dict[str, Callable[..., Any]]:
    """Its public functions that return a schedule, those of another kind (a transformation, a wrapper) aside."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and inspect.isfunction(value)
        and inspect.signature(value).return_annotation is optax.Schedule
    }


def test_every_schedule_of_optax_has_its_namesake() -> None:
    found = schedules_of(optax.schedules) | schedules_of(optax) | schedules_of(optax.contrib)
    assert len(found) >= 14
    assert set(found) == set(ours.__all__)
    named = {name for name in dir(optax.schedules) if name.endswith(("_schedule", "_schedules", "_decay"))}
    assert {name for name in named if name[0] != "_"} <= set(ours.__all__)  # one without the annotation would be noticed here
    assert set(CASES) == set(ours.__all__) - {"join_schedules"}


@pytest.mark.parametrize("name", ours.__all__)
def test_the_arguments_are_optaxs(name: str) -> None:
    def arguments(function: Any) -> list[Any]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert arguments(getattr(ours, name)) == arguments(getattr(optax, name))


# -- what is traced


def test_values_may_be_traced() -> None:
    """A rate that is learned itself: the gradient with respect to what optax's takes as an array."""
    for make in (
        lambda library: lambda v: library.linear_schedule(v, v / 10, 40, 5)(25),
        lambda library: lambda v: library.polynomial_schedule(0.1, 0.01, 10 * v, 40)(25),
        lambda library: lambda v: library.cosine_decay_schedule(0.1, 60, v, 1 + v)(25),
        lambda library: lambda v: library.piecewise_constant_schedule(v, {10: 0.5})(25),
        lambda library: lambda v: library.piecewise_interpolate_schedule("cosine", v, {10: 0.5, 30: 0.1})(25),
        lambda library: lambda v: library.exponential_decay(v, 10, 0.5, end_value=0.01)(25),
        lambda library: lambda v: library.linear_onecycle_schedule(60, v)(25),
        lambda library: lambda v: library.warmup_constant_schedule(0.0, v, 40)(25),
        lambda library: lambda v: library.constant_schedule(v)(25),
    ):
        found, expected = (jax.jit(jax.value_and_grad(make(library)))(0.1) for library in (ours, optax))
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert expected[1] != 0


# -- refusals that are optax's too


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("cosine_decay_schedule", (0.1, 0), "decay_steps must be > 0, got 0"),
        ("warmup_cosine_decay_schedule", (0.0, 0.1, 10, 10), "decay_steps must be > warmup_steps, 10, which it counts too"),
        ("linear_onecycle_schedule", (0, 0.1), "transition_steps must be > 0, got 0"),
        ("cosine_onecycle_schedule", (-1, 0.1), "transition_steps must be > 0, got -1"),
        ("piecewise_constant_schedule", (0.1, {5: -0.5}), "the scale at 5 must be >= 0, got -0.5"),
        ("piecewise_interpolate_schedule", ("linear", 0.1, {5: -0.5}), "the scale at 5 must be >= 0, got -0.5"),
        ("piecewise_interpolate_schedule", ("quadratic", 0.1, {5: 0.5}), "interpolate_type must be 'linear' or 'cosine'"),
    ],
)
def test_what_optax_refuses_is_refused(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        getattr(optax, name)(*arguments)
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        getattr(ours, name)(*arguments)


# -- the differences, all of which occur


def test_values_below_zero() -> None:
    assert float(optax.linear_schedule(0.1, -0.1, 10)(10)) == -0.1
    with pytest.raises(ValueError, match=r"^linear_schedule: end_value must be >= 0, got -0.1"):
        ours.linear_schedule(0.1, -0.1, 10)


def test_rates_and_powers_below_zero() -> None:
    assert np.isnan(optax.exponential_decay(0.1, 10, -0.5)(5))
    with pytest.raises(ValueError, match=r"^exponential_decay: decay_rate must be >= 0, got -0.5"):
        ours.exponential_decay(0.1, 10, -0.5)
    assert np.isinf(optax.polynomial_schedule(0.1, 0.01, -1, 10)(10))
    with pytest.raises(ValueError, match=r"^polynomial_schedule: power must be >= 0, got -1"):
        ours.polynomial_schedule(0.1, 0.01, -1, 10)


def test_values_with_axes() -> None:
    assert optax.linear_schedule(np.array([0.1, 0.2]), 0.0, 10)(5).shape == (2,)
    with pytest.raises(TypeError, match=r"^linear_schedule: init_value must be a number, got array"):
        ours.linear_schedule(np.array([0.1, 0.2]), 0.0, 10)


def test_before_the_start() -> None:
    assert float(optax.cosine_decay_schedule(0.1, 10)(-5)) == pytest.approx(0.05)
    assert ours.cosine_decay_schedule(0.1, 10)(-5) == 0.1
    assert float(optax.piecewise_interpolate_schedule("linear", 0.1, {10: 0.5})(-5)) == 0.0
    assert ours.piecewise_interpolate_schedule("linear", 0.1, {10: 0.5})(-5) == 0.1


def test_boundaries_without_a_schedule() -> None:
    parts = [Linear(5), Cosine(5), Step(3)]
    assert float(optax.join_schedules(parts, [5])(99)) == 0.0  # the third is left out
    with pytest.raises(ValueError, match=r"^join_schedules: boundaries must be one less than the 3 schedules, got 1"):
        ours.join_schedules(parts, [5])


def test_boundaries_less_than_a_count_apart() -> None:
    arguments = ("linear", 1.0, {10.0: 1.0, 10.5: 0.0})
    assert float(optax.piecewise_interpolate_schedule(*arguments)(10.4)) == pytest.approx(0.6)
    assert ours.piecewise_interpolate_schedule(*arguments)(10.4) == pytest.approx(0.2)


def test_growth_without_end() -> None:
    assert np.isinf(optax.exponential_decay(0.1, 1, 2.0)(10**4))
    assert ours.exponential_decay(0.1, 1, 2.0)(10**4) == 0.1 * 2.0**126


def test_every_function_has_several_cases() -> None:
    for name, cases in itertools.islice(CASES.items(), 1, None):
        assert len(cases) >= 3, name
