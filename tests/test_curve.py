"""``schedule.at(times)`` of many times: block by block, part by part, and the same values as one by one."""

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from catalogue import ROWS, draw
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    Cut,
    Cyclic,
    Decay,
    Exponential,
    Join,
    Lambda,
    Linear,
    OneCycle,
    Schedule,
    Step,
    Warmup,
    _schedule,
    ops,
)

VARIANTS = [(name, variant) for name, row in ROWS.items() for variant in row]
MANY = 3 * _schedule._BLOCK + 7


class _Asked(Schedule):
    """The base, and by whom it was asked about how many times."""

    name: str
    asked: dict[str, int]

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        self.asked[self.name] = self.asked.get(self.name, 0) + t.shape[0]
        return base + 0 * t


class _Loose(Schedule):
    """A formula that looks at how many times there are, or at what they are."""

    gives: Any

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return self.gives(t, base)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_schedule, "_BLOCK", 8)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_blocks_make_the_same_curve(name: str, variant: str, dtype: str) -> None:
    """As all at once, and in doubles as one by one; in order, reversed and mixed."""
    times = np.arange(0, 255).astype(dtype) if dtype == "uint8" else np.linspace(-20, 235, 256).astype(dtype)
    mixed = np.random.default_rng(0).permutation(times)
    for seed in range(3):
        schedule = draw(name, variant, seed, exact=dtype != "float64")
        for moments in (times, times[::-1], mixed):
            found, whole = schedule.at(moments, 0.3), schedule(moments, 0.3)
            assert (found.shape, found.dtype) == (whole.shape, whole.dtype)
            np.testing.assert_allclose(found, whole, rtol=1e-14, atol=1e-15)
        if dtype in ("float64", "int64"):
            one_by_one = np.array([schedule(t, 0.3) for t in times.tolist()], dtype=float)
            found = schedule.at(times, 0.3)
            np.testing.assert_allclose(found, one_by_one, rtol=1e-11, atol=1e-12 * np.abs(one_by_one).max())


@pytest.mark.parametrize(
    "schedule",
    [
        Cosine(MANY, end=0.125),
        Linear(MANY // 10) >> Cosine(MANY - MANY // 10),
        Warmup(100) >> Constant(steps=MANY // 2) >> Decay(MANY // 3),
        Step(MANY // 50, 0.9),
        Exponential(0.9999),
        OneCycle(MANY),
        Cosine(1000, end=0.01).repeat(),
        Cosine(1000).repeat(7, decay=0.75),
        Cosine(1000).repeat(stretch=2),
        0.5 * (Linear(MANY // 2) >> Step(997, 0.5)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_a_long_curve_is_that_of_every_time(schedule: Schedule, dtype: str) -> None:
    times = np.arange(MANY).astype(dtype)
    found = schedule.at(times, 0.3)
    assert type(found) is np.ndarray
    assert found.dtype == "float64"
    right = np.array(schedule.at(range(MANY), 0.3))
    np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12 * 0.3)


@pytest.mark.usefixtures("small_blocks")
def test_a_base_for_each_time_or_for_all() -> None:
    schedule, times = Linear(20) >> Cosine(60, end=0.125), np.linspace(0, 90, 100)
    bases = np.linspace(0.1, 2, 100)
    right = [schedule(t, base) for t, base in zip(times.tolist(), bases.tolist(), strict=True)]
    np.testing.assert_allclose(schedule.at(times, bases), right, rtol=1e-12)
    np.testing.assert_allclose(schedule.at(times, bases[:1]), schedule.at(times, 0.1), rtol=1e-14)
    np.testing.assert_allclose(schedule.at(times, np.float64(0.1)), schedule.at(times, 0.1), rtol=1e-14)
    np.testing.assert_allclose(schedule.at(times, bases[:3, None]), [schedule.at(times, b) for b in bases[:3]], rtol=1e-14)
    line = schedule.at(times, 1j)
    np.testing.assert_allclose(line.imag, schedule.at(times, 1.0) - schedule.at(times, 0.0), atol=1e-14)
    table = times.reshape(20, 5)
    np.testing.assert_allclose(schedule.at(table, 0.1), schedule.at(times, 0.1).reshape(20, 5), rtol=1e-14)
    np.testing.assert_allclose(
        schedule.at(table, bases[:5]), [[schedule(t, b) for t, b in zip(row, bases[:5], strict=True)] for row in table]
    )
    assert schedule.at(np.array(5.0), 0.1) == schedule(5.0, 0.1)
    assert schedule.at(times[:0], 0.1).shape == (0,)


@pytest.mark.usefixtures("small_blocks")
def test_another_librarys_arrays_are_left_to_it() -> None:
    torch = pytest.importorskip("torch")
    schedule, times = Linear(20) >> Cosine(60), torch.linspace(0, 90, 100, dtype=torch.float64, requires_grad=True)
    values = schedule.at(times)
    values.sum().backward()
    assert times.grad.shape == (100,)
    np.testing.assert_allclose(values.detach().numpy(), schedule.at(times.detach().numpy()), rtol=1e-12)
    asked: dict[str, int] = {}
    _Asked("once", asked).at(times.detach())
    assert asked == {"once": 100}
    with_base = schedule.at(times.detach(), torch.full((100,), 0.5, dtype=torch.float64))
    np.testing.assert_allclose(with_base, 0.5 * values.detach(), rtol=1e-12)


@pytest.mark.usefixtures("small_blocks")
def test_what_depends_on_more_than_each_time_is_asked_at_once() -> None:
    times = np.linspace(0, 99, 100)
    changing = _Loose(lambda t, base: (t > 50) if t[-1] < 60 else base + 0 * t)  # bools first, then floats
    np.testing.assert_array_equal(changing.at(times, 0.5), np.full(100, 0.5))
    together = _Loose(lambda t, base: base * t.sum())
    assert together.at(times) == times.sum()
    shorter = _Loose(lambda t, base: t[1:])
    np.testing.assert_array_equal(shorter.at(times), times[1:])
    listed = _Loose(lambda t, base: t.tolist())
    assert listed.at(times) == times.tolist()
    np.testing.assert_array_equal(Lambda(lambda t: 0.5).at(times), np.full(100, 0.5))


def test_before_0_a_join_holds_its_first_value() -> None:
    schedule = Cosine(8, hold=False) >> Linear(4)  # of which the cosine alone does not
    for times in (np.linspace(-5, 15, 41), np.linspace(-5, -1, 9)):
        np.testing.assert_allclose(schedule(times), schedule.at(times.tolist()), rtol=1e-12)
        assert schedule(times)[0] == 1


def test_each_time_is_asked_of_the_part_that_holds_for_it() -> None:
    asked: dict[str, int] = {}
    first, second, third = (_Asked(name, asked) for name in ("first", "second", "third"))
    many = 8 * _schedule._BLOCK
    schedule = Cut(first, many // 4) >> Cut(second, many // 4) >> third
    schedule.at(np.arange(many, dtype=float))
    assert asked == {"first": many // 4, "second": many // 4, "third": many // 2}
    asked.clear()
    schedule.at(np.arange(many, dtype=float) + _schedule._BLOCK // 2)  # of which two blocks have two parts
    block = _schedule._BLOCK
    assert asked == {"first": 2 * block, "second": 3 * block, "third": 5 * block}


def test_a_thousand_parts_cost_as_many_and_no_more() -> None:
    asked: dict[str, int] = {}
    parts = tuple(Cut(_Asked("part", asked), 100) for _ in range(1000))
    Join(parts).at(np.arange(100_000.0))
    assert asked["part"] < 400 * 100_000  # each block of the three and a bit asks those of its own times; 1000 would be all


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("schedule", [Linear(4) >> Step(3, 0.5), OneCycle(30), Cosine(7).repeat(), Step(2, 0.5)], ids=repr)
def test_times_that_are_no_numbers_spoil_only_their_own_values(schedule: Schedule) -> None:
    times = np.arange(40.0)
    right = schedule.at(times)
    for i in (0, 3, 20, 39):
        spoiled = times.copy()
        spoiled[i] = np.nan
        with np.errstate(invalid="ignore"):
            found = schedule.at(spoiled)
        np.testing.assert_array_equal(np.delete(found, i), np.delete(right, i))


@pytest.mark.parametrize(
    "schedule",
    [
        Cosine(10**6),
        Linear(10**5) >> Cosine(9 * 10**5),
        Warmup(10**5) >> Constant(steps=5 * 10**5) >> Decay(10**5),
        Step(1000),
        OneCycle(10**6),
        Cyclic(0.1, 1.0, 1000),
        Cosine(10**5).repeat(stretch=2, decay=0.5),
        Absolute(0.5) * Linear(10**5) + Cosine(10**4).repeat(),
    ],
    ids=repr,
)
def test_little_memory_beyond_the_result(schedule: Schedule) -> None:
    times = np.arange(10**6, dtype=float)
    tracemalloc.start()
    result = schedule.at(times, 0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.nbytes < peak < 1.5 * result.nbytes


# -- the operations

whole = st.integers(1, 2**31).map(float)
periods = st.one_of(whole, st.integers(1, 300), st.floats(0.01, 1e6))


@settings(deadline=None, max_examples=300)
@given(n=periods, counts=st.lists(st.integers(-(10**6), 10**6), min_size=1), off=st.floats(-1, 1))
def test_division_is_exact(n: float, counts: list[int], off: float) -> None:
    """As Python's, just before a multiple, at it and just after."""
    near = [count * n for count in counts]
    moments = [*near, *(math.nextafter(t, -math.inf) for t in near), *(math.nextafter(t, math.inf) for t in near)]
    moments += [t + off for t in near]
    x = np.array(moments, dtype=float)
    assert ops.floor_divide(x, n).tolist() == [t // n for t in x.tolist()]
    assert ops.remainder(x, n).tolist() == [t % n for t in x.tolist()]
    for t in x.tolist():
        assert (ops.floor_divide(t, n), ops.remainder(t, n)) == (t // n, t % n)


@pytest.mark.parametrize("n", [3, 2.5, 7.0, 2.0**40, 3.0**50, math.inf])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
def test_division_of_any_array(n: float, dtype: str) -> None:
    for x in (np.arange(0, 250).astype(dtype), np.arange(0, 250).astype(dtype).reshape(5, 50), np.arange(0).astype(dtype)):
        for function, right in ((ops.floor_divide, x // n), (ops.remainder, x % n)):
            found = function(x, n)
            assert (found.dtype, found.shape) == (right.dtype, right.shape)
            np.testing.assert_array_equal(found, right)
            if dtype == "float64":
                np.testing.assert_array_equal(function(-x, n), -x // n if function is ops.floor_divide else -x % n)


def test_division_far_out() -> None:
    far = np.array([2.0**52, 2.0**53 + 2, 1e18, 1e300, -1e300, -(2.0**53), 12.0])
    for x in (far, far[:1], far[1:3], far[4:5], far[-2:]):
        assert ops.floor_divide(x, 3).tolist() == [t // 3 for t in x.tolist()]
        assert ops.remainder(x, 3).tolist() == [t % 3 for t in x.tolist()]


def test_the_span_of_what_can_be_looked_at() -> None:
    everything = (-math.inf, math.inf)
    assert ops.span(np.array([3.0, -1.0, 2.0])) == (-1.0, 3.0)
    assert ops.span(np.array(2.5)) == (2.5, 2.5)
    for x in (2.5, 3, np.float64(2.5), np.array([]), np.array([1, 2]), np.array([1.0, np.nan]), np.float32([1.0])):
        assert ops.span(x) == everything
    torch = pytest.importorskip("torch")
    assert ops.span(torch.tensor([1.0, 2.0])) == everything
