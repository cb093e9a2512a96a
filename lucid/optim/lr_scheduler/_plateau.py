"""Schedulers that follow a metric."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau as _TorchReduceLROnPlateau

from lucid.optim.lr_scheduler._base import LRScheduler, Plan, _is_traced, parameter_groups, warn
from lucid.schedules import Constant
from lucid.schedules._numbers import number

_CHOICES = {"mode": ("min", "max"), "threshold_mode": ("rel", "abs"), "on_nan": ("ignore", "bad", "raise")}


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
        sync: average the metric over the ranks of ``torch.distributed`` first, so that all of them decide alike.

    Raises:
        TypeError: an argument or a metric that is no number.
        ValueError: a number outside of its range, an unknown mode, a list of another length than the groups.

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

    __slots__ = ("default_min_lr", "min_lrs")

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
    sync: bool
    num_bad_epochs: int
    cooldown_counter: int
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
        sync: bool = False,
    ) -> None:
        groups = len(parameter_groups("ReduceLROnPlateau", optimizer))
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != groups:
            raise ValueError(
                f"ReduceLROnPlateau: min_lr needs one value per parameter group: {groups} groups, {len(min_lr)} given"
            )
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
        self._attach(optimizer, -1, hyper)
        self._reset()

    def _clean(self, name: str, value: Any) -> Any:
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise ValueError(f"ReduceLROnPlateau: {name} must be one of {_CHOICES[name]}, got {value!r}")
            return value
        if name == "sync":
            if not isinstance(value, bool):
                raise TypeError(f"ReduceLROnPlateau: sync must be True or False, got {value!r}")
            return value
        rule = self._rules[name]
        if name == "min_lr" and isinstance(value, (list, tuple)):
            return [number("ReduceLROnPlateau", f"min_lr[{i}]", item, rule) for i, item in enumerate(value)]
        return number("ReduceLROnPlateau", name, value, rule)

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
        self._sync: bool = hyper["sync"]
        floor = hyper["min_lr"]
        self.default_min_lr = None if isinstance(floor, list) else floor
        self.min_lrs = list(floor) if isinstance(floor, list) else [floor] * len(self.optimizer.param_groups)

    def _reset(self) -> None:
        """Forget the metrics seen; the rates stay."""
        self._best: float | None = None
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self._warned_of_nan = False

    # -- the metric

    @property
    def best(self) -> float:
        """The best metric so far; infinite, on the bad side, before the first."""
        return self.mode_worse if self._best is None else self._best

    @best.setter
    def best(self, value: float) -> None:
        self._best = None if math.isinf(value) else float(number("ReduceLROnPlateau", "best", value))

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
        before, bad = self.last_epoch, self.num_bad_epochs
        t = before + 1 if epoch is None else number("ReduceLROnPlateau", "epoch", epoch, ">= 0")
        if count == 1:
            self._check_order() if epoch is None else self._unwatch()
        self.last_epoch, self._step_count = t, count + 1
        if self._counts(metric):
            try:
                self._reduce_lr(t)
            except BaseException:  # a bad value in a group, or too few floors: nothing has happened
                self.last_epoch, self._step_count = before, count
                self.num_bad_epochs, self.cooldown_counter = bad, 0
                raise

    def _rates(self) -> list[float]:
        track, groups = self._lr, self.optimizer.param_groups  # between cuts the groups are not looked at, but here
        return super()._rates() if track is None else track.plain(track.read(groups))

    def _counts(self, metric: float | None) -> bool:
        """Count an epoch's metric; whether the rate is to be cut."""
        if metric is None:
            return False
        best = self._best
        if (best is None or self.is_better(metric, best)) and math.isfinite(metric):
            self._best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs <= self._patience:
            return False
        self.cooldown_counter = self.cooldown
        self.num_bad_epochs = 0
        return True

    def _update_lr(self, epoch: Any = None) -> None:
        super()._step(epoch)  # no metric

    def _reduce_lr(self, epoch: Any) -> None:
        track, groups = self._tracks[0], self.optimizer.param_groups
        track.observe(groups)
        track.rebase([self._cut(i, lr) for i, lr in enumerate(track.bases)])
        track.put(groups, epoch)

    def _init_is_better(self, mode: str, threshold: float, threshold_mode: str) -> None:
        self._change(mode=mode, threshold=threshold, threshold_mode=threshold_mode)

    def _metric(self, metrics: Any) -> float | None:
        """The metric as a float; None where the epoch is left out."""
        single = hasattr(metrics, "ndim") and hasattr(metrics, "item") and math.prod(metrics.shape) == 1
        value = metrics.item() if single else metrics
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"ReduceLROnPlateau: metrics must be a number, a 0-d tensor or array, got {metrics!r}")
        try:
            metric = float(value)
        except OverflowError:  # a whole number beyond every float
            metric = math.inf if value > 0 else -math.inf
        if self.sync:
            metric = self._mean_over_ranks(metric)
        if math.isfinite(metric) or self.on_nan == "bad":
            return metric
        if self.on_nan == "raise":
            raise ValueError(f"ReduceLROnPlateau: metrics must be finite, got {metric!r} (on_nan='raise')")
        if not self._warned_of_nan:
            self._warned_of_nan = True
            warn(
                f"ReduceLROnPlateau: the metric is {metric}; such epochs are left out (on_nan='ignore'). "
                "on_nan='bad' counts them as bad, on_nan='raise' stops"
            )
        return None

    def _mean_over_ranks(self, metric: float) -> float:
        ranks = torch.distributed
        if not ranks.is_available() or not ranks.is_initialized():
            return metric
        on_gpu = ranks.get_backend() == "nccl"
        total = torch.tensor(metric, dtype=torch.float64, device=torch.accelerator.current_accelerator() if on_gpu else None)
        ranks.all_reduce(total)
        return float(total) / ranks.get_world_size()

    def _cut(self, i: int, lr: float) -> float:
        cut = max(lr * self.factor, self._floors()[i])
        return cut if lr - cut > self.eps else lr

    def _floors(self) -> list[float]:
        """One floor for each group that there is now."""
        floors, groups = self.min_lrs, len(self.optimizer.param_groups)
        if len(floors) != groups:
            if self.default_min_lr is None:
                raise RuntimeError(
                    "ReduceLROnPlateau: The number of param groups in the optimizer is now "
                    f"{groups}, and min_lr has one value for {len(floors)} of them; append to scheduler.min_lrs"
                )
            floors += [self.default_min_lr] * (groups - len(floors))
        return floors

    # -- state

    def _hyper_state(self) -> dict[str, Any]:
        floors, one = list(self.min_lrs), self.default_min_lr
        state = {**super()._hyper_state(), "min_lrs": floors, "default_min_lr": one}
        if one is None or floors.count(one) != len(floors):
            state["min_lr"] = floors
        return state

    def _extra_state(self) -> dict[str, Any]:
        return {**super()._extra_state(), "best": self._best}

    def _checked_extra(self, state: Mapping[str, Any]) -> dict[str, Any]:
        extra = super()._checked_extra({**state, "best": None})
        best = state["best"]
        if best is not None and not (type(best) is float and math.isinf(best)):  # as PyTorch's before the first metric
            best = number("ReduceLROnPlateau", "best", best)
        extra["best"] = math.inf if best is None else best
        for name in ("num_bad_epochs", "cooldown_counter"):
            extra[name] = number("ReduceLROnPlateau", name, state[name], "a whole number >= 0")
        return extra

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        floors = state["min_lrs"]
        ours = {name: self._hyper[name] for name in ("on_nan", "sync")}
        return {**ours, **state, "min_lr": floors[0] if floors.count(floors[0]) == len(floors) else floors}
