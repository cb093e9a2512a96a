"""Hostile and broken input: refused with what the documentation says, changing nothing and running nothing, or it works.

What is asked of each input stands in ``fuzz/targets.py``; ``./test --fuzz SECONDS`` asks it for as long as you like.
"""

import copy
import io
import json
import math
import pickle
import random
import re
import signal
import warnings
from typing import Any

import pytest
import torch
from cases import SCHEDULERS, Halving, factor, rates, sgd, step
from fuzz import job, targets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lucid
from lucid.optim import lr_scheduler as ours
from lucid.schedules import (
    WSD,
    Chebyshev,
    Constant,
    Cosine,
    CosineRestarts,
    Join,
    Linear,
    Noam,
    OneCycle,
    Polynomial,
    RangeTest,
    Schedule,
    Shift,
    _schedule,
    maximum,
)

quickly = settings(max_examples=120, suppress_health_check=list(HealthCheck))


@quickly
@given(data=st.binary(max_size=96))
def test_damaged_configurations(data: bytes) -> None:
    targets.config_data(data)


@quickly
@given(data=st.binary(max_size=96))
def test_damaged_states(data: bytes) -> None:
    targets.state(data)


@settings(quickly, max_examples=40)
@given(data=st.binary(max_size=96))
def test_damaged_files(data: bytes) -> None:
    targets.file(data)


@settings(quickly, max_examples=15)
@given(data=st.binary(max_size=96))
def test_damaged_checkpoints(data: bytes) -> None:
    targets.checkpoint(data)


@pytest.mark.parametrize("name", sorted(targets.TARGETS.keys() - targets.STRUCTURED))
def test_damaged_text(name: str) -> None:
    good, known, accepted = targets.seeds(name), targets.words(), 0

    @quickly
    @given(seed=st.integers(0, 2**64))
    def tried(seed: int) -> None:
        nonlocal accepted
        accepted += targets.TARGETS[name](targets.chance(name, random.Random(seed), good, known))

    tried()
    assert all(targets.TARGETS[name](data) for data in good)
    assert accepted  # not all of them come to nothing


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_what_is_fuzzed_begins_with_good_input(name: str) -> None:
    tried = [targets.TARGETS[name](data) for data in targets.seeds(name)[:60]]
    assert any(tried) or name == "checkpoint"


# -- the means themselves: a comparison that sees nothing would find nothing


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_picture_shows_whatever_moved(name: str) -> None:
    scheduler = targets.fresh(name)
    group = scheduler.optimizer.param_groups[0]
    before = targets.whole(scheduler)
    assert targets.whole(scheduler) == before
    for change in (
        lambda: setattr(scheduler, "mine", 3),
        lambda: setattr(scheduler, "_step_count", scheduler._step_count + 1),
        lambda: group.__setitem__("lr", math.nextafter(group["lr"], 1.0)),
        lambda: group.__setitem__("params", list(group["params"])),
        lambda: group["params"][0].data.add_(0.5),
        lambda: group["params"][0].detach().add_(0.0),
        lambda: scheduler.optimizer.state.__setitem__("x", 1),
        *[lambda track=track: track.bases.__setitem__(0, -1.0) for track in scheduler._tracks],
    ):
        change()
        after = targets.whole(scheduler)
        assert after != before
        before = after


def test_a_picture_of_data_shows_types_signs_and_what_is_where() -> None:
    one = [1.0]
    pairs = [(1, 1.0), (0.0, -0.0), (True, 1), ([one, one], [one, [1.0]]), ({"a": 1}, {"a": 2}), ((1,), [1])]
    for a, b in pairs:
        assert targets.picture(a) != targets.picture(b)
    assert targets.picture(math.nan) == targets.picture(math.nan)
    deep = targets.deep(20_000)
    assert targets.picture(deep) == targets.picture(deep)


@pytest.mark.parametrize("name", ["config_text", "state"])
def test_a_finding_is_written_and_can_be_run_again(name: str, tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    def broken(data: bytes) -> bool:
        if len(data) % 2:
            raise targets.BrokenError("odd")
        return True

    (tmp_path / "found").mkdir()
    monkeypatch.setattr(job, "PLACE", tmp_path)
    monkeypatch.setattr(job, "warm_up", lambda *_: None)
    monkeypatch.setitem(targets.TARGETS, name, broken if name == "config_text" else lambda data: broken(data + b"x"))
    with pytest.raises(SystemExit, match="1"):
        job.by_chance(name, 60, 0)
    (path,) = (tmp_path / "found").iterdir()
    with pytest.raises(targets.BrokenError, match="odd"):
        job.again(path)
    assert "odd" in capsys.readouterr().err
    assert json.loads((tmp_path / f"{name}.json").read_text())["inputs"] >= 0


def test_an_input_that_never_ends_is_a_finding(tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    def endless(data: bytes) -> bool:
        while True:
            pass

    (tmp_path / "found").mkdir()
    monkeypatch.setattr(job, "PLACE", tmp_path)
    monkeypatch.setattr(job, "PATIENCE", 0.1)
    monkeypatch.setattr(job, "warm_up", lambda *_: None)
    monkeypatch.setitem(targets.TARGETS, "state", endless)
    handler = signal.getsignal(signal.SIGPROF)
    with pytest.raises(SystemExit, match="1"):
        job.by_chance("state", 60, 0)
    assert len(list((tmp_path / "found").iterdir())) == 1
    assert "state: an input did not end in 0.1 s" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGPROF) == handler
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_time_and_memory_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setitem(targets.TARGETS, "x", lambda data: True)
    monkeypatch.setattr(targets, "SECONDS", -1.0)
    with pytest.raises(targets.BrokenError, match=r"x: an input of 2 bytes took \d"):
        targets.bounded("x", b"ab")
    monkeypatch.setattr(targets, "SECONDS", 60.0)
    monkeypatch.setattr(targets, "KIBIBYTES", -1)
    with pytest.raises(targets.BrokenError, match=r"x: an input of 2 bytes took 0 MiB"):
        targets.bounded("x", b"ab")


# -- what it found


def test_numbers_leave_room_for_what_formulas_make_of_them() -> None:
    with pytest.raises(ValueError, match=r"^Cosine: steps must be at most 1e\+300 in magnitude, got 1\.7e\+308$"):
        Cosine(1.7e308, hold=False)
    with pytest.raises(ValueError, match=r"^Piecewise: values\[1\] must be at most 1e\+300 in magnitude, got 1e\+301$"):
        lucid.get("piecewise", (0, 1), (1.0, 1e301))
    with pytest.raises(ValueError, match=r"^Shift: by must be at most 1e\+300 in magnitude, got -1e\+301$"):
        Cosine(9).shift(-1e301)
    for schedule in (
        Cosine(1e300, hold=False),
        Polynomial(5e-324, 1.5, cycle=True),
        RangeTest(41, 1e300),
        RangeTest(1e-308, 2.0),
    ):
        for t in (-3, 0, 1, 2**60, 1e300):
            assert math.isfinite(schedule(t, 0.1)), schedule
            assert math.isfinite(schedule(t, 0.0)), schedule
    for t in (0, 1e22, 2e23):
        assert math.isfinite(OneCycle(142402946114029466011506, pct_start=0.5, anneal="linear", three_phase=True)(t))
    assert Chebyshev(2**53, small=1e-300)(0) == pytest.approx(1e300)
    assert Noam(4.0, 1e-299)(3) == Noam(4.0, 0.5)(3) == 0.5 * 3**-0.5


def test_peaks_beyond_every_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^CosineRestarts: the last of 400 peaks is higher than every number$"):
        CosineRestarts(3, 400, decay=10.0)
    with pytest.raises(ValueError, match=r"^CosineRestarts: the last of 9999 peaks is higher than every number$"):
        CosineRestarts(3, 9999, decay=10**300)  # whose powers, as whole numbers, would fill the memory


@pytest.mark.parametrize("config", [targets.deep(20_000), {"schedule": targets.deep(20_000)}, targets.deep_dict(5_000, "of")])
def test_no_depth_is_too_deep_to_be_refused(config: Any) -> None:
    with pytest.raises(ValueError, match=r"^schedule configuration is nested deeper than 64$"):
        Schedule.from_dict(config)


def test_configurations_that_hold_themselves_are_refused() -> None:
    for config in (targets.itself_mapped(), {"schedule": "Join", "parts": targets.itself()}):
        with pytest.raises(ValueError, match=r"^schedule configuration is nested deeper than 64$"):
            Schedule.from_dict(config)


def test_a_small_text_makes_no_large_thing(monkeypatch: Any) -> None:
    assert _schedule._MOST == 100_000
    monkeypatch.setattr(_schedule, "_MOST", 1_000)
    many = '{"schedule": "CosineRestarts", "steps": 1, "times": 150, "growth": 1.0001, "warmup_steps": 1}'
    long = '{"schedule": "WSDS", "periods": [' + "1, " * 1_000 + '1], "decay_steps": 1}'
    told = r"^\w+: a configuration or expression may make at most 1000 schedules, and this is one more$"
    for parts in ([many] * 9, [long]):
        with pytest.raises(ValueError, match=told):
            Schedule.from_json('{"schedule": "Sum", "parts": [' + ", ".join(parts) + "]}")
    with pytest.raises(ValueError, match=told):
        lucid.parse(" + ".join(["CosineRestarts(1, 150, 0.9999)"] * 9))
    whole = Join(tuple(Linear(1) for _ in range(990)))
    assert Schedule.from_json(whole.to_json()) == whole  # which is much, and no more than it says
    for _ in range(3):
        assert len(Schedule.from_json(many)._made.parts) == 150  # type: ignore[attr-defined]
    assert maximum(Cosine(4)) == Cosine(4)
    assert len(maximum(*[Cosine(4)] * 3000).parts) == 3000  # type: ignore[attr-defined] (nobody reads)


def test_what_is_read_within_what_is_read_counts(monkeypatch: Any) -> None:
    monkeypatch.setattr(_schedule, "_MOST", 10)
    with _schedule.limited():
        for _ in range(10):
            Schedule.from_json('{"schedule": "Constant"}')
        with pytest.raises(ValueError, match=r"may make at most 10 schedules"):
            Schedule.from_json('{"schedule": "Constant"}')
    for _ in range(30):  # one after the other
        Schedule.from_json('{"schedule": "Constant"}')


def test_names_are_known_as_soon_as_there_is_a_class(monkeypatch: Any) -> None:
    monkeypatch.setattr(Schedule, "_registry", dict(Schedule._registry))
    assert lucid.get("constant") == Constant()
    with pytest.raises(ValueError, match=r"unknown schedule 'new_here'"):
        lucid.get("new_here")

    class NewHere(Schedule):
        aliases = {"newest": {}}  # noqa: RUF012

        def __call__(self, t: Any, base: Any = 1.0) -> Any:
            return base

    assert lucid.get("new_here") == lucid.get("newest") == NewHere()
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"unknown schedule 'new_here'"):
        lucid.get("new_here")


def test_what_doubles_with_each_word_ends() -> None:
    for text in ("cosine(9)" + ".warmup(1).shift(1)" * 40, "cosine(9)" + ".warmup(1)" * 40, "cosine(9)" + ".shift(1)" * 200):
        with pytest.raises(ValueError, match=r"is nested deeper than 64$"):
            lucid.parse(text)
    warmed: Schedule = Cosine(9)
    for _ in range(12):
        warmed = warmed.warmup(1)
    assert len(repr(warmed)) < 20_000
    assert warmed(12.0) == 1.0


def test_expressions_that_cut_at_no_number_are_refused() -> None:
    for text, got in (("constant[:constant * 0]", "0 * Constant()"), ("constant[:'x']", "'x'"), ("constant[:None]", "")):
        with pytest.raises(ValueError, match=rf"(^Cut: steps must be a number, got {re.escape(got)}$|first n units of time$)"):
            lucid.parse(text)


def test_what_takes_as_long_as_its_time_is_late_comes_from_no_data() -> None:
    told = r"^RunningProduct: no configuration or expression can hold it, .*; build it in code$"
    for text in ("multiplicative(cosine(9))", "RunningProduct(cosine(9)).shift(-1e15)"):  # which would go on for ever
        with pytest.raises(ValueError, match=told):
            lucid.parse(text)
    config = {"schedule": "RunningProduct", "fn": {"schedule": "Cosine", "steps": 9}}
    with pytest.raises(ValueError, match=told):
        Schedule.from_dict({"schedule": "Shift", "of": config, "by": -(10**15)})
    optimizer = sgd(0.5)
    scheduler = ours.MultiplicativeLR(optimizer, Cosine(9))
    step(scheduler)
    assert rates(optimizer) == [0.5 * Cosine(9)(1)]
    with pytest.raises(ValueError, match=told):
        scheduler.schedule.to_json()
    other = ours.MultiplicativeLR(sgd(0.5), Cosine(9))
    other.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    assert rates(other.optimizer) == rates(optimizer)
    product = ours.LRScheduler(sgd(0.5), lr=scheduler.schedule)
    step(product)
    again = ours.LRScheduler(sgd(0.5), lr=scheduler.schedule)
    again.load_state_dict(json.loads(json.dumps(product.state_dict())))
    assert rates(again.optimizer) == rates(product.optimizer) == rates(optimizer)


def test_expressions_count_what_schedules_are_made_of_as_deep() -> None:
    deep: dict[str, Any] = {"schedule": "Constant"}
    for _ in range(60):
        deep = {"schedule": "Shift", "of": deep, "by": 1}
    schedule = WSD(20, 9, 5, stable=Schedule.from_dict(deep))
    assert lucid.parse(repr(schedule)) == schedule
    deeper = WSD(20, 9, 5, stable=Shift(Shift(schedule.stable, 1), 1))
    assert Schedule.from_dict(deeper.to_dict()) == deeper
    with pytest.raises(ValueError, match=r"nested deeper than 64$"):
        lucid.parse(repr(deeper))


def test_expressions_of_half_characters_are_refused() -> None:
    with pytest.raises(ValueError, match=r"is no expression: it holds half a character$"):
        lucid.parse("cosine(\ud800)")


def test_whatever_is_read_can_be_written() -> None:
    deepest = lucid.parse("cosine(9)" + ".shift(1)" * 63)
    assert Schedule.from_json(deepest.to_json()) == lucid.parse(repr(deepest)) == deepest
    lists = "cosine(9)"
    for _ in range(20):
        lists = f"maximum(minimum({lists}, 2), 1)"  # whose parts are lists in JSON, another level each
    with pytest.raises(ValueError, match=r"^schedule configuration is nested deeper than 64$"):
        lucid.parse(lists)
    whole = " >> ".join(["(0.5 * cosine(9))"] * 70)  # side by side
    assert lucid.parse(whole) == lucid.parse(repr(lucid.parse(whole)))


def loaded(name: str, **changes: Any) -> tuple[Any, Any]:
    scheduler = SCHEDULERS[name](sgd(0.1, 0.2))
    step(scheduler, 1.0)
    return scheduler, {**copy.deepcopy(scheduler.state_dict()), **changes}


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("StepLR", {"_tracks": targets.deep(20_000)}, "^StepLR: the state is nested too deeply$"),
        ("StepLR", {"gamma": targets.deep(20_000)}, "^StepLR: the state is nested too deeply$"),
        ("OneCycleLR", {"max_lr": torch.ones(3)}, "^OneCycleLR: "),
        ("CyclicLR", {"base_lr": torch.tensor(1j)}, "^CyclicLR: "),
        ("LambdaLR", {"lr_lambdas": [{"evil": 1}, {"evil": 1}]}, "takes no attributes$"),
        ("StepLR", {"_last_lr": [1e300, 0.1]}, r"^StepLR: last of lr must be at most 2\*\*126 in magnitude, got 1e\+300$"),
        ("StepLR", {"base_lrs": [0.1, 1e300]}, r"^StepLR: initial of lr must be at most 2\*\*126 in magnitude, got 1e\+300$"),
        ("ChainedScheduler", {"_starts": "xy"}, "^ChainedScheduler: _starts must be a list, got 'xy'$"),
        ("ChainedScheduler", {"_starts": [0, None]}, "^ChainedScheduler: _starts must be a number, got None$"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*replaces this scheduler's:UserWarning")
def test_states_that_were_not_refused_once(name: str, changes: dict[str, Any], message: str) -> None:
    scheduler, state = loaded(name, **changes)
    before = targets.whole(scheduler)
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(state)
    assert targets.whole(scheduler) == before


def test_attributes_of_a_state_are_not_nested_deeper_than_can_be_saved() -> None:
    scheduler, state = loaded("StepLR")
    scheduler.mine = [1]
    with pytest.raises(ValueError, match=r"^StepLR: mine is nested deeper than 64$"):
        scheduler.load_state_dict({**state, "mine": targets.deep(300)})
    assert scheduler.mine == [1]
    scheduler.mine = targets.deep(300)
    assert "mine" not in scheduler.state_dict()  # as what is no plain data


def test_rates_so_large_that_ratios_overflow_are_refused_with_kept_hyperparameters() -> None:
    scheduler, state = loaded("SWALR")
    state["_tracks"]["lr"]["bases"][1] = 1e37
    state["base_lrs"] = [0.1, 1e-300]
    before = targets.whole(scheduler)
    with pytest.raises(ValueError, match=r"must be at most 2\*\*126 in magnitude"):
        scheduler.load_state_dict(state, keep_hyperparameters=True)
    assert targets.whole(scheduler) == before


def test_a_slope_next_to_nothing_makes_no_infinite_base() -> None:
    scheduler, state = loaded("LRScheduler, product")
    tracks = {"lr": {"bases": [0.1, 0.2], "held": [0.0, 0.0], "hidden": [[0, 0.1, True], [1, 0.2, True]]}}
    scheduler.load_state_dict({**state, "last_epoch": 1e-308, "_last_lr": [0.0, 0.0], "_tracks": tracks})
    step(scheduler)
    assert rates(scheduler.optimizer) == pytest.approx([0.1 * 0.1 / 1.1, 0.2 * 0.1 / 1.1])


def test_held_rates_beyond_reach_are_refused() -> None:
    scheduler, state = loaded("StepLR")
    state["_tracks"]["lr"]["held"] = [0.1, 1e300]
    with pytest.raises(ValueError, match=r"^StepLR: held of lr must be at most 2\*\*126 in magnitude, got 1e\+300$"):
        scheduler.load_state_dict(state)


@pytest.mark.filterwarnings("ignore:.*replaces this scheduler's True:UserWarning")
@pytest.mark.filterwarnings("ignore:.*replaces this scheduler's False:UserWarning")
def test_a_child_whose_state_cycles_no_momentum_leaves_it() -> None:
    def build(cycle: bool) -> Any:
        optimizer = sgd(0.1, 0.2)
        children = [ours.OneCycleLR(optimizer, 0.3, 9, cycle_momentum=cycle), ours.StepLR(optimizer, 4)]
        return ours.SequentialLR(optimizer, children, [5])

    without, other = build(False), build(True)
    step(without)
    with pytest.warns(UserWarning, match=r"OneCycleLR: the state's cycle_momentum False replaces this scheduler's True"):
        other.load_state_dict(without.state_dict())
    for _ in range(7):
        step(without)
        step(other)
        assert rates(other.optimizer) == rates(without.optimizer)
        assert json.dumps(other.state_dict()) == json.dumps(without.state_dict())
    state = build(True).state_dict()
    before = targets.whole(without)
    with pytest.raises(ValueError, match=r"^SequentialLR: "):
        without.load_state_dict(state)
    assert targets.whole(without) == before


def test_positions_before_the_start() -> None:
    scheduler, state = loaded("CosineAnnealingWarmRestarts", T_cur=0.0)
    with pytest.raises(ValueError, match=r"^CosineAnnealingWarmRestarts: last_epoch must be -1 or >= 0, got -0\.5$"):
        scheduler.load_state_dict({**state, "last_epoch": -0.5})
    scheduler.load_state_dict({**state, "last_epoch": -1})
    again, _ = loaded("CosineAnnealingWarmRestarts")
    again.load_state_dict(scheduler.state_dict())
    assert again.state_dict() == scheduler.state_dict()
    step(again)
    assert again.last_epoch == again.T_cur == 0


def test_starts_that_the_children_deny_are_not_believed() -> None:
    scheduler, state = loaded("ChainedScheduler")
    other, _ = loaded("ChainedScheduler")
    other.load_state_dict({**state, "_starts": [0, -40]})
    for _ in range(12):
        step(scheduler)
        step(other)
        assert rates(other.optimizer) == rates(scheduler.optimizer)


@pytest.mark.parametrize("depth", [1, 2])
def test_children_of_a_chain_are_no_further_than_they_can_go(depth: int) -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler: Any = ours.MultiplicativeLR(optimizer, factor)
    for _ in range(depth):
        scheduler = ours.ChainedScheduler([ours.ConstantLR(optimizer, 0.5, 4), scheduler])
    step(scheduler)
    state = inner = copy.deepcopy(scheduler.state_dict())
    for _ in range(depth):
        inner = inner["_schedulers"][1]
    inner["last_epoch"] = 10**15  # to which its function would be called as many times, at the next step
    before = targets.whole(scheduler)
    with pytest.raises(ValueError, match=r"^MultiplicativeLR: last_epoch must be at most 100000000, got 1000000000000000$"):
        scheduler.load_state_dict(state)
    assert targets.whole(scheduler) == before


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("CyclicLR", {"total_size": [0], "step_ratio": 2**40}, r"^CyclicLR: total_size must be a number, got \[0\]$"),
        ("CyclicLR", {"step_ratio": "x"}, r"^CyclicLR: step_ratio must be a number, got 'x'$"),
        ("CyclicLR", {"total_size": 0}, r"^CyclicLR: total_size must be > 0, got 0$"),
        ("MultiStepLR", {"milestones": dict.fromkeys(range(1500), 999)}, r"^MultiStepLR: milestones must count epochs, got "),
    ],
)
def test_torchs_states_that_would_fill_the_memory_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    given, _ = targets.saved_state(f"{name} of torch", 2)
    scheduler = targets.fresh(f"{name} of torch")
    before = targets.whole(scheduler)
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict({**given, **changes})
    assert targets.whole(scheduler) == before


def test_starts_of_a_nested_chain_round_and_are_kept() -> None:
    def build() -> Any:
        optimizer = sgd(0.1, 0.2)
        chain = ours.ChainedScheduler([ours.ConstantLR(optimizer, 0.5, 4), ours.ExponentialLR(optimizer, 0.9)])
        return ours.ChainedScheduler([ours.SequentialLR(optimizer, [chain, ours.StepLR(optimizer, 3)], [14])])

    scheduler, other = build(), build()
    step(scheduler)
    state = scheduler.state_dict()
    inner = state["_schedulers"][0]["_schedulers"][0]
    inner["_starts"] = [0, -0.1]
    inner["_schedulers"][1]["last_epoch"] = 1.1
    scheduler.load_state_dict(state)
    for _ in range(9):
        step(scheduler)
        other.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
        assert json.dumps(other.state_dict()) == json.dumps(scheduler.state_dict())


def test_odd_tensors_in_torchs_states_are_refused() -> None:
    given, _ = targets.saved_state("ReduceLROnPlateau of torch", 2)
    scheduler = targets.fresh("ReduceLROnPlateau of torch")
    before = targets.whole(scheduler)
    for odd in (torch.ones(2), torch.tensor(1j)):
        with pytest.raises(ValueError, match=r"^ReduceLROnPlateau: "):
            scheduler.load_state_dict({**given, "min_lrs": [odd, odd.clone()]})
        assert targets.whole(scheduler) == before


def test_functions_keep_their_attributes_to_themselves() -> None:
    scheduler, state = loaded("LambdaLR, object")
    scheduler.load_state_dict({**state, "lr_lambdas": [{"every": 3}, {"every": 3}]})
    assert isinstance(scheduler.lr_lambdas[0], Halving)
    assert scheduler.lr_lambdas[0].every == 3
    assert not vars(factor)


def test_a_chain_knows_when_its_children_start_after_a_jump_back() -> None:
    def build(ahead: int) -> Any:
        optimizer = sgd(1.0)
        first = ours.StepLR(optimizer, 4, gamma=0.5)
        for _ in range(ahead):
            step(first)
        return ours.ChainedScheduler([first, ours.StepLR(optimizer, 3, gamma=0.1)])

    scheduler, other = build(3), build(3)
    scheduler.step(1)  # before the second one starts
    other.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    for _ in range(9):
        step(scheduler)
        step(other)
        assert rates(other.optimizer) == rates(scheduler.optimizer)


# -- files


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("how", range(6))
def test_files_run_nothing(how: int, old: bool, tmp_path: Any) -> None:
    path = tmp_path / "x.pt"
    torch.save({"epoch": 3, "x": targets.Bomb(how)}, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        lucid.load(path)
    assert not targets.RAN
    if how == 0:  # it is a bomb
        lucid.load(path, weights_only=False)
        assert targets.RAN.pop() == ("ran",)


def test_a_checkpoint_runs_nothing(tmp_path: Any) -> None:
    given = targets.parts()
    path = lucid.save_checkpoint(tmp_path, step=1, **given)
    torch.save({"lucid checkpoint": 1, "step": 2, "extra": targets.Bomb(), "parts": {}, "rng": {}}, path)
    before = targets.states_of(given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"damaged|cut short"):
            lucid.load_checkpoint(tmp_path, **given)
    assert targets.states_of(given) == before
    assert not targets.RAN


def test_files_of_what_holds_itself() -> None:
    around: list[Any] = [torch.ones(1)]
    around += [around, {"all": around}]
    buffer = io.BytesIO()
    torch.save(around, buffer)
    found = lucid.load(io.BytesIO(buffer.getvalue()))
    assert found[1] is found
    assert found[2]["all"] is found
    assert type(found[0]) is lucid.Tensor
    named: dict[str, Any] = {"x": torch.ones(1)}
    named["itself"] = named
    buffer = io.BytesIO()
    torch.save(named, buffer)
    found = lucid.load(io.BytesIO(buffer.getvalue()))
    assert found["itself"] is found


def test_files_nested_too_deeply(monkeypatch: Any) -> None:
    monkeypatch.setattr(torch, "load", lambda *_, **__: targets.deep(20_000))  # its pickles have no limit
    with pytest.raises(ValueError, match=r"^lucid\.load: the file holds lists and dicts that are nested too deeply$"):
        lucid.load(io.BytesIO())


def test_a_checkpoint_whose_optimizer_numbers_its_parameters_oddly_is_refused(tmp_path: Any) -> None:
    from lucid import _checkpoint

    given = targets.parts()
    path = lucid.save_checkpoint(tmp_path, step=1, **given)
    content = torch.load(path, weights_only=True)
    content["parts"]["optimizer"]["param_groups"][0]["params"] = [{}, 1]
    with path.open("wb+") as file:
        _checkpoint._write(file, content)
    with pytest.raises(ValueError, match=r"does not fit optimizer: it is no optimizer's state"):
        lucid.load_checkpoint(path, **given)


def test_a_checkpoint_with_odd_names_is_told(tmp_path: Any) -> None:
    given = targets.parts()
    path = lucid.save_checkpoint(tmp_path, step=1, model=torch.nn.Linear(2, 1), optimizer=given["optimizer"])
    content = torch.load(path, weights_only=True)
    content["parts"]["model"][None] = 3
    from lucid import _checkpoint

    with path.open("wb+") as file:
        _checkpoint._write(file, content)
    with pytest.raises(ValueError, match=r"does not fit model: it alone has None"):
        lucid.load_checkpoint(path, model=given["model"])
