"""R10: metrics."""

import math
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from cases import adam, rates, sgd, step
from torch.optim import lr_scheduler as theirs

from lucid.optim import lr_scheduler as ours


def test_the_specifications_script() -> None:
    optimizer = adam(3e-4)
    scheduler = ours.ReduceLROnPlateau(optimizer, mode="min", factor=0.2, patience=3, cooldown=1, min_lr=1e-6)
    seen = []
    for _ in range(30):
        optimizer.step()
        scheduler.step(0.5)
        seen.append(rates(optimizer)[0])
    # one good epoch, four bad ones, the cut; then one of cooldown and four bad ones for each further cut
    cuts = [i for i in range(1, 30) if seen[i] != seen[i - 1]]
    assert cuts == [4, 9, 14, 19]
    assert [seen[i] for i in cuts] == pytest.approx([6e-5, 1.2e-5, 2.4e-6, 1e-6])


@pytest.mark.parametrize(
    "metric", [0.5, 1, np.float32(0.5), np.float64(0.5), np.int64(1), np.array(0.5), torch.tensor(0.5), torch.tensor(1)]
)
def test_metrics_are_numbers_of_any_kind(metric: Any) -> None:
    scheduler = ours.ReduceLROnPlateau(sgd())
    step(scheduler, metric)
    assert scheduler.best == float(metric)
    assert type(scheduler.best) is float


@pytest.mark.parametrize("metric", [None, "0.5", True, [0.5], np.array([0.5, 1.0]), torch.ones(2), 1j])
def test_anything_else_is_a_type_error_and_changes_nothing(metric: Any) -> None:
    scheduler = ours.ReduceLROnPlateau(sgd())
    before = scheduler.state_dict()
    with pytest.raises(TypeError, match=r"ReduceLROnPlateau: metrics must be a number, a 0-d tensor or array, got"):
        step(scheduler, metric)
    assert scheduler.state_dict() == before
    with pytest.raises(TypeError, match="metrics"):
        scheduler.step()  # type: ignore[call-arg]


@pytest.mark.parametrize("module", [theirs, ours])
def test_negative_metrics(module: Any) -> None:
    """pytorch#47513: with min and a relative threshold, torch takes worse negative losses for better ones."""
    scheduler = module.ReduceLROnPlateau(sgd(0.1), threshold=0.1, patience=1)
    for metric in (-10.0, -9.5, -9.2, -9.1):
        step_any(scheduler, metric)
    expected = 0.1 if module is theirs else 0.01  # torch's known failure
    assert rates(scheduler.optimizer) == pytest.approx([expected])


def step_any(scheduler: Any, metric: float) -> None:
    scheduler.optimizer.step()
    scheduler.step(metric)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("best", [-10.0, 0.0, 10.0])
def test_the_margin_is_the_same_on_both_sides_of_zero(mode: str, threshold_mode: str, best: float) -> None:
    scheduler = ours.ReduceLROnPlateau(sgd(), mode=mode, threshold=0.1, threshold_mode=threshold_mode)
    margin = 0.1 * abs(best) if threshold_mode == "rel" else 0.1
    sign = -1 if mode == "min" else 1
    assert scheduler.is_better(best + sign * (margin + 1e-9), best)
    assert not scheduler.is_better(best + sign * (margin - 1e-9), best)
    assert not scheduler.is_better(best, best)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_number_never_becomes_the_best(bad: float) -> None:
    for mode in ("min", "max"):
        ignoring = ours.ReduceLROnPlateau(sgd(0.1), mode=mode, patience=1)
        step(ignoring, 1.0)
        counters = ignoring.num_bad_epochs, ignoring.best
        with pytest.warns(UserWarning, match=r"ReduceLROnPlateau: the metric is .*left out.*on_nan='bad'") as caught:
            step(ignoring, bad)
        assert caught[0].filename.endswith("cases.py")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # once is enough
            for _ in range(5):
                step(ignoring, bad)
        assert (ignoring.num_bad_epochs, ignoring.best) == counters
        assert (ignoring.last_epoch, rates(ignoring.optimizer)) == (7, [0.1])

        counting = ours.ReduceLROnPlateau(sgd(0.1), mode=mode, patience=1, on_nan="bad")
        for metric in (1.0, bad, bad):
            step(counting, metric)
        assert (counting.best, rates(counting.optimizer)) == (1.0, [pytest.approx(0.01)])

        raising = ours.ReduceLROnPlateau(sgd(0.1), mode=mode, on_nan="raise")
        step(raising, 1.0)
        before = raising.state_dict()
        with pytest.raises(ValueError, match=r"ReduceLROnPlateau: metrics must be finite, got .*on_nan='raise'"):
            step(raising, bad)
        assert raising.state_dict() == before


def test_an_edit_is_cut_from_where_it_stands() -> None:
    optimizer = sgd(0.1)
    scheduler = ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    step(scheduler, 1.0)
    optimizer.param_groups[0]["lr"] = 0.04
    step(scheduler, 1.0)
    assert rates(optimizer) == [0.02]
    optimizer.param_groups[0]["lr"] = 0.07
    step(scheduler, 0.1)  # a good epoch cuts nothing, and sees what stands there
    assert scheduler.get_last_lr() == rates(optimizer) == [0.07]
    optimizer.param_groups[0]["lr"] = 0.02
    step(scheduler, 0.0)
    assert scheduler.get_lr() == scheduler.get_last_lr() == [0.02]


def test_a_plateau_beside_a_schedule_multiplies() -> None:
    optimizer = sgd(0.1)
    decay, plateau = ours.ExponentialLR(optimizer, 0.9), ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    for t in range(1, 5):
        optimizer.step()
        decay.step()
        plateau.step(1.0)
        assert rates(optimizer) == pytest.approx([0.1 * 0.9**t * 0.5 ** (t - 1)])


def test_best_before_the_first_metric() -> None:
    scheduler = ours.ReduceLROnPlateau(sgd(), mode="max")
    assert (scheduler.best, scheduler.mode_worse, scheduler.in_cooldown) == (-math.inf, -math.inf, False)
    assert scheduler.state_dict()["best"] is None  # strict JSON knows no infinity
    scheduler.best = 0.25
    assert not scheduler.is_better(0.25, scheduler.best)
    scheduler.mode = "min"
    assert scheduler.is_better(0.2, scheduler.best)
    scheduler._init_is_better("max", 0.0, "abs")
    assert (scheduler.mode, scheduler.is_better(0.2, scheduler.best)) == ("max", False)


def test_a_refused_cut_is_not_counted() -> None:
    optimizer = sgd(0.5)
    scheduler = ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=2)
    for _ in range(2):
        step(scheduler, 1.0)
    optimizer.param_groups[0]["lr"] = math.nan
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau: lr of parameter group 0 must be finite, got nan"):
        scheduler.step(1.0)
    assert (scheduler.last_epoch, scheduler.num_bad_epochs, scheduler.cooldown_counter) == (2, 1, 0)
    optimizer.param_groups[0]["lr"] = 0.5
    step(scheduler, 1.0)
    assert (rates(optimizer), scheduler.num_bad_epochs, scheduler.cooldown_counter) == ([0.25], 0, 2)


def test_floors_that_were_changed_one_by_one_are_saved() -> None:
    saved = ours.ReduceLROnPlateau(sgd(0.5, 0.5), factor=0.5, patience=0, min_lr=0.25)
    saved.min_lrs[1] = 0.375
    other = ours.ReduceLROnPlateau(sgd(0.5, 0.5), factor=0.5, patience=0, min_lr=0.25)
    with pytest.warns(UserWarning, match=r"the state's min_lr \[0\.25, 0\.375\] replaces this scheduler's 0\.25"):
        other.load_state_dict(saved.state_dict())
    for _ in range(3):
        step(other, 1.0)
    assert rates(other.optimizer) == [0.25, 0.375]


def test_epochs_may_be_named() -> None:
    scheduler = ours.ReduceLROnPlateau(sgd())
    scheduler.step(1.0, epoch=7)
    assert scheduler.last_epoch == 7
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau: epoch must be >= 0, got -1"):
        scheduler.step(1.0, epoch=-1)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"mode": "up"}, ValueError, r"mode must be one of \('min', 'max'\), got 'up'"),
    ({"mode": 1}, ValueError, r"mode must be one of"),
    ({"factor": 0}, ValueError, r"factor must be in \(0, 1\), got 0"),
    ({"factor": 1.0}, ValueError, r"factor must be in \(0, 1\), got 1\.0"),
    ({"factor": math.nan}, ValueError, r"factor must be finite"),
    ({"factor": "0.1"}, TypeError, r"factor must be a number, got '0\.1'"),
    ({"patience": -1}, ValueError, r"patience must be a whole number >= 0, got -1"),
    ({"patience": 1.5}, ValueError, r"patience must be a whole number >= 0"),
    ({"patience": True}, TypeError, r"patience must be a number, got True"),
    ({"threshold": -1e-4}, ValueError, r"threshold must be >= 0"),
    ({"threshold_mode": "ratio"}, ValueError, r"threshold_mode must be one of \('rel', 'abs'\)"),
    ({"cooldown": -1}, ValueError, r"cooldown must be a whole number >= 0"),
    ({"min_lr": -1}, ValueError, r"min_lr must be >= 0, got -1"),
    ({"min_lr": [0.1]}, ValueError, r"min_lr needs one value per parameter group: 2 groups, 1 given"),
    ({"min_lr": [0.1, "x"]}, TypeError, r"min_lr\[1\] must be a number"),
    ({"eps": math.inf}, ValueError, r"eps must be finite"),
    ({"on_nan": "stop"}, ValueError, r"on_nan must be one of \('ignore', 'bad', 'raise'\)"),
    ({"sync": "yes"}, ValueError, r"sync must be True or False, None or one of .*'mean'.*, got 'yes'"),
    ({"sync": 1}, TypeError, r"sync must be True or False, None or one of .*, got 1"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    optimizer = sgd(0.1, 0.2)
    with pytest.raises(error, match="ReduceLROnPlateau: " + message):
        ours.ReduceLROnPlateau(optimizer, **arguments)
    assert "initial_lr" not in optimizer.param_groups[0]


WORKER = """
import os, sys, torch, torch.distributed as dist
sys.path.insert(0, sys.argv[3])
from cases import sgd
from lucid.optim.lr_scheduler import ReduceLROnPlateau
rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
scheduler = ReduceLROnPlateau(sgd(0.1), factor=0.5, patience=0, sync=True)
seen = []
for mine in ([1.0, 0.5, 0.9, 0.2], [1.0, 1.5, 0.3, 0.8])[rank]:  # means 1.0, 1.0, 0.6, 0.5
    scheduler.optimizer.step()
    scheduler.step(mine)
    seen.append(scheduler.get_last_lr()[0])
print(seen, scheduler.best, flush=True)
os._exit(0)
"""


def test_ranks_decide_alike(tmp_path: Any) -> None:
    from pathlib import Path

    command = [sys.executable, "-c", WORKER]
    here = str(Path(__file__).parent)
    ranks = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store"), here], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    outputs = []
    for rank in ranks:
        try:
            outputs.append(rank.communicate(timeout=120)[0].strip())
        finally:
            rank.kill()
    assert outputs == ["[0.1, 0.05, 0.05, 0.05] 0.5"] * 2


def test_sync_without_ranks_is_the_metric_itself() -> None:
    scheduler = ours.ReduceLROnPlateau(sgd(), sync=True)
    step(scheduler, 0.75)
    assert scheduler.best == 0.75
