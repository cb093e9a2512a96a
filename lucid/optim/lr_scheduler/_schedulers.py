"""PyTorch's names and Lucid's: each says only which Schedule it is."""

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from lucid.optim.lr_scheduler._base import LRScheduler, Plan, parameter_groups, warn
from lucid.optim.lr_scheduler._pinned import (
    CyclicNames,
    OneCycleNames,
    SWANames,
    WarmRestartNames,
    collapsed,
    level_of,
)
from lucid.optim.lr_scheduler._plan import within
from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    Lambda,
    Linear,
    MultiStep,
    Noam,
    OneCycle,
    Polynomial,
    Schedule,
    Step,
)
from lucid.schedules._numbers import number
from lucid.schedules._ops import HUGE, clip, is_number, where


class StepLR(LRScheduler):
    r"""The base rate times ``gamma`` every ``step_size`` epochs.

    .. math:: \eta(t) = \eta_{base} \, \gamma^{\lfloor t / n \rfloor}

    Args:
        optimizer: anything with ``param_groups``.
        step_size: :math:`n > 0`, in epochs, or whatever one call of ``step()`` counts.
        gamma: :math:`\gamma > 0`.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        0.1 for epochs 0-29, 0.01 for 30-59, 0.001 from 60 on, for base rate 0.1:

        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.1)
        >>> scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
        >>> for _ in range(30):
        ...     optimizer.step()
        ...     scheduler.step()
        >>> scheduler.get_last_lr()
        [0.010000000000000002]
    """

    step_size: float
    gamma: float
    _rules = {"step_size": "> 0", "gamma": "> 0"}

    def __init__(self, optimizer: Any, step_size: float, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"step_size": step_size, "gamma": gamma})

    @staticmethod
    def _plan(*, step_size: float, gamma: float) -> Plan:
        return {"lr": Step(step_size, gamma)}


class MultiStepLR(LRScheduler):
    r"""The base rate times ``gamma`` at each milestone that has been reached.

    .. math:: \eta(t) = \eta_{base} \, \gamma^{\sum_{m \in M} [m \le t]}

    Args:
        optimizer: anything with ``param_groups``.
        milestones: :math:`M`, epochs >= 0 in any order; one that is named twice counts twice, none leaves the rate alone.
        gamma: :math:`\gamma > 0`.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number, or milestones that are no sequence.
        ValueError: a number outside of its range.

    Example:
        0.1 for epochs 0-29, 0.01 for 30-79, 0.001 after, for base rate 0.1:
        ``MultiStepLR(optimizer, milestones=[30, 80], gamma=0.1)``
    """

    milestones: list[float]
    gamma: float
    _rules = {"milestones": ">= 0", "gamma": "> 0"}
    _lists = frozenset({"milestones"})

    def __init__(self, optimizer: Any, milestones: Sequence[float], gamma: float = 0.1, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"milestones": milestones, "gamma": gamma})

    def _clean(self, name: str, value: Any) -> Any:
        if name != "milestones":
            return super()._clean(name, value)
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
            raise TypeError(f"MultiStepLR: milestones must be a list of epochs, got {value!r}")
        return sorted(number("MultiStepLR", f"milestones[{i}]", m, ">= 0") for i, m in enumerate(value))

    @staticmethod
    def _plan(*, milestones: list[float], gamma: float) -> Plan:
        return {"lr": MultiStep(tuple(milestones), gamma) if milestones else Constant()}

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        counts = state["milestones"]  # {epoch: how often}, with strings for epochs after a round trip through JSON
        if isinstance(counts, dict):
            if not all(type(times) is int and 0 < times < 1000 for times in counts.values()) or sum(counts.values()) > 10**6:
                raise ValueError(f"MultiStepLR: milestones must count epochs, got {counts!r}")
            state["milestones"] = [int(m) for m, times in counts.items() for _ in range(times)]
        return state


class ExponentialLR(LRScheduler):
    r"""The base rate times ``gamma`` every epoch.

    .. math:: \eta(t) = \eta_{base} \, \gamma^t

    Args:
        optimizer: anything with ``param_groups``.
        gamma: :math:`\gamma > 0`, so that no rate becomes zero or negative.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: ``gamma`` is not > 0.

    Example:
        1e-3, 9.5e-4, 9.025e-4, ... for base rate 1e-3: ``ExponentialLR(optimizer, gamma=0.95)``
    """

    gamma: float
    _rules = {"gamma": "> 0"}

    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"gamma": gamma})

    @staticmethod
    def _plan(*, gamma: float) -> Plan:
        return {"lr": Exponential(gamma)}


class ConstantLR(LRScheduler):
    r"""The base rate times ``factor`` until ``total_iters``, then the base rate.

    .. math:: \eta(t) = \eta_{base} \, ([t < T] \, k + [t \ge T])

    Args:
        optimizer: anything with ``param_groups``.
        factor: :math:`k` in [0, 1].
        total_iters: :math:`T \ge 0`, in epochs, or whatever one call of ``step()`` counts; 0 leaves the base rate alone.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        0.025 for epochs 0-3, 0.05 from 4 on, for base rate 0.05: ``ConstantLR(optimizer, factor=0.5, total_iters=4)``
    """

    factor: float
    total_iters: float
    _rules = {"factor": "in [0, 1]", "total_iters": ">= 0"}

    def __init__(self, optimizer: Any, factor: float = 1.0 / 3, total_iters: float = 5, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"factor": factor, "total_iters": total_iters})

    @staticmethod
    def _plan(*, factor: float, total_iters: float) -> Plan:
        return {"lr": Constant(factor, total_iters) >> Constant() if total_iters else Constant()}


class LinearLR(LRScheduler):
    r"""A straight line from ``start_factor`` to ``end_factor`` times the base rate in ``total_iters``; then flat.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        \eta(t) = \eta_{base} \, (a + (b - a) \, p)

    Args:
        optimizer: anything with ``param_groups``.
        start_factor: :math:`a` in (0, 1].
        end_factor: :math:`b` in [0, 1].
        total_iters: :math:`T \ge 0`, in epochs, or whatever one call of ``step()`` counts; 0 is at the end at once.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        0.025, 0.03125, 0.0375, 0.04375, 0.05, 0.05, ... for base rate 0.05:
        ``LinearLR(optimizer, start_factor=0.5, total_iters=4)``
    """

    start_factor: float
    end_factor: float
    total_iters: float
    _rules = {"start_factor": "in (0, 1]", "end_factor": "in [0, 1]", "total_iters": ">= 0"}

    def __init__(
        self,
        optimizer: Any,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: float = 5,
        last_epoch: int = -1,
    ) -> None:
        hyper = {"start_factor": start_factor, "end_factor": end_factor, "total_iters": total_iters}
        self._attach(optimizer, last_epoch, hyper)

    @staticmethod
    def _plan(*, start_factor: float, end_factor: float, total_iters: float) -> Plan:
        return {"lr": Linear(total_iters, start_factor, end_factor) if total_iters else Constant(end_factor)}


class PolynomialLR(LRScheduler):
    r"""From the base rate to 0 in ``total_iters``, with a power of the time that is left.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        \eta(t) = \eta_{base} \, (1 - p)^c

    Args:
        optimizer: anything with ``param_groups``.
        total_iters: :math:`T \ge 0`, in epochs, or whatever one call of ``step()`` counts; 0 leaves the base rate alone.
        power: :math:`c \ge 0`; 1 is a straight line.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        0.05, 0.028125, 0.0125, 0.003125, 0, 0, ... for base rate 0.05: ``PolynomialLR(optimizer, total_iters=4, power=2)``

    Source: Chen et al., "DeepLab" (2016), section 3.1: the "poly" policy.
    """

    total_iters: float
    power: float
    _rules = {"total_iters": ">= 0", "power": ">= 0"}

    def __init__(self, optimizer: Any, total_iters: float = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"total_iters": total_iters, "power": power})

    @staticmethod
    def _plan(*, total_iters: float, power: float) -> Plan:
        return {"lr": Polynomial(total_iters, power) if total_iters else Constant()}


class CosineAnnealingLR(LRScheduler):
    r"""Half a cosine from the base rate to ``eta_min`` in ``T_max`` epochs; past it the rate comes up again.

    .. math:: \eta(t) = \eta_{min} + (\eta_{base} - \eta_{min}) \, \frac{1 + \cos(\pi t / T_{max})}{2}

    Args:
        optimizer: anything with ``param_groups``.
        T_max: :math:`T_{max} > 0`, in epochs. ``LRScheduler(optimizer, lr=Cosine(T_max))`` stays at the end instead.
        eta_min: :math:`\eta_{min} \ge 0`, the lowest rate.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range.

    Example:
        1e-3 at epoch 0, 5.05e-4 at 25, 1e-5 at 50, for base rate 1e-3:
        ``CosineAnnealingLR(optimizer, T_max=50, eta_min=1e-5)``

    Source: Loshchilov & Hutter, "SGDR" (2016), without the restarts.
    """

    T_max: float
    eta_min: float
    _rules = {"T_max": "> 0", "eta_min": ">= 0"}

    def __init__(self, optimizer: Any, T_max: float, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"T_max": T_max, "eta_min": eta_min})

    @staticmethod
    def _plan(*, T_max: float, eta_min: float) -> Plan:
        return {"lr": Cosine(T_max, end=eta_min, hold=False)}


class CosineAnnealingWarmRestarts(WarmRestartNames):
    r"""Half a cosine from the base rate to ``eta_min``, over and over, each ``T_mult`` times as long as the one before.

    .. math::
        n = \begin{cases}
            \lfloor t / T_0 \rfloor & \text{equal} \\
            \lfloor \log(1 + t \, (k - 1) / T_0) / \log(k) \rfloor & \text{otherwise}
        \end{cases} \\
        r = \begin{cases} n \, T_0 & \text{equal} \\ T_0 \, (k^n - 1) / (k - 1) & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{min} + (\eta_{base} - \eta_{min}) \, \frac{1 + \cos(\pi \, (t - r) / (T_0 \, k^n))}{2}

    ``step()`` once per epoch, or ``step(epoch + batch / batches)`` once per batch: the time may be any number.
    ``T_cur`` is :math:`t - r`, ``T_i`` is :math:`T_0 k^n`. At a restart the rate is the base rate, so ``eta_min`` is
    approached at the end of a cycle and not reached at a whole epoch.

    Args:
        optimizer: anything with ``param_groups``.
        T_0: :math:`T_0`, epochs to the first restart, a whole number >= 1.
        T_mult: :math:`k`, a whole number >= 1, how many times as long each cycle is as the one before.
        eta_min: :math:`\eta_{min} \ge 0`, the lowest rate.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        ValueError: an argument that is no number, or one outside of its range.

    Example:
        0.05 at epochs 0, 10 and 30, 0.025 at 5 and 20, for base rate 0.05:
        ``CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2)``

    Source: Loshchilov & Hutter, "SGDR" (2016).
    """

    _rules = {"T_0": "a whole number >= 1", "T_mult": "a whole number >= 1", "eta_min": ">= 0"}

    def __init__(self, optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch, {"T_0": T_0, "T_mult": T_mult, "eta_min": eta_min})

    def _clean(self, name: str, value: Any) -> Any:
        try:
            return super()._clean(name, value)
        except TypeError as error:  # which PyTorch counts as a wrong value
            raise ValueError(str(error)) from None

    @staticmethod
    def _plan(*, T_0: int, T_mult: int, eta_min: float) -> Plan:
        return {"lr": Cosine(T_0, end=eta_min).repeat(stretch=T_mult)}


class _FunctionsLR(LRScheduler):
    """Schedulers that follow the user's own functions, one for all groups or one for each."""

    lr_lambdas: list[Callable[[Any], Any]]
    _rules = {"lr_lambdas": ""}

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1) -> None:
        owner = type(self).__name__
        groups = len(parameter_groups(owner, optimizer))
        functions = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(functions) != groups:
            raise ValueError(
                f"{owner}: lr_lambda needs one function per parameter group: {groups} groups, {len(functions)} given"
            )
        self._attach(optimizer, last_epoch, {"lr_lambdas": functions})

    def _clean(self, name: str, value: Any) -> Any:
        for function in value:
            if not callable(function):
                raise TypeError(f"{type(self).__name__}: lr_lambda should be a function, got {function!r}")
        return list(value)


def _of_functions(made_of: Callable[[Any], Schedule], functions: list[Any]) -> Plan:
    first, *others = functions
    return {"lr": made_of(first) if all(fn is first for fn in others) else [made_of(fn) for fn in functions]}


class LambdaLR(_FunctionsLR):
    r"""The base rate times a function of your own.

    .. math:: \eta(t) = \eta_{base} \, f(t)

    Args:
        optimizer: anything with ``param_groups``.
        lr_lambda: :math:`f`, from epoch to a multiple of the base rate; or a list with one function per group. It must be
            pure. A state holds no function: a callable object is saved as its ``__dict__``, anything else as None.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: ``lr_lambda`` is not callable.
        ValueError: a list of another length than the groups; while stepping, a factor that is not finite.

    Example:
        Warm-up over 10 epochs: ``LambdaLR(optimizer, lambda epoch: min(1, (epoch + 1) / 10))``
    """

    @staticmethod
    def _plan(*, lr_lambdas: list[Callable[[Any], Any]]) -> Plan:
        return _of_functions(Lambda, lr_lambdas)


class RunningProduct(Schedule):
    r"""The base times a function of your own for each whole unit of time that has passed.

    .. math:: \eta(t) = \eta_{base} \, \prod_{i=1}^{\lfloor t \rfloor} f(i)

    A time is worth as many calls of the function as it is late; what was computed is kept. Growth stops at 2**126.

    Args:
        fn: :math:`f`, from a whole number >= 1 to a factor. It must be pure.

    Raises:
        ValueError: when called, ``fn`` gives a number that is not finite.

    Example:
        >>> RunningProduct(lambda i: 0.5).at(range(4))
        [1.0, 0.5, 0.25, 0.125]
    """

    aliases = {"multiplicative": {}}
    _endless = True

    fn: Callable[[Any], Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.forget()

    def forget(self) -> None:
        """Compute anew from now on: the function has changed."""
        # the last product that was asked for, and the products at all multiples of _STRIDE that were passed
        object.__setattr__(self, "_known", [(0, 1.0), [1.0]])

    def __getstate__(self) -> dict[str, Any]:
        return {"fn": self.fn}

    def __setstate__(self, state: dict[str, Any]) -> None:
        object.__setattr__(self, "fn", state["fn"])
        self.forget()

    _STRIDE: ClassVar[int] = 256
    _known: ClassVar[list[Any]]

    def __call__(self, t: Any, base: Any = 1.0) -> Any:
        if is_number(t):
            return base * self._product(math.floor(clip(t, 0)))
        value = base + 0 * t
        for i in range(1, int(t.max()) + 1):
            value = where(t < i, value, value * self._factor(i))
        return value

    def _factor(self, i: int) -> float:
        factor = self.fn(i)
        return factor if type(factor) is float and math.isfinite(factor) else number("RunningProduct", f"fn({i})", factor)

    def _product(self, n: int) -> float:
        (i, value), marks = self._known
        mark = min(n // self._STRIDE, len(marks) - 1)
        if n < i or i < mark * self._STRIDE:
            i, value = mark * self._STRIDE, marks[mark]
        while i < n:
            i += 1
            value = clip(value * self._factor(i), -HUGE, HUGE)
            if i == self._STRIDE * len(marks):
                marks.append(value)
        self._known[0] = (n, value)
        return float(value)


class MultiplicativeLR(_FunctionsLR):
    r"""The rate times a function of your own, in every epoch anew.

    .. math:: \eta(t) = \eta_{base} \, \prod_{i=1}^{\lfloor t \rfloor} f(i)

    The only schedule whose position costs time: a jump or a load calls the function once for every epoch before.

    Args:
        optimizer: anything with ``param_groups``.
        lr_lambda: :math:`f`, from epoch to a factor; or a list with one function per group. It must be pure. A state holds
            no function: a callable object is saved as its ``__dict__``, anything else as None.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: ``lr_lambda`` is not callable.
        ValueError: a list of another length than the groups; while stepping, a factor that is not finite.

    Example:
        0.05, 0.0475, 0.045125, ... for base rate 0.05: ``MultiplicativeLR(optimizer, lambda epoch: 0.95)``
    """

    _furthest = 10**8  # which takes the function as many calls

    @staticmethod
    def _plan(*, lr_lambdas: list[Callable[[Any], Any]]) -> Plan:
        return _of_functions(RunningProduct, lr_lambdas)

    def _take(self, hyper: dict[str, Any]) -> None:
        super()._take(hyper)
        for track in self._tracks:  # a load may have given a callable object other attributes
            for schedule in (track.shared, *track.schedules):
                for part in within(schedule):
                    if isinstance(part, RunningProduct):
                        part.forget()


class CyclicLR(CyclicNames):
    r"""A triangle from ``base_lr`` up to ``max_lr`` and down again, over and over; momentum goes the other way.

    .. math::
        N = u + d \\
        c = \lfloor 1 + t / N \rfloor \\
        s = t - (c - 1) \, N \\
        h = \min\left(\frac{s}{u}, \frac{N - s}{d}\right) \\
        \kappa = \begin{cases}
            1 & \text{triangular} \\ 2^{1 - c} & \text{triangular2} \\ \gamma^t & \text{exp_range}
        \end{cases} \\
        \eta(t) = \eta_{lo} + (\eta_{hi} - \eta_{lo}) \, h \, \kappa

    Momentum, or the first of the betas, is :math:`\mu_{max} - (\mu_{max} - \mu_{base}) \, h \, \kappa`. The rates are absolute:
    the groups' own are overwritten. Call ``step()`` once per batch.

    Args:
        optimizer: anything with ``param_groups``.
        base_lr: :math:`\eta_{lo} \ge 0`, or a list with one per group.
        max_lr: :math:`\eta_{hi} \ge 0`, or a list with one per group.
        step_size_up: :math:`u > 0`, batches from bottom to top.
        step_size_down: :math:`d > 0`, batches from top to bottom; None takes ``step_size_up``.
        mode: ``"triangular"``, ``"triangular2"`` (the peak halves each cycle) or ``"exp_range"`` (it decays by ``gamma`` per
            batch). Without meaning when ``scale_fn`` is given.
        gamma: :math:`\gamma > 0`, for ``"exp_range"``.
        scale_fn: :math:`\kappa` as a function of your own, kept by the scheduler and not by its state.
        scale_mode: what ``scale_fn`` is given: ``"cycle"``, the cycle counted from 1, or ``"iterations"``, the batch.
        cycle_momentum: whether momentum cycles too.
        base_momentum: :math:`\mu_{base}`, at the top of the triangle, or a list with one per group.
        max_momentum: :math:`\mu_{max}`, at its bottom, or a list with one per group.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number, ``scale_fn`` not callable.
        ValueError: a number outside of its range, an unknown mode, a list of another length than the groups, or
            ``cycle_momentum`` with an optimizer that has neither momentum nor betas.

    Example:
        0.01, 0.055, 0.1, 0.07, 0.04, 0.01: up in 2 batches, down in 3:
        ``CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=2, step_size_down=3)``

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015).
    """

    base_lr: Any
    max_lr: Any
    step_size_up: float
    step_size_down: float
    mode: str
    gamma: float
    scale_mode: str
    cycle_momentum: bool
    base_momentum: Any
    max_momentum: Any
    _rules = {
        "base_lr": ">= 0",
        "max_lr": ">= 0",
        "step_size_up": "> 0",
        "step_size_down": "> 0",
        "mode": "",
        "gamma": "> 0",
        "scale_fn": "",
        "scale_mode": "",
        "cycle_momentum": "",
        "base_momentum": ">= 0",
        "max_momentum": ">= 0",
    }

    def __init__(
        self,
        optimizer: Any,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[Any], Any] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        groups = parameter_groups("CyclicLR", optimizer)
        _needs_momentum("CyclicLR", optimizer, cycle_momentum)
        hyper: dict[str, Any] = {
            "base_lr": base_lr,
            "max_lr": max_lr,
            "step_size_up": step_size_up,
            "step_size_down": step_size_up if step_size_down is None else step_size_down,
            "mode": mode,
            "gamma": gamma,
            "scale_fn": scale_fn,
            "scale_mode": scale_mode,
            "cycle_momentum": cycle_momentum,
            "base_momentum": base_momentum,
            "max_momentum": max_momentum,
        }
        if scale_fn is None and scale_mode in ("cycle", "iterations"):  # as with PyTorch the mode has its own
            hyper["scale_mode"] = "iterations" if mode == "exp_range" else "cycle"
        for name in ("base_lr", "max_lr", "base_momentum", "max_momentum"):
            _one_per_group("CyclicLR", name, hyper[name], len(groups))
        self._attach(optimizer, last_epoch, hyper)

    def _clean(self, name: str, value: Any) -> Any:
        if name == "cycle_momentum" and not isinstance(value, bool):
            raise TypeError(f"CyclicLR: cycle_momentum must be True or False, got {value!r}")
        return _numbers("CyclicLR", name, value, self._rules[name], not name.startswith("step"))  # the rest Cyclic checks

    def _initial_lrs(self, hyper: dict[str, Any], groups_lrs: list[float]) -> list[float]:
        base_lr = hyper["base_lr"]
        return [float(lr) for lr in base_lr] if isinstance(base_lr, list) else [float(base_lr)] * len(groups_lrs)

    @staticmethod
    def _plan(
        *,
        base_lr: Any,
        max_lr: Any,
        cycle_momentum: bool,
        base_momentum: Any,
        max_momentum: Any,
        step_size_up: float,
        step_size_down: float,
        mode: str,
        gamma: float,
        scale_fn: Callable[[Any], Any] | None,
        scale_mode: Any,
    ) -> Plan:
        def triangle(start: float, peak: float) -> Cyclic:
            try:
                shape: Any = mode if scale_fn is None else "triangular"  # which then means nothing
                return Cyclic(start, peak, step_size_up, step_size_down, shape, gamma, scale_fn, scale_mode)
            except (TypeError, ValueError) as error:  # mode and scale_fn have the same names here
                raise type(error)(str(error).replace("Cyclic:", "CyclicLR:", 1)) from None

        plan = {"lr": _per_group("CyclicLR", triangle, base_lr=base_lr, max_lr=max_lr)}
        if cycle_momentum:
            plan["momentum"] = _per_group("CyclicLR", triangle, max_momentum=max_momentum, base_momentum=base_momentum)
        return plan

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        total, ratio = (number("CyclicLR", name, state[name], "> 0") for name in ("total_size", "step_ratio"))
        up = total * ratio
        renamed = {
            "base_lr": state["base_lrs"],
            "max_lr": state["max_lrs"],
            "step_size_up": up,
            "step_size_down": total - up,
        }
        for name in ("base_momentum", "max_momentum"):
            renamed[name] = state.get(f"{name}s", self._hyper[name])
        renamed = {name: collapsed(value) if isinstance(value, list) else value for name, value in renamed.items()}
        return {**state, **{name: self._but_for_rounding(name, value) for name, value in renamed.items()}}


class OneCycleLR(OneCycleNames):
    r"""Up to ``max_lr``, down again and far below the start: one cycle for a whole training; momentum goes the other way.

    .. math::
        u = q \, T - 1, \qquad a = b / d, \qquad c = a / z

    From :math:`a` to :math:`b` until :math:`u`, then to :math:`c` at :math:`T - 1`; with three phases back to :math:`a` until
    :math:`2 u` first. The rates are absolute: the groups' own are overwritten, and their ratios are lost;
    ``LRScheduler(optimizer, lr=OneCycle(total_steps))`` keeps them. Beyond the end the last rate holds, and one warning says
    so. Call ``step()`` once per batch.

    The groups get the keys ``initial_lr``, ``max_lr``, ``min_lr``, ``base_momentum`` and ``max_momentum``, as with PyTorch;
    assignments to them hold from the next step on.

    Args:
        optimizer: anything with ``param_groups``.
        max_lr: :math:`b \ge 0`, the peak, or a list with one per group.
        total_steps: :math:`T`, batches in the training, a whole number >= 1; or None, and it is ``epochs * steps_per_epoch``.
        epochs: a whole number >= 1.
        steps_per_epoch: a whole number >= 1.
        pct_start: :math:`q` in [0, 1], the share of the batches that the rise takes.
        anneal_strategy: ``"cos"`` or ``"linear"``, the shape of the phases.
        cycle_momentum: whether momentum, or the first of the betas, cycles too.
        base_momentum: momentum at the peak, or a list with one per group.
        max_momentum: momentum at both ends, or a list with one per group.
        div_factor: :math:`d > 0`.
        final_div_factor: :math:`z > 0`.
        three_phase: whether the fall to :math:`a` is a phase of its own.
        last_epoch: -1 starts at 0; N starts at N + 1, with the levels that the groups have.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range, neither ``total_steps`` nor both of ``epochs`` and ``steps_per_epoch``, a
            list of another length than the groups, or ``cycle_momentum`` with an optimizer that has neither momentum nor
            betas.

    Example:
        0.004 at 0, 0.1 at 29, 4e-7 at 99: ``OneCycleLR(optimizer, max_lr=0.1, total_steps=100)``

    Source: Smith & Topin, "Super-Convergence" (2017).
    """

    total_steps: int
    pct_start: float
    anneal_strategy: str
    cycle_momentum: bool
    three_phase: bool
    max_lr: Any
    initial_lr: Any
    min_lr: Any
    base_momentum: Any
    max_momentum: Any
    _rules = {
        "total_steps": "a whole number >= 1",
        "pct_start": "in [0, 1]",
        "anneal_strategy": "",
        "cycle_momentum": "",
        "three_phase": "",
        "max_lr": ">= 0",
        "initial_lr": ">= 0",
        "min_lr": ">= 0",
        "base_momentum": ">= 0",
        "max_momentum": ">= 0",
    }

    def __init__(
        self,
        optimizer: Any,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        owner = "OneCycleLR"
        groups = parameter_groups(owner, optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError(
                    f"{owner}: give total_steps, or epochs and steps_per_epoch, got {epochs} and {steps_per_epoch}"
                )
            total_steps = number(owner, "epochs", epochs, "a whole number >= 1") * number(
                owner, "steps_per_epoch", steps_per_epoch, "a whole number >= 1"
            )
        _needs_momentum(owner, optimizer, cycle_momentum)
        for name, values in (("max_lr", max_lr), ("base_momentum", base_momentum), ("max_momentum", max_momentum)):
            _one_per_group(owner, name, values, len(groups))
        div = number(owner, "div_factor", div_factor, "> 0")
        final_div = number(owner, "final_div_factor", final_div_factor, "> 0")
        peaks = self._clean("max_lr", max_lr)
        starts = [peak / div for peak in peaks] if isinstance(peaks, list) else peaks / div
        hyper: dict[str, Any] = {
            "total_steps": total_steps,
            "pct_start": pct_start,
            "anneal_strategy": anneal_strategy,
            "cycle_momentum": cycle_momentum,
            "three_phase": three_phase,
            "max_lr": peaks,
            "initial_lr": starts,
            "min_lr": [start / final_div for start in starts] if isinstance(starts, list) else starts / final_div,
            "base_momentum": base_momentum,
            "max_momentum": max_momentum,
        }
        self._attach(optimizer, last_epoch, hyper)

    def _clean(self, name: str, value: Any) -> Any:
        if name == "anneal_strategy" and value not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be one of 'cos' or 'linear', got {value!r}")
        if name in ("cycle_momentum", "three_phase") and not isinstance(value, bool):
            raise TypeError(f"OneCycleLR: {name} must be True or False, got {value!r}")
        return _numbers("OneCycleLR", name, value, self._rules[name], name in self._group_keys)

    def _initial_lrs(self, hyper: dict[str, Any], groups_lrs: list[float]) -> list[float]:
        return [float(level_of(hyper["initial_lr"], i)) for i in range(len(groups_lrs))]

    @staticmethod
    def _plan(
        *,
        total_steps: int,
        pct_start: float,
        anneal_strategy: Any,
        cycle_momentum: bool,
        three_phase: bool,
        max_lr: Any,
        initial_lr: Any,
        min_lr: Any,
        base_momentum: Any,
        max_momentum: Any,
    ) -> Plan:
        def cycle(start: float, peak: float, end: float) -> Schedule:
            return Absolute(1.0) * OneCycle(total_steps, start, peak, end, pct_start, anneal_strategy, three_phase)

        plan: Plan = {"lr": _per_group("OneCycleLR", cycle, initial_lr=initial_lr, max_lr=max_lr, min_lr=min_lr)}
        if cycle_momentum:
            plan["momentum"] = _per_group(
                "OneCycleLR", lambda top, low: cycle(top, low, top), max_momentum=max_momentum, base_momentum=base_momentum
            )
        return plan

    def _pass_the_end(self) -> None:
        super()._pass_the_end()
        warn(
            f"OneCycleLR: step {self.last_epoch} is beyond total_steps={self.total_steps}; the last rate holds. "
            "Give it as many steps as the training has"
        )

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        phases, total = state["_schedule_phases"], state["total_steps"]
        groups = self.optimizer.param_groups
        levels = {key: collapsed([group[key] for group in groups]) for key in self._keys()}  # PyTorch keeps them there
        return {
            **self._hyper,
            **state,
            **levels,
            "pct_start": self._but_for_rounding("pct_start", min(max((phases[0]["end_step"] + 1) / total, 0.0), 1.0)),
            "three_phase": len(phases) == 3,
            "anneal_strategy": state.get("_anneal_func_type", self.anneal_strategy),
        }


class SWALR(SWANames):
    r"""From the rate that stands in the group to ``swa_lr`` in ``anneal_epochs``; then flat, while weights are averaged.

    .. math::
        p = \min\left(\frac{t}{T}, 1\right) \\
        e = \begin{cases} p & \text{linear} \\ (1 - \cos(\pi p)) / 2 & \text{otherwise} \end{cases} \\
        \eta(t) = \eta_{base} + (\eta_{swa} - \eta_{base}) \, e

    Another scheduler may run first: as long as this one was not stepped, it starts from whatever rate that one leaves. So it
    does in a SequentialLR.

    Args:
        optimizer: anything with ``param_groups``.
        swa_lr: :math:`\eta_{swa} \ge 0`, or a list with one per group; the groups get it as the key ``swa_lr``.
        anneal_epochs: :math:`T`, a whole number >= 0; 0 is at ``swa_lr`` at once.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number outside of its range, an unknown strategy, a list of another length than the groups.

    Example:
        0.05, 0.04, 0.03, 0.02, 0.01, 0.01, ... for base rate 0.05:
        ``SWALR(optimizer, swa_lr=0.01, anneal_epochs=4, anneal_strategy="linear")``

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization" (2018).
    """

    swa_lr: Any
    anneal_epochs: int
    anneal_strategy: str
    _goes_on = True
    _rules = {"swa_lr": ">= 0", "anneal_epochs": "a whole number >= 0", "anneal_strategy": ""}

    def __init__(
        self,
        optimizer: Any,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        _one_per_group("SWALR", "swa_lr", swa_lr, len(parameter_groups("SWALR", optimizer)))
        hyper = {"swa_lr": swa_lr, "anneal_epochs": anneal_epochs, "anneal_strategy": anneal_strategy}
        self._attach(optimizer, last_epoch, hyper)

    def _clean(self, name: str, value: Any) -> Any:
        if name == "anneal_strategy" and value not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be one of 'cos' or 'linear', got {value!r}")
        return _numbers("SWALR", name, value, self._rules[name], name == "swa_lr")

    @staticmethod
    def _plan(*, swa_lr: Any, anneal_epochs: int, anneal_strategy: str) -> Plan:
        def anneal(swa_lr: float) -> Schedule:
            if not anneal_epochs:
                return Absolute(swa_lr)
            return Polynomial(anneal_epochs, end=swa_lr) if anneal_strategy == "linear" else Cosine(anneal_epochs, end=swa_lr)

        return {"lr": _per_group("SWALR", anneal, swa_lr=swa_lr)}

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        levels = [group["swa_lr"] for group in self.optimizer.param_groups]  # PyTorch keeps them there
        strategy = state.get("_anneal_strategy", self.anneal_strategy)
        return {**state, "swa_lr": collapsed(levels), "anneal_strategy": strategy, "last_epoch": state["_step_count"] - 1}


class NoamScheduler(LRScheduler):
    r"""The Transformer's schedule: linear warm-up, then one over the square root of the step; the same for every group.

    .. math::
        k = \max(t, 1) \\
        \eta(t) = c \, d^{-1/2} \, \min(k^{-1/2}, k \, w^{-3/2})

    The rates are absolute: the groups' own are overwritten. Call ``step()`` once per batch.

    Args:
        optimizer: anything with ``param_groups``.
        model_size: :math:`d > 0`, width of the model.
        warmup_steps: :math:`w > 0`, batches up to the peak :math:`c / \sqrt{d w}`.
        factor: :math:`c > 0`, scales the whole curve.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a number that is not > 0.

    Example:
        1.75e-7 at steps 0 and 1, the peak 6.99e-4 at 4000, 3.49e-4 at 16000:
        ``NoamScheduler(optimizer, model_size=512, warmup_steps=4000)``

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 5.3.
    """

    model_size: float
    warmup_steps: float
    factor: float
    _rules = {"model_size": "> 0", "warmup_steps": "> 0", "factor": "> 0"}

    def __init__(
        self, optimizer: Any, model_size: float, warmup_steps: float, factor: float = 1.0, last_epoch: int = -1
    ) -> None:
        hyper = {"model_size": model_size, "warmup_steps": warmup_steps, "factor": factor}
        self._attach(optimizer, last_epoch, hyper)

    @staticmethod
    def _plan(*, model_size: float, warmup_steps: float, factor: float) -> Plan:
        return {"lr": Noam(model_size, warmup_steps, factor)}


def _per_group(owner: str, make: Callable[..., Schedule], **levels: Any) -> Any:
    """One schedule for all groups, or one for each where one of the levels is a list."""
    lists = {name: value for name, value in levels.items() if isinstance(value, list)}
    if not lists:
        return make(*levels.values())
    lengths = sorted({len(value) for value in lists.values()})
    if len(lengths) > 1:
        raise ValueError(f"{owner}: {' and '.join(lists)} must have one value per parameter group, got {lengths} of them")
    return [make(*(level_of(value, i) for value in levels.values())) for i in range(lengths[0])]


def _one_per_group(owner: str, name: str, value: Any, groups: int) -> None:
    if isinstance(value, (list, tuple)) and len(value) != groups:
        raise ValueError(f"{owner}: {name} must have one value per parameter group: {groups} groups, {len(value)} given")


def _numbers(owner: str, name: str, value: Any, rule: str, per_group: bool) -> Any:
    """A hyper-parameter that may be a list with one number per group."""
    if not rule:
        return value
    if per_group and isinstance(value, (list, tuple)):
        return [number(owner, f"{name}[{i}]", item, rule) for i, item in enumerate(value)]
    return number(owner, name, value, rule)


def _needs_momentum(owner: str, optimizer: Any, cycle_momentum: Any) -> None:
    if cycle_momentum is True and not all("momentum" in group or "betas" in group for group in optimizer.param_groups):
        raise ValueError(
            f"{owner}: cycle_momentum needs an optimizer with momentum or betas, and {type(optimizer).__name__} has neither; "
            "pass cycle_momentum=False"
        )
