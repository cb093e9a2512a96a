"""Bad arguments of the scheduler classes: each is refused at construction and the optimizer stays untouched."""

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from cases import factor, rates, sgd

from lucid.optim import lr_scheduler as ours

NUMBER = r"must be a number, got"
TABLE: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("StepLR", {"step_size": 0}, ValueError, r"step_size must be > 0, got 0"),
    ("StepLR", {"step_size": -3}, ValueError, r"step_size must be > 0, got -3"),
    ("StepLR", {"step_size": math.nan}, ValueError, r"step_size must be finite, got nan"),
    ("StepLR", {"step_size": math.inf}, ValueError, r"step_size must be finite, got inf"),
    ("StepLR", {"step_size": True}, TypeError, rf"step_size {NUMBER} True"),
    ("StepLR", {"step_size": "30"}, TypeError, rf"step_size {NUMBER} '30'"),
    ("StepLR", {"step_size": None}, TypeError, rf"step_size {NUMBER} None"),
    ("StepLR", {"step_size": [30]}, TypeError, rf"step_size {NUMBER} \[30\]"),
    ("StepLR", {"step_size": np.array([30])}, TypeError, rf"step_size {NUMBER}"),
    ("StepLR", {"step_size": torch.tensor([30])}, TypeError, rf"step_size {NUMBER}"),
    ("StepLR", {"step_size": np.bool_(True)}, TypeError, rf"step_size {NUMBER}"),
    ("StepLR", {"step_size": 10**400}, ValueError, r"step_size must be finite"),
    ("StepLR", {"step_size": 3, "gamma": 0}, ValueError, r"gamma must be > 0, got 0"),
    ("StepLR", {"step_size": 3, "gamma": -0.1}, ValueError, r"gamma must be > 0, got -0\.1"),
    ("StepLR", {"step_size": 3, "gamma": math.nan}, ValueError, r"gamma must be finite"),
    ("StepLR", {"step_size": 3, "gamma": 1j}, TypeError, rf"gamma {NUMBER} 1j"),
    ("StepLR", {"step_size": 3, "gamma": torch.tensor(math.inf)}, ValueError, r"gamma must be finite"),
    ("StepLR", {"step_size": 3, "gamma": np.float32(-1)}, ValueError, r"gamma must be > 0"),
    ("StepLR", {"step_size": 3, "last_epoch": -2}, ValueError, r"last_epoch must be -1 or >= 0, got -2"),
    ("StepLR", {"step_size": 3, "last_epoch": "1"}, TypeError, rf"last_epoch {NUMBER} '1'"),
    ("MultiStepLR", {"milestones": [3, -1]}, ValueError, r"milestones\[1\] must be >= 0, got -1"),
    ("MultiStepLR", {"milestones": [3, math.nan]}, ValueError, r"milestones\[1\] must be finite"),
    ("MultiStepLR", {"milestones": [3, "5"]}, TypeError, rf"milestones\[1\] {NUMBER} '5'"),
    ("MultiStepLR", {"milestones": [True]}, TypeError, rf"milestones\[0\] {NUMBER} True"),
    ("MultiStepLR", {"milestones": 3}, TypeError, r"milestones must be a list of epochs, got 3"),
    ("MultiStepLR", {"milestones": "35"}, TypeError, r"milestones must be a list of epochs, got '35'"),
    ("MultiStepLR", {"milestones": None}, TypeError, r"milestones must be a list of epochs, got None"),
    ("MultiStepLR", {"milestones": [3], "gamma": 0}, ValueError, r"gamma must be > 0"),
    ("ExponentialLR", {"gamma": 0}, ValueError, r"gamma must be > 0, got 0"),
    ("ExponentialLR", {"gamma": -1}, ValueError, r"gamma must be > 0, got -1"),
    ("ExponentialLR", {"gamma": math.inf}, ValueError, r"gamma must be finite"),
    ("ExponentialLR", {"gamma": False}, TypeError, rf"gamma {NUMBER} False"),
    ("CosineAnnealingLR", {"T_max": 0}, ValueError, r"T_max must be > 0, got 0"),
    ("CosineAnnealingLR", {"T_max": -5}, ValueError, r"T_max must be > 0, got -5"),
    ("CosineAnnealingLR", {"T_max": "50"}, TypeError, rf"T_max {NUMBER} '50'"),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": -1e-5}, ValueError, r"eta_min must be >= 0"),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": math.nan}, ValueError, r"eta_min must be finite"),
    ("LambdaLR", {"lr_lambda": 0.5}, TypeError, r"lr_lambda should be a function, got 0\.5"),
    ("LambdaLR", {"lr_lambda": None}, TypeError, r"lr_lambda should be a function, got None"),
    ("LambdaLR", {"lr_lambda": [factor]}, ValueError, r"lr_lambda needs one function per parameter group: 2 groups, 1 given"),
    ("LambdaLR", {"lr_lambda": []}, ValueError, r"lr_lambda needs one function per parameter group: 2 groups, 0 given"),
    ("LambdaLR", {"lr_lambda": [factor, "x"]}, TypeError, r"lr_lambda should be a function, got 'x'"),
    ("CyclicLR", {"base_lr": -0.1, "max_lr": 0.2}, ValueError, r"base_lr must be >= 0, got -0\.1"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": "0.2"}, TypeError, rf"max_lr {NUMBER} '0\.2'"),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": 0.2}, ValueError, r"base_lr must have one value per.*: 2 groups, 1"),
    ("CyclicLR", {"base_lr": [0.1] * 3, "max_lr": [0.2] * 2}, ValueError, r"base_lr must have one value per.*2 groups, 3"),
    ("CyclicLR", {"base_lr": [0.1, math.nan], "max_lr": 0.2}, ValueError, r"base_lr\[1\] must be finite"),
    ("CyclicLR", {"base_lr": [], "max_lr": 0.2}, ValueError, r"base_lr must have one value per parameter group: 2 groups, 0"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": 0}, ValueError, r"step_size_up must be > 0, got 0"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "step_size_down": 0}, ValueError, r"step_size_down must be > 0, got 0"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": [5, 5]}, TypeError, rf"step_size_up {NUMBER} \[5, 5\]"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "mode": "square"}, ValueError, r"mode must be 'triangular', .*got 'square'"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "gamma": 0}, ValueError, r"gamma must be > 0"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "scale_fn": 3}, TypeError, r"scale_fn must be callable, got 3"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "scale_mode": "epoch"}, ValueError, r"scale_mode must be 'cycle' or"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "cycle_momentum": 1}, TypeError, r"cycle_momentum must be True or False"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "max_momentum": -0.5}, ValueError, r"max_momentum must be >= 0, got -0\.5"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "base_momentum": [0.8]}, ValueError, r"base_momentum must have one value per"),
    ("NoamScheduler", {"model_size": 0, "warmup_steps": 4}, ValueError, r"model_size must be > 0, got 0"),
    ("NoamScheduler", {"model_size": 16, "warmup_steps": 0}, ValueError, r"warmup_steps must be > 0, got 0"),
    ("NoamScheduler", {"model_size": 16, "warmup_steps": 4, "factor": 0}, ValueError, r"factor must be > 0, got 0"),
    ("NoamScheduler", {"model_size": "16", "warmup_steps": 4}, TypeError, rf"model_size {NUMBER} '16'"),
    ("NoamScheduler", {"model_size": 16, "warmup_steps": math.inf}, ValueError, r"warmup_steps must be finite"),
    ("MultiplicativeLR", {"lr_lambda": 0.95}, TypeError, r"lr_lambda should be a function, got 0\.95"),
    ("MultiplicativeLR", {"lr_lambda": [factor]}, ValueError, r"lr_lambda needs one function per parameter group: 2 groups, 1"),
    ("ConstantLR", {"factor": 1.5}, ValueError, r"factor must be in \[0, 1\], got 1\.5"),
    ("ConstantLR", {"factor": -0.1}, ValueError, r"factor must be in \[0, 1\], got -0\.1"),
    ("ConstantLR", {"total_iters": -1}, ValueError, r"total_iters must be >= 0, got -1"),
    ("LinearLR", {"start_factor": 0}, ValueError, r"start_factor must be in \(0, 1\], got 0"),
    ("LinearLR", {"start_factor": 1.1}, ValueError, r"start_factor must be in \(0, 1\], got 1\.1"),
    ("LinearLR", {"end_factor": -0.1}, ValueError, r"end_factor must be in \[0, 1\], got -0\.1"),
    ("LinearLR", {"end_factor": 1.1}, ValueError, r"end_factor must be in \[0, 1\], got 1\.1"),
    ("LinearLR", {"total_iters": math.nan}, ValueError, r"total_iters must be finite"),
    ("PolynomialLR", {"total_iters": -5}, ValueError, r"total_iters must be >= 0, got -5"),
    ("PolynomialLR", {"power": -1}, ValueError, r"power must be >= 0, got -1"),
    ("PolynomialLR", {"power": "2"}, TypeError, rf"power {NUMBER} '2'"),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}, ValueError, r"T_0 must be a whole number >= 1, got 0"),
    ("CosineAnnealingWarmRestarts", {"T_0": 2.5}, ValueError, r"T_0 must be a whole number >= 1, got 2\.5"),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 0}, ValueError, r"T_mult must be a whole number >= 1, got 0"),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 1.5}, ValueError, r"T_mult must be a whole number >= 1, got 1\.5"),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "eta_min": -1}, ValueError, r"eta_min must be >= 0, got -1"),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "eta_min": "0"}, ValueError, rf"eta_min {NUMBER} '0'"),
    ("OneCycleLR", {"max_lr": 0.1}, ValueError, r"give total_steps, or epochs and steps_per_epoch, got None and None"),
    ("OneCycleLR", {"max_lr": 0.1, "epochs": 3}, ValueError, r"give total_steps, or epochs and steps_per_epoch, got 3"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}, ValueError, r"total_steps must be a whole number >= 1, got 0"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 1.5}, ValueError, r"total_steps must be a whole number >= 1, got 1\.5"),
    ("OneCycleLR", {"max_lr": 0.1, "epochs": 0, "steps_per_epoch": 3}, ValueError, r"epochs must be a whole number >= 1"),
    ("OneCycleLR", {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": -1}, ValueError, r"steps_per_epoch must be a whole number"),
    ("OneCycleLR", {"max_lr": -0.1, "total_steps": 9}, ValueError, r"max_lr must be >= 0, got -0\.1"),
    ("OneCycleLR", {"max_lr": [0.1], "total_steps": 9}, ValueError, r"max_lr must have one value per"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "pct_start": 1.1}, ValueError, r"pct_start must be in \[0, 1\], got 1\.1"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "exp"}, ValueError,
     r"anneal_strategy must be one of 'cos' or 'linear', got 'exp'"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "div_factor": 0}, ValueError, r"div_factor must be > 0, got 0"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "final_div_factor": 0}, ValueError, r"final_div_factor must be > 0"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "three_phase": 1}, TypeError, r"three_phase must be True or False, got 1"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "cycle_momentum": 1}, TypeError, r"cycle_momentum must be True or False"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "base_momentum": -1}, ValueError, r"base_momentum must be >= 0, got -1"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "max_momentum": [0.9]}, ValueError, r"max_momentum must have"),
    ("SWALR", {"swa_lr": -1}, ValueError, r"swa_lr must be >= 0, got -1"),
    ("SWALR", {"swa_lr": [1.0, 0.1, 0.01]}, ValueError, r"swa_lr must have one value per parameter group: 2 groups, 3 given"),
    ("SWALR", {"swa_lr": [1.0, "x"]}, TypeError, rf"swa_lr\[1\] {NUMBER} 'x'"),
    ("SWALR", {"swa_lr": 1.0, "anneal_epochs": -1}, ValueError, r"anneal_epochs must be a whole number >= 0, got -1"),
    ("SWALR", {"swa_lr": 1.0, "anneal_epochs": 1.7}, ValueError, r"anneal_epochs must be a whole number >= 0, got 1\.7"),
    ("SWALR", {"swa_lr": 1.0, "anneal_strategy": "exponential"}, ValueError, r"anneal_strategy must be one of 'cos'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "error", "message"), TABLE)
def test_refused_and_untouched(name: str, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    optimizer = sgd(0.1, 0.2)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match=f"{name}: {message}"):
        getattr(ours, name)(optimizer, **arguments)
    assert optimizer.state_dict() == before


@pytest.mark.parametrize(
    "number",
    [3, 3.0, np.int64(3), np.float32(3), np.float64(3), np.array(3), np.array(3.0), torch.tensor(3), torch.tensor(3.0)],
    ids=lambda n: f"{type(n).__name__} {getattr(n, 'dtype', '')}",
)
def test_numbers_of_any_library_are_python_numbers_inside(number: Any) -> None:
    optimizer = sgd(0.1)
    scheduler = ours.StepLR(optimizer, step_size=number, gamma=number)
    for value in (scheduler.step_size, scheduler.gamma):
        assert type(value) in (int, float)
        assert value == 3
    scheduler.step(number)
    assert type(scheduler.last_epoch) in (int, float)
    assert rates(optimizer) == pytest.approx([0.3])
    ours.MultiStepLR(sgd(), milestones=[number, number])
    ours.MultiStepLR(sgd(), milestones=np.array([2, 3]))
    ours.CyclicLR(sgd(), number, number, number, number)


def test_milestones_in_any_order_as_with_pytorch() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.MultiStepLR(optimizer, milestones=[20, 5, 20], gamma=0.5)
    assert scheduler.milestones == [5, 20, 20]
    assert [scheduler.step(t) or rates(optimizer)[0] for t in (4, 5, 20)] == [1.0, 0.5, 0.125]
    none = sgd(1.0)
    ours.MultiStepLR(none, milestones=[]).step(9)
    assert rates(none) == [1.0]


def test_lists_that_do_not_match_are_refused_when_assigned() -> None:
    scheduler = ours.CyclicLR(sgd(0.1, 0.2), [0.01, 0.02], [0.1, 0.2])
    with pytest.raises(
        ValueError, match=r"CyclicLR: base_lr and max_lr must have one value per parameter group, got \[2, 3\] of them"
    ):
        scheduler.base_lr = [0.1, 0.2, 0.3]
    assert scheduler.base_lr == [0.01, 0.02]


def test_cyclic_needs_something_to_cycle() -> None:
    optimizer = torch.optim.Adagrad([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    with pytest.raises(
        ValueError, match=r"CyclicLR: cycle_momentum needs an optimizer with momentum or betas, and Adagrad has"
    ):
        ours.CyclicLR(optimizer, 0.1, 0.2)
    with pytest.raises(ValueError, match=r"OneCycleLR: cycle_momentum needs an optimizer with momentum or betas, and Adagrad"):
        ours.OneCycleLR(optimizer, 0.1, 9)
    assert optimizer.param_groups[0]["lr"] == 0.1
    ours.CyclicLR(optimizer, 0.05, 0.2, cycle_momentum=False)
    assert optimizer.param_groups[0]["lr"] == 0.05


def test_a_lambda_that_gives_no_number_is_told() -> None:
    scheduler = ours.LambdaLR(sgd(), lambda t: math.nan if t == 2 else 1.0)
    scheduler.step(1)
    with pytest.raises(ValueError, match=r"Lambda: fn\(2\) must be finite, got nan"):
        scheduler.step()
