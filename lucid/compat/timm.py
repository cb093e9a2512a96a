r"""timm's schedulers: the same names, parameters, defaults and rates, each as one Schedule.

.. code-block:: python

    from lucid.compat.timm import create_scheduler_v2  # was: from timm.scheduler import create_scheduler_v2

Here too nobody counts but the training loop: ``step(epoch)`` after each epoch and ``step_update(num_updates)`` after each
update say what time it is, one of the two acts (``t_in_epochs``), and the rate is a function of that time alone. What is more:

- ``scheduler.schedule`` is the whole curve, a composition of the catalogue: plot it, save it as JSON, use it with JAX.
  ``lr_at(t)`` tells the rates of any time.
- ``state_dict()`` is strict JSON and tells the position: a load puts the rates into the groups at once. States that timm's
  schedulers saved load too; they tell no position, so the rates come with the next ``step()``, as in timm.
- Tensor rates are filled in place, groups that come later are followed, a changed ``lr_scale`` holds from the next step on,
  and so does an assignment (``scheduler.t_initial = 50``).
- These schedulers go into ``SequentialLR`` and ``ChainedScheduler``. Not next to a scheduler with a ``get_lr()`` of its own,
  or one of another library: then the children are stepped in turn by ``step()``, and these need the time, as timm's do.

A schedule with noise is saved under the name ``TimmNoise``, which this module brings: import it before you load one.

Where the rates are not timm's, which is 1.0.31:

- Construction applies the value of time 0. timm applies the base, or ``warmup_lr_init``. Only where there is no warm-up and the
  value of time 0 is not the base does that tell: Tanh (1e-6 below it), a milestone at 0 or 1, noise or ``lr_min`` that begins
  there.
- Restarts come exactly in time, and ``get_cycle_length()`` counts exactly. timm finds the cycle by a logarithm, which for a
  ``cycle_mul`` other than 1 is now and then one short at a restart, and may lose the last epoch: with ``cycle_mul=1.1``, 90
  epochs are 89. With ``cycle_mul`` below 1 timm fails once all cycles are far behind; here ``lr_min`` holds.
- ``PlateauLRScheduler`` keeps all that it counts in its state, and is not deprecated. ``step(0)`` without warm-up gives the
  base; in timm ``warmup_lr_init``, which is 0. After the warm-up the rate is the base times the cuts, also where the warm-up's
  own steps were never made; in timm it stays what it was. Negative metrics and NaN are those of
  :class:`lucid.optim.lr_scheduler.ReduceLROnPlateau`.
- Refused with a message, where timm goes wrong later or silently: times below 0, rates and factors out of range, milestones
  that do not ascend, a ``noise_pct`` within which noise is all but never drawn.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import torch

from lucid.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from lucid.optim.lr_scheduler._base import Plan, _is_traced, _list, parameter_groups
from lucid.schedules import (
    WSD,
    Absolute,
    Constant,
    Cosine,
    Decay,
    InversePower,
    Join,
    Linear,
    MultiStep,
    Noise,
    Polynomial,
    Schedule,
    Step,
    Tanh,
)
from lucid.schedules._numbers import Positive, Whole, number
from lucid.schedules._ops import is_number, library, power
from lucid.schedules._schedule import did_you_mean

__all__ = [
    "CosineLRScheduler",
    "MultiStepLRScheduler",
    "PlateauLRScheduler",
    "PolyLRScheduler",
    "Scheduler",
    "StepLRScheduler",
    "TanhLRScheduler",
    "TimmNoise",
    "WSDLRScheduler",
    "create_scheduler",
    "create_scheduler_v2",
    "scheduler_kwargs",
]

_FLAGS = ("t_in_epochs", "warmup_prefix")
_CHOICES = {"noise_type": ("normal", "uniform"), "stable_fn": ("constant", "rsqrt", "power")}
_SHAPES = {"linear": "linear", "1-sqrt": "1-sqrt", "cosine": "cosine", "power": "power", "exp": "exponential"}
_RARE = 1000.0  # how many times as wide as its bound noise may be: on average it is drawn that often then


class TimmNoise(Noise):
    r"""timm's noise on a schedule: a share of its value for each whole time, from torch's generator at seed plus time.

    .. math::
        \eta(t) = s(t, \eta_{base}) \, (1 + [a \le t] \, [t < b] \, \epsilon(\lfloor t \rfloor)) \\
        \epsilon(k) \sim N(0, \sigma^2) \text{ until within } (-p, p), \quad \text{or} \quad U(-p, p)

    Args:
        of: the schedule :math:`s`.
        size: :math:`p > 0`, bound of the noise.
        std: :math:`\sigma > 0`, standard deviation of normal noise, at most 1000 times ``size``; None draws evenly.
        seed: a whole number >= 0.
        start: :math:`a \ge 0`, when noise begins.
        end: :math:`b \ge 0`, when it is over; None for never.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> from lucid.schedules import Constant
        >>> [round(v, 6) for v in TimmNoise(Constant(), size=0.5, std=None, start=1, end=3).at(range(4))]
        [1.0, 0.953968, 1.21959, 1.0]
    """

    size: Positive = 0.67
    std: Positive | None = 1.0
    seed: Whole = 42

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.std is not None and self.std > _RARE * self.size:
            raise ValueError(
                f"TimmNoise: std must be at most {_RARE:g} times size, {self.size!r}, got {self.std!r}: noise is drawn until "
                "it is within"
            )

    def draw(self, step: Any) -> Any:
        """The noise of a step, between ``-size`` and ``size``; of an array of steps, an array."""
        if is_number(step):
            return _drawn(int(step), self.size, self.std, self.seed)
        lib, real = library(step), 1.0 * step
        drawn = [_drawn(int(one), self.size, self.std, self.seed) for one in real.reshape(-1).tolist()]
        where = {"device": real.device} if hasattr(real, "device") else {}
        return lib.asarray(drawn, dtype=real.dtype, **where).reshape(real.shape)


@lru_cache(maxsize=64)  # the groups of a step share it
def _drawn(step: int, size: float, std: float | None, seed: int) -> float:
    generator = torch.Generator()
    generator.manual_seed((seed + step) % 2**64)
    if std is None:
        return 2 * (torch.rand(1, generator=generator).item() - 0.5) * size
    while True:
        noise = torch.randn(1, generator=generator).item() * std
        if abs(noise) < size:
            return noise


class Scheduler(LRScheduler):
    r"""What timm's schedulers share: the protocol, the warm-up, the noise, ``lr_scale``. A subclass says its curve.

    .. math:: \eta_g(t) = \lambda_g \, s(t, \eta_{base,g}) \, (1 + \epsilon(t))

    with :math:`\lambda_g` the group's ``lr_scale``, 1 where it has none. The bases are the groups' ``initial_lr``, and where
    they have none, their ``lr``; what else stands in the groups plays no part. These arguments mean the same in every class:

    Args:
        optimizer: anything with ``param_groups``.
        warmup_t: length of the linear warm-up, >= 0, in epochs or updates.
        warmup_lr_init: the rate at its start, >= 0, absolute.
        warmup_prefix: True begins the curve after the warm-up; False has the warm-up in the place of the curve's first part,
            into which the rate then jumps. WSD has it always in front.
        t_in_epochs: True counts epochs, and ``step()`` acts; False counts updates, and ``step_update()`` does.
        noise_range_t: when noise begins, or a pair with when it is over too; None for no noise. See :class:`TimmNoise`.
        noise_pct: bound > 0 of the noise, as a share of the rate.
        noise_std: standard deviation >= 0 of the noise.
        noise_seed: a whole number >= 0.
        initialize: True takes ``lr`` for ``initial_lr`` in groups that have none; False refuses such groups.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.
    """

    __slots__ = ()

    param_group_field = "lr"
    optimizer: Any
    metric: Any
    """What the last step was told."""
    t_in_epochs: bool
    _rules: ClassVar[dict[str, str]] = {
        "warmup_t": ">= 0",
        "warmup_lr_init": ">= 0",
        "t_in_epochs": "",
        "noise_range_t": "",
        "noise_type": "",
        "noise_pct": "> 0",
        "noise_std": ">= 0",
        "noise_seed": "a whole number >= 0",
    }
    _lists: ClassVar[frozenset[str]] = frozenset({"noise_range_t", "decay_t"})
    _times: ClassVar[str] = ">= 0"
    """The rule of times."""

    # -- construction

    def _bind(self, optimizer: Any, initialize: bool, arguments: Mapping[str, Any]) -> None:
        """Go to the optimizer with those of the arguments that are hyper-parameters."""
        owner = type(self).__name__
        for i, group in enumerate(parameter_groups(owner, optimizer)):
            if not initialize and "initial_lr" not in group:
                raise KeyError(
                    f"{owner}: initial_lr missing from param_groups[{i}]; initialize=True takes the group's lr for it"
                )
        self.optimizer, self.metric = optimizer, None
        hyper = {"noise_type": "normal", **arguments}
        self._attach(optimizer, -1, {name: hyper[name] for name in self._rules})

    def _find_bases(self, groups: list[dict[str, Any]]) -> None:
        for track in self._tracks:
            track.jump(groups, 0)  # an optimizer that was restored holds a rate of later

    def _clean(self, name: str, value: Any) -> Any:
        owner = type(self).__name__
        if name in _FLAGS:
            if not isinstance(value, bool):
                raise TypeError(f"{owner}: {name} must be True or False, got {value!r}")
            return value
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise ValueError(f"{owner}: {name} must be one of {', '.join(map(repr, _CHOICES[name]))}, got {value!r}")
            return value
        if name == "noise_range_t":
            return _range(owner, value)
        return super()._clean(name, 42 if name == "noise_seed" and value is None else value)

    def _take(self, hyper: dict[str, Any]) -> None:
        super()._take(hyper)
        self._scales = self._scales_now()

    # -- the schedule

    def _curve(self, hyper: dict[str, Any]) -> Schedule:
        """The curve without warm-up and noise, from its own time 0."""
        raise NotImplementedError(f"{type(self).__name__}: define _curve(hyper), the schedule")

    def _rise(self, curve: Schedule, hyper: dict[str, Any]) -> Schedule:
        """From 0 to what the warm-up aims at: the base, whatever ``curve``, which follows, begins with."""
        return Linear(hyper["warmup_t"])

    def _original(self, hyper: dict[str, Any]) -> Plan:
        curve, steps = self._curve(hyper), hyper["warmup_t"]
        if steps:
            curve = curve if hyper.get("warmup_prefix", True) else curve.shift(-steps)
            start = Absolute(hyper["warmup_lr_init"]) * Linear(steps, 1.0, 0.0)
            curve = (self._rise(curve, hyper) + start)[:steps] >> curve
        curve = self._noisy(curve, hyper)
        scales = self._scales_now()
        of = {scale: curve if scale == 1 else scale * curve for scale in scales}
        return {"lr": [of[scale] for scale in scales] if len(of) > 1 else of[scales[0]]}

    def _noisy(self, curve: Schedule, hyper: dict[str, Any], earliest: float = 0) -> Schedule:
        within, normal = hyper["noise_range_t"], hyper["noise_type"] == "normal"
        if within is None or (normal and not hyper["noise_std"]):
            return curve
        start, end = within if isinstance(within, list) else (within, None)
        return TimmNoise(
            curve,
            size=hyper["noise_pct"],
            std=hyper["noise_std"] if normal else None,
            seed=hyper["noise_seed"],
            start=max(start, earliest),
            end=None if end is None else max(end, 0),
        )

    def _scales_now(self) -> list[float]:
        owner, groups = type(self).__name__, self.optimizer.param_groups
        return [
            number(owner, f"lr_scale of parameter group {i}", group["lr_scale"], ">= 0") if "lr_scale" in group else 1
            for i, group in enumerate(groups)
        ]

    # -- what timm's users call

    @property
    def base_values(self) -> list[float]:
        """timm's name for ``base_lrs``."""
        return list(self.base_lrs)

    def step(self, epoch: float, metric: Any = None) -> None:  # type: ignore[override]
        """To the time ``epoch``, if epochs are counted: at the end of an epoch, the number of those that are over.

        Raises:
            TypeError: ``epoch`` is no number.
            ValueError: it is negative or not finite.
        """
        self._to("epoch", epoch, metric, self._hyper["t_in_epochs"])

    def step_update(self, num_updates: float, metric: Any = None) -> None:
        """To the time ``num_updates``, if updates are counted: after an update, the number of those that were made.

        Raises:
            TypeError: ``num_updates`` is no number.
            ValueError: it is negative or not finite.
        """
        self._to("num_updates", num_updates, metric, not self._hyper["t_in_epochs"])

    def _to(self, field: str, t: Any, metric: Any, acts: bool) -> None:
        if acts:
            t = number(type(self).__name__, field, t, self._times)
            if _is_traced():
                torch.compiler.disable(self._jump)(t, metric)  # type: ignore[no-untyped-call]
            else:
                self._jump(t, metric)
        self.metric = metric

    def _jump(self, t: float, metric: Any) -> None:
        self._look_for_scales()
        self._step(t)

    def _look_for_scales(self) -> None:
        """Follow ``lr_scale`` where it was changed, or came with a new group."""
        if self._scales_now() != self._scales:
            plan = self._planned(self._hyper)
            for track in self._tracks:
                track.take(plan[track.key], len(self.optimizer.param_groups))
            self._take(self._hyper)

    # -- timm's states

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        return state

    def _checked(self, state: Mapping[str, Any], foreign: bool, keep: bool) -> Callable[[], None]:
        return self._checked_timm(state, keep) if foreign else super()._checked(state, foreign, keep)

    def _checked_timm(self, state: Mapping[str, Any], keep: bool) -> Callable[[], None]:
        """timm saves hyper-parameters and bases, and no position: what the groups hold stays until the next step."""
        owner, groups = type(self).__name__, self.optimizer.param_groups
        bases = [
            float(number(owner, "base_values", base, ">= 0")) for base in _list(owner, "base_values", state["base_values"])
        ]
        if len(bases) != len(groups):
            raise ValueError(f"{owner}: the state has {len(bases)} parameter groups, the optimizer {len(groups)}")
        hyper, _ = self._checked_hyper({**self._hyper, **state}, keep)  # older versions have fewer
        plan = self._planned(hyper)
        if not keep and bases != self.base_lrs:
            self._warn_replaced("base_values", bases, self.base_values)

        def commit() -> None:
            for track in self._tracks if not keep else ():
                track.take(plan[track.key], len(groups))
                track.initial = bases
            self._take(hyper)

        return commit


def _range(owner: str, value: Any) -> Any:
    """When noise begins, or [begins, is over]."""
    if value is None or not isinstance(value, (list, tuple)):
        return value if value is None else number(owner, "noise_range_t", value)
    if len(value) != 2:
        raise ValueError(f"{owner}: noise_range_t must be a number or a pair of them, got {value!r}")
    return [number(owner, f"noise_range_t[{i}]", one) for i, one in enumerate(value)]


class _Cycles(Scheduler):
    """Cycles of one shape, and ``lr_min`` after the last."""

    __slots__ = ()

    t_initial: float
    cycle_mul: float
    cycle_limit: int
    warmup_t: float
    warmup_prefix: bool
    _rules: ClassVar[dict[str, str]] = {
        **Scheduler._rules,
        "warmup_prefix": "",
        "t_initial": "> 0",
        "lr_min": ">= 0",
        "cycle_mul": "> 0",
        "cycle_decay": ">= 0",
        "cycle_limit": "a whole number >= 0",
    }

    def _shape(self, hyper: dict[str, Any]) -> Schedule:
        """The first cycle."""
        raise NotImplementedError(f"{type(self).__name__}: define _shape(hyper), the schedule of a cycle")

    def _cycles(self, hyper: dict[str, Any], times: int) -> Schedule:
        shape, stretch, decay = self._shape(hyper), hyper["cycle_mul"], hyper["cycle_decay"]
        if times == 1:
            return shape
        if stretch >= 1 and 0 < decay <= 1:
            return shape.repeat(times, stretch=stretch, decay=decay)
        # Shorter and shorter cycles, or higher and higher ones.
        return Join(
            tuple((Constant(power(decay, i)) * shape)[: shape.length].stretch(stretch**i) for i in range(times)),
        )

    def _curve(self, hyper: dict[str, Any]) -> Schedule:
        times, end = hyper["cycle_limit"], Absolute(hyper["lr_min"])
        return self._cycles(hyper, times) >> end if times else end

    def get_cycle_length(self, cycles: int = 0) -> Any:
        """How long ``cycles`` cycles are, with the warm-up where it is a prefix; 0 stands for ``cycle_limit``.

        Raises:
            TypeError: ``cycles`` is no number.
            ValueError: it is no whole number >= 0.

        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> CosineLRScheduler(optimizer, t_initial=90, cycle_mul=2, cycle_limit=3).get_cycle_length()
        630
        """
        number(type(self).__name__, "cycles", cycles, "a whole number >= 0")
        times = max(1, cycles or self.cycle_limit)
        if self.cycle_mul == 1:
            length = self.t_initial * times
        else:
            length = math.floor(round(self._cycles(self._hyper, times).length, 6))  # 90 are 90, however they are added up
        return length + self.warmup_t if self.warmup_prefix else length


class CosineLRScheduler(_Cycles):
    r"""Half a cosine from the base to ``lr_min``, in cycles; warm-up and noise, see :class:`Scheduler`.

    The first cycle is ``Cosine(t_initial, end=lr_min).k_decay(k_decay)``; each further one ``cycle_mul`` times as long, from
    ``cycle_decay`` times the base to the same ``lr_min``.

    Args:
        optimizer: anything with ``param_groups``.
        t_initial: length > 0 of the first cycle, in epochs or updates (``t_in_epochs``).
        lr_min: the rate at the end of a cycle, and after all of them, >= 0, absolute.
        cycle_mul: how many times as long as the one before each cycle is, > 0.
        cycle_decay: how many times the base of the one before each cycle has, >= 0.
        cycle_limit: how many cycles there are, >= 0.
        warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, initialize: see :class:`Scheduler`.
        noise_range_t, noise_pct, noise_std, noise_seed: see :class:`Scheduler`.
        k_decay: > 0; above 1 the rate falls later, see :class:`lucid.schedules.KDecay`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = CosineLRScheduler(optimizer, t_initial=4, warmup_t=2, warmup_lr_init=0.1, warmup_prefix=True)
        >>> rates = [optimizer.param_groups[0]["lr"]]
        >>> for epoch in range(6):
        ...     optimizer.step()
        ...     scheduler.step(epoch + 1)
        ...     rates.append(round(optimizer.param_groups[0]["lr"], 6))
        >>> rates
        [0.1, 0.3, 0.5, 0.426777, 0.25, 0.073223, 0.0]

    Source: timm's class of this name; Loshchilov & Hutter, "SGDR" (2016).
    """

    __slots__ = ()

    _rules: ClassVar[dict[str, str]] = {**_Cycles._rules, "k_decay": "> 0"}

    def __init__(
        self,
        optimizer: Any,
        t_initial: float,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Sequence[float] | float | None = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        k_decay: float = 1.0,
        initialize: bool = True,
    ) -> None:
        self._bind(optimizer, initialize, locals())

    def _shape(self, hyper: dict[str, Any]) -> Schedule:
        return _k_decayed(Cosine(hyper["t_initial"], end=hyper["lr_min"]), hyper["k_decay"])


class PolyLRScheduler(_Cycles):
    r"""A power of the time that is left, from the base to ``lr_min``, in cycles; warm-up and noise, see :class:`Scheduler`.

    The first cycle is ``Polynomial(t_initial, power, end=lr_min).k_decay(k_decay)``; each further one ``cycle_mul`` times as
    long, from ``cycle_decay`` times the base to the same ``lr_min``.

    Args:
        optimizer: anything with ``param_groups``.
        t_initial: length > 0 of the first cycle, in epochs or updates (``t_in_epochs``).
        power: >= 0; 1 is a straight line, below it the rate falls late.
        lr_min: the rate after all cycles, >= 0, absolute.
        cycle_mul: how many times as long as the one before each cycle is, > 0.
        cycle_decay: how many times the base of the one before each cycle has, >= 0.
        cycle_limit: how many cycles there are, >= 0.
        warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, initialize: see :class:`Scheduler`.
        noise_range_t, noise_pct, noise_std, noise_seed: see :class:`Scheduler`.
        k_decay: > 0; above 1 the rate falls later, see :class:`lucid.schedules.KDecay`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> PolyLRScheduler(optimizer, t_initial=4, power=2).schedule.at(range(6), base=0.5)
        [0.5, 0.28125, 0.125, 0.03125, 0.0, 0.0]

    Source: timm's class of this name; Chen et al., "DeepLab" (2016).
    """

    __slots__ = ()

    _rules: ClassVar[dict[str, str]] = {**_Cycles._rules, "power": ">= 0", "k_decay": "> 0"}

    def __init__(
        self,
        optimizer: Any,
        t_initial: float,
        power: float = 0.5,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Sequence[float] | float | None = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        k_decay: float = 1.0,
        initialize: bool = True,
    ) -> None:
        self._bind(optimizer, initialize, locals())

    def _shape(self, hyper: dict[str, Any]) -> Schedule:
        return _k_decayed(Polynomial(hyper["t_initial"], hyper["power"], end=hyper["lr_min"]), hyper["k_decay"])


def _k_decayed(shape: Schedule, k: float) -> Schedule:
    return shape if k == 1 else shape.k_decay(k)


class TanhLRScheduler(_Cycles):
    r"""A hyperbolic tangent from near the base to near ``lr_min``, in cycles; warm-up and noise, see :class:`Scheduler`.

    The first cycle is ``Tanh(t_initial, lr_min, lb, ub)``; each further one ``cycle_mul`` times as long, from ``cycle_decay``
    times the base to the same ``lr_min``. A warm-up that is no prefix aims at the value that the curve has where it is over.

    Args:
        optimizer: anything with ``param_groups``.
        t_initial: length > 0 of the first cycle, in epochs or updates (``t_in_epochs``).
        lb: where on the tangent a cycle begins, below ``ub``.
        ub: where it stops.
        lr_min: the rate after all cycles, >= 0, absolute.
        cycle_mul: how many times as long as the one before each cycle is, > 0.
        cycle_decay: how many times the base of the one before each cycle has, >= 0.
        cycle_limit: how many cycles there are, >= 0.
        warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, initialize: see :class:`Scheduler`.
        noise_range_t, noise_pct, noise_std, noise_seed: see :class:`Scheduler`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, ``lb`` not below ``ub``.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> schedule = TanhLRScheduler(optimizer, t_initial=4, lb=-3.0).schedule
        >>> [round(v, 6) for v in schedule.at(range(6), base=0.5)]
        [0.498764, 0.476287, 0.25, 0.023713, 0.0, 0.0]

    Source: timm's class of this name; Hsueh et al., "Stochastic Gradient Descent with Hyperbolic-Tangent Decay on
    Classification" (2018).
    """

    __slots__ = ()

    _rules: ClassVar[dict[str, str]] = {**_Cycles._rules, "lb": "finite", "ub": "finite"}

    def __init__(
        self,
        optimizer: Any,
        t_initial: float,
        lb: float = -7.0,
        ub: float = 3.0,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Sequence[float] | float | None = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        self._bind(optimizer, initialize, locals())

    def _shape(self, hyper: dict[str, Any]) -> Schedule:
        lower, upper = hyper["lb"], hyper["ub"]
        if lower >= upper:
            raise ValueError(f"{type(self).__name__}: lb must be < ub, {upper!r}, got {lower!r}")
        return Tanh(hyper["t_initial"], hyper["lr_min"], lower, upper)

    def _rise(self, curve: Schedule, hyper: dict[str, Any]) -> Schedule:
        rise = super()._rise(curve, hyper)
        return rise if hyper["warmup_prefix"] else curve[:0] * rise


class StepLRScheduler(Scheduler):
    r"""The base times ``decay_rate`` every ``decay_t``; warm-up and noise, see :class:`Scheduler`.

    The curve is ``Step(decay_t, decay_rate)``.

    Args:
        optimizer: anything with ``param_groups``.
        decay_t: width > 0 of a stair, in epochs or updates (``t_in_epochs``); it need not be whole.
        decay_rate: > 0, from one stair to the next.
        warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, initialize: see :class:`Scheduler`.
        noise_range_t, noise_pct, noise_std, noise_seed: see :class:`Scheduler`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> StepLRScheduler(optimizer, decay_t=2.5, decay_rate=0.5, warmup_t=2).schedule.at(range(8), base=0.5)
        [0.0, 0.25, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]

    Source: timm's class of this name.
    """

    __slots__ = ()

    _rules: ClassVar[dict[str, str]] = {**Scheduler._rules, "warmup_prefix": "", "decay_t": "> 0", "decay_rate": "> 0"}

    def __init__(
        self,
        optimizer: Any,
        decay_t: float,
        decay_rate: float = 1.0,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = True,
        t_in_epochs: bool = True,
        noise_range_t: Sequence[float] | float | None = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        self._bind(optimizer, initialize, locals())

    def _curve(self, hyper: dict[str, Any]) -> Schedule:
        return Step(hyper["decay_t"], hyper["decay_rate"])


class MultiStepLRScheduler(Scheduler):
    r"""The base times ``decay_rate`` one step before each milestone; warm-up and noise, see :class:`Scheduler`.

    The curve is ``MultiStep(decay_t, decay_rate).shift(-1)``: the milestone 30 acts from time 29 on, where PyTorch's acts from
    30 on.

    Args:
        optimizer: anything with ``param_groups``.
        decay_t: milestones >= 0 in ascending order, in epochs or updates (``t_in_epochs``).
        decay_rate: > 0, ratio at each milestone.
        warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, initialize: see :class:`Scheduler`.
        noise_range_t, noise_pct, noise_std, noise_seed: see :class:`Scheduler`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, milestones that do not ascend.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> MultiStepLRScheduler(optimizer, decay_t=[2, 4], decay_rate=0.5).schedule.at(range(6), base=0.5)
        [0.5, 0.25, 0.25, 0.125, 0.125, 0.125]

    Source: timm's class of this name.
    """

    __slots__ = ()

    _rules: ClassVar[dict[str, str]] = {**Scheduler._rules, "warmup_prefix": "", "decay_t": ">= 0", "decay_rate": "> 0"}

    def __init__(
        self,
        optimizer: Any,
        decay_t: Sequence[float],
        decay_rate: float = 1.0,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = True,
        t_in_epochs: bool = True,
        noise_range_t: Sequence[float] | float | None = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        self._bind(optimizer, initialize, locals())

    def _clean(self, name: str, value: Any) -> Any:
        if name != "decay_t":
            return super()._clean(name, value)
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"MultiStepLRScheduler: decay_t must be a list of milestones, got {value!r}")
        milestones = [number("MultiStepLRScheduler", f"decay_t[{i}]", one, ">= 0") for i, one in enumerate(value)]
        if milestones != sorted(milestones):
            raise ValueError(f"MultiStepLRScheduler: decay_t must be ascending, got {value!r}; sort them")
        return milestones

    def _curve(self, hyper: dict[str, Any]) -> Schedule:
        milestones = hyper["decay_t"]
        return MultiStep(tuple(milestones), hyper["decay_rate"]).shift(-1) if milestones else Constant()


class WSDLRScheduler(Scheduler):
    r"""Warm-up, stable, decay; the warm-up is always a prefix. Warm-up and noise: see :class:`Scheduler`.

    The curve is ``WSD(t_initial, decay_t, end=lr_min, shape=decay_fn, stable=...) >> Absolute(lr_min)``: what is stable goes on
    through the decay, and never falls below ``lr_min``. Of a ``decay_fn`` that does not end in 0, what it leaves goes on.

    Args:
        optimizer: anything with ``param_groups``.
        t_initial: length > 0 of the stable phase and the decay, without the warm-up, in epochs or updates (``t_in_epochs``).
        decay_t: length > 0 of the decay, the last part of ``t_initial``.
        lr_min: the rate at the end, >= 0, absolute.
        stable_fn: ``"constant"``, ``"rsqrt"``: :class:`lucid.schedules.InversePower`, or ``"power"``: the same with an
            exponent of its own.
        stable_timescale: > 0, that of ``"rsqrt"`` and ``"power"``; None takes ``warmup_t``.
        stable_power: > 0, the exponent of ``"power"``.
        decay_fn: ``"linear"``, ``"1-sqrt"``, ``"cosine"``, ``"power"``, ``"exp"``, or a function from the share of the decay
            that is over to what is left of the height above ``lr_min``, from 1 to 0.
        decay_power: > 0, the exponent of ``"power"``.
        decay_ratio: in (0, 1), of ``"exp"``.
        warmup_t, warmup_lr_init, t_in_epochs, initialize: see :class:`Scheduler`.
        noise_range_t, noise_pct, noise_std, noise_seed: see :class:`Scheduler`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a number outside of its range, ``decay_t`` above ``t_initial``, no timescale where one is needed.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = WSDLRScheduler(optimizer, t_initial=6, decay_t=4, decay_fn="linear", warmup_t=2)
        >>> scheduler.schedule.at(range(10), base=0.5), scheduler.get_cycle_length()
        ([0.0, 0.25, 0.5, 0.5, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0], 8)

    Source: timm's class of this name; Hu et al., "MiniCPM" (2024); Zhai et al., "Scaling Vision Transformers" (2021).
    """

    __slots__ = ()

    t_initial: float
    warmup_t: float
    _rules: ClassVar[dict[str, str]] = {
        **Scheduler._rules,
        "t_initial": "> 0",
        "decay_t": "> 0",
        "lr_min": ">= 0",
        "stable_fn": "",
        "stable_timescale": ">= 0",
        "stable_power": "> 0",
        "decay_fn": "",
        "decay_power": "> 0",
        "decay_ratio": "in (0, 1)",
    }

    def __init__(
        self,
        optimizer: Any,
        t_initial: float,
        decay_t: float,
        lr_min: float = 0.0,
        stable_fn: str = "constant",
        stable_timescale: float | None = None,
        stable_power: float = 0.5,
        decay_fn: str | Callable[[float], float] = "1-sqrt",
        decay_power: float = 0.5,
        decay_ratio: float = 0.1,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        t_in_epochs: bool = True,
        noise_range_t: Sequence[float] | float | None = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        self._bind(optimizer, initialize, locals())

    def _clean(self, name: str, value: Any) -> Any:
        if name == "decay_fn":
            if not callable(value) and value not in _SHAPES:
                shapes = ", ".join(map(repr, _SHAPES))
                raise ValueError(f"WSDLRScheduler: decay_fn must be one of {shapes}, or callable, got {value!r}")
            return value
        if name == "stable_timescale" and value is None:
            return value
        return super()._clean(name, value)

    def _curve(self, hyper: dict[str, Any]) -> Schedule:
        length, decay, floor, shape = (hyper[name] for name in ("t_initial", "decay_t", "lr_min", "decay_fn"))
        if decay > length:
            raise ValueError(f"WSDLRScheduler: decay_t must be <= t_initial, {length!r}, got {decay!r}")
        stable = self._stable(hyper)
        stable = stable.maximum(floor) if floor else stable
        phases = WSD(
            length,
            decay,
            end=floor,
            shape=_SHAPES[shape] if isinstance(shape, str) else shape,  # type: ignore[arg-type]
            power=hyper["decay_power"],
            ratio=hyper["decay_ratio"],
            stable=stable,
        )
        if isinstance(shape, str):
            return phases >> Absolute(floor)  # endless: noise goes on
        # A function may leave something of what is stable, which then goes on too.
        return phases >> stable.shift(-length) * Decay(decay, floor, shape).shift(-decay)

    def _stable(self, hyper: dict[str, Any]) -> Schedule:
        kind, timescale = hyper["stable_fn"], hyper["stable_timescale"]
        if kind == "constant":
            return Constant()
        timescale = hyper["warmup_t"] if timescale is None else timescale
        if not timescale:
            raise ValueError(
                f"WSDLRScheduler: stable_timescale must be > 0 for stable_fn={kind!r}, got {timescale!r}; give it where "
                "there is no warm-up to take it from"
            )
        return InversePower(timescale, 0.5 if kind == "rsqrt" else hyper["stable_power"])

    def get_cycle_length(self, cycles: int = 0) -> Any:
        """The length of all three phases."""
        return self.warmup_t + self.t_initial


class PlateauLRScheduler(Scheduler, ReduceLROnPlateau):  # type: ignore[misc]
    r"""Cuts the rate when the metric that ``step(epoch, metric)`` brings has stopped improving; warm-up and noise.

    .. math:: \eta \leftarrow \max(\eta \, f, \eta_{min})

    as :class:`lucid.optim.lr_scheduler.ReduceLROnPlateau`, which it is. During the warm-up, up to ``warmup_t`` itself, no
    metric counts and there is no noise; a step without a metric counts for nothing. Noise comes on top of the rate, and cuts
    are made to the rate without it.

    Args:
        optimizer: anything with ``param_groups``.
        decay_rate: :math:`f` in (0, 1).
        patience_t: how many bad epochs in a row are borne, >= 0.
        threshold: >= 0, what counts as an improvement, as a share of the best metric.
        cooldown_t: epochs after a cut that count as neither good nor bad, >= 0.
        warmup_t: length of the linear warm-up, >= 0, in epochs.
        warmup_lr_init: the rate at its start, >= 0, absolute.
        lr_min: :math:`\eta_{min} \ge 0`, absolute, and not times ``lr_scale``.
        mode: ``"max"`` for an accuracy, ``"min"`` for a loss.
        noise_type: ``"normal"`` or ``"uniform"``.
        noise_range_t, noise_pct, noise_std, noise_seed, initialize: see :class:`Scheduler`.

    Raises:
        TypeError: an argument or a metric of the wrong type.
        ValueError: a number outside of its range, an unknown mode.
        KeyError: ``initialize=False``, and a group has no ``initial_lr``.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = PlateauLRScheduler(optimizer, decay_rate=0.5, patience_t=1, warmup_t=1)
        >>> rates = scheduler.get_last_lr()
        >>> for epoch, accuracy in enumerate([0.1, 0.7, 0.8, 0.8, 0.8]):
        ...     optimizer.step()
        ...     scheduler.step(epoch + 1, accuracy)
        ...     rates += scheduler.get_last_lr()
        >>> rates
        [0.0, 0.5, 0.5, 0.5, 0.5, 0.25]

    Source: timm's class of this name.
    """

    __slots__ = ()

    warmup_t: float
    _rules: ClassVar[dict[str, str]] = {**Scheduler._rules, **ReduceLROnPlateau._rules}
    _times = "a whole number >= 0"  # who takes it for PyTorch's plateau gives a metric in the place of the epoch

    def __init__(
        self,
        optimizer: Any,
        decay_rate: float = 0.1,
        patience_t: int = 10,
        threshold: float = 1e-4,
        cooldown_t: int = 0,
        warmup_t: float = 0,
        warmup_lr_init: float = 0.0,
        lr_min: float = 0.0,
        mode: str = "max",
        noise_range_t: Sequence[float] | float | None = None,
        noise_type: str = "normal",
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int | None = None,
        initialize: bool = True,
    ) -> None:
        owner, rules = type(self).__name__, ReduceLROnPlateau._rules
        theirs = {
            "factor": number(owner, "decay_rate", decay_rate, rules["factor"]),
            "patience": number(owner, "patience_t", patience_t, rules["patience"]),
            "cooldown": number(owner, "cooldown_t", cooldown_t, rules["cooldown"]),
            "min_lr": number(owner, "lr_min", lr_min, rules["min_lr"]),
            "threshold_mode": "rel",
            "eps": 1e-8,
            "on_nan": "ignore",
            "sync": False,
            "t_in_epochs": True,
        }
        self._bind(optimizer, initialize, {**locals(), **theirs})
        self._reset()

    def _curve(self, hyper: dict[str, Any]) -> Schedule:
        return Constant()  # the rate is its base, and the cuts move the base

    def _noisy(self, curve: Schedule, hyper: dict[str, Any], earliest: float = 0) -> Schedule:
        return super()._noisy(curve, hyper, math.floor(hyper["warmup_t"]) + 1)

    def _metric(self, metrics: Any) -> float | None:
        return None if metrics is None else super()._metric(metrics)

    def _counts(self, metric: float | None) -> dict[str, Any] | None:
        """A composite makes the step to come without asking whether it is one of the warm-up's."""
        return None if self._parent is not None and self._time + 1 <= self.warmup_t else super()._counts(metric)

    def _jump(self, t: float, metric: Any) -> None:
        self._look_for_scales()
        if t <= self.warmup_t:
            LRScheduler._step(self, t)
            return
        track, groups = self._tracks[0], self.optimizer.param_groups
        track.observe(groups)  # whatever is bad in them is found before anything is counted
        ReduceLROnPlateau._step(self, t, metric)
        track.advance(groups, t)  # the noise of this time

    def _moved(self, bases: list[float], initial: list[float]) -> list[float]:
        """The floor is one of the rates: of the bases times ``lr_scale``."""
        cut = super()._moved([base * scale for base, scale in zip(bases, self._scales, strict=True)], initial)
        return [rate / scale if scale else base for base, rate, scale in zip(bases, cut, self._scales, strict=True)]

    def _checked_timm(self, state: Mapping[str, Any], keep: bool) -> Callable[[], None]:
        """timm saves the best metric alone."""
        best = state["best"]
        if not (type(best) is float and math.isinf(best)):  # as it is before the first metric
            best = number(type(self).__name__, "best", best)

        def commit() -> None:
            self.best = best

        return commit


def create_scheduler_v2(
    optimizer: Any,
    sched: str = "cosine",
    num_epochs: int = 300,
    decay_epochs: float | None = None,
    decay_milestones: Sequence[float] = (90, 180, 270),
    cooldown_epochs: int = 0,
    patience_epochs: int = 10,
    decay_rate: float = 0.1,
    min_lr: float = 0.0,
    warmup_lr: float = 1e-5,
    warmup_epochs: float = 0,
    warmup_prefix: bool = False,
    noise: float | Sequence[float] | None = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int = 42,
    cycle_mul: float = 1.0,
    cycle_decay: float = 0.1,
    cycle_limit: int = 1,
    k_decay: float = 1.0,
    decay_fn: str | None = None,
    stable_timescale: float | None = None,
    plateau_mode: str = "max",
    step_on_epochs: bool = True,
    updates_per_epoch: int = 0,
) -> tuple[Scheduler | None, Any]:
    """timm's factory: a scheduler by name, with all times in epochs, and how many epochs there are to train.

    Args:
        optimizer: anything with ``param_groups``.
        sched: ``"cosine"``, ``"tanh"``, ``"poly"``, ``"step"``, ``"multistep"``, ``"constant"``, ``"wsd"``, ``"rsqrt"``,
            ``"plateau"``, or ``"none"`` for no scheduler. ``"constant"`` is the base after the warm-up; ``"rsqrt"`` is WSD with
            one over the square root of time for its stable phase.
        num_epochs: length of the schedule, or of its first cycle; without the warm-up if that is a prefix.
        decay_epochs: width of a stair (``"step"``, default 90); length of the decay (``"wsd"``, ``"rsqrt"``, default 0.2),
            below 1 as a share of stable phase and decay.
        decay_milestones: of ``"multistep"``.
        cooldown_epochs: epochs after the schedule, of those that have cycles or a decay.
        patience_epochs: of ``"plateau"``.
        decay_rate: ratio of a stair or a cut; the power of ``"poly"``.
        min_lr: the rate at the end, absolute.
        warmup_lr: the rate at the start of the warm-up, absolute.
        warmup_epochs: length of the warm-up.
        warmup_prefix: whether the warm-up comes on top of ``num_epochs``.
        noise: when noise begins, or a pair with when it is over too, as shares of ``num_epochs``.
        noise_pct, noise_std, noise_seed: see :class:`Scheduler`.
        cycle_mul, cycle_decay, cycle_limit: of ``"cosine"``, ``"tanh"`` and ``"poly"``.
        k_decay: of ``"cosine"`` and ``"poly"``.
        decay_fn: of ``"wsd"`` and ``"rsqrt"``; None is ``"1-sqrt"`` and ``"linear"``.
        stable_timescale: of ``"rsqrt"``; None is ``warmup_epochs``.
        plateau_mode: ``"max"`` or ``"min"``.
        step_on_epochs: whether epochs are counted; else updates are.
        updates_per_epoch: how many, where they are counted.

    Returns:
        The scheduler, and the number of epochs with prefix and cooldown.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: unknown ``sched``, a number outside of its range, no ``updates_per_epoch`` where updates are counted.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler, num_epochs = create_scheduler_v2(optimizer, "cosine", 90, warmup_epochs=5, warmup_prefix=True)
        >>> num_epochs, scheduler.lr_at(0), scheduler.lr_at(5), scheduler.lr_at(50)
        (95, [1e-05], [0.5], [0.25])
    """
    owner = "create_scheduler_v2"
    per_epoch = 1 if step_on_epochs else number(owner, "updates_per_epoch", updates_per_epoch, ">= 0")
    if not per_epoch:
        raise ValueError(f"{owner}: updates_per_epoch must be > 0 for step_on_epochs=False, got {updates_per_epoch!r}")
    length, warmup_t = num_epochs * per_epoch, warmup_epochs * per_epoch
    noisy = {
        "noise_range_t": _noise_range(noise, length),
        "noise_pct": noise_pct,
        "noise_std": noise_std,
        "noise_seed": noise_seed,
    }
    plateau = {"warmup_t": warmup_t, "warmup_lr_init": warmup_lr, **noisy}
    common: dict[str, Any] = {**plateau, "t_in_epochs": step_on_epochs}
    prefix: dict[str, Any] = {**common, "warmup_prefix": warmup_prefix}
    cycles: dict[str, Any] = {
        **prefix,
        "t_initial": length,
        "lr_min": min_lr,
        "cycle_mul": cycle_mul,
        "cycle_decay": cycle_decay,
        "cycle_limit": cycle_limit,
    }

    def make_wsd(stable_fn: str, default_decay_fn: str) -> Scheduler:
        steps = length if warmup_prefix else length - warmup_t
        decay = 0.2 if decay_epochs is None else decay_epochs
        decay_t = round(decay * (steps if 0 < decay < 1 else per_epoch))
        if not 0 < decay_t <= steps:
            within = "num_epochs" if warmup_prefix else "num_epochs - warmup_epochs"
            raise ValueError(f"{owner}: decay_epochs must be > 0 and <= {within}, {steps / per_epoch:g}, got {decay!r}")
        return WSDLRScheduler(
            optimizer,
            steps,
            decay_t,
            lr_min=min_lr,
            stable_fn=stable_fn,
            stable_timescale=None if stable_timescale is None else stable_timescale * per_epoch,
            decay_fn=decay_fn or default_decay_fn,
            **common,
        )

    def make_plateau() -> Scheduler:
        if not step_on_epochs:
            raise ValueError(f"{owner}: sched='plateau' counts epochs, and step_on_epochs=False counts updates")
        return PlateauLRScheduler(
            optimizer,
            decay_rate,
            patience_epochs,
            lr_min=min_lr,
            mode=plateau_mode,
            **plateau,
        )

    def make_step() -> Scheduler:
        return StepLRScheduler(optimizer, (90 if decay_epochs is None else decay_epochs) * per_epoch, decay_rate, **prefix)

    make: dict[str, Callable[[], Scheduler | None]] = {
        "cosine": lambda: CosineLRScheduler(optimizer, k_decay=k_decay, **cycles),
        "tanh": lambda: TanhLRScheduler(optimizer, **cycles),
        "poly": lambda: PolyLRScheduler(optimizer, power=decay_rate, k_decay=k_decay, **cycles),
        "step": make_step,
        "multistep": lambda: MultiStepLRScheduler(optimizer, [m * per_epoch for m in decay_milestones], decay_rate, **prefix),
        "constant": lambda: StepLRScheduler(optimizer, 1, **prefix),
        "wsd": lambda: make_wsd("constant", "1-sqrt"),
        "rsqrt": lambda: make_wsd("rsqrt", "linear"),
        "plateau": make_plateau,
        "none": lambda: None,
    }
    if sched not in make:
        raise ValueError(f"{owner}: sched must be one of {', '.join(make)}, got {sched!r}{did_you_mean(sched, make)}")
    scheduler = make[sched]()
    if isinstance(scheduler, (_Cycles, WSDLRScheduler)):
        total = scheduler.get_cycle_length() + cooldown_epochs * per_epoch
        return scheduler, total if step_on_epochs else total // per_epoch
    return scheduler, num_epochs + warmup_epochs if warmup_prefix else num_epochs


def _noise_range(noise: float | Sequence[float] | None, length: float) -> Any:
    """When noise begins, or that and when it is over, from shares of ``length``."""
    if noise is None:
        return None
    if not isinstance(noise, (list, tuple)):
        return number("create_scheduler_v2", "noise", noise) * length
    within = [number("create_scheduler_v2", f"noise[{i}]", share) * length for i, share in enumerate(noise)]
    return within[0] if len(within) == 1 else within


def create_scheduler(args: Any, optimizer: Any, updates_per_epoch: int = 0) -> tuple[Scheduler | None, Any]:
    """``create_scheduler_v2(optimizer, **scheduler_kwargs(args), updates_per_epoch=updates_per_epoch)``.

    Args:
        args: the parsed arguments of timm's training script, or any object with such attributes.
        optimizer: anything with ``param_groups``.
        updates_per_epoch: how many there are, where ``args.sched_on_updates``.

    Raises:
        AttributeError: ``args`` has no ``sched``.
        TypeError: as :func:`create_scheduler_v2`.
        ValueError: as :func:`create_scheduler_v2`.

    Example:
        >>> import lucid
        >>> from argparse import Namespace
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler, num_epochs = create_scheduler(Namespace(sched="step", epochs=60, warmup_epochs=0), optimizer)
        >>> num_epochs, scheduler.lr_at(29), scheduler.lr_at(30)
        (60, [0.5], [0.05])
    """
    return create_scheduler_v2(optimizer, **scheduler_kwargs(args), updates_per_epoch=updates_per_epoch)


# Argument of create_scheduler_v2: (attribute of the script's arguments, default).
_ARGUMENTS: dict[str, tuple[str, Any]] = {
    "num_epochs": ("epochs", 100),
    "decay_epochs": ("decay_epochs", 30),
    "decay_milestones": ("decay_milestones", [30, 60]),
    "warmup_epochs": ("warmup_epochs", 5),
    "cooldown_epochs": ("cooldown_epochs", 0),
    "patience_epochs": ("patience_epochs", 10),
    "decay_rate": ("decay_rate", 0.1),
    "min_lr": ("min_lr", 0.0),
    "warmup_lr": ("warmup_lr", 1e-5),
    "warmup_prefix": ("warmup_prefix", False),
    "noise": ("lr_noise", None),
    "noise_pct": ("lr_noise_pct", 0.67),
    "noise_std": ("lr_noise_std", 1.0),
    "noise_seed": ("seed", 42),
    "cycle_mul": ("lr_cycle_mul", 1.0),
    "cycle_decay": ("lr_cycle_decay", 0.1),
    "cycle_limit": ("lr_cycle_limit", 1),
    "k_decay": ("lr_k_decay", 1.0),
    "decay_fn": ("lr_decay_fn", None),
    "stable_timescale": ("lr_stable_timescale", None),
}


def scheduler_kwargs(cfg: Any, decreasing_metric: bool | None = None) -> dict[str, Any]:
    """The arguments of :func:`create_scheduler_v2` from those of timm's training script.

    Args:
        cfg: an object with ``sched``, and ``epochs``, ``lr_cycle_mul`` and so on where they are not to be the defaults.
        decreasing_metric: whether the metric is better when it is lower; None asks whether ``cfg.eval_metric`` is a loss.

    Raises:
        AttributeError: ``cfg`` has no ``sched``.

    Example:
        >>> from argparse import Namespace
        >>> kwargs = scheduler_kwargs(Namespace(sched="plateau", epochs=60, eval_metric="loss"))
        >>> kwargs["num_epochs"], kwargs["warmup_epochs"], kwargs["plateau_mode"], kwargs["step_on_epochs"]
        (60, 5, 'min', True)
    """
    if decreasing_metric is None:
        decreasing_metric = "loss" in getattr(cfg, "eval_metric", "top1")
    return {
        "sched": cfg.sched,
        **{name: getattr(cfg, attribute, default) for name, (attribute, default) in _ARGUMENTS.items()},
        "plateau_mode": "min" if decreasing_metric else "max",
        "step_on_epochs": not getattr(cfg, "sched_on_updates", False),
    }
