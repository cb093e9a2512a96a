"""The range test: the four rules by hand and by law, and that whatever happens in it leaves no trace."""

import json
import math
import random
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import lucid
from lucid import LRFind, _finder, lr_find, lr_suggest
from lucid._train import job
from lucid._train.spec import Settings, Spec
from lucid.cli import main
from lucid.optim.lr_scheduler import LRScheduler
from lucid.schedules import Exponential, Linear

ALL: dict[str, Any] = {"skip_start": 0, "skip_end": 0}
NAN, INF = math.nan, math.inf


def powers(count: int, ratio: float = 2.0) -> list[float]:
    return [1e-5 * ratio**i for i in range(count)]


# -- the rules, by hand


@pytest.mark.parametrize(
    ("losses", "index"),
    [
        ([5, 4, 3, 2, 1, 0], 2),  # n = 6, e = 5: -1 + 2 + 1
        ([9, 9, 5, 4, 3, 2, 1, 0, 9, 9], 3),  # 9 5 4 3 2 1 0: n = 7, e = 7: 0 + 2 + 1
        ([9, 1, 8, 7, 2, 6, 5, 3], 4),  # 9 8 7 6 5 3: n = 6, e = 7: 1 + 2 + 1
        ([3, 2, 1, 3, 2, 1], 0),  # the first of two as long: n = 3, e = 2: -1 + 1 + 0
        ([1, 1, 1, 1], 0),  # equal losses do not fall: n = 1, e = 0, in front of the first
        ([1, 2, 3, 4], 0),
        ([2, 1, 5, 5], 0),  # n = 2, e = 1: -1, in front of the first
        ([5, 5, 2, 1], 1),  # 5 2 1: n = 3, e = 3: 0 + 1 + 0
        ([7], 0),
    ],
)
def test_valley(losses: list[float], index: int) -> None:
    rates = powers(len(losses))
    assert lr_suggest(rates, losses, **ALL)["valley"] == rates[index]


@pytest.mark.parametrize(
    ("rates", "losses", "log", "rate", "step"),
    [
        # per ln: (4 - 5) / ln 10 = -0.434, (2 - 4) / ln 2 = -2.885, (1 - 2) / ln 2 = -1.443: the second
        # central, at 1, 10, 20, 40 per rate: -1/9, (-1/9 * 10 + -0.2 * 9) / 19 = -0.153, (-0.2 * 20 - 0.05 * 10) / 30 = -0.15
        # per step: -1, -1.5, -1.5, -1: the first of both
        ([1, 10, 20, 40], [5, 4, 2, 1], 1, 1, 1),
        # per ln / ln 2: -1, -1, -5, +6: the third; central per rate at 1, 2, 4, 8, 16: -1, (-2 - 0.5) / 3, ...: the first
        # per step: -1, -1, -3, 0.5, 6: the third
        ([1, 2, 4, 8, 16], [9, 8, 7, 2, 8], 2, 0, 2),
        ([1, 2], [1, 3], 0, 0, 0),  # rising only: the least rise
    ],
)
def test_steep(rates: list[float], losses: list[float], log: int, rate: int, step: int) -> None:
    for slope, index in (("log", log), ("rate", rate), ("step", step)):
        assert lr_suggest(rates, losses, slope=slope, **ALL)["steep"] == rates[index]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("losses", "index"), [([3, 2, 1, 2], 2), ([3, 1, 1, 2], 1), ([1, 1], 0), ([5, 4, 3], 2), ([3, 4, 5], 0), ([-1, -2, 0], 1)]
)
def test_minimum(losses: list[float], index: int) -> None:
    rates = powers(len(losses))
    assert lr_suggest(rates, losses, **ALL)["minimum"] == rates[index] / 10


@pytest.mark.parametrize(
    ("losses", "index"),
    [
        ([1.0] * 30, 14),  # gradients alike: it stays where it begins, 15 before the last
        (list(range(30, 0, -1)), 14),
        # flat to 19, then a rise of 1 a step: the gradients are 0 up to 18, 0.5 at 19, 1 from 20 on. From (29, 14) the pairs
        # differ by 1 or 0.5 down to (19, 4); (18, 3) are alike.
        ([0.0] * 20 + list(range(1, 11)), 4),
        # a rise in every step but not the same: to the very first
        ([i * i for i in range(30)], 0),
        # the gradient grows by 2a a step, the last is of a half: 29a is just below and just above 0.005
        ([i * i * 0.0001715 for i in range(30)], 14),
        ([i * i * 0.000174 for i in range(30)], 0),
        ([0.0] * 15 + [7.0], 0),  # sixteen points are just enough
    ],
)
def test_slide(losses: list[float], index: int) -> None:
    rates = powers(len(losses))
    assert lr_suggest(rates, losses, **ALL)["slide"] == rates[index]


def test_what_is_left_out() -> None:
    rates = powers(100, 1.1)
    losses = [100.0 - i for i in range(100)]
    everything = lr_suggest(rates, losses)  # 10 to 94: n = 85, e = 84 there, -1 + 28 + 14 = 41, and 10 in front
    assert everything["valley"] == rates[51]
    assert everything["minimum"] == rates[94] / 10
    assert everything["slide"] == rates[94 - 15]
    assert lr_suggest(rates, losses, skip_start=20, skip_end=1)["minimum"] == rates[98] / 10
    assert lr_suggest(rates, losses, skip_start=20, skip_end=1)["valley"] == rates[20 - 1 + 26 + 13]
    assert lr_suggest(rates[:39], losses[:39])["valley"] == rates[3 - 1 + 10 + 5]  # 3 to 33


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_everything_from_the_first_loss_that_is_not_finite_is_left_out(bad: float) -> None:
    rates, losses = powers(100, 1.1), [100.0 - i for i in range(100)]
    spoilt = [*losses[:40], bad, *losses[41:]]
    assert lr_suggest(rates, spoilt) == lr_suggest(rates[:40], losses[:40], skip_start=10, skip_end=0)
    assert lr_suggest(rates, [bad, *losses[1:]]) == lr_suggest(rates, losses)  # in the tenth that is left out anyway
    assert set(lr_suggest(rates, [*losses[:10], bad, *losses[11:]]).values()) == {None}


def test_too_few_points() -> None:
    for count in range(17):
        found = lr_suggest(powers(count), list(range(count)), **ALL)
        assert list(found) == ["valley", "steep", "minimum", "slide"]
        assert [rule for rule, rate in found.items() if rate is not None] == (
            (["valley"] if count >= 1 else [])
            + (["steep"] if count >= 2 else [])
            + (["minimum"] if count >= 1 else [])
            + (["slide"] if count >= 16 else [])
        )
    assert set(lr_suggest(powers(5), [1, 2, 3, 4, 5]).values()) == {None}


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1, 2], [1]), {}, ValueError, "lr_suggest: rates and losses must be of the same length, got 2 and 1"),
        (([2, 1], [1, 1]), {}, ValueError, "lr_suggest: rates must be ascending, as a range test writes them"),
        (([1, 1], [1, 1]), {}, ValueError, "lr_suggest: rates must be ascending"),
        (([0, 1], [1, 1]), {}, ValueError, r"lr_suggest: rates\[0\] must be > 0, got 0"),
        (([1, NAN], [1, 1]), {}, ValueError, r"lr_suggest: rates\[1\] must be finite"),
        (([1, 2], [1, "x"]), {}, TypeError, r"lr_suggest: losses\[1\] must be a number, got 'x'"),
        (([1, 2], [1, 2]), {"skip_start": -1}, ValueError, "lr_suggest: skip_start must be a whole number >= 0, got -1"),
        (([1, 2], [1, 2]), {"skip_end": 0.5}, ValueError, "lr_suggest: skip_end must be a whole number >= 0, got 0.5"),
        (([1, 2], [1, 2]), {"slope": "ln"}, ValueError, "lr_suggest: slope must be 'log', 'rate' or 'step', got 'ln'"),
    ],
)
def test_refused_curves(arguments: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        lr_suggest(*arguments, **options)


def test_numbers_of_any_library() -> None:
    rates, losses = powers(40), [float(i % 7) for i in range(40)]
    expected = lr_suggest(rates, losses)
    assert lr_suggest(np.array(rates), np.array(losses)) == expected
    assert lr_suggest(torch.tensor(rates, dtype=torch.float64), torch.tensor(losses)) == expected


# -- the rules, by law

curves = st.lists(st.integers(-1000, 1000), min_size=16, max_size=60)  # whole numbers: sums and products of them are exact


@given(curves)
def test_suggestions_lie_in_the_range(losses: list[float]) -> None:
    rates = powers(len(losses))
    found = lr_suggest(rates, losses, **ALL)
    for rule in ("valley", "steep", "slide"):
        assert found[rule] in rates
    assert found["minimum"] == rates[min(range(len(losses)), key=losses.__getitem__)] / 10


@given(curves, st.integers(-1000, 1000), st.sampled_from([0.25, 2.0, 64.0]))
def test_a_constant_on_the_losses_changes_nothing_and_a_factor_only_slide(
    losses: list[float], more: int, factor: float
) -> None:
    rates = powers(len(losses))
    found = lr_suggest(rates, losses, **ALL)
    assert lr_suggest(rates, [loss + more for loss in losses], **ALL) == found
    scaled = lr_suggest(rates, [loss * factor for loss in losses], **ALL)
    assert {**scaled, "slide": None} == {**found, "slide": None}


@given(curves, st.sampled_from([0.25, 2.0, 64.0]))
def test_a_factor_on_the_rates_is_one_on_the_suggestions(losses: list[float], factor: float) -> None:
    rates = [2.0**i for i in range(len(losses))]
    for slope in ("rate", "step"):
        found = lr_suggest(rates, losses, slope=slope, **ALL)  # type: ignore[arg-type]
        scaled = lr_suggest([rate * factor for rate in rates], losses, slope=slope, **ALL)  # type: ignore[arg-type]
        assert scaled == {rule: rate * factor for rule, rate in found.items() if rate is not None}


@given(curves)
def test_valley_is_the_longest_fall_found_the_slow_way(losses: list[float]) -> None:
    best: list[int] = []
    for i, loss in enumerate(losses):
        best.append(1 + max((best[j] for j in range(i) if losses[j] > loss), default=0))
    length = max(best)
    end = best.index(length)
    rates = powers(len(losses))
    assert lr_suggest(rates, losses, **ALL)["valley"] == rates[max(end - length + int(length / 3) + int(length / 3 / 2), 0)]


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30), st.randoms(use_true_random=False))
def test_gradients_are_those_of_numpy_and_torch(values: list[float], chance: random.Random) -> None:
    at = [0.0]
    for _ in values[1:]:
        at.append(at[-1] + chance.uniform(0.1, 5))
    expected = np.gradient(np.array(values), np.array(at))
    assert np.allclose(_finder._gradient(values, at), expected, rtol=1e-9, atol=1e-9)
    exact = torch.gradient(torch.tensor(values, dtype=torch.float64), spacing=[torch.tensor(at, dtype=torch.float64)])[0]
    assert np.allclose(_finder._gradient(values, at), exact.numpy(), rtol=1e-9, atol=1e-9)


# -- the result


def found(count: int = 100, **more: Any) -> LRFind:
    losses = [2.0] * 40 + [2.0 - 0.1 * i for i in range(15)] + [0.6 + 0.2 * i for i in range(45)]
    return LRFind(*(tuple(values[:count]) for values in (powers(100, 1.15), losses, losses)), **{"steps": 100, **more})


def test_the_result_suggests_by_the_planned_steps() -> None:
    assert found().suggestions == lr_suggest(found().rates, found().smoothed, skip_start=10, skip_end=5)
    assert found().suggestion == found().suggestions["valley"]
    short = found(60, ended="diverged")
    assert short.suggestions == lr_suggest(short.rates, short.smoothed, skip_start=10, skip_end=5)
    assert short.suggest(skip_start=3, skip_end=1, slope="rate") == lr_suggest(
        short.rates, short.smoothed, skip_start=3, skip_end=1, slope="rate"
    )


def test_the_steps_that_nan_left_undone_are_the_last_ones() -> None:
    """As if it had gone on, NaN after NaN: of these are the last five that do not count."""
    full, rates = found(), powers(100, 1.15)
    for count in (50, 95, 97, 100):
        losses = (*full.losses[: count - 1], NAN)
        short = LRFind(rates[:count], losses, losses, 100, "not finite")  # type: ignore[arg-type]
        assert short.suggestions == lr_suggest(rates, [*losses, *[NAN] * (100 - count)])


def test_no_suggestion_says_why() -> None:
    short = found(12, ended="diverged")
    assert set(short.suggestions.values()) == {None}
    with pytest.raises(ValueError, match=r"LRFind: no suggestion from 12 of 100 steps \(diverged\), of which the first 10 and"):
        _ = short.suggestion
    assert repr(short).endswith("diverged: valley none, steep none, minimum none, slide none)")


@pytest.mark.parametrize("bad", [None, NAN, INF, -INF])
def test_json_round_trip(bad: float | None) -> None:
    one = found()
    if bad is not None:
        one = LRFind(one.rates, (*one.losses[:-1], bad), (*one.smoothed[:-1], bad), 100, "not finite")
    text = one.to_json(indent=1)
    told = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert told["suggestions"] == one.suggestions
    again = LRFind.from_json(text)
    assert repr(again) == repr(one)
    assert again.to_json(indent=1) == text
    assert (again == one) is (bad is None or not math.isnan(bad))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "LRFind: steps must be a whole number >= 1, got 0"),
        ({"steps": 99}, r"LRFind: rates, losses and smoothed must be of the same length, at most steps = 99, got \[100, 100"),
        ({"losses": [1.0]}, r"LRFind: rates, losses and smoothed must be of the same length, .* got \[100, 1, 100\]"),
        ({"rates": [1.0] * 100}, "LRFind: rates must be ascending"),
        ({"rates": [-1.0] * 100}, "LRFind: rates must be > 0, got -1.0"),
        ({"ended": "well"}, "LRFind: ended must be one of 'all steps', 'diverged', 'not finite', got 'well'"),
        ({"losses": ["x"] * 100}, "LRFind: losses must be a number, got 'x'"),
        ({"losses": 3}, "LRFind: "),
        ({"more": 1}, "LRFind: the JSON must be an object with ended, losses, rates, smoothed, steps; to_json"),
    ],
)
def test_json_of_another_kind_is_refused(change: dict[str, Any], message: str) -> None:
    told = {**json.loads(found().to_json()), **change}
    with pytest.raises(ValueError, match=message):
        LRFind.from_json(json.dumps(told))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000])
def test_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"LRFind: (no JSON|the JSON must be an object)"):
        LRFind.from_json(text)


def test_the_smoothed_loss_between_the_points() -> None:
    one = LRFind((1.0, 10.0, 100.0), (5.0, 3.0, NAN), (4.0, 2.0, NAN), 3)
    assert [one._smoothed_at(rate) for rate in (0.5, 1.0, 10.0)] == [4.0, 4.0, 2.0]
    assert one._smoothed_at(10**0.5) == pytest.approx(3.0)
    assert math.isnan(one._smoothed_at(1000.0))
    with pytest.raises(ValueError, match="LRFind: no steps were made"):
        LRFind((), (), (), 3)._smoothed_at(1.0)


@pytest.mark.parametrize("log", [True, False])
def test_the_plot_marks_the_suggestions(log: bool) -> None:
    from matplotlib.figure import Figure

    one = found()
    axes = Figure().subplots()
    assert one.plot(axes, log=log) is axes
    assert axes.get_xscale() == ("log" if log else "linear")
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["smoothed"].get_ydata()) == list(one.smoothed)
    assert list(lines["loss"].get_xdata()) == list(one.rates)
    for rule, rate in one.suggestions.items():
        assert rate is not None
        mark = lines[f"{rule}  {rate:.2e}"]
        assert list(mark.get_xdata()) == [rate]
        assert list(mark.get_ydata()) == [one._smoothed_at(rate)]
    low, high = axes.get_ylim()
    assert low < min(one.losses)
    assert 2.0 < high < 3.0  # of the rise to 9.4 a part, so that the fall from 2.0 can be seen


@pytest.mark.parametrize(
    ("losses", "low", "high"),
    [
        ([4.0, 5.0, 2.0, 100.0], 2.0, 6.0),
        ([4.0, 5.0, 2.0, 5.5, INF], 2.0, 5.5),
        ([5.0, 2.0], 2.0, 5.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
        ([1.0], 1.0, 1.0),
        ([NAN], 0.0, 0.0),
        ([], 0.0, 0.0),
    ],
)
def test_what_is_worth_seeing(losses: list[float], low: float, high: float) -> None:
    assert LRFind(powers(len(losses)), losses, losses, 9)._window() == (low, high)  # type: ignore[arg-type]


@pytest.mark.parametrize("losses", [[], [1.0], [2.0, NAN], [NAN], [INF], [1.0, 1.0], [3.0, 1e30]])
def test_odd_curves_can_be_drawn_too(losses: list[float], tmp_path: Path) -> None:
    from matplotlib import pyplot

    one = LRFind(powers(len(losses)), losses, losses, 5)  # type: ignore[arg-type]
    axes = one.plot()
    axes.figure.savefig(tmp_path / "odd.png")
    pyplot.close(axes.figure)


# -- the test itself


class Net(nn.Module):
    """Of all that a test may leave traces in."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.norm = nn.BatchNorm1d(8)
        self.dropout = nn.Dropout(0.3)
        self.last = nn.Linear(8, 3)
        self.frozen = nn.BatchNorm1d(8)
        self.scale = nn.Parameter(torch.ones(8, dtype=torch.bfloat16))
        self.tied = self.last.weight
        self.register_buffer("spread", torch.ones(1).expand(5))  # one number in memory
        self.register_buffer("seen", torch.zeros((), dtype=torch.long), persistent=False)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.seen += 1
        return self.last(self.dropout(self.norm(self.frozen(self.first(x)) * self.scale.float())))


def data(count: int = 24) -> TensorDataset:
    generator = torch.Generator().manual_seed(3)
    return TensorDataset(torch.randn(count, 4, generator=generator), torch.randint(3, (count,), generator=generator))


def loader(**more: Any) -> DataLoader[Any]:
    return DataLoader(data(), batch_size=5, shuffle=True, **more)


def groups(model: Net, lr: Any) -> list[dict[str, Any]]:
    return [
        {"params": [*model.first.parameters(), model.scale], "lr": lr},
        {"params": [*model.norm.parameters(), *model.last.parameters()], "lr": lr * 0.25},
    ]


OPTIMIZERS: dict[str, Callable[[Net], Any]] = {
    "SGD": lambda model: torch.optim.SGD(groups(model, 0.1), momentum=0.9),
    "Adam": lambda model: torch.optim.Adam(groups(model, 0.01), amsgrad=True),
    "AdamW, tensor rates": lambda model: torch.optim.AdamW(groups(model, torch.tensor(0.01))),
    "Rprop": lambda model: torch.optim.Rprop(groups(model, 0.01)),
    "lucid.SGD": lambda model: lucid.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True),
}


def bits(tensor: Any) -> Any:
    return tensor.detach().contiguous().view(-1).view(torch.uint8).tolist() if tensor.numel() else []


def told(value: Any) -> Any:
    """All of a value, to the bit, and which objects hold it."""
    if isinstance(value, torch.Tensor):
        return id(value), bits(value), value.dtype, value.requires_grad, told(value.grad) if value.is_leaf else None
    if isinstance(value, dict):
        return id(value), [(id(key) if isinstance(key, torch.Tensor) else key, told(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return (id(value) if isinstance(value, list) else None), [told(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value if isinstance(value, (int, float, str, type(None))) else id(value)


def everything(model: nn.Module, optimizer: Any, batches: Any = None) -> Any:
    modules = [
        (told(m._parameters), told(m._buffers), m.training, getattr(m, "calls", None), len(m._forward_hooks))
        for m in model.modules()
    ]
    chance = (random.getstate(), told(np.random.get_state()), bits(torch.get_rng_state()))
    own = getattr(batches, "generator", None)
    return modules, told(vars(optimizer)), chance, None if own is None else bits(own.get_state())


def trained(model: nn.Module, optimizer: Any, batches: Any, steps: int = 7, scheduler: Any = None) -> list[float]:
    model.train()
    losses = []
    while len(losses) < steps:
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            losses.append(loss.item())
    return losses


def setting(name: str, begun: bool) -> tuple[Net, Any, DataLoader[Any]]:
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    model = Net()
    optimizer = OPTIMIZERS[name](model)
    batches = loader(generator=torch.Generator().manual_seed(11))
    if begun:  # there is state, and there are gradients
        trained(model, optimizer, batches)
    model.frozen.eval()
    model.frozen.weight.requires_grad_(False)
    return model, optimizer, batches


def noisy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Draws from everywhere."""
    return F.cross_entropy(output, target) + 1e-3 * (random.random() + float(np.random.rand()) + torch.rand(()))


class Halt:
    """A loss that ends after some calls, by one means or another."""

    def __init__(self, after: int, end: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.left, self.end = after, end

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        loss = noisy(output, target)
        return loss if self.left else self.end(loss)


def failing(loss: torch.Tensor) -> torch.Tensor:
    raise ZeroDivisionError("in the middle")


def interrupting(loss: torch.Tensor) -> torch.Tensor:
    signal.raise_signal(signal.SIGINT)
    return loss


@pytest.fixture
def interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.usefixtures("interruptible")
def test_nothing_is_left_of_it(name: str, begun: bool) -> None:
    model, optimizer, batches = setting(name, begun)
    before = everything(model, optimizer, batches)
    chance = random.Random(name)
    ended = lr_find(model, optimizer, noisy, batches, steps=30, stop=None, end=0.5)
    assert ended.ended == "all steps"
    assert everything(model, optimizer, batches) == before
    with pytest.raises(ZeroDivisionError, match="in the middle"):
        lr_find(model, optimizer, Halt(chance.randint(1, 12), failing), batches, steps=12, accumulate=2)
    assert everything(model, optimizer, batches) == before
    with pytest.raises(KeyboardInterrupt):
        lr_find(model, optimizer, Halt(chance.randint(1, 12), interrupting), batches, steps=12)
    assert everything(model, optimizer, batches) == before
    after = chance.randint(1, 12)
    spoilt = lr_find(model, optimizer, Halt(after, lambda loss: loss * NAN), batches, steps=12)
    assert (spoilt.ended, len(spoilt.rates)) == ("not finite", after)
    assert math.isnan(spoilt.losses[-1])
    assert everything(model, optimizer, batches) == before
    assert lr_find(model, optimizer, noisy, batches, steps=30, stop=None, end=0.5) == ended


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("owner", [torch, lucid])
def test_training_goes_on_as_without_it(name: str, begun: bool, owner: Any) -> None:
    """With a scheduler of either kind, and no warning about the order of its steps."""
    runs = []
    for finds in (False, True):
        model, optimizer, batches = setting(name, begun)
        if owner is torch:
            scheduler: Any = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        else:
            scheduler = LRScheduler(optimizer, lr=Linear(3) >> Exponential(0.9))
        if finds:
            lr_find(model, optimizer, noisy, batches, steps=25)
        losses = trained(model, optimizer, batches, 12, scheduler)
        parameters = [bits(p) for p in [*model.parameters(), *model.buffers()]]
        runs.append((losses, parameters, scheduler.state_dict(), [float(g["lr"]) for g in optimizer.param_groups]))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("made_of", [torch.optim.lr_scheduler.StepLR, lucid.optim.lr_scheduler.StepLR])
def test_a_forgotten_step_is_still_warned_of(made_of: Any) -> None:
    """The steps of the test are none of the training's."""
    model, optimizer, batches = setting("SGD", False)
    scheduler = made_of(optimizer, step_size=1)
    steps = []
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    lr_find(model, optimizer, noisy, batches, steps=5)
    assert steps == []
    assert not hasattr(optimizer, "_opt_called") or not optimizer._opt_called
    with pytest.warns(UserWarning, match="optimizer"):
        scheduler.step()
    optimizer.step()
    assert steps == [1]


def test_a_model_in_eval_mode_is_trained_and_a_layer_in_eval_mode_is_not() -> None:
    model, optimizer, batches = setting("SGD", False)
    modes = []
    model.dropout.register_forward_pre_hook(lambda module, _: modes.append((model.dropout.training, model.frozen.training)))
    lr_find(model, optimizer, noisy, batches, steps=2)
    model.eval()
    lr_find(model, optimizer, noisy, batches, steps=1)
    assert modes == [(True, False), (True, False), (True, True)]
    assert not any(module.training for module in model.modules())


def test_ctrl_c_while_it_is_taken_back_waits(monkeypatch: pytest.MonkeyPatch, interruptible: None) -> None:
    model, optimizer, batches = setting("Adam", True)
    before = everything(model, optimizer, batches)
    original = random.setstate

    class Scheduler:
        """The first that is asked, when nothing else has been taken back yet."""

        moved = 0

        def state_dict(self) -> dict[str, Any]:
            if self.moved:
                signal.raise_signal(signal.SIGINT)
            return {"moved": self.moved}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.moved = state["moved"]

    scheduler = Scheduler()

    def step(model: Any, batch: Any) -> Any:
        scheduler.moved += 1
        return noisy(model(batch[0]), batch[1])

    with pytest.raises(KeyboardInterrupt):
        lr_find(model, optimizer, None, batches, step=step, steps=4, scheduler=scheduler)
    assert scheduler.moved == 0
    assert everything(model, optimizer, batches) == before
    assert random.setstate == original
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_cannot_be_taken_back_does_not_keep_the_rest(interruptible: None) -> None:
    class Stubborn:
        state = 0

        def state_dict(self) -> dict[str, Any]:
            return {"state": self.state}

        def load_state_dict(self, state: Any) -> None:
            raise OSError("no")

    model, optimizer, batches = setting("Adam", True)
    before = everything(model, optimizer, batches)
    stubborn = Stubborn()
    scalers = [torch.amp.GradScaler("cpu", init_scale=8.0) for _ in range(2)]

    def step(model: Any, batch: Any) -> Any:
        stubborn.state += 1
        for scaler in scalers:
            scaler.update(2.0)
        return noisy(model(batch[0]), batch[1])

    for scaler in scalers:
        scaler.scale(torch.ones(()))  # which makes its state
    with pytest.raises(OSError, match="no"):
        lr_find(model, optimizer, None, batches, step=step, steps=4, scheduler=[scalers[0], stubborn, scalers[1]])
    assert everything(model, optimizer, batches) == before
    assert [scaler.get_scale() for scaler in scalers] == [8.0, 8.0]


def test_in_another_thread_too() -> None:
    model, optimizer, batches = setting("Adam", True)
    before = everything(model, optimizer, batches)
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(lr_find(model, optimizer, noisy, batches, steps=3)))
    thread.start()
    thread.join()
    assert len(results[0].rates) == 3
    assert everything(model, optimizer, batches) == before


# -- its parts


def quadratic(steps: int = 100, lr: Any = 0.1, **more: Any) -> tuple[LRFind, Any]:
    weight = nn.Linear(1, 1, bias=False)
    nn.init.constant_(weight.weight, 3.0)
    optimizer = torch.optim.SGD(weight.parameters(), lr=lr)
    batch = (torch.ones(1, 1), torch.zeros(1, 1))
    return lr_find(weight, optimizer, F.mse_loss, [batch], steps=steps, **more), weight


@pytest.mark.parametrize("shape", ["exponential", "linear"])
def test_the_rates_are_a_schedules_and_the_losses_gradient_descents(shape: Any) -> None:
    test, _ = quadratic(50, start=1e-3, end=0.5, shape=shape, smoothing=0.9, stop=None)
    rates = [1e-3 * 500 ** (t / 50) if shape == "exponential" else 1e-3 + (0.5 - 1e-3) * t / 50 for t in range(50)]
    assert test.rates == pytest.approx(rates, rel=1e-12)
    assert test.rates[0] == 1e-3
    weight, average = 3.0, 0.0
    for t, rate in enumerate(rates):
        assert test.losses[t] == pytest.approx(weight**2, rel=1e-4)
        average = 0.9 * average + 0.1 * test.losses[t]
        assert test.smoothed[t] == pytest.approx(average / (1 - 0.9 ** (t + 1)), rel=1e-9)
        weight -= rate * 2 * weight
    assert test.ended == "all steps"


def test_it_stops_above_a_multiple_of_the_best() -> None:
    test, _ = quadratic(start=0.01, end=100, smoothing=0.0)
    assert test.ended == "diverged"
    assert test.smoothed == test.losses
    best = [min(test.losses[: i + 1]) for i in range(len(test.losses))]
    assert [loss > 4 * low for loss, low in zip(test.losses, best, strict=True)] == [False] * (len(best) - 1) + [True]
    later, _ = quadratic(start=0.01, end=100, smoothing=0.0, stop=1e6)
    assert len(later.rates) > len(test.rates)
    assert later.losses[: len(test.losses)] == test.losses
    never, _ = quadratic(start=0.01, end=10, smoothing=0.0, stop=None)
    assert never.ended == "all steps"
    beyond, weight = quadratic(start=1.0, end=1e30, stop=None)
    assert beyond.ended == "not finite"
    assert weight.weight.item() == 3.0


def given_losses(values: list[float], **more: Any) -> LRFind:
    model = nn.Linear(1, 1)
    told = iter(values)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return lr_find(
        model, optimizer, None, [0], step=lambda *_: next(told), steps=len(values), **{"smoothing": 0.0, "stop": 4.0, **more}
    )


@pytest.mark.parametrize(
    ("losses", "count", "ended"),
    [
        ([2.0, 1.0, 4.0, 4.1, 1.0], 4, "diverged"),
        ([-2.0, -1.0, 3.9, 4.1, 0.0], 4, "diverged"),  # -2 + 3 * 2
        ([1.0, INF, 1.0], 2, "diverged"),
        ([INF, 1.0], 1, "not finite"),
        ([1.0, -INF, 1.0], 2, "not finite"),
        ([1.0, NAN, 1.0], 2, "not finite"),
        ([0.0, 1e-9, 1.0], 2, "diverged"),
        ([3.0, 2.0, 1.0], 3, "all steps"),
    ],
)
def test_where_it_ends(losses: list[float], count: int, ended: str) -> None:
    test = given_losses(losses)
    assert (len(test.rates), test.ended) == (count, ended)
    assert test.losses == pytest.approx(losses[:count], nan_ok=True)


def test_the_groups_keep_their_proportions() -> None:
    model, optimizer, batches = setting("AdamW, tensor rates", False)
    optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))], "lr": 0.0})
    held: list[list[float]] = []
    tensors = [group["lr"] for group in optimizer.param_groups[:2]]

    def step(model: Any, batch: Any) -> Any:
        assert all(group["lr"] is tensor for group, tensor in zip(optimizer.param_groups, tensors, strict=False))
        held.append([float(group["lr"]) for group in optimizer.param_groups])
        return F.cross_entropy(model(batch[0]), batch[1])

    test = lr_find(model, optimizer, None, batches, steps=10, step=step)
    assert [rates[0] for rates in held] == pytest.approx(test.rates, rel=1e-6)
    assert [rates[1] for rates in held] == pytest.approx([rate / 4 for rate in test.rates], rel=1e-6)
    assert {rates[2] for rates in held} == {0.0}


@pytest.mark.parametrize(("initial", "shares"), [([0.2, 0.1], [1.0, 0.5]), ([0.1, 0.2], [0.5, 1.0]), (None, [1.0, 1.0])])
def test_rates_that_are_all_zero_ask_the_initial_ones(initial: list[float] | None, shares: list[float]) -> None:
    model, optimizer, batches = setting("SGD", False)
    for i, group in enumerate(optimizer.param_groups):
        group["lr"] = 0.0
        if initial:
            group["initial_lr"] = initial[i]
    held = []

    def step(model: Any, batch: Any) -> Any:
        held.append([group["lr"] for group in optimizer.param_groups])
        return F.cross_entropy(model(batch[0]), batch[1])

    lr_find(model, optimizer, None, batches, steps=2, start=0.5, end=1, step=step)
    assert held[0] == [0.5 * share for share in shares]
    assert [group["lr"] for group in optimizer.param_groups] == [0.0, 0.0]


def test_several_batches_a_step_are_one_large_batch() -> None:
    results = []
    for size, accumulate in ((24, 1), (8, 3)):
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        batches = DataLoader(data(), batch_size=size)
        results.append(lr_find(model, optimizer, F.cross_entropy, batches, start=0.01, accumulate=accumulate, steps=40))
    assert results[0].rates == results[1].rates
    assert results[0].losses == pytest.approx(results[1].losses, rel=1e-3)


def test_a_closure_for_those_that_need_one() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    batches = DataLoader(data(), batch_size=24)
    before = everything(model, optimizer)
    test = lr_find(model, optimizer, F.cross_entropy, batches, start=0.01, end=1, steps=10)
    assert test.losses[-1] < 0.9 * test.losses[0]
    assert everything(model, optimizer) == before
    x, y = next(iter(batches))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)  # there is history now, in lists
    before = everything(model, optimizer)
    lr_find(model, optimizer, F.cross_entropy, batches, steps=10)
    assert everything(model, optimizer) == before


def test_a_step_that_trains_by_itself() -> None:
    """GradScaler, clipping and schedulers are the user's; what they leave is taken back by their own account."""
    model, optimizer, batches = setting("SGD", False)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    scheduler = LRScheduler(optimizer, lr=Exponential(0.5))

    def step(model: Any, batch: Any) -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(batch[0]), batch[1])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        return loss.item()

    states = scaler.state_dict(), scheduler.state_dict()
    before = everything(model, optimizer, batches)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        test = lr_find(model, optimizer, None, batches, step=step, steps=30, scheduler=(scaler, scheduler), start=0.01)
    assert len(set(test.losses)) > 5
    assert (scaler.state_dict(), scheduler.state_dict()) == states
    assert everything(model, optimizer, batches) == before
    with pytest.warns(UserWarning, match="before the optimizer's first step"):
        scheduler.step()  # none of those steps was the training's


def test_batches_of_any_kind_and_any_length() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Any, more: Any) -> Any:
            return self.layer(x + more)

    x, y = data().tensors
    model = Two()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    lists = lr_find(model, optimizer, F.cross_entropy, [[x, x, y]], steps=5)
    mappings = lr_find(
        model,
        optimizer,
        None,
        [{"x": (x, x), "y": y}],
        steps=5,
        device="cpu",
        step=lambda model, batch: F.cross_entropy(model(*batch["x"]), batch["y"]),
    )
    assert lists == mappings
    assert len(lists.rates) == 5


def test_batches_go_to_the_models_device() -> None:
    class Pair(NamedTuple):
        x: torch.Tensor
        y: int

    batch = {"a": [torch.ones(1), (torch.ones(2), "text")], "b": Pair(torch.ones(3), 3)}
    moved = _finder._moved(batch, torch.device("meta"))
    assert {moved["a"][0].device.type, moved["a"][1][0].device.type, moved["b"].x.device.type} == {"meta"}
    assert moved["a"][1][1] == "text"
    assert type(moved["b"]) is Pair
    assert moved["b"].y == 3
    assert _finder._moved(batch, None) is batch


def test_a_loss_that_is_a_module_with_state() -> None:
    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.register_buffer("count", torch.zeros(()))

        def forward(self, output: Any, target: Any) -> Any:
            self.count += 1
            return self.scale.square() * F.cross_entropy(output, target)

    model, loss = nn.Linear(4, 3), Loss()
    optimizer = torch.optim.Adam([*model.parameters(), *loss.parameters()])
    before = everything(loss, optimizer)
    lr_find(model, optimizer, loss, loader(), steps=20)
    assert everything(loss, optimizer) == before


def test_what_samplers_datasets_and_modules_draw_from() -> None:
    class Augmented(TensorDataset):
        def __init__(self) -> None:
            super().__init__(*data().tensors)
            self.numpy, self.python = np.random.default_rng(1), random.Random(1)
            self.old, self.drawn = np.random.RandomState(1), 0

        def __getitem__(self, index: Any) -> Any:
            self.drawn += 1
            x, y = super().__getitem__(index)
            return x + float(self.numpy.normal()) + self.python.random() + float(self.old.rand()), y

    dataset = Augmented()
    sampler = torch.utils.data.RandomSampler(dataset, generator=torch.Generator().manual_seed(2))
    batches = DataLoader(dataset, batch_size=8, sampler=sampler)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def state() -> Any:
        return (
            str(dataset.numpy.bit_generator.state),
            dataset.python.getstate(),
            told(dataset.old.get_state()),
            dataset.drawn,
            bits(sampler.generator.get_state()),
        )

    before = state()
    lr_find(model, optimizer, F.cross_entropy, batches, steps=7)
    assert state() == before


def test_workers_that_stay_are_new_afterwards() -> None:
    batches = DataLoader(data(), batch_size=8, num_workers=1, persistent_workers=True)
    model = nn.Linear(4, 3)
    lr_find(model, torch.optim.SGD(model.parameters(), lr=0.1), F.cross_entropy, batches, steps=4)
    assert batches._iterator is None


def test_a_tensor_that_is_held_twice_is_kept_once() -> None:
    kept: dict[int, Any] = {}
    tensor = torch.ones(3)
    first = _finder._keep({"a": tensor, "b": [tensor]}, kept)
    assert len(kept) == 4  # the two containers, the tensor, and the gradient that it has not
    assert _finder._keep(tensor, kept) is _finder._keep(tensor, kept)
    tensor.zero_()
    assert first()["b"][0] is tensor
    assert tensor.tolist() == [1.0, 1.0, 1.0]


def test_data_that_was_replaced_comes_back() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    pointer, before = model.weight.data_ptr(), everything(model, optimizer)

    def step(model: Any, batch: Any) -> float:
        model.weight.data = model.weight.data * 2
        model.weight.requires_grad_(False)
        model.bias = nn.Parameter(torch.zeros(3))
        return 1.0

    lr_find(model, optimizer, None, [0], step=step, steps=3)
    assert everything(model, optimizer) == before
    assert model.weight.data_ptr() == pointer


def test_a_wrapped_optimizer() -> None:
    class Wrapper(torch.optim.Optimizer):
        def __init__(self, inner: Any) -> None:
            self.inner, self.param_groups, self.state, self.count = inner, inner.param_groups, inner.state, 0

        def zero_grad(self, set_to_none: bool = True) -> None:
            self.inner.zero_grad()

        def step(self, closure: Any = None) -> None:
            self.count += 1
            self.inner.count = self.count
            self.inner.step()

    model = nn.Linear(4, 3)
    inner = torch.optim.Adam(model.parameters())
    wrapper = Wrapper(inner)
    before = everything(model, inner), wrapper.count
    lr_find(model, wrapper, F.cross_entropy, loader(), steps=4)
    assert (everything(model, inner), wrapper.count) == before
    assert not hasattr(inner, "count")


def test_inside_no_grad_too() -> None:
    with torch.no_grad():
        test, _ = quadratic(5)
        assert not torch.is_grad_enabled()
    assert len(test.rates) == 5


def test_the_backends_flags_stay() -> None:
    flags = torch.backends.cudnn.flags
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, torch.get_num_threads()
    quadratic(5)
    assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, torch.get_num_threads()) == before
    assert torch.backends.cudnn.flags is flags


# -- refusals


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start": 0}, ValueError, "lr_find: start must be > 0, got 0"),
        ({"end": -1}, ValueError, "lr_find: end must be > 0, got -1"),
        ({"start": 1, "end": 1}, ValueError, "lr_find: end must be > start, got start=1 and end=1"),
        ({"steps": 0}, ValueError, "lr_find: steps must be a whole number >= 1, got 0"),
        ({"steps": "9"}, TypeError, "lr_find: steps must be a number, got '9'"),
        ({"accumulate": 0}, ValueError, "lr_find: accumulate must be a whole number >= 1, got 0"),
        ({"smoothing": 1}, ValueError, r"lr_find: smoothing must be in \[0, 1\), got 1"),
        ({"smoothing": -0.1}, ValueError, "lr_find: smoothing must be >= 0, got -0.1"),
        ({"stop": 1}, ValueError, "lr_find: stop must be > 1, got 1; None never stops"),
        ({"shape": "cosine"}, ValueError, "lr_find: shape must be 'exponential' or 'linear', got 'cosine'"),
        ({"step": lambda *_: 1.0}, ValueError, r"lr_find: give loss_fn\(output, target\), or loss_fn=None and step="),
        ({"loss_fn": None}, ValueError, r"lr_find: give loss_fn\(output, target\), or loss_fn=None and step="),
        ({"optimizer": 3}, TypeError, "lr_find: optimizer must have param_groups, a list of dicts; int is not an Optimizer"),
        ({"model": F.relu}, TypeError, "lr_find: model must be a torch.nn.Module, got function"),
        ({"model": nn.LazyLinear(2)}, ValueError, "lr_find: the model has parameters without a shape; give it one batch first"),
        ({"scheduler": [3]}, TypeError, r"lr_find: scheduler must have state_dict\(\) and load_state_dict\(\), int has not"),
        (
            {"optimizer": torch.optim.SGD(nn.Linear(4, 3).parameters(), lr=0.1)},
            ValueError,
            "lr_find: the optimizer has none of the model's parameters, and none that got a gradient: .* build it from model",
        ),
        ({"loader": 3}, TypeError, "lr_find: loader must give batches, as a DataLoader or a list does, got int"),
        ({"loader": []}, ValueError, "lr_find: the loader gives no batches, or no more of them; pass one that can be iterated"),
        (
            {"loader": iter([(torch.ones(2, 4), torch.ones(2, 3))])},
            ValueError,
            "lr_find: the loader gives no batches, or no more",
        ),
        ({"loader": [torch.ones(2, 4)]}, TypeError, r"lr_find: the loader must give \(input, target\), got Tensor; for other"),
        ({"loader": [(torch.ones(2, 4),)]}, TypeError, r"lr_find: the loader must give \(input, target\), got tuple"),
        ({"loss_fn": lambda a, b: (a - b) ** 2}, TypeError, r"lr_find: the loss must be one number, got the shape \[2, 3\]"),
        ({"loss_fn": lambda a, b: "low"}, ValueError, "lr_find: the loss has no gradient: it depends on no parameter"),
        ({"loss_fn": lambda a, b: (a - b).detach().mean()}, ValueError, "lr_find: the loss has no gradient"),
        ({"loss_fn": None, "step": lambda *_: "low"}, TypeError, "lr_find: the loss must be a number, got 'low'"),
        ({"loss_fn": None, "step": lambda *_: None}, TypeError, "lr_find: the loss must be a number, got None"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    given: dict[str, Any] = {
        "model": model,
        "optimizer": optimizer,
        "loss_fn": F.mse_loss,
        "loader": [(torch.ones(2, 4), torch.ones(2, 3))],
        **options,
    }
    before = everything(model, optimizer)
    with pytest.raises(error, match=message):
        lr_find(given.pop("model"), given.pop("optimizer"), given.pop("loss_fn"), given.pop("loader"), **given)
    assert everything(model, optimizer) == before


def test_an_optimizer_of_the_loss_alone_is_none_of_another_model() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, output: Any, target: Any) -> Any:
            return F.mse_loss(self.scale * output, target)

    loss = Scaled()
    found = lr_find(
        nn.Linear(4, 3), torch.optim.SGD(loss.parameters(), lr=0.1), loss, [(torch.ones(2, 4), torch.ones(2, 3))], steps=20
    )
    assert len(found.losses) > 1


def test_groups_without_a_rate_are_refused() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.param_groups[0]["lr"] = None
    with pytest.raises(ValueError, match="lr_find: every group of the optimizer must have a rate, 'lr'; build it with one"):
        lr_find(model, optimizer, F.mse_loss, [])
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(ValueError, match=r"lr_find: param_groups\[0\]\['lr'\] must be >= 0, got -1.0"):
        lr_find(model, optimizer, F.mse_loss, [])


# -- the digits, and the command


def test_the_suggestion_trains_as_well_as_the_best_of_a_grid() -> None:
    """On the digits, over few epochs and one seed; benchmarks/finder.py does it at length."""
    training, validation = job._loaders(Settings(seed=0, batch_size=64))
    place = torch.device("cpu")

    def accuracy(lr: float) -> float:
        torch.manual_seed(0)
        model = job.Net()
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        for _ in range(6):
            job._train_epoch(model, optimizer, None, Spec("constant", {}), training, place)
        return job._evaluate(model, validation, place)[1]

    torch.manual_seed(0)
    model = job.Net()
    test = lr_find(model, torch.optim.Adam(model.parameters()), F.cross_entropy, training, start=1e-4)
    best = max(accuracy(lr) for lr in (1e-3, 3e-3, 1e-2))
    assert best > 0.95
    assert accuracy(test.suggestion) > best - 0.01


def find(*arguments: Any) -> int:
    try:
        return main(["find", *map(str, arguments)])
    except SystemExit as end:
        return int(end.code or 0)


def test_the_command_shows_curve_and_suggestions(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert find("--steps", 60, "--start", 1e-4) == 0
    shown = capsys.readouterr().out
    assert find("--steps", 60, "--start", 1e-4, "--json") == 0
    test = LRFind.from_json(capsys.readouterr().out)
    assert "1.00e-04" in shown
    assert f"{test.losses[0]:.4g}" in shown
    for rule, rate in test.suggestions.items():
        assert rate is not None
        assert f"{rule:>8}  {rate:.2e}" in shown
    assert "▇▇▇" in shown
    assert max(map(len, shown.splitlines())) <= 100
    monkeypatch.setenv("COLUMNS", "56")
    assert find("--steps", 60, "--start", 1e-4) == 0
    narrow = capsys.readouterr().out
    assert "…" not in narrow  # shorter bars, and not the same ends of all cut off
    assert len({line.count("▇") for line in narrow.splitlines()}) > 4


def test_the_command_takes_what_decides(capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: Any) -> LRFind:
        assert find("--json", "--steps", 12, *arguments) == 0
        return LRFind.from_json(capsys.readouterr().out)

    plain = told()
    assert told() == plain
    assert plain.rates[0] == 1e-4
    others = [
        told("--optimizer", "adam"),
        told("--optimizer", "adamw"),
        told("--batch-size", 200),
        told("--seed", 1),
        told("--shape", "linear"),
    ]
    assert len({plain.losses, *(one.losses for one in others)}) == 6
    assert told("--shape", "linear", "--start", 0.5, "--end", 2).rates == pytest.approx([0.5 + 1.5 * t / 12 for t in range(12)])


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_command_draws(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"{name}.{kind}" for name in ("a", "b")]
    for file in files:
        assert find("--steps", 20, "--plot", file) == 0
        assert str(file) in capsys.readouterr().out.replace("\n", "")
    assert files[0].stat().st_size > 3000
    if kind != "svg":
        assert files[0].read_bytes() == files[1].read_bytes()


def test_the_command_says_where_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert find("--start", 1, "--end", 1e4, "--steps", 30) == 0
    shown = capsys.readouterr().out
    assert "of 30 steps: the smoothed loss was above 4 times its best" in shown or "the loss was NaN or infinite" in shown
    assert find("--steps", 4) == 0
    assert "  valley  none: too few points; take more --steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "curve.txt"], "--plot curve.txt must end in .png, .svg or .pdf"),
        (["--plot", "no/such/curve.png"], "there is no folder no/such; make it first, or name another one"),
        (["--start", "1", "--end", "0.1"], "--end 0.1 must be above --start 1"),
        (["--steps", "0"], "must be a whole number >= 1, got '0'"),
        (["--end", "nan"], "must be a finite number > 0, got 'nan'"),
        (["--optimizer", "lion"], "invalid choice: 'lion'"),
        (["--device", "nowhere"], "--device nowhere: "),
    ],
)
def test_the_command_refuses(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert find(*arguments) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert "Traceback" not in told.err


def test_what_a_module_counts_in_attributes_and_containers() -> None:
    class Counting(torch.nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 1)
            self._calls, self.stats, self.seen, self.pair = 0, {"n": 0, "deep": [1]}, [0.5], ([1], 2)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self._calls += 1
            self.stats["n"] += 1
            self.stats["deep"].append(2)
            self.seen.append(1.0)
            self.pair[0].append(3)
            return super().forward(inputs)

    model = Counting()
    stats, seen = model.stats, model.seen
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [(torch.ones(4, 3), torch.ones(4, 1))]
    lucid.lr_find(model, optimizer, torch.nn.functional.mse_loss, batches, steps=10)
    assert (model._calls, model.stats, model.seen, model.pair) == (0, {"n": 0, "deep": [1]}, [0.5], ([1], 2))
    assert model.stats is stats
    assert model.seen is seen
