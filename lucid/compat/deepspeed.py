"""The ``scheduler`` section of a DeepSpeed configuration, and DeepSpeed's schedulers under their own names.

    from lucid.compat import deepspeed

    scheduler = deepspeed.from_config("ds_config.json's content, as a dict", optimizer)
    scheduler = deepspeed.WarmupDecayLR(optimizer, total_num_steps=10_000, warmup_num_steps=500)

Names, parameters and defaults are DeepSpeed's, and so are the values after construction from the beginning and after every
``step()``. The schedulers are Lucid's all the same: their state is exact, they know ``lr_at(t)`` and ``schedules``, and they
take part in composites. They load what DeepSpeed's saved, and DeepSpeed's load what they save.

**Time.** DeepSpeed counts from -1: construction is index -1 and the first ``step()`` index 0, and the warm-ups have the same
value at both. Lucid's time ``t`` counts calls of ``step()``: ``t = last_batch_iteration + 1``. The schedules here are told in
``t``; ``step(i)`` takes DeepSpeed's index, as there.

What is different, on purpose: an unknown ``warmup_type`` and whatever would give a rate below zero are refused, where DeepSpeed
warns or goes on. Rates are in the groups after ``load_state_dict()``, and after construction with a ``last_batch_iteration`` of
0 or more; DeepSpeed leaves the groups alone then, and writes with the next step.
"""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, ClassVar, overload

from lucid.optim import lr_scheduler
from lucid.optim.lr_scheduler._base import LRScheduler, Plan, parameter_groups, warn
from lucid.optim.lr_scheduler._pinned import collapsed, uses_beta1
from lucid.optim.lr_scheduler._schedulers import _numbers, _one_per_group, _per_group
from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    InversePower,
    Piecewise,
    Polynomial,
    RangeTest,
    Schedule,
    Warmup,
)
from lucid.schedules._numbers import hold, number
from lucid.schedules._schedule import did_you_mean

__all__ = ["LRRangeTest", "OneCycle", "WarmupCosineLR", "WarmupDecayLR", "WarmupLR", "from_config"]

_BETA2 = 0.99  # what DeepSpeed's OneCycle sets the second beta to
_TYPES = ("log", "linear")


class _DeepSpeed(LRScheduler):
    """DeepSpeed's counting, and its way to hand a scheduler on."""

    __slots__ = ()

    _groupwise: ClassVar[frozenset[str]] = frozenset()
    """Hyper-parameters that may have one value per parameter group."""

    def _begin(self, optimizer: Any, last_batch_iteration: Any, hyper: dict[str, Any]) -> None:
        owner = type(self).__name__
        groups = parameter_groups(owner, optimizer)
        for name in self._groupwise:
            _one_per_group(owner, name, hyper[name], len(groups))
        index = number(owner, "last_batch_iteration", last_batch_iteration)
        if index < -1:
            raise ValueError(f"{owner}: last_batch_iteration must be >= -1, got {last_batch_iteration!r}")
        hyper = self._settled(hyper, optimizer)
        if index >= 0 and all("initial_lr" in group for group in groups):
            self._attach(optimizer, index, hyper)
        else:  # DeepSpeed's leave no initial_lr: what stands in the group is the base
            self._attach(optimizer, -1, hyper, start=index + 1)

    @classmethod
    def _settled(cls, hyper: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        """The hyper-parameters, checked, and those that follow from others or from the optimizer, if there is one."""
        return {name: cls._check(name, value) for name, value in hyper.items()}

    @classmethod
    def _check(cls, name: str, value: Any) -> Any:
        owner = cls.__name__
        if value == "auto" and isinstance(value, str):
            raise ValueError(
                f"{owner}: {name} is 'auto', which only an integration knows how to fill in (transformers, Accelerate); "
                f"give the number: config['scheduler']['params'][{name!r}] = ..."
            )
        if name == "warmup_type":
            return hold(owner, name, value, [("choice", _TYPES)])
        rule = cls._rules[name]
        if rule == "":
            return hold(owner, name, value, [("bool", None)])
        return _numbers(owner, name, value, rule, name in cls._groupwise)

    def _clean(self, name: str, value: Any) -> Any:
        return self._check(name, value)

    @property
    def last_batch_iteration(self) -> Any:
        """DeepSpeed's index: how often ``step()`` was called, less one."""
        return self._time - 1

    def step(self, last_batch_iteration: Any = None) -> None:
        """One batch onward; or to DeepSpeed's index ``last_batch_iteration`` at once.

        Raises:
            ValueError: ``last_batch_iteration`` is below -1 or not finite.
        """
        if last_batch_iteration is None:
            super().step()
            return
        owner = type(self).__name__
        index = number(owner, "last_batch_iteration", last_batch_iteration)
        if index < -1:
            raise ValueError(f"{owner}: last_batch_iteration must be >= -1, got {last_batch_iteration!r}")
        super().step(index + 1)

    def _hyper_state(self) -> dict[str, Any]:
        return {**super()._hyper_state(), "last_batch_iteration": self.last_batch_iteration}  # for DeepSpeed's own loading

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        if "last_batch_iteration" not in state:
            return state
        owner = type(self).__name__
        t = number(owner, "last_batch_iteration", state["last_batch_iteration"]) + 1
        rates = [float(schedule(t, base)) for schedule, base in zip(self.schedules, self.base_lrs, strict=False)]
        now = {"last_epoch": t, "_step_count": int(t) + 1, "base_lrs": list(self.base_lrs), "_last_lr": rates}
        return {**self._hyper, **now}  # that index is all that DeepSpeed saves


class LRRangeTest(_DeepSpeed):
    r"""From a low rate up in a straight line without end: how much a model stands.

    .. math::
        x = \begin{cases} \lfloor t / n \rfloor & \text{staircase} \\ t / n & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{min} \, (1 + r x)

    Absolute: the groups' own rates are overwritten. ``Absolute(min) * RangeTest(n, r, staircase)``.

    Args:
        optimizer: anything with ``param_groups``.
        lr_range_test_min_lr: :math:`\eta_{min} \ge 0`, or a list with one per group.
        lr_range_test_step_size: :math:`n`, batches, a whole number >= 1.
        lr_range_test_step_rate: :math:`r \ge 0`, multiples of the lowest rate that come on top every :math:`n` batches.
        lr_range_test_staircase: whether it goes up only every :math:`n` batches.
        last_batch_iteration: -1 starts at the beginning; i stands where DeepSpeed's index is i.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, a list of another length than the groups.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.1)
        >>> scheduler = LRRangeTest(optimizer, lr_range_test_min_lr=0.25, lr_range_test_step_size=2)
        >>> [scheduler.lr_at(t)[0] for t in range(5)]
        [0.25, 0.375, 0.5, 0.625, 0.75]

    Source: Smith, "A disciplined approach to neural network hyper-parameters" (2018).
    """

    lr_range_test_min_lr: Any
    lr_range_test_step_size: int
    lr_range_test_step_rate: float
    lr_range_test_staircase: bool
    _rules = {  # noqa: RUF012
        "lr_range_test_min_lr": ">= 0",
        "lr_range_test_step_size": "a whole number >= 1",
        "lr_range_test_step_rate": ">= 0",
        "lr_range_test_staircase": "",
    }
    _groupwise = frozenset({"lr_range_test_min_lr"})

    def __init__(
        self,
        optimizer: Any,
        lr_range_test_min_lr: float | list[float] = 1e-3,
        lr_range_test_step_size: int = 2000,
        lr_range_test_step_rate: float = 1.0,
        lr_range_test_staircase: bool = False,
        last_batch_iteration: int = -1,
    ) -> None:
        hyper = {
            "lr_range_test_min_lr": lr_range_test_min_lr,
            "lr_range_test_step_size": lr_range_test_step_size,
            "lr_range_test_step_rate": lr_range_test_step_rate,
            "lr_range_test_staircase": lr_range_test_staircase,
        }
        self._begin(optimizer, last_batch_iteration, hyper)

    def step(self, batch_iteration: Any = None) -> None:
        """One batch onward; or to DeepSpeed's index ``batch_iteration`` at once."""
        super().step(batch_iteration)

    @staticmethod
    def _plan(
        *,
        lr_range_test_min_lr: Any,
        lr_range_test_step_size: int,
        lr_range_test_step_rate: float,
        lr_range_test_staircase: bool,
    ) -> Plan:
        size, rate = lr_range_test_step_size, lr_range_test_step_rate

        def rise(low: float) -> Schedule:
            return Absolute(low) * RangeTest(size, rate, lr_range_test_staircase) if rate else Absolute(low)

        return {"lr": _per_group("LRRangeTest", rise, lr_range_test_min_lr=lr_range_test_min_lr)}


class OneCycle(_DeepSpeed):
    r"""Up in a straight line and down again, smoothly or in stairs, then ever lower; the first beta goes the other way.

    .. math::
        N = u + d \\
        \eta(t) = \begin{cases}
            \eta_{min} + (\eta_{max} - \eta_{min}) \, t / u & t < u \\
            \eta_{min} + (\eta_{max} - \eta_{min}) \, (N - t) / d & t < N \\
            \eta_{min} / (1 + r (t - N) / n) & \text{otherwise}
        \end{cases}

    Absolute: the groups' own rates are overwritten. With :math:`k` stairs, :math:`t / u` is
    :math:`\lfloor t k / u \rfloor / k`, and so on the way down. The first beta falls from ``cycle_max_mom`` to
    ``cycle_min_mom`` while the rate rises and rises while it falls; then it is ``cycle_max_mom`` times
    :math:`1 + m (t - N) / n`. As with DeepSpeed it is ``cycle_min_mom`` before the first ``step()``, and the second beta is
    set to 0.99.

    Args:
        optimizer: anything with ``param_groups``.
        cycle_min_lr: :math:`\eta_{min} \ge 0`, or a list with one per group.
        cycle_max_lr: :math:`\eta_{max} \ge 0`, or a list with one per group.
        decay_lr_rate: :math:`r \ge 0`.
        cycle_first_step_size: :math:`u`, batches, a whole number >= 1.
        cycle_second_step_size: :math:`d`, batches, a whole number >= 0; None takes ``cycle_first_step_size``.
        cycle_first_stair_count: how many stairs on the way up; 0 or less is smooth.
        cycle_second_stair_count: how many on the way down; None takes ``cycle_first_stair_count``.
        decay_step_size: :math:`n \ge 0`, batches; 0 is without decay.
        cycle_momentum: whether the betas follow. Without betas in the groups there is a warning, and momentum is left alone.
        cycle_min_mom: first beta at the peak, >= 0, or a list with one per group.
        cycle_max_mom: first beta at the bottom, >= 0, or a list with one per group.
        decay_mom_rate: :math:`m \ge 0`.
        last_batch_iteration: -1 starts at the beginning; i stands where DeepSpeed's index is i.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, a list of another length than the groups.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.Adam(lucid.nn.Linear(2, 1).parameters(), lr=0.1)
        >>> scheduler = OneCycle(optimizer, 0.25, 0.75, cycle_first_step_size=2, decay_lr_rate=1.0, decay_step_size=4)
        >>> [scheduler.lr_at(t)[0] for t in (0, 1, 2, 3, 4, 8)]
        [0.25, 0.5, 0.75, 0.5, 0.25, 0.125]

    Source: Smith, "A disciplined approach to neural network hyper-parameters" (2018).
    """

    cycle_min_lr: Any
    cycle_max_lr: Any
    decay_lr_rate: float
    cycle_first_step_size: int
    cycle_second_step_size: int
    cycle_first_stair_count: int
    cycle_second_stair_count: int
    decay_step_size: float
    cycle_momentum: bool
    cycle_min_mom: Any
    cycle_max_mom: Any
    decay_mom_rate: float
    _rules = {  # noqa: RUF012
        "cycle_min_lr": ">= 0",
        "cycle_max_lr": ">= 0",
        "decay_lr_rate": ">= 0",
        "cycle_first_step_size": "a whole number >= 1",
        "cycle_second_step_size": "a whole number >= 0",
        "cycle_first_stair_count": "a whole number >= 0",
        "cycle_second_stair_count": "a whole number >= 0",
        "decay_step_size": ">= 0",
        "cycle_momentum": "",
        "cycle_min_mom": ">= 0",
        "cycle_max_mom": ">= 0",
        "decay_mom_rate": ">= 0",
    }
    _groupwise = frozenset({"cycle_min_lr", "cycle_max_lr", "cycle_min_mom", "cycle_max_mom"})

    def __init__(
        self,
        optimizer: Any,
        cycle_min_lr: float | list[float],
        cycle_max_lr: float | list[float],
        decay_lr_rate: float = 0.0,
        cycle_first_step_size: int = 2000,
        cycle_second_step_size: int | None = None,
        cycle_first_stair_count: int = 0,
        cycle_second_stair_count: int | None = None,
        decay_step_size: float = 0,
        cycle_momentum: bool = True,
        cycle_min_mom: float | list[float] = 0.8,
        cycle_max_mom: float | list[float] = 0.9,
        decay_mom_rate: float = 0.0,
        last_batch_iteration: int = -1,
    ) -> None:
        groups = parameter_groups("OneCycle", optimizer)
        hyper = {
            "cycle_min_lr": cycle_min_lr,
            "cycle_max_lr": cycle_max_lr,
            "decay_lr_rate": decay_lr_rate,
            "cycle_first_step_size": cycle_first_step_size,
            "cycle_second_step_size": cycle_second_step_size,
            "cycle_first_stair_count": cycle_first_stair_count,
            "cycle_second_stair_count": cycle_second_stair_count,
            "decay_step_size": decay_step_size,
            "cycle_momentum": cycle_momentum,
            "cycle_min_mom": cycle_min_mom,
            "cycle_max_mom": cycle_max_mom,
            "decay_mom_rate": decay_mom_rate,
        }
        self._begin(optimizer, last_batch_iteration, hyper)
        if self.cycle_momentum:
            for group in groups:
                group["betas"] = (group["betas"][0], _BETA2)

    @classmethod
    def _settled(cls, hyper: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        for mine, others in (
            ("cycle_second_step_size", "cycle_first_step_size"),
            ("cycle_second_stair_count", "cycle_first_stair_count"),
        ):
            if hyper[mine] is None:
                hyper = {**hyper, mine: hyper[others]}
        hyper = super()._settled(hyper, optimizer)
        if hyper["cycle_momentum"] and optimizer is not None and not uses_beta1(optimizer):
            warn(f"OneCycle: {type(optimizer).__name__} has no betas, so momentum is left alone; say cycle_momentum=False")
            hyper["cycle_momentum"] = False
        return hyper

    @classmethod
    def _check(cls, name: str, value: Any) -> Any:
        if name.endswith("stair_count") and type(value) is int:
            return max(value, 0)  # -1 is how DeepSpeed's command line says that there are none
        return super()._check(name, value)

    def step(self, batch_iteration: Any = None) -> None:
        """One batch onward; or to DeepSpeed's index ``batch_iteration`` at once."""
        super().step(batch_iteration)

    @staticmethod
    def _plan(
        *,
        cycle_min_lr: Any,
        cycle_max_lr: Any,
        decay_lr_rate: float,
        cycle_first_step_size: int,
        cycle_second_step_size: int,
        cycle_first_stair_count: int,
        cycle_second_stair_count: int,
        decay_step_size: float,
        cycle_momentum: bool,
        cycle_min_mom: Any,
        cycle_max_mom: Any,
        decay_mom_rate: float,
    ) -> Plan:
        up, down = int(cycle_first_step_size), int(cycle_second_step_size)

        def there_and_back(start: float, peak: float) -> Schedule:
            rise = _half(start, peak, up, int(cycle_first_stair_count), from_the_top=False)
            return rise >> _half(peak, start, down, int(cycle_second_stair_count), from_the_top=True) if down else rise

        def rate(low: float, high: float) -> Schedule:
            tail: Schedule = Absolute(low)
            if decay_step_size and decay_lr_rate:
                tail = tail * InversePower(decay_step_size / decay_lr_rate, power=1.0)
            return there_and_back(low, high) >> tail

        def beta1(low: float, high: float) -> Schedule:
            tail: Schedule = Absolute(high)
            if decay_step_size and decay_mom_rate:
                tail = tail * RangeTest(decay_step_size, decay_mom_rate)
            return Absolute(low)[:1] >> (there_and_back(high, low) >> tail).shift(-1)

        plan = {"lr": _per_group("OneCycle", rate, cycle_min_lr=cycle_min_lr, cycle_max_lr=cycle_max_lr)}
        if cycle_momentum:
            plan["momentum"] = _per_group("OneCycle", beta1, cycle_min_mom=cycle_min_mom, cycle_max_mom=cycle_max_mom)
        return plan


class WarmupLR(_DeepSpeed):
    r"""From a low rate up to a high one, as a logarithm or in a straight line; then flat.

    .. math::
        k = \max(t - 1, 0) \\
        h = \begin{cases}
            \min(\log(1 + k) / \log(\max(w, 2)), 1) & \text{log} \\ \min(k / \max(w, 2), 1) & \text{linear}
        \end{cases} \\
        \eta(t) = \eta_{min} + (\eta_{max} - \eta_{min}) \, h

    Absolute: the groups' own rates are overwritten. ``(Absolute(max) * Warmup(w, min / max, shape)).shift(1)``.

    Args:
        optimizer: anything with ``param_groups``.
        warmup_min_lr: :math:`\eta_{min} \ge 0`, or a list with one per group.
        warmup_max_lr: :math:`\eta_{max} \ge 0`, or a list with one per group; None takes the rates that the groups have.
        warmup_num_steps: :math:`w`, batches, a whole number >= 1; 1 counts as 2.
        warmup_type: ``"log"`` or ``"linear"``.
        last_batch_iteration: -1 starts at the beginning; i stands where DeepSpeed's index is i.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, an unknown ``warmup_type``, a list of another length than the groups.

    Example:
        The first two are the same, before and after the first ``step()``:

        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = WarmupLR(optimizer, warmup_num_steps=4, warmup_type="linear")
        >>> [scheduler.lr_at(t)[0] for t in range(7)]
        [0.0, 0.0, 0.125, 0.25, 0.375, 0.5, 0.5]
    """

    warmup_min_lr: Any
    warmup_max_lr: Any
    warmup_num_steps: int
    warmup_type: str
    _rules = {  # noqa: RUF012
        "warmup_min_lr": ">= 0",
        "warmup_max_lr": ">= 0",
        "warmup_num_steps": "a whole number >= 1",
        "warmup_type": "",
    }
    _groupwise = frozenset({"warmup_min_lr", "warmup_max_lr"})

    def __init__(
        self,
        optimizer: Any,
        warmup_min_lr: float | list[float] = 0.0,
        warmup_max_lr: float | list[float] | None = None,
        warmup_num_steps: int = 1000,
        warmup_type: str = "log",
        last_batch_iteration: int = -1,
    ) -> None:
        hyper = {
            "warmup_min_lr": warmup_min_lr,
            "warmup_max_lr": warmup_max_lr,
            "warmup_num_steps": warmup_num_steps,
            "warmup_type": warmup_type,
        }
        self._begin(optimizer, last_batch_iteration, hyper)

    @classmethod
    def _settled(cls, hyper: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        if hyper["warmup_max_lr"] is None and optimizer is not None:
            hyper = {**hyper, "warmup_max_lr": collapsed([float(group["lr"]) for group in optimizer.param_groups])}
        return super()._settled(hyper, optimizer)

    @classmethod
    def _check(cls, name: str, value: Any) -> Any:
        if name == "warmup_max_lr" and value is None:  # no optimizer to ask
            return None
        return super()._check(name, value)

    @staticmethod
    def _plan(*, warmup_min_lr: Any, warmup_max_lr: Any, warmup_num_steps: int, warmup_type: Any) -> Plan:
        def rise(low: float, high: float | None) -> Schedule:
            return _rise("WarmupLR", low, high, warmup_num_steps, warmup_type).shift(1)

        return {"lr": _per_group("WarmupLR", rise, warmup_min_lr=warmup_min_lr, warmup_max_lr=warmup_max_lr)}


class WarmupDecayLR(WarmupLR):
    r"""WarmupLR, and then in a straight line back down to the low rate.

    .. math::
        k = \max(t - 1, 0) \\
        w = \max(W, 2) \\
        h = \begin{cases}
            \min(\log(1 + k) / \log(w), 1) & k < w, \text{log} \\
            k / w & k < w, \text{linear} \\
            \max((T - k) / \max(T - w, 1), 0) & \text{otherwise}
        \end{cases} \\
        \eta(t) = \eta_{min} + (\eta_{max} - \eta_{min}) \, h

    Absolute: the groups' own rates are overwritten.

    Args:
        optimizer: anything with ``param_groups``.
        total_num_steps: :math:`T`, batches in the training, warm-up included, a whole number >= 1.
        warmup_min_lr: :math:`\eta_{min} \ge 0`, or a list with one per group.
        warmup_max_lr: :math:`\eta_{max} \ge 0`, or a list with one per group; None takes the rates that the groups have.
        warmup_num_steps: :math:`W`, batches, a whole number >= 1; 1 counts as 2.
        warmup_type: ``"log"`` or ``"linear"``.
        last_batch_iteration: -1 starts at the beginning; i stands where DeepSpeed's index is i.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, an unknown ``warmup_type``, a list of another length than the groups.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.1)
        >>> scheduler = WarmupDecayLR(optimizer, 6, warmup_max_lr=0.5, warmup_num_steps=2, warmup_type="linear")
        >>> [scheduler.lr_at(t)[0] for t in range(9)]
        [0.0, 0.0, 0.25, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
    """

    total_num_steps: int
    _rules = {**WarmupLR._rules, "total_num_steps": "a whole number >= 1"}  # noqa: RUF012

    def __init__(
        self,
        optimizer: Any,
        total_num_steps: int,
        warmup_min_lr: float | list[float] = 0.0,
        warmup_max_lr: float | list[float] | None = 0.001,
        warmup_num_steps: int = 1000,
        warmup_type: str = "log",
        last_batch_iteration: int = -1,
    ) -> None:
        hyper = {
            "total_num_steps": total_num_steps,
            "warmup_min_lr": warmup_min_lr,
            "warmup_max_lr": warmup_max_lr,
            "warmup_num_steps": warmup_num_steps,
            "warmup_type": warmup_type,
        }
        self._begin(optimizer, last_batch_iteration, hyper)

    @classmethod
    def _settled(cls, hyper: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        hyper = super()._settled(hyper, optimizer)
        _warn_of_no_decay("WarmupDecayLR", hyper)
        return hyper

    @staticmethod
    def _plan(  # type: ignore[override]
        *, total_num_steps: int, warmup_min_lr: Any, warmup_max_lr: Any, warmup_num_steps: int, warmup_type: Any
    ) -> Plan:
        steps = max(warmup_num_steps, 2)

        def rise_and_fall(low: float, high: float | None) -> Schedule:
            rise = _rise("WarmupDecayLR", low, high, steps, warmup_type)
            fall: Schedule = Absolute(low)
            if total_num_steps > steps:
                top: Schedule = Constant() if high is None else Absolute(high)
                fall = top * Polynomial(total_num_steps - steps, end=low)
            return (rise[:steps] >> fall).shift(1)

        return {"lr": _per_group("WarmupDecayLR", rise_and_fall, warmup_min_lr=warmup_min_lr, warmup_max_lr=warmup_max_lr)}


class WarmupCosineLR(_DeepSpeed):
    r"""From 0 or a share of each group's own rate up to it, as a logarithm or in a straight line; then half a cosine down.

    .. math::
        k = t - 1 \\
        w = \max(W, 2) \\
        p = \min\left(\frac{k - w + 1}{\max(T - w, 1)}, 1\right) \\
        \eta(t) = \eta_{base} \begin{cases}
            0 & k < 0 \\
            a + (1 - a) \, \log(1 + k) / \log(w) & k < w, \text{log} \\
            a + (1 - a) \, k / w & k < w, \text{linear} \\
            c + (1 - c) \, (1 + \cos(\pi p)) / 2 & \text{otherwise}
        \end{cases}

    Alone of DeepSpeed's it goes by the groups' rates. Before the first ``step()`` the rate is 0, whatever :math:`a` is.

    Args:
        optimizer: anything with ``param_groups``.
        total_num_steps: :math:`T`, batches in the training, warm-up included, a whole number >= 1.
        warmup_min_ratio: :math:`a \ge 0`, share of the group's rate at the first batch.
        warmup_num_steps: :math:`W`, batches, a whole number >= 1; 1 counts as 2.
        cos_min_ratio: :math:`c` in [0, 1], share that is left at the end.
        warmup_type: ``"log"`` or ``"linear"``.
        last_batch_iteration: -1 starts at the beginning; i stands where DeepSpeed's index is i.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, an unknown ``warmup_type``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = WarmupCosineLR(optimizer, 6, 0.5, warmup_num_steps=2, cos_min_ratio=0.0, warmup_type="linear")
        >>> [round(scheduler.lr_at(t)[0], 6) for t in range(8)]
        [0.0, 0.25, 0.375, 0.426777, 0.25, 0.073223, 0.0, 0.0]
    """

    total_num_steps: int
    warmup_min_ratio: float
    warmup_num_steps: int
    cos_min_ratio: float
    warmup_type: str
    _rules = {  # noqa: RUF012
        "total_num_steps": "a whole number >= 1",
        "warmup_min_ratio": ">= 0",
        "warmup_num_steps": "a whole number >= 1",
        "cos_min_ratio": "in [0, 1]",
        "warmup_type": "",
    }

    def __init__(
        self,
        optimizer: Any,
        total_num_steps: int,
        warmup_min_ratio: float = 0.0,
        warmup_num_steps: int = 1000,
        cos_min_ratio: float = 0.0001,
        warmup_type: str = "log",
        last_batch_iteration: int = -1,
    ) -> None:
        hyper = {
            "total_num_steps": total_num_steps,
            "warmup_min_ratio": warmup_min_ratio,
            "warmup_num_steps": warmup_num_steps,
            "cos_min_ratio": cos_min_ratio,
            "warmup_type": warmup_type,
        }
        self._begin(optimizer, last_batch_iteration, hyper)

    @classmethod
    def _settled(cls, hyper: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        hyper = super()._settled(hyper, optimizer)
        _warn_of_no_decay("WarmupCosineLR", hyper)
        return hyper

    @staticmethod
    def _plan(
        *, total_num_steps: int, warmup_min_ratio: float, warmup_num_steps: int, cos_min_ratio: float, warmup_type: Any
    ) -> Plan:
        steps, floor = max(warmup_num_steps, 2), Constant(cos_min_ratio)
        fall: Schedule = floor
        if total_num_steps > steps:
            fall = ((1 - cos_min_ratio) * Cosine(total_num_steps - steps)).shift(-1) + floor
        rise = Warmup(steps, warmup_min_ratio, warmup_type)
        return {"lr": Constant(0.0, 1) >> rise[:steps] >> fall}


_SCHEDULERS: dict[str, type[_DeepSpeed]] = {
    made.__name__: made for made in (LRRangeTest, OneCycle, WarmupLR, WarmupDecayLR, WarmupCosineLR)
}


@overload
def from_config(config: Mapping[str, Any], optimizer: None = None) -> Plan: ...


@overload
def from_config(config: Mapping[str, Any], optimizer: Any) -> LRScheduler: ...


def from_config(config: Mapping[str, Any], optimizer: Any = None) -> LRScheduler | Plan:
    """The scheduler that a DeepSpeed configuration asks for; without an optimizer, its Schedules.

    Besides DeepSpeed's own, with an optimizer, ``type`` may name any scheduler of ``torch.optim.lr_scheduler`` that
    ``lucid.optim.lr_scheduler`` has, as DeepSpeed allows.

    Args:
        config: the whole configuration, or its section: ``{"type": "WarmupLR", "params": {...}}``.
        optimizer: anything with ``param_groups``; None gives Schedules, group key -> Schedule or list with one per group,
            which ``LRScheduler(optimizer, **schedules)`` takes. Their time counts calls of ``step()``.

    Raises:
        TypeError: ``config`` is no mapping, or a parameter of the wrong type.
        ValueError: no scheduler section; an unknown ``type`` or parameter; one that is missing, ``"auto"`` or out of range;
            no optimizer where its rates are needed.

    Example:
        >>> from_config({"train_batch_size": 8, "scheduler": {"type": "LRRangeTest"}})["lr"].at([0, 2000])
        [0.001, 0.002]
        >>> from_config({"type": "WarmupDecayLR", "params": {"total_num_steps": "auto"}})
        Traceback (most recent call last):
        ...
        ValueError: WarmupDecayLR: total_num_steps is 'auto', which only an integration knows how to fill in (transformers, \
Accelerate); give the number: config['scheduler']['params']['total_num_steps'] = ...
    """
    name, params = _section(config)
    if name not in _SCHEDULERS:
        return _of_torch(name, params, optimizer)
    made = _SCHEDULERS[name]
    known = {key: one.default for key, one in signature(made).parameters.items() if key != "optimizer"}
    for key in params:
        if key not in known:
            raise ValueError(f"{name}: unknown parameter {key!r}{did_you_mean(key, known)}")
    given = {**known, **params}
    for key, value in given.items():
        if value is Parameter.empty:
            raise ValueError(f"{name}: parameter {key!r} is missing")
    if optimizer is not None:
        return made(optimizer, **given)
    number(name, "last_batch_iteration", given.pop("last_batch_iteration"))  # a position: the schedules have all of them
    return made._plan(**made._settled(given, None))


def _section(config: Any) -> tuple[str, dict[str, Any]]:
    """Type and parameters of the scheduler section."""
    if not isinstance(config, Mapping):
        raise TypeError(f"from_config: config must be a mapping, got {config!r}; read a file first: json.load(file)")
    section = config.get("scheduler", config if "type" in config else None)
    if section is None:
        raise ValueError("from_config: config has no 'scheduler' section, so DeepSpeed leaves the rates alone")
    if not isinstance(section, Mapping) or not isinstance(section.get("type"), str):
        raise ValueError(f"from_config: the scheduler section must have a 'type', got {section!r}")
    params = section.get("params", {})
    if not isinstance(params, Mapping) or not all(isinstance(key, str) for key in params):
        raise ValueError(f"from_config: params must be a mapping, got {params!r}")
    return section["type"], dict(params)


def _of_torch(name: str, params: dict[str, Any], optimizer: Any) -> LRScheduler:
    """One of PyTorch's names, which DeepSpeed takes where it has none of its own."""
    made = getattr(lr_scheduler, name, None) if name in lr_scheduler.__all__ and not name.startswith("_") else None
    if not isinstance(made, type) or not issubclass(made, LRScheduler):
        raise ValueError(
            f"from_config: unknown scheduler type {name!r}{did_you_mean(name, [*_SCHEDULERS, *lr_scheduler.__all__])}"
        )
    if optimizer is None:
        raise ValueError(f"from_config: {name} is PyTorch's, which needs the optimizer; pass optimizer=")
    for key, value in params.items():
        if isinstance(value, str) and value == "auto":
            raise ValueError(f"{name}: {key} is 'auto'; give the number: config['scheduler']['params'][{key!r}] = ...")
    try:
        signature(made).bind(optimizer, **params)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    return made(optimizer, **params)


def _rise(owner: str, low: float, high: float | None, steps: float, shape: Any) -> Schedule:
    """From one absolute rate up to another, or to the base."""
    if high is None:
        if low:
            raise ValueError(f"{owner}: warmup_max_lr is not given, so the optimizer's rates are needed; pass optimizer=")
        return Warmup(max(steps, 2), 0.0, shape)
    if high == 0:
        if low:
            raise ValueError(f"{owner}: warmup_max_lr must be > 0 where warmup_min_lr is, got 0")
        return Absolute(0.0)
    return Absolute(high) * Warmup(max(steps, 2), low / high, shape)


def _half(start: float, end: float, steps: int, stairs: int, *, from_the_top: bool) -> Schedule:
    """Half of the cycle: a straight line, or stairs whose height is rounded to the low side."""
    if not stairs:
        return (Absolute(start) * Polynomial(steps, end=end))[:steps]
    if stairs >= steps:  # every step is one
        times = list(range(steps))
    elif from_the_top:  # down right after each stair
        times = [0, *(i * steps // stairs + 1 for i in range(stairs))]
    else:
        times = [-(-i * steps // stairs) for i in range(stairs)]
    heights = [((steps - t if from_the_top else t) * stairs // steps) / stairs for t in times]
    foot, head = (end, start) if from_the_top else (start, end)
    return (Absolute(1.0) * Piecewise(tuple(times), tuple(foot + (head - foot) * height for height in heights)))[:steps]


def _warn_of_no_decay(owner: str, hyper: dict[str, Any]) -> None:
    total, steps = hyper["total_num_steps"], max(hyper["warmup_num_steps"], 2)
    if total < steps:
        warn(f"{owner}: total_num_steps {total} is less than warmup_num_steps {steps}, so nothing is left for the decay")
