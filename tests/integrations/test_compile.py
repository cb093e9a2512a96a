"""torch.compile: our schedulers cost no recompilation and no more graphs than PyTorch's, and compiled steps use their rates."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from integrations.rows import LR, METRICS, ONLY_LR, PLATEAU, ROWS, TWINS, Build, expected, plateau
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours

COMPILER = shutil.which(os.environ.get("CXX", "g++"))
inductor = pytest.mark.skipif(
    COMPILER is None, reason="NOT TESTED: inductor needs a C++ compiler, and there is no g++ (or $CXX)"
)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def tensor_rate() -> torch.Tensor:
    return torch.tensor(LR, dtype=torch.float64)


class Falling:
    """A parameter whose gradient is 1, so that each step of SGD takes it down by the rate."""

    def __init__(self, lr: Any) -> None:
        self.weight = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
        self.optimizer = torch.optim.SGD([self.weight], lr=lr)
        self.weight.grad = torch.ones_like(self.weight)

    def fall(self, step: Callable[[], Any]) -> float:
        before = self.weight.detach().clone()
        step()
        (one, other) = (before - self.weight.detach()).tolist()
        assert one == other
        return one


@inductor
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("name", ONLY_LR)
def test_a_compiled_step_is_compiled_once_and_uses_every_rate(name: str, within: bool) -> None:
    """With the scheduler's step after the compiled one, or within it."""
    falling = Falling(tensor_rate())
    tensor = falling.optimizer.param_groups[0]["lr"]
    scheduler = ROWS[name].build(ours, falling.optimizer)

    def both() -> None:
        falling.optimizer.step()
        scheduler.step()

    step = torch.compile(both if within else falling.optimizer.step, backend="inductor")

    def train() -> tuple[float, float]:
        rate, fall = float(tensor), falling.fall(step)
        if not within:
            scheduler.step()
        return rate, fall

    first = train()
    compiled = {kind: dict(counters[kind]) for kind in ("frames", "stats", "inductor")}
    assert compiled["stats"]["unique_graphs"] == 1
    with torch._dynamo.config.patch(error_on_recompile=True):
        rates, falls = zip(first, *[train() for _ in range(99)], strict=True)
    assert compiled == {kind: dict(counters[kind]) for kind in compiled}
    assert falling.optimizer.param_groups[0]["lr"] is tensor

    right = expected(name, range(100))["lr"]
    assert rates == pytest.approx(right, rel=1e-12, abs=1e-15)
    assert falls == pytest.approx(right, rel=1e-9, abs=1e-13)  # the differences of larger numbers


@inductor
def test_a_rate_that_is_no_tensor_is_compiled_anew() -> None:
    """With PyTorch's schedulers too: what the test above would see if it went wrong."""
    for module in (ours, theirs):
        torch._dynamo.reset()
        falling = Falling(LR)
        scheduler = ROWS["LambdaLR"].build(module, falling.optimizer)
        step = torch.compile(falling.optimizer.step, backend="inductor")
        assert falling.fall(step) == pytest.approx(LR)
        scheduler.step()
        with torch._dynamo.config.patch(error_on_recompile=True), pytest.raises(torch._dynamo.exc.RecompileError):
            step()


Form = Callable[[Any, Any, Any], tuple[Any, Any]]
"""From layer, optimizer and scheduler to the function that is to be compiled, and a training step that calls it."""


def steps_alone(layer: Any, optimizer: Any, scheduler: Any) -> tuple[Any, Any]:
    """The form of PyTorch's tutorial on compiled optimizers with schedulers."""

    def steps(_: torch.Tensor, *metric: float) -> None:
        optimizer.step()
        scheduler.step(*metric)

    def train(compiled: Any, x: torch.Tensor, *metric: float) -> None:
        layer(x).pow(2).sum().backward()
        compiled(x, *metric)
        optimizer.zero_grad()

    return steps, train


def all_of_it(layer: Any, optimizer: Any, scheduler: Any) -> tuple[Any, Any]:
    def whole(x: torch.Tensor, *metric: float) -> None:
        layer(x).pow(2).sum().backward()
        optimizer.step()
        scheduler.step(*metric)
        optimizer.zero_grad()

    return whole, lambda compiled, *given: compiled(*given)


def run(form: Form, build: Build, optimizer: Any, metrics: list[list[float]]) -> tuple[list[int], list[float]]:
    """How many frames were compiled until each step, and the rate of each."""
    torch._dynamo.reset()
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    optimizer = optimizer([{"params": [parameter], "lr": tensor_rate()} for parameter in layer.parameters()])
    function, train = form(layer, optimizer, build(optimizer))
    counter = CompileCounter()
    compiled = torch.compile(function, backend=counter)
    frames, rates = [], []
    for i, metric in enumerate(metrics):
        rates.append(float(optimizer.param_groups[i % 2]["lr"]))
        train(compiled, torch.ones(3, 2), *metric)
        frames.append(counter.frame_count)
    return frames, rates


@pytest.mark.parametrize(("form", "optimizer"), [(steps_alone, torch.optim.AdamW), (all_of_it, torch.optim.SGD)])
@pytest.mark.parametrize("name", ONLY_LR)
def test_as_many_graphs_as_with_pytorchs(name: str, form: Form, optimizer: Any) -> None:
    steps: list[list[float]] = [[]] * 12
    frames, rates = run(form, partial(ROWS[name].build, ours), optimizer, steps)
    assert rates == pytest.approx(expected(name, range(12))["lr"], rel=1e-12, abs=1e-15)
    twin = ROWS[name if name in TWINS else "LambdaLR"]
    torchs, _ = run(form, partial(twin.build, theirs), optimizer, steps)
    assert frames == torchs
    if form is steps_alone:
        assert frames == [1] * 12


@pytest.mark.parametrize("form", [steps_alone, all_of_it])
def test_a_plateau_in_a_graph(form: Form) -> None:
    steps = [[metric] for metric in METRICS]
    frames, rates = run(form, partial(plateau, ours), torch.optim.SGD, steps)
    assert rates == PLATEAU[:-1]
    # Each metric is another Python float, of which the graph takes the first for a constant: one frame more, and no other.
    torchs, _ = run(form, partial(plateau, theirs), torch.optim.SGD, steps)
    assert frames == [torchs[0], *(count + 1 for count in torchs[1:])]
