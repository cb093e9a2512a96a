"""Names that PyTorch's schedulers expose and its users rely on. They tell what a scheduler knows; no rate is decided here."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar, Self

import torch
from torch.optim.lr_scheduler import _LRScheduler as _TorchLegacyLRScheduler

from lucid.optim.lr_scheduler._base import LRScheduler, _is_traced
from lucid.optim.lr_scheduler._plan import length_of
from lucid.schedules import Repeat
from lucid.schedules._numbers import number

EPOCH_DEPRECATION_WARNING = "step(epoch) jumps to that epoch and is here to stay: Lucid never gives this warning."


class _LRScheduler(LRScheduler, _TorchLegacyLRScheduler):
    """The name that older subclasses extend."""


def _format_param(name: str, optimizer: Any, param: Any) -> list[Any]:
    """A value for each group, from one or from a list; tensors are copied."""
    groups = len(optimizer.param_groups)
    values = list(param) if isinstance(param, (list, tuple)) else [param] * groups
    if len(values) != groups:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups: {groups} groups, {len(values)} given")
    return [value.clone() if isinstance(value, torch.Tensor) else value for value in values]


def _param_groups_val_list(optimizer: Any, key: str) -> list[Any]:
    """What the groups hold under ``key``; tensors are copied."""
    return _format_param(key, optimizer, [group[key] for group in optimizer.param_groups])


def _update_param_group_val(param_group: dict[str, Any], key: str, val: Any) -> None:
    """Write a value; a tensor that is there is filled."""
    if isinstance(param_group[key], torch.Tensor):
        param_group[key].fill_(float(val))
    else:
        param_group[key] = val


class _enable_get_lr_call:  # noqa: N801
    """While it lasts, ``get_lr()`` of a subclass is told that it is asked from within a step."""

    flag = "_get_lr_called_within_step"

    def __init__(self, o: Any) -> None:
        self.o = o

    def __enter__(self) -> Self:
        setattr(self.o, self.flag, True)
        return self

    def __exit__(self, *error: object) -> None:
        delattr(self.o, self.flag)


class _initial_mode(_enable_get_lr_call):  # noqa: N801
    """While it lasts, ``get_lr()`` of a subclass is told that it is asked for the first rates."""

    flag = "_is_initial"


class LevelsInGroups(LRScheduler):
    """Schedulers whose levels stand in the parameter groups too, under keys that are looked at in every step.

    Inside a composite the keys tell, and are not looked at: two children would take each other's for an edit.
    """

    __slots__ = ("_ends", "_get_levels", "_levels")

    _group_keys: ClassVar[tuple[str, ...]] = ()
    """Group keys, each named as the hyper-parameter: a number, or a list with one per group."""
    _pads = True
    _looks: ClassVar[bool] = True
    """Whether the keys are looked at, or written alone."""
    _levels: list[Any]
    _get_levels: Callable[[dict[str, Any]], Any]
    _ends: float

    def _keys(self) -> tuple[str, ...]:
        """The keys in use: those of momentum only where that is scheduled."""
        cycles = self._hyper.get("cycle_momentum", True)
        return self._group_keys if cycles else tuple(key for key in self._group_keys if not key.endswith("momentum"))

    def _attach(self, optimizer: Any, last_epoch: Any, hyper: dict[str, Any], start: float = 0) -> None:
        if type(last_epoch) is int and last_epoch >= 0:  # a run that goes on: its levels came with the optimizer's state
            groups = optimizer.param_groups
            for key in self._group_keys:
                if all(key in group for group in groups):
                    hyper[key] = collapsed([group[key] for group in groups])
        super()._attach(optimizer, last_epoch, hyper, start)

    def _take(self, hyper: dict[str, Any]) -> None:
        super()._take(hyper)
        self._ends = hyper.get("total_steps", math.inf)
        if self._changes and self._ends < math.inf:
            given = any("schedule" in change and change["key"] == "lr" for change in self._changes)  # and holds its last value
            self._ends = math.inf if given else length_of(self._planned(hyper)["lr"])
        self._show()

    def _show(self) -> None:
        """Write the levels into the groups."""
        keys = self._keys()
        self._get_levels = itemgetter(*keys or ("params",))
        for i, group in enumerate(self.optimizer.param_groups):
            for key in keys:
                group[key] = level_of(self._hyper[key], i)
        self._levels = list(map(self._get_levels, self.optimizer.param_groups))

    def step(self, epoch: Any = None) -> None:
        """One unit of time onward; or to the time ``epoch`` at once, from ``base_lrs``, forgetting edits.

        Raises:
            ValueError: ``epoch`` is negative or not finite, or a group's level breaks the rule of the argument it is.
        """
        if _is_traced():
            torch.compiler.disable(self._step)(epoch)  # type: ignore[no-untyped-call]
            return
        if epoch is None and self._quick:
            groups = self.optimizer.param_groups
            t = self.last_epoch + 1
            if t <= self._ends and (not self._looks or self._unchanged(groups)):
                try:
                    for track in self._tracks:
                        track.advance(groups, t)
                except BaseException:
                    self._take_back(t)
                    raise
                self.last_epoch = t
                self._step_count += 1
                return
        self._step(epoch)

    def _unchanged(self, groups: list[dict[str, Any]]) -> bool:
        levels = self._levels
        try:
            if len(groups) == 1 == len(levels):
                return bool(self._get_levels(groups[0]) == levels[0])
            return list(map(self._get_levels, groups)) == levels
        except KeyError:  # a group that came without them
            return False

    def _step(self, epoch: Any = None) -> None:
        if self._looks and self._parent is None and self._step_count and not self._unchanged(self.optimizer.param_groups):
            self._follow_levels()
        super()._step(epoch)
        if self.last_epoch > self._ends:
            self._pass_the_end()

    def _follow_levels(self) -> None:
        """Take what others wrote under the keys; a group that came without them gets the last group's."""
        groups = self.optimizer.param_groups
        changes = {}
        for key in self._keys():
            levels = [group.get(key, level_of(self._hyper[key], i)) for i, group in enumerate(groups)]
            changes[key] = collapsed(levels)
        self._change(**changes)

    def _but_for_rounding(self, name: str, value: Any) -> Any:
        """A hyper-parameter that was computed from others of PyTorch's; ours, where only rounding tells them apart."""
        mine = self._hyper[name]
        both = isinstance(mine, (int, float)) and isinstance(value, (int, float))
        return mine if both and math.isclose(mine, value, rel_tol=1e-12) else value

    def _pass_the_end(self) -> None:
        """Once, beyond the end that the scheduler was given."""
        self._ends = math.inf


class CyclicNames(LevelsInGroups):
    """CyclicLR's."""

    __slots__ = ()

    _group_keys = ("base_momentum", "max_momentum")
    _looks = False

    @property
    def total_size(self) -> float:
        """Batches in a cycle."""
        return float(self._hyper["step_size_up"] + self._hyper["step_size_down"])

    @property
    def step_ratio(self) -> float:
        """The share of a cycle that goes up."""
        return float(self._hyper["step_size_up"] / self.total_size)

    @property
    def max_lrs(self) -> list[float]:
        """The peaks, one per group."""
        return self._per_group("max_lr")

    @property
    def base_momentums(self) -> list[float]:
        """Momentum at the peaks, one per group."""
        return self._per_group("base_momentum")

    @property
    def max_momentums(self) -> list[float]:
        """Momentum at the bottom, one per group."""
        return self._per_group("max_momentum")

    @property
    def use_beta1(self) -> bool:
        """Whether momentum is the first of the betas."""
        return uses_beta1(self.optimizer)

    def _per_group(self, name: str) -> list[float]:
        return [level_of(self._hyper[name], i) for i in range(len(self.optimizer.param_groups))]

    @property
    def scale_fn(self) -> Any:
        """The rule for the peak: the function that was given, or that of ``mode``."""
        custom = self._hyper["scale_fn"]
        return self._scale_fn_ref if custom is None else custom

    @scale_fn.setter
    def scale_fn(self, value: Any) -> None:
        self._change(scale_fn=value)

    @property
    def _scale_fn_custom(self) -> Any:
        return self._hyper["scale_fn"]

    @property
    def _scale_fn_ref(self) -> Any:
        mode = self._hyper["mode"]
        if mode == "exp_range":
            return partial(self._exp_range_scale_fn, self._hyper["gamma"])
        return self._triangular2_scale_fn if mode == "triangular2" else self._triangular_scale_fn

    @staticmethod
    def _triangular_scale_fn(x: float) -> float:
        return 1.0

    @staticmethod
    def _triangular2_scale_fn(x: float) -> float:
        return math.pow(2.0, 1 - x)

    @staticmethod
    def _exp_range_scale_fn(gamma: float, x: float) -> float:
        return math.pow(gamma, x)

    def _hyper_state(self) -> dict[str, Any]:
        state = super()._hyper_state()
        custom = state.pop("scale_fn")  # a name that is a method's there
        names = ("total_size", "step_ratio", "max_lrs", "base_momentums", "max_momentums", "use_beta1")
        return {**state, **{name: getattr(self, name) for name in names}, "_scale_fn_custom": custom}

    def _checked_hyper(self, state: Mapping[str, Any], keep: bool) -> tuple[dict[str, Any], list[Callable[[], None]]]:
        return super()._checked_hyper({**state, "scale_fn": state["_scale_fn_custom"]}, keep)


class OneCycleNames(LevelsInGroups):
    """OneCycleLR's."""

    __slots__ = ()

    _group_keys = ("initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum")

    def _take(self, hyper: dict[str, Any]) -> None:
        super()._take(hyper)
        self._anneal_func_type = hyper["anneal_strategy"]

    @property
    def total_steps(self) -> int:
        """How many steps there are in all, with those that :meth:`extend` gave it. Accelerate asks that."""
        length = length_of(self._lr.shared or self._lr.schedules) if self._changes and self._lr is not None else math.inf
        return int(self._hyper["total_steps"] if length == math.inf else math.ceil(length))

    @total_steps.setter
    def total_steps(self, value: int) -> None:
        if hasattr(self, "_hyper"):
            self._change(total_steps=value)

    @property
    def use_beta1(self) -> bool:
        """Whether momentum is the first of the betas."""
        return uses_beta1(self.optimizer)

    @staticmethod
    def _annealing_cos(start: float, end: float, pct: float) -> float:
        return end + (start - end) * (1 + math.cos(math.pi * pct)) / 2

    @staticmethod
    def _annealing_linear(start: float, end: float, pct: float) -> float:
        return start + (end - start) * pct


class WarmRestartNames(LRScheduler):
    """CosineAnnealingWarmRestarts': its time is any number, of which ``last_epoch`` is the whole part."""

    __slots__ = ()

    T_0: int
    T_mult: int
    eta_min: float

    @property
    def _time(self) -> Any:
        return self.last_epoch + vars(self).get("_fraction", 0)

    @_time.setter
    def _time(self, t: Any) -> None:
        self.last_epoch = math.floor(t)
        self._fraction = t - self.last_epoch

    def _steps_quickly(self) -> bool:
        return super()._steps_quickly() and not self._fraction

    def _cycle(self) -> tuple[int, float]:
        """The cycle of now, counted from 0, and when it began."""
        repeat: Repeat = self._plan(**self._hyper)["lr"]
        return repeat.cycle(self._time)

    @property
    def T_cur(self) -> float:  # noqa: N802
        """Epochs since the last restart; an assignment moves the position within the cycle, from the next step on."""
        return max(self._time - self._cycle()[1], 0)  # type: ignore[no-any-return]

    @T_cur.setter
    def T_cur(self, value: float) -> None:  # noqa: N802
        began = self._cycle()[1]
        self._time = began + number(type(self).__name__, "T_cur", value, ">= 0")
        self._quick = self._steps_quickly()

    @property
    def T_i(self) -> float:  # noqa: N802
        """Epochs from the last restart to the next; after an assignment the cycle of now counts as the first."""
        return self.T_0 * self.T_mult ** self._cycle()[0]  # type: ignore[no-any-return]

    @T_i.setter
    def T_i(self, value: float) -> None:  # noqa: N802
        t = self.T_cur
        self._change(T_0=number(type(self).__name__, "T_i", value, "a whole number >= 1"))
        self._time = t
        self._quick = self._steps_quickly()

    def _hyper_state(self) -> dict[str, Any]:
        return {**super()._hyper_state(), "T_cur": self.T_cur, "T_i": self.T_i}

    def _saved_time(self, state: Any) -> Any:
        t, since = super()._saved_time(state), number(type(self).__name__, "T_cur", state["T_cur"], ">= 0")
        if since > t + 1:
            raise ValueError(f"{type(self).__name__}: T_cur must not be beyond last_epoch {t}, got {since}")
        return t + (since - math.floor(since)) if t == math.floor(t) else t

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        owner = type(self).__name__
        first, mult, since = state["T_0"], state["T_mult"], state["T_cur"]
        if mult == 1:
            began = state["last_epoch"] // first * first
        else:  # the length of the cycle tells which one it is
            n = round(math.log(number(owner, "T_i", state["T_i"], "> 0") / first, mult))
            began = first * (mult**n - 1) // (mult - 1)
        return {**state, "last_epoch": began + since, "_step_count": math.floor(began + since) + 1}  # it counts no steps


class SWANames(LevelsInGroups):
    """SWALR's."""

    __slots__ = ()

    _group_keys = ("swa_lr",)

    def _take(self, hyper: dict[str, Any]) -> None:
        super()._take(hyper)
        self._anneal_strategy = hyper["anneal_strategy"]

    def _hyper_state(self) -> dict[str, Any]:
        return {**super()._hyper_state(), "_anneal_strategy": self._anneal_strategy}


def uses_beta1(optimizer: Any) -> bool:
    """Whether what is called momentum here is the first of the optimizer's betas."""
    return all("betas" in group and "momentum" not in group for group in optimizer.param_groups)


def level_of(value: Any, i: int) -> Any:
    """Group i's level; groups that came late have the last one."""
    return value[min(i, len(value) - 1)] if isinstance(value, list) else value


def collapsed(values: list[Any]) -> Any:
    """One number where all groups have the same."""
    return values[0] if values and values.count(values[0]) == len(values) else values
