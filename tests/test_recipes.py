"""Presets, and the advice on lengths."""

import json
import re
import warnings
from typing import Any

import pytest

import lucid
from lucid.recipes import _recipes, advise, names, recipe
from lucid.schedules import (
    WSD,
    Constant,
    Cosine,
    Exponential,
    Linear,
    MultiStep,
    Noam,
    OneCycle,
    Product,
    RangeTest,
    Schedule,
    Step,
    Warmup,
)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("total", [10, 300, 9000, 10**6])
def test_every_recipe_is_a_plain_composition_that_lasts_the_run(name: str, total: int) -> None:
    with warnings.catch_warnings():
        if name == "transformer":  # whose warm-up is the paper's
            warnings.simplefilter("ignore")
        schedule = recipe(name, total_steps=total)
    assert Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
    assert schedule.length == pytest.approx(total, rel=1e-12)
    assert max(schedule.at([total * i / 400 for i in range(401)])) == pytest.approx(1, abs=0.01) or name == "transformer"
    assert "Source: " in (_recipes[name].__doc__ or "")
    assert lucid.recipe is recipe


def test_recipes_in_numbers() -> None:
    llm = recipe("pretrain-llm", total_steps=102_000)
    assert llm.at([0, 1000, 2000, 52_000, 102_000, 200_000], 3e-4) == pytest.approx([0, 1.5e-4, 3e-4, 1.65e-4, 3e-5, 3e-5])
    assert llm == (0.9 * Cosine(100_000.0) + Constant(0.1, 100_000.0)).warmup(2000.0)
    assert recipe("pretrain-llm", total_steps=100, floor=0).at([10, 55, 100]) == pytest.approx([1, 0.5, 0], abs=1e-15)
    assert recipe("pretrain-llm-to-zero", total_steps=100, warmup_steps=20).at([10, 20, 60, 100]) == [0.5, 1, 0.5, 0]
    assert recipe("wsd", total_steps=1000) == Warmup(100.0) >> WSD(900.0, 200.0)
    assert recipe("wsd", 1000, warmup_steps=0, cooldown=0.5, shape="linear").at([0, 500, 750, 1000]) == [1, 1, 0.5, 0]
    assert recipe("fine-tune", total_steps=100).at([5, 10, 55, 100]) == [0.5, 1, 0.5, 0]
    assert recipe("instruction-tune", total_steps=100) == Warmup(3.0) >> Cosine(97.0)
    assert recipe("vision-from-scratch", total_steps=300).at([5, 300]) == pytest.approx([1, 0.01])
    stairs = recipe("resnet", total_steps=90)
    assert stairs.at([0, 2.5, 5, 29, 30, 59, 60, 79, 80, 90]) == pytest.approx([0, 0.5, 1, 1, 0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3])
    assert recipe("super-convergence", total_steps=100) == OneCycle(100)
    assert recipe("transformer", total_steps=9000, model_size=256) == Noam(256, 4000)[:9000]


def test_a_recipe_drives_a_scheduler() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    scheduler = lucid.optim.lr_scheduler.LRScheduler(optimizer, lr=lucid.recipe("fine-tune", total_steps=100))
    assert scheduler.lr_at(55) == [0.2]
    with pytest.warns(UserWarning, match="the schedule ends after 100 steps and the run after 300"):
        lucid.advise(scheduler, loader=range(100), epochs=3)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        (
            "pretrain",
            {"total_steps": 9},
            ValueError,
            r"unknown recipe 'pretrain'; did you mean 'pretrain-llm'\?; there are fine",
        ),
        (None, {"total_steps": 9}, ValueError, "unknown recipe None; there are fine-tune, instruction-tune, "),
        ("wsd", {"total_steps": 0}, ValueError, "wsd: total_steps must be > 0, got 0"),
        ("wsd", {"total_steps": "9"}, TypeError, "wsd: total_steps must be a number, got '9'"),
        ("wsd", {"total_steps": 9, "warmup": 3}, ValueError, r"wsd: unknown option 'warmup'; did you mean 'warmup_steps'\?"),
        ("wsd", {"total_steps": 9, "cooldown": 0}, ValueError, r"wsd: cooldown must be in \(0, 1\], got 0"),
        ("wsd", {"total_steps": 9, "warmup_steps": -1}, ValueError, "wsd: warmup_steps must be >= 0, got -1"),
        ("wsd", {"total_steps": 9, "shape": "x"}, ValueError, "Decay: shape must be 'linear', .*, got 'x'|WSD: shape must be"),
        ("pretrain-llm", {"total_steps": 9, "floor": 2}, ValueError, r"pretrain-llm: floor must be in \[0, 1\], got 2"),
        ("vision-from-scratch", {"total_steps": 9, "floor": -1}, ValueError, r"vision-from-scratch: floor must be in \[0, 1\]"),
        ("fine-tune", {"total_steps": 9, "warmup_steps": "3"}, TypeError, "fine-tune: warmup_steps must be a number, got '3'"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(name: Any, arguments: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        recipe(name, **arguments)


RISES = "the rate still rises after 100 steps, when the run ends: the warm-up is longer than the run"
ENDS = "the schedule ends after {} steps and the run after {}: "
ADVICE: list[tuple[Schedule, float, str | None]] = [
    (Warmup(200) >> Cosine(100), 100, RISES),
    (Linear(200), 100, RISES),
    (Cosine(80).warmup(100), 100, RISES),
    (Cosine(100), 500, ENDS.format(100, 500) + "the rate stands still from there, at 0 of 1"),
    (Linear(50, 1.0, 0.5), 100, ENDS.format(50, 100) + "the rate stands still from there, at 0.5 of 1"),
    (Cosine(100, hold=False), 150, ENDS.format(100, 150) + "the rate rises again from there, up to 0.5"),
    (Linear(10) >> Linear(190, 1, 0), 105, ENDS.format(200, 105) + "it stops at 0.5, not at 0"),
    (Cosine(100), 100, None),
    (Warmup(10) >> Cosine(90), 100, None),
    (Exponential(0.9), 100, None),
    (Step(30), 90, None),
    (MultiStep((30, 60)), 90, None),
    (RangeTest(10), 100, None),  # rises by design
    (Constant(), 100, None),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "steps", "message"), ADVICE)
def test_advice(schedule: Schedule, steps: float, message: str | None) -> None:
    if message is None:
        assert advise(schedule, steps) == []
        return
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$") as caught:
        assert advise(schedule, steps=steps) == [message]
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=re.escape(message)):
        advise(Product((schedule,)), loader=range(4 * int(steps)), accumulate=4)


def test_a_recipe_gives_advice_where_it_is_called() -> None:
    with pytest.warns(UserWarning, match="the rate still rises after 100 steps, when the run ends: the warm-up") as caught:
        assert recipe("pretrain-llm", total_steps=100, warmup_steps=200) == Warmup(200)
    assert [one.filename for one in caught] == [__file__]


def test_batches_that_are_accumulated_count_once_and_the_last_of_an_epoch_too() -> None:
    assert advise(Cosine(9), loader=range(10), epochs=3, accumulate=4) == []  # 4 + 4 + 2, three times
    with pytest.warns(UserWarning, match="the run after 30"):
        advise(Cosine(9), loader=range(10), epochs=3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 9), TypeError, "advise: schedule must be a Schedule, or a scheduler that follows one, got 3"),
        ((Cosine(9),), ValueError, "advise: give either steps or loader"),
        ((Cosine(9), 0), ValueError, "advise: steps must be > 0, got 0"),
    ],
)
def test_advice_needs_a_run(arguments: tuple[Any, ...], error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        advise(*arguments)
    with pytest.raises(ValueError, match=r"^advise: give either steps or loader$"):
        advise(Cosine(9), 9, loader=[1])
    with pytest.raises(ValueError, match=r"^advise: accumulate must be a whole number >= 1, got 0$"):
        advise(Cosine(9), loader=[1], accumulate=0)
    with pytest.raises(ValueError, match=r"^advise: epochs must be > 0, got 0$"):
        advise(Cosine(9), loader=[1], epochs=0)
