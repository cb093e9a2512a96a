"""Schedules as formulas of tensors: traced, differentiated and mapped by torch, and the same as of plain floats.

Every schedule of tests/catalogue.py; a new one needs a row there, and no test of its own.
"""

import math
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from torch._dynamo.testing import CompileCounter, CompileCounterWithBackend
from torch._dynamo.utils import counters

from lucid.schedules import Constant, Cosine, Decay, Exponential, Lambda, Linear, OneCycle, Schedule, Step, Warmup, ops

VARIANTS = [(name, variant) for name, row in ROWS.items() for variant in row if (name, variant) not in HOLD_FUNCTIONS]
every_variant = pytest.mark.parametrize(("name", "variant"), VARIANTS)

COMPILER = shutil.which(os.environ.get("CXX", "g++"))
CURVES: dict[str, Schedule] = {
    "warm-up, cosine": Linear(10) >> Cosine(40, end=0.125),
    "wsd": Warmup(5, shape="cosine") >> Constant(steps=20) >> Decay(15, shape="1-sqrt"),
    "restarts": Cosine(8, end=0.01).repeat(stretch=2, decay=0.75),
    "cycles": Cosine(8, end=0.01).repeat(),
    "one cycle": OneCycle(50, three_phase=True),
    "stairs": 0.5 * (Step(7, 0.5) * Linear(30, 1.0, 0.5)) + Constant(0.01),
    "capped": Exponential(1.1).minimum(0.4),
}
every_curve = pytest.mark.parametrize("curve", CURVES)
BASE = 0.3
MOMENTS = [-3.0, 0.0, 0.3, 1.0, 2.375, 4.0, 7.77, 13.1, 19.3, 27.9, 41.7, 66.6, 120.0, 1000.7]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def tensor(values: Any, **options: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, **options)


def floats(schedule: Schedule, moments: list[float], base: float = BASE) -> torch.Tensor:
    return tensor([schedule(t, base) for t in moments])


def assert_same(found: torch.Tensor, right: torch.Tensor, tolerance: float = 1e-9) -> None:
    torch.testing.assert_close(found, right, rtol=tolerance, atol=tolerance * max(1e-3, float(right.abs().max())))


@every_variant
def test_a_graph_holds_the_whole_formula(name: str, variant: str) -> None:
    """Of a time in doubles, of whole ones, of one without dimension, and of a base that is a tensor: in one graph."""
    schedule = draw(name, variant, 0)

    def all_of_it(t: Any, whole: Any, single: Any, base: Any) -> tuple[Any, ...]:
        return schedule(t, BASE), schedule(t, base), schedule(whole, BASE), schedule(single, base)

    given = tensor(MOMENTS), torch.arange(-5, 200), tensor(7.77), tensor(BASE)
    counter = CompileCounter()
    compiled = torch.compile(all_of_it, fullgraph=True, backend=counter)
    values, with_base, of_whole, of_one = compiled(*given)
    assert counter.frame_count == 1
    assert values.dtype == with_base.dtype == torch.float64
    assert_same(values, floats(schedule, MOMENTS))
    assert_same(with_base, floats(schedule, MOMENTS))
    assert_same(of_one, floats(schedule, [7.77])[0])
    torch.testing.assert_close(of_whole, schedule(given[1], BASE), rtol=0, atol=0)
    with torch._dynamo.config.patch(error_on_recompile=True):  # what was traced holds for any time and base
        later = compiled(given[0] + 1.5, given[1] + 7, given[2] + 20, given[3] * 2)
    assert_same(later[1], floats(schedule, [t + 1.5 for t in MOMENTS], 2 * BASE))
    assert_same(later[3], floats(schedule, [27.77], 2 * BASE)[0])


@every_variant
def test_whole_times_are_as_exact_as_their_precision(name: str, variant: str) -> None:
    """torch divides whole numbers in its default precision."""
    schedule, whole = draw(name, variant, 0, exact=True), torch.arange(-5, 200)
    right = floats(schedule, whole.tolist())
    assert_same(schedule(whole, BASE).double(), right, 1e-4)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert_same(schedule(whole, BASE).double(), right)
        assert_same(schedule(whole.int(), BASE).double(), right)
    finally:
        torch.set_default_dtype(before)


def slopes(schedule: Schedule, t: float) -> tuple[float, float]:
    """Of the floats, before ``t`` and after."""
    h = 1e-5 * max(1.0, abs(t))
    now = schedule(t, BASE)
    return (now - schedule(t - h, BASE)) / h, (schedule(t + h, BASE) - now) / h


@every_variant
def test_gradients_are_the_slopes_of_the_floats(name: str, variant: str) -> None:
    schedule = draw(name, variant, 0)
    t, base = tensor(MOMENTS, requires_grad=True), torch.full((len(MOMENTS),), BASE, dtype=torch.float64, requires_grad=True)
    of_time, of_base = torch.autograd.grad(schedule(t, base).sum(), (t, base), allow_unused=True)
    of_base = torch.zeros_like(base) if of_base is None else of_base  # an absolute schedule does not look at it
    for i, moment in enumerate(MOMENTS):
        rise = (schedule(moment, BASE + 1e-6) - schedule(moment, BASE - 1e-6)) / 2e-6
        assert of_base[i].item() == pytest.approx(rise, rel=1e-6, abs=1e-8), moment
    assert torch.isfinite(of_time).all()
    compared = 0
    for i, moment in enumerate(MOMENTS):
        before, after = slopes(schedule, moment)
        if math.isclose(before, after, rel_tol=1e-2, abs_tol=1e-7):  # no corner, no jump
            assert of_time[i].item() == pytest.approx((before + after) / 2, rel=2e-2, abs=1e-6), moment
            compared += 1
    assert compared >= (5 if name == "Noise" else 8)


@every_variant
def test_mapped_over_times_and_bases(name: str, variant: str) -> None:
    schedule, bases = draw(name, variant, 0), [0.0, 0.1, 1.0, 3.0]
    t, base = tensor(MOMENTS), tensor(bases)
    right = torch.stack([floats(schedule, MOMENTS, b) for b in bases])
    assert_same(torch.func.vmap(schedule, (0, None))(t, base[1]), right[1])
    table = torch.func.vmap(torch.func.vmap(schedule, (0, None)), (None, 0))(t, base)
    assert_same(table, right)
    t.requires_grad_()
    of_time = torch.func.vmap(torch.func.grad(schedule), (0, None))(t, base[2])
    assert_same(of_time, torch.autograd.grad(schedule(t, base[2]).sum(), t)[0])


@every_curve
def test_a_graph_is_differentiated(curve: str) -> None:
    schedule, t, base = CURVES[curve], tensor(MOMENTS, requires_grad=True), tensor(BASE, requires_grad=True)
    eager = torch.autograd.grad(schedule(t, base).sum(), (t, base))
    compiled = torch.compile(schedule, fullgraph=True, backend="aot_eager")
    values = compiled(t, base)
    assert_same(values.detach(), floats(schedule, MOMENTS))
    for found, right in zip(torch.autograd.grad(values.sum(), (t, base)), eager, strict=True):
        assert_same(found, right)


BACKENDS = [
    "aot_eager",
    pytest.param(
        "inductor",
        marks=pytest.mark.skipif(
            COMPILER is None, reason="NOT TESTED: inductor needs a C++ compiler, and there is no g++ (or $CXX)"
        ),
    ),
]


@pytest.mark.parametrize("backend", BACKENDS)
@every_curve
def test_a_compiled_training_step_computes_its_own_rate(curve: str, backend: str) -> None:
    """Forward, gradient, rate from a counter, update: one graph, compiled once, whatever the time."""
    schedule, toward = CURVES[curve], tensor([1.0, -2.0])

    def step(weight: torch.Tensor, count: torch.Tensor) -> tuple[torch.Tensor, ...]:
        gradient = torch.func.grad(lambda weight: (weight * toward).sum())(weight)
        rate = schedule(count, BASE)
        return weight - rate * gradient, count + 1, rate

    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(step, fullgraph=True, backend=counter)
    weight, count, rate = compiled(tensor([0.0, 0.0]), tensor(0.0))
    rates, frames = [rate.item()], counter.frame_count
    with torch._dynamo.config.patch(error_on_recompile=True):
        for _ in range(59):
            weight, count, rate = compiled(weight, count)
            rates.append(rate.item())
    assert counter.frame_count == frames
    assert sum("torch.where" in graph.code or "torch.clip" in graph.code for graph in counter.graphs) == 1
    right = [schedule(t, BASE) for t in range(60)]
    assert rates == pytest.approx(right, rel=1e-9, abs=1e-12)
    assert weight.tolist() == pytest.approx([-sum(right), 2 * sum(right)], rel=1e-9)


def test_what_else_is_computed_compiles_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries of other arrays, which are remembered, are nothing to the graph."""
    monkeypatch.setattr(ops, "_libraries", {})
    schedule, t = CURVES["warm-up, cosine"], tensor(MOMENTS)
    compiled = torch.compile(schedule, fullgraph=True, backend="eager")
    before = compiled(t, BASE)
    np = pytest.importorskip("numpy")
    schedule(torch.nn.Parameter(t), BASE)
    schedule.at(np.arange(10.0), BASE)
    assert ops._libraries
    with torch._dynamo.config.patch(error_on_recompile=True):
        assert_same(compiled(t, BASE), before, 0)


class _Rational(Schedule):
    """A user's own, whose type says nothing of its field, so that it may be a tensor."""

    steps: Any

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        return base / (1 + ops.clip(t, 0) / self.steps)


@pytest.mark.parametrize(
    "make",
    [
        _Rational,
        lambda w: Lambda(lambda t: 1 / (1 + t / w)),
        lambda w: Linear(4) >> Decay(20, 0.01, lambda p: (1 - p) ** w),
        lambda w: Linear(4) >> _Rational(w) * Cosine(1000),
    ],
)
def test_a_parameter_that_is_a_tensor_has_a_gradient(make: Callable[[Any], Schedule]) -> None:
    """Where a class takes one: what a field's type holds to a rule becomes a plain number."""

    def total(w: torch.Tensor) -> torch.Tensor:
        return make(w)(tensor([1.5, 7.0, 12.5]), BASE).sum()

    w = tensor(2.25, requires_grad=True)
    (eager,) = torch.autograd.grad(total(w), w)
    above, below = (float(sum(make(v)(t, BASE) for t in (1.5, 7.0, 12.5))) for v in (2.25 + 1e-6, 2.25 - 1e-6))
    assert eager.item() == pytest.approx((above - below) / 2e-6, rel=1e-6)
    assert eager.item() != 0
    assert_same(torch.func.grad(total)(w.detach()), eager)
    assert_same(torch.func.vmap(torch.func.grad(total))(w.detach().expand(3)), eager.expand(3))
    held = make(w)
    values = torch.compile(held, fullgraph=True, backend="aot_eager")(tensor([1.5, 7.0, 12.5]), BASE)
    assert_same(torch.autograd.grad(values.sum(), w)[0], eager)
