"""Schedules in JAX: the catalogue compiled, mapped and differentiated, optax trained with it, counts beyond 24 bits."""

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from catalogue import HOLD_FUNCTIONS, ROWS, draw

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

from jax import numpy as jnp  # noqa: E402

from lucid.adapters.jax import on_host  # noqa: E402
from lucid.compat import optax as compat  # noqa: E402
from lucid.schedules import (  # noqa: E402
    Absolute,
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    Lambda,
    Linear,
    MultiStep,
    Schedule,
    Step,
)

PLAIN = [(name, variant) for name, row in ROWS.items() for variant in row if (name, variant) not in HOLD_FUNCTIONS]
every_row = pytest.mark.parametrize(("name", "variant"), PLAIN)


@pytest.fixture
def jax64() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


# -- the whole catalogue

MOMENTS = [-3.3, 0.0, 0.37, 1.0, 2.718, 9.4, 16.0, 23.61, 41.1, 57.7, 123.4, 1e6 + 0.3]

# Lengths that the phases of a composition, or the number of its parts, are made from, and so no tracer can be. JAX says so.
BUILT_FROM = {
    "Chebyshev": {"steps"},
    "CosineRestarts": {"growth", "steps", "warmup_steps"},
    "FlatCosine": {"flat", "steps"},
    "Hold": {"steps"},
    "NoamHold": {"hold_steps", "warmup_steps"},
    "Repeat": {"growth"},
    "RsqrtCooldown": {"decay_steps", "steps", "warmup_steps"},
    "SlantedTriangular": {"cut_frac", "steps"},
    "TriStage": {"hold_steps", "warmup_steps"},
    "WSD": {"decay_steps", "steps", "warmup_steps"},
    "WSDS": {"decay_steps", "warmup_steps"},
}


def slope(function: Callable[[float], float], x: float) -> float | None:
    """The slope by differences; None at a kink or a jump, and where it changes too fast to tell."""
    h = 1e-6 * max(1.0, abs(x))
    before, here, after = function(x - h), function(x), function(x + h)
    left, right = (here - before) / h, (after - here) / h
    return None if abs(right - left) > 1e-3 * (1 + abs(left)) else (left + right) / 2


def assert_slopes(found: Any, function: Callable[[float, float], float], x: float) -> int:
    """``found[i]`` is the slope in ``x`` at the i-th moment, wherever there is one; how many there are."""
    told = 0
    for t, value in zip(MOMENTS, np.asarray(found), strict=True):
        assert math.isfinite(value), (t, value)
        expected = slope(lambda y, t=t: function(y, t), x) if t < 1e4 else None
        if expected is not None:
            assert value == pytest.approx(expected, rel=2e-3, abs=2e-3), t
            told += 1
    return told


@every_row
@pytest.mark.usefixtures("jax64")
def test_compiled_mapped_and_differentiated(name: str, variant: str) -> None:
    """In ``t`` and in the base; with single and double counters."""
    schedule, base = draw(name, variant, 1), 0.3
    both = jax.jit(jax.vmap(jax.value_and_grad(schedule, argnums=(0, 1)), (0, None)))
    values, (in_t, in_base) = both(jnp.asarray(MOMENTS), base)
    np.testing.assert_allclose(values, schedule.at(MOMENTS, base), rtol=1e-9, atol=1e-12)
    told = 0
    for t, value in zip(MOMENTS, np.asarray(in_t), strict=True):
        assert math.isfinite(value), (t, value)
        expected = slope(lambda x: schedule(x, base), t) if t < 1e4 else None
        if expected is not None:
            assert value == pytest.approx(expected, rel=2e-3, abs=2e-3), t
            told += 1
    assert told >= 3
    assert assert_slopes(in_base, lambda b, t: schedule(t, b), base) >= 6
    counts = [0, 1, 2, 7, 30, 59, 60, 400]
    np.testing.assert_allclose(
        jax.jit(schedule)(jnp.asarray(counts, dtype=jnp.int32), jnp.float32(base)),
        schedule.at(counts, float(np.float32(base))),
        rtol=1e-6,
        atol=1e-6,
    )


@every_row
@pytest.mark.usefixtures("jax64")
def test_differentiated_in_every_parameter(name: str, variant: str) -> None:
    """In each number that is above 0: a finite gradient at every moment, and the true one away from kinks."""
    schedule = draw(name, variant, 1)
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        rules = [rule for kind, rule in schedule._kinds[field.name] if kind == "number" and "whole" not in rule]
        if not rules or type(value) not in (int, float) or not value > 0:
            continue

        def at(x: Any, t: Any, field: str = field.name) -> Any:
            return replace(schedule, **{field: x})(t, 0.3)

        gradients = jax.vmap(jax.grad(at), (None, 0))
        if field.name in BUILT_FROM.get(name, ()) and not (name == "CosineRestarts" and isinstance(schedule.steps, tuple)):
            with pytest.raises(jax.errors.ConcretizationTypeError):
                gradients(float(value), jnp.asarray(MOMENTS))
            continue
        found = gradients(float(value), jnp.asarray(MOMENTS))
        try:
            assert_slopes(found, at, float(value))
        except ValueError as error:  # the bound of what the parameter may be, from which there is one way only
            assert "must" in str(error)  # noqa: PT017


# -- optax


def trained(optimizer: Any, steps: int = 60) -> Any:
    """A line through eight points, in one compiled loop."""
    x = jnp.linspace(-1.0, 1.0, 8)
    y = 3 * x - 0.5

    def loss(w: Any) -> Any:
        return jnp.mean((w[0] * x + w[1] - y) ** 2)

    @jax.jit
    def run(w: Any) -> Any:
        def update(carry: Any, _: Any) -> Any:
            w, state = carry
            updates, state = optimizer.update(jax.grad(loss)(w), state, w)
            return (optax.apply_updates(w, updates), state), loss(w)

        (w, _), losses = jax.lax.scan(update, (w, optimizer.init(w)), length=steps)
        return w, losses

    w, losses = run(jnp.zeros(2))
    assert losses[-1] < losses[0] / 2  # it does learn
    return np.asarray(w)


@pytest.mark.usefixtures("jax64")
@pytest.mark.parametrize("make", ["sgd", "adam", "inject_hyperparams(sgd)", "inject_hyperparams(adam)", "scale_by_schedule"])
def test_training_is_the_same_as_with_optaxs_own_schedule(make: str) -> None:
    def optimizer(rate: Any) -> Any:
        if make == "scale_by_schedule":
            return optax.chain(optax.scale_by_adam(), optax.scale_by_schedule(rate), optax.scale(-1.0))
        kind = optax.adam if "adam" in make else optax.sgd
        return optax.inject_hyperparams(kind)(learning_rate=rate) if "inject" in make else kind(rate)

    theirs = trained(optimizer(optax.warmup_cosine_decay_schedule(0.0, 0.3, 10, 60, 0.01)))
    for rate in (
        compat.warmup_cosine_decay_schedule(0.0, 0.3, 10, 60, 0.01),
        (Absolute(0.3) * Linear(10))[:10] >> Absolute(0.3) * Cosine(50, 0.01),
        Absolute(0.3) * Cosine(50, 0.01).warmup(10),
    ):
        np.testing.assert_allclose(trained(optimizer(rate)), theirs, rtol=1e-6)  # optax divides in single floats
    other = trained(optimizer(optax.cosine_decay_schedule(0.3, 60)))
    assert not np.allclose(other, theirs, rtol=1e-6)  # the rate does matter to where it arrives


def test_training_in_single_floats_is_the_same_too() -> None:
    ours, theirs = compat.linear_onecycle_schedule(60, 0.3), optax.linear_onecycle_schedule(60, 0.3)
    np.testing.assert_allclose(trained(optax.adam(ours)), trained(optax.adam(theirs)), rtol=1e-5)


def test_other_hyperparameters_take_schedules() -> None:
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=0.1, b1=Linear(4, 0.5, 0.9))
    state = optimizer.init(jnp.zeros(2))
    for t in range(6):
        _, state = jax.jit(optimizer.update)(jnp.ones(2), state)
        assert float(state.hyperparams["b1"]) == pytest.approx(min(0.5 + 0.1 * t, 0.9), rel=1e-6)


# -- counts beyond 2**24, of which a single float holds every second, fourth, eighth, ...

LATE = 2**30
NEAR = [0, 1, 2, 3, 5, 7, 11, 50, 99, 100, 101, 499, 777]


def worst(rate: Callable[[Any], Any], truth: Schedule, since: int = LATE) -> float:
    """The largest error of a compiled rate just after ``since``."""
    compiled = jax.jit(rate)
    return max(abs(float(compiled(jnp.int32(since + n))) - truth(since + n)) for n in NEAR)


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(steps=LATE) >> Linear(1000, 1.0, 0.0),
        (Constant()[: LATE - 500] >> Cosine(500)) >> Cosine(1000),
        Cosine(1000).shift(LATE),
        Cosine(1000).shift(-LATE // 2),
        Cosine(1000).repeat(),
        (Linear(7) >> Cosine(1000)).repeat(),
        Cosine(1000, hold=False),
        Cyclic(0.0, 1.0, 300, 700),
        Step(100, 0.9999999),
        MultiStep((LATE + 1, LATE + 3), 0.5),
        Cosine(2**31 - 1),
        Absolute(0.5) * Exponential(0.5, LATE),
        compat.join_schedules([Constant(), Cosine(1000)], [LATE]),
        compat.piecewise_interpolate_schedule("cosine", 1.0, {LATE: 0.5, LATE + 1000: 0.0}),
    ],
    ids=repr,
)
def test_whole_numbers_keep_whole_counters_exact(schedule: Schedule) -> None:
    """A counter less a whole start, and its remainder of a whole period, are computed in whole numbers."""
    assert schedule.at([LATE + n for n in NEAR]) == [schedule(float(LATE + n)) for n in NEAR]
    assert worst(schedule, schedule) < 1e-6
    assert worst(schedule, schedule, 2**24) < 1e-6


def test_what_is_lost_in_floats() -> None:
    """The same times as floats, which the counter then becomes: the figures of the documentation."""
    for since, shift, periodic in ((2**20, 1e-6, 1e-6), (2**24, 2e-3, 4e-3), (2**27, 1e-2, 3e-2), (2**30, 3e-2, 0.2)):
        for exact, rounded, most in (
            (Cosine(1000).shift(since), Cosine(1000.0).shift(float(since)), shift),
            (Cosine(500, hold=False), Cosine(500.0, hold=False), periodic),
        ):
            # jit() takes functions that are equal, as these are, for the same one
            error = worst(lambda t, rounded=rounded: rounded(t), exact, since)
            assert error <= most
            assert since < 2**24 or error >= most / 10
            assert worst(lambda t, exact=exact: exact(t), exact, since) < 1e-6
    # A long smooth curve loses nothing that a single float of a rate could show.
    assert worst(Cosine(float(2**31)), Cosine(2**31)) < 1e-6


def test_double_floats_are_exact(jax64: None) -> None:
    for schedule in (Cosine(1000.0).shift(float(LATE)), Cosine(500.5, hold=False), Cosine(9.25).repeat(stretch=1.5)):
        assert worst(schedule, schedule) < 1e-12


@pytest.mark.parametrize(
    "schedule",
    [Cosine(1000.0).shift(LATE + 0.5), Cosine(500.25, hold=False), Cosine(9.25).repeat(), Lambda(lambda t: t % 97 / 97)],
    ids=["shift", "wave", "repeated", "function"],
)
def test_on_the_host_every_schedule_is_exact(schedule: Schedule) -> None:
    assert worst(schedule, schedule) > 1e-4 or isinstance(schedule, Lambda)
    rate = on_host(schedule, base=0.5)
    assert worst(rate, 0.5 * schedule) <= 0.5 * 2**-24
    counts = jnp.asarray([[LATE, LATE + 1], [LATE + 2, LATE + 3]])
    expected = np.array([[schedule(LATE + 2 * i + j, 0.5) for j in range(2)] for i in range(2)])
    for found in (rate(counts), jax.vmap(rate)(counts), jax.jit(jax.vmap(jax.vmap(rate)))(counts)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_on_the_host_in_double_floats(jax64: None) -> None:
    rate = jax.jit(on_host(Cosine(1000.0).shift(LATE + 0.5)))
    assert float(rate(LATE + 7)) == Cosine(1000).shift(LATE + 0.5)(LATE + 7)


def test_on_the_host_optax_trains_the_same() -> None:
    rate = compat.cosine_decay_schedule(0.3, 60)
    np.testing.assert_allclose(trained(optax.adam(on_host(rate))), trained(optax.adam(rate)), rtol=1e-5)


def test_on_the_host_wants_something_to_call() -> None:
    with pytest.raises(TypeError, match=r"^on_host: schedule must be callable, got 0\.1"):
        on_host(0.1)


def test_a_rate_that_the_host_writes_into_the_state() -> None:
    schedule = Cosine(9.25).repeat(stretch=1.5)
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=0.0)
    w, state = jnp.zeros(()), optimizer.init(jnp.zeros(()))
    step = jax.jit(lambda w, state: optimizer.update(jnp.ones(()), state, w))
    for t in (LATE, LATE + 1, LATE + 7):
        state.hyperparams["learning_rate"] = jnp.asarray(schedule(t, 0.5))
        updates, state = step(w, state)
        assert -float(updates) == pytest.approx(schedule(t, 0.5), rel=1e-6)
    assert step._cache_size() == 1  # a number that changes is no new program


def test_a_table_from_the_host() -> None:
    schedule = Linear(0.3, 0.0, 1.0) >> Cosine(99.7)
    table = jnp.asarray(schedule.at(range(101)))
    rate = jax.jit(lambda count: table[jnp.minimum(count, 100)])
    for t in (0, 1, 50, 100, LATE):
        assert float(rate(t)) == pytest.approx(schedule(min(t, 100)), abs=1e-7)
