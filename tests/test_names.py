"""Names, group keys and positions that PyTorch's users rely on, and what tells of a scheduler without moving it."""

import math
import pickle
import types
from functools import partial
from typing import Any

import pytest
import torch
from cases import SCHEDULERS, adam, everything, follows_metrics, metrics, rates, sgd, step
from torch.optim import lr_scheduler as theirs

import lucid.optim.lr_scheduler as module
from lucid.optim import lr_scheduler as ours
from lucid.schedules import Absolute, Constant, Cosine, Exponential, Linear, OneCycle, Step

# -- what PyTorch exports


def test_every_name_of_pytorchs_is_here_and_ours() -> None:
    for name in theirs.__all__:
        mine = getattr(ours, name)
        assert mine.__module__.startswith("lucid.")
        assert mine is not getattr(theirs, name)
    assert "SWALR" in ours.__all__
    starred: dict[str, Any] = {}
    exec("from lucid.optim.lr_scheduler import *", starred)
    assert starred["OneCycleLR"] is ours.OneCycleLR
    assert isinstance(ours.EPOCH_DEPRECATION_WARNING, str)
    assert ours.EPOCH_DEPRECATION_WARNING != theirs.EPOCH_DEPRECATION_WARNING


def test_the_older_base_class_is_a_subclass_here_too() -> None:
    assert issubclass(ours._LRScheduler, ours.LRScheduler)
    assert issubclass(ours._LRScheduler, theirs._LRScheduler)
    assert ours._LRScheduler.__name__ == "_LRScheduler"
    assert not issubclass(ours.StepLR, ours._LRScheduler)

    class Old(module._LRScheduler):
        def get_lr(self) -> list[float]:
            if not self._get_lr_called_within_step:
                raise RuntimeError("asked from outside")
            factor = 1.0 if self._is_initial else 0.5
            return [group["lr"] * factor for group in self.optimizer.param_groups]

        def _get_closed_form_lr(self) -> list[float]:
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    optimizer = sgd(1.0)
    scheduler = Old(optimizer)
    assert rates(optimizer) == [1.0]
    step(scheduler)
    step(scheduler)
    assert rates(optimizer) == [0.25]
    scheduler.step(5)  # a jump asks the closed form, as in PyTorch
    assert rates(optimizer) == [0.5**5]
    with pytest.raises(RuntimeError, match="asked from outside"):
        scheduler.get_lr()
    assert not {"_get_lr_called_within_step", "_is_initial"} & vars(scheduler).keys()


def test_a_subclass_may_use_our_names() -> None:
    """Its attributes hide what is computed here, and assignments before construction wait for it."""

    class Mine(ours.StepLR):
        def __init__(self, optimizer: Any) -> None:
            self.gamma = 0.9
            self.schedule = "mine"
            super().__init__(optimizer, 3, gamma=0.5)

    scheduler = Mine(sgd())
    assert (scheduler.gamma, scheduler.schedule, scheduler.schedules) == (0.5, "mine", [Step(3, 0.5)])
    assert scheduler.state_dict()["schedule"] == "mine"
    assert isinstance(ours.StepLR.schedule, object)
    assert "follow" in (ours.StepLR.schedule.__doc__ or "")


def test_a_subclass_may_step_by_itself() -> None:
    class Mine(ours.LRScheduler):
        def get_lr(self) -> list[float]:
            return [base * 0.5 for base in self.base_lrs]

        def step(self, epoch: Any = None) -> None:
            self.last_epoch += 1
            for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
                group["lr"] = lr
            self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    scheduler = Mine(sgd(1.0))
    scheduler.optimizer.param_groups[0]["lr"] = 7.0
    scheduler.step()
    assert (scheduler.get_last_lr(), scheduler._last_lr, rates(scheduler.optimizer)) == ([0.5], [0.5], [0.5])


def test_get_lr_may_be_told_where_it_is_asked_from() -> None:
    class Mine(ours.LRScheduler):
        def get_lr(self) -> list[float]:
            return [1.0 if self._get_lr_called_within_step else 0.5]

    scheduler = Mine(sgd(1.0))
    assert (scheduler.get_lr(), rates(scheduler.optimizer)) == ([0.5], [1.0])
    with module._enable_get_lr_call(scheduler):
        assert scheduler.get_lr() == [1.0]
    assert scheduler.get_lr() == [0.5]
    with module._initial_mode(scheduler):
        assert scheduler._is_initial is True
    assert scheduler._is_initial is False


def test_initial_rates_of_tensors_are_tensors_of_their_own() -> None:
    lr = torch.tensor(0.5)
    optimizer = sgd(lr)
    scheduler = ours.CyclicLR(optimizer, torch.tensor(0.25), 1.0, 4)
    initial = optimizer.param_groups[0]["initial_lr"]
    assert (type(initial), initial.item(), initial.dtype, initial is not lr) == (torch.Tensor, 0.25, torch.float32, True)
    assert scheduler.base_lrs == [0.25]
    step(scheduler)
    assert (lr.item(), initial.item()) == (0.4375, 0.25)


def test_what_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'StepLR' object has no attribute 'gama'"):
        _ = ours.StepLR(sgd(), 3).gama


def test_nothing_of_ours_is_among_the_attributes_that_pytorchs_users_compare() -> None:
    for name, build in SCHEDULERS.items():
        scheduler = build(sgd(0.1, 0.2))
        public = {key for key in vars(scheduler) if not key.startswith("_")}
        assert public <= {"optimizer", "last_epoch", "num_bad_epochs", "cooldown_counter", "power"}, name


# -- what a scheduler tells


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if "own rates" not in name])
def test_rates_at_any_time_are_those_that_come(name: str) -> None:
    if name == "LRScheduler, weight decay alone":
        return
    scheduler = SCHEDULERS[name](sgd(0.1, 0.2))
    for metric in metrics(5):
        step(scheduler, metric)
    before = (everything(scheduler.optimizer), repr(scheduler.state_dict()))
    told = {t: scheduler.lr_at(t) for t in (40, 0, 7, 5, 33)}
    assert (everything(scheduler.optimizer), repr(scheduler.state_dict())) == before
    assert told[5] == pytest.approx(rates(scheduler.optimizer))
    if follows_metrics(name):
        return
    fresh = SCHEDULERS[name](sgd(0.1, 0.2))
    for t in range(41):
        if t in told:
            assert rates(fresh.optimizer) == pytest.approx(told[t])
        step(fresh)


def test_rates_at_a_time_follow_edits_and_late_groups() -> None:
    optimizer = sgd(1.0, 0.5)
    scheduler = ours.ExponentialLR(optimizer, 0.5)
    step(scheduler)
    optimizer.param_groups[0]["lr"] = 0.25  # half
    assert scheduler.lr_at(3) == [0.0625, 0.0625]
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.1, "initial_lr": 0.8})
    assert scheduler.lr_at(3) == [0.0625, 0.0625, 0.1]
    assert scheduler.lr_at(-5) == [0.5, 0.5, 0.8]
    assert scheduler.lr_at(1.5)[1] == pytest.approx(0.5 * 0.5**1.5)
    with pytest.raises(TypeError, match=r"ExponentialLR: t must be a number, got '3'"):
        scheduler.lr_at("3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"ExponentialLR: t must be finite, got inf"):
        scheduler.lr_at(math.inf)


def test_the_schedule_is_the_pure_one() -> None:
    optimizer = sgd(1.0, 0.5)
    assert ours.CosineAnnealingLR(optimizer, 9, 0.1).schedule == Cosine(9, 0.1, hold=False)
    several = ours.LRScheduler(optimizer, lr=[Step(3), Linear(4)], weight_decay=Constant(0.5))
    assert several.schedules == [Step(3), Linear(4)]
    assert several.schedules_of("weight_decay") == [Constant(0.5)] * 2
    with pytest.raises(ValueError, match=r"LRScheduler: the parameter groups follow several schedules; see \.schedules"):
        _ = several.schedule
    with pytest.raises(KeyError, match=r"LRScheduler: momentum is not scheduled; lr, weight_decay is"):
        several.schedules_of("momentum")
    assert ours.LRScheduler(optimizer, lr=[Step(3), Step(3)]).schedule == Step(3)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    assert several.schedules == [Step(3), Linear(4), Linear(4)]


def test_the_representation_shows_class_schedule_and_position() -> None:
    optimizer = sgd(1.0)
    scheduler = ours.OneCycleLR(optimizer, 0.5, 10, cycle_momentum=False)
    scheduler.step(4)
    assert repr(scheduler) == f"OneCycleLR(lr={Absolute(1.0) * OneCycle(10, 0.02, 0.5, 2e-6)!r}, last_epoch=4)"
    assert repr(ours.ReduceLROnPlateau(optimizer)).startswith("ReduceLROnPlateau(mode='min', factor=0.1, patience=10")
    many = ours.LRScheduler(sgd(*[0.1] * 9), lr=[Step(n) for n in range(1, 10)])
    assert repr(many).endswith("Step(every=4), ... 5 more], last_epoch=0)")


# -- CosineAnnealingWarmRestarts


@pytest.mark.parametrize("mult", [1, 2, 3])
def test_restarts_are_exact(mult: int) -> None:
    optimizer = sgd(0.3)
    scheduler = ours.CosineAnnealingWarmRestarts(optimizer, T_0=7, T_mult=mult, eta_min=0.01)
    start = 0
    for n in range(12 if mult > 1 else 400):
        scheduler.step(start)
        assert (rates(optimizer), scheduler.T_cur, scheduler.T_i) == ([0.3], 0, 7 * mult**n)
        length = 7 * mult**n
        scheduler.step(start + length - 1)
        expected = 0.01 + 0.29 * (1 + math.cos(math.pi * (length - 1) / length)) / 2
        assert rates(optimizer) == pytest.approx([expected], rel=1e-9)
        assert scheduler.T_cur == length - 1
        start += length


def test_float_epochs() -> None:
    mine, other = sgd(0.3), sgd(0.3)
    scheduler, twin = ours.CosineAnnealingWarmRestarts(mine, 3, 2), theirs.CosineAnnealingWarmRestarts(other, 3, 2)
    for epoch in (0, 0.1, 2.5, None, None, 9.25, None, 1.75, None, None, None, 20, None, 0.5, 60.125, None):
        for one in (scheduler, twin):
            one.step() if epoch is None else one.step(epoch)
        assert rates(mine) == pytest.approx(rates(other), rel=1e-9)
        assert (scheduler.last_epoch, scheduler.T_cur, scheduler.T_i) == (twin.last_epoch, pytest.approx(twin.T_cur), twin.T_i)
        resumed = ours.CosineAnnealingWarmRestarts(sgd(0.3), 3, 2)
        resumed.load_state_dict(pickle.loads(pickle.dumps(scheduler.state_dict())))
        again = ours.CosineAnnealingWarmRestarts(sgd(0.3), 3, 2)
        again.load_state_dict(twin.state_dict())
        for one in (resumed, again):
            assert (one.last_epoch, one.T_cur) == (scheduler.last_epoch, pytest.approx(scheduler.T_cur))
            assert rates(one.optimizer) == pytest.approx(rates(mine), rel=1e-9)
    with pytest.raises(ValueError, match=r"CosineAnnealingWarmRestarts: epoch must be >= 0, got -1"):
        scheduler.step(-1)


def test_the_place_in_the_cycle_is_assignable() -> None:
    mine, other = sgd(0.3), sgd(0.3)
    scheduler, twin = ours.CosineAnnealingWarmRestarts(mine, 8, 2), theirs.CosineAnnealingWarmRestarts(other, 8, 2)
    for assign in ({}, {"T_cur": 3}, {"T_cur": 5.5}, {"T_i": 12}, {"T_cur": 1}):
        for name, value in assign.items():
            setattr(scheduler, name, value)
            setattr(twin, name, value)
        for _ in range(5):
            mine.step()
            scheduler.step()
            twin.step()
            assert rates(mine) == pytest.approx(rates(other), rel=1e-9)
            assert (scheduler.T_cur, scheduler.T_i) == (pytest.approx(twin.T_cur), twin.T_i)
    with pytest.raises(ValueError, match=r"CosineAnnealingWarmRestarts: T_cur must be >= 0, got -1"):
        scheduler.T_cur = -1
    with pytest.raises(ValueError, match=r"CosineAnnealingWarmRestarts: T_i must be a whole number >= 1, got 0"):
        scheduler.T_i = 0


# -- OneCycleLR, CyclicLR, SWALR: levels in the groups


def test_group_keys_of_one_cycle() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.OneCycleLR(
        optimizer, [0.5, 1.0], 20, base_momentum=0.8, max_momentum=0.9, div_factor=10, final_div_factor=5
    )
    keys = [
        {k: g[k] for k in ("initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum")} for g in optimizer.param_groups
    ]
    common = {"base_momentum": 0.8, "max_momentum": 0.9}
    assert keys == [
        {"initial_lr": 0.05, "max_lr": 0.5, "min_lr": 0.01, **common},
        {"initial_lr": 0.1, "max_lr": 1.0, "min_lr": 0.02, **common},
    ]
    assert (scheduler.base_lrs, scheduler.total_steps, scheduler.use_beta1) == ([0.05, 0.1], 20, False)
    assert (scheduler._anneal_func_type, scheduler._annealing_cos(1.0, 0.0, 0.5)) == ("cos", pytest.approx(0.5))
    assert ours.OneCycleLR._annealing_linear(1.0, 0.0, 0.25) == 0.75
    assert ours.OneCycleLR(adam(), 0.1, 9).use_beta1


@pytest.mark.parametrize("key", ["initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum"])
def test_levels_in_the_groups_are_followed(key: str) -> None:
    mine, other = sgd(0.1, 0.2), sgd(0.1, 0.2)
    given = {"max_lr": 0.5, "total_steps": 12, "three_phase": True, "pct_start": 0.25}
    scheduler, twin = ours.OneCycleLR(mine, **given), theirs.OneCycleLR(other, **given)
    for t in range(11):
        if t in (1, 5, 8):
            for optimizer in (mine, other):
                optimizer.param_groups[1][key] = 0.5 + t / 100
        for one in (mine, other, scheduler, twin):
            one.step()
        for what in ("lr", "momentum"):
            assert rates(mine, what) == pytest.approx(rates(other, what))
    assert getattr(scheduler, key)[1] == 0.58
    optimizer = mine
    optimizer.param_groups[0][key] = -1.0
    with pytest.raises(ValueError, match=rf"OneCycleLR: {key}\[0\] must be"):
        scheduler.step()
    assert scheduler.last_epoch == 11


def test_a_late_group_gets_the_levels() -> None:
    optimizer = sgd(0.1)
    scheduler = ours.OneCycleLR(optimizer, 0.5, 12)
    step(scheduler)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.3})
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.3, "max_lr": 1.0})
    step(scheduler)
    step(scheduler)
    assert optimizer.param_groups[1]["max_lr"] == 0.5
    assert rates(optimizer)[0] == rates(optimizer)[1] == pytest.approx(rates(optimizer)[2], rel=0.6)
    scheduler.step(3)
    assert rates(optimizer)[2] > rates(optimizer)[1]


def test_a_run_goes_on_with_the_levels_that_came_with_the_optimizer() -> None:
    first = sgd(0.1)
    whole = ours.OneCycleLR(first, 0.5, 12)
    for _ in range(4):
        step(whole)
    resumed = sgd(0.1)
    resumed.load_state_dict(first.state_dict())
    scheduler = ours.OneCycleLR(resumed, 0.9, 12, last_epoch=3)
    assert (scheduler.max_lr, scheduler.last_epoch) == (0.5, 4)
    for _ in range(5):
        assert everything(first) == everything(resumed)
        step(whole)
        step(scheduler)


def test_one_cycle_holds_beyond_its_end_and_says_so_once() -> None:
    """pytorch#38170."""
    optimizer = sgd(0.1)
    scheduler = ours.OneCycleLR(optimizer, 0.5, 5)
    for _ in range(5):
        step(scheduler)  # a training of five batches steps five times
    last = rates(optimizer)
    assert last == [pytest.approx(0.5 / 25 / 1e4)]
    with pytest.warns(UserWarning, match=r"OneCycleLR: step 6 is beyond total_steps=5; the last rate holds") as caught:
        step(scheduler)
    assert caught[0].filename.endswith("cases.py")
    step(scheduler)
    assert rates(optimizer) == last


def test_names_of_cycles() -> None:
    optimizer = sgd(0.1, 0.2)
    scheduler = ours.CyclicLR(optimizer, 0.01, [0.1, 0.2], 4, 6, max_momentum=[0.9, 0.95])
    assert (scheduler.total_size, scheduler.step_ratio, scheduler.max_lrs) == (10.0, 0.4, [0.1, 0.2])
    assert (scheduler.base_momentums, scheduler.max_momentums) == ([0.8, 0.8], [0.9, 0.95])
    assert [group["max_momentum"] for group in optimizer.param_groups] == [0.9, 0.95]
    assert [group["base_momentum"] for group in optimizer.param_groups] == [0.8, 0.8]
    assert scheduler.use_beta1 is False
    assert ours.CyclicLR(adam(), 0.01, 0.1).use_beta1 is True
    bare = ours.CyclicLR(torch.optim.Adagrad([torch.nn.Parameter(torch.ones(1))]), 0.01, 0.1, cycle_momentum=False)
    assert "max_momentum" not in bare.optimizer.param_groups[0]


@pytest.mark.parametrize(("mode", "values"), [("triangular", [1, 1]), ("triangular2", [1, 0.25]), ("exp_range", [0.9, 0.9**3])])
def test_rules_of_cycles(mode: str, values: list[float]) -> None:
    mine, twin = (m.CyclicLR(sgd(), 0.01, 0.1, mode=mode, gamma=0.9) for m in (ours, theirs))
    assert isinstance(mine._scale_fn_ref, partial if mode == "exp_range" else types.FunctionType)
    assert mine._scale_fn_custom is None
    for one in (mine, twin):
        assert [one.scale_fn(x) for x in (1, 3)] == pytest.approx(values)
    state = mine.state_dict()
    assert (state["_scale_fn_custom"], "_scale_fn_ref" in state, "scale_fn" in state) == (None, False, False)
    assert mine.scale_mode == twin.scale_mode
    mine.scale_fn = abs
    assert (mine.scale_fn, mine._scale_fn_custom) == (abs, abs)


def test_the_other_names() -> None:
    optimizer = sgd(0.1, 0.2)
    swa = ours.SWALR(optimizer, [0.01, 0.02])
    assert [group["swa_lr"] for group in optimizer.param_groups] == [0.01, 0.02]
    assert swa._anneal_strategy == "cos"
    step(swa)
    optimizer.param_groups[0]["swa_lr"] = 0.05
    swa.step(30)
    assert rates(optimizer) == [0.05, 0.02]
    plateau = ours.ReduceLROnPlateau(optimizer, min_lr=[0.1, 0.2])
    assert (plateau.min_lrs, plateau.default_min_lr) == ([0.1, 0.2], None)
    assert ours.ReduceLROnPlateau(optimizer, min_lr=0.1).default_min_lr == 0.1
    sequence = ours.SequentialLR(optimizer, [ours.StepLR(optimizer, 3), swa2 := ours.StepLR(optimizer, 4)], [5])
    assert (sequence._milestones, sequence._schedulers[1]) == ([5], swa2)
    assert ours.MultiplicativeLR(optimizer, abs).lr_lambdas == [abs, abs]


def test_arguments_come_in_pytorchs_order_with_its_defaults() -> None:
    import inspect

    from torch.optim.swa_utils import SWALR

    for name in (*theirs.__all__, "SWALR"):
        if name == "LRScheduler":
            continue
        other = inspect.signature(getattr(theirs, name, SWALR))
        mine = inspect.signature(getattr(ours, name))
        shared = list(mine.parameters.values())[: len(other.parameters)]
        assert [(p.name, p.default) for p in shared] == [(p.name, p.default) for p in other.parameters.values()], name
        assert all(p.kind is p.KEYWORD_ONLY for p in list(mine.parameters.values())[len(shared) :]), name


# -- nothing to do, where it has a meaning


@pytest.mark.parametrize(
    ("build", "factor"),
    [
        (lambda o: ours.ConstantLR(o, 0.5, total_iters=0), 1.0),
        (lambda o: ours.LinearLR(o, 0.5, 0.25, total_iters=0), 0.25),
        (lambda o: ours.PolynomialLR(o, total_iters=0), 1.0),
        (lambda o: ours.SWALR(o, swa_lr=0.5, anneal_epochs=0), 0.5),
    ],
)
def test_no_time_at_all(build: Any, factor: float) -> None:
    """pytorch#193682."""
    scheduler = build(sgd(1.0))
    for _ in range(4):
        assert rates(scheduler.optimizer) == [factor]
        step(scheduler)


def test_a_factor_of_zero_ends() -> None:
    scheduler = ours.ConstantLR(sgd(1.0), factor=0.0, total_iters=2)
    seen = []
    for _ in range(4):
        seen.append(rates(scheduler.optimizer)[0])
        step(scheduler)
    assert seen == [0.0, 0.0, 1.0, 1.0]


def test_swa_starts_from_what_the_other_one_left() -> None:
    optimizer = sgd(1.0)
    decay = ours.ExponentialLR(optimizer, 0.5)
    swa = ours.SWALR(optimizer, swa_lr=0.05, anneal_epochs=4, anneal_strategy="linear")
    for _ in range(3):
        step(decay)
    seen = []
    for _ in range(6):
        seen.append(rates(optimizer)[0])
        step(swa)
    assert seen == pytest.approx([0.125 - 0.075 * min(t, 4) / 4 for t in range(6)])


# -- MultiplicativeLR


def test_products_are_kept_and_not_computed_twice() -> None:
    asked: list[int] = []

    def factor(t: int) -> float:
        asked.append(t)
        return 0.999

    scheduler = ours.MultiplicativeLR(sgd(1.0), factor)
    for _ in range(600):
        step(scheduler)
    assert asked == list(range(1, 601))
    assert scheduler.lr_at(400) == pytest.approx([0.999**400])
    assert asked[600:] == list(range(257, 401))  # from the nearest multiple of 256
    step(scheduler)
    assert asked[744:] == list(range(513, 602))
    assert scheduler.schedule(-3) == 1.0
    assert scheduler.schedule(torch.tensor([0.0, 2.5])).tolist() == pytest.approx([1.0, 0.999**2])


def test_products_stop_before_they_overflow_and_refuse_what_is_no_number() -> None:
    growing = ours.MultiplicativeLR(sgd(1.0), lambda t: 1e9)
    growing.step(300)
    assert rates(growing.optimizer) == [2.0**126]
    failing = ours.MultiplicativeLR(sgd(1.0), lambda t: math.nan if t == 3 else 0.5)
    with pytest.raises(ValueError, match=r"RunningProduct: fn\(3\) must be finite, got nan"):
        failing.step(5)
    assert (failing.last_epoch, rates(failing.optimizer)) == (0, [1.0])
    assert ours.MultiplicativeLR(sgd(1.0, 1.0), [lambda t: 0.5, lambda t: 1]).lr_at(2) == [0.25, 1.0]


def test_exponential_is_its_product() -> None:
    product, power = (
        build(sgd(1.0)) for build in (lambda o: ours.MultiplicativeLR(o, lambda t: 0.5), lambda o: ours.ExponentialLR(o, 0.5))
    )
    assert [product.lr_at(t) for t in range(9)] == [power.lr_at(t) for t in range(9)]
    assert power.schedule == Exponential(0.5)
