"""DeepSpeed's own schedulers beside ours: the same values at every step.

DeepSpeed's package imports what needs a compiler and an accelerator, so its one module of schedulers is loaded by itself, with
a stub for the logger that it writes warnings to.
"""

import importlib.util
import inspect
import json
import math
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch

from lucid.compat import deepspeed as ours
from lucid.optim.lr_scheduler import LRScheduler

STEPS = 80


class Logger:
    """Where DeepSpeed's warnings go."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, text: str) -> None:
        self.said.append(text)


def load() -> Any:
    found = importlib.util.find_spec("deepspeed")  # looks, and imports nothing
    if found is None or not found.submodule_search_locations:
        pytest.skip("DeepSpeed is not installed", allow_module_level=True)
    path = Path(found.submodule_search_locations[0]) / "runtime" / "lr_schedules.py"
    package, utils = types.ModuleType("deepspeed"), types.ModuleType("deepspeed.utils")
    utils.logger = Logger()  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("deepspeed", "deepspeed.utils")}
    sys.modules.update({"deepspeed": package, "deepspeed.utils": utils})
    try:
        spec = importlib.util.spec_from_file_location("deepspeed_lr_schedules", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name, was in before.items():
            if was is None:
                del sys.modules[name]
            else:
                sys.modules[name] = was
    return module


theirs = load()


def adam(*lrs: float) -> torch.optim.Adam:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in lrs or (0.1,)]
    return torch.optim.Adam(groups, lr=0.1)


def seen(optimizer: Any) -> list[tuple[float, float, float]]:
    return [(float(group["lr"]), *group["betas"]) for group in optimizer.param_groups]


def same(one: Any, other: Any) -> None:
    """Every rate and beta of both alike, to 1e-12 of the largest rate."""
    flat_one, flat_other = ([value for group in groups for value in group] for groups in (seen(one), seen(other)))
    assert flat_one == pytest.approx(flat_other, rel=1e-12, abs=1e-13)


WARMUPS = [
    {},
    {"warmup_num_steps": 20},
    {"warmup_num_steps": 20, "warmup_type": "linear"},
    {"warmup_num_steps": 1},
    {"warmup_num_steps": 1, "warmup_type": "linear"},
    {"warmup_num_steps": 2},
    {"warmup_min_lr": 0.01, "warmup_max_lr": 0.3, "warmup_num_steps": 33},
    {"warmup_min_lr": 0.01, "warmup_max_lr": 0.3, "warmup_num_steps": 33, "warmup_type": "linear"},
    {"warmup_min_lr": 0.3, "warmup_max_lr": 0.01, "warmup_num_steps": 9},
    {"warmup_min_lr": 0.0, "warmup_max_lr": 0.0, "warmup_num_steps": 9},
    {"warmup_min_lr": [0.0, 0.02], "warmup_max_lr": [0.2, 0.1], "warmup_num_steps": 15},
    {"warmup_min_lr": 0.001, "warmup_max_lr": [0.2, 0.1], "warmup_num_steps": 15, "warmup_type": "linear"},
]
CYCLE = {"cycle_min_lr": 0.01, "cycle_max_lr": 0.1}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("LRRangeTest", {}),
    ("LRRangeTest", {"lr_range_test_min_lr": 0.01, "lr_range_test_step_size": 7, "lr_range_test_step_rate": 0.5}),
    ("LRRangeTest", {"lr_range_test_min_lr": 0.01, "lr_range_test_step_size": 7, "lr_range_test_staircase": True}),
    ("LRRangeTest", {"lr_range_test_min_lr": [0.01, 0.2], "lr_range_test_step_size": 1, "lr_range_test_step_rate": 3.0}),
    ("LRRangeTest", {"lr_range_test_step_rate": 0.0, "lr_range_test_step_size": 5}),
    *(("WarmupLR", params) for params in WARMUPS),
    *(("WarmupDecayLR", {"total_num_steps": 60, **params}) for params in WARMUPS[1:]),
    *(("WarmupDecayLR", {"total_num_steps": 100, **params}) for params in WARMUPS[1:]),
    ("WarmupDecayLR", {"total_num_steps": 60, "warmup_num_steps": 10, "warmup_max_lr": None, "warmup_min_lr": 0.001}),
    ("WarmupDecayLR", {"total_num_steps": 20, "warmup_num_steps": 20}),
    ("WarmupDecayLR", {"total_num_steps": 21, "warmup_num_steps": 20, "warmup_type": "linear"}),
    ("WarmupCosineLR", {"total_num_steps": 60, "warmup_num_steps": 10}),
    ("WarmupCosineLR", {"total_num_steps": 60, "warmup_num_steps": 10, "warmup_type": "linear"}),
    ("WarmupCosineLR", {"total_num_steps": 60, "warmup_num_steps": 1, "cos_min_ratio": 0.25}),
    ("WarmupCosineLR", {"total_num_steps": 75, "warmup_num_steps": 30, "warmup_min_ratio": 0.2, "cos_min_ratio": 0.0}),
    ("WarmupCosineLR", {"total_num_steps": 100, "warmup_num_steps": 30, "warmup_min_ratio": 1.5, "cos_min_ratio": 1.0}),
    ("WarmupCosineLR", {"total_num_steps": 21, "warmup_num_steps": 20, "warmup_min_ratio": 0.2}),
    ("WarmupCosineLR", {"total_num_steps": 20, "warmup_num_steps": 20, "warmup_min_ratio": 0.2}),
    ("OneCycle", CYCLE),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 20}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 20, "cycle_momentum": False}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 13, "cycle_second_step_size": 29, "cycle_min_mom": 0.7}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 10, "decay_step_size": 5, "decay_lr_rate": 0.5, "decay_mom_rate": 0.01}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 10, "decay_step_size": 5, "decay_lr_rate": 0.5}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 10, "decay_step_size": 5, "decay_mom_rate": 0.01}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 10, "decay_lr_rate": 0.5, "decay_mom_rate": 0.01}),
    (
        "OneCycle",
        {**CYCLE, "cycle_first_step_size": 10, "cycle_second_step_size": 0, "decay_step_size": 5, "decay_lr_rate": 1.0},
    ),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 1, "cycle_second_step_size": 1}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 1, "cycle_second_step_size": 0}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 12, "cycle_first_stair_count": 4}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 30, "cycle_first_stair_count": 9}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 30, "cycle_second_step_size": 40, "cycle_second_stair_count": 7}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 7, "cycle_second_step_size": 3, "cycle_first_stair_count": 5}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 7, "cycle_first_stair_count": 50, "cycle_second_stair_count": 7}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 7, "cycle_first_stair_count": 1, "cycle_second_stair_count": 0}),
    ("OneCycle", {**CYCLE, "cycle_first_step_size": 9, "cycle_first_stair_count": -1, "cycle_second_stair_count": -1}),
    ("OneCycle", {"cycle_min_lr": 0.1, "cycle_max_lr": 0.01, "cycle_first_step_size": 9, "cycle_first_stair_count": 4}),
    (
        "OneCycle",
        {
            "cycle_min_lr": [0.01, 0.02],
            "cycle_max_lr": [0.1, 0.4],
            "cycle_first_step_size": 20,
            "cycle_min_mom": [0.8, 0.7],
            "cycle_max_mom": [0.9, 0.95],
        },
    ),
]


def names(cases: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{name}-{'-'.join(map(str, params.values()))}" for name, params in cases]


@pytest.mark.parametrize(("name", "params"), CASES, ids=names(CASES))
def test_every_step_as_deepspeed(name: str, params: dict[str, Any]) -> None:
    one, other = adam(0.1, 0.05), adam(0.1, 0.05)
    peer, mine = getattr(theirs, name)(one, **params), getattr(ours, name)(other, **params)
    same(one, other)
    for _ in range(STEPS):
        for optimizer, scheduler in ((one, peer), (other, mine)):
            optimizer.step()
            scheduler.step()
        same(one, other)
        assert mine.get_last_lr() == pytest.approx(peer.get_last_lr(), rel=1e-12, abs=1e-13)
        assert mine.last_batch_iteration == peer.last_batch_iteration


@pytest.mark.parametrize(("name", "params"), CASES, ids=names(CASES))
def test_the_schedules_without_an_optimizer_are_the_same(name: str, params: dict[str, Any]) -> None:
    config = json.loads(json.dumps({"train_batch_size": 8, "scheduler": {"type": name, "params": params}}))
    if name in ("WarmupLR", "WarmupDecayLR") and params.get("warmup_max_lr", name) is None and params.get("warmup_min_lr"):
        with pytest.raises(ValueError, match="warmup_max_lr is not given, so the optimizer's rates are needed"):
            ours.from_config(config)
        return
    one, other = adam(0.1, 0.05), adam(0.1, 0.05)
    peer = getattr(theirs, name)(one, **params)
    mine = LRScheduler(other, **ours.from_config(config))
    third = adam(0.1, 0.05)
    whole = ours.from_config(config, third)
    for _ in range(STEPS):
        if name != "OneCycle":
            same(one, other)
        else:  # the second beta is the scheduler's doing
            assert [lr for lr, *_ in seen(other)] == pytest.approx([lr for lr, *_ in seen(one)], rel=1e-12, abs=1e-13)
            assert [first for _, first, _ in seen(other)] == pytest.approx([first for _, first, _ in seen(one)], rel=1e-12)
        same(one, third)
        for optimizer, scheduler in ((one, peer), (other, mine), (third, whole)):
            optimizer.step()
            scheduler.step()


@pytest.mark.parametrize(("name", "params"), CASES, ids=names(CASES))
def test_jumps_and_resuming_by_index(name: str, params: dict[str, Any]) -> None:
    one, other = adam(0.1, 0.05), adam(0.1, 0.05)
    peer, mine = getattr(theirs, name)(one, **params), getattr(ours, name)(other, **params)
    for index in (40, 3, 0, 59):
        peer.step(index)
        mine.step(index)
        same(one, other)
    resumed, started = adam(0.1, 0.05), adam(0.1, 0.05)
    peer = getattr(theirs, name)(started, **params, last_batch_iteration=25)
    mine = getattr(ours, name)(resumed, **params, last_batch_iteration=25)
    assert mine.last_batch_iteration == peer.last_batch_iteration == 25
    for _ in range(20):
        for optimizer, scheduler in ((started, peer), (resumed, mine)):
            optimizer.step()
            scheduler.step()
        same(started, resumed)


@pytest.mark.parametrize("name", sorted(ours._SCHEDULERS))
def test_states_go_both_ways(name: str) -> None:
    params = next(params for case, params in reversed(CASES) if case == name)
    one, other = adam(0.1, 0.05), adam(0.1, 0.05)
    peer, mine = getattr(theirs, name)(one, **params), getattr(ours, name)(other, **params)
    for _ in range(17):
        one.step()
        peer.step()
    mine.load_state_dict(json.loads(json.dumps(peer.state_dict())))
    same(one, other)
    back = getattr(theirs, name)(adam(0.1, 0.05), **params)
    back.load_state_dict(json.loads(json.dumps(mine.state_dict())))
    for _ in range(30):
        one.step()
        other.step()
        peer.step()
        mine.step()
        back.step()
        same(one, other)
        same(other, back.optimizer)


def test_every_scheduler_of_deepspeed_has_its_namesake() -> None:
    assert set(theirs.VALID_LR_SCHEDULES) == set(ours._SCHEDULERS)
    assert set(theirs.VALID_LR_SCHEDULES) < set(ours.__all__)


@pytest.mark.parametrize("name", sorted(ours._SCHEDULERS))
def test_signatures_are_deepspeeds(name: str) -> None:
    def parameters(made: Any) -> list[tuple[str, Any]]:
        return [(key, one.default) for key, one in inspect.signature(made).parameters.items()]

    assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name))
    (word,) = list(inspect.signature(getattr(theirs, name).step).parameters)[1:]
    assert list(inspect.signature(getattr(ours, name).step).parameters)[1:] == [word]


def test_without_betas_momentum_is_left_alone() -> None:
    def sgd() -> torch.optim.SGD:
        return torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.85)

    one, other = sgd(), sgd()
    peer = theirs.OneCycle(one, 0.01, 0.1, cycle_first_step_size=5)
    with pytest.warns(UserWarning, match="OneCycle: SGD has no betas, so momentum is left alone"):
        mine = ours.OneCycle(other, 0.01, 0.1, cycle_first_step_size=5)
    for _ in range(15):
        for optimizer, scheduler in ((one, peer), (other, mine)):
            optimizer.step()
            scheduler.step()
        assert other.param_groups[0]["lr"] == pytest.approx(one.param_groups[0]["lr"], rel=1e-12)
        assert other.param_groups[0]["momentum"] == one.param_groups[0]["momentum"] == 0.85


def test_documented_differences_occur() -> None:
    theirs.WarmupLR(adam(), warmup_type="cosine", warmup_num_steps=4)  # goes on with log
    with pytest.raises(ValueError, match="WarmupLR: warmup_type must be 'log' or 'linear', got 'cosine'"):
        ours.WarmupLR(adam(), warmup_type="cosine", warmup_num_steps=4)
    below = theirs.LRRangeTest(adam(), lr_range_test_step_rate=-2.0, lr_range_test_step_size=1)
    below.step()
    assert math.copysign(1.0, below.get_last_lr()[0]) == -1.0
    with pytest.raises(ValueError, match=r"LRRangeTest: lr_range_test_step_rate must be >= 0, got -2.0"):
        ours.LRRangeTest(adam(), lr_range_test_step_rate=-2.0, lr_range_test_step_size=1)
    one, other = adam(), adam()
    peer, mine = theirs.WarmupLR(one, warmup_num_steps=8), ours.WarmupLR(other, warmup_num_steps=8)
    for scheduler in (peer, mine):
        scheduler.load_state_dict({"last_batch_iteration": 7})
    assert (one.param_groups[0]["lr"], other.param_groups[0]["lr"]) == (0.0, 0.1)


@pytest.mark.parametrize("name", sorted(ours._SCHEDULERS))
def test_a_start_at_an_index_writes_at_once(name: str) -> None:
    """DeepSpeed's leaves the groups alone until the first step; ours has the rates that DeepSpeed's has at that index."""
    params = next(params for case, params in reversed(CASES) if case == name)
    one, other, third = adam(0.1, 0.05), adam(0.1, 0.05), adam(0.1, 0.05)
    peer = getattr(theirs, name)(one, **params, last_batch_iteration=12)
    assert [lr for lr, *_ in seen(one)] == [0.1, 0.05]
    mine = getattr(ours, name)(other, **params, last_batch_iteration=12)
    there = getattr(theirs, name)(third, **params)
    there.step(12)
    same(third, other)
    assert [lr for lr, *_ in seen(other)] != [0.1, 0.05]
    for optimizer, scheduler in ((one, peer), (other, mine)):
        optimizer.step()
        scheduler.step()
    same(one, other)
