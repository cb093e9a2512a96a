"""GreedyLR: raises, cuts, starts over; every rate here is reasoned by hand."""

import copy
import inspect
import json
import math
import warnings
from typing import Any

import pytest
import torch
from cases import everything, rates, sgd, step

from lucid.optim import lr_scheduler as ours


def followed(scheduler: Any, losses: list[float]) -> list[float]:
    """The first group's rate after each metric."""
    seen = []
    for loss in losses:
        step(scheduler, loss)
        seen.append(rates(scheduler.optimizer)[0])
    return seen


def counts(scheduler: Any) -> tuple[Any, ...]:
    names = ("best", "num_good_epochs", "num_bad_epochs", "warmup_counter", "cooldown_counter", "num_at_min")
    return tuple(getattr(scheduler, name) for name in names)


# -- the rule


def test_it_raises_to_the_ceiling_and_cuts_to_the_floor() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=1, min_lr=0.0625, max_lr=0.75)
    improving = followed(scheduler, [9, 8, 7, 6, 5, 4])
    assert improving == [0.25, 0.5, 0.5, 0.75, 0.75, 0.75]  # two good ones raise; 1.0 is above the ceiling
    assert followed(scheduler, [4, 4]) == [0.75, 0.375]  # two bad ones cut
    assert followed(scheduler, [4, 3, 4, 4]) == [0.375, 0.375, 0.375, 0.1875]  # the good one between starts the count anew
    assert followed(scheduler, [4, 4, 4, 4]) == [0.1875, 0.09375, 0.09375, 0.0625]  # 0.046875 is below the floor
    assert followed(scheduler, [2, 5, 2, 1]) == [0.0625] * 4  # one good, one bad, not better, good
    assert followed(scheduler, [0]) == [0.125]
    assert (scheduler.last_epoch, scheduler.best) == (21, 0.0)


def test_the_default_arguments() -> None:
    scheduler = ours.GreedyLR(sgd(0.5))
    assert followed(scheduler, [1.0 - k / 100 for k in range(11)]) == [0.5] * 10 + [0.5 / 0.95]  # 11 > 10
    assert followed(scheduler, [0.9 - 1e-6] * 10) == [0.5 / 0.95] * 10  # no more than the threshold
    assert followed(scheduler, [0.9 - 1e-6]) == [0.5 / 0.95 * 0.95]
    assert (scheduler.min_lrs, scheduler.max_lrs, scheduler.reset_start, scheduler.window_size) == ([1e-3], [1.0], 500, 50)
    assert (scheduler.smooth, scheduler.verbose, scheduler.on_nan, scheduler.sync) == (False, False, "ignore", None)


def test_up_is_good_with_max() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), mode="max", factor=0.5, patience=0, threshold=0.5, threshold_mode="abs")
    assert followed(scheduler, [1.0, 1.5, 1.75, 0.0]) == [0.5, 0.25, 0.5, 0.25]  # 1.5 is not above 1.0 + 0.5


@pytest.mark.parametrize("threshold", [0.1, 2.0])
def test_a_relative_margin_is_a_share_of_what_the_best_is_from_zero(threshold: float) -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, threshold=threshold, threshold_mode="rel")
    margin = 10 * threshold
    assert followed(scheduler, [-10, -10 - margin + 0.5, -10 - margin - 0.5]) == [0.5, 0.25, 0.5]


def test_no_epoch_counts_after_a_raise_and_a_cut() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, cooldown=2, warmup=1)
    assert followed(scheduler, [5]) == [0.5]
    assert followed(scheduler, [1]) == [0.5]  # nor becomes the best,
    assert followed(scheduler, [4]) == [1.0]  # which was 5
    assert followed(scheduler, [0, 4]) == [1.0, 0.5]
    assert scheduler.in_cooldown
    assert followed(scheduler, [0, 9]) == [0.5, 0.5]
    assert not scheduler.in_cooldown
    assert followed(scheduler, [3]) == [1.0]
    assert counts(scheduler) == (3.0, 0, 0, 1, 0, 0)


def test_smaller_moves_than_eps_are_left_out() -> None:
    scheduler = ours.GreedyLR(sgd(0.5), factor=0.5, patience=0, eps=0.25, max_lr=4.0, warmup=1, cooldown=1)
    assert followed(scheduler, [2, 2, 2]) == [1.0, 1.0, 0.5]  # down by more than 0.25
    assert followed(scheduler, [2, 2]) == [0.5, 0.5]  # cooled, and not by 0.25
    assert (scheduler.cooldown_counter, scheduler.num_bad_epochs) == (1, 0)  # which counts as a cut all the same
    scheduler.max_lr = 0.75
    assert followed(scheduler, [2, 1]) == [0.5, 0.5]
    assert (scheduler.warmup_counter, scheduler.num_good_epochs) == (1, 0)


def test_a_rate_beyond_its_limits_is_not_moved_toward_them() -> None:
    scheduler = ours.GreedyLR(sgd(0.25, 2.0), factor=0.5, patience=0, min_lr=0.5, max_lr=1.0)
    step(scheduler, 3)
    assert rates(scheduler.optimizer) == [0.5, 2.0]
    scheduler.optimizer.param_groups[0]["lr"] = 0.125
    step(scheduler, 3)
    assert rates(scheduler.optimizer) == [0.125, 1.0]


def test_limits_of_each_group() -> None:
    scheduler = ours.GreedyLR(sgd(0.25, 0.25), factor=0.5, patience=0, min_lr=[0.25, 0.0], max_lr=[1.0, 0.375], reset_start=2)
    seen = []
    for loss in (3, 2, 2, 2, 2):
        step(scheduler, loss)
        seen.append(rates(scheduler.optimizer))
    assert seen == [[0.5, 0.375], [1.0, 0.375], [0.5, 0.1875], [0.25, 0.09375], [0.25, 0.046875]]
    assert scheduler.num_at_min == 0  # the first group alone is at its floor
    assert (scheduler.default_min_lr, scheduler.default_max_lr) == (None, None)


# -- starting over


def test_it_starts_over_after_cuts_at_the_floor() -> None:
    scheduler = ours.GreedyLR(sgd(0.5), factor=0.5, patience=0, cooldown=1, min_lr=0.125, max_lr=0.5, reset_start=2)
    assert followed(scheduler, [1, 1, 1, 1, 1]) == [0.5, 0.25, 0.25, 0.125, 0.125]
    assert counts(scheduler) == (1.0, 0, 0, 0, 0, 1)  # the cut that led to the floor is the first
    assert followed(scheduler, [1]) == [0.5]
    assert counts(scheduler) == (math.inf, 0, 0, 0, 1, 0)  # and is cooled down from
    assert followed(scheduler, [9, 9, 9]) == [0.5, 0.5, 0.25]  # not counted, the best, bad


@pytest.mark.parametrize("reset_start", [0, 1])
def test_it_may_start_over_at_once(reset_start: int) -> None:
    scheduler = ours.GreedyLR(sgd(0.5), factor=0.5, patience=0, min_lr=0.125, max_lr=0.5, reset_start=reset_start)
    assert followed(scheduler, [1, 1, 1, 1, 1]) == [0.5, 0.25, 0.5, 0.5, 0.25]


def test_a_raise_starts_the_count_anew() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, min_lr=0.125, max_lr=0.25, reset_start=2)
    assert followed(scheduler, [3, 3, 2]) == [0.25, 0.125, 0.25]
    assert followed(scheduler, [2, 2]) == [0.125, 0.25]


def test_a_reset_forgets_edits_and_window_and_goes_to_base_lrs() -> None:
    scheduler = ours.GreedyLR(sgd(0.5, 0.25), factor=0.5, patience=0, min_lr=0.1, reset_start=1, smooth=True, cooldown=9)
    step(scheduler, 1)
    for group in scheduler.optimizer.param_groups:
        group["lr"] = 0.05
    step(scheduler, 1)  # below the floor
    assert (rates(scheduler.optimizer), scheduler.window, scheduler.base_lrs) == ([0.5, 0.25], [], [0.5, 0.25])
    scheduler.base_lrs[1] = 0.125
    scheduler.cooldown_counter = 0
    scheduler.best = None
    step(scheduler, 1)
    assert rates(scheduler.optimizer) == [1.0, 0.25]

    optimizer = sgd(0.25)
    optimizer.param_groups[0]["initial_lr"] = 0.5
    scheduler = ours.GreedyLR(optimizer, factor=0.5, patience=0, min_lr=0.125, max_lr=0.25, reset_start=1)
    assert followed(scheduler, [1, 1]) == [0.25, 0.5]


def test_rounding_does_not_keep_a_rate_from_its_floor() -> None:
    for distance, after in ((2e-17, 0.5), (5e-9, 0.1 + 5e-9)):  # eps forbids the cut in both
        scheduler = ours.GreedyLR(sgd(0.5), factor=0.5, patience=0, min_lr=0.1, max_lr=0.5, reset_start=1)
        step(scheduler, 1)
        edited = scheduler.optimizer.param_groups[0]["lr"] = 0.1 + distance
        assert edited > 0.1
        assert followed(scheduler, [1]) == [after]


# -- smoothing


def test_the_mean_of_the_last_metrics() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, smooth=True, window_size=2)
    assert followed(scheduler, [4, 2, 4, 1]) == [0.5, 1.0, 0.5, 1.0]  # means 4, 3, 3, 2.5
    assert (scheduler.window, scheduler.best) == ([4.0, 1.0], 2.5)
    scheduler.window_size = 4
    assert followed(scheduler, [2.75, 2]) == [0.5, 1.0]  # 7.75 / 3, 9.75 / 4
    assert scheduler.window == [4.0, 1.0, 2.75, 2.0]
    scheduler.window_size = 1
    assert followed(scheduler, [2]) == [1.0]
    assert scheduler.window == [2.0]


def test_metrics_enter_the_mean_while_nothing_counts() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, smooth=True, window_size=2, warmup=1)
    assert followed(scheduler, [4, 0, 6]) == [0.5, 0.5, 1.0]  # the mean of 0 and 6 is 3


def test_a_huge_metric_leaves_no_trace() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=9, smooth=True, window_size=2)
    followed(scheduler, [1, 1e17, 1, 1])
    assert (scheduler.best, scheduler.num_bad_epochs) == (1.0, 3)  # a running sum would have 0 left
    scheduler = ours.GreedyLR(sgd(0.25), mode="max", smooth=True, window_size=3)
    followed(scheduler, [1.5e308, 1.5e308])  # whose sum no float holds
    assert (scheduler.best, scheduler.num_bad_epochs) == (1.5e308, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_no_number_becomes_the_best_or_enters_the_mean(mode: str, bad: float) -> None:
    ignoring = ours.GreedyLR(sgd(0.25), mode=mode, patience=0, warmup=1, smooth=True)
    step(ignoring, 1.0)
    before = counts(ignoring), ignoring.window
    with pytest.warns(UserWarning, match=r"GreedyLR: the metric is .*left out.*on_nan='bad'"):
        step(ignoring, bad)
    step(ignoring, bad)
    assert (counts(ignoring), ignoring.window, ignoring.last_epoch) == (*before, 3)

    counting = ours.GreedyLR(sgd(0.25), mode=mode, factor=0.5, patience=0, smooth=True, on_nan="bad")
    assert followed(counting, [bad, 1.0, bad]) == [0.125, 0.25, 0.125]
    assert (counting.best, counting.window) == (1.0, [1.0])

    raising = ours.GreedyLR(sgd(0.25), mode=mode, smooth=True, on_nan="raise")
    step(raising, 1.0)
    before = raising.state_dict()
    with pytest.raises(ValueError, match=r"GreedyLR: metrics must be finite, got .*on_nan='raise'"):
        step(raising, bad)
    assert raising.state_dict() == before


def test_the_mean_is_of_what_the_ranks_have_agreed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = ours.GreedyLR(sgd(0.25), smooth=True, sync=True)
    monkeypatch.setattr(ours.GreedyLR, "_over_ranks", lambda self, metric: metric + 1)
    followed(scheduler, [3, 1])
    assert (scheduler.window, scheduler.best) == ([4.0, 2.0], 3.0)


# -- what it shares with the other schedulers


def test_an_edit_is_moved_from_where_it_stands() -> None:
    scheduler = ours.GreedyLR(sgd(0.5), factor=0.5, patience=0)
    scheduler.optimizer.param_groups[0]["lr"] = 0.125
    assert followed(scheduler, [3]) == [0.25]
    scheduler.optimizer.param_groups[0]["lr"] = 0.75
    assert scheduler.get_last_lr() == [0.75]
    assert followed(scheduler, [3]) == [0.375]


def test_tensors_are_filled_in_place() -> None:
    held = torch.tensor(0.25)
    scheduler = ours.GreedyLR(sgd(held), factor=0.5, patience=0, min_lr=0.25, max_lr=0.5, reset_start=2)
    for loss, rate in ((3, 0.5), (3, 0.25), (3, 0.25), (3, 0.5)):  # raised, cut, started over, raised
        step(scheduler, torch.tensor(loss))
        assert scheduler.optimizer.param_groups[0]["lr"] is held
        assert (held.item(), held.dtype) == (rate, torch.float32)
    assert type(scheduler.best) is float


def test_late_groups() -> None:
    optimizer = sgd(0.25)
    scheduler = ours.GreedyLR(optimizer, factor=0.5, patience=0, min_lr=0.0, max_lr=0.5)
    step(scheduler, 3)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.375})
    step(scheduler, 2)
    assert rates(optimizer) == [0.5, 0.5]
    step(scheduler, 2)
    assert (rates(optimizer), scheduler.min_lrs, scheduler.max_lrs) == ([0.25, 0.25], [0.0, 0.0], [0.5, 0.5])


@pytest.mark.parametrize(("name", "loss"), [("max_lr", 1.0), ("min_lr", 3.0)])
def test_a_late_group_whose_limit_is_missing_changes_nothing(name: str, loss: float) -> None:
    optimizer = sgd(0.25)
    scheduler = ours.GreedyLR(optimizer, factor=0.5, patience=0, smooth=True, window_size=1, **{name: [0.125]})  # type: ignore[arg-type]
    scheduler.optimizer.param_groups[0]["lr"] = 0.0625
    step(scheduler, 2.0)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.25})
    before = everything(optimizer), counts(scheduler), scheduler.window, scheduler.last_epoch, scheduler._step_count
    with pytest.raises(
        RuntimeError, match=rf"GreedyLR: The number of param groups .* is now 2, and {name} .*append to scheduler\.{name}s"
    ):
        step(scheduler, loss)
    assert (everything(optimizer), counts(scheduler), scheduler.window, scheduler.last_epoch, scheduler._step_count) == before
    getattr(scheduler, f"{name}s").append(0.125)
    step(scheduler, loss)
    assert rates(optimizer) == ([0.125, 0.25] if name == "max_lr" else [0.125, 0.125])
    scheduler.patience = 3  # an assignment to another argument
    assert getattr(scheduler, name) == getattr(scheduler, f"{name}s") == [0.125, 0.125]
    state = scheduler.state_dict()
    assert (state[name], state[f"{name}s"], state[f"default_{name}"]) == ([0.125, 0.125], [0.125, 0.125], None)


def test_a_printed_line_for_each_move(capsys: pytest.CaptureFixture[str]) -> None:
    scheduler = ours.GreedyLR(sgd(0.5, 0.75), factor=0.5, patience=0, min_lr=0.375, max_lr=0.75, reset_start=1, verbose=True)
    followed(scheduler, [3])
    assert capsys.readouterr().out == "GreedyLR: lr of parameter group 0 goes from 5.0000e-01 to 7.5000e-01 at 1\n"
    scheduler.verbose = False
    followed(scheduler, [3])
    assert (rates(scheduler.optimizer), capsys.readouterr().out) == ([0.5, 0.75], "")  # started over
    scheduler.optimizer.param_groups[0]["lr"] = 0.125
    scheduler.verbose, scheduler.best = True, 1.0
    followed(scheduler, [3])
    assert capsys.readouterr().out.splitlines() == ["GreedyLR: lr of parameter group 0 goes from 1.2500e-01 to 5.0000e-01 at 3"]


def test_the_metric_has_its_kinds_and_the_epoch_its_number() -> None:
    scheduler = ours.GreedyLR(sgd())
    with pytest.raises(TypeError, match=r"GreedyLR: metrics must be a number, a 0-d tensor or array, got 'low'"):
        step(scheduler, "low")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"GreedyLR: epoch must be >= 0, got -1"):
        scheduler.step(1.0, epoch=-1)
    with pytest.raises(ValueError, match=r"GreedyLR: best must be finite, got nan"):
        scheduler.best = math.nan
    scheduler.step(1.0, epoch=7)
    assert (scheduler.last_epoch, scheduler.best) == (7, 1.0)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"mode": "up"}, ValueError, r"mode must be one of \('min', 'max'\), got 'up'"),
    ({"factor": 1.0}, ValueError, r"factor must be in \(0, 1\), got 1\.0"),
    ({"factor": 0}, ValueError, r"factor must be in \(0, 1\), got 0"),
    ({"patience": -1}, ValueError, r"patience must be a whole number >= 0, got -1"),
    ({"threshold": math.nan}, ValueError, r"threshold must be finite, got nan"),
    ({"threshold_mode": "ratio"}, ValueError, r"threshold_mode must be one of \('rel', 'abs'\), got 'ratio'"),
    ({"cooldown": 0.5}, ValueError, r"cooldown must be a whole number >= 0, got 0\.5"),
    ({"warmup": -1}, ValueError, r"warmup must be a whole number >= 0, got -1"),
    ({"min_lr": -1}, ValueError, r"min_lr must be >= 0, got -1"),
    ({"min_lr": [0.1]}, ValueError, r"min_lr needs one value per parameter group: 2 groups, 1 given"),
    ({"max_lr": -1}, ValueError, r"max_lr must be >= 0, got -1"),
    ({"max_lr": (0.1, 0.2, 0.3)}, ValueError, r"max_lr needs one value per parameter group: 2 groups, 3 given"),
    ({"max_lr": [0.1, "x"]}, TypeError, r"max_lr\[1\] must be a number, got 'x'"),
    ({"max_lr": 1e-4}, ValueError, r"min_lr must be <= max_lr, got 0\.001 and 0\.0001 for group 0"),
    ({"min_lr": [0.1, 0.2], "max_lr": [0.1, 0.1]}, ValueError, r"min_lr must be <= max_lr, got 0\.2 and 0\.1 for group 1"),
    ({"min_lr": 0.1, "max_lr": [0.1, 0.01]}, ValueError, r"min_lr must be <= max_lr, got 0\.1 and 0\.01 for group 1"),
    ({"min_lr": [0.1, 2]}, ValueError, r"min_lr must be <= max_lr, got 2 and 1\.0 for group 1"),
    ({"eps": -1}, ValueError, r"eps must be >= 0, got -1"),
    ({"verbose": 1}, TypeError, r"verbose must be True or False, got 1"),
    ({"smooth": "yes"}, TypeError, r"smooth must be True or False, got 'yes'"),
    ({"window_size": 0}, ValueError, r"window_size must be a whole number >= 1, got 0"),
    ({"reset_start": -1}, ValueError, r"reset_start must be a whole number >= 0, got -1"),
    ({"reset_start": None}, TypeError, r"reset_start must be a number, got None"),
    ({"on_nan": "stop"}, ValueError, r"on_nan must be one of \('ignore', 'bad', 'raise'\), got 'stop'"),
    ({"sync": "median"}, ValueError, r"sync must be True or False, None or one of .*, got 'median'"),
]


def assign(scheduler: Any, arguments: dict[str, Any]) -> None:
    for name, value in arguments.items():
        setattr(scheduler, name, value)


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    optimizer = sgd(0.1, 0.2)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match="GreedyLR: " + message):
        ours.GreedyLR(optimizer, **arguments)
    assert optimizer.state_dict() == before
    scheduler = ours.GreedyLR(optimizer)
    if "needs one value" not in message:
        was = copy.deepcopy(scheduler._hyper)
        with pytest.raises(error, match="GreedyLR: " + message):
            assign(scheduler, arguments)
        assert scheduler._hyper == was | dict(list(arguments.items())[:-1])


def test_no_optimizer() -> None:
    with pytest.raises(TypeError, match=r"GreedyLR: optimizer must have param_groups.*NoneType is not an Optimizer"):
        ours.GreedyLR(None)


def test_arguments_are_assigned_and_shown() -> None:
    scheduler = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, max_lr=0.5)
    assert repr(scheduler).startswith("GreedyLR(mode='min', factor=0.5, patience=0, threshold=1e-06, threshold_mode='abs', ")
    scheduler.max_lr = 2.0
    assert followed(scheduler, [5, 4]) == [0.5, 1.0]
    scheduler.patience = 1
    assert followed(scheduler, [3, 2]) == [1.0, 2.0]
    assert list(inspect.signature(ours.GreedyLR).parameters)[-3:] == ["on_nan", "sync", "process_group"]


# -- states


def test_a_state_is_strict_json_and_goes_on() -> None:
    def build() -> Any:
        return ours.GreedyLR(sgd(0.25), factor=0.5, patience=1, smooth=True, window_size=2)

    scheduler = build()
    assert scheduler.state_dict()["best"] is None
    followed(scheduler, [4.0, 2.0, 2.0])
    state = json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))
    told = {"best": 2.0, "window": [2.0, 2.0], "num_good_epochs": 1, "num_bad_epochs": 0, "warmup_counter": 0}
    told |= {"cooldown_counter": 0, "num_at_min": 0, "max_lr": 1.0, "default_max_lr": 1.0, "smooth": True, "window_size": 2}
    assert {name: state[name] for name in told} == told
    other = build()
    other.load_state_dict(state)
    assert rates(other.optimizer) == [0.5]
    assert followed(other, [1.0]) == followed(scheduler, [1.0]) == [1.0]
    scheduler.state_dict()["window"].append(9.0)
    assert scheduler.window == [2.0, 1.0]


def test_kept_hyperparameters_keep_what_was_counted() -> None:
    saved = ours.GreedyLR(sgd(0.25), factor=0.5, patience=0, smooth=True)
    followed(saved, [4.0, 2.0])
    keeper = ours.GreedyLR(sgd(0.125), factor=0.25, patience=2, smooth=True, window_size=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keeper.load_state_dict(saved.state_dict(), keep_hyperparameters=True)
    assert (rates(keeper.optimizer), keeper.factor, keeper.best) == ([0.5], 0.25, 3.0)
    assert followed(keeper, [2.0]) == [0.5]
    assert keeper.window == [2.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"_class": "ReduceLROnPlateau"}, r"the state is one of 'ReduceLROnPlateau'"),
        ({"best": math.nan}, r"best must be finite, got nan"),
        ({"best": "low"}, r"best must be a number, got 'low'"),
        ({"num_good_epochs": -1}, r"num_good_epochs must be a whole number >= 0, got -1"),
        ({"num_bad_epochs": 0.5}, r"num_bad_epochs must be a whole number >= 0, got 0\.5"),
        ({"warmup_counter": None}, r"warmup_counter must be a number, got None"),
        ({"cooldown_counter": True}, r"cooldown_counter must be a number, got True"),
        ({"num_at_min": -1}, r"num_at_min must be a whole number >= 0, got -1"),
        ({"window": 3.0}, r"window must be a list, got 3\.0"),
        ({"window": [1.0, math.inf]}, r"window\[1\] must be finite, got inf"),
        ({"window": [None]}, r"window\[0\] must be a number, got None"),
        ({"window_size": 0}, r"window_size must be a whole number >= 1, got 0"),
        ({"max_lr": [0.5, 0.5]}, r"max_lr must be a list of 1, got \[0\.5, 0\.5\]"),
        ({"max_lr": 0.0}, r"min_lr must be <= max_lr, got 0\.001 and 0\.0 for group 0"),
        *(
            ({name: ...}, rf"the state lacks '{name}'")
            for name in ("best", "window", "num_good_epochs", "warmup_counter", "num_at_min", "max_lr", "reset_start")
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.* replaces this scheduler's")
def test_a_damaged_state_is_refused_and_changes_nothing(change: dict[str, Any], message: str) -> None:
    saved = ours.GreedyLR(sgd(0.25), smooth=True)
    step(saved, 1.0)
    state = {name: value for name, value in {**saved.state_dict(), **change}.items() if value is not ...}
    scheduler = ours.GreedyLR(sgd(0.5), smooth=True)
    step(scheduler, 2.0)
    before = everything(scheduler.optimizer), scheduler.state_dict()
    with pytest.raises(ValueError, match="GreedyLR: " + message):
        scheduler.load_state_dict(state)
    assert (everything(scheduler.optimizer), scheduler.state_dict()) == before


FOREIGN: dict[str, Any] = {
    "factor": 0.5, "min_lrs": [0.125, 0.125], "max_lrs": [1.0, 2.0], "patience": 1, "verbose": False, "cooldown": 0,
    "warmup": 3, "cooldown_counter": 0, "warmup_counter": 1, "mode": "min", "threshold": 1e-6, "threshold_mode": "abs",
    "best": 3.0, "num_bad_epochs": 0, "num_good_epochs": 0, "eps": 1e-8, "last_epoch": 4, "smooth": True, "window_size": 2,
    "reset_start": 2, "reset_start_original": 3, "_last_lr": [0.125, 0.125], "_init_lrs": [0.5, 0.75],
    "_streaming_avg": {"window_size": 2, "values": [2.0, 4.0], "sum": 6.0},
}  # fmt: skip
"""What transformers' class saves."""


def test_a_state_of_transformers_loads() -> None:
    def build(smooth: bool) -> Any:
        return ours.GreedyLR(
            sgd(0.5, 0.75), "min", 0.5, 1, 1e-6, "abs", 0, 3, 0.125, [1.0, 2.0], 1e-8, False, smooth, 2, 3, on_nan="bad"
        )

    scheduler = build(True)
    scheduler.load_state_dict(FOREIGN)
    assert (rates(scheduler.optimizer), scheduler.base_lrs) == ([0.125, 0.125], [0.5, 0.75])
    assert counts(scheduler) == (3.0, 0, 0, 1, 0, 1)
    assert (scheduler.window, scheduler.reset_start, scheduler.last_epoch, scheduler._step_count) == ([2.0, 4.0], 3, 4, 5)
    assert (scheduler.min_lr, scheduler.max_lr, scheduler.on_nan) == (0.125, [1.0, 2.0], "bad")
    # the last epoch of the warm-up, then the means 3, 3 and 3, 3: two cuts at the floor, of which the second is the third
    assert followed(scheduler, [2.0, 4.0, 2.0, 4.0]) == [0.125] * 4
    assert followed(scheduler, [2.0]) == [0.5]
    assert rates(scheduler.optimizer) == [0.5, 0.75]

    scheduler = build(False)
    plain = {name: value for name, value in FOREIGN.items() if name != "_streaming_avg"}
    scheduler.load_state_dict({**plain, "smooth": False, "best": math.inf, "last_epoch": 0, "num_at_min": 7})
    assert (counts(scheduler), scheduler.window) == ((math.inf, 0, 0, 1, 0, 1), [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"_init_lrs": [0.1]}, r"initial of lr must be a list of 2 numbers, got \[0\.1\]"),
        ({"_streaming_avg": {"values": [math.nan]}}, r"window\[0\] must be finite, got nan"),
        ({"_streaming_avg": {}}, r"the state lacks 'values'"),
        ({"reset_start": 4}, r"num_at_min must be a whole number >= 0, got -1"),
        ({"reset_start": "2"}, r"unsupported operand"),
        ({"max_lrs": []}, r"the state cannot be read: list index out of range"),
        ({"_last_lr": [0.1]}, r"the state has 1 parameter groups, the optimizer 2"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* replaces this scheduler's")
def test_a_damaged_state_of_transformers_is_refused(change: dict[str, Any], message: str) -> None:
    scheduler = ours.GreedyLR(sgd(0.5, 0.75))
    before = everything(scheduler.optimizer), scheduler.state_dict()
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict({**FOREIGN, **change})
    assert (everything(scheduler.optimizer), scheduler.state_dict()) == before


# -- composites


def test_in_a_sequence_it_acts_in_its_turn() -> None:
    optimizer = sgd(0.5)
    greedy = ours.GreedyLR(optimizer, factor=0.5, patience=0, max_lr=2.0)
    scheduler = ours.SequentialLR(optimizer, [ours.ConstantLR(optimizer, 0.5, 9), greedy, ours.StepLR(optimizer, 9)], [2, 5])
    assert followed(scheduler, [9, 9, 8, 8, 0, 0]) == [0.25, 0.5, 1.0, 0.5, 0.5, 0.5]
    assert (greedy.best, greedy.last_epoch) == (8.0, 2)


def test_in_a_chain_it_moves_the_base() -> None:
    optimizer = sgd(2.0)
    greedy = ours.GreedyLR(optimizer, factor=0.5, patience=0, min_lr=1.0, max_lr=4.0, reset_start=2)
    scheduler = ours.ChainedScheduler([ours.ExponentialLR(optimizer, 0.5), greedy])
    # bases 4, 2, 1, at the floor again: 2 as at first; then 4, 2
    assert followed(scheduler, [5] * 6) == [4 / 2, 2 / 4, 1 / 8, 2 / 16, 4 / 32, 2 / 64]
    assert counts(greedy) == (5.0, 0, 0, 0, 0, 0)


def test_a_refused_step_of_a_chain_changes_nothing() -> None:
    optimizer = sgd(1.0)
    greedy = ours.GreedyLR(optimizer, factor=0.5, patience=0, max_lr=[4.0], smooth=True)
    scheduler = ours.ChainedScheduler([ours.ExponentialLR(optimizer, 0.5), greedy])
    step(scheduler, 3)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 1.0})
    before = everything(optimizer), counts(greedy), greedy.window, scheduler.last_epoch
    with pytest.raises(RuntimeError, match=r"GreedyLR: The number of param groups .* max_lr has one value for 1 of them"):
        scheduler.step(2)
    assert (everything(optimizer), counts(greedy), greedy.window, scheduler.last_epoch) == before
    greedy.max_lrs.append(4.0)
    optimizer.param_groups[1]["lr"] = math.nan
    with pytest.raises(ValueError, match=r"lr of parameter group 1 must be finite"):
        scheduler.step(2)
    assert (counts(greedy), greedy.window, scheduler.last_epoch) == before[1:]


def test_a_move_that_nobody_sees_is_told() -> None:
    optimizer = sgd(0.5)
    greedy = ours.GreedyLR(optimizer, factor=0.5, patience=0, max_lr=1.0)
    scheduler = ours.ChainedScheduler([greedy, ours.NoamScheduler(optimizer, 16, 1)])
    base = rates(optimizer)[0]
    with pytest.warns(UserWarning, match=r"ChainedScheduler: GreedyLR raised the base at 1, on which the rate does not depend"):
        step(scheduler, 3)
    assert rates(optimizer)[0] == base
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step(scheduler, 2)  # at the ceiling
    optimizer.param_groups[0]["lr"] = 0.25
    with pytest.warns(UserWarning, match=r"GreedyLR cut the base at 3"):
        step(scheduler, 2)
