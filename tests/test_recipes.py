"""Presets, and the advice on lengths."""

import json
import re
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

import lucid
from lucid.recipes import _recipes, advise, names, recipe
from lucid.schedules import (
    WSD,
    Absolute,
    Constant,
    Cosine,
    Exponential,
    Hold,
    InversePower,
    Lambda,
    Linear,
    MultiStep,
    Noam,
    NoamHold,
    Noise,
    OneCycle,
    Piecewise,
    Product,
    Proportion,
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
    assert recipe("resnet", total_steps=90, start=0.125).at([0, 4, 5, 30]) == pytest.approx([0.125, 0.825, 1, 0.1])
    assert recipe("super-convergence", total_steps=100) == OneCycle(100)
    assert recipe("transformer", total_steps=9000, model_size=256) == Noam(256, 4000)[:9000]


@pytest.mark.parametrize("name", ["pretrain_llm", "Pretrain-LLM", "pretrainllm", "PRETRAIN LLM"])
def test_a_recipe_is_found_however_its_name_is_written(name: str) -> None:
    assert recipe(name, total_steps=100) == recipe("pretrain-llm", total_steps=100)
    with pytest.raises(ValueError, match=r"^pretrain-llm: unknown option 'flor'; did you mean 'floor'\?"):
        recipe(name, total_steps=100, flor=0)


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
        ("resnet", {"total_steps": 9, "start": 2}, ValueError, r"resnet: start must be in \[0, 1\], got 2"),
        ("vision-from-scratch", {"total_steps": 9, "floor": -1}, ValueError, r"vision-from-scratch: floor must be in \[0, 1\]"),
        ("fine-tune", {"total_steps": 9, "warmup_steps": "3"}, TypeError, "fine-tune: warmup_steps must be a number, got '3'"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(name: Any, arguments: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        recipe(name, **arguments)


RISES = "the rate is still on its way up after {} steps, when the run ends, at {} % of its peak: make the warm-up shorter"
ENDS = "the schedule ends after {} steps and the run after {}: "
STILL = ENDS + "the rate stands still from there, at {} % of its peak; give it the run's length"
STOPS = ENDS + "the rate stops at {} % of its peak, not at {} %; give it the run's length"
AGAIN = ENDS + "the rate rises again from there, up to {} % of its peak; give it the run's length"
ADVICE: list[tuple[Schedule, float, str | None]] = [
    # The run ends while the warm-up rises, whatever comes after it and around it.
    (Warmup(200) >> Cosine(100), 100, RISES.format(100, 49.5)),
    (Linear(200), 100, RISES.format(100, 49.5)),
    (Cosine(80).warmup(100), 100, RISES.format(100, 99)),
    (Warmup(2000) >> InversePower(2000), 1500, RISES.format(1500, 75)),
    (Linear(100) >> Constant(), 50, RISES.format(50, 49)),
    (Warmup(500) >> Step(100, 0.5), 300, RISES.format(300, 59.8)),
    (Warmup(500, shape="constant") >> Constant(), 300, RISES.format(300, 0)),
    (Warmup(500, shape="exponential") >> Constant(), 300, RISES.format(300, 59.8)),
    (Warmup(100), 1, RISES.format(1, 0)),
    (Warmup(100_000) >> Constant(), 100, RISES.format(100, 0.099)),
    (Noam(512, 4000), 1000, RISES.format(1000, 25)),
    (NoamHold(500, 100), 300, RISES.format(300, 59.8)),
    (OneCycle(1000), 200, RISES.format(200, 75.9)),
    (0.5 * (Warmup(500) >> Constant()), 300, RISES.format(300, 59.8)),
    (Noise(Warmup(500) >> Constant()), 300, RISES.format(300, 59.8)),
    (2 * Noise(Warmup(500) >> Cosine(500)) + Constant(0.0), 300, RISES.format(300, 59.8)),
    ((Warmup(500) >> Constant()).shift(100), 300, RISES.format(300, 39.8)),
    ((Warmup(500) >> Constant()).maximum(0.1), 300, RISES.format(300, 59.8)),
    (Linear(5).per_epoch(100, staircase=True) >> Constant(), 200, RISES.format(200, 20)),
    ((Linear(50) >> Linear(50, 1.0, 0.0)).repeat(), 30, RISES.format(30, 58)),
    # What rises by design, and a warm-up that is over.
    (RangeTest(10), 100, None),
    (RangeTest(10, staircase=True), 7, None),
    (Exponential(10, every=20), 100, None),
    (Linear(1000)[:100], 100, None),
    (Linear(100), 100, None),
    (Linear(100), 99, None),
    (Warmup(10) >> Constant(), 30, None),
    (Warmup(100) >> Constant(), 100, None),
    (Warmup(100, shape="exponential"), 1000, None),
    (Warmup(100, shape="exponential"), 300, None),
    (Lambda(lambda t: (0.0, 0.1, 0.2)[int(t)]), 3, None),  # fails beyond the run
    # The schedule is longer than the run.
    (Linear(10) >> Linear(190, 1, 0), 105, STOPS.format(200, 105, 50.5, 0)),
    (Linear(100, 1.0, 0.0) >> Absolute(0.0), 50, STOPS.format(100, 50, 51, 0)),
    ((Linear(50, 1.0, 0.0) >> Constant(0.0)).stretch(2).shift(10), 60, STOPS.format(110, 60, 51, 0)),
    (0.5 * (Linear(100, 1.0, 0.0) >> Constant(0.0)), 50, STOPS.format(100, 50, 51, 0)),
    (0.5 * (Linear(100, 1.0, 0.0) >> Constant(0.0)) * Step(1000), 50, None),  # endless
    (Proportion(Linear(100, 1.0, 0.0) >> Constant(0.0), 0.0, 1.0, 0.0, 1.0), 50, STOPS.format(100, 50, 51, 0)),
    ((Linear(100, 1.0, 0.0) >> Constant(0.0)).continue_from(Constant(steps=1)), 50, STOPS.format(100, 50, 51, 0)),
    (Warmup(10) >> Constant(steps=1000) >> Linear(100, 1.0, 2.0), 500, STOPS.format(1110, 500, 50, 100)),
    ((Linear(100, 1.0, 0.0) >> Constant(0.0)).maximum(0.01), 50, STOPS.format(100, 50, 51, 1)),
    (OneCycle(100), 99, None),
    (Cosine(100), 99, None),
    (Constant(steps=200), 100, None),
    (Cosine(25).repeat(4), 50, None),
    (Cosine(100), 97, None),
    (Cosine(100), 90, STOPS.format(100, 90, 2.96, 0)),
    # It is shorter.
    (Cosine(100), 500, STILL.format(100, 500, 0)),
    (Cosine(100), 102, None),
    (Cosine(90), 100, STILL.format(90, 100, 0)),
    (Linear(50, 1.0, 0.1), 100, STILL.format(50, 100, 10)),
    (Warmup(10) >> Linear(40, 1.0, 0.0) >> Absolute(0.01), 100, STILL.format(50, 100, 1)),
    (Cosine(100, hold=False), 150, AGAIN.format(100, 150, 48.4)),
    (Linear(50, 1.0, 0.5), 100, None),
    (Linear(5, 1 / 3, 1.0), 100, None),
    (Warmup(100), 1000, None),
    (Hold(5, 0.3), 100, None),
    (Piecewise((0, 100), (1, 0.5)), 500, None),
    # Both are as long.
    (Cosine(100), 100, None),
    (Warmup(10) >> Cosine(90), 100, None),
    (Exponential(0.9), 100, None),
    (Step(30), 90, None),
    (MultiStep((30, 60)), 90, None),
    (Constant(), 100, None),
    (Absolute(0.0), 100, None),
    (0.0 * Cosine(10), 100, None),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "steps", "message"), ADVICE)
def test_advice(schedule: Schedule, steps: float, message: str | None) -> None:
    if message is None:
        assert advise(schedule, steps) == []
        return
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$") as caught:
        assert advise(schedule, steps=steps) == [message]
    assert (caught[0].filename, caught[0].category) == (__file__, UserWarning)
    with pytest.warns(UserWarning, match=re.escape(message)):
        advise(Product((schedule,)), loader=range(4 * int(steps)), accumulate=4)


@pytest.mark.parametrize(
    ("schedule", "steps", "share"),
    [
        (Noam(512, 4000)[:1000], 1000, 25),  # cut, but made to turn
        ((Warmup(500) >> Cosine(500))[:300], 300, 59.8),
        (Warmup(100), 100, 99),  # and nothing after it
    ],
)
def test_a_run_that_is_all_warm_up(schedule: Schedule, steps: float, share: float) -> None:
    with pytest.warns(UserWarning, match=f"^{re.escape(RISES.format(steps, share))}$"):
        advise(schedule, steps)


ON_SCHEDULERS: list[tuple[str, dict[str, Any], float, list[str]]] = [
    ("LRScheduler", {"lr": [Cosine(50), Cosine(100)]}, 200, [STILL.format(50, 200, 0), STILL.format(100, 200, 0)]),
    ("LRScheduler", {"lr": Cosine(50)}, 200, [STILL.format(50, 200, 0)]),  # once for both groups
    ("LRScheduler", {"weight_decay": Cosine(100)}, 200, [STILL.format(100, 200, 0).replace("the rate", "weight_decay")]),
    ("LRScheduler", {"lr": Cosine(50), "weight_decay": Linear(500, 1.0, 0.0)}, 50,
        [ENDS.format(500, 50) + "weight_decay stops at 90.2 % of its peak, not at 0 %; give it the run's length"]),
    ("LRScheduler", {"lr": Absolute(0.1) + Linear(100)}, 50, [RISES.format(50, 74.5), RISES.format(50, 57.6)]),  # by base
    ("LRScheduler", {"lr": Cosine(50, 0.05)}, 200, []),  # half of 0.1, and a tenth of 0.5 and a bit
    ("LinearLR", {}, 100, []),
    ("ConstantLR", {}, 100, []),
    ("SWALR", {"swa_lr": 0.001}, 100, []),
    ("ReduceLROnPlateau", {}, 100, []),
    ("GreedyLR", {}, 100, []),
    ("CosineAnnealingWarmRestarts", {"T_0": 10}, 95, []),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 100}, 100, []),
    ("CosineAnnealingLR", {"T_max": 50}, 100, [AGAIN.format(50, 100, 99.9)]),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:the schedule|the rate|weight_decay")
@pytest.mark.parametrize(("name", "arguments", "steps", "messages"), ON_SCHEDULERS)
def test_advice_on_a_scheduler(name: str, arguments: dict[str, Any], steps: float, messages: list[str]) -> None:
    optimizer = of_two_groups()
    assert advise(getattr(lucid.optim.lr_scheduler, name)(optimizer, **arguments), steps) == messages


@pytest.mark.filterwarnings("ignore:the schedule|the rate")
def test_advice_on_other_libraries_schedulers() -> None:
    pytest.importorskip("torch")
    from lucid.compat.timm import CosineLRScheduler
    from lucid.compat.transformers import get_scheduler

    assert advise(get_scheduler("linear", of_two_groups(), 100, 80), 80) == [RISES.format(80, 79)]
    assert advise(get_scheduler("constant_with_warmup", of_two_groups(), 100), 50) == [RISES.format(50, 49)]
    assert advise(get_scheduler("inverse_sqrt", of_two_groups(), 1000), 500) == [RISES.format(500, 49.9)]
    assert advise(get_scheduler("cosine", of_two_groups(), 10, 100), 100) == []
    assert advise(CosineLRScheduler(of_two_groups(), t_initial=100), 50) == [STOPS.format(100, 50, 51.6, 0)]
    assert advise(CosineLRScheduler(of_two_groups(), t_initial=100), 100) == []


def test_rates_of_the_users_own_get_no_advice() -> None:
    pytest.importorskip("torch")

    class Own(lucid.optim.lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [0.1, 0.1]

    assert advise(Own(of_two_groups()), 10) == []
    optimizer = of_two_groups()
    children = [Own(optimizer), lucid.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)]
    assert advise(lucid.optim.lr_scheduler.SequentialLR(optimizer, children, milestones=[5]), 100) == []


def test_an_adapter_is_looked_at_from_its_own_base() -> None:
    assert advise(SimpleNamespace(schedule=Cosine(50, 0.05), base=0.1), 100) == []
    with pytest.warns(UserWarning, match=re.escape(STILL.format(50, 100, 10))):
        advise(SimpleNamespace(schedule=Cosine(50, 0.05), base=0.5), 100)


def of_two_groups() -> Any:
    torch = pytest.importorskip("torch")
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.49)]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.1)


def test_a_recipe_gives_advice_where_it_is_called() -> None:
    with pytest.warns(UserWarning, match=re.escape(RISES.format(100, 49.5))) as caught:
        assert recipe("pretrain-llm", total_steps=100, warmup_steps=200) == Warmup(200)
    assert [one.filename for one in caught] == [__file__]
    with pytest.warns(UserWarning, match=re.escape(RISES.format(100, 99))):
        recipe("fine-tune", total_steps=100, warmup_steps=100)
    with pytest.warns(UserWarning, match=re.escape(RISES.format(1000, 25))):
        recipe("transformer", total_steps=1000)
    with pytest.warns(UserWarning, match="^the rate is still on its way up after 10 steps"):
        assert recipe("resnet", total_steps=10, warmup_steps=20, start=0.5) == Warmup(20, 0.5)


def test_batches_that_are_accumulated_count_once_and_the_last_of_an_epoch_too() -> None:
    assert advise(Cosine(9), loader=range(10), epochs=3, accumulate=4) == []  # 4 + 4 + 2, three times
    with pytest.warns(UserWarning, match="the run after 30"):
        advise(Cosine(9), loader=range(10), epochs=3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 9), TypeError, "advise: schedule must be a Schedule, or a scheduler that follows some, got 3"),
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
