"""``lucid.compat.timm`` by itself: values worked by hand, refusals, JSON, states. ``tests/peers`` has it beside timm."""

import copy
import json
import math
import pickle
import re
import subprocess
import sys
from argparse import Namespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from lucid.compat import timm
from lucid.optim.lr_scheduler import ChainedScheduler, ExponentialLR, LinearLR, ReduceLROnPlateau, SequentialLR
from lucid.schedules import Constant, Cosine, Linear, MultiStep, Polynomial, Schedule, Step

CASES: dict[str, dict[str, Any]] = {
    "CosineLRScheduler": {"t_initial": 4, "lr_min": 0.01, "cycle_mul": 2, "cycle_decay": 0.5, "cycle_limit": 2, "k_decay": 2.0},
    "PolyLRScheduler": {"t_initial": 4, "power": 2.0, "lr_min": 0.01, "cycle_limit": 3, "cycle_decay": 2.0},
    "TanhLRScheduler": {"t_initial": 6, "lb": -3.0, "cycle_mul": 0.5, "cycle_limit": 2},
    "StepLRScheduler": {"decay_t": 2.5, "decay_rate": 0.5},
    "MultiStepLRScheduler": {"decay_t": [3, 5, 5], "decay_rate": 0.5},
    "WSDLRScheduler": {"t_initial": 8, "decay_t": 3, "lr_min": 0.01, "stable_fn": "rsqrt", "decay_fn": "exp"},
    "PlateauLRScheduler": {"patience_t": 0, "decay_rate": 0.5, "mode": "min"},
}
NOISE = {"noise_range_t": [1, 9], "noise_pct": 0.5, "noise_seed": 3}


def group(lr: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr, **more}


def sgd(*groups: dict[str, Any]) -> torch.optim.SGD:
    return torch.optim.SGD(list(groups) or [group()])


def rates(scheduler: Any) -> list[float]:
    return [float(group["lr"]) for group in scheduler.optimizer.param_groups]


def make(name: str, *groups: dict[str, Any], **changes: Any) -> Any:
    return getattr(timm, name)(sgd(*groups), **{**CASES[name], **changes})


def seen(scheduler: Any, times: Any) -> list[float]:
    values = []
    for t in times:
        scheduler.step(t)
        values.append(rates(scheduler)[0])
    return values


# -- worked values


def test_cosine() -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 4, lr_min=0.02)
    half = 0.02 + 0.08 * (1 + math.cos(math.pi / 4)) / 2
    assert seen(scheduler, [0, 1, 2, 4, 9]) == pytest.approx([0.1, half, 0.06, 0.02, 0.02])


def test_cycles() -> None:
    """From 0.1, 0.05, 0.025 to 0.02, in 4, 8 and 16 epochs; then 0.02."""
    scheduler = timm.CosineLRScheduler(sgd(), 4, lr_min=0.02, cycle_mul=2, cycle_decay=0.5, cycle_limit=3)
    expected = [0.1, 0.06, 0.05, 0.035, 0.025, 0.0225, 0.02, 0.02]
    assert seen(scheduler, [0, 2, 4, 8, 12, 20, 28, 100]) == pytest.approx(expected)
    assert scheduler.get_cycle_length() == 28
    assert scheduler.get_cycle_length(2) == 12


def test_cycles_that_shorten_and_rise() -> None:
    """In 8, 4 and 2 epochs, from 0.1, 0.2 and 0.4."""
    scheduler = timm.PolyLRScheduler(sgd(), 8, power=1.0, cycle_mul=0.5, cycle_decay=2.0, cycle_limit=3)
    assert seen(scheduler, [0, 4, 8, 10, 12, 13, 14, 99]) == pytest.approx([0.1, 0.05, 0.2, 0.1, 0.4, 0.2, 0.0, 0.0])
    assert scheduler.get_cycle_length() == 14


def test_no_cycles() -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 8, lr_min=0.02, cycle_limit=0)
    assert seen(scheduler, [0, 4, 8]) == [0.02, 0.02, 0.02]
    assert scheduler.get_cycle_length() == 8


def test_cycle_length_is_exact() -> None:
    for length, growth, times, expected in ((90, 1.1, 1, 90), (10, 1.7, 2, 27), (100, 1.2, 3, 364), (1000, 1.3, 3, 3990)):
        scheduler = timm.TanhLRScheduler(sgd(), length, cycle_mul=growth, warmup_t=5)
        assert scheduler.get_cycle_length(times) == expected
        scheduler.warmup_prefix = True
        assert scheduler.get_cycle_length(times) == expected + 5
    assert timm.CosineLRScheduler(sgd(), 7.5).get_cycle_length(3) == 22.5


def test_poly() -> None:
    scheduler = timm.PolyLRScheduler(sgd(), 4, lr_min=0.02)
    assert seen(scheduler, [0, 3, 4]) == pytest.approx([0.1, 0.06, 0.02])
    scheduler = timm.PolyLRScheduler(sgd(), 4, power=1, k_decay=2)
    assert seen(scheduler, [1, 2, 3]) == pytest.approx([0.1 * 15 / 16, 0.075, 0.1 * 7 / 16])


def test_tanh() -> None:
    """Neither from the base nor to lr_min; after the last cycle lr_min."""
    scheduler = timm.TanhLRScheduler(sgd(), 4, lb=-2, ub=2, lr_min=0.02)
    first, last = 0.02 + 0.04 * (1 + math.tanh(2)), 0.02 + 0.04 * (1 - math.tanh(1))
    assert rates(scheduler) == pytest.approx([first])
    assert seen(scheduler, [0, 2, 3, 4]) == pytest.approx([first, 0.06, last, 0.02])


def test_the_warmup_of_tanh_aims_at_its_own_value() -> None:
    there = 0.05 * (1 - math.tanh(0))
    scheduler = timm.TanhLRScheduler(sgd(), 4, lb=-2, ub=2, warmup_t=2)
    assert seen(scheduler, [0, 1, 2]) == pytest.approx([0, there / 2, there])
    scheduler.warmup_prefix = True
    assert seen(scheduler, [0, 1, 2]) == pytest.approx([0, 0.05, 0.05 * (1 + math.tanh(2))])


def test_step() -> None:
    scheduler = timm.StepLRScheduler(sgd(), 2.5, 0.5)
    assert seen(scheduler, range(7)) == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]


def test_multistep_counts_one_step_early() -> None:
    scheduler = timm.MultiStepLRScheduler(sgd(), [3, 5, 5], 0.5)
    assert seen(scheduler, range(6)) == [0.1, 0.1, 0.05, 0.05, 0.0125, 0.0125]
    assert rates(timm.MultiStepLRScheduler(sgd(), [1], 0.5)) == [0.05]
    assert seen(timm.MultiStepLRScheduler(sgd(), [], 0.5), [0, 9]) == [0.1, 0.1]


def test_wsd() -> None:
    scheduler = timm.WSDLRScheduler(sgd(), 8, 4, lr_min=0.02, warmup_t=2)
    assert seen(scheduler, [0, 1, 2, 6, 7, 10, 99]) == pytest.approx([0, 0.05, 0.1, 0.1, 0.06, 0.02, 0.02])
    assert scheduler.get_cycle_length() == scheduler.get_cycle_length(7) == 10


def test_wsd_goes_on_falling_and_has_a_floor() -> None:
    scheduler = timm.WSDLRScheduler(sgd(), 12, 4, stable_fn="power", stable_power=1.0, stable_timescale=2, decay_fn="linear")
    assert seen(scheduler, [0, 2, 6, 10]) == pytest.approx([0.1, 0.05, 0.025, 0.1 / 6 / 2])
    scheduler.lr_min = 0.04
    assert seen(scheduler, [0, 2, 6, 10]) == pytest.approx([0.1, 0.05, 0.04, 0.04])
    scheduler.lr_min, scheduler.stable_fn = 0.01, "rsqrt"
    assert seen(scheduler, [6, 10]) == pytest.approx([0.05, 0.01 + (0.1 / 6**0.5 - 0.01) / 2])


def test_wsd_takes_a_function() -> None:
    scheduler = timm.WSDLRScheduler(sgd(), 4, 4, decay_fn=lambda p: 1 - p**3)
    assert seen(scheduler, [2, 4, 9]) == pytest.approx([0.0875, 0, 0])


def test_what_a_function_leaves_of_wsd_goes_on() -> None:
    """Half of the height above 0.01, of 0.1 / (1 + t / 4)."""
    kwargs = {"lr_min": 0.01, "stable_fn": "power", "stable_power": 1.0, "stable_timescale": 4}
    scheduler = timm.WSDLRScheduler(sgd(), 4, 2, decay_fn=lambda p: 1 - p / 2, **kwargs)
    assert seen(scheduler, [2, 4, 12, 10**6]) == pytest.approx([0.1 / 1.5, 0.03, 0.0175, 0.01])


@pytest.mark.parametrize(("prefix", "expected"), [(True, [0.1, 0.05, 0.0]), (False, [0.05, 0.0, 0.0])])
def test_warmup_prefix_or_not(prefix: bool, expected: list[float]) -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 4, warmup_t=2, warmup_lr_init=0.02, warmup_prefix=prefix)
    assert rates(scheduler) == [0.02]
    assert seen(scheduler, [0, 1, 2, 4, 6]) == pytest.approx([0.02, 0.06, *expected])


def test_plateau() -> None:
    scheduler = timm.PlateauLRScheduler(sgd(), 0.5, patience_t=1, warmup_t=2, warmup_lr_init=0.02, mode="min", lr_min=0.03)
    assert rates(scheduler) == [0.02]
    for epoch, metric, expected in [
        (1, 9.0, 0.06), (2, 9.0, 0.1), (3, 5.0, 0.1), (4, 5.0, 0.1), (5, None, 0.1), (6, 5.0, 0.05), (7, 1.0, 0.05),
        (8, 1.0, 0.05), (9, 1.0, 0.03), (2, 1.0, 0.1), (1, 1.0, 0.06), (3, 0.5, 0.1),
    ]:  # fmt: skip
        scheduler.step(epoch, metric)
        assert rates(scheduler) == pytest.approx([expected]), epoch
        assert (scheduler.last_epoch, scheduler.metric) == (epoch, metric)
    assert isinstance(scheduler, ReduceLROnPlateau)


def test_plateau_without_warmup_begins_at_the_base() -> None:
    scheduler = timm.PlateauLRScheduler(sgd(), noise_range_t=0)
    assert seen(scheduler, [0]) == [0.1]


def test_the_floor_of_a_plateau_is_a_rate() -> None:
    optimizer = sgd(group(0.1), group(0.1, lr_scale=0.5), group(0.1, lr_scale=0))
    scheduler = timm.PlateauLRScheduler(optimizer, 0.5, patience_t=0, mode="min", lr_min=0.04)
    for epoch, expected in ((1, [0.1, 0.05, 0.0]), (2, [0.05, 0.04, 0.0]), (3, [0.04, 0.04, 0.0])):
        scheduler.step(epoch, 1.0)
        assert rates(scheduler) == pytest.approx(expected)


def test_an_edit_moves_a_plateau() -> None:
    scheduler = timm.PlateauLRScheduler(sgd(), 0.5, patience_t=0, mode="min")
    scheduler.step(1, 1.0)
    scheduler.optimizer.param_groups[0]["lr"] = 0.08
    scheduler.step(2, 0.5)
    assert rates(scheduler) == [0.08]
    scheduler.step(3, 0.5)
    assert rates(scheduler) == [0.04]


def test_a_step_of_a_plateau_that_fails_counts_nothing() -> None:
    scheduler = timm.PlateauLRScheduler(sgd(), 0.5, patience_t=0, mode="min")
    scheduler.step(1, 1.0)
    before = scheduler.state_dict()
    scheduler.optimizer.param_groups[0]["lr"] = math.nan
    for metric in (1.0, 0.5):  # one that calls for a cut, one that is the best
        with pytest.raises(ValueError, match="PlateauLRScheduler: lr of parameter group 0 must be finite, got nan"):
            scheduler.step(2, metric)
    scheduler.optimizer.param_groups[0]["lr"] = 0.1
    with pytest.raises(TypeError, match="PlateauLRScheduler: metrics must be a number"):
        scheduler.step(2, "bad")
    assert scheduler.state_dict() == before


# -- noise


def drawn(seed: int, t: int, pct: float, std: float | None) -> float:
    generator = torch.Generator().manual_seed(seed + t)
    if std is None:
        return float((torch.rand(1, generator=generator).double() - 0.5) * 2 * pct)
    draws = iter(lambda: std * float(torch.randn(1, generator=generator)), None)
    return next(draw for draw in draws if abs(draw) < pct)


@pytest.mark.parametrize("std", [0.4, None])
def test_noise(std: float | None) -> None:
    scheduler = timm.StepLRScheduler(sgd(), 100, noise_range_t=(2, 30), noise_pct=0.3, noise_std=0.4, noise_seed=5)
    scheduler.noise_type = "normal" if std else "uniform"
    for t in (0, 1, 30, 31):
        assert seen(scheduler, [t]) == [0.1]
    for t in (2, 3, 17, 29, 3):
        assert seen(scheduler, [t]) == pytest.approx([0.1 * (1 + drawn(5, t, 0.3, std))], rel=1e-15)
    scheduler.noise_range_t = 40
    assert seen(scheduler, [20, 39]) == [0.1, 0.1]
    assert seen(scheduler, [40, 10**6]) != [0.1, 0.1]


def test_noise_is_drawn_again_until_it_is_within() -> None:
    noise = timm.TimmNoise(Constant(), size=0.05, std=1.0)
    assert all(0.95 < value < 1.05 for value in noise.at(range(50)))
    assert len(set(noise.at(range(50)))) == 50


def test_no_noise_of_no_width() -> None:
    scheduler = timm.StepLRScheduler(sgd(), 100, noise_range_t=-5, noise_std=0)
    assert scheduler.schedule == Step(100, 1.0)
    scheduler.noise_type = "uniform"
    assert scheduler.schedule == timm.TimmNoise(Step(100, 1.0), std=None)
    scheduler.noise_range_t = (-5, -2)
    assert scheduler.schedule.end == 0
    assert seen(scheduler, [0, 1]) == [0.1, 0.1]


def test_noise_waits_for_the_warmup_of_a_plateau() -> None:
    scheduler = timm.PlateauLRScheduler(sgd(), warmup_t=3, noise_range_t=0)
    assert seen(scheduler, [0, 1, 2, 3]) == pytest.approx([0, 0.1 / 3, 0.2 / 3, 0.1])
    assert seen(scheduler, [4])[0] != pytest.approx(0.1)


@pytest.mark.parametrize("noise", [timm.TimmNoise(Linear(9), 0.3, start=2, end=7), timm.TimmNoise(Linear(9), 0.3, None)])
def test_noise_of_arrays(noise: Schedule) -> None:
    times = [0.0, 1.0, 2.0, 2.5, 6.9, 7.0, 11.0, -3.0]
    expected = [noise(t, 0.5) for t in times]
    assert noise.at(np.array(times), 0.5).tolist() == expected
    assert noise.at(np.array(times).reshape(2, 4), 0.5).tolist() == [expected[:4], expected[4:]]
    assert noise.at(np.arange(12), 0.5).tolist() == noise.at(range(12), 0.5)
    tensor = noise.at(torch.tensor(times, dtype=torch.float64), 0.5)
    assert (tensor.dtype, tensor.tolist()) == (torch.float64, expected)
    single = noise.at(torch.tensor(times), 0.5)
    assert single.dtype == torch.float32
    assert single.tolist() == pytest.approx(expected, rel=1e-6)
    assert noise.at(jnp.array(times), 0.5).tolist() == pytest.approx(expected, rel=1e-6)
    assert float(noise(np.float64(2.5), 0.5)) == expected[3]


def test_noise_holds_for_a_whole_step_and_at_any_time() -> None:
    noise = timm.TimmNoise(Constant(), seed=1)
    assert noise(3) == noise(3.0) == noise(3.9) != noise(4)
    assert math.isfinite(noise(1e300))
    assert math.isfinite(timm.TimmNoise(Constant(), seed=2**64 - 1)(5))


# -- the schedule


@pytest.mark.parametrize("noise", [{}, NOISE])
@pytest.mark.parametrize("name", CASES)
def test_the_schedule_as_json(name: str, noise: dict[str, Any]) -> None:
    scheduler = make(name, warmup_t=2, warmup_lr_init=0.01, **noise)
    again = Schedule.from_json(scheduler.schedule.to_json())
    assert again == scheduler.schedule
    for t in range(20):
        scheduler.step(t)
        assert rates(scheduler) == [again(t, 0.1)] == scheduler.lr_at(t)


def test_the_schedule_is_a_plain_composition() -> None:
    assert timm.CosineLRScheduler(sgd(), 9).schedule == Cosine(9) >> timm.Absolute(0.0)
    poly = timm.PolyLRScheduler(sgd(), 9, cycle_limit=2, k_decay=2.0)
    assert poly.schedule == Polynomial(9, 0.5).k_decay(2.0).repeat(2) >> timm.Absolute(0.0)
    assert timm.StepLRScheduler(sgd(), 9, 0.5).schedule == Step(9, 0.5)
    assert timm.MultiStepLRScheduler(sgd(), [9], 0.5).schedule == MultiStep((9,), 0.5).shift(-1)
    assert timm.MultiStepLRScheduler(sgd(), []).schedule == timm.PlateauLRScheduler(sgd()).schedule == Constant()
    assert timm.WSDLRScheduler(sgd(), 9, 2).schedule == timm.WSD(9, 2, stable=Constant()) >> timm.Absolute(0.0)


IN_ANOTHER_PROCESS = """
import sys
from lucid.schedules import Schedule
assert "lucid.compat.timm" not in sys.modules
try:
    print(Schedule.from_json(sys.stdin.read()).at(range(20), 0.1))
except ValueError as error:
    print(error)
"""


def test_a_curve_with_noise_in_another_process() -> None:
    """It is the same one, or the refusal says what to import; never the catalogue's own noise."""
    schedule = make("CosineLRScheduler", **NOISE).schedule
    text = schedule.to_json()
    done = subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS], input=text, capture_output=True, text=True, check=True)
    if done.stdout.startswith("["):
        assert json.loads(done.stdout) == schedule.at(range(20), 0.1)
    else:
        assert re.match("^unknown schedule 'TimmNoise'; import lucid.compat.timm first", done.stdout)
    imported = "import lucid.compat.timm" + IN_ANOTHER_PROCESS.replace("not in", "in")
    done = subprocess.run([sys.executable, "-c", imported], input=text, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == schedule.at(range(20), 0.1)


@pytest.mark.parametrize("name", CASES)
def test_curves_have_no_end_so_noise_goes_on(name: str) -> None:
    scheduler = make(name, warmup_t=2, noise_range_t=0, noise_pct=0.5)
    assert scheduler.schedule.length == math.inf
    bare = make(name, warmup_t=2).schedule
    for t in (30, 31, 10**6):
        expected = bare(t, 0.1) * (1 + drawn(42, t, 0.5, 1.0))
        assert scheduler.lr_at(t) == pytest.approx([expected], rel=1e-12)


# -- the protocol


def test_the_other_call_changes_nothing() -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 10)
    scheduler.step(5)
    scheduler.step_update(3, metric=0.5)
    assert (rates(scheduler), scheduler.last_epoch, scheduler.metric) == ([0.05], 5, 0.5)
    scheduler = timm.CosineLRScheduler(sgd(), 10, t_in_epochs=False)
    scheduler.step_update(5, 0.25)
    assert scheduler.metric == 0.25
    scheduler.step(3)
    assert (rates(scheduler), scheduler.last_epoch, scheduler.metric) == ([0.05], 5, None)


@pytest.mark.parametrize(
    ("t", "error", "message"),
    [
        (-1, ValueError, "CosineLRScheduler: {} must be >= 0, got -1"),
        (math.nan, ValueError, "CosineLRScheduler: {} must be finite, got nan"),
        (None, TypeError, "CosineLRScheduler: {} must be a number, got None"),
    ],
)
def test_bad_times(t: Any, error: type[Exception], message: str) -> None:
    for field, in_epochs in (("epoch", True), ("num_updates", False)):
        scheduler = timm.CosineLRScheduler(sgd(), 10, t_in_epochs=in_epochs)
        move = scheduler.step if in_epochs else scheduler.step_update
        move(5, 0.5)
        with pytest.raises(error, match=message.format(field)):
            move(t, 0.7)
        assert (rates(scheduler), scheduler.last_epoch, scheduler.metric) == ([0.05], 5, 0.5)


def test_a_step_inside_a_traced_graph_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    left = []
    monkeypatch.setattr(timm, "_is_traced", lambda: True)
    monkeypatch.setattr(torch.compiler, "disable", lambda step: left.append(step.__name__) or step)
    scheduler = timm.CosineLRScheduler(sgd(), 10)
    scheduler.step(5)
    scheduler.step_update(7)
    assert (rates(scheduler), left) == ([0.05], ["_jump"])


def test_a_metric_is_no_epoch() -> None:
    scheduler = timm.PlateauLRScheduler(sgd())
    with pytest.raises(ValueError, match=r"PlateauLRScheduler: epoch must be a whole number >= 0, got 0\.83"):
        scheduler.step(0.83)


def test_assignments_hold_from_the_next_step_on() -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 10)
    scheduler.t_initial = 20
    assert rates(scheduler) == [0.1]
    assert seen(scheduler, [10]) == [0.05]
    with pytest.raises(ValueError, match="CosineLRScheduler: t_initial must be > 0, got 0"):
        scheduler.t_initial = 0
    assert scheduler.t_initial == 20


# -- groups


def test_the_base_is_initial_lr_and_else_lr() -> None:
    scheduler = timm.CosineLRScheduler(sgd(group(1e-4, initial_lr=0.2), group(0.1)), 10)
    assert rates(scheduler) == scheduler.base_values == scheduler.base_lrs == [0.2, 0.1]
    assert [g["initial_lr"] for g in scheduler.optimizer.param_groups] == [0.2, 0.1]
    assert scheduler._step_count == 1
    again = timm.CosineLRScheduler(scheduler.optimizer, 10, warmup_t=2)
    assert rates(again) == [0.0, 0.0]
    assert rates(timm.CosineLRScheduler(scheduler.optimizer, 10)) == [0.2, 0.1]


def test_lr_scale() -> None:
    optimizer = sgd(group(0.1), group(0.1, lr_scale=0.5), group(0.1, lr_scale=torch.tensor(0.25)))
    scheduler = timm.CosineLRScheduler(optimizer, 4, lr_min=0.02, warmup_t=2, warmup_lr_init=0.04, warmup_prefix=True)
    assert rates(scheduler) == pytest.approx([0.04, 0.02, 0.01])
    scheduler.step(4)
    assert rates(scheduler) == pytest.approx([0.06, 0.03, 0.015])
    assert scheduler.lr_at(6) == pytest.approx([0.02, 0.01, 0.005])
    optimizer.param_groups[0]["lr_scale"] = 2
    scheduler.step(4)
    assert rates(scheduler) == pytest.approx([0.12, 0.03, 0.015])
    del optimizer.param_groups[0]["lr_scale"]
    scheduler.step(4)
    assert rates(scheduler) == pytest.approx([0.06, 0.03, 0.015])
    assert scheduler.base_values == [0.1, 0.1, 0.1]


def test_one_lr_scale_for_all_is_one_schedule() -> None:
    scheduler = timm.StepLRScheduler(sgd(group(lr_scale=0.5), group(0.2, lr_scale=0.5)), 9, 0.5)
    assert scheduler.schedule == 0.5 * Step(9, 0.5)
    assert rates(scheduler) == [0.05, 0.1]
    assert repr(scheduler) == "StepLRScheduler(lr=0.5 * Step(every=9, gamma=0.5), last_epoch=0)"
    assert timm.StepLRScheduler(sgd(group(lr_scale=1), group(lr_scale=0.5)), 9, 0.5).schedules[0] == Step(9, 0.5)


def test_a_plateau_follows_lr_scale() -> None:
    scheduler = timm.PlateauLRScheduler(sgd(), 0.5, patience_t=0, mode="min")
    scheduler.step(1, 1.0)
    scheduler.optimizer.param_groups[0]["lr_scale"] = 0.5
    scheduler.step(2, 1.0)
    assert rates(scheduler) == [0.025]


@pytest.mark.parametrize(("scale", "message"), [(-1, "must be >= 0, got -1"), ("1", "must be a number, got '1'")])
def test_bad_lr_scale(scale: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"StepLRScheduler: lr_scale of parameter group 1 {message}"):
        timm.StepLRScheduler(sgd(group(), group(lr_scale=scale)), 9)
    scheduler = timm.StepLRScheduler(sgd(), 9, 0.5)
    scheduler.optimizer.param_groups[0]["lr_scale"] = scale
    with pytest.raises((TypeError, ValueError), match=f"StepLRScheduler: lr_scale of parameter group 0 {message}"):
        scheduler.step(9)
    assert (rates(scheduler), scheduler.last_epoch) == ([0.1], 0)


def test_late_groups_are_followed() -> None:
    scheduler = timm.CosineLRScheduler(sgd(group(lr_scale=0.5)), 10)
    scheduler.step(5)
    scheduler.optimizer.add_param_group(group(0.1, initial_lr=0.2))
    scheduler.optimizer.add_param_group(group(0.03, lr_scale=0.25))  # at 5 now, so from 0.24 * 0.25
    scheduler.step(5)
    assert rates(scheduler) == pytest.approx([0.025, 0.1, 0.03])
    scheduler.step(0)
    assert rates(scheduler) == pytest.approx([0.05, 0.2, 0.06])


def test_tensor_rates_are_filled_in_place() -> None:
    rate = torch.tensor(0.1, dtype=torch.float64)
    scheduler = timm.CosineLRScheduler(sgd(group(rate)), 10)  # type: ignore[arg-type]
    scheduler.step(5)
    assert scheduler.optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == 0.05


def test_in_composites() -> None:
    optimizer = sgd()
    both = SequentialLR(optimizer, [LinearLR(optimizer, 0.5, total_iters=2), timm.CosineLRScheduler(optimizer, 4)], [2])
    found = rates(both)
    for _ in range(5):
        optimizer.step()
        both.step()
        found += rates(both)
    assert found == pytest.approx([0.05, 0.075, *timm.CosineLRScheduler(sgd(), 4).schedule.at(range(4), 0.1)])
    optimizer = sgd()
    both = ChainedScheduler([timm.StepLRScheduler(optimizer, 2, 0.5), ExponentialLR(optimizer, 0.9)])
    for _ in range(2):
        optimizer.step()
        both.step()
    assert rates(both) == pytest.approx([0.1 * 0.5 * 0.81])


def test_a_plateau_in_a_composite_does_not_count_in_its_warmup_either() -> None:
    alone = timm.PlateauLRScheduler(sgd(), 0.5, patience_t=1, warmup_t=3, mode="min")
    optimizer = sgd()
    first = LinearLR(optimizer, 0.5, total_iters=2)
    both = SequentialLR(optimizer, [first, timm.PlateauLRScheduler(optimizer, 0.5, 1, warmup_t=3, mode="min")], [2])
    for t in range(1, 14):
        optimizer.step()
        both.step(1.0)
        if t > 2:
            alone.step(t - 2, 1.0)
            assert rates(both) == pytest.approx(rates(alone)), t
    assert rates(both) == pytest.approx([0.1 * 0.5**3])


class OfTheirOwn(ExponentialLR):
    def get_lr(self) -> list[float]:
        return [base * 0.9**self.last_epoch for base in self.base_lrs]


@pytest.mark.parametrize("name", ["CosineLRScheduler", "PlateauLRScheduler"])
def test_not_in_a_composite_that_steps_its_children_in_turn(name: str) -> None:
    optimizer = sgd()
    both = ChainedScheduler([OfTheirOwn(optimizer, 0.9), getattr(timm, name)(optimizer, **CASES[name])])
    optimizer.step()
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'epoch'|needs its metric"):
        both.step()
    assert both.last_epoch == 0


# -- states


@pytest.mark.parametrize("name", CASES)
def test_state(name: str) -> None:
    changes = {"warmup_t": 2, **NOISE}
    scheduler = make(name, group(), group(0.3, lr_scale=0.5), **changes)
    for t in range(6):
        scheduler.step(t, 0.5)
    state = json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))
    fresh = make(name, group(), group(0.3, lr_scale=0.5), **changes)
    fresh.load_state_dict(state)
    copies = [fresh, copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))]
    assert fresh.metric == 0.5
    assert fresh.state_dict() == scheduler.state_dict()
    for one in (scheduler, *copies):
        assert rates(one) == one.get_last_lr() == rates(scheduler)
    for t in range(6, 12):
        for one in (scheduler, *copies):
            one.step(t, 0.5)
            assert rates(one) == rates(scheduler)


def test_a_state_brings_its_hyperparameters_or_not() -> None:
    state = timm.CosineLRScheduler(sgd(), 20).state_dict() | {"last_epoch": 10}
    scheduler = timm.CosineLRScheduler(sgd(), 40)
    scheduler.load_state_dict(state, keep_hyperparameters=True)
    assert scheduler.t_initial == 40
    with pytest.warns(UserWarning, match="CosineLRScheduler: the state's t_initial 20 replaces this scheduler's 40"):
        scheduler.load_state_dict(state)
    assert seen(scheduler, [10]) == [0.05]


THEIRS = {"param_group_field": "lr", "base_values": [0.2], "metric": None, "t_initial": 20, "noise_range_t": (2, 5)}


def test_a_state_of_timms() -> None:
    """Hyper-parameters and bases, and no position: the rate stays until the next step. What an old version lacked is kept."""
    scheduler = timm.CosineLRScheduler(sgd(), 40, lr_min=0.1)
    scheduler.optimizer.param_groups[0]["lr"] = 0.123
    with pytest.warns(UserWarning, match="the state's") as warned:
        scheduler.load_state_dict(THEIRS)
    assert [str(one.message).partition(" replaces")[0].removeprefix("CosineLRScheduler: ") for one in warned] == [
        "the state's noise_range_t (2, 5)",
        "the state's t_initial 20",
        "the state's base_values [0.2]",
    ]
    assert rates(scheduler) == [0.123]
    assert (scheduler.t_initial, scheduler.lr_min, scheduler.base_values) == (20, 0.1, [0.2])
    assert seen(scheduler, [10]) == pytest.approx([0.15])


def test_a_state_of_timms_that_keeps_yours() -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 40)
    scheduler.load_state_dict(THEIRS, keep_hyperparameters=True)
    assert (scheduler.t_initial, scheduler.base_values) == (40, [0.1])
    assert seen(scheduler, [20]) == [0.05]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_values": [0.1, 0.2]}, "CosineLRScheduler: the state has 2 parameter groups, the optimizer 1"),
        ({"base_values": [-0.1]}, r"CosineLRScheduler: base_values must be >= 0, got -0\.1"),
        ({"base_values": 0.1}, r"CosineLRScheduler: base_values must be a list, got 0\.1"),
        ({"t_initial": 0}, "CosineLRScheduler: t_initial must be > 0, got 0"),
        ({"t_in_epochs": None}, "CosineLRScheduler: t_in_epochs must be True or False, got None"),
        ({"_class": "StepLRScheduler"}, "CosineLRScheduler: the state is one of 'StepLRScheduler'"),
    ],
)
def test_bad_states(changes: dict[str, Any], message: str) -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 40)
    scheduler.step(20)
    before = scheduler.state_dict()
    state = {**(scheduler.state_dict() if "_class" in changes else {"base_values": [0.1]}), **changes}
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(state)
    with pytest.raises(ValueError, match="CosineLRScheduler: the state lacks 'base_values'"):
        scheduler.load_state_dict({"T_max": 3})
    assert scheduler.state_dict() == before


def test_states_of_timms_plateau() -> None:
    scheduler = timm.PlateauLRScheduler(sgd())
    scheduler.load_state_dict({"best": 0.75, "last_epoch": 3})
    assert scheduler.best == 0.75
    scheduler.load_state_dict({"best": -math.inf})
    assert scheduler.best == -math.inf
    for state, message in (({}, "lacks 'best'"), ({"best": "x"}, "best must be a number"), ({"best": math.nan}, "finite")):
        with pytest.raises(ValueError, match=f"PlateauLRScheduler: .*{message}"):
            scheduler.load_state_dict(state)


# -- refusals

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("CosineLRScheduler", {"t_initial": 0}, "t_initial must be > 0, got 0"),
    ("CosineLRScheduler", {"t_initial": "9"}, "t_initial must be a number, got '9'"),
    ("CosineLRScheduler", {"lr_min": -1}, "lr_min must be >= 0, got -1"),
    ("CosineLRScheduler", {"cycle_mul": 0}, "cycle_mul must be > 0, got 0"),
    ("CosineLRScheduler", {"cycle_decay": -1}, "cycle_decay must be >= 0, got -1"),
    ("CosineLRScheduler", {"cycle_limit": 1.5}, r"cycle_limit must be a whole number >= 0, got 1\.5"),
    ("CosineLRScheduler", {"k_decay": 0}, "k_decay must be > 0, got 0"),
    ("CosineLRScheduler", {"warmup_t": -1}, "warmup_t must be >= 0, got -1"),
    ("CosineLRScheduler", {"warmup_lr_init": -1}, "warmup_lr_init must be >= 0, got -1"),
    ("CosineLRScheduler", {"warmup_prefix": 1}, "warmup_prefix must be True or False, got 1"),
    ("CosineLRScheduler", {"t_in_epochs": None}, "t_in_epochs must be True or False, got None"),
    ("CosineLRScheduler", {"noise_range_t": (1, 2, 3)}, r"noise_range_t must be a number or a pair of them, got \(1, 2, 3\)"),
    ("CosineLRScheduler", {"noise_range_t": (1, None)}, r"noise_range_t\[1\] must be a number, got None"),
    ("CosineLRScheduler", {"noise_range_t": "1"}, "noise_range_t must be a number, got '1'"),
    ("CosineLRScheduler", {"noise_pct": 0}, "noise_pct must be > 0, got 0"),
    ("CosineLRScheduler", {"noise_std": -1}, "noise_std must be >= 0, got -1"),
    ("CosineLRScheduler", {"noise_seed": 0.5}, r"noise_seed must be a whole number >= 0, got 0\.5"),
    ("PolyLRScheduler", {"power": -1}, "power must be >= 0, got -1"),
    ("TanhLRScheduler", {"lb": 3}, r"lb must be < ub, 3\.0, got 3"),
    ("TanhLRScheduler", {"ub": math.inf}, "ub must be finite, got inf"),
    ("StepLRScheduler", {"decay_t": 0}, "decay_t must be > 0, got 0"),
    ("StepLRScheduler", {"decay_rate": 0}, "decay_rate must be > 0, got 0"),
    ("MultiStepLRScheduler", {"decay_t": 5}, "decay_t must be a list of milestones, got 5"),
    ("MultiStepLRScheduler", {"decay_t": [5, 3]}, r"decay_t must be ascending, got \[5, 3\]; sort them"),
    ("MultiStepLRScheduler", {"decay_t": [3, -5]}, r"decay_t\[1\] must be >= 0, got -5"),
    ("WSDLRScheduler", {"decay_t": 9}, "decay_t must be <= t_initial, 8, got 9"),
    (
        "WSDLRScheduler",
        {"decay_fn": "sqrt"},
        "decay_fn must be one of 'linear', '1-sqrt', 'cosine', 'power', 'exp', or callable",
    ),
    ("WSDLRScheduler", {"stable_fn": "x"}, "stable_fn must be one of 'constant', 'rsqrt', 'power', got 'x'"),
    ("WSDLRScheduler", {}, "stable_timescale must be > 0 for stable_fn='rsqrt', got 0; give it where there is no warm-up"),
    ("WSDLRScheduler", {"stable_timescale": -1}, "stable_timescale must be >= 0, got -1"),
    ("WSDLRScheduler", {"decay_ratio": 1}, r"decay_ratio must be in \(0, 1\), got 1"),
    ("WSDLRScheduler", {"decay_power": 0}, "decay_power must be > 0, got 0"),
    ("WSDLRScheduler", {"stable_power": 0}, "stable_power must be > 0, got 0"),
    ("PlateauLRScheduler", {"decay_rate": 1}, r"decay_rate must be in \(0, 1\), got 1"),
    ("PlateauLRScheduler", {"patience_t": -1}, "patience_t must be a whole number >= 0, got -1"),
    ("PlateauLRScheduler", {"cooldown_t": -1}, "cooldown_t must be a whole number >= 0, got -1"),
    ("PlateauLRScheduler", {"lr_min": -1}, "lr_min must be >= 0, got -1"),
    ("PlateauLRScheduler", {"threshold": -1}, "threshold must be >= 0, got -1"),
    ("PlateauLRScheduler", {"mode": "top"}, r"mode must be one of \('min', 'max'\), got 'top'"),
    ("PlateauLRScheduler", {"noise_type": "pink"}, "noise_type must be one of 'normal', 'uniform', got 'pink'"),
]


@pytest.mark.parametrize(("name", "changes", "message"), BAD)
def test_refusals(name: str, changes: dict[str, Any], message: str) -> None:
    optimizer = sgd()
    with pytest.raises((TypeError, ValueError), match=f"^{name}: {message}"):
        getattr(timm, name)(optimizer, **{**CASES[name], **changes})
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert "initial_lr" not in optimizer.param_groups[0]


def test_noise_that_would_never_be_drawn_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"TimmNoise: std must be at most 1000 times size, 0\.001, got 1\.5: noise is drawn until"
    ):
        timm.StepLRScheduler(sgd(), 9, noise_range_t=0, noise_pct=0.001, noise_std=1.5)
    with pytest.raises(ValueError, match="TimmNoise: size must be > 0, got 0"):
        timm.TimmNoise(Constant(), size=0)


@pytest.mark.parametrize("name", CASES)
def test_optimizers(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}: optimizer must have param_groups"):
        getattr(timm, name)(None, **{**CASES[name], "warmup_t": 2})
    optimizer = sgd()
    with pytest.raises(KeyError, match=rf"{name}: initial_lr missing from param_groups\[0\]; initialize=True takes"):
        getattr(timm, name)(optimizer, **{**CASES[name], "warmup_t": 2}, initialize=False)
    optimizer.param_groups[0]["initial_lr"] = 0.3
    assert getattr(timm, name)(optimizer, **{**CASES[name], "warmup_t": 2}, initialize=False).base_values == [0.3]


def test_the_base_class_needs_a_curve() -> None:
    with pytest.raises(NotImplementedError, match=r"Scheduler: define _curve\(hyper\), the schedule"):
        timm.Scheduler(sgd(), lr=Cosine(9))
    with pytest.raises(NotImplementedError, match=r"_Cycles: define _shape\(hyper\), the schedule of a cycle"):
        timm._Cycles._shape(timm._Cycles.__new__(timm._Cycles), {})


def test_cycles_are_counted_in_whole_numbers() -> None:
    scheduler = timm.CosineLRScheduler(sgd(), 10)
    for cycles, error in ((-1, ValueError), (0.5, ValueError), ("1", TypeError)):
        with pytest.raises(error, match="CosineLRScheduler: cycles must be a"):
            scheduler.get_cycle_length(cycles)  # type: ignore[arg-type]


# -- the factory


def test_the_factory_counts_epochs_or_updates() -> None:
    scheduler, num_epochs = timm.create_scheduler_v2(
        sgd(), "cosine", 10, warmup_epochs=2, warmup_lr=0.02, warmup_prefix=True, cooldown_epochs=3
    )
    assert num_epochs == 15
    assert scheduler.lr_at(0) + scheduler.lr_at(2) + scheduler.lr_at(7) + scheduler.lr_at(12) == pytest.approx(
        [0.02, 0.1, 0.05, 0.0]
    )
    scheduler, num_epochs = timm.create_scheduler_v2(
        sgd(), "cosine", 10, warmup_epochs=2, cooldown_epochs=3, step_on_epochs=False, updates_per_epoch=7
    )
    assert num_epochs == 13
    assert (scheduler.t_initial, scheduler.warmup_t, scheduler.t_in_epochs) == (70, 14, False)


@pytest.mark.parametrize(
    ("sched", "expected"),
    [("constant", "StepLRScheduler"), ("rsqrt", "WSDLRScheduler"), ("plateau", "PlateauLRScheduler"), ("none", "NoneType")],
)
def test_the_factory_knows_names(sched: str, expected: str) -> None:
    scheduler, num_epochs = timm.create_scheduler_v2(sgd(), sched, 100, warmup_epochs=5)
    assert (type(scheduler).__name__, num_epochs) == (expected, 100)
    assert timm.create_scheduler_v2(sgd(), sched, 100, warmup_epochs=5, warmup_prefix=True)[1] == 105


@pytest.mark.parametrize(
    ("sched", "kwargs", "message"),
    [
        ("cosin", {}, "sched must be one of cosine, tanh, .*, got 'cosin'; did you mean 'cosine'?"),
        ("cosine", {"step_on_epochs": False}, "updates_per_epoch must be > 0 for step_on_epochs=False, got 0"),
        ("cosine", {"step_on_epochs": False, "updates_per_epoch": -1}, "updates_per_epoch must be >= 0, got -1"),
        (
            "plateau",
            {"step_on_epochs": False, "updates_per_epoch": 9},
            "sched='plateau' counts epochs, and step_on_epochs=False",
        ),
        ("wsd", {"decay_epochs": 0}, "decay_epochs must be > 0 and <= num_epochs - warmup_epochs, 300, got 0"),
        ("wsd", {"decay_epochs": 301, "warmup_prefix": True}, "decay_epochs must be > 0 and <= num_epochs, 300, got 301"),
        ("wsd", {"decay_epochs": 296, "warmup_epochs": 5}, "decay_epochs must be .* num_epochs - warmup_epochs, 295, got 296"),
        ("cosine", {"noise": "x"}, "noise must be a number, got 'x'"),
        ("cosine", {"noise": [0.5, None]}, r"noise\[1\] must be a number, got None"),
    ],
)
def test_the_factory_refuses(sched: str, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^create_scheduler_v2: {message}"):
        timm.create_scheduler_v2(sgd(), sched, **kwargs)


def test_the_scripts_arguments() -> None:
    config = Namespace(sched="wsd", epochs=50, decay_epochs=0.4, warmup_epochs=10, lr_decay_fn="linear")
    scheduler, num_epochs = timm.create_scheduler(config, sgd())
    assert num_epochs == 50
    assert scheduler.lr_at(0) + scheduler.lr_at(34) + scheduler.lr_at(42) == pytest.approx([1e-5, 0.1, 0.05])
    assert timm.scheduler_kwargs(config, decreasing_metric=True)["plateau_mode"] == "min"
    with pytest.raises(AttributeError, match="sched"):
        timm.scheduler_kwargs(Namespace())
