"""PyTorch's names and Lucid's: each says only which Schedule it is."""

from collections.abc import Callable, Sequence
from typing import Any

from lucid.optim.lr_scheduler._base import LRScheduler, Plan, parameter_groups
from lucid.schedules import Constant, Cosine, Cyclic, Exponential, Lambda, MultiStep, Noam, Schedule, Step
from lucid.schedules._numbers import number


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


class LambdaLR(LRScheduler):
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

    lr_lambdas: list[Callable[[Any], Any]]
    _rules = {"lr_lambdas": ""}

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1) -> None:
        groups = len(parameter_groups("LambdaLR", optimizer))
        functions = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(functions) != groups:
            raise ValueError(
                f"LambdaLR: lr_lambda needs one function per parameter group: {groups} groups, {len(functions)} given"
            )
        self._attach(optimizer, last_epoch, {"lr_lambdas": functions})

    def _clean(self, name: str, value: Any) -> Any:
        for function in value:
            if not callable(function):
                raise TypeError(f"LambdaLR: lr_lambda must be callable, got {function!r}")
        return list(value)

    @staticmethod
    def _plan(*, lr_lambdas: list[Callable[[Any], Any]]) -> Plan:
        first, *others = lr_lambdas
        return {"lr": Lambda(first) if all(fn is first for fn in others) else [Lambda(fn) for fn in lr_lambdas]}


class CyclicLR(LRScheduler):
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
    scale_fn: Callable[[Any], Any] | None
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
        "base_momentum": "in [0, 1]",
        "max_momentum": "in [0, 1]",
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
        if cycle_momentum is True and not all("momentum" in group or "betas" in group for group in groups):
            raise ValueError(
                "CyclicLR: cycle_momentum needs an optimizer with momentum or betas, and "
                f"{type(optimizer).__name__} has neither; pass cycle_momentum=False"
            )
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
        for name in ("base_lr", "max_lr", "base_momentum", "max_momentum"):
            values = hyper[name]
            if isinstance(values, (list, tuple)) and len(values) != len(groups):
                raise ValueError(
                    f"CyclicLR: {name} needs one value per parameter group: {len(groups)} groups, {len(values)} given"
                )
        self._attach(optimizer, last_epoch, hyper)

    def _clean(self, name: str, value: Any) -> Any:
        rule = self._rules[name]
        if not rule:
            if name == "cycle_momentum" and not isinstance(value, bool):
                raise TypeError(f"CyclicLR: cycle_momentum must be True or False, got {value!r}")
            return value  # the rest is Cyclic's to check
        if isinstance(value, (list, tuple)) and not name.startswith("step"):
            return [number("CyclicLR", f"{name}[{i}]", item, rule) for i, item in enumerate(value)]
        return number("CyclicLR", name, value, rule)

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
        scale_mode: str,
    ) -> Plan:
        def triangle(start: float, peak: float) -> Cyclic:
            try:
                return Cyclic(start, peak, step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode)
            except (TypeError, ValueError) as error:  # mode and scale_fn have the same names here
                raise type(error)(str(error).replace("Cyclic:", "CyclicLR:", 1)) from None

        plan = {"lr": _per_group(triangle, base_lr, max_lr, "base_lr and max_lr")}
        if cycle_momentum:
            plan["momentum"] = _per_group(triangle, max_momentum, base_momentum, "max_momentum and base_momentum")
        return plan

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        up = state["total_size"] * state["step_ratio"]
        renamed = {
            "base_lr": state["base_lrs"],
            "max_lr": state["max_lrs"],
            "step_size_up": up,
            "step_size_down": state["total_size"] - up,
            "scale_fn": state["_scale_fn_custom"],
        }
        for name in ("base_momentum", "max_momentum"):
            renamed[name] = state.get(f"{name}s", self._hyper[name])
        return {**state, **{name: _collapsed(value) for name, value in renamed.items()}}


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


def _per_group(make: Callable[[float, float], Schedule], one: Any, other: Any, names: str) -> Any:
    """One schedule for all groups, or one for each where one of the two arguments is a list."""
    if not isinstance(one, list) and not isinstance(other, list):
        return make(one, other)
    groups = len(one if isinstance(one, list) else other)
    ones, others = (value if isinstance(value, list) else [value] * groups for value in (one, other))
    if len(ones) != len(others):
        raise ValueError(f"CyclicLR: {names} must have one value per parameter group, got {len(ones)} and {len(others)}")
    return [make(a, b) for a, b in zip(ones, others, strict=True)]


def _collapsed(value: Any) -> Any:
    """PyTorch saves a list where it was given one number."""
    return value[0] if isinstance(value, list) and value and value.count(value[0]) == len(value) else value
