"""The laws that every schedule keeps, on every kind of number, and worked values.

The laws run over the examples of tests/catalogue.py; a new schedule needs a row there, and no test of its own.
"""

import copy
import enum
import json
import math
import operator
import pickle
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid.schedules
from lucid.schedules import (
    REX,
    WSD,
    WSDS,
    Absolute,
    Adafactor,
    Chebyshev,
    ChebyshevNodes,
    Constant,
    Cosine,
    CosineRestarts,
    Cut,
    Cyclic,
    Decay,
    Eden,
    ExpHyperbolic,
    Exponential,
    FlatCosine,
    Hold,
    Hyperbolic,
    InversePower,
    Join,
    Lambda,
    Linear,
    MultiStep,
    NaturalExp,
    Noam,
    NoamHold,
    Noise,
    OneCycle,
    Piecewise,
    Polynomial,
    Product,
    Proportion,
    QuarterCosine,
    RangeTest,
    Repeat,
    RsqrtCooldown,
    Scale,
    Schedule,
    Shift,
    SlantedTriangular,
    Step,
    Tanh,
    TriStage,
    Warmup,
    ops,
)
from lucid.schedules._numbers import _RULES, number

VARIANTS = [(name, variant) for name, row in ROWS.items() for variant in row]
PLAIN = [row for row in VARIANTS if row not in HOLD_FUNCTIONS]
BASES = (0.0, 0.1, 1.0, 3.0)

every_variant = pytest.mark.parametrize(("name", "variant"), VARIANTS)
plain_variants = pytest.mark.parametrize(("name", "variant"), PLAIN)
quick = settings(deadline=None, max_examples=60)

times = st.one_of(
    st.integers(-(10**9), 10**9),
    st.floats(-1e9, 1e9),
    st.integers(-10, 300),
    st.integers(-40, 1200).map(lambda quarters: quarters / 4),
)
seeds = st.integers(0, 10**6)


def examples(name: str, variant: str, *, exact: bool = False) -> list[Schedule]:
    return [draw(name, variant, seed, exact=exact) for seed in range(4)]


# -- every number


@every_variant
@quick
@given(t=times, seed=seeds, base=st.sampled_from(BASES))
def test_values_are_finite_and_not_negative(name: str, variant: str, t: float, seed: int, base: float) -> None:
    schedule = draw(name, variant, seed)
    value = schedule(t, base)
    assert type(value) in (int, float)
    assert math.isfinite(value)
    assert schedule(t) == schedule(t, 1.0) == schedule.at([t])[0]
    below = isinstance(schedule, Cyclic) and (schedule.scale_fn or schedule.gamma > 1)  # whose peak may pass below 0
    if not below and not isinstance(schedule, Proportion):
        assert value >= 0


@every_variant
@quick
@given(t=times, seed=seeds, base=st.floats(0, 10))
def test_values_are_affine_in_the_base(name: str, variant: str, t: float, seed: int, base: float) -> None:
    assert_affine(draw(name, variant, seed), t, base)


def assert_affine(schedule: Schedule, t: float, base: float) -> None:
    """The value at the base i tells offset and slope at once, which is how schedulers read it."""
    if not schedule.affine:
        assert "Maximum" in repr(schedule) or "Minimum" in repr(schedule)
        return
    line = complex(schedule(t, 1j))
    offset, slope = schedule(t, 0.0), schedule(t, 1.0) - schedule(t, 0.0)
    rounding = 1e-12 * (1 + base) * (1 + abs(line.real) + abs(line.imag))
    assert math.isclose(line.real, offset, rel_tol=1e-9, abs_tol=rounding)
    assert math.isclose(line.imag, slope, rel_tol=1e-9, abs_tol=rounding)
    assert math.isclose(schedule(t, base), line.real + base * line.imag, rel_tol=1e-9, abs_tol=rounding)


@every_variant
def test_an_absolute_schedule_does_not_look_at_the_base(name: str, variant: str) -> None:
    for schedule in examples(name, variant):
        assert schedule.absolute is (name in ("Absolute", "Cyclic", "Noam"))
        if schedule.absolute:
            assert schedule.at(NEAR, 0.3) == schedule.at(NEAR, 2.0)


@every_variant
@quick
@given(t=times, seed=seeds)
def test_before_0_the_first_value_holds(name: str, variant: str, t: float, seed: int) -> None:
    schedule = draw(name, variant, seed)
    periodic = isinstance(schedule, (Cosine, QuarterCosine)) and not schedule.hold
    if not isinstance(schedule, Lambda) and not periodic:  # a function of the user's is the user's
        first = schedule(0, 0.3)
        assert schedule(-abs(t), 0.3) == first
        assert schedule(np.array([-abs(t)]), 0.3) == pytest.approx([first], rel=1e-12)


@every_variant
@quick
@given(t=times, seed=seeds)
def test_beyond_the_end_the_last_value_holds(name: str, variant: str, t: float, seed: int) -> None:
    schedule = draw(name, variant, seed)
    goes_on = getattr(schedule, "hold", True) is False or (variant == "exponential" and isinstance(schedule, Warmup))
    if schedule.length < math.inf and not goes_on:  # CosineAnnealingLR's comes up again
        parts = getattr(schedule, "parts", (schedule,))
        if all(part.length < math.inf for part in parts):
            last = schedule(schedule.length, 0.3)
            assert schedule(schedule.length + abs(t), 0.3) == pytest.approx(last, rel=1e-12, abs=1e-13)


@quick
@given(periods=st.integers(-(10**6), 10**6), quarters=st.integers(0, 80))
def test_a_cosine_that_does_not_hold_comes_up_again_and_again(periods: int, quarters: int) -> None:
    schedule, t = Cosine(10, end=0.125, hold=False), quarters / 4
    assert schedule(t + 20 * periods, 0.5) == schedule(t, 0.5)
    assert schedule(20 * periods - t, 0.5) == pytest.approx(schedule(t, 0.5), rel=1e-14)
    assert schedule(np.array([t + 20.0 * periods]), 0.5) == pytest.approx(schedule(t, 0.5), rel=1e-14)


@pytest.mark.parametrize("hold", [True, False])
def test_a_triangle_stays_between_its_corners_however_far(hold: bool) -> None:
    draw_from = np.random.default_rng(0)
    for _ in range(2000):
        up, down = draw_from.uniform(0.01, 50, 2)
        schedule = Cyclic(0.0, 1.0, up, down, "triangular" if hold else "triangular2")
        far = draw_from.integers(10**8) * (up + down)
        for t in (far, math.nextafter(far, 0), math.nextafter(far, 1e12)):
            assert 0.0 <= schedule(t) <= 1.0 + 1e-12
        assert (schedule(np.array([far])) >= 0.0).all()


# -- every array


class Library(NamedTuple):
    """How a library makes an array, and of which type it is."""

    array: Callable[[Any, str], Any]
    kind: type


@pytest.fixture(params=["numpy", "torch", "jax"])
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    if request.param == "numpy":
        yield Library(lambda values, dtype: np.asarray(values, dtype=dtype), np.ndarray)
    elif request.param == "torch":
        torch = pytest.importorskip("torch")
        yield Library(lambda values, dtype: torch.tensor(values, dtype=getattr(torch, dtype)), torch.Tensor)
    else:
        request.getfixturevalue("jax64")
        import jax

        yield Library(lambda values, dtype: jax.numpy.asarray(values, dtype=dtype), jax.Array)


@pytest.fixture
def jax64() -> Iterator[Any]:
    """JAX with 64-bit numbers, for the length of a test."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


NEAR = [quarters / 4 for quarters in range(-40, 800, 3)]


def far(variant: str) -> list[float]:
    """Times far out; but not many periods of a cosine out, where its value is that of the rounding of t / T."""
    return [-1e9] if variant == "otherwise" else [1e9, -1e9, 123456789.25, 1e6 + 0.5]


def assert_same(found: Any, expected: Any, rtol: float) -> None:
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max(initial=1e-300))


@every_variant
def test_an_array_of_times_gives_the_array_of_values(name: str, variant: str, library: Library) -> None:
    for schedule in examples(name, variant):
        moments = [*NEAR, *far(variant), *boundaries(schedule)]
        found = schedule(library.array(moments, "float64"), 0.3)
        assert isinstance(found, library.kind)
        assert str(found.dtype).endswith("float64")
        assert_same(found, schedule.at(moments, 0.3), 1e-11)
        assert_same(schedule.at(library.array(moments, "float64"), 0.3), found, 0)


def boundaries(schedule: Schedule) -> list[float]:
    """Where something happens, and the moments before and after."""
    ends = [schedule.length] if schedule.length < math.inf else []
    ends += getattr(schedule, "milestones", ())
    ends += [m for m in (getattr(schedule, field, None) for field in ("every", "steps_up", "warmup_steps")) if m]
    if isinstance(schedule, Join):
        ends += [sum(part.length for part in schedule.parts[:i]) for i in range(1, len(schedule.parts))]
    if isinstance(schedule, Repeat):
        ends += [schedule.of.length]
    if isinstance(schedule, OneCycle):
        ends += [schedule.steps - 1, max(schedule.pct_start * schedule.steps - 1, 0)]
    moments = [moment for end in ends for moment in (math.nextafter(end, 0), float(end), math.nextafter(end, 1e9))]
    return [*moments, *[0.0] * (12 - len(moments))]  # of one length, so that JAX compiles once


@every_variant
def test_whole_numbers_and_single_precision(name: str, variant: str, library: Library) -> None:
    for schedule in examples(name, variant, exact=True):
        whole = schedule(library.array(range(-5, 200), "int64"), 0.25)
        assert_same(whole, schedule.at(range(-5, 200), 0.25), 1e-11 if str(whole.dtype).endswith("64") else 1e-4)
        assert_same(schedule(library.array(NEAR, "float32"), 0.25), schedule.at(NEAR, 0.25), 1e-4)
        assert np.isfinite(np.asarray(schedule(library.array([-1e9, 1e9, 1e8], "float32"), 0.25))).all()


@every_variant
def test_a_time_of_no_dimension_is_a_time(name: str, variant: str, library: Library) -> None:
    schedule = draw(name, variant, 0)
    for t in (-3.0, 0.0, 7.25, 1e6):
        found = schedule(library.array(t, "float64"), 0.3)
        assert_same(found, schedule(t, 0.3), 1e-11)
        assert_same(schedule(np.float64(t), np.float64(0.3)), schedule(t, 0.3), 1e-11)


@every_variant
def test_the_base_may_be_an_array(name: str, variant: str, library: Library) -> None:
    for schedule in examples(name, variant)[:2]:
        bases, moments = [0.1, 0.5, 2.0], [1.0, 7.25, 30.0]
        array = library.array(bases, "float64")
        expected = [schedule(7.25, base) for base in bases]
        assert_same(np.broadcast_to(np.asarray(schedule(7.25, array)), (3,)), expected, 1e-11)
        both = schedule(library.array(moments, "float64"), array)
        assert_same(both, [schedule(t, base) for t, base in zip(moments, bases, strict=True)], 1e-11)


@every_variant
def test_a_compiled_time_is_a_time(name: str, variant: str, jax64: Any) -> None:
    schedule = draw(name, variant, 1)
    moments = [*NEAR, *far(variant)]
    curve = jax64.jit(schedule)
    assert_same(curve(jax64.numpy.asarray(moments), 0.3), schedule.at(moments, 0.3), 1e-9)
    assert_same(curve(7, 2.0), schedule(7, 2.0), 1e-9)


@pytest.mark.parametrize(
    "make",
    [
        Constant,
        lambda w: Constant(1.0, w),
        Linear,
        lambda w: Linear(8, w),
        Exponential,
        Step,
        lambda w: Step(2, w),
        lambda w: MultiStep((1, 3), w),
        Cosine,
        lambda w: Cosine(w, hold=False),
        lambda w: Noam(w, 3),
        lambda w: Noam(16, w),
        lambda w: Cyclic(0.0, 1.0, w),
        lambda w: Cyclic(0.0, 1.0, 2, mode="exp_range", gamma=w),
        lambda w: Scale(Cosine(8), w),
        lambda w: Cosine(w) * Linear(w),
        Absolute,
        Polynomial,
        lambda w: Polynomial(8, w),
        lambda w: Polynomial(8, end=w),
        lambda w: OneCycle(8, w, 2 * w, w / 4),
        lambda w: Cosine(4).repeat(decay=w / 2),
        lambda w: Cosine(4).repeat(3, stretch=2, decay=w / 2),
        lambda w: Cosine(8).shift(w),
        lambda w: Cosine(8).shift(-w),
        lambda w: Linear(1) >> Cosine(w),
        lambda w: Linear(1) >> Cosine(8, end=w) * Linear(9),
    ],
)
def test_a_parameter_may_be_traced(make: Callable[[Any], Schedule], jax64: Any) -> None:
    compiled = jax64.jit(lambda w, t: make(w)(t, 0.3))
    for t in (0.0, 1.0, 2.5, 7.0):
        assert_same(compiled(1.75, t), make(1.75)(t, 0.3), 1e-11)


def test_gradients_flow() -> None:
    torch = pytest.importorskip("torch")
    t, base = torch.tensor(2.5, requires_grad=True), torch.tensor(0.5, requires_grad=True)
    (Linear(4) >> Cosine(9))(t, base).backward()
    assert (t.grad.item(), base.grad.item()) == (0.125, 0.625)
    assert Linear(4)(torch.nn.Parameter(torch.tensor(2.0))).item() == 0.5  # a subclass of their array
    t, base = torch.tensor(11.0, requires_grad=True), torch.tensor(0.5, requires_grad=True)
    Linear(4).repeat(3, stretch=2, decay=0.5)(t, base).backward()  # its second cycle, of 8, began at 4; its third is half way
    assert (t.grad.item(), base.grad.item()) == (0.5 * 0.5 / 8, 0.5 * 7 / 8)


@pytest.mark.parametrize("t", [Fraction(1, 2), Decimal(1), "1", None, [1, 2], object()])
def test_a_time_that_is_no_number_is_refused(t: Any) -> None:
    with pytest.raises(TypeError, match=r"unsupported operand|time and base must be numbers or arrays, got (Fraction|Decimal)"):
        Linear(4)(t)
    with pytest.raises(TypeError, match=r"^time and base must be numbers or arrays, got"):
        ops.floor(t)


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        (ops.cos, (2.0,), math.cos(2)),
        (ops.exp, (2.0,), math.exp(2)),
        (ops.log, (2.0,), math.log(2)),
        (ops.floor, (2.75,), 2),
        (ops.floor, (-0.25,), -1),
        (ops.clip, (2.75, 0), 2.75),
        (ops.clip, (-2.75, 0), 0),
        (ops.clip, (2.75, 0, 1.5), 1.5),
        (ops.minimum, (2.0, 3.0), 2),
        (ops.minimum, (3.0, 2.0), 2),
        (ops.power, (0.5, 3.0), 0.125),
        (ops.power, (0.5, -3.0), 1),
        (ops.power, (2.0, 1e9), 2.0**126),
        (ops.power, (0.5, 1e9), 0),
    ],
)
def test_operations(function: Callable[..., Any], arguments: tuple[float, ...], value: float, library: Library) -> None:
    first, *rest = arguments
    assert function(first, *rest) == value
    if first == int(first):
        assert function(int(first), *rest) == value
    if function is ops.power:
        assert_same(function(library.array([first], "float64"), *rest), [value], 1e-13)
        (n,) = rest
        assert_same(function(first, library.array([n], "float64")), [value], 1e-13)
    else:
        assert_same(function(library.array([first], "float64"), *rest), [value], 1e-13)


def test_a_library_that_nobody_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found through the array API's ``__array_namespace__``, else through the module that the array's class is from."""
    functions = {"cos": lambda x: "its cos", "where": None, "clip": None}
    standard = type("Standard", (), {"__array_namespace__": lambda self: SimpleNamespace(**functions)})
    assert ops.cos(standard()) == "its cos"
    monkeypatch.setitem(sys.modules, "nobody", SimpleNamespace(**functions))
    monkeypatch.setitem(sys.modules, "nobody.inner", SimpleNamespace(cos=None))
    inner = type("Array", (), {"__module__": "nobody.inner.core"})
    assert ops.cos(inner()) == "its cos"
    assert ops.cos(type("Mine", (inner,), {})()) == "its cos"
    with pytest.raises(TypeError, match=r"^time and base must be numbers or arrays, got Other$"):
        ops.cos(type("Other", (), {"__module__": "elsewhere"})())


def test_a_whole_ratio_makes_no_giant_integers() -> None:
    assert type(ops.power(2, 3)) is float  # else 2 ** 10**9 takes all memory
    assert ops.power(2, 10**9) == Exponential(2)(10**9) == Step(1, 3)(10**9) == ops.HUGE


# -- composition


def ended(schedule: Schedule) -> Schedule:
    return schedule if schedule.length < math.inf else schedule[:8]


def lasting(schedule: Schedule) -> Schedule:
    return ended(schedule) if schedule.length > 0 else Linear(2)


leaves = st.builds(lambda row, seed: draw(*row, seed, exact=True), st.sampled_from(PLAIN), seeds)
factors = st.integers(0, 8).map(lambda quarters: quarters / 4)
compositions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: ended(a) >> b, inner, inner),
        st.builds(operator.mul, inner, inner),
        st.builds(operator.mul, factors, inner),
        st.builds(lambda a, n: a[:n], inner, st.integers(0, 200).map(lambda quarters: quarters / 4)),
        st.builds(Repeat, inner.map(lasting), st.none() | st.integers(1, 4), st.integers(1, 2), st.sampled_from([0.5, 1])),
        st.builds(Shift, inner, st.integers(-40, 80).map(lambda quarters: quarters / 4)),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(schedule=compositions, t=times, base=st.floats(0, 4))
def test_compositions_are_finite_and_affine(schedule: Schedule, t: float, base: float) -> None:
    assert math.isfinite(schedule(t, base))
    assert_affine(schedule, t, base)
    if schedule.absolute:
        assert schedule(t, base) == schedule(t, 0.3)
    if "hold=False" not in repr(schedule):  # a periodic cosine goes on to both sides
        assert schedule(-abs(t) - 1e-9, base) == schedule(0, base)


@settings(deadline=None, max_examples=150)
@given(schedule=compositions, moments=st.lists(times, min_size=1, max_size=20))
def test_compositions_of_arrays_are_arrays(schedule: Schedule, moments: list[float]) -> None:
    moments = [*moments, *boundaries(schedule)]
    found = schedule(np.array(moments, dtype=float), 0.3)
    assert isinstance(found, np.ndarray)
    assert_same(found, schedule.at([float(t) for t in moments], 0.3), 1e-9)


@settings(deadline=None, max_examples=150)
@given(schedule=compositions)
def test_compositions_survive_json_pickle_and_repr(schedule: Schedule) -> None:
    assert_same_after_all_round_trips(schedule)


@settings(deadline=None, max_examples=100)
@given(a=compositions.map(ended), b=compositions.map(ended), c=compositions, t=times)
def test_composition_is_associative(a: Schedule, b: Schedule, c: Schedule, t: float) -> None:
    joined = (a >> b) >> c
    assert joined == a >> (b >> c)
    assert hash(joined) == hash(a >> (b >> c))
    assert joined(t, 0.3) == (a >> (b >> c))(t, 0.3)
    assert joined.length == a.length + b.length + c.length
    product = (a * b) * c
    assert product == a * (b * c)
    assert product(t, 0.3) == (a * (b * c))(t, 0.3) == c(t, b(t, a(t, 0.3)))
    assert (
        product.length == (a * (b * c)).length >= max(length for length in (a.length, b.length, c.length) if length < math.inf)
    )


@settings(deadline=None, max_examples=100)
@given(
    parts=st.lists(compositions.map(ended), min_size=1, max_size=4),
    last=compositions,
    inside=st.floats(0, 1, exclude_max=True),
)
def test_each_part_has_its_own_time_from_its_start(parts: list[Schedule], last: Schedule, inside: float) -> None:
    joined = Join((*parts, last))
    start = 0.0
    for part in parts:
        within = math.floor(4 * part.length * inside) / 4  # quarters add without rounding
        if within < part.length:
            assert joined(start, 0.3) == part(0, 0.3)  # at a boundary the new value holds
            assert joined(start + within, 0.3) == part(within, 0.3)
        start += part.length
    for within in (0.0, 0.25, 8.0, 1000.0):
        assert joined(start + within, 0.3) == last(within, 0.3)
    assert joined.length == start + last.length


@settings(deadline=None, max_examples=100)
@given(schedule=compositions, k=factors, t=times, n=st.integers(0, 200))
def test_scaling_and_cutting(schedule: Schedule, k: float, t: float, n: int) -> None:
    assert k * schedule == schedule * k
    assert (k * schedule)(t, 0.3) == (schedule * k)(t, 0.3) == k * schedule(t, 0.3)
    assert (k * schedule).length == schedule.length
    assert schedule[:n].length == n
    assert schedule[:n](t, 0.3) == schedule(min(max(t, 0), n), 0.3)


@settings(deadline=None, max_examples=60)
@given(t=times, base=st.floats(0, 4), seed=seeds)
def test_factors_of_the_base_multiply_in_any_order(t: float, base: float, seed: int) -> None:
    factors = [draw(name, next(iter(ROWS[name])), seed) for name in ("Linear", "Step", "MultiStep", "Exponential")]
    expected = base * math.prod(factor(t) for factor in factors)
    a, b, c, d = factors
    assert (a * b * c * d)(t, base) == pytest.approx(expected, rel=1e-12)
    assert (d * b * a * c)(t, base) == pytest.approx(expected, rel=1e-12)


def test_a_join_in_numbers() -> None:
    schedule = Linear(4) >> Constant(0.5, 2) >> Step(2, 0.5)
    assert schedule == Join((Linear(4), Constant(0.5, 2), Step(2, 0.5)))
    assert schedule.at([-1, 0, 2, 4, 5.75, 6, 7.75, 8, 10], 0.2) == [0.0, 0.0, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.05]
    assert (Linear(4).length, Step(2).length, schedule.length) == (4.0, math.inf, math.inf)
    assert (Linear(4) >> Cosine(2.5)).length == 6.5
    for t in (-1, 0):  # a part of no length is never seen
        assert (Linear(4)[:0] >> Cosine(2))(t) == (Linear(4)[:0] >> Cosine(2))(np.float64(t)) == 1.0
    assert (Linear(4) >> Step(4)[:0] >> Cosine(2, end=0.5)).at([-1, 0, 4, 6]) == [0.0, 0.0, 1.0, 0.5]
    assert (Linear(3, 1.0, 0.5) >> Linear(1, 0.0)).at([2, 3, 4, 99]) == [pytest.approx(2 / 3), 0.0, 1.0, 1.0]


def test_a_part_of_no_length_is_never_seen(library: Library) -> None:
    """As where a milestone is 0, or named twice."""
    never, always = Absolute(9)[:0], Exponential(0.5)
    for schedule, values in [
        (never >> always, [1.0, 1.0, 0.5, 0.25, 0.125]),
        (never >> never >> always[:2] >> never >> never >> always, [1.0, 1.0, 0.5, 1.0, 0.5]),
        (always[:1] >> never >> Linear(2) >> never, [1.0, 1.0, 0.0, 0.5, 9.0]),
        ((always[:2] >> never >> Constant(3))[:3] >> always, [1.0, 1.0, 0.5, 3.0, 1.0]),
        ((never >> Constant(3))[:0] >> always, [1.0, 1.0, 0.5, 0.25, 0.125]),
    ]:
        assert schedule.at([-1, 0, 1, 2, 3]) == schedule.at([-1.0, 0.0, 1.0, 2.0, 3.0]) == values
        assert_same(schedule(library.array([-1, 0, 1, 2, 3], "float64")), values, 1e-15)


def test_cuts_in_a_join_cut(library: Library) -> None:
    """Though only that of the last part is asked."""
    inner = Linear(4) >> Step(2, 0.5)
    for schedule, values in [
        (inner[:6] >> inner[:5], [0.0, 0.25, 1.0, 1.0, 0.0, 0.25, 1.0, 1.0]),
        (inner[:6][:5] >> Constant(7), [0.0, 0.25, 1.0, 7.0, 7.0, 7.0, 7.0, 7.0]),
        (inner[:3][:6] >> Constant(7), [0.0, 0.25, 0.75, 0.75, 7.0, 7.0, 7.0, 7.0]),
        ((inner[:5] >> Constant(7))[:7], [0.0, 0.25, 1.0, 7.0, 7.0, 7.0, 7.0, 7.0]),
        ((inner[:5] >> Linear(2))[:6] >> inner[:1], [0.0, 0.25, 1.0, 0.0, 0.0, 0.25, 0.25, 0.25]),
        (Lambda(abs)[:2] >> Lambda(abs)[:3], [0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0]),
    ]:
        moments = [-1.0, 1.0, 4.0, 5.0, 6.0, 7.0, 11.0, 99.0]
        assert schedule.at(moments) == values
        assert_same(schedule(library.array(moments, "float64")), values, 1e-15)


@pytest.mark.parametrize("base", BASES)
def test_an_absolute_value_is_the_base_of_what_follows(base: float, library: Library) -> None:
    for schedule in (Cosine(8, end=0.25), Linear(4) >> Step(2, 0.5), OneCycle(9), 0.5 * Cosine(8), Cosine(3).repeat()):
        product = Absolute(0.75) * schedule
        moments = [*NEAR, *boundaries(schedule)]
        assert product.at(moments, base) == schedule.at(moments, 0.75)
        assert_same(product(library.array(moments, "float64"), base), schedule.at(moments, 0.75), 1e-11)
        assert (product.affine, product.length) == (True, schedule.length)
    assert (Cosine(8) * Absolute(0.75))(3, base) == 0.75  # what comes before it is lost
    assert (0.5 * Absolute(0.75))(3, base) == 0.375
    assert (Absolute(0.75)[:2] >> Constant()).at([0, 2], base) == [0.75, base]


# -- over and over


def restarts(first: float, stretch: float, until: float = 2.0**53) -> list[tuple[int, float]]:
    """The cycles, and when they begin, as far as floats tell these numbers exactly; of equal cycles, which are many, some."""
    if stretch == 1:
        draw_from = random.Random(first)
        last = int(until / first)
        numbers = [0, 1, 2, 3, 10, last - 1, last, *(draw_from.randrange(last) for _ in range(40))]
        return [(n, n * first) for n in numbers]
    found, began, length = [], Fraction(0), Fraction(first)
    for n in range(200):
        if began >= until or float(length) != length:
            break
        if float(began) == began:
            found.append((n, float(began)))
        began, length = began + length, length * Fraction(stretch)
    return found


LENGTHS = (1, 2, 3, 7, 10, 64, 1000, 50_000)


@pytest.mark.parametrize("stretch", [1, 1.0, 2, 3, 1.5, 1.25, 4])
@pytest.mark.parametrize("decay", [1, 0.75])
def test_every_restart_is_exact_however_late(stretch: float, decay: float) -> None:
    for steps in LENGTHS:
        once = Linear(steps, 1.0, 0.25)
        schedule = once.repeat(stretch=stretch, decay=decay)
        moments = restarts(steps, stretch)
        assert len(moments) > 8
        for n, began in moments:
            for t in {began, int(began)} if began == int(began) else {began}:
                assert schedule(t, 0.3) == once(0, 0.3 * decay**n) == 0.3 * decay**n
                assert schedule.cycle(t) == (n, began)
                assert type(schedule.cycle(t)[0]) is int
            if n:
                t, long = math.nextafter(began, 0), steps * stretch ** (n - 1)
                left = float((Fraction(began) - Fraction(t)) / Fraction(long))  # of the cycle
                assert schedule(t, 0.3) == pytest.approx(0.3 * decay ** (n - 1) * (0.25 + 0.75 * left), rel=1e-12)
                assert schedule.cycle(t)[0] == n - 1
                t = began - long / 4
                if t == Fraction(began) - Fraction(long) / 4:
                    assert schedule(t, 0.3) == pytest.approx(0.3 * decay ** (n - 1) * 0.4375, rel=1e-12)


@pytest.mark.parametrize("stretch", [1, 2, 3, 1.5, 2.5])
def test_every_restart_of_an_array_is_exact(stretch: float, library: Library) -> None:
    for steps in (3, 10, 64):
        schedule = Linear(steps, 1.0, 0.25).repeat(stretch=stretch, decay=0.75)
        cycles, moments = zip(*[*restarts(steps, stretch), *[(0, 0.0)] * 60][:60], strict=True)  # of one length, for JAX
        times = library.array(moments, "float64")
        assert_same(schedule(times, 0.3), [0.3 * 0.75**n for n in cycles], 1e-12)
        found, began = schedule.cycle(times)
        assert_same(found, cycles, 0)
        assert_same(began, moments, 0)
        before = np.nextafter(moments, 0)
        assert_same(schedule.cycle(library.array(before, "float64"))[0], [max(n - 1, 0) for n in cycles], 0)
        assert_same(schedule(library.array(before, "float64"), 0.3), schedule.at(before.tolist(), 0.3), 1e-12)
        early = [t if n < 15 and t < 2**24 and np.float32(t) == t else 0.0 for n, t in zip(cycles, moments, strict=True)]
        assert_same(schedule(library.array(early, "float32"), 0.3), schedule.at(early, 0.3), 1e-5)


@pytest.mark.parametrize("steps", [1, 0.1, 0.3, 1 / 3, 7.7, math.pi])
@pytest.mark.parametrize("stretch", [1.1, 1.7, 1.000001, 2.9, 37.0, 1.0])
def test_restarts_that_no_float_tells_come_once_and_in_order(steps: float, stretch: float) -> None:
    schedule = Linear(steps, 0.0, 1.0).repeat(stretch=stretch)
    before, t = -1, 0.0
    while t < 1e5 and before < 500:
        n, began = schedule.cycle(t)
        assert n >= before
        assert began <= t or math.isclose(began, t, rel_tol=1e-15)
        assert 0 <= schedule(t) <= 1
        assert 0 <= schedule(math.nextafter(t, 0)) <= 1
        before, t = n, t + steps * stretch**n / 3
    assert before >= 3


@pytest.mark.parametrize("stretch", [1, 2, 1.5])
@pytest.mark.parametrize("times", [1, 2, 3, 5])
@pytest.mark.parametrize("decay", [1, 0.5])
def test_a_number_of_times(times: int, stretch: float, decay: float, library: Library) -> None:
    """As for ever, and then the end of the last cycle; so it can be followed."""
    once = Lambda(lambda t: 1.0 + t)[:6]  # which would go on
    ever, some = once.repeat(stretch=stretch, decay=decay), once.repeat(times, stretch=stretch, decay=decay)
    end = 6 * sum(stretch**i for i in range(times))
    assert some.length == end
    assert type(some.length) is float
    assert ever.length == math.inf
    moments = [-3.0, *(quarters / 4 for quarters in range(4 * int(end))), math.nextafter(end, 0)]
    assert some.at(moments, 0.3) == ever.at(moments, 0.3)
    last = once(6, 0.3 * decay ** (times - 1))
    for t in (end, int(end) + 1, math.nextafter(end, 1e9), end + 2, 2 * end + 0.75, 1e9):
        assert some(t, 0.3) == last
        assert some.cycle(t) == (times - 1, end - 6 * stretch ** (times - 1))
    after = [*moments, end, end + 2, 1e9]
    assert_same(some(library.array(after, "float64"), 0.3), some.at(after, 0.3), 1e-12)
    joined = some >> Linear(4, 0.0, 0.5)
    assert joined.length == end + 4
    assert joined.at(moments, 0.3) == some.at(moments, 0.3)
    assert joined.at([end, end + 2, end + 4, end + 99], 0.3) == [0.0, 0.075, 0.15, 0.15]


def test_cycles_of_cycles() -> None:
    twice = Linear(2).repeat(2)
    assert (twice >> Constant(0.25)).at([0, 1, 2, 3, 4, 5]) == [0.0, 0.5, 0.0, 0.5, 0.25, 0.25]
    assert twice.repeat(stretch=2, decay=0.5).at([0, 1, 2, 3, 4, 6, 8, 10, 12, 14]) == [
        *(0.0, 0.5, 0.0, 0.5),
        *(0.0, 0.25, 0.0, 0.25),
        *(0.0, 0.0625),
    ]
    assert (Linear(2) >> Constant(0.5, 1)).repeat().at(range(7)) == [0.0, 0.5, 0.5, 0.0, 0.5, 0.5, 0.0]
    assert Exponential(0.5)[:2].repeat().at(range(5)) == [1.0, 0.5, 1.0, 0.5, 1.0]
    assert Exponential(0.5)[:2].repeat(2).at([3, 4, 99]) == [0.5, 0.25, 0.25]  # the end of the cut
    assert Exponential(0.5)[:1][:2].repeat().at([0, 1, 1.5, 2, 3.5]) == [1.0, 0.5, 0.5, 1.0, 0.5]
    assert Cosine(4).repeat() == Repeat(Cosine(4)) == Repeat(Cosine(4), None, 1.0, 1.0)
    assert Cosine(4).repeat(3, stretch=2, decay=0.5) == Repeat(Cosine(4), 3, 2, 0.5)


@pytest.mark.parametrize("stretch", [1, 1.000001, 1.5, 3, 1e300])
@pytest.mark.parametrize("steps", [5e-324, 1e-3, 1, 1e300])
@pytest.mark.parametrize("times", [None, 1, 10_000])
def test_no_time_is_too_late_for_a_repetition(stretch: float, steps: float, times: int | None) -> None:
    schedule = Repeat(Linear(steps, 1.0, 0.0), times, stretch, 0.9)
    for t in (-1e308, 0, 5e-324, 1.0, 3, 10**9, 1e38, 1e200, 1.7e308):
        assert 0 <= schedule(t, 0.3) <= 0.3
    assert schedule.length > 0
    assert schedule(0, 0.3) == 0.3


def test_a_repetition_longer_than_every_float_has_no_end() -> None:
    assert Linear(4).repeat(5000, stretch=2).length == math.inf
    with pytest.raises(ValueError, match=r"^Join: Repeat\(.*\) has no end, so nothing can follow it"):
        Linear(4).repeat(5000, stretch=2) >> Cosine(4)


# -- later and earlier


@settings(deadline=None, max_examples=100)
@given(schedule=compositions, a=st.integers(0, 200), b=st.integers(0, 200), quarters=st.integers(-100, 2000))
def test_shifting(schedule: Schedule, a: int, b: int, quarters: int) -> None:
    t, later = quarters / 4, schedule.shift(a / 4)
    assert later(t, 0.3) == schedule(max(t - a / 4, 0), 0.3)
    assert later.length == schedule.length + a / 4
    assert later.shift(b / 4)(t, 0.3) == schedule.shift((a + b) / 4)(t, 0.3)
    assert later.shift(b / 4).length == schedule.shift((a + b) / 4).length
    earlier = schedule.shift(-a / 4)
    assert earlier(t, 0.3) == schedule(max(t, 0) + a / 4, 0.3)
    assert earlier.length == max(schedule.length - a / 4, 0)
    assert earlier.shift(-b / 4)(t, 0.3) == schedule.shift(-(a + b) / 4)(t, 0.3)
    assert schedule.shift(0)(t, 0.3) == schedule(max(t, 0), 0.3)
    assert later.affine is schedule.affine


def test_a_shift_in_numbers(library: Library) -> None:
    moments = [-9.0, 0.0, 2.0, 4.0, 6.0, 20.0]
    for schedule, values in [
        (Linear(4).shift(2), [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]),
        (Linear(4).shift(-2), [0.5, 0.5, 1.0, 1.0, 1.0, 1.0]),
        (Lambda(abs).shift(4), [0.0, 0.0, 0.0, 0.0, 2.0, 16.0]),  # its first value holds until then
        (Lambda(abs).shift(-4), [4.0, 4.0, 6.0, 8.0, 10.0, 24.0]),
        (Lambda(abs).shift(0.5), [0.0, 0.0, 1.5, 3.5, 5.5, 19.5]),
        (Lambda(abs).shift(-0.5), [0.5, 0.5, 2.5, 4.5, 6.5, 20.5]),
        (Cosine(4, hold=False).shift(4), [1.0, 1.0, 1.0, 1.0, 0.5, 1.0]),
        (Linear(4).shift(2) >> Constant(9), [0.0, 0.0, 0.0, 0.5, 9.0, 9.0]),
        (Linear(4).shift(-2) >> Constant(9), [0.5, 0.5, 9.0, 9.0, 9.0, 9.0]),
        (Linear(4).shift(-9) >> Constant(9), [9.0] * 6),
        (Linear(4).shift(2).repeat(2), [0.0, 0.0, 0.0, 0.5, 0.0, 1.0]),
    ]:
        assert schedule.at(moments) == pytest.approx(values, abs=1e-15)
        assert_same(schedule(library.array(moments, "float64")), values, 1e-15)
    assert (Linear(4).shift(2).length, Linear(4).shift(-1).length, Linear(4).shift(-9).length) == (6.0, 3.0, 0.0)
    assert Step(4).shift(-9).length == Step(4).shift(9).length == math.inf
    assert Cosine(4).shift(3) == Shift(Cosine(4), 3) == Shift(of=Cosine(4), by=3.0)


# -- one cycle


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("pct_start", [0.0, 0.05, 0.3, 0.5, 0.7, 1.0])
def test_one_cycle_is_pytorchs(pct_start: float, anneal: str, three_phase: bool) -> None:
    torch = pytest.importorskip("torch")
    for total, div, final_div, peak in (
        (1, 25, 1e4, 1.0),
        (2, 4, 2, 0.1),
        (3, 0.5, 7, 3.0),
        (10, 25, 1e4, 0.1),
        (61, 10, 1, 2.0),
    ):
        schedule = OneCycle(total, 1 / div, 1.0, 1 / div / final_div, pct_start, anneal, three_phase)
        absolute = Absolute(peak) * schedule
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
        options = {"pct_start": pct_start, "anneal_strategy": anneal, "three_phase": three_phase}
        options |= {"div_factor": div, "final_div_factor": final_div}
        if pct_start * total == 1:  # the rise has no length: ours begins with what is next
            with pytest.raises(ZeroDivisionError):
                torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total, **options)
            if total > 1:
                assert absolute(0) == pytest.approx(peak / div if three_phase else peak, rel=1e-15)
            continue
        theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total, **options)
        momentum = OneCycle(total, 0.95, 0.85, 0.95, pct_start, anneal, three_phase)
        for t in range(total):
            (group,) = optimizer.param_groups
            assert absolute(t, 9.0) == pytest.approx(group["lr"], rel=0, abs=1e-12 * peak)
            assert schedule(t, peak) == pytest.approx(group["lr"], rel=0, abs=1e-12 * peak)
            assert momentum(t) == pytest.approx(group["momentum"], rel=0, abs=1e-12)
            optimizer.step()
            if t + 1 < total:
                theirs.step()


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_peak_and_end_of_one_cycle_have_no_dust(anneal: str) -> None:
    draw_from = random.Random(anneal)
    for _ in range(50):
        start, peak, end = (10 ** draw_from.uniform(-7, 1) for _ in range(3))
        steps, q = draw_from.randint(10, 99), draw_from.uniform(0.15, 0.45)
        for three_phase in (False, True):
            schedule = OneCycle(steps, start, peak, end, q, anneal, three_phase)
            moments, levels = [q * steps - 1, steps - 1.0, steps + 1.0], [peak, end, end]
            assert schedule.at(moments) == schedule(np.array(moments)).tolist() == levels


def test_one_cycle_turns_exactly_where_it_says() -> None:
    """With corners between the steps, in every shape; what is between the corners is between their values."""
    for anneal in ("cos", "linear"):
        for steps, q in ((41, 0.25), (10.5, 0.5), (100, 0.3), (7, 0.4)):
            up, last = q * steps - 1, steps - 1
            schedule = OneCycle(steps, 0.25, 1.0, 0.125, q, anneal)
            assert schedule.at([-1, 0, up, last, last + 1, 1e9]) == [0.25, 0.25, 1.0, 0.125, 0.125, 0.125]
            assert schedule.at([up / 2, (up + last) / 2]) == pytest.approx([0.625, 0.5625], rel=1e-14)
            three = OneCycle(steps, 0.25, 1.0, 0.125, q, anneal, three_phase=True)
            if 2 * up < last:
                assert three.at([-1, 0, up, 2 * up, last, 1e9]) == [0.25, 0.25, 1.0, 0.25, 0.125, 0.125]
                assert three.at([1.5 * up, up + last / 2]) == pytest.approx([0.625, 0.1875], rel=1e-14)
            quarter = 0.25 + 0.75 * (0.25 if anneal == "linear" else (1 - math.cos(math.pi / 4)) / 2)
            assert schedule(up / 4) == three(up / 4) == pytest.approx(quarter, rel=1e-14)
            for made in (schedule, three):
                values = made.at(np.linspace(-1, steps + 1, 500))
                assert (values >= 0.125).all()
                assert (values <= 1).all()


def test_phases_without_length_are_left_out(library: Library) -> None:
    for schedule, values in [
        (OneCycle(1, 0.5, 1.0, 0.25), [0.25, 0.25, 0.25, 0.25]),
        (OneCycle(1.5, 0.5, 1.0, 0.25, 1.0, "linear"), [0.5, 1.0, 1.0, 1.0]),
        (OneCycle(5, 0.5, 1.0, 0.25, 0.0, "linear"), [0.85, 0.775, 0.7, 0.25]),  # the fall began at -1
        (OneCycle(5, 0.5, 1.0, 0.25, 0.2, "linear"), [1.0, 0.90625, 0.8125, 0.25]),
        (OneCycle(5, 0.5, 1.0, 0.25, 1.0, "linear"), [0.5, 0.5625, 0.625, 1.0]),
        (OneCycle(5, 0.5, 1.0, 0.25, 0.0, "linear", True), [5 / 12, 0.25 + 0.25 * 3.5 / 6, 0.375, 0.25]),  # at -2
        (OneCycle(5, 0.5, 1.0, 0.25, 0.2, "linear", True), [0.5, 0.46875, 0.4375, 0.25]),
        (OneCycle(5, 0.5, 1.0, 0.25, 1.0, "linear", True), [0.5, 0.5625, 0.625, 1.0]),
        (OneCycle(5, 0.5, 1.0, 0.25, 0.8, "linear", True), [0.5, 0.5 + 0.25 / 3, 0.5 + 0.5 / 3, 1 - 0.5 / 3]),  # cut off
    ]:
        assert schedule.at([0, 0.5, 1, 9]) == pytest.approx(values, rel=1e-14)
        assert_same(schedule(library.array([0.0, 0.5, 1.0, 9.0], "float64")), values, 1e-14)


def test_factors_come_from_every_library() -> None:
    torch = pytest.importorskip("torch")
    jnp = pytest.importorskip("jax.numpy")
    expected = Scale(Cosine(4), 2.0)
    for two in (2, 2.0, np.float32(2), np.float64(2), np.int64(2), np.array(2.0), torch.tensor(2.0), jnp.asarray(2.0)):
        assert two * Cosine(4) == Cosine(4) * two == expected
        assert type((two * Cosine(4)).factor) in (int, float)


def test_at() -> None:
    schedule = Step(2, gamma=0.5)
    assert (
        schedule.at(range(5)) == schedule.at([0, 1, 2, 3, 4]) == schedule.at(t for t in range(5)) == [1.0, 1.0, 0.5, 0.5, 0.25]
    )
    assert schedule.at((0.0, 2.5), base=0.1) == [0.1, 0.05]
    assert schedule.at([]) == []
    array = schedule.at(np.arange(6).reshape(2, 3))
    assert array.tolist() == [[1.0, 1.0, 0.5], [0.5, 0.25, 0.25]]
    torch = pytest.importorskip("torch")
    assert torch.equal(schedule.at(torch.arange(4)), torch.tensor([1.0, 1.0, 0.5, 0.5]))


@pytest.mark.parametrize("factor", [0.5, 1])
def test_a_constant_function_of_an_array_is_an_array(factor: float, library: Library) -> None:
    found = Lambda(lambda t: factor).at(library.array([0.0, 1.0, 2.0], "float64"), 0.5)
    assert_same(found, [factor / 2] * 3, 0)


# -- configuration


def assert_same_after_all_round_trips(schedule: Schedule) -> None:
    config = schedule.to_dict()
    text = json.dumps(config, allow_nan=False)
    copies = [
        Schedule.from_dict(config),
        Schedule.from_dict(json.loads(text)),
        type(schedule).from_dict(MappingProxyType(json.loads(text))),
        pickle.loads(pickle.dumps(schedule)),
        copy.deepcopy(schedule),
        eval(repr(schedule), vars(lucid.schedules).copy()),
    ]
    for made in copies:
        assert made == schedule
        assert hash(made) == hash(schedule)
        assert type(made) is type(schedule)
        assert made.affine is schedule.affine
        assert made.absolute is schedule.absolute
        assert made.length == schedule.length
        assert made.at([-1, 0, 1.5, 40]) == schedule.at([-1, 0, 1.5, 40])
    assert json.dumps(copies[1].to_dict()) == text
    assert config["schedule"] == type(schedule).__name__


@plain_variants
def test_a_schedule_survives_json_pickle_and_repr(name: str, variant: str) -> None:
    for schedule in examples(name, variant):
        assert_same_after_all_round_trips(schedule)


@pytest.mark.parametrize(("name", "variant"), sorted(HOLD_FUNCTIONS))
def test_a_function_is_no_json(name: str, variant: str) -> None:
    schedule = draw(name, variant, 0)
    rule = f"^{name}: (scale_)?fn is <built-in function abs>, which JSON cannot hold; write the rule as a Schedule of its own"
    for holder in (schedule, 0.5 * schedule, Linear(3) >> schedule):
        with pytest.raises(ValueError, match=rule):
            holder.to_dict()
        assert pickle.loads(pickle.dumps(holder)) == holder


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Scale(Scale(Cosine(4), 0.5), 0.25), f"0.25 * (0.5 * {Cosine(4)!r})"),
        (Linear(2) * (0.5 * Step(4)), f"{Linear(2)!r} * (0.5 * {Step(4)!r})"),
        (0.5 * (Linear(2) * Step(4)), f"0.5 * ({Linear(2)!r} * {Step(4)!r})"),
        (0.5 * (Linear(2) >> Step(4)), f"0.5 * ({Linear(2)!r} >> {Step(4)!r})"),
        ((Linear(2) >> Step(4)) * Cosine(4), f"({Linear(2)!r} >> {Step(4)!r}) * {Cosine(4)!r}"),
        (Linear(2) * Cosine(4) >> Step(4), f"{Linear(2)!r} * {Cosine(4)!r} >> {Step(4)!r}"),
        ((0.5 * Step(4))[:3] >> Cosine(4), f"(0.5 * {Step(4)!r})[:3] >> {Cosine(4)!r}"),
        (Step(4)[:3][:2], f"{Step(4)!r}[:3][:2]"),
        (Cosine(4).repeat(), f"Repeat(of={Cosine(4)!r})"),
        (
            (Linear(2) >> Cosine(4)).repeat(3, stretch=2),
            f"Repeat(of={Linear(2)!r} >> {Cosine(4)!r}, times=3, growth=2)",
        ),
        ((0.5 * Step(4)).shift(-2.5), f"Shift(of=0.5 * {Step(4)!r}, by=-2.5)"),
        (0.5 * Step(4).shift(2)[:3] * Linear(2), f"(0.5 * Shift(of={Step(4)!r}, by=2)[:3]) * {Linear(2)!r}"),
        (
            Linear(2).shift(1).repeat(2) >> Step(4),
            f"Repeat(of=Shift(of={Linear(2)!r}, by=1), times=2) >> {Step(4)!r}",
        ),
    ],
)
def test_a_composition_reads_as_it_was_written(schedule: Schedule, text: str) -> None:
    assert repr(schedule) == text
    assert eval(text, vars(lucid.schedules).copy()) == schedule


def test_configurations_are_plain() -> None:
    assert (Linear(2) >> Cosine(9, end=0.1)).to_dict() == {
        "schedule": "Join",
        "parts": [
            {"schedule": "Linear", "steps": 2, "start": 0.0, "end": 1.0},
            {"schedule": "Cosine", "steps": 9, "end": 0.1, "hold": True, "exponent": 1.0},
        ],
    }
    assert Constant(steps=3).to_dict() == {"schedule": "Constant", "factor": 1.0, "steps": 3}
    assert MultiStep([1, 2]).to_dict() == {"schedule": "MultiStep", "milestones": [1, 2], "gamma": 0.1}
    assert Cyclic(0, 1, 2, scale_fn=Cosine(9)).to_dict()["scale_fn"] == Cosine(9).to_dict()
    assert Linear(2).shift(3).repeat(4, stretch=2).to_dict() == {
        "schedule": "Repeat",
        "of": {"schedule": "Shift", "of": {"schedule": "Linear", "steps": 2, "start": 0.0, "end": 1.0}, "by": 3},
        "times": 4,
        "growth": 2,
        "decay": 1.0,
    }
    assert OneCycle(9, anneal="linear").to_dict() == {
        "schedule": "OneCycle",
        "steps": 9,
        "start": 0.04,
        "peak": 1.0,
        "end": 4e-6,
        "pct_start": 0.3,
        "anneal": "linear",
        "three_phase": False,
    }
    assert Schedule.from_dict({"schedule": "Repeat", "of": {"schedule": "Linear", "steps": 2}}) == Linear(2).repeat()
    assert Cyclic(0, 1, 2).to_dict() == {
        "schedule": "Cyclic",
        "start": 0,
        "peak": 1,
        "steps_up": 2,
        "steps_down": 2,
        "mode": "triangular",
        "gamma": 1.0,
        "scale_fn": None,
        "scale_mode": "cycle",
    }
    config = {"schedule": "Cosine", "steps": 9}
    assert Schedule.from_dict(config) == Cosine.from_dict(config) == Cosine(9)
    assert config == {"schedule": "Cosine", "steps": 9}


def nested(depth: int) -> dict[str, Any]:
    config: dict[str, Any] = Cosine(4).to_dict()
    key = next(key for key in (0.5 * Cosine(4)).to_dict() if key not in ("schedule", "factor"))
    for _ in range(depth - 1):
        config = {"schedule": "Scale", key: config, "factor": 0.5}
    return config


def test_configurations_are_nested_up_to_64_deep() -> None:
    assert Schedule.from_dict(nested(64)).to_dict() == nested(64)
    for depth in (65, 66, 500):
        with pytest.raises(ValueError, match=r"^schedule configuration is nested deeper than 64"):
            Schedule.from_dict(nested(depth))
    listed = Cosine(4).to_dict()
    for wrap in ("Join", "Product") * 16:  # a list is a level too
        assert isinstance(Schedule.from_dict(listed), Schedule)
        listed = {"schedule": wrap, "parts": [listed]}
    with pytest.raises(ValueError, match=r"^schedule configuration is nested deeper than 64"):
        Schedule.from_dict(listed)
    garbage: Any = []
    for _ in range(5000):
        garbage = [garbage]
    with pytest.raises(ValueError, match="schedule configuration is nested deeper than 64"):
        Schedule.from_dict({"schedule": "Join", "parts": garbage})


CONSTANT = {"schedule": "Constant"}
CYCLIC = {"schedule": "Cyclic", "start": 0.1, "peak": 1, "steps_up": 2}
REFUSED_CONFIGURATIONS: list[tuple[Any, str]] = [
    (None, "a schedule configuration must be a mapping, got None"),
    (3, "a schedule configuration must be a mapping, got 3"),
    ("Cosine", "a schedule configuration must be a mapping, got 'Cosine'"),
    ([], r"a schedule configuration must be a mapping, got \[\]"),
    ([CONSTANT], "a schedule configuration must be a mapping, got "),
    (Cosine(4), "a schedule configuration must be a mapping, got Cosine"),
    ({}, "unknown schedule None$"),
    ({"steps": 9}, "unknown schedule None$"),
    ({"schedule": "Cosin", "steps": 90}, r"unknown schedule 'Cosin'; did you mean 'Cosine'\?$"),
    ({"schedule": "multistep"}, r"unknown schedule 'multistep'; did you mean 'MultiStep'\?$"),
    ({"schedule": "noam"}, r"unknown schedule 'noam'; did you mean 'Noam'\?$"),
    ({"schedule": "Zzz"}, "unknown schedule 'Zzz'$"),
    ({"schedule": "Schedule"}, "unknown schedule 'Schedule'"),
    ({"schedule": 5}, "unknown schedule 5$"),
    ({"schedule": ["Cosine"]}, r"unknown schedule \['Cosine'\]$"),
    ({"schedule": CONSTANT}, "unknown schedule {'schedule': 'Constant'}$"),
    ({"schedule": "Cosine", "stepz": 90}, r"Cosine: unknown field 'stepz'; did you mean 'steps'\?$"),
    ({"schedule": "Cosine", "steps": 90, "qwx": 1}, "Cosine: unknown field 'qwx'$"),
    ({**CONSTANT, 3: 4}, "Constant: unknown field 3$"),
    ({**CONSTANT, "affine": False}, "Constant: unknown field 'affine'"),
    ({"schedule": "Join", "parts": [CONSTANT], "_starts": [0]}, "Join: unknown field '_starts'"),
    ({"schedule": "Cosine"}, "Cosine: field 'steps' is missing"),
    ({"schedule": "Noam", "model_size": 512}, "Noam: field 'warmup_steps' is missing"),
    ({"schedule": "Cosine", "steps": "90"}, "Cosine: steps must be a number, got '90'"),
    ({"schedule": "Cosine", "steps": True}, "Cosine: steps must be a number, got True"),
    ({"schedule": "Cosine", "steps": None}, "Cosine: steps must be a number, got None"),
    ({"schedule": "Cosine", "steps": [90]}, r"Cosine: steps must be a number, got \(90,\)"),
    ({"schedule": "Cosine", "steps": CONSTANT}, r"Cosine: steps must be a number, got Constant\("),
    ({"schedule": "Cosine", "steps": math.nan}, "Cosine: steps must be finite, got nan"),
    ({"schedule": "Cosine", "steps": math.inf}, "Cosine: steps must be finite, got inf"),
    ({"schedule": "Cosine", "steps": 0}, "Cosine: steps must be > 0, got 0"),
    ({"schedule": "Cosine", "steps": 10**400}, "Cosine: steps must be finite, got 1000"),
    ({"schedule": "Cosine", "steps": 9, "hold": 1}, "Cosine: hold must be True or False, got 1"),
    ({"schedule": "Cosine", "steps": 9, "end": {"a": 1}}, "unknown schedule None$"),
    ({**CYCLIC, "mode": "square"}, r"Cyclic: mode must be 'triangular', 'triangular2' or 'exp_range', got 'square'"),
    ({**CYCLIC, "mode": ["triangular"]}, "Cyclic: mode must be 'triangular', "),
    ({**CYCLIC, "scale_fn": "abs"}, "Cyclic: scale_fn must be callable, got 'abs'"),
    ({"schedule": "Lambda", "fn": "abs"}, "Lambda: fn must be callable, got 'abs'"),
    ({"schedule": "MultiStep", "milestones": []}, r"MultiStep: milestones must be a non-empty tuple of numbers, got \(\)"),
    ({"schedule": "MultiStep", "milestones": "30"}, "MultiStep: milestones must be a non-empty tuple of numbers, got '30'"),
    ({"schedule": "MultiStep", "milestones": [30, "80"]}, r"MultiStep: milestones\[1\] must be a number, got '80'"),
    ({"schedule": "MultiStep", "milestones": [[30]]}, r"MultiStep: milestones\[0\] must be a number, got \(30,\)"),
    ({"schedule": "MultiStep", "milestones": [80, 30]}, r"MultiStep: milestones must be ascending, got \(80, 30\); sort them"),
    ({"schedule": "Join", "parts": []}, "Join: parts must be a non-empty tuple of schedules"),
    ({"schedule": "Join", "parts": "ab"}, "Join: parts must be a non-empty tuple of schedules, got 'ab'"),
    ({"schedule": "Join", "parts": [3]}, "Join: parts must be schedules, got 3"),
    ({"schedule": "Join", "parts": [[CONSTANT]]}, r"Join: parts must be schedules, got \(Constant"),
    ({"schedule": "Join", "parts": [{"schedule": "Nope"}]}, "unknown schedule 'Nope'"),
    ({"schedule": "Join", "parts": [CONSTANT, CONSTANT]}, r"Join: Constant\(.*\) has no end"),
    ({"schedule": "Product", "parts": [CONSTANT, None]}, "Product: parts must be schedules, got None"),
    ({"schedule": "Repeat", "of": CONSTANT}, r"Repeat: Constant\(.*\) has no end, so it cannot start again"),
    ({"schedule": "Repeat", "of": 3}, "Repeat: of must be a schedule, got 3"),
    ({"schedule": "Repeat", "times": 3}, "Repeat: field 'of' is missing"),
    (
        {"schedule": "Repeat", "of": {"schedule": "Linear", "steps": 2}, "times": 2.5},
        "Repeat: times must be a whole number >= 1",
    ),
    ({"schedule": "Shift", "of": CONSTANT}, "Shift: field 'by' is missing"),
    ({"schedule": "Shift", "of": CONSTANT, "by": "3"}, "Shift: by must be a number, got '3'"),
    ({"schedule": "OneCycle", "steps": 9, "anneal": ["cos"]}, r"OneCycle: anneal must be 'cos' or 'linear', got \('cos',\)"),
    ({"schedule": "OneCycle", "steps": 9, "three_phase": 1}, "OneCycle: three_phase must be True or False, got 1"),
    ({"schedule": "Onecycle", "steps": 9}, r"unknown schedule 'Onecycle'; did you mean 'OneCycle'\?$"),
    ({"schedule": "Polynomial", "steps": 9, "power": -1}, "Polynomial: power must be >= 0, got -1"),
    ({"schedule": "Absolute", "value": None}, "Absolute: value must be a number, got None"),
]


@pytest.mark.parametrize(("config", "message"), REFUSED_CONFIGURATIONS)
def test_a_configuration_that_makes_no_sense_is_refused(config: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Schedule.from_dict(config)


def test_not_a_number_does_not_come_in_through_json() -> None:
    for word, name in (("NaN", "nan"), ("Infinity", "inf"), ("1e999", "inf")):
        with pytest.raises(ValueError, match=f"Step: every must be finite, got {name}"):
            Schedule.from_dict(json.loads(f'{{"schedule": "Step", "every": {word}}}'))


def test_from_dict_of_a_class_makes_only_that_class() -> None:
    with pytest.raises(ValueError, match=r"^Cosine: the configuration describes Linear\(steps=1"):
        Cosine.from_dict({"schedule": "Linear", "steps": 1})


# -- numbers that make no sense

nan, inf = math.nan, math.inf


def torch_tensor(value: Any) -> Any:
    return pytest.importorskip("torch").tensor(value)


def jax_array(value: Any) -> Any:
    return pytest.importorskip("jax.numpy").asarray(value)


NO_NUMBERS: list[Any] = [
    True,
    False,
    None,
    "30",
    b"30",
    1j,
    [30],
    (30,),
    {30},
    Decimal(30),
    Fraction(30),
    object(),
    Cosine(30),
    np.array([30.0]),
    np.array([[30.0]]),
    np.bool_(True),
    np.complex128(30),
    np.array(True),
    np.array("30"),
    np.datetime64("2026-01-01"),
    lambda: torch_tensor([30.0]),
    lambda: torch_tensor(True),
    lambda: torch_tensor(1j),
    lambda: jax_array([30.0]),
    lambda: jax_array(True),
]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=[str(i) for i in range(len(NO_NUMBERS))])
def test_what_is_no_number_is_a_type_error(value: Any) -> None:
    value = value() if callable(value) and not isinstance(value, Schedule) else value
    for make, field in (*NUMBERED, *RANGED):
        if value is None and field == "Repeat: times":
            continue  # for ever
        with pytest.raises(TypeError, match=rf"^{field} must be a number, got ".replace("[", r"\[").replace("]", r"\]")):
            make(value)


NUMBERED: list[tuple[Callable[[Any], Schedule], str]] = [
    (Constant, "Constant: factor"),
    (lambda v: Linear(v), "Linear: steps"),
    (lambda v: Linear(1, v), "Linear: start"),
    (lambda v: Linear(1, 0, v), "Linear: end"),
    (Exponential, "Exponential: gamma"),
    (Step, "Step: every"),
    (lambda v: Step(1, v), "Step: gamma"),
    (lambda v: MultiStep((v,)), "MultiStep: milestones[0]"),
    (lambda v: MultiStep((1, 2), v), "MultiStep: gamma"),
    (Cosine, "Cosine: steps"),
    (lambda v: Cosine(1, v), "Cosine: end"),
    (lambda v: Noam(v, 1), "Noam: model_size"),
    (lambda v: Noam(1, v), "Noam: warmup_steps"),
    (lambda v: Noam(1, 1, v), "Noam: factor"),
    (lambda v: Cyclic(v, 1, 1), "Cyclic: start"),
    (lambda v: Cyclic(1, v, 1), "Cyclic: peak"),
    (lambda v: Cyclic(1, 1, v), "Cyclic: steps_up"),
    (lambda v: Cyclic(1, 1, 1, gamma=v), "Cyclic: gamma"),
    (lambda v: Scale(Cosine(1), v), "Scale: factor"),
    (lambda v: Cut(Cosine(1), v), "Cut: steps"),
    (Absolute, "Absolute: value"),
    (Polynomial, "Polynomial: steps"),
    (lambda v: Polynomial(1, v), "Polynomial: power"),
    (lambda v: Polynomial(1, 1, v), "Polynomial: end"),
    (lambda v: OneCycle(9, v), "OneCycle: start"),
    (lambda v: OneCycle(9, 0, v), "OneCycle: peak"),
    (lambda v: OneCycle(9, 0, 1, v), "OneCycle: end"),
]
# those that have a rule of their own, which 1 keeps
RANGED: list[tuple[Callable[[Any], Schedule], str]] = [
    (OneCycle, "OneCycle: steps"),
    (lambda v: OneCycle(9, pct_start=v), "OneCycle: pct_start"),
    (lambda v: Cosine(1).repeat(v), "Repeat: times"),
    (lambda v: Cosine(1).repeat(stretch=v), "Repeat: growth"),
    (lambda v: Cosine(1).repeat(decay=v), "Repeat: decay"),
    (lambda v: Cosine(1).shift(v), "Shift: by"),
]


class Count(enum.IntEnum):
    one = 1
    three = 3


class Half(float):
    pass


@pytest.mark.parametrize(("make", "field"), [*NUMBERED, *RANGED])
def test_a_number_is_finite_and_kept_as_a_plain_one(make: Callable[[Any], Schedule], field: str) -> None:
    ranged = (make, field) in RANGED
    field = field.replace("[", r"\[").replace("]", r"\]")
    for value in (nan, inf, -inf, 10**400, np.float64(nan), np.float32(inf), np.array(nan), torch_tensor(nan), jax_array(inf)):
        with pytest.raises(ValueError, match=f"^{field} must be finite, got "):
            make(value)
    if not ranged:
        with pytest.raises(ValueError, match=f"^{field} must be >=? 0, got -1"):
            make(-1)

    whole = [3, np.int64(3), np.uint8(3), np.array(3), torch_tensor(3), jax_array(3), Count.three]
    broken = [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), torch_tensor(0.5), jax_array(0.5), Half(0.5)]
    one = [1, np.int64(1), np.array(1), torch_tensor(1), jax_array(1), Count.one]
    for values in [one] if ranged else [whole, broken]:
        plain = make(values[0])
        for value in values:
            made = make(value)
            assert made == plain
            assert repr(made) == repr(plain)
            assert made.to_dict() == plain.to_dict()
            assert json.dumps(made.to_dict()) == json.dumps(plain.to_dict())
            assert pickle.dumps(made) == pickle.dumps(plain)


RULES: dict[str, tuple[list[float], list[float]]] = {
    "finite": ([-1e300, -1, 0, 0.5], []),
    "> 0": ([5e-324, 1], [0, -0.0, -1]),
    ">= 0": ([0, -0.0, 1], [-5e-324, -1]),
    "in [0, 1]": ([0, 0.5, 1, 1.0], [-0.25, 1.25, 2]),
    "in (0, 1)": ([5e-324, 0.5, 0.999], [0, 1, 1.0, -0.5, 2]),
    "in (0, 1]": ([5e-324, 0.5, 1, 1.0], [0, -0.0, 1.25, 2, -0.5]),
    ">= 1": ([1, 1.0, 2.5, 1e300], [0, 0.999, -1]),
    "a whole number >= 0": ([0, 3, 3.0], [0.5, -1, -0.5, 1e-9]),
    "a whole number >= 1": ([1, 3, 3.0], [0, 0.5, 1.5, -1]),
}


@pytest.mark.parametrize("rule", _RULES)
def test_rules(rule: str) -> None:
    kept, broken = RULES[rule]
    for value in kept:
        assert number("Owner", "field", value, rule) == value
    for value in broken:
        with pytest.raises(ValueError, match=rf"^Owner: field must be {re.escape(rule)}, got {value}$"):
            number("Owner", "field", value, rule)
    for value in (nan, inf, -inf):
        with pytest.raises(ValueError, match=r"^Owner: field must be finite, got "):
            number("Owner", "field", value, rule)


Refusal = tuple[Callable[[], Any], type[Exception], str]
REFUSED: list[Refusal] = [
    (lambda: Constant(-1), ValueError, r"Constant: factor must be >= 0, got -1$"),
    (lambda: Constant(1, 0), ValueError, r"Constant: steps must be > 0, got 0$"),
    (lambda: Constant(steps=True), TypeError, r"Constant: steps must be a number, got True$"),
    (lambda: Lambda(0.95), TypeError, r"Lambda: fn must be callable, got 0\.95$"),
    (lambda: Lambda(None), TypeError, r"Lambda: fn must be callable, got None$"),
    (lambda: Linear(0), ValueError, r"Linear: steps must be > 0, got 0$"),
    (lambda: Linear(-0.0), ValueError, r"Linear: steps must be > 0, got -0\.0$"),
    (lambda: Linear(9, -0.1), ValueError, r"Linear: start must be >= 0, got -0\.1$"),
    (lambda: Linear(9, 0, -0.1), ValueError, r"Linear: end must be >= 0, got -0\.1$"),
    (lambda: Linear(), TypeError, ".*missing 1 required positional argument: 'steps'"),
    (lambda: Linear(9, 0, 1, 2), TypeError, ".*positional arguments"),
    (lambda: Linear(9, stop=1), TypeError, ".*unexpected keyword argument 'stop'"),
    (lambda: Exponential(0), ValueError, r"Exponential: gamma must be > 0, got 0$"),
    (lambda: Exponential(-0.5), ValueError, r"Exponential: gamma must be > 0, got -0\.5$"),
    (lambda: Step(0), ValueError, r"Step: every must be > 0, got 0$"),
    (lambda: Step(30, 0), ValueError, r"Step: gamma must be > 0, got 0$"),
    (lambda: MultiStep(()), ValueError, r"MultiStep: milestones must be a non-empty tuple of numbers, got \(\)$"),
    (lambda: MultiStep(30), ValueError, r"MultiStep: milestones must be a non-empty tuple of numbers, got 30$"),
    (lambda: MultiStep("30"), ValueError, r"MultiStep: milestones must be a non-empty tuple of numbers, got '30'$"),
    (lambda: MultiStep((80, 30)), ValueError, r"MultiStep: milestones must be ascending, got \(80, 30\); sort them$"),
    (lambda: MultiStep((-1, 30)), ValueError, r"MultiStep: milestones\[0\] must be >= 0, got -1$"),
    (lambda: MultiStep((30, nan)), ValueError, r"MultiStep: milestones\[1\] must be finite, got nan$"),
    (lambda: MultiStep((30, "80")), TypeError, r"MultiStep: milestones\[1\] must be a number, got '80'$"),
    (lambda: MultiStep((30,), 0), ValueError, r"MultiStep: gamma must be > 0, got 0$"),
    (lambda: Cosine(0), ValueError, r"Cosine: steps must be > 0, got 0$"),
    (lambda: Cosine(9, -1e-9), ValueError, r"Cosine: end must be >= 0, got -1e-09$"),
    (lambda: Cosine(9, hold=1), TypeError, r"Cosine: hold must be True or False, got 1$"),
    (lambda: Cosine(9, hold="no"), TypeError, r"Cosine: hold must be True or False, got 'no'$"),
    (lambda: Noam(0, 4000), ValueError, r"Noam: model_size must be > 0, got 0$"),
    (lambda: Noam(512, 0), ValueError, r"Noam: warmup_steps must be > 0, got 0$"),
    (lambda: Noam(512, 4000, 0), ValueError, r"Noam: factor must be > 0, got 0$"),
    (lambda: Cyclic(-1, 1, 2), ValueError, r"Cyclic: start must be >= 0, got -1$"),
    (lambda: Cyclic(0, -1, 2), ValueError, r"Cyclic: peak must be >= 0, got -1$"),
    (lambda: Cyclic(0, 1, 0), ValueError, r"Cyclic: steps_up must be > 0, got 0$"),
    (lambda: Cyclic(0, 1, 2, 0), ValueError, r"Cyclic: steps_down must be > 0, got 0$"),
    (
        lambda: Cyclic(0, 1, 2, mode="square"),
        ValueError,
        r"Cyclic: mode must be 'triangular', 'triangular2' or 'exp_range', got 'square'$",
    ),
    (
        lambda: Cyclic(0, 1, 2, mode=None),
        ValueError,
        r"Cyclic: mode must be 'triangular', 'triangular2' or 'exp_range', got None$",
    ),
    (lambda: Cyclic(0, 1, 2, gamma=0), ValueError, r"Cyclic: gamma must be > 0, got 0$"),
    (lambda: Cyclic(0, 1, 2, scale_fn=0.5), TypeError, r"Cyclic: scale_fn must be callable, got 0\.5$"),
    (
        lambda: Cyclic(0, 1, 2, scale_mode="epoch"),
        ValueError,
        r"Cyclic: scale_mode must be 'cycle' or 'iterations', got 'epoch'$",
    ),
    (lambda: Absolute(-0.1), ValueError, r"Absolute: value must be >= 0, got -0\.1$"),
    (lambda: Absolute(), TypeError, ".*missing 1 required positional argument: 'value'"),
    (lambda: Polynomial(0), ValueError, r"Polynomial: steps must be > 0, got 0$"),
    (lambda: Polynomial(9, -1e-9), ValueError, r"Polynomial: power must be >= 0, got -1e-09$"),
    (lambda: Polynomial(9, 1, -0.1), ValueError, r"Polynomial: end must be >= 0, got -0\.1$"),
    (lambda: OneCycle(0.99), ValueError, r"OneCycle: steps must be >= 1, got 0\.99$"),
    (lambda: OneCycle(9, -0.1), ValueError, r"OneCycle: start must be >= 0, got -0\.1$"),
    (lambda: OneCycle(9, 0, -0.1), ValueError, r"OneCycle: peak must be >= 0, got -0\.1$"),
    (lambda: OneCycle(9, 0, 1, -0.1), ValueError, r"OneCycle: end must be >= 0, got -0\.1$"),
    (lambda: OneCycle(9, pct_start=1.01), ValueError, r"OneCycle: pct_start must be in \[0, 1\], got 1\.01$"),
    (lambda: OneCycle(9, pct_start=-0.01), ValueError, r"OneCycle: pct_start must be in \[0, 1\], got -0\.01$"),
    (lambda: OneCycle(9, anneal="sin"), ValueError, r"OneCycle: anneal must be 'cos' or 'linear', got 'sin'$"),
    (lambda: OneCycle(9, anneal=None), ValueError, r"OneCycle: anneal must be 'cos' or 'linear', got None$"),
    (lambda: OneCycle(9, three_phase=1), TypeError, r"OneCycle: three_phase must be True or False, got 1$"),
    (lambda: OneCycle(9, three_phase="no"), TypeError, r"OneCycle: three_phase must be True or False, got 'no'$"),
    (lambda: OneCycle(9, three_phase=None), TypeError, r"OneCycle: three_phase must be True or False, got None$"),
    (lambda: Repeat(3), TypeError, r"Repeat: of must be a schedule, got 3$"),
    (lambda: Repeat(None), TypeError, r"Repeat: of must be a schedule, got None$"),
    (lambda: Cosine(4).repeat(0), ValueError, r"Repeat: times must be a whole number >= 1, got 0$"),
    (lambda: Cosine(4).repeat(2.5), ValueError, r"Repeat: times must be a whole number >= 1, got 2\.5$"),
    (lambda: Cosine(4).repeat(True), TypeError, r"Repeat: times must be a number, got True$"),
    (lambda: Cosine(4).repeat(stretch=0.99), ValueError, r"Repeat: growth must be >= 1, got 0\.99$"),
    (lambda: Cosine(4).repeat(decay=0), ValueError, r"Repeat: decay must be in \(0, 1\], got 0$"),
    (lambda: Cosine(4).repeat(decay=1.01), ValueError, r"Repeat: decay must be in \(0, 1\], got 1\.01$"),
    (lambda: Cosine(4).repeat(3, 2), TypeError, ".*positional arguments"),
    (lambda: Step(4).repeat(), ValueError, r"Repeat: Step\(.*\) has no end, so .* again; cut it first: schedule\[:n\]$"),
    (lambda: Constant().repeat(3), ValueError, r"Repeat: Constant\(.*\) has no end, so it cannot start again"),
    (lambda: Cosine(4).repeat().repeat(), ValueError, r"Repeat: Repeat\(.*\) has no end, so it cannot start again"),
    (lambda: (Cosine(4) >> Step(4)).repeat(), ValueError, r"Repeat: Cosine\(.*\) >> Step\(.*\) has no end, so it cannot"),
    (lambda: Cosine(4).repeat() >> Cosine(4), ValueError, r"Join: Repeat\(.*\) has no end, so nothing can follow it"),
    (lambda: Step(4)[:0].repeat(), ValueError, r"Repeat: Step\(.*\)\[:0\] has no length, so there is nothing to repeat$"),
    (lambda: Cosine(4).shift(-4).repeat(), ValueError, r"Repeat: Shift\(.*\) has no length, so there is nothing to repeat$"),
    (lambda: Shift(abs, 3), TypeError, r"Shift: of must be a schedule, got <built-in function abs>$"),
    (lambda: Cosine(4).shift("3"), TypeError, r"Shift: by must be a number, got '3'$"),
    (lambda: Cosine(4).shift(inf), ValueError, r"Shift: by must be finite, got inf$"),
    (lambda: Step(4).shift(3) >> Cosine(4), ValueError, r"Join: Shift\(.*\) has no end, so nothing can follow it"),
    (lambda: Absolute(1) >> Cosine(4), ValueError, r"Join: Absolute\(.*\) has no end, so nothing can follow it"),
    (lambda: Join(()), ValueError, r"Join: parts must be a non-empty tuple of schedules, got \(\)$"),
    (lambda: Join(Cosine(4)), ValueError, r"Join: parts must be a non-empty tuple of schedules, got Cosine"),
    (lambda: Join((Cosine(4), 3)), TypeError, r"Join: parts must be schedules, got 3$"),
    (lambda: Product([]), ValueError, r"Product: parts must be a non-empty tuple of schedules, got \[\]$"),
    (lambda: Product((abs,)), TypeError, r"Product: parts must be schedules, got <built-in function abs>$"),
    (lambda: Scale("cosine", 2), TypeError, r"Scale: of must be a schedule, got 'cosine'$"),
    (lambda: Scale(Cosine(4), -1), ValueError, r"Scale: factor must be >= 0, got -1$"),
    (lambda: Cut(None, 2), TypeError, r"Cut: of must be a schedule, got None$"),
    (lambda: Constant() >> Cosine(4), ValueError, r"Join: Constant\(.*\) has no end, so .*; cut it first: schedule\[:n\]$"),
    (lambda: Step(3) >> Cosine(4) >> Step(3), ValueError, r"Join: Step\(.*\) has no end, so nothing can follow it"),
    (lambda: Cosine(4) >> Step(3) >> Cosine(4), ValueError, r"Join: Step\(.*\) has no end, so nothing can follow it"),
    (lambda: 2 * Noam(8, 4) >> Cosine(4), ValueError, r"Join: 2 \* Noam\(.*\) has no end, so nothing can follow it"),
    (lambda: Linear(3) * Step(3) >> Cosine(4), ValueError, r"Join: Linear\(.*\) \* Step\(.*\) has no end"),
    (lambda: Cosine(4) >> 3, TypeError, "unsupported operand type.* for >>: 'Cosine' and 'int'"),
    (lambda: 3 >> Cosine(4), TypeError, "unsupported operand type.* for >>: 'int' and 'Cosine'"),
    (lambda: Cosine(4) * -1, ValueError, r"Scale: factor must be >= 0, got -1$"),
    (lambda: nan * Cosine(4), ValueError, r"Scale: factor must be finite, got nan$"),
    (lambda: Cosine(4) * True, TypeError, r"unsupported operand type.* for \*: 'Cosine' and 'bool'"),
    (lambda: Cosine(4) * None, TypeError, r"unsupported operand type.* for \*: 'Cosine' and 'NoneType'"),
    (lambda: Cosine(4) * abs, TypeError, r"unsupported operand type.* for \*: 'Cosine' and 'builtin_function"),
    (lambda: np.array([1, 2]) * Cosine(4), TypeError, r"unsupported operand type.* for \*: 'numpy.ndarray' and 'Cosine'"),
    (lambda: Cosine(4)[3], TypeError, r"Cosine: write schedule\[:n\] for its first n units of time$"),
    (lambda: Cosine(4)[:], TypeError, r"Cosine: write schedule\[:n\] for its first n units of time$"),
    (lambda: Cosine(4)[1:3], TypeError, r"Cosine: write schedule\[:n\] for its first n units of time$"),
    (lambda: Cosine(4)[:3:2], TypeError, r"Cosine: write schedule\[:n\] for its first n units of time$"),
    (lambda: list(Cosine(4)), TypeError, r"Cosine: write schedule\[:n\] for its first n units of time$"),
    (lambda: Cosine(4)[:-1], ValueError, r"Cut: steps must be >= 0, got -1$"),
    (lambda: Cosine(4)[:"3"], TypeError, r"Cut: steps must be a number, got '3'$"),
    (lambda: Cosine(4)[:inf], ValueError, r"Cut: steps must be finite, got inf$"),
    (lambda: Cosine(4).at(5), TypeError, r"Cosine: at\(\) takes an iterable or an array of times, got 5$"),
    (lambda: Cosine(4).at(None), TypeError, r"Cosine: at\(\) takes an iterable or an array of times, got None$"),
    (lambda: Lambda(lambda t: nan)(2), ValueError, r"Lambda: fn\(2\) must be finite, got nan$"),
    (lambda: Lambda(lambda t: math.exp(t) * inf)(0.5), ValueError, r"Lambda: fn\(0\.5\) must be finite, got inf$"),
    (lambda: Lambda(lambda t: np.float64(nan))(2), ValueError, r"Lambda: fn\(2\) must be finite, got .*nan"),
    (lambda: Lambda(lambda t: 10**t)(400), ValueError, r"Lambda: fn\(400\) must be finite, got 1000"),
    (lambda: Schedule()(3), NotImplementedError, r"Schedule: define __call__\(self, t, base=1\.0\)$"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED, ids=[message[:60] for _, _, message in REFUSED])
def test_what_makes_no_sense_is_refused(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}") as caught:
        make()
    assert caught.type is error


# -- worked values

VALUES: list[tuple[Schedule, float, dict[float, float]]] = [
    (Constant(), 0.1, {-1: 0.1, 0: 0.1, 1e9: 0.1}),
    (Constant(0.5, steps=3), 0.1, {0: 0.05, 3: 0.05, 99: 0.05}),
    (Constant(0), 0.1, {0: 0.0, 5: 0.0}),
    (Lambda(lambda t: 0.95**t), 0.1, {0: 0.1, 1: 0.095, 2: 0.09025}),
    (Lambda(Linear(4)), 0.1, {0: 0.0, 2: 0.05, 9: 0.1}),
    (Linear(4, start=0.25), 0.1, {-3: 0.025, 0: 0.025, 2: 0.0625, 4: 0.1, 5: 0.1}),
    (Linear(10, 1.0, 0.0), 0.2, {0: 0.2, 2.5: 0.15, 5: 0.1, 10: 0.0, 1e9: 0.0}),
    (Exponential(0.95), 1e-3, {-5: 1e-3, 0: 1e-3, 1: 9.5e-4, 2: 9.025e-4, 1e9: 0.0}),
    (Exponential(4.0), 1.0, {0: 1.0, 0.5: 2.0, 3: 64.0, 63: 2.0**126, 64: 2.0**126, 1e9: 2.0**126}),
    (Step(30), 0.1, {-1: 0.1, 0: 0.1, 29: 0.1, 29.999: 0.1, 30: 0.01, 59: 0.01, 60: 0.001, 90: 1e-4}),
    (Step(2.5, 0.5), 1.0, {2.25: 1.0, 2.5: 0.5, 7.5: 0.125}),
    (MultiStep((30, 80)), 0.1, {-1: 0.1, 0: 0.1, 29: 0.1, 30: 0.01, 79: 0.01, 80: 0.001, 1e9: 0.001}),
    (MultiStep([0, 5, 5], 0.5), 1.0, {-1: 0.5, 0: 0.5, 4.75: 0.5, 5: 0.125, 6: 0.125}),
    (MultiStep((0.5, 0.75), 0.5), 1.0, {0: 1.0, 0.25: 1.0, 0.5: 0.5, 0.75: 0.25}),
    (Cosine(50, end=1e-5), 1e-3, {-1: 1e-3, 0: 1e-3, 25: 5.05e-4, 50: 1e-5, 51: 1e-5, 100: 1e-5}),
    (Cosine(3), 1.0, {1: 0.75, 2: 0.25, 3: 0.0}),
    (Cosine(50, end=1e-5, hold=False), 1e-3, {-25: 5.05e-4, 0: 1e-3, 25: 5.05e-4, 50: 1e-5, 75: 5.05e-4, 100: 1e-3, 150: 1e-5}),
    (Cosine(10, end=2.0), 1.0, {0: 1.0, 5: 1.5, 10: 2.0}),
    (Absolute(0.25), 9.0, {-1: 0.25, 0: 0.25, 1e9: 0.25}),
    (Absolute(0), 9.0, {-1: 0.0, 5: 0.0}),
    (Absolute(0.1) * Cosine(2), 9.0, {0: 0.1, 1: 0.05, 2: 0.0}),
    (Polynomial(4), 0.2, {-1: 0.2, 0: 0.2, 1: 0.15, 3: 0.05, 4: 0.0, 99: 0.0}),
    (Polynomial(4, 2), 0.2, {0: 0.2, 1: 0.1125, 2: 0.05, 3: 0.0125, 4: 0.0, 5: 0.0}),
    (Polynomial(8, 0.5, 0.5), 1.5, {-3: 1.5, 0: 1.5, 6: 1.0, 7.5: 0.75, 8: 0.5, 1e9: 0.5}),
    (Polynomial(8, 0, 0.5), 1.5, {0: 1.5, 7: 1.5, 8: 1.5, 9: 1.5}),
    (Polynomial(8, 3, 2.0), 1.0, {0: 1.0, 4: 1.875, 8: 2.0}),
    (OneCycle(100), 0.1, {-1: 0.004, 0: 0.004, 14.5: 0.052, 29: 0.1, 64: 0.0500002, 99: 4e-7, 100: 4e-7, 1e9: 4e-7}),
    (OneCycle(100, pct_start=0.41, three_phase=True), 0.1, {0: 0.004, 20: 0.052, 40: 0.1, 60: 0.052, 80: 0.004, 99: 4e-7}),
    (OneCycle(4, 0.95, 0.85, 0.9, 0.5, "linear"), 1.0, {0: 0.95, 0.5: 0.9, 1: 0.85, 2: 0.875, 3: 0.9, 4: 0.9}),
    (OneCycle(9, 0, 1, 0, 4 / 9), 1.0, {0: 0.0, 1: 0.25, 1.5: 0.5, 2: 0.75, 3: 1.0, 5.5: 0.5, 8: 0.0}),
    (Cosine(10).repeat(), 0.1, {-1: 0.1, 0: 0.1, 5: 0.05, 10: 0.1, 15: 0.05, 20: 0.1, 10**9: 0.1, 10**9 + 5: 0.05}),
    (Cosine(10).repeat(stretch=2), 0.1, {0: 0.1, 5: 0.05, 10: 0.1, 20: 0.05, 30: 0.1, 50: 0.05, 70: 0.1, 110: 0.05, 150: 0.1}),
    (Linear(2, 1.0, 0.5).repeat(decay=0.5), 1.0, {0: 1.0, 1: 0.75, 1.75: 0.5625, 2: 0.5, 3: 0.375, 4: 0.25, 20: 2.0**-10}),
    (Linear(4, 1.0, 0.0).repeat(3, stretch=1.5), 1.0, {0: 1.0, 4: 1.0, 7: 0.5, 10: 1.0, 14.5: 0.5, 19: 0.0, 20: 0.0, 1e9: 0.0}),
    (Linear(4, 0.0, 1.0).repeat(2, stretch=3, decay=0.5), 1.0, {2: 0.5, 4: 0.0, 10: 0.25, 16: 0.5, 17: 0.5}),
    (Linear(4).shift(2), 0.1, {-1: 0.0, 0: 0.0, 2: 0.0, 4: 0.05, 6: 0.1, 7: 0.1}),
    (Cosine(4).shift(-2), 0.1, {-1: 0.05, 0: 0.05, 2: 0.0}),
    (Noam(512, 4000), 9.0, {4000: 512**-0.5 * 4000**-0.5, 0: 512**-0.5 * 4000**-1.5, 1: 512**-0.5 * 4000**-1.5}),
    (Noam(512, 4000), 0.0, {-7: 512**-0.5 * 4000**-1.5, 2000: 512**-0.5 * 2000 * 4000**-1.5, 16000: 512**-0.5 * 16000**-0.5}),
    (Noam(4, 16, factor=2), 1.0, {1: 1 / 64, 8: 1 / 8, 16: 1 / 4, 64: 1 / 8, 0.5: 1 / 64}),
    (Cyclic(0.01, 0.1, 2, 3), 9.0, {-1: 0.01, 0: 0.01, 1: 0.055, 2: 0.1, 3: 0.07, 4: 0.04, 5: 0.01, 6: 0.055, 52: 0.1}),
    (Cyclic(0.0, 1.0, 2, mode="triangular2"), 1.0, {2: 1.0, 3: 0.5, 4: 0.0, 5: 0.25, 6: 0.5, 10: 0.25, 14: 0.125}),
    (Cyclic(0.0, 1.0, 2, mode="exp_range", gamma=0.5), 1.0, {0: 0.0, 1: 0.25, 2: 0.25, 3: 0.0625, 6: 1 / 64}),
    (Cyclic(1.0, 3.0, 2, scale_fn=lambda c: c), 1.0, {2: 3.0, 6: 5.0, 10: 7.0, 8: 1.0}),
    (Cyclic(1.0, 3.0, 2, scale_fn=lambda t: t, scale_mode="iterations"), 1.0, {1: 2.0, 2: 5.0, 6: 13.0}),
    (Cyclic(0.95, 0.85, 2), 1.0, {0: 0.95, 1: 0.9, 2: 0.85}),
    (Warmup(4), 0.1, {-1: 0.0, 0: 0.0, 1: 0.025, 4: 0.1, 9: 0.1}),
    (Warmup(4, 0.5, "constant"), 0.1, {0: 0.05, 3.9: 0.05, 4: 0.1}),
    (Warmup(4, shape="inverse"), 0.1, {0: 2.0, 2: 1.05, 4: 0.1, 5: 0.1}),
    (Warmup(4, shape="cosine"), 1.0, {0: 0.0, 2: 0.5, 4: 1.0}),
    (Warmup(4, 0.2, "quadratic"), 1.0, {0: 0.2, 1: 0.25, 2: 0.4, 4: 1.0}),
    (Warmup(4, shape="1-sqrt"), 1.0, {0: 0.0, 3: 0.5, 4: 1.0}),
    (Warmup(16, shape="log"), 1.0, {0: 0.0, 1: 0.25, 3: 0.5, 7: 0.75, 15: 1.0, 16: 1.0, 99: 1.0}),
    (Warmup(1, shape="log"), 1.0, {0: 0.0, 1: 1.0}),
    (Warmup(10, shape="exponential"), 1.0, {0: 1 - math.exp(-0.1), 9: 1 - math.exp(-1), 19: 1 - math.exp(-2)}),
    (Decay(4), 0.1, {-1: 0.1, 0: 0.1, 1: 0.075, 4: 0.0, 9: 0.0}),
    (Decay(4, 0.2, "cosine"), 1.0, {0: 1.0, 2: 0.6, 4: 0.2}),
    (Decay(4, shape="1-sqrt"), 1.0, {0: 1.0, 1: 0.5, 4: 0.0}),
    (Decay(4, shape="1-square"), 1.0, {0: 1.0, 1: 0.9375, 2: 0.75, 4: 0.0}),
    (Decay(4, shape="power", power=3), 1.0, {0: 1.0, 2: 0.875, 4: 0.0}),
    (Decay(2, shape="exponential", ratio=0.25), 1.0, {0: 1.0, 1: 1 / 3, 2: 0.0}),
    (Decay(4, shape="exponential", ratio=0.5), 1.0, {2: 2 * 0.5**0.5 - 1, 4: 0.0}),  # Megatron's
    (Decay(4, 0.25, "inverse", ratio=0.25), 1.0, {0: 1.0, 2: 0.4, 4: 0.25}),  # 1 / (1 + 3 p)
    (Decay(4, 0.5, Polynomial(1, 2)), 1.5, {0: 1.5, 2: 0.75, 4: 0.5}),
    (Exponential(0.25, 2, 0.1), 0.8, {0: 0.8, 1: 0.4, 2: 0.2, 3: 0.1, 4: 0.08, 99: 0.08}),
    (Exponential(4, end=3), 0.5, {0: 0.5, 0.5: 1.0, 1: 1.5, 9: 1.5}),
    (NaturalExp(0.5), 0.1, {-1: 0.1, 0: 0.1, 2: 0.1 / math.e, 4: 0.1 / math.e**2}),
    (Polynomial(4, 1, 0.2, cycle=True), 1.0, {-1: 1.0, 0: 1.0, 2: 0.6, 4: 0.2, 6: 0.4, 8: 0.2, 9: 0.4, 12: 0.2}),
    (Cosine(4, 0.5, exponent=2), 1.5, {0: 1.5, 2: 0.75, 4: 0.5}),
    (QuarterCosine(3, 1.0, 0.5), 0.1, {-1: 0.1, 0: 0.1, 2: 0.075, 3: 0.05, 9: 0.05}),
    (QuarterCosine(3, 2.0, 1.5, hold=False), 0.1, {-2: 0.175, 0: 0.2, 2: 0.175, 3: 0.15, 4: 0.125, 6: 0.1, 12: 0.2}),
    (Piecewise((2, 4), (0.5, 2.0)), 0.1, {-1: 0.05, 0: 0.05, 3.9: 0.05, 4: 0.2, 9: 0.2}),
    (Piecewise((0, 4, 6), (0.0, 1.0, 0.5), "linear"), 0.1, {0: 0.0, 1: 0.025, 4: 0.1, 5: 0.075, 6: 0.05, 7: 0.05}),
    (Piecewise((1, 4), (1.0, 0.0), "cosine"), 0.1, {0: 0.1, 1: 0.1, 2: 0.075, 2.5: 0.05, 3: 0.025, 4: 0.0}),
    (InversePower(4), 0.1, {-1: 0.1, 0: 0.1, 12: 0.05, 32: 0.1 / 3}),
    (InversePower(4, 2), 0.1, {4: 0.025, 12: 0.00625}),
    (NoamHold(4, 3), 0.1, {0: 0.0, 2: 0.05, 4: 0.1, 7: 0.1, 19: 0.05}),
    (Hold(3, 0.25), 0.1, {-1: 0.025, 2.9: 0.025, 3: 0.1, 9: 0.1}),
    (WSD(8, 4, 2, shape="linear", start=0.5), 0.1, {0: 0.05, 1: 0.075, 2: 0.1, 6: 0.1, 8: 0.05, 10: 0.0, 11: 0.0}),
    (WSD(8, 4, end=0.02), 0.1, {0: 0.1, 4: 0.1, 5: 0.06, 8: 0.02}),
    (WSD(12, 3, 4, stable=InversePower(4), shape="linear"), 1.0, {0: 0.0, 2: 0.5, 4: 1.0, 13: 13**-0.5 * 2, 16: 0.0}),
    (RsqrtCooldown(12, 6, 3), 1.0, {0: 0.0, 1: 1 / 3, 3: 1.0, 6: 0.5**0.5, 9: 3**-0.5, 12: 0.25, 15: 0.0, 20: 0.0}),
    (WSDS((4, 6), 2, 2, 0.5), 1.0, {0: 0.0, 1: 0.5, 2: 1.0, 4: 1.0, 5: 0.75, 6: 1.0, 10: 1.0, 11: 0.75, 12: 0.5, 13: 0.5}),
    (TriStage(2, 3, 2, 0.5, 0.25), 0.4, {0: 0.2, 1: 0.3, 2: 0.4, 5: 0.4, 6: 0.2, 7: 0.1, 8: 0.1}),
    (TriStage(0, 0, 2), 1.0, {0: 1.0, 1: 0.1, 2: 0.01}),
    (FlatCosine(10, 0.6, 0.2), 1.0, {0: 1.0, 6: 1.0, 8: 0.6, 10: 0.2, 11: 0.2}),
    (SlantedTriangular(20, 0.24, 4), 0.4, {0: 0.1, 2: 0.25, 4: 0.4, 12: 0.25, 20: 0.1, 21: 0.1}),
    (CosineRestarts(4, growth=2, decay=0.5), 1.0, {0: 1.0, 2: 0.5, 4: 0.5, 8: 0.25, 12: 0.25, 20: 0.125, 28: 0.125}),
    (CosineRestarts((2, 4), decay=(1, 0.5), end=0.1), 1.0, {0: 1.0, 1: 0.55, 2: 0.5, 4: 0.3, 6: 0.1, 7: 0.1}),
    (CosineRestarts(4, 2, 2, 0.5, 0, 1, 0.5), 1.0, {0: 0.5, 1: 1.0, 3: 0.5, 5: 0.25, 6: 0.5, 10: 0.25, 14: 0.0, 15: 0.0}),
    (CosineRestarts(8, 3, 0.5, 2.0, 0.1), 1.0, {0: 1.0, 4: 0.55, 8: 2.0, 10: 1.05, 12: 4.0, 13: 2.05, 14: 0.1, 15: 0.1}),
    (CosineRestarts(8, 3, decay=0), 1.0, {0: 1.0, 4: 0.5, 8: 0.0, 9: 0.0, 30: 0.0}),
    (CosineRestarts(4, warmup_steps=2), 1.0, {0: 0.0, 1: 0.5, 2: 1.0, 4: 0.5, 6: 0.0, 7: 0.5, 8: 1.0, 604: 0.5}),
    (REX(4, 0.1), 1.1, {0: 1.1, 2: 0.1 + 2 / 3, 4: 0.1, 9: 0.1}),
    (REX(4, beta=0.9), 1.0, {2: 0.5 / 0.55, 3: 0.25 / 0.325}),
    (Tanh(4, 0.5), 1.5, {0: 0.5 + (1 + math.tanh(7)) / 2, 2: 0.5 + (1 - math.tanh(-2)) / 2, 4: 0.5 + (1 - math.tanh(3)) / 2}),
    (Tanh(4, lower=-3, upper=3), 1.0, {2: 0.5}),
    (Hyperbolic(4, 4, 0.2), 1.2, {-1: 1.2, 0: 1.2, 2: 0.7, 4: 0.2, 5: 0.2}),
    (Hyperbolic(4, 8), 1.0, {0: 1.0, 4: 1 - 0.75**0.5}),
    (ExpHyperbolic(4, 4, 0.01), 0.5, {0: 0.5, 2: 0.05, 4: 0.005, 5: 0.005}),
    (Chebyshev(4, 0.5, 1.5), 1.0, {-1: 1 / (1 - 0.5 * math.cos(math.pi / 8)), 1.5: 1 / (1 + 0.5 * math.cos(math.pi / 8))}),
    (Chebyshev(3, 0.5, 1.5), 2.0, {2: 2 / (1 - 0.5 * math.cos(math.pi * 3 / 8)), 3: 2 / (1 - 0.5 * math.cos(math.pi * 3 / 8))}),
    (ChebyshevNodes(3, 0.5), 1.5, {0: 0.5 + (1 + math.cos(math.pi / 6)) / 2, 1: 1.0, 2: 1.5 - (1 + math.cos(math.pi / 6)) / 2}),
    (ChebyshevNodes(3), 1.0, {2: (1 - math.cos(math.pi / 6)) / 2, 3: (1 - math.cos(math.pi / 6)) / 2}),
    (RangeTest(4, 2), 0.1, {-1: 0.1, 0: 0.1, 2: 0.2, 4: 0.3, 40: 2.1}),
    (RangeTest(4, 2, staircase=True), 0.1, {3.9: 0.1, 4: 0.3, 7: 0.3, 8: 0.5}),
    (Adafactor(), 1.0, {0: 0.01, 9999: 0.01, 39_999: 0.005}),
    (Adafactor(True), 2.0, {0: 2e-6, 9: 2e-5, 9999: 0.02, 39_999: 0.01}),
    (Eden(3, 2, 4, 2), 1.0, {0: 0.5, 1: 0.75 * (10 / 9) ** -0.25, 3: 2**-0.25, 9: 0.1**0.25 * 2**-0.25}),
    (Proportion(Linear(4, 1.0, 0.0), 0.0, 0.5, 0.95, 0.85), 0.5, {0: 0.85, 2: 0.9, 4: 0.95}),
    (Noise(Constant(), 0.5, end=0), 0.1, {0: 0.1, 5: 0.1}),
    (Noise(Linear(9), 0.5, start=4, end=4), 0.9, {1: 0.1, 4: 0.4, 9: 0.9}),
    (Linear(4) + 0.5, 0.2, {0: 0.5, 2: 0.6, 4: 0.7}),
    (0.75 * Cosine(4) + 0.25 * Constant(), 0.2, {0: 0.2, 2: 0.125, 4: 0.05}),
    (Linear(4).maximum(0.25), 1.0, {0: 0.25, 1: 0.25, 2: 0.5}),
    (Linear(4).minimum(Cosine(4)), 1.0, {0: 0.0, 2: 0.5, 4: 0.0}),
    (Linear(4).clip(0.25, 0.75), 1.0, {0: 0.25, 2: 0.5, 4: 0.75}),
    (Linear(4).stretch(2.5), 1.0, {0: 0.0, 5: 0.5, 10: 1.0, 11: 1.0}),
    (Linear(4).per_epoch(10, staircase=True), 1.0, {0: 0.0, 9: 0.0, 10: 0.25, 39: 0.75, 40: 1.0, 50: 1.0}),
    (Polynomial(4, 1, 0.2).k_decay(2), 1.2, {0: 1.2, 2: 0.95, 4: 0.2, 5: 0.2}),
    (Cosine(4, 0.1).continue_from(Linear(2, 1.0, 0.5)), 1.0, {0: 0.5, 2: 0.3, 4: 0.1}),
    (Linear(4, 0.5, 0.0).continue_from(Exponential(0.5)[:1]), 1.0, {0: 0.5, 2: 0.25, 4: 0.0}),
    (Linear(10) >> Cosine(90), 0.1, {0: 0.0, 5: 0.05, 10: 0.1, 55: 0.05, 100: 0.0, 1000: 0.0}),
    (Linear(2) * Exponential(0.5), 1.0, {0: 0.0, 1: 0.25, 2: 0.25, 3: 0.125}),
    (Noam(4, 16) * Linear(32), 1.0, {16: 1 / 16, 64: 1 / 16}),
    (0.5 * Cosine(2), 0.1, {0: 0.05, 1: 0.025, 2: 0.0}),
    (Exponential(0.5)[:2] >> Cosine(2), 1.0, {-1: 1.0, 0: 1.0, 1: 0.5, 1.5: 0.5**1.5, 2: 1.0, 3: 0.5, 4: 0.0}),
    (Exponential(0.5)[:2], 1.0, {1: 0.5, 2: 0.25, 3: 0.25, 99: 0.25}),
]


@pytest.mark.parametrize(("schedule", "base", "values"), VALUES)
def test_worked_values(schedule: Schedule, base: float, values: dict[float, float]) -> None:
    for t, value in values.items():
        assert schedule(t, base) == pytest.approx(value, rel=1e-14, abs=1e-17), t


def test_worked_values_show_every_schedule() -> None:
    assert {type(schedule).__name__ for schedule, _, _ in VALUES} == set(ROWS)


def test_ends_are_exact() -> None:
    """No dust from rounding where a user looks: at zero, at the peak and at the floor."""
    assert Cosine(90)(90, 0.1) == 0.0
    assert Cosine(90, end=0.01)(90, 0.1) == 0.01
    assert Linear(7)(7, 0.1) == 0.1
    assert Linear(7, 1.0, 0.0)(7, 0.1) == 0.0
    assert (Linear(3) >> Cosine(4))(3, 0.1) == 0.1
    assert Cyclic(0.01, 0.1, 3)(6) == 0.01
    assert Cyclic(0.01, 0.1, 3)(3) == pytest.approx(0.1, rel=1e-15)
    for steps in (7, 0.1, 90):
        for power in (0.25, 1, 2, 0.9):
            assert Polynomial(steps, power)(steps, 0.1) == 0.0
            assert Polynomial(steps, power, 0.01)(steps, 0.1) == 0.01
            left = math.ulp(steps) / steps / 2 if math.frexp(steps)[0] == 0.5 else math.ulp(steps) / steps
            assert Polynomial(steps, power)(math.nextafter(steps, 0)) == pytest.approx(left**power, rel=1e-15)
    assert OneCycle(100)(29, 0.1) == OneCycle(100, anneal="linear")(29, 0.1) == 0.1
    assert OneCycle(100, end=0.001)(99, 0.1) == 0.1 * 0.001
    assert OneCycle(100, 0.0, 1.0, 0.0)(0) == OneCycle(100, 0.0, 1.0, 0.0)(99) == 0.0


# -- a user's own


@pytest.fixture
def registry() -> Iterator[dict[str, type[Schedule]]]:
    """The registry, which forgets after a test what the test defined."""
    before = dict(Schedule._registry)
    yield Schedule._registry
    Schedule._registry.clear()
    Schedule._registry.update(before)


class Squares(Schedule):
    """The base times (t / steps) squared; here, where pickle finds it."""

    steps: float
    rest: tuple[float, ...] = ()

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base * ops.clip(t / self.steps, 0.0, 1.0) ** 2


def test_a_schedule_of_your_own_is_like_ours() -> None:
    assert Schedule._registry["Squares"] is Squares
    schedule = Squares(4, rest=(1, 2)) >> Cosine(8)
    assert Squares(4) == Squares(steps=4) != Squares(5)
    assert schedule.length == 12.0
    assert schedule.at([-1, 0, 2, 4, 8], 0.1) == pytest.approx([0.0, 0.0, 0.025, 0.1, 0.05], abs=0)
    assert schedule(np.array([0.0, 2.0, 4.0])).tolist() == [0.0, 0.25, 1.0]
    assert schedule.to_dict()["parts"][0] == {"schedule": "Squares", "steps": 4, "rest": [1, 2]}
    for made in (Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))), pickle.loads(pickle.dumps(schedule))):
        assert made == schedule
        assert hash(made) == hash(schedule)
    assert repr(0.5 * Squares(4)) == "0.5 * Squares(steps=4)"
    with pytest.raises(ValueError, match=r"unknown schedule 'Square'; did you mean 'Squares'\?"):
        Schedule.from_dict({"schedule": "Square"})


@every_variant
def test_a_schedule_is_frozen(name: str, variant: str) -> None:
    schedule = draw(name, variant, 0)
    for field in (*schedule.__dataclass_fields__, "other"):
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{field}'"):
            setattr(schedule, field, 1)
    with pytest.raises(FrozenInstanceError, match="cannot delete field"):
        delattr(schedule, next(iter(schedule.__dataclass_fields__)))


def test_our_names_are_ours(registry: dict[str, type[Schedule]]) -> None:
    taken = "^schedule name 'Cosine' is taken by lucid.schedules.cosine.Cosine; choose another"
    with pytest.raises(TypeError, match=taken):

        class Cosine(Schedule):
            steps: float

    assert registry["Cosine"] is lucid.schedules.Cosine

    for default in (1.0, 2.0):  # a notebook's cell runs twice

        class Mine(Schedule):
            steps: float = default

    assert registry["Mine"] is Mine
    assert Schedule.from_dict({"schedule": "Mine"}).length == 2.0


def test_no_field_may_be_called_schedule(registry: dict[str, type[Schedule]]) -> None:
    before = dict(registry)
    with pytest.raises(TypeError, match=r"^Mine: no field may be called 'schedule', which names the class in a config"):

        class Mine(Schedule):
            schedule: Schedule

    assert registry == before


def test_what_is_not_affine_says_so(registry: dict[str, type[Schedule]]) -> None:
    class Root(Schedule):
        affine = False

        def __call__(self, t: Any, base: Any = 1.0) -> Any:
            return base**0.5 + 0 * t

    assert (Root()(3, 4.0), Root().affine) == (2.0, False)
    composed = [Linear(4) >> Root(), Root()[:3] >> Linear(4), Root() * Linear(4), 0.5 * Root(), (2 * Root())[:4] * Step(2)]
    for made in (*composed, Root()[:3].repeat(), Root().shift(2)):
        assert made.affine is False
        assert copy.deepcopy(made).affine is False
    composed = [Linear(4) >> Step(3), Cosine(4) * Linear(4), 0.5 * Cosine(3), Cosine(3)[:2]]
    for made in (*composed, Cosine(3).repeat(), Cosine(3).shift(2), Absolute(3) * Cosine(3)):
        assert made.affine is True


def test_what_is_made_of_absolute_schedules_is_absolute() -> None:
    cyclic, linear = Cyclic(0, 1, 2), Linear(4)
    for made in (
        Noam(4, 2)[:3] >> cyclic,
        0.5 * cyclic,
        cyclic[:3],
        cyclic[:3].repeat(),
        cyclic.shift(2),
        Absolute(1) * linear,
    ):
        assert made.absolute is True
    for made in (linear * cyclic, linear * cyclic * Step(2), (linear * cyclic) * linear):  # since the last absolute part
        assert made.absolute is True
        assert made.at(range(9), 0.1) == made.at(range(9), 5)
    assert (linear * cyclic * Step(2))(2, 9) == (cyclic * Step(2))(2) == 0.1
    for made in (
        linear[:3] >> cyclic,
        cyclic[:3] >> linear,
        0.5 * linear,
        linear[:3],
        linear.repeat(),
        linear.shift(2),
        linear * linear,
    ):
        assert made.absolute is False


def test_schedules_are_equal_by_value() -> None:
    assert len({Cosine(9), Cosine(9.0), Cosine(steps=9, end=0)}) == 1
    assert Linear(9) != Cosine(9)
    assert MultiStep([1, 2]) == MultiStep((1, 2))
    assert Cyclic(0, 1, 2) == Cyclic(0, 1, 2, 2)
    assert {Linear(2) >> Cosine(3): 1}[Linear(2) >> Cosine(3)] == 1
