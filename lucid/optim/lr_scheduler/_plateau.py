"""Schedulers that follow a metric."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import count
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau as _TorchReduceLROnPlateau

from lucid.optim.lr_scheduler._base import LRScheduler, Plan, _is_traced, _list, parameter_groups, warn
from lucid.optim.lr_scheduler._pinned import level_of
from lucid.schedules import Constant
from lucid.schedules._numbers import number

_CHOICES = {"mode": ("min", "max"), "threshold_mode": ("rel", "abs"), "on_nan": ("ignore", "bad", "raise")}
_FLAGS = ("verbose", "smooth")
_SYNCS = ("mean", "sum", "min", "max")


class ReduceLROnPlateau(LRScheduler, _TorchReduceLROnPlateau):
    r"""Cuts the rate when a metric has stopped improving.

    .. math:: \eta \leftarrow \max(\eta \, f, \eta_{min})

    when more than ``patience`` epochs in a row were bad, and if the cut is larger than ``eps``. An epoch is good if its metric
    beats the best one: with ``mode="min"`` by falling below best - threshold * abs(best) (``"rel"``) or best - threshold
    (``"abs"``), with ``"max"`` by rising above best + the same. After a cut, ``cooldown`` epochs count as neither.

    Args:
        optimizer: anything with ``param_groups``.
        mode: ``"min"`` for a loss, ``"max"`` for an accuracy.
        factor: :math:`f` in (0, 1).
        patience: how many bad epochs are borne, >= 0.
        threshold: >= 0, what counts as an improvement.
        threshold_mode: ``"rel"`` or ``"abs"``. Unlike PyTorch's, the relative margin is a share of abs(best), so negative
            metrics work.
        cooldown: epochs after a cut, >= 0.
        min_lr: :math:`\eta_{min} \ge 0`, or a list with one per group.
        eps: >= 0, smaller cuts are left out.
        on_nan: a metric that is NaN or infinite is left out of all counts, with one warning (``"ignore"``), is a bad epoch
            (``"bad"``) or a ValueError (``"raise"``). It never becomes the best.
        sync: with several ranks of ``torch.distributed``: True or ``"mean"`` averages the metric over them first, so that all
            decide alike; ``"sum"``, ``"min"`` and ``"max"`` likewise; a NaN of one is one for all. With None each decides by
            its own metric, and a process that finds those different warns once; False is the same without a word.
        process_group: the ranks that ``sync`` is over, where not all.

    Raises:
        TypeError: an argument or a metric that is no number.
        ValueError: a number outside of its range, an unknown mode, a list of another length than the groups, a
            ``process_group`` that this rank is not in, or that nothing is synced over.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        >>> for loss in [1.0, 0.9, 0.9, 0.9]:
        ...     optimizer.step()
        ...     scheduler.step(loss)
        >>> scheduler.get_last_lr()
        [0.25]
    """

    __slots__ = ("_metrics_seen", "_process_group", "default_min_lr", "min_lrs")

    min_lrs: list[float]
    """The floors, one per group. Where they were given as a list, append one for each group that is added."""
    default_min_lr: float | None
    """The floor of groups that come late, where one was given for all."""
    mode: str
    factor: float
    patience: int
    threshold: float
    threshold_mode: str
    cooldown: int
    min_lr: Any
    eps: float
    on_nan: str
    sync: bool | str | None
    num_bad_epochs: int
    cooldown_counter: int
    _limits: ClassVar[tuple[str, ...]] = ("min_lr",)
    """Hyper-parameters that bound the rate: a number, or a list with one per group."""
    _counters: ClassVar[tuple[str, ...]] = ("num_bad_epochs", "cooldown_counter")
    _process_group: Callable[[], Any]
    """Gives the ranks to sync over. A function, because copies of a scheduler share it, and groups cannot be copied."""
    _metrics_seen: int
    """How many metrics came here that were not synced."""
    _rules = {
        "mode": "",
        "factor": "in (0, 1)",
        "patience": "a whole number >= 0",
        "threshold": ">= 0",
        "threshold_mode": "",
        "cooldown": "a whole number >= 0",
        "min_lr": ">= 0",
        "eps": ">= 0",
        "on_nan": "",
        "sync": "",
    }

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
        *,
        on_nan: str = "ignore",
        sync: bool | str | None = None,
        process_group: Any = None,
    ) -> None:
        hyper = {
            "mode": mode,
            "factor": factor,
            "patience": patience,
            "threshold": threshold,
            "threshold_mode": threshold_mode,
            "cooldown": cooldown,
            "min_lr": min_lr,
            "eps": eps,
            "on_nan": on_nan,
            "sync": sync,
        }
        self._build(optimizer, hyper, process_group)

    def _build(self, optimizer: Any, hyper: dict[str, Any], process_group: Any) -> None:
        owner = type(self).__name__
        if process_group is not None:
            if not self._clean("sync", hyper["sync"]):
                raise ValueError(f"{owner}: process_group is what sync is over, got sync={hyper['sync']!r}; say sync=True")
            if torch.distributed.get_rank(process_group) < 0:
                raise ValueError(f"{owner}: this rank is not in process_group; give each rank a group that it is in")
        groups = len(parameter_groups(owner, optimizer))
        for name in self._limits:
            limit = hyper[name]
            if isinstance(limit, (list, tuple)) and len(limit) != groups:
                raise ValueError(f"{owner}: {name} needs one value per parameter group: {groups} groups, {len(limit)} given")
        self._attach(optimizer, -1, hyper)
        self._reset()
        if process_group is not None:
            self._process_group = lambda: process_group

    def _attach(self, *arguments: Any, **options: Any) -> None:
        self._metrics_seen, self._process_group = 0, _all_ranks
        super()._attach(*arguments, **options)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"_metrics_seen": 0, "_process_group": _all_ranks, **state})  # older versions had neither

    def _clean(self, name: str, value: Any) -> Any:
        owner = type(self).__name__
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise ValueError(f"{owner}: {name} must be one of {_CHOICES[name]}, got {value!r}")
            return value
        if name in _FLAGS:
            if not isinstance(value, bool):
                raise TypeError(f"{owner}: {name} must be True or False, got {value!r}")
            return value
        if name == "sync":
            if value is not None and not isinstance(value, bool | str):
                raise TypeError(f"{owner}: sync must be True or False, None or one of {_SYNCS}, got {value!r}")
            if isinstance(value, str) and value not in _SYNCS:
                raise ValueError(f"{owner}: sync must be True or False, None or one of {_SYNCS}, got {value!r}")
            return value
        rule = self._rules[name]
        if name in self._limits and isinstance(value, (list, tuple)):
            return [number(owner, f"{name}[{i}]", item, rule) for i, item in enumerate(value)]
        return number(owner, name, value, rule)

    def _told(self) -> list[str]:
        return [f"{name}={value!r}" for name, value in self._hyper.items()]

    @staticmethod
    def _plan(**hyper: Any) -> Plan:
        return {"lr": Constant()}  # the rate is its base, and the cuts move the base

    def _take(self, hyper: dict[str, Any]) -> None:
        super()._take(hyper)  # and what step() asks of them each time
        threshold: float = hyper["threshold"]
        self._lower: bool = hyper["mode"] == "min"
        self._margin = 0.0 if hyper["threshold_mode"] == "rel" else threshold
        self._share = threshold - self._margin
        self._patience: int = hyper["patience"]
        self._sync: bool | str | None = hyper["sync"]
        for name in self._limits:
            limit = hyper[name]
            listed = isinstance(limit, list)
            setattr(self, f"default_{name}", None if listed else limit)
            setattr(self, f"{name}s", limit if listed else [limit] * len(self.optimizer.param_groups))  # appended to, it stays

    def _reset(self) -> None:
        """Forget the metrics seen; the rates stay."""
        self._best: float | None = None
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self._warned_of_nan = False

    def _check_plan(self, keys: Any) -> None:
        raise NotImplementedError(
            f"{type(self).__name__}: its rates follow the metrics, not a plan; assign to group['lr'], or put it into a "
            "ChainedScheduler with an LRScheduler and change the plan of that"
        )

    # -- the metric

    @property
    def best(self) -> float:
        """The best metric so far; infinite, on the bad side, before the first."""
        return self.mode_worse if self._best is None else self._best

    @best.setter
    def best(self, value: float | None) -> None:
        none = value is None or math.isinf(value)
        self._best = None if none else float(number(type(self).__name__, "best", value))

    @property
    def mode_worse(self) -> float:  # type: ignore[override]
        """The infinity that every metric beats."""
        return math.inf if self.mode == "min" else -math.inf

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs count neither as good nor as bad."""
        return self.cooldown_counter > 0

    def is_better(self, a: float, best: float) -> bool:
        """Whether metric ``a`` improves on ``best`` by more than the threshold."""
        if best in (math.inf, -math.inf):
            return best == self.mode_worse
        if self._lower:
            return a < best * (1.0 - self._share if best >= 0 else 1.0 + self._share) - self._margin
        return a > best * (1.0 + self._share if best >= 0 else 1.0 - self._share) + self._margin

    _is_better = is_better  # the name in PyTorch 2.13

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        """One epoch onward, with its metric: a number, a 0-d tensor or array.

        Raises:
            TypeError: ``metrics`` is no number.
            ValueError: it is NaN or infinite and ``on_nan="raise"``; nothing has changed then.
        """
        if _is_traced():
            torch.compiler.disable(self._step)(epoch, metrics)  # type: ignore[no-untyped-call]
        else:
            self._step(epoch, metrics)

    def _step(self, epoch: Any = None, metrics: Any = None) -> None:
        count = self._step_count
        if not count:  # construction, which no metric has reached
            super()._step(epoch)
            return
        if self._parent is not None:
            self._check_free()
        plain = type(metrics) is float and not self._sync and -math.inf < metrics < math.inf
        metric = metrics if plain else self._metric(metrics)
        if plain and self._sync is None:
            self._compare(metrics)
        before = self.last_epoch
        t = before + 1 if epoch is None else number(type(self).__name__, "epoch", epoch, ">= 0")
        if count == 1:
            self._check_order() if epoch is None else self._unwatch()
        self.last_epoch, self._step_count = t, count + 1
        memory = self._counts(metric)
        if memory is not None:
            try:
                self._reduce_lr(t)
            except BaseException:  # a bad value in a group, or too few limits: nothing has happened
                self.last_epoch, self._step_count = before, count
                self._set(memory)
                raise

    def _rates(self) -> list[float]:
        track, groups = self._lr, self.optimizer.param_groups  # between cuts the groups are not looked at, but here
        return super()._rates() if track is None else track.plain(track.read(groups))

    def _memory(self) -> dict[str, Any]:
        """What the metrics seen have left, as plain data of its own."""
        return {"best": self._best, "num_bad_epochs": self.num_bad_epochs, "cooldown_counter": self.cooldown_counter}

    def _counts(self, metric: float | None) -> dict[str, Any] | None:
        """Count an epoch's metric. Where it calls for a move of the rate: what the memory was, should the move fail."""
        if metric is None:
            return None
        best, bad = self._best, self.num_bad_epochs
        if (best is None or self.is_better(metric, best)) and math.isfinite(metric):
            self._best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs <= self._patience:
            return None
        self.cooldown_counter = self.cooldown
        self.num_bad_epochs = 0
        return {"num_bad_epochs": bad, "cooldown_counter": 0}

    def _update_lr(self, epoch: Any = None) -> None:
        super()._step(epoch)  # no metric

    def _reduce_lr(self, epoch: Any) -> None:
        track, groups = self._tracks[0], self.optimizer.param_groups
        track.observe(groups)
        track.rebase(self._moved(track.bases, track.initial))
        track.put(groups, epoch)

    def _moved(self, bases: list[float], initial: list[float]) -> list[float]:
        """The rates, or what they are multiples of, after the move that the metrics call for."""
        factor, eps = self.factor, self.eps
        cuts = [max(lr * factor, floor) for lr, floor in zip(bases, self._limits_of("min_lr"), strict=True)]
        return [cut if lr - cut > eps else lr for lr, cut in zip(bases, cuts, strict=True)]

    def _init_is_better(self, mode: str, threshold: float, threshold_mode: str) -> None:
        self._change(mode=mode, threshold=threshold, threshold_mode=threshold_mode)

    def _metric(self, metrics: Any) -> float | None:
        """The metric as a float; None where the epoch is left out."""
        single = hasattr(metrics, "ndim") and hasattr(metrics, "item") and math.prod(metrics.shape) == 1
        value = metrics.item() if single else metrics
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{type(self).__name__}: metrics must be a number, a 0-d tensor or array, got {metrics!r}")
        try:
            metric = float(value)
        except OverflowError:  # a whole number beyond every float
            metric = math.inf if value > 0 else -math.inf
        if self._sync:
            metric = self._over_ranks(metric)
        elif self._sync is None:
            self._compare(metric)
        if math.isfinite(metric) or self.on_nan == "bad":
            return metric
        if self.on_nan == "raise":
            raise ValueError(f"{type(self).__name__}: metrics must be finite, got {metric!r} (on_nan='raise')")
        if not self._warned_of_nan:
            self._warned_of_nan = True
            warn(
                f"{type(self).__name__}: the metric is {metric}; such epochs are left out (on_nan='ignore'). "
                "on_nan='bad' counts them as bad, on_nan='raise' stops"
            )
        return None

    def _over_ranks(self, metric: float) -> float:
        """What the ranks make of their metrics: the same in each, whichever way the backend would have added them up."""
        ranks, group = torch.distributed, self._process_group()
        world = ranks.get_world_size(group) if ranks.is_available() and ranks.is_initialized() else 1
        if world == 1:
            return metric
        mine = torch.tensor([metric], dtype=torch.float64, device=_device_of(group))
        theirs = [torch.empty_like(mine) for _ in range(world)]
        ranks.all_gather(theirs, mine, group=group)
        metrics: list[float] = torch.cat(theirs).tolist()
        if any(map(math.isnan, metrics)):
            return math.nan
        if self._sync in ("min", "max"):
            return min(metrics) if self._sync == "min" else max(metrics)
        if not all(map(math.isfinite, metrics)):
            return sum(metrics)  # infinite, or NaN where both signs meet
        return _mean(metrics) * (world if self._sync == "sum" else 1)

    def _compare(self, metric: float) -> None:
        """Warn, once a process, of ranks that decide by different metrics: the first, second, fourth, eighth ... are compared.

        A rank leaves its metric in the store that the ranks met by, or finds there what another has left. So nobody waits
        for anybody, and a rank that alone comes here stands still no more than the others do.
        """
        global _warned_of_ranks
        self._metrics_seen = n = self._metrics_seen + 1
        ranks = torch.distributed
        if n & (n - 1) or _warned_of_ranks or not (ranks.is_available() and ranks.is_initialized()):
            return
        if ranks.get_world_size() == 1:
            return
        place, mine, differ = f"lucid/plateau/{_number_of(self)}", metric.hex(), False
        with suppress(RuntimeError, ValueError):  # no store, or one that is gone: this is a service, and stops no training
            store = ranks.distributed_c10d._get_default_store()
            differ = store.compare_set(f"{place}/{n}", "", mine).decode() != mine
            if differ:
                store.set(f"{place}/differ", "")
            else:  # the first one to come at a step has nothing to compare with: others tell it
                differ = store.check([f"{place}/differ"])
        if differ:
            _warned_of_ranks = True
            warn(
                f"{type(self).__name__}: the ranks have different metrics, so each moves its rate at its own time, and the "
                "models drift apart; sync=True averages the metric over the ranks, sync=False says that they are meant to"
            )

    def _limits_of(self, name: str) -> list[float]:
        """One limit for each group that there is now."""
        limits: list[float] = getattr(self, f"{name}s")
        one: float | None = getattr(self, f"default_{name}")
        groups = len(self.optimizer.param_groups)
        if len(limits) != groups:
            if one is None:
                raise RuntimeError(
                    f"{type(self).__name__}: The number of param groups in the optimizer is now {groups}, and {name} has one "
                    f"value for {len(limits)} of them; append to scheduler.{name}s"
                )
            limits += [one] * (groups - len(limits))
        return limits

    # -- state

    def _hyper_state(self) -> dict[str, Any]:
        state = super()._hyper_state()
        for name in self._limits:
            limits, one = list(getattr(self, f"{name}s")), getattr(self, f"default_{name}")
            state |= {f"{name}s": limits, f"default_{name}": one}
            if one is None or limits.count(one) != len(limits):
                state[name] = limits
        return state

    def _checked_hyper(self, state: Mapping[str, Any], keep: bool) -> tuple[dict[str, Any], list[Callable[[], None]]]:
        """How many ranks there are is of this run: a state has a say on ``sync`` only where its constructor had none."""
        theirs, mine = self._clean("sync", state["sync"]), self._hyper["sync"]
        return super()._checked_hyper({**state, "sync": theirs if mine is None else mine}, keep)

    def _extra_state(self) -> dict[str, Any]:
        return {**super()._extra_state(), **self._memory()}

    def _checked_extra(self, state: Mapping[str, Any]) -> dict[str, Any]:
        extra = super()._checked_extra({name: value for name, value in state.items() if name not in self._memory()})
        best = state["best"]
        if best is not None and not (type(best) is float and math.isinf(best)):  # as PyTorch's before the first metric
            best = number(type(self).__name__, "best", best)
        extra["best"] = best
        for name in self._counters:
            extra[name] = number(type(self).__name__, name, state[name], "a whole number >= 0")
        return extra

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        told = {**{name: self._hyper[name] for name in ("on_nan", "sync")}, **state}
        for name in self._limits:
            limits = state[f"{name}s"]
            told[name] = limits[0] if limits.count(limits[0]) == len(limits) else limits
        return told


class GreedyLR(ReduceLROnPlateau):
    r"""Raises the rate while a metric keeps improving, and cuts it when the metric has stopped improving.

    .. math::
        \eta \leftarrow \min(\eta / f, \eta_{max}) \text{ after more than patience good epochs in a row} \\
        \eta \leftarrow \max(\eta \, f, \eta_{min}) \text{ after more than patience bad ones}

    if that moves the rate by more than ``eps``. An epoch is good if its metric beats the best one, as in
    :class:`ReduceLROnPlateau`. For ``warmup`` epochs after a raise, and ``cooldown`` epochs after a cut, no epoch counts as
    either, nor becomes the best. When ``reset_start`` cuts since the last raise have left every rate at its floor, all starts
    over: from ``base_lrs``, with no best metric and no window. A rate beyond a limit is not moved toward it; below the floor it
    counts as there. In a composite the limits are those of the bases.

    Args:
        optimizer: anything with ``param_groups``.
        mode: ``"min"`` for a loss, ``"max"`` for an accuracy.
        factor: :math:`f` in (0, 1).
        patience: how many good or bad epochs in a row move nothing, >= 0.
        threshold: >= 0, what counts as an improvement.
        threshold_mode: ``"rel"`` or ``"abs"``.
        cooldown: epochs after a cut, >= 0.
        warmup: epochs after a raise, >= 0.
        min_lr: :math:`\eta_{min} \ge 0`, or a list with one per group. Lower it for rates like Adam's, which start below.
        max_lr: :math:`\eta_{max} \ge \eta_{min}`, or a list with one per group.
        eps: >= 0, smaller moves are left out.
        verbose: print every move of a rate.
        smooth: follow the mean of the last metrics.
        window_size: how many metrics that are, >= 1.
        reset_start: how many cuts at the floor, >= 0; 0 is as 1.
        on_nan: a metric that is NaN or infinite is left out of all counts, with one warning (``"ignore"``), is a bad epoch
            (``"bad"``) or a ValueError (``"raise"``). It never becomes the best, and never enters the mean.
        sync: with several ranks of ``torch.distributed``: True or ``"mean"`` averages the metric over them first, so that all
            decide alike; ``"sum"``, ``"min"`` and ``"max"`` likewise; a NaN of one is one for all. With None each decides by
            its own metric, and a process that finds those different warns once; False is the same without a word.
        process_group: the ranks that ``sync`` is over, where not all.

    Raises:
        TypeError: an argument or a metric that is no number.
        ValueError: a number outside of its range, a floor above its ceiling, an unknown mode, a list of another length than the
            groups, a ``process_group`` that this rank is not in, or that nothing is synced over.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.25)
        >>> scheduler = GreedyLR(optimizer, factor=0.5, patience=1)
        >>> rates = []
        >>> for loss in [1.0, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9]:
        ...     optimizer.step()
        ...     scheduler.step(loss)
        ...     rates += scheduler.get_last_lr()
        >>> rates
        [0.25, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]

    Source: GreedyLR of transformers, after `arXiv:2512.14527 <https://arxiv.org/abs/2512.14527>`_. The rates are the same, but:

    - the relative margin is a share of abs(best), so negative metrics work, and the first metric is always the best;
    - NaN and infinities are a matter of ``on_nan``. There NaN is a bad epoch, an infinity may stay the best for ever, and
      either spoils the mean for good;
    - the mean is exactly that of the window. There a running sum drifts, and keeps what a huge metric took from it;
    - a rate that rounding left just above its floor is at its floor. There it is neither cut nor counted, and the reset never
      comes;
    - a reset goes back to ``base_lrs``, the groups' ``initial_lr``. There it is what stood in them at construction;
    - a floor above its ceiling is refused;
    - tensor rates are filled in place, late groups are followed, ``reset_start`` keeps its value while ``num_at_min`` counts up
      to it. States that transformers' class saved load too.
    """

    __slots__ = ("default_max_lr", "max_lrs", "num_at_min", "num_good_epochs", "warmup_counter", "window")

    max_lrs: list[float]
    """The ceilings, one per group. Where they were given as a list, append one for each group that is added."""
    default_max_lr: float | None
    """The ceiling of groups that come late, where one was given for all."""
    warmup: int
    max_lr: Any
    verbose: bool
    smooth: bool
    window_size: int
    reset_start: int
    num_good_epochs: int
    warmup_counter: int
    num_at_min: int
    """Cuts since the last raise that left every rate at its floor."""
    window: list[float]
    """The last metrics, where ``smooth`` needs them."""
    _limits = ("min_lr", "max_lr")
    _counters = (*ReduceLROnPlateau._counters, "num_good_epochs", "warmup_counter", "num_at_min")
    _rules = {
        **ReduceLROnPlateau._rules,
        "warmup": "a whole number >= 0",
        "max_lr": ">= 0",
        "verbose": "",
        "smooth": "",
        "window_size": "a whole number >= 1",
        "reset_start": "a whole number >= 0",
    }

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.95,
        patience: int = 10,
        threshold: float = 1e-6,
        threshold_mode: str = "abs",
        cooldown: int = 0,
        warmup: int = 0,
        min_lr: float | list[float] = 1e-3,
        max_lr: float | list[float] = 1.0,
        eps: float = 1e-8,
        verbose: bool = False,
        smooth: bool = False,
        window_size: int = 50,
        reset_start: int = 500,
        *,
        on_nan: str = "ignore",
        sync: bool | str | None = None,
        process_group: Any = None,
    ) -> None:
        hyper = {
            "mode": mode,
            "factor": factor,
            "patience": patience,
            "threshold": threshold,
            "threshold_mode": threshold_mode,
            "cooldown": cooldown,
            "warmup": warmup,
            "min_lr": min_lr,
            "max_lr": max_lr,
            "eps": eps,
            "verbose": verbose,
            "smooth": smooth,
            "window_size": window_size,
            "reset_start": reset_start,
            "on_nan": on_nan,
            "sync": sync,
        }
        self._build(optimizer, hyper, process_group)

    def _original(self, hyper: dict[str, Any]) -> Plan:
        floor, ceiling = hyper["min_lr"], hyper["max_lr"]
        for i in range(max(len(limit) if isinstance(limit, list) else 1 for limit in (floor, ceiling))):
            low, high = level_of(floor, i), level_of(ceiling, i)
            if low > high:
                raise ValueError(f"{type(self).__name__}: min_lr must be <= max_lr, got {low!r} and {high!r} for group {i}")
        return super()._original(hyper)

    def _reset(self) -> None:
        super()._reset()
        self.num_good_epochs = self.warmup_counter = self.num_at_min = 0
        self.window = []

    # -- the metric

    def _memory(self) -> dict[str, Any]:
        return {"best": self._best, "window": list(self.window), **{name: getattr(self, name) for name in self._counters}}

    def _counts(self, metric: float | None) -> dict[str, Any] | None:
        if metric is None:
            return None
        memory, finite = self._memory(), math.isfinite(metric)
        if self.smooth and finite:
            metric = self._mean_with(metric)
        if self.cooldown_counter:
            self.cooldown_counter -= 1
        elif self.warmup_counter:
            self.warmup_counter -= 1
        elif finite and (self._best is None or self.is_better(metric, self._best)):
            self._best = metric
            self.num_good_epochs += 1
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
            self.num_good_epochs = 0
        return memory if max(self.num_good_epochs, self.num_bad_epochs) > self._patience else None

    def _mean_with(self, metric: float) -> float:
        """The mean of the window, which ``metric`` enters."""
        window = self.window = [*self.window, metric][-self.window_size :]
        return _mean(window)

    def _moved(self, bases: list[float], initial: list[float]) -> list[float]:
        if self.num_good_epochs:
            moved = self._raised(bases)
            self.num_good_epochs, self.warmup_counter, self.num_at_min = 0, self.warmup, 0
        else:
            moved = super()._moved(bases, initial)
            self.num_bad_epochs, self.cooldown_counter = 0, self.cooldown
            if all(lr <= floor or math.isclose(lr, floor) for lr, floor in zip(moved, self.min_lrs, strict=True)):
                self.num_at_min += 1
                if self.num_at_min >= self.reset_start:
                    moved = list(initial)
                    self._best, self.window, self.num_at_min = None, [], 0
        if self.verbose:
            for i, (lr, now) in enumerate(zip(bases, moved, strict=True)):
                if lr != now:
                    print(
                        f"{type(self).__name__}: lr of parameter group {i} goes from {lr:.4e} to {now:.4e} at {self.last_epoch}"
                    )
        return moved

    def _raised(self, bases: list[float]) -> list[float]:
        factor, eps = self.factor, self.eps
        raised = [min(lr / factor, ceiling) for lr, ceiling in zip(bases, self._limits_of("max_lr"), strict=True)]
        return [up if up - lr > eps else lr for lr, up in zip(bases, raised, strict=True)]

    # -- state

    def _checked_extra(self, state: Mapping[str, Any]) -> dict[str, Any]:
        extra, owner = super()._checked_extra(state), type(self).__name__
        window = enumerate(_list(owner, "window", state["window"]))
        extra["window"] = [float(number(owner, f"window[{i}]", metric)) for i, metric in window]
        return extra

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state that transformers' class saved; there ``reset_start`` counts down."""
        start, left = state["reset_start_original"], state["reset_start"]
        average = state.get("_streaming_avg")
        told = {"window": [] if average is None else average["values"], "num_at_min": start - left, "reset_start": start}
        return super()._from_torch({**state, **told, "base_lrs": state["_init_lrs"]})


def _mean(values: list[float]) -> float:
    """Of finite numbers, correctly rounded in whatever order they come."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is beyond every float, and the mean is not
        return float(sum(map(Fraction, values)) / len(values))


def _all_ranks() -> None:
    """The default group."""


_warned_of_ranks = False
_numbers = count()
_numbered: WeakKeyDictionary[ReduceLROnPlateau, int] = WeakKeyDictionary()


def _number_of(plateau: ReduceLROnPlateau) -> int:
    """The same on every rank: plateaus are numbered as they see their first metrics. A copy is another one."""
    if plateau not in _numbered:
        _numbered[plateau] = next(_numbers)
    return _numbered[plateau]


def _device_of(group: Any) -> torch.device:
    """Where a number must be for the group's backends to gather it."""
    served = [pair.split(":")[0] for pair in torch.distributed.get_backend_config(group).split(",")]
    return torch.device("cpu" if "cpu" in served else served[0])
