"""DeepSpeed's schedulers and its configuration, without DeepSpeed: values worked out by hand, refusals, states."""

import copy
import json
import pickle
from math import cos, inf, log, nan, pi
from typing import Any

import pytest
import torch
from cases import adam, rates, sgd

from lucid.compat import deepspeed
from lucid.compat.deepspeed import LRRangeTest, OneCycle, WarmupCosineLR, WarmupDecayLR, WarmupLR, from_config
from lucid.optim.lr_scheduler import ChainedScheduler, CosineAnnealingLR, ExponentialLR, LRScheduler, SequentialLR
from lucid.schedules import Schedule

UP = {"cycle_min_lr": 0.1, "cycle_max_lr": 0.5, "cycle_first_step_size": 4}
# name, parameters, rates before the first step() and after each
WORKED: list[tuple[str, dict[str, Any], list[float]]] = [
    ("LRRangeTest", {"lr_range_test_min_lr": 0.2, "lr_range_test_step_size": 4}, [0.2, 0.25, 0.3, 0.35, 0.4, 0.45]),
    (
        "LRRangeTest",
        {
            "lr_range_test_min_lr": 0.2,
            "lr_range_test_step_size": 2,
            "lr_range_test_step_rate": 0.5,
            "lr_range_test_staircase": True,
        },
        [0.2, 0.2, 0.3, 0.3, 0.4],
    ),
    ("LRRangeTest", {"lr_range_test_min_lr": 0.2, "lr_range_test_step_rate": 0.0}, [0.2] * 4),
    ("WarmupLR", {"warmup_num_steps": 4, "warmup_type": "linear"}, [0.0, 0.0, 0.025, 0.05, 0.075, 0.1, 0.1]),
    (
        "WarmupLR",
        {"warmup_min_lr": 0.1, "warmup_max_lr": 0.5, "warmup_num_steps": 4},
        [0.1, 0.1, 0.1 + 0.4 * log(2) / log(4), 0.1 + 0.4 * log(3) / log(4), 0.5, 0.5, 0.5],
    ),
    ("WarmupLR", {"warmup_max_lr": 0.4, "warmup_num_steps": 1, "warmup_type": "linear"}, [0.0, 0.0, 0.2, 0.4, 0.4]),
    ("WarmupLR", {"warmup_max_lr": 0.0, "warmup_num_steps": 3}, [0.0] * 6),
    (
        "WarmupDecayLR",
        {"total_num_steps": 6, "warmup_min_lr": 0.1, "warmup_max_lr": 0.5, "warmup_num_steps": 2, "warmup_type": "linear"},
        [0.1, 0.1, 0.3, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1],
    ),
    ("WarmupDecayLR", {"total_num_steps": 2, "warmup_num_steps": 2, "warmup_max_lr": 0.5}, [0.0, 0.0, 0.5, 0.0, 0.0]),
    (
        "WarmupCosineLR",
        {"total_num_steps": 6, "warmup_num_steps": 2, "warmup_type": "linear", "warmup_min_ratio": 0.5, "cos_min_ratio": 0.2},
        [0.0, 0.05, 0.075, *(0.1 * (0.2 + 0.4 * (1 + cos(pi * p))) for p in (0.25, 0.5, 0.75, 1.0, 1.0))],
    ),
    ("WarmupCosineLR", {"total_num_steps": 3, "warmup_num_steps": 3, "cos_min_ratio": 0.5}, [0, 0, 0.0630929753571, 0.1, 0.05]),
    ("OneCycle", UP, [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1]),
    ("OneCycle", {**UP, "cycle_second_step_size": 2}, [0.1, 0.2, 0.3, 0.4, 0.5, 0.3, 0.1, 0.1]),
    ("OneCycle", {**UP, "cycle_second_step_size": 0}, [0.1, 0.2, 0.3, 0.4, 0.1, 0.1]),
    ("OneCycle", {**UP, "cycle_first_stair_count": 2}, [0.1, 0.1, 0.3, 0.3, 0.5, 0.3, 0.3, 0.1, 0.1]),
    ("OneCycle", {**UP, "cycle_first_stair_count": 1, "cycle_second_stair_count": 0}, [0.1] * 4 + [0.5, 0.4, 0.3, 0.2, 0.1]),
    (
        "OneCycle",
        {**UP, "cycle_second_step_size": 5, "cycle_first_stair_count": 3},  # in thirds; down 1, 2/3, 1/3, 1/3, 0
        [0.1, 0.1, 0.1 + 0.4 / 3, 0.1 + 0.8 / 3, 0.5, 0.1 + 0.8 / 3, 0.1 + 0.4 / 3, 0.1 + 0.4 / 3, 0.1, 0.1],
    ),
    (
        "OneCycle",
        {**UP, "cycle_first_stair_count": -1, "cycle_second_stair_count": 9},
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.1 + 0.4 * 6 / 9],
    ),
    (
        "OneCycle",
        {**UP, "cycle_first_step_size": 1, "decay_step_size": 1, "decay_lr_rate": 0.5},
        [0.1, 0.5, 0.1, 0.1 / 1.5, 0.05, 0.04],
    ),
    ("OneCycle", {**UP, "cycle_first_step_size": 1, "decay_lr_rate": 1.0}, [0.1, 0.5, 0.1, 0.1]),
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(WORKED)]


def made(name: str, optimizer: Any, params: dict[str, Any]) -> Any:
    return getattr(deepspeed, name)(optimizer, **params)


@pytest.mark.parametrize(("name", "params", "values"), WORKED, ids=IDS)
def test_worked_values(name: str, params: dict[str, Any], values: list[float]) -> None:
    optimizer = adam(0.1)
    scheduler = made(name, optimizer, params)
    assert scheduler.last_batch_iteration == -1
    for i, value in enumerate(values):
        assert rates(optimizer) == [pytest.approx(value, rel=1e-9)], i
        assert scheduler.lr_at(i) == [pytest.approx(value, rel=1e-9)]
        assert scheduler.last_batch_iteration == i - 1
        optimizer.step()
        scheduler.step()


def test_the_first_beta_mirrors_the_rate_and_the_second_is_set() -> None:
    optimizer = adam(0.1)
    scheduler = OneCycle(optimizer, 0.1, 0.5, cycle_first_step_size=2, decay_step_size=2, decay_mom_rate=0.1, cycle_max_mom=1.0)
    seen = []
    for _ in range(8):
        seen.append(optimizer.param_groups[0]["betas"])
        optimizer.step()
        scheduler.step()
    assert [first for first, _ in seen] == pytest.approx([0.8, 0.9, 0.8, 0.9, 1.0, 1.05, 1.1, 1.15], rel=1e-12)
    assert {second for _, second in seen} == {0.99}
    still = adam(0.1)
    OneCycle(still, 0.1, 0.5, cycle_momentum=False)
    assert still.param_groups[0]["betas"] == (0.9, 0.999)


def test_without_betas_there_is_a_warning_and_momentum_stays() -> None:
    optimizer = sgd(0.1, momentum=0.85)
    with pytest.warns(UserWarning, match="OneCycle: SGD has no betas, so momentum is left alone; say cycle_momentum=False"):
        scheduler = OneCycle(optimizer, 0.1, 0.5, cycle_first_step_size=2)
    optimizer.step()
    scheduler.step()
    assert (rates(optimizer), rates(optimizer, "momentum")) == ([pytest.approx(0.3)], [0.85])


def test_one_value_per_group() -> None:
    optimizer = adam(0.1, 0.3)
    WarmupLR(optimizer, warmup_min_lr=[0.0, 0.1], warmup_num_steps=4, warmup_type="linear").step(2)
    assert rates(optimizer) == pytest.approx([0.05, 0.2])  # up to the rates that the groups had
    OneCycle(optimizer, [0.1, 0.2], 1.0, cycle_first_step_size=2, cycle_min_mom=[0.7, 0.8], cycle_max_mom=0.9).step(0)
    assert rates(optimizer) == pytest.approx([0.55, 0.6])
    assert [group["betas"] for group in optimizer.param_groups] == [(pytest.approx(0.8), 0.99), (pytest.approx(0.85), 0.99)]
    LRRangeTest(optimizer, [0.1, 0.2], 2).step(1)
    assert rates(optimizer) == pytest.approx([0.2, 0.4])
    WarmupDecayLR(optimizer, 4, [0.1, 0.0], [0.5, 0.2], 2).step(3)
    assert rates(optimizer) == pytest.approx([0.3, 0.1])


def test_the_cosine_goes_by_the_groups_rates() -> None:
    optimizer = adam(0.1, 0.3)
    WarmupCosineLR(optimizer, 6, warmup_num_steps=2, cos_min_ratio=0.0).step(3)
    assert rates(optimizer) == pytest.approx([0.05, 0.15])


def test_tensor_rates_are_filled_in_place() -> None:
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.Adam([parameter], lr=torch.tensor(0.5), foreach=False)
    held = optimizer.param_groups[0]["lr"]
    scheduler = WarmupLR(optimizer, warmup_num_steps=4, warmup_type="linear")
    optimizer.step()
    scheduler.step(2)
    assert optimizer.param_groups[0]["lr"] is held
    assert float(held) == 0.25


# -- the configuration


@pytest.mark.parametrize(("name", "params", "values"), WORKED, ids=IDS)
def test_from_a_configuration(name: str, params: dict[str, Any], values: list[float]) -> None:
    section = {"type": name, "params": params}
    for config in (section, {"train_batch_size": 8, "optimizer": {"type": "Adam"}, "scheduler": section}):
        config = json.loads(json.dumps(config))
        plan = from_config(config)
        assert plan["lr"].at(range(len(values)), 0.1) == pytest.approx(values, rel=1e-9)
        assert set(plan) == ({"lr", "momentum"} if name == "OneCycle" else {"lr"})
        for schedule in plan.values():
            assert Schedule.from_json(schedule.to_json()) == schedule
        scheduler = from_config(config, adam(0.1))
        assert type(scheduler) is getattr(deepspeed, name)
        assert [scheduler.lr_at(i)[0] for i in range(len(values))] == pytest.approx(values, rel=1e-9)
        assert type(LRScheduler(adam(0.1), **plan)) is LRScheduler


def test_params_may_be_left_out() -> None:
    assert from_config({"type": "WarmupLR"})["lr"](1001, 0.5) == 0.5
    assert from_config({"type": "LRRangeTest", "params": {}}, adam(0.1)).get_last_lr() == [0.001]


def test_a_position_in_the_configuration() -> None:
    config = {"type": "LRRangeTest", "params": {"lr_range_test_step_size": 1, "last_batch_iteration": 3}}
    assert from_config(config, adam(0.1)).get_last_lr() == [0.005]
    assert from_config(config)["lr"].at([0, 4]) == [0.001, 0.005]


def test_schedulers_of_pytorch_by_name() -> None:
    scheduler = from_config({"scheduler": {"type": "CosineAnnealingLR", "params": {"T_max": 4}}}, sgd(0.1))
    assert type(scheduler) is CosineAnnealingLR
    assert scheduler.lr_at(2) == [pytest.approx(0.05)]


REFUSED: list[tuple[Any, type[Exception], str]] = [
    ("ds_config.json", TypeError, "from_config: config must be a mapping, got 'ds_config.json'; read a file first: json.load"),
    (
        {"train_batch_size": 8},
        ValueError,
        "from_config: config has no 'scheduler' section, so DeepSpeed leaves the rates alone",
    ),
    ({"scheduler": {"params": {}}}, ValueError, "from_config: the scheduler section must have a 'type', got {'params': {}}"),
    ({"scheduler": "WarmupLR"}, ValueError, "from_config: the scheduler section must have a 'type', got 'WarmupLR'"),
    ({"type": "WarmupLr"}, ValueError, "from_config: unknown scheduler type 'WarmupLr'; did you mean 'WarmupLR'?"),
    ({"type": "_LRScheduler"}, ValueError, "from_config: unknown scheduler type '_LRScheduler'"),
    ({"type": "EPOCH_DEPRECATION_WARNING"}, ValueError, "from_config: unknown scheduler type 'EPOCH_DEPRECATION_WARNING'"),
    ({"type": "WarmupLR", "params": [1]}, ValueError, "from_config: params must be a mapping, got [1]"),
    ({"type": "WarmupLR", "params": {1: 2}}, ValueError, "from_config: params must be a mapping, got {1: 2}"),
    (
        {"type": "WarmupLR", "params": {"warmup_steps": 9}},
        ValueError,
        "WarmupLR: unknown parameter 'warmup_steps'; did you mean 'warmup_num_steps'?",
    ),
    ({"type": "WarmupLR", "params": {"optimizer": 9}}, ValueError, "WarmupLR: unknown parameter 'optimizer'"),
    ({"type": "WarmupDecayLR"}, ValueError, "WarmupDecayLR: parameter 'total_num_steps' is missing"),
    (
        {"type": "WarmupDecayLR", "params": {"total_num_steps": "auto"}},
        ValueError,
        "WarmupDecayLR: total_num_steps is 'auto', which only an integration knows how to fill in (transformers, Accelerate); "
        "give the number: config['scheduler']['params']['total_num_steps'] = ...",
    ),
    ({"type": "WarmupLR", "params": {"warmup_max_lr": "auto"}}, ValueError, "WarmupLR: warmup_max_lr is 'auto'"),
    ({"type": "WarmupLR", "params": {"warmup_type": "auto"}}, ValueError, "WarmupLR: warmup_type is 'auto'"),
    ({"type": "OneCycle", "params": {**UP, "cycle_momentum": "auto"}}, ValueError, "OneCycle: cycle_momentum is 'auto'"),
    (
        {"type": "WarmupLR", "params": {"warmup_min_lr": 0.1}},
        ValueError,
        "WarmupLR: warmup_max_lr is not given, so the optimizer's rates are needed; pass optimizer=",
    ),
    (
        {"type": "CosineAnnealingLR", "params": {"T_max": 9}},
        ValueError,
        "CosineAnnealingLR is PyTorch's, which needs the optimizer",
    ),
    (
        {"type": "LRRangeTest", "params": {"last_batch_iteration": "3"}},
        TypeError,
        "last_batch_iteration must be a number, got '3'",
    ),
]


@pytest.mark.parametrize(("config", "error", "message"), REFUSED, ids=[row[-1] for row in REFUSED])
def test_refused_configurations(config: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as refused:
        from_config(config)
    assert message in str(refused.value)


def test_refused_configurations_of_pytorchs() -> None:
    with pytest.raises(ValueError, match="StepLR: step_size is 'auto'; give the number"):
        from_config({"type": "StepLR", "params": {"step_size": "auto"}}, sgd(0.1))
    with pytest.raises(ValueError, match="StepLR: missing a required argument: 'step_size'"):
        from_config({"type": "StepLR"}, sgd(0.1))
    with pytest.raises(ValueError, match="StepLR: got an unexpected keyword argument 'size'"):
        from_config({"type": "StepLR", "params": {"step_size": 1, "size": 2}}, sgd(0.1))


BAD: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("LRRangeTest", {"lr_range_test_min_lr": -1}, ValueError, "LRRangeTest: lr_range_test_min_lr must be >= 0, got -1"),
    ("LRRangeTest", {"lr_range_test_min_lr": [1, -1]}, ValueError, "LRRangeTest: lr_range_test_min_lr[1] must be >= 0, got -1"),
    ("LRRangeTest", {"lr_range_test_min_lr": [1]}, ValueError, "must have one value per parameter group: 2 groups, 1 given"),
    ("LRRangeTest", {"lr_range_test_step_size": 0}, ValueError, "lr_range_test_step_size must be a whole number >= 1, got 0"),
    (
        "LRRangeTest",
        {"lr_range_test_step_size": 1.5},
        ValueError,
        "lr_range_test_step_size must be a whole number >= 1, got 1.5",
    ),
    ("LRRangeTest", {"lr_range_test_step_rate": -1}, ValueError, "LRRangeTest: lr_range_test_step_rate must be >= 0, got -1"),
    ("LRRangeTest", {"lr_range_test_staircase": 1}, TypeError, "lr_range_test_staircase must be True or False, got 1"),
    ("LRRangeTest", {"last_batch_iteration": -2}, ValueError, "LRRangeTest: last_batch_iteration must be >= -1, got -2"),
    ("LRRangeTest", {"last_batch_iteration": None}, TypeError, "LRRangeTest: last_batch_iteration must be a number, got None"),
    ("WarmupLR", {"warmup_min_lr": nan}, ValueError, "WarmupLR: warmup_min_lr must be finite, got nan"),
    ("WarmupLR", {"warmup_max_lr": inf}, ValueError, "WarmupLR: warmup_max_lr must be finite, got inf"),
    (
        "WarmupLR",
        {"warmup_max_lr": 0.0, "warmup_min_lr": 0.1},
        ValueError,
        "WarmupLR: warmup_max_lr must be > 0 where warmup_min_lr",
    ),
    ("WarmupLR", {"warmup_num_steps": 0}, ValueError, "WarmupLR: warmup_num_steps must be a whole number >= 1, got 0"),
    ("WarmupLR", {"warmup_type": "cosine"}, ValueError, "WarmupLR: warmup_type must be 'log' or 'linear', got 'cosine'"),
    ("WarmupLR", {"warmup_min_lr": [0, 0, 0]}, ValueError, "WarmupLR: warmup_min_lr must have one value per parameter group"),
    ("WarmupDecayLR", {"total_num_steps": 0}, ValueError, "WarmupDecayLR: total_num_steps must be a whole number >= 1, got 0"),
    (
        "WarmupDecayLR",
        {"total_num_steps": 9, "warmup_num_steps": 2, "warmup_max_lr": 0, "warmup_min_lr": 1},
        ValueError,
        "WarmupDecayLR: warmup_max_lr must be > 0 where warmup_min_lr is, got 0",
    ),
    (
        "WarmupCosineLR",
        {"total_num_steps": 9.5},
        ValueError,
        "WarmupCosineLR: total_num_steps must be a whole number >= 1, got 9.5",
    ),
    ("WarmupCosineLR", {"total_num_steps": 2000, "warmup_min_ratio": -1}, ValueError, "warmup_min_ratio must be >= 0, got -1"),
    (
        "WarmupCosineLR",
        {"total_num_steps": 2000, "warmup_min_ratio": [0]},
        TypeError,
        "warmup_min_ratio must be a number, got [0]",
    ),
    ("WarmupCosineLR", {"total_num_steps": 2000, "cos_min_ratio": 1.5}, ValueError, "cos_min_ratio must be in [0, 1], got 1.5"),
    ("OneCycle", {**UP, "cycle_min_lr": -1}, ValueError, "OneCycle: cycle_min_lr must be >= 0, got -1"),
    ("OneCycle", {**UP, "cycle_max_lr": "1"}, TypeError, "OneCycle: cycle_max_lr must be a number, got '1'"),
    ("OneCycle", {**UP, "cycle_first_step_size": 0}, ValueError, "cycle_first_step_size must be a whole number >= 1, got 0"),
    (
        "OneCycle",
        {**UP, "cycle_second_step_size": -1},
        ValueError,
        "cycle_second_step_size must be a whole number >= 0, got -1",
    ),
    (
        "OneCycle",
        {**UP, "cycle_first_stair_count": 1.5},
        ValueError,
        "cycle_first_stair_count must be a whole number >= 0, got 1.5",
    ),
    ("OneCycle", {**UP, "decay_lr_rate": -1}, ValueError, "OneCycle: decay_lr_rate must be >= 0, got -1"),
    ("OneCycle", {**UP, "decay_mom_rate": -1}, ValueError, "OneCycle: decay_mom_rate must be >= 0, got -1"),
    ("OneCycle", {**UP, "decay_step_size": -1}, ValueError, "OneCycle: decay_step_size must be >= 0, got -1"),
    ("OneCycle", {**UP, "cycle_momentum": 1}, TypeError, "OneCycle: cycle_momentum must be True or False, got 1"),
    ("OneCycle", {**UP, "cycle_max_mom": [1]}, ValueError, "OneCycle: cycle_max_mom must have one value per parameter group"),
]


@pytest.mark.parametrize(("name", "params", "error", "message"), BAD, ids=[f"{row[0]}-{row[-1]}" for row in BAD])
def test_refusals_leave_the_optimizer_alone(name: str, params: dict[str, Any], error: type[Exception], message: str) -> None:
    optimizer = adam(0.1, 0.2)
    before = copy.deepcopy([{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups])
    with pytest.raises(error) as refused:
        made(name, optimizer, params)
    assert message in str(refused.value)
    assert [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups] == before


def test_what_is_no_optimizer() -> None:
    for name in deepspeed._SCHEDULERS:
        with pytest.raises(TypeError, match=f"{name}: optimizer must have param_groups"):
            made(
                name,
                object(),
                {"total_num_steps": 2000} if name in ("WarmupDecayLR", "WarmupCosineLR") else UP if name == "OneCycle" else {},
            )


@pytest.mark.parametrize("name", ["WarmupDecayLR", "WarmupCosineLR"])
def test_a_warmup_that_fills_the_training_is_warned_of(name: str) -> None:
    with pytest.warns(UserWarning, match=f"{name}: total_num_steps 9 is less than warmup_num_steps 10, so nothing is left for"):
        scheduler = made(name, adam(0.1), {"total_num_steps": 9, "warmup_num_steps": 10})
    assert scheduler.lr_at(11) == [pytest.approx(0.1 * 1e-4 if name == "WarmupCosineLR" else 0.0)]
    with pytest.warns(UserWarning, match="total_num_steps 1 is less than warmup_num_steps 2"):
        made(name, adam(0.1), {"total_num_steps": 1, "warmup_num_steps": 1})
    made(name, adam(0.1), {"total_num_steps": 10, "warmup_num_steps": 10})  # warnings are errors here


# -- time and states


def test_step_takes_deepspeeds_index() -> None:
    optimizer = adam(0.1)
    scheduler = LRRangeTest(optimizer, 0.1, 1)
    optimizer.step()
    for index, rate in ((4, 0.6), (-1, 0.1), (0, 0.2)):
        scheduler.step(index)
        assert scheduler.last_batch_iteration == index
        assert rates(optimizer) == [pytest.approx(rate)]
    for index, message in ((-2, "must be >= -1, got -2"), (nan, "must be finite, got nan")):
        with pytest.raises(ValueError, match=f"LRRangeTest: last_batch_iteration {message}"):
            scheduler.step(index)
    assert rates(optimizer) == [pytest.approx(0.2)]


def test_starting_at_an_index() -> None:
    optimizer = adam(0.1)
    scheduler = WarmupCosineLR(optimizer, 6, warmup_num_steps=2, cos_min_ratio=0.0, last_batch_iteration=3)
    assert (scheduler.last_batch_iteration, scheduler.last_epoch) == (3, 4)
    assert rates(optimizer) == [pytest.approx(0.05)]
    # the optimizer knows its initial rate by now, and a second start does not take 0.05 for it
    assert rates(WarmupCosineLR(optimizer, 6, warmup_num_steps=2, cos_min_ratio=0.0, last_batch_iteration=3).optimizer) == [
        pytest.approx(0.05)
    ]


@pytest.mark.parametrize(("name", "params", "values"), WORKED, ids=IDS)
def test_states_go_on(name: str, params: dict[str, Any], values: list[float]) -> None:
    optimizer = adam(0.1)
    scheduler = made(name, optimizer, params)
    for _ in range(2):
        optimizer.step()
        scheduler.step()
    state = json.loads(json.dumps(scheduler.state_dict()))
    assert state["last_batch_iteration"] == 1
    fresh, foreign = (made(name, adam(0.1), params) for _ in range(2))
    fresh.load_state_dict(state)
    foreign.load_state_dict({"last_batch_iteration": 1})  # all that DeepSpeed saves
    assert foreign._step_count == fresh._step_count == scheduler._step_count == 3
    copied = pickle.loads(pickle.dumps(scheduler))
    for value in values[2:]:
        betas = optimizer.param_groups[0]["betas"]
        for one in (scheduler, fresh, foreign, copied):
            assert rates(one.optimizer) == [pytest.approx(value, rel=1e-9)]
            assert one.optimizer.param_groups[0]["betas"] == betas
            one.optimizer.step()
            one.step()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"last_batch_iteration": -3}, "last_epoch must"),
        ({"last_batch_iteration": "1"}, "last_batch_iteration must be a number, got '1'"),
        ({"last_batch_iteration": nan}, "last_batch_iteration must be finite, got nan"),
        ({"last_batch_iteration": 2**60}, "last_epoch must"),
        ({}, "the state lacks '_last_lr'"),
    ],
)
def test_damaged_states_are_refused_whole(state: dict[str, Any], message: str) -> None:
    scheduler = WarmupLR(adam(0.1), warmup_num_steps=4)
    scheduler.step(2)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(state)
    assert scheduler.state_dict() == before


def test_hyper_parameters_hold_from_the_next_step_on() -> None:
    optimizer = adam(0.1)
    scheduler = LRRangeTest(optimizer, 0.1, 1)
    scheduler.lr_range_test_step_rate = 3.0
    optimizer.step()
    scheduler.step()
    assert rates(optimizer) == [pytest.approx(0.4)]
    with pytest.raises(ValueError, match="LRRangeTest: lr_range_test_step_rate must be >= 0, got -1"):
        scheduler.lr_range_test_step_rate = -1


def test_part_of_a_composite() -> None:
    optimizer = adam(0.1)
    warm = WarmupLR(optimizer, warmup_num_steps=4, warmup_type="linear")
    both = SequentialLR(optimizer, [warm, ExponentialLR(optimizer, 0.5)], [6])
    seen = []
    for _ in range(9):
        seen += rates(optimizer)
        optimizer.step()
        both.step()
    assert seen == pytest.approx([0.0, 0.0, 0.025, 0.05, 0.075, 0.1, 0.1, 0.05, 0.025])
    optimizer = adam(0.1)
    cosine = WarmupCosineLR(optimizer, 6, warmup_num_steps=2, warmup_type="linear", cos_min_ratio=0.0)
    both = ChainedScheduler([cosine, ExponentialLR(optimizer, 0.5)])
    for _ in range(4):
        optimizer.step()
        both.step()
    assert rates(optimizer) == [pytest.approx(0.05 * 0.5**4)]


def test_it_shows_what_it_is() -> None:
    line = "Shift(of=Absolute(value=0.1) * Warmup(steps=4, start=0.0, shape='log'), by=1)"
    assert repr(WarmupLR(adam(0.1), warmup_num_steps=4)) == f"WarmupLR(lr={line}, last_epoch=0)"
