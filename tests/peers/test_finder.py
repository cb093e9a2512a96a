"""fastai's own suggestion rules beside ours, on the same curves.

Its module imports half of its world, so the four functions alone are read from the file where it is installed, and run.
"""

import ast
import importlib.util
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lucid import LRFind, lr_suggest

# theirs hands tensors to NumPy
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")

RULES = ("valley", "steep", "minimum", "slide")


def load() -> dict[str, Any]:
    found = importlib.util.find_spec("fastai")  # looks, and imports nothing
    if found is None or found.origin is None:
        pytest.skip("fastai is not installed", allow_module_level=True)
    source = (Path(found.origin).parent / "callback" / "schedule.py").read_text()
    chosen = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name in RULES]
    assert len(chosen) == 4
    names: dict[str, Any] = {"np": np, "torch": torch, "to_np": lambda tensor: tensor.numpy()}
    exec(compile(ast.Module(chosen, []), "fastai", "exec"), names)
    return {rule: names[rule] for rule in RULES}


theirs = load()


def curve(seed: int) -> tuple[list[float], list[float]]:
    """Flat, down, up, with noise; in some runs NaN at the end, in some all of a single kind."""
    chance = random.Random(seed)
    count = chance.choice([32, 60, 100, 100, 100, 250])
    rates = [1e-7 * (10 / 1e-7) ** (t / count) for t in range(count)]
    kind = chance.choice(["test", "test", "test", "whole", "noise", "falls", "rises", "flat"])
    first, last = sorted(chance.sample(range(count), 2))
    noise = chance.choice([0.0, 1e-3, 0.05])
    losses = []
    for t in range(count):
        if kind == "test":
            down, up = max(min(t, last) - first, 0) / (last - first), max(t - last, 0)
            losses.append(2.3 - 2 * down + 0.01 * up * up + chance.gauss(0, noise))
        else:
            losses.append(
                {"whole": float(chance.randrange(9)), "noise": chance.random(), "falls": -t / 7, "rises": t / 7, "flat": 1.5}[
                    kind
                ]
            )
    return rates, losses


def told(rule: str, rates: list[float], losses: list[float]) -> float:
    xs, ys = torch.tensor(rates, dtype=torch.float64), torch.tensor(losses, dtype=torch.float64)
    return float(theirs[rule](xs, ys, len(losses))[0])


@pytest.mark.parametrize("rule", RULES)
def test_the_same_suggestions(rule: str) -> None:
    some = set()
    for seed in range(400):
        rates, losses = curve(seed)
        ours = lr_suggest(rates, losses)[rule]
        assert ours is not None
        kept = slice(len(rates) // 10, -5)
        # theirs takes logarithms in torch, whose last bit may differ: a tie of two slopes is one within rounding
        expected = told(rule, rates[kept], losses[kept])
        if rule == "steep" and ours != expected:
            xs, ys = np.log(rates[kept]), np.array(losses[kept])
            slopes = np.diff(ys) / np.diff(xs)
            mine, other = (slopes[rates[kept].index(rate)] for rate in (ours, expected))
            assert mine == pytest.approx(other, rel=1e-9), seed
        else:
            assert ours == pytest.approx(expected, rel=1e-12), seed
        some.add(ours)
    assert len(some) > 50


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("good", [40, 90, 93, 96])
def test_the_same_where_the_losses_become_nan(rule: str, good: int) -> None:
    """Theirs goes on with NaN to the last step, ours ends at the first."""
    for seed in range(1000, 1020):
        rates, losses = curve(seed)
        if len(rates) != 100:
            continue
        short = (*losses[:good], float("nan"))
        ours = LRFind(tuple(rates[: good + 1]), short, short, 100, "not finite").suggestions[rule]
        last = min(good, 95)
        assert ours == pytest.approx(told(rule, rates[10:last], losses[10:last]), rel=1e-12), seed


def test_the_one_difference() -> None:
    """A valley of two points at the very beginning: theirs has the index -1, which is the last rate."""
    rates, losses = [1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 5.0, 5.0]
    assert told("valley", rates, losses) == 4.0
    assert lr_suggest(rates, losses, skip_start=0, skip_end=0)["valley"] == 1.0
