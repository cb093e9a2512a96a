"""LRScheduler: the counting, the order, and the state. Nothing here knows any formula.

A scheduler is a position in time (``last_epoch``), a base per parameter group, and Schedules; what it writes is
``schedule(last_epoch, base)``. The rules R0 to R10 that this package keeps are told in CONTRIBUTING.md.
"""

import copy
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, ClassVar, Self
from weakref import finalize, ref

import torch
from torch.optim.lr_scheduler import LRScheduler as _TorchLRScheduler

from lucid.optim.lr_scheduler import _plan as plans
from lucid.optim.lr_scheduler._track import Groups, Track, hidden_under_zeros
from lucid.schedules import Constant, Schedule
from lucid.schedules._numbers import number

_HOW_TO = "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
_DEEPEST = 64  # lists and dicts within each other in a state
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, type)  # which are shared, and of which no state tells anything
_is_traced = torch.compiler.is_dynamo_compiling

Plan = dict[str, Any]
"""Group key -> Schedule, or a list of Schedules, one per parameter group."""


class _computed:  # noqa: N801
    """A property that a subclass's attribute of the same name hides."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self.get, self.__doc__ = get, get.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self.get(instance)


class _BaseLRs(list[float]):
    """A scheduler's base rates: an assigned item is taken over."""

    def __init__(self, scheduler: "LRScheduler", values: list[float]) -> None:
        super().__init__(values)
        self.scheduler = scheduler

    def __setitem__(self, at: Any, value: Any) -> None:
        super().__setitem__(at, value)
        self.scheduler.base_lrs = list(self)


class LRScheduler(_TorchLRScheduler):
    r"""Writes ``schedule(last_epoch, base)`` into the optimizer's parameter groups: any schedule, any group key.

    .. math:: \eta_g(t) = s(t, \eta_{base,g})

    Give one Schedule for all groups, or a list with one per group. Each group has its own base: the value that stands in it
    at construction. ``base_lrs``, from which jumps start, are the groups' ``initial_lr`` where they have one, as with
    PyTorch. ``momentum`` of an optimizer that has betas is the first beta.

    Args:
        optimizer: anything with ``param_groups``.
        last_epoch: -1 starts at 0; N starts at N + 1, from the groups' ``initial_lr``.
        **schedules: group key = Schedule or list of Schedules: ``lr=``, ``weight_decay=``, ``momentum=``, ...

    Raises:
        TypeError: ``optimizer`` has no ``param_groups``, or a value is not a Schedule.
        ValueError: a list of another length than the groups, or a key that a group lacks.
        NotImplementedError: no schedule, and no ``get_lr()`` of a subclass either.

    Example:
        >>> import lucid
        >>> from lucid.schedules import Cosine, Linear
        >>> layer = lucid.nn.Linear(2, 1)
        >>> optimizer = lucid.optim.SGD(layer.parameters(), lr=0.1, weight_decay=0.01)
        >>> scheduler = LRScheduler(optimizer, lr=Linear(2) >> Cosine(8), weight_decay=Cosine(10, end=0.001))
        >>> for _ in range(6):
        ...     optimizer.step()
        ...     scheduler.step()
        >>> scheduler.get_last_lr()
        [0.05]

    A subclass may compute its rates itself, as with PyTorch: ``get_lr()`` returns one per group, from ``self.base_lrs`` and
    ``self.last_epoch``.
    """

    # What is ours alone stays out of __dict__, which PyTorch's users compare and copy.
    __slots__ = ("_before", "_changes", "_hyper", "_lr", "_parent", "_quick", "_tracks", "_watched")

    optimizer: Any
    last_epoch: Any
    _step_count: int
    _hyper: dict[str, Any]
    _changes: list[plans.Change]
    """The changes of plan, in the order in which they were made."""
    _tracks: list[Track]
    _lr: Track | None
    _parent: "ref[LRScheduler] | None"
    """The composite that has taken this scheduler in and steps in its place."""
    _before: Any
    """Where this scheduler stood then."""
    _quick: bool
    """Whether a step is no more than a step of every track."""

    _get_lr_called_within_step = False  # what get_lr() of PyTorch's subclasses asks
    _is_initial = False
    _rules: ClassVar[dict[str, str]] = {}
    """Hyper-parameters by name, each with the rule that it keeps as a number ("" where ``_clean`` says more)."""
    _plan: ClassVar[Callable[..., Plan]] = staticmethod(dict)
    """Hyper-parameters -> group key -> Schedule(s): all that a named scheduler has to say."""
    _lists: ClassVar[frozenset[str]] = frozenset()
    """Hyper-parameters that are lists of any length, not with one value per group."""
    _pads: ClassVar[bool] = False
    """Whether groups that come late have the last one's of a list."""
    _furthest: int = 2**53
    """The last position that a state may tell."""
    _goes_on: ClassVar[bool] = False
    """Whether it starts, in a sequence, from the rate that the scheduler before it left."""
    _own_rates: ClassVar[bool] = False
    """Whether a subclass computes its rates itself, in ``get_lr()``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_rates = cls.get_lr is not LRScheduler.get_lr
        for name in cls.__dict__.get("_rules", ()):
            if not isinstance(getattr(cls, name, None), property):
                setattr(cls, name, _hyperparameter(name))

    def __init__(self, optimizer: Any, last_epoch: int = -1, **schedules: Any) -> None:
        self._attach(optimizer, last_epoch, schedules)

    # -- construction

    def _attach(self, optimizer: Any, last_epoch: Any, hyper: dict[str, Any], start: float = 0) -> None:
        """Check everything, then bind to the optimizer and write the first values (R0, R8).

        Where ``last_epoch`` is -1, these are the values of the time ``start``.
        """
        owner = type(self).__name__
        self._parent, self._before, self._quick, self._watched = None, None, False, None
        self._changes = []
        groups = parameter_groups(owner, optimizer)
        if isinstance(last_epoch, Schedule):
            raise TypeError(f"{owner}: last_epoch must be a number, got {last_epoch!r}; name the schedule: lr=schedule")
        last_epoch = number(owner, "last_epoch", last_epoch)
        if last_epoch < 0 and last_epoch != -1:
            raise ValueError(f"{owner}: last_epoch must be -1 or >= 0, got {last_epoch!r}")
        hyper = {name: self._clean(name, value) for name, value in hyper.items()}
        tracks = self._follow(optimizer, self._planned(hyper))
        lr = tracks.get("lr")
        if lr is not None:
            if last_epoch != -1:
                for i, group in enumerate(groups):
                    if "initial_lr" not in group:
                        raise KeyError(
                            f"{owner}: param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                            f"last_epoch >= 0, got {last_epoch}; load the optimizer's state first, or construct without "
                            "last_epoch and call load_state_dict(state) or step(epoch)"
                        )
            lr.initial = lr.plain([group.get("initial_lr", now) for group, now in zip(groups, lr.last, strict=True)])
        before = [dict(group) for group in groups]
        if lr is not None:
            lr.initial = self._initial_lrs(hyper, lr.initial)
            for group, initial in zip(groups, lr.initial, strict=True):
                if "initial_lr" not in group:
                    held = group["lr"]  # a tensor has a tensor, as with PyTorch
                    group["initial_lr"] = held.clone().fill_(initial) if isinstance(held, torch.Tensor) else initial
        self.optimizer = optimizer
        self._lr = lr
        self._tracks = [track for track in tracks.values() if not (track is lr and self._own_rates)]
        self.last_epoch = start - 1 if last_epoch == -1 else last_epoch
        self._step_count = 0
        try:
            self._take(hyper)
            self._find_bases(groups)
            self._watched = _watch(self, optimizer)
            self._is_initial = True
            self._step(None if last_epoch == -1 else last_epoch + 1)
        except BaseException:  # a function of the user's, or his get_lr(): the optimizer is as before
            for group, was in zip(groups, before, strict=True):
                group.clear()
                group.update(was)
            self._unwatch()
            raise
        finally:
            vars(self).pop("_is_initial", None)

    def _clean(self, name: str, value: Any) -> Any:
        """A hyper-parameter, checked by itself; numbers become Python numbers."""
        rule = self._rules.get(name)
        return value if rule is None else number(type(self).__name__, name, value, rule)

    def _planned(self, hyper: dict[str, Any]) -> Plan:
        """The plan that hyper-parameters tell, with the changes that were made to it."""
        changes = hyper.get("_changes", self._changes)
        plan = self._original({name: value for name, value in hyper.items() if name != "_changes"})
        return plans.changed(type(self).__name__, plan, changes) if changes else plan

    def _original(self, hyper: dict[str, Any]) -> Plan:
        plan = self._plan(**hyper)
        if self._own_rates:
            plan.setdefault("lr", Constant())  # for the bookkeeping: get_lr() has the say
        if not plan:
            raise NotImplementedError(
                f"{type(self).__name__}: give a schedule, lr=Cosine(900), or define get_lr() in a subclass"
            )
        return plan

    def _follow(self, optimizer: Any, plan: Plan, late: bool = False) -> dict[str, Track]:
        owner, groups = type(self).__name__, optimizer.param_groups
        return {key: Track(owner, key, of, groups, hidden_under_zeros(optimizer, key), late) for key, of in plan.items()}

    def _initial_lrs(self, hyper: dict[str, Any], groups_lrs: list[float]) -> list[float]:
        """The public ``base_lrs``; schedulers that take theirs as an argument say so here."""
        return groups_lrs

    def _find_bases(self, groups: Groups) -> None:
        """Where the values in the groups are not the bases, a scheduler says here what those are."""

    def _take(self, hyper: dict[str, Any]) -> None:
        self._changes = hyper.pop("_changes", self._changes)
        self._hyper = hyper

    def _change(self, **changes: Any) -> None:
        """Assign hyper-parameters: they hold from the next step on."""
        hyper = {**self._hyper, **{name: self._clean(name, value) for name, value in changes.items()}}
        plan = self._planned(hyper)
        groups, followed = self.optimizer.param_groups, self._followed()
        if followed and plan.keys() != {track.key for track in followed}:
            raise ValueError(
                f"{type(self).__name__}: {', '.join(changes)} decides which keys are scheduled; build a new scheduler"
            )
        parent = None if self._parent is None else self._parent()
        for track in followed:
            if parent is None:
                track.observe(groups)  # edits up to now were made to the old schedule
            track.take(plan[track.key], len(groups))
        self._take(hyper)
        if parent is not None:
            parent._change()

    def _followed(self) -> list[Track]:
        return [self._lr, *self._tracks] if self._own_rates and self._lr is not None else self._tracks

    # -- what PyTorch's users read

    @property  # type: ignore[override]
    def base_lrs(self) -> list[float]:
        """The rates that the groups started with. Assign to it, or to its items, to start from others."""
        return [] if self._lr is None else _BaseLRs(self, self._lr.initial)

    @base_lrs.setter
    def base_lrs(self, values: list[float]) -> None:
        owner, track = type(self).__name__, self._lr
        if track is None or len(values) != len(track.initial):
            raise ValueError(f"{owner}: base_lrs must be one number per parameter group whose lr is scheduled, got {values!r}")
        track.initial = [float(number(owner, "base_lrs", value, ">= 0")) for value in values]
        track.rebase(list(track.initial))

    @property  # type: ignore[override]
    def _last_lr(self) -> list[float]:
        told: list[float] | None = vars(self).get("_last_lr")
        return self._rates() if told is None else told

    @_last_lr.setter
    def _last_lr(self, rates: list[float]) -> None:
        vars(self)["_last_lr"] = rates  # a subclass that steps by itself says what the rates are

    def _rates(self) -> list[float]:
        if self._lr is None or self._parent is not None:  # the rates are somebody else's
            return [float(group["lr"]) for group in self.optimizer.param_groups]
        return self._lr.last

    def get_last_lr(self) -> list[float]:  # type: ignore[override]
        """The rates in force, one per group."""
        return list(self._last_lr)

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """The rates at ``last_epoch``, one per group, without side effects. Subclasses may override it."""
        track = self._lr
        if track is None:
            return self.get_last_lr()
        return [float(track.schedule_of(i)(self._time, base)) for i, base in enumerate(track.bases)]

    def lr_at(self, t: float) -> list[float]:
        """The rates at the time ``t``, past or to come, one per group, from the bases in force. Nothing changes.

        Raises:
            TypeError: ``t`` is no number.
            ValueError: ``t`` is not finite.
            NotImplementedError: the rates come from ``get_lr()`` of a subclass, which knows the present alone.

        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> scheduler = lucid.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.5)
        >>> scheduler.lr_at(29), scheduler.lr_at(30), scheduler.last_epoch
        ([0.5], [0.25], 0)
        """
        t = number(type(self).__name__, "t", t)
        schedules, track, groups = self.schedules, self._lr, self.optimizer.param_groups
        assert track is not None  # or there were no schedules
        bases = track.initial if self._parent is not None else track.bases_now(groups)
        return [float(schedule(t, base)) for schedule, base in zip(schedules, bases, strict=False)]

    def schedules_of(self, key: str = "lr") -> list[Schedule]:
        """The Schedule of each parameter group, for one of the keys that are scheduled.

        Raises:
            KeyError: ``key`` is not scheduled.
            NotImplementedError: the rates come from ``get_lr()`` of a subclass.
        """
        owner = type(self).__name__
        if key == "lr" and self._own_rates:
            raise NotImplementedError(f"{owner}: its rates come from get_lr(), not from a schedule")
        for track in self._tracks:
            if track.key == key:
                return [track.schedule_of(i) for i in range(len(self.optimizer.param_groups))]
        known = ", ".join(track.key for track in self._tracks)
        raise KeyError(f"{owner}: {key} is not scheduled; {known or 'nothing'} is")

    @_computed
    def schedules(self) -> list[Schedule]:
        """The Schedule of each parameter group's rate: ``value = schedule(t, base)``."""
        return self.schedules_of("lr")

    @_computed
    def schedule(self) -> Schedule:
        """The Schedule that the rates of all parameter groups follow.

        Raises:
            ValueError: they follow several; ``schedules`` has them.
        """
        first, *others = self.schedules_of("lr")
        if any(other is not first and other != first for other in others):
            raise ValueError(f"{type(self).__name__}: the parameter groups follow several schedules; see .schedules")
        return first

    def __repr__(self) -> str:
        return f"{type(self).__name__}({''.join(f'{what}, ' for what in self._told())}last_epoch={self.last_epoch})"

    def _told(self) -> list[str]:
        """What the representation shows: the schedules."""
        told = []
        for track in self._tracks:
            plan: Any = track.shared or track.schedules
            more = f", ... {len(plan) - 4} more]" if track.shared is None and len(plan) > 4 else ""
            told.append(f"{track.key}={repr(plan[:4])[:-1] + more if more else repr(plan)}")
        return told

    # -- time

    def step(self, epoch: Any = None) -> None:
        """One unit of time onward; or to the time ``epoch`` at once, from ``base_lrs``, forgetting edits.

        Raises:
            ValueError: ``epoch`` is negative or not finite, or ``get_lr()`` of a subclass gives another number of rates than
                there are groups.
        """
        if _is_traced():
            torch.compiler.disable(self._step)(epoch)  # type: ignore[no-untyped-call]
            return
        if epoch is not None or not self._quick:
            self._step(epoch)
            return
        t = self.last_epoch + 1
        groups = self.optimizer.param_groups
        try:
            for track in self._tracks:
                track.advance(groups, t)
        except BaseException:
            self._take_back(t)
            raise
        self.last_epoch = t
        self._step_count += 1

    def _take_back(self, t: float) -> None:
        """A step to ``t`` failed: what was written for it goes back to the time that holds."""
        for track in self._tracks:
            if track.t == t:
                track.advance(self.optimizer.param_groups, self._time)

    @property
    def _time(self) -> Any:
        """The exact position; ``last_epoch``, but where PyTorch rounds that."""
        return self.last_epoch

    @_time.setter
    def _time(self, t: Any) -> None:
        self.last_epoch = t

    def _step(self, epoch: Any = None) -> None:
        if self._parent is not None:
            self._check_free()
        count, before, groups = self._step_count, self._time, self.optimizer.param_groups
        if epoch is None:
            if count == 1:
                self._check_order()
            t = before + 1
        else:
            t = number(type(self).__name__, "epoch", epoch, ">= 0")
            if count == 1:
                self._unwatch()
        bases = [(track, track.t, track.bases) for track in self._tracks]
        try:
            self._time, self._step_count = t, count + 1  # which a subclass's get_lr() reads
            for track in self._tracks:
                (track.advance if epoch is None else track.jump)(groups, t)
            if self._own_rates:
                self._write_own_rates(groups, jump=epoch is not None)
        except BaseException:
            self._time, self._step_count = before, count  # no step was made
            for track, was, theirs in bases:
                if count and was is not None and track.t != was:
                    track.rebase(theirs if epoch is not None else track.bases)
                    track.put(groups, was)
            raise
        self._quick = self._steps_quickly()

    def _check_free(self) -> None:
        parent = None if self._parent is None else self._parent()
        if parent is not None:
            raise RuntimeError(f"{type(self).__name__}: it is part of a {type(parent).__name__}; call that one's step()")
        if self._parent is not None:  # that one is gone, and what it left is gone on from
            self._parent = None
            for track in self._followed():
                track.doubt(self._time)

    def _steps_quickly(self) -> bool:
        return self._step_count > 1 and not self._own_rates

    def _write_own_rates(self, groups: Groups, jump: bool) -> None:
        """What a subclass's get_lr() says (R9); after a jump its _get_closed_form_lr(), if it has one."""
        track, owner = self._lr, type(self).__name__
        assert track is not None
        if len(groups) != len(track.last):
            track.observe(groups)
        closed_form = getattr(self, "_get_closed_form_lr", None) if jump else None
        self._get_lr_called_within_step = True
        try:
            rates = closed_form() if closed_form is not None else self.get_lr()
        finally:
            del self._get_lr_called_within_step
        if not isinstance(rates, (list, tuple)):
            raise TypeError(f"{owner}: get_lr() must give a list with one rate per parameter group, got {rates!r}")
        if len(rates) != len(groups):
            raise ValueError(f"{owner}: get_lr() must give one rate per parameter group, {len(groups)}, got {len(rates)}")
        track.write(groups, [float(number(owner, f"get_lr()[{i}]", rate)) for i, rate in enumerate(rates)])
        track.t = self.last_epoch

    def _initial_step(self) -> None:
        """PyTorch's name for the first step, which its own composites take again."""
        self._step_count = 0
        self._step()

    def _update_lr(self, epoch: Any = None) -> None:
        """PyTorch's name for a step without the check of the order."""
        self._step(epoch)

    def _check_order(self) -> None:
        """Warn where the optimizer's first step was forgotten (R7): not where it was skipped, wrapped, or cannot be seen."""
        optimizer, before = self.optimizer, self._watched
        marks, own = self._unwatch(), _own_step(optimizer)
        if before is not None and isinstance(own, MethodType) and own.__self__ is optimizer and own is not before[2]:
            if own.__func__ is not getattr(type(optimizer), "step", None) and not hasattr(own, "_wrapped_by_lr_sched"):
                warn(
                    f"{type(self).__name__}: `optimizer.step()` has been overridden by another method since the scheduler was "
                    f"built; see that it calls the former one, before scheduler.step(). See {_HOW_TO}"
                )
            return
        if marks or own is not None:
            return
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                grad = getattr(parameter, "grad", None)
                if grad is not None and not bool(torch.isfinite(grad.sum())):
                    return  # a GradScaler skips this step
        warn(
            f"{type(self).__name__}: step() was called before the optimizer's first step(), so the first rate is never used; "
            f"call optimizer.step() and then scheduler.step(). See {_HOW_TO}"
        )

    def _unwatch(self) -> list[Any]:
        """Take the hook away (not from within it: the optimizer is going through its hooks then); gives what it left."""
        watched, self._watched = self._watched, None
        if watched is None:
            return [None]
        marks, remove, _ = watched
        remove()
        return marks

    # -- changes of plan

    @_computed
    def changes(self) -> list[dict[str, Any]]:
        """The changes of plan so far, in their order, as plain data: when, of which key, and what :meth:`replan` and the like
        were told; a schedule that holds a function is None."""
        return plans.told(self._changes)

    def replan(self, lr: Any = None, *, at: float | None = None, continuous: bool = True, **schedules: Any) -> None:
        r"""From now on, follow another schedule. It starts at its own time 0, from the value that stands.

        .. math:: \eta(t) = \begin{cases} s_{old}(t, \eta_{base}) & t < m \\ s_{new}(t - m, b) & \text{otherwise} \end{cases}

        with :math:`b` such that the value does not jump at :math:`m`: so a cooldown branches off, ``replan(Decay(2000))``. The
        change holds at once, is pure in time (a jump to before :math:`m` finds the old trajectory), and is a part of the
        state: a scheduler that was built as before follows it after a load. It replaces earlier changes for later times.

        Args:
            lr: a Schedule, or a list with one per parameter group.
            at: :math:`m`, when, not before ``last_epoch``; None is now.
            continuous: False starts from the groups' bases, as a schedule does that is given at construction.
            **schedules: the same for other keys that are scheduled: ``weight_decay=``, ``momentum=``, ...

        Raises:
            TypeError: no Schedule, or ``at`` is no number.
            ValueError: a key that is not scheduled, a list of another length than the groups, a time before now, a schedule
                that cannot continue (its first value does not follow the base, or the value that stands is 0). Nothing has
                changed then.
            RuntimeError: it is part of a composite.
            NotImplementedError: the rates follow metrics or a subclass's ``get_lr()``, not a plan.

        Example:
            >>> import lucid
            >>> from lucid.schedules import WSD, Decay
            >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
            >>> scheduler = LRScheduler(optimizer, lr=WSD(10_000, 2_000, warmup_steps=500))
            >>> scheduler.step(4_500)
            >>> scheduler.replan(Decay(1_000, shape="linear"))
            >>> [scheduler.lr_at(t)[0] for t in (250, 4_500, 5_000, 5_500)]
            [0.25, 0.5, 0.25, 0.0]
        """
        owner = type(self).__name__
        if not isinstance(continuous, bool):
            raise TypeError(f"{owner}: continuous must be True or False, got {continuous!r}")
        asked = {**({} if lr is None else {"lr": lr}), **schedules}
        if not asked:
            raise ValueError(f"{owner}: replan() needs a schedule: replan(Decay(2000))")
        at, made = self._when(at), []
        for key, of in asked.items():
            many, groups = isinstance(of, (list, tuple)), len(self.optimizer.param_groups)
            if not all(isinstance(one, Schedule) for one in (of if many else [of])):
                raise TypeError(
                    f"{owner}: {key} must be a Schedule or a list of them, got {of!r}; a function goes in as Lambda(fn)"
                )
            if many and len(of) != groups:
                raise ValueError(f"{owner}: {key} needs one schedule per parameter group: {groups} groups, {len(of)} given")
            made.append({"at": at, "key": key, "schedule": list(of) if many else of, "continuous": continuous})
        before = self._changes
        for key in asked:
            before = plans.before(before, key, at, continuous)
        self._amend(before, made)

    def extend(self, total_steps: float, *, at: float | None = None, key: str | None = None) -> None:
        """From now on, go to an end that comes later, without a jump.

        What is over stays as it was, and a warm-up goes on as planned. A flat phase that is going on or still to come gets
        longer (the last one, as the stable phase of WSD), and what follows it keeps its length. Where there is none, all that
        remains takes longer in proportion: a cosine goes down more slowly from where it stands. Like :meth:`replan`, a change
        of plan; where the end is there already, nothing happens, so that a script may say it after each load.

        Args:
            total_steps: when the schedule is to end, in the unit of ``step()``, counted from 0 as its length is.
            at: from when on, not before ``last_epoch``; None is now.
            key: the group key; None takes all that end with the one that ends last.

        Raises:
            TypeError: an argument that is no number.
            ValueError: the schedule has no end, or it is over; ``total_steps`` is before its end. Nothing has changed then.
            RuntimeError: it is part of a composite.
            NotImplementedError: the rates follow metrics or a subclass's ``get_lr()``, not a plan.

        Example:
            >>> import lucid
            >>> from lucid.schedules import WSD
            >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
            >>> scheduler = LRScheduler(optimizer, lr=WSD(100, 20, shape="linear"))
            >>> scheduler.step(50)
            >>> scheduler.extend(200)
            >>> [scheduler.lr_at(t)[0] for t in (50, 180, 190, 200)]
            [0.5, 0.5, 0.25, 0.0]
        """
        owner = type(self).__name__
        at, total = self._when(at), plans.time(owner, "total_steps", total_steps)
        self._check_plan(() if key is None else (key,))
        plan = {track.key: track.shared or track.schedules for track in self._tracks}
        lengths = {of: plans.length_of(schedules) for of, schedules in plan.items() if key is None or of == key}
        ends = [length for length in lengths.values() if length < math.inf]
        last = max(ends, default=math.inf)
        made = [{"at": at, "key": of, "total_steps": total} for of, length in lengths.items() if length == last]
        if not plans.same_time(total, last):
            self._amend(self._changes, made)

    def rescale(self, factor: float, steps: float, *, at: float | None = None, key: str = "lr") -> None:
        """From now on, another peak: the base goes to ``factor`` times what it was, in a straight line over ``steps``.

        The trajectory keeps its shape, and absolute floors their height; where the rates are absolute (OneCycleLR, CyclicLR,
        NoamScheduler), they are multiplied themselves. Like :meth:`replan`, a change of plan, which jumps remember. (An edit,
        ``group["lr"] *= 0.5``, holds at once too, until a jump.)

        Args:
            factor: > 0.
            steps: >= 0, how long it takes to get there, in the unit of ``step()``; 0 jumps.
            at: from when on, not before ``last_epoch``; None is now.
            key: the group key.

        Raises:
            TypeError: an argument that is no number.
            ValueError: a number outside of its range, a key that is not scheduled. Nothing has changed then.
            RuntimeError: it is part of a composite.
            NotImplementedError: the rates follow metrics or a subclass's ``get_lr()``, not a plan.

        Example:
            >>> import lucid
            >>> from lucid.schedules import Constant
            >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
            >>> scheduler = LRScheduler(optimizer, lr=Constant())
            >>> scheduler.rescale(0.5, steps=2, at=10)
            >>> [scheduler.lr_at(t)[0] for t in (10, 11, 12, 13)]
            [0.5, 0.375, 0.25, 0.25]
        """
        owner = type(self).__name__
        at, factor = self._when(at), number(owner, "factor", factor, "> 0")
        steps = plans.time(owner, "steps", steps)
        self._amend(self._changes, [{"at": at, "key": key, "factor": factor, "steps": steps}])

    def _when(self, at: Any) -> Any:
        if at is None:
            return self._time
        owner, now = type(self).__name__, self._time
        at = plans.time(owner, "at", at)
        if at < now:
            raise ValueError(f"{owner}: at must be >= {now}, where the scheduler is, got {at!r}; step(at) goes back first")
        return at

    def _check_plan(self, keys: Any) -> None:
        """Refuse a change of plan where there is none to change."""
        owner = type(self).__name__
        if self._parent is not None:
            parent = self._parent()
            if parent is not None:
                raise RuntimeError(f"{owner}: it is part of a {type(parent).__name__}; change that one's plan")
            self._check_free()
        if not self._tracks or (self._own_rates and "lr" in keys):
            self.schedules_of("lr")  # says why there is none
        known = [track.key for track in self._tracks]
        for key in keys:
            if key not in known:
                raise ValueError(
                    f"{owner}: {key!r} is not scheduled, so its plan cannot change; {', '.join(known) or 'nothing'} is"
                )

    def _amend(self, before: list[plans.Change], made: list[plans.Change]) -> None:
        """Follow the plan with these changes from now on: all of it, or none."""
        owner, groups, t = type(self).__name__, self.optimizer.param_groups, self._time
        self._check_plan([change["key"] for change in made])
        changes = [*before, *made]
        if len(changes) > plans.MOST:
            raise ValueError(f"{owner}: a plan can be changed {plans.MOST} times; build a new scheduler, and step(t) to here")
        hyper = {**self._hyper, "_changes": changes}
        plan = self._planned(hyper)
        for track in self._followed():
            track.observe(groups)  # edits up to now were made to the old plan
            of = plan[track.key]
            for i, base in enumerate(track.bases):
                schedule = of[min(i, len(of) - 1)] if isinstance(of, list) else of
                number(owner, track.key, schedule(t, base), track.rule)
        for track in self._tracks:
            track.take(plan[track.key], len(groups))
            track.put(groups, t)
        self._take(hyper)

    # -- state (R2)

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs, as plain numbers, strings and lists: strict JSON, and safe for ``weights_only`` loading.

        ``last_epoch``, ``_step_count``, ``base_lrs``, ``_last_lr``, ``_group_count``, the class, the hyper-parameters under
        their own names (functions as None, callable objects as their ``__dict__``), ``_changes``, those of the plan as JSON
        text, and ``_tracks``: per group key the bases in force and the values that the groups hold. Public attributes of plain
        data that a user set are kept too.

        Raises:
            ValueError: a callable object or a schedule holds something that is not plain data.
        """
        owner, groups = type(self).__name__, self.optimizer.param_groups
        told = {
            **self._extra_state(),
            **self._hyper_state(),
            "_changes": plans.text_of(self._changes),
            "_class": owner,
            "last_epoch": number(owner, "last_epoch", self.last_epoch),
            "_step_count": self._step_count,
            "base_lrs": list(self.base_lrs),
            "_last_lr": self.get_last_lr(),
        }
        if self._parent is not None:  # the composite keeps the rest
            return told
        tracks = {}
        for track in self._followed():
            if len(groups) != len(track.last):
                track.observe(groups)
            tracks[track.key] = track.state(groups)
        if self._lr is not None:  # these two have names of their own at the top, where PyTorch's loading finds them
            del tracks["lr"]["initial"], tracks["lr"]["last"]
        return {
            **told,
            "base_lrs": list(self.base_lrs),
            "_last_lr": self.get_last_lr() if self._lr is None else list(self._lr.last),
            "_group_count": len(groups),
            "_tracks": tracks,
        }

    def _hyper_state(self) -> dict[str, Any]:
        """The hyper-parameters as plain data, under their own names; names that PyTorch's loading needs come along."""
        owner = type(self).__name__
        return {name: _encode(f"{owner}: {name}", value) for name, value in self._hyper.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any], *, keep_hyperparameters: bool = False) -> None:
        """Continue from ``state_dict``: ours, or one that PyTorch's scheduler of this name saved.

        The values go into the optimizer's groups at once, so restoring the scheduler alone is enough, and the order of
        restoring schedulers and optimizer does not matter. The state's hyper-parameters and base rates replace this
        scheduler's, with a warning where they differ, and so do its changes of plan; ``keep_hyperparameters=True`` keeps this
        scheduler's and takes the position, and edits and cuts as ratios of the base (restore the optimizer before that).

        Raises:
            TypeError: not a mapping.
            ValueError: another class, another number of groups, a missing key, a value of the wrong type, not finite or out
                of range. Scheduler and optimizer are as before.
        """
        owner = type(self).__name__
        if self._parent is not None and (parent := self._parent()) is not None:
            raise RuntimeError(f"{owner}: it is part of a {type(parent).__name__}; load that one's state")
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{owner}: a state must be a mapping, got {type(state_dict).__name__}")
        self._prepared(state_dict, keep_hyperparameters)()

    def _prepared(self, state_dict: Mapping[str, Any], keep: bool) -> Callable[[], None]:
        """Check a state; what is returned loads it, and cannot fail."""
        foreign = _is_foreign(state_dict)
        try:
            state = self._from_torch(dict(state_dict)) if foreign else state_dict
            return self._checked(state, foreign, keep)
        except TypeError as error:
            raise ValueError(str(error)) from error
        except RecursionError:
            raise ValueError(f"{type(self).__name__}: the state is nested too deeply") from None
        except (ArithmeticError, IndexError, AttributeError, RuntimeError) as error:  # the last is torch's, of odd tensors
            raise ValueError(f"{type(self).__name__}: the state cannot be read: {error}") from error
        except KeyError as error:
            raise ValueError(f"{type(self).__name__}: the state lacks {error}") from error

    def _checked_as_child(self, state: Mapping[str, Any], keep: bool) -> tuple[dict[str, Any], list[Callable[[], None]]]:
        """What a composite needs of a child's state: the hyper-parameters, and what else is to be done."""
        owner, count = type(self).__name__, len(self.base_lrs)
        if _is_foreign(state):
            state = self._from_torch(dict(state))
        elif state["_class"] != owner:
            raise ValueError(f"{owner}: the state is one of {state['_class']!r}")
        hyper, patches = self._checked_hyper(state, keep)
        hyper["_changes"] = self._checked_changes(state, keep)
        extra = self._checked_extra(state)
        bases = [number(owner, "base_lrs", value, ">= 0") for value in _list(owner, "base_lrs", state.get("base_lrs", []))]
        if bases and self._lr is not None and len(bases) == count and not keep:
            patches.append(partial(setattr, self._lr, "initial", [float(base) for base in bases]))
        patches.append(partial(self._set, extra))
        return hyper, patches

    def _retake(self, hyper: dict[str, Any]) -> None:
        """Take hyper-parameters as a composite's child, whose tracks only tell the schedules."""
        plan = self._planned(hyper)
        self._tracks = [track for track in self._tracks if track.key in plan]  # a state may cycle no momentum
        for track in self._tracks:
            track.take(plan[track.key], len(track.last))
        self._take(hyper)

    def _set(self, extra: dict[str, Any]) -> None:
        for name, value in extra.items():
            setattr(self, name, copy.deepcopy(value))

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state that PyTorch's scheduler of this name saved, with hyper-parameters under this class's names."""
        return state

    def _checked(self, state: Mapping[str, Any], foreign: bool, keep: bool) -> Callable[[], None]:
        """Check all of ``state`` against this scheduler and its optimizer; what is returned then cannot fail."""
        owner, groups = type(self).__name__, self.optimizer.param_groups
        if not foreign and state["_class"] != owner:
            raise ValueError(f"{owner}: the state is one of {state['_class']!r}")
        last_lr = state["_last_lr"]
        saved_groups = len(_list(owner, "_last_lr", last_lr)) if foreign else state["_group_count"]
        if type(saved_groups) is not int or saved_groups != len(groups):
            raise ValueError(
                f"{owner}: the state has {saved_groups!r} parameter groups, the optimizer {len(groups)}; add groups that came "
                "late before loading, or, if model or optimizer changed, build a new scheduler and step(epoch) to the position"
            )
        last_epoch = self._saved_time(state)
        steps = state.get("_step_count", int(last_epoch) + 1) if foreign else state["_step_count"]
        step_count = _position(owner, "_step_count", steps, "a whole number >= 1")
        extra = self._checked_extra(state)
        hyper, patches = self._checked_hyper(state, keep)
        hyper["_changes"] = self._checked_changes(state, keep)
        tracks: dict[str, Track] = {}
        writes: list[Any] = []
        with _as_patched(patches):  # the formulas are asked what they say with the state's attributes
            self._place_tracks(state, foreign, keep, hyper, last_epoch, tracks, writes)

        def commit() -> None:
            for track, (held, notes) in zip(tracks.values(), writes, strict=True):
                track.commit(groups, held, notes)
            for patch in patches:
                patch()
            self._lr = tracks.get("lr")
            self._tracks = [track for track in tracks.values() if not (track is self._lr and self._own_rates)]
            self._take(hyper)
            self._time, self._step_count = last_epoch, step_count
            self._quick = self._steps_quickly()
            self._set(extra)

        return commit

    def _place_tracks(
        self,
        state: Mapping[str, Any],
        foreign: bool,
        keep: bool,
        hyper: dict[str, Any],
        last_epoch: Any,
        tracks: dict[str, Track],
        writes: list[Any],
    ) -> None:
        """New tracks as a state tells of them, and what each is to write."""
        owner, optimizer, groups, last_lr = type(self).__name__, self.optimizer, self.optimizer.param_groups, state["_last_lr"]
        tracks.update(self._follow(optimizer, self._planned(hyper), late=True))
        mine_by_key = {track.key: track for track in self._followed()}
        saved_tracks: Any = dict.fromkeys(tracks) if foreign else state["_tracks"]
        if not isinstance(saved_tracks, Mapping) or saved_tracks.keys() != tracks.keys():
            raise ValueError(f"{owner}: _tracks must tell of {', '.join(tracks)}, got {saved_tracks!r}")
        for key, track in tracks.items():
            own = mine_by_key[key]
            saved, mine = saved_tracks[key], [*own.initial, *own.bases_now(groups)[len(own.initial) :]]
            if foreign:  # it knows no bases in force: edits show in what it wrote
                is_lr = key == "lr"
                initial = state.get("base_lrs", mine) if is_lr else mine
                write = track.place(last_epoch, initial, last_lr if is_lr else None)
            elif key == "lr":
                saved = {**_mapping(owner, key, saved), "initial": state["base_lrs"], "last": last_lr}
                write = track.restore(saved, last_epoch)
            else:
                write = track.restore(_mapping(owner, key, saved), last_epoch)
            if keep:
                write = track.carry_over(mine, last_epoch, write[0])
            elif track.initial != mine and (key == "lr" or write[0] != mine):  # what a restored optimizer held is no base
                self._warn_replaced("base_lrs" if key == "lr" else f"base of {key}", track.initial, mine)
            track.check_reach(write[0])
            writes.append(write)

    def _saved_time(self, state: Mapping[str, Any]) -> Any:
        """The exact position that a state tells."""
        owner = type(self).__name__
        last_epoch = _position(owner, "last_epoch", state["last_epoch"], "finite")
        if last_epoch > self._furthest:
            raise ValueError(f"{owner}: last_epoch must be at most {self._furthest}, got {last_epoch}")
        return last_epoch

    def _checked_hyper(self, state: Mapping[str, Any], keep: bool) -> tuple[dict[str, Any], list[Callable[[], None]]]:
        """The hyper-parameters that hold once ``state`` is loaded, and what else is to be done then."""
        hyper: dict[str, Any] = dict(self._hyper)
        patches: list[Callable[[], None]] = []
        for name, mine in self._hyper.items():
            theirs = state[name]
            if keep:
                continue
            hyper[name], patch = self._decoded(name, theirs, mine)
            patches += [partial(_patch, *one) for one in patch]
            was, now = (_encode(f"{type(self).__name__}: {name}", value) for value in (mine, hyper[name]))
            if theirs is not None and now != was and not _same_for_all(now, was):
                self._warn_replaced(name, theirs, was)
        return hyper, patches

    def _checked_changes(self, state: Mapping[str, Any], keep: bool) -> list[plans.Change]:
        """The changes of plan that hold once ``state`` is loaded."""
        mine, owner = self._changes, type(self).__name__
        theirs = plans.read(owner, state.get("_changes", "[]"), mine, len(self.optimizer.param_groups))
        told, ours = plans.told(theirs), plans.told(mine)
        if keep:
            if told != ours:
                warn(
                    f"{owner}: the state's changes of plan {told!r} are left out, {ours!r} stay (keep_hyperparameters=True); "
                    "replan(), extend() and rescale() make them again"
                )
            return mine
        if mine and told != ours:
            self._warn_replaced("changes of plan", told, ours)
        return theirs

    def _decoded(self, name: str, saved: Any, mine: Any) -> tuple[Any, list[tuple[Any, dict[str, Any]]]]:
        """A hyper-parameter from the state, and the callable objects that the state has attributes for."""
        if isinstance(mine, list) and isinstance(saved, (list, tuple)) and any(map(callable, mine)):
            # one function for all groups was made a list as long as there were groups then, and some may have come late
            if len(saved) != len(mine) and any(one is not mine[0] for one in mine):
                raise self._unlike(name, len(mine), saved)
            pairs = [self._decoded(name, theirs, ours) for theirs, ours in zip(saved, mine, strict=False)]
            values = [value for value, _ in pairs] + mine[len(pairs) :]
            return self._clean(name, values), [patch for _, some in pairs for patch in some]
        if isinstance(mine, Schedule):
            own = _encode(f"{type(self).__name__}: {name}", mine) is None  # it holds a function, which no state has
            if isinstance(saved, (list, tuple)):
                raise self._unlike(name, 0, saved)
            return (mine if saved is None and own else Schedule.from_dict(saved)), []
        if callable(mine):
            if saved is None:
                return mine, []
            if not isinstance(saved, Mapping) or not hasattr(mine, "__dict__") or isinstance(mine, _FUNCTIONS):
                raise ValueError(f"{type(self).__name__}: {name} is {saved!r} in the state, and {mine!r} takes no attributes")
            _encode(f"{type(self).__name__}: {name}", dict(saved))
            return mine, [(mine, dict(saved))]
        if isinstance(saved, Mapping) and isinstance(mine, list) and any(isinstance(one, Schedule) for one in mine):
            raise self._unlike(name, len(mine), saved)
        value = self._clean(name, saved)
        if isinstance(value, list) and name not in self._lists:
            groups = len(self.optimizer.param_groups)
            known = len(mine) if isinstance(mine, list) and not self._pads else groups
            if not value or len(value) > known or (len(value) < known and not self._pads):
                raise self._unlike(name, known, value)
        return value, []

    def _unlike(self, name: str, here: int, saved: Any) -> ValueError:
        """The refusal of a state whose list is of another length than this scheduler's, 0 for none, or is none."""
        mine = f"a list of {here}" if here else "one for all groups"
        theirs = f"a list of {len(saved)}" if isinstance(saved, (list, tuple)) else "one for all groups"
        return ValueError(
            f"{type(self).__name__}: {name} must be {mine}, got {saved!r}; build the scheduler with {theirs}, as it was built "
            "when this was saved, and add groups that came later after that, or load_state_dict(state, "
            "keep_hyperparameters=True) keeps yours"
        )

    def _warn_replaced(self, name: str, theirs: Any, mine: Any) -> None:
        warn(
            f"{type(self).__name__}: the state's {name} {theirs!r} replaces this scheduler's {mine!r}; "
            "load_state_dict(state, keep_hyperparameters=True) keeps yours"
        )

    def _extra_state(self) -> dict[str, Any]:
        """Public attributes of plain data, which a subclass or a user set."""
        extra = {}
        for name, value in vars(self).items():
            if not name.startswith("_") and name not in ("optimizer", "last_epoch"):
                try:
                    extra[name] = _encode(name, value, functions=False)
                except ValueError:
                    continue
        return extra

    def _checked_extra(self, state: Mapping[str, Any]) -> dict[str, Any]:
        owner = type(self).__name__
        return {
            name: _encode(f"{owner}: {name}", state[name], functions=False) for name in self._extra_state() if name in state
        }

    @classmethod
    def _slots(cls) -> set[str]:
        return {name for base in cls.__mro__ if issubclass(base, LRScheduler) for name in base.__dict__.get("__slots__", ())}

    def __copy__(self) -> Self:
        """On the same optimizer, with a memory of its own."""
        return copy.deepcopy(self, {id(self.optimizer): self.optimizer})

    def __getstate__(self) -> dict[str, Any]:
        slots = {name: getattr(self, name) for name in self._slots()}
        return {  # a copied optimizer has lost its hooks: nothing to warn of
            **vars(self),
            "last_epoch": self.last_epoch,
            **slots,
            "_parent": None,
            "_before": None if self._parent is None else self.last_epoch,
            "_watched": None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        slots = self._slots()
        self._changes = []  # which older versions did not have
        for name, value in state.items():
            if name in slots:
                setattr(self, name, value)
            else:
                vars(self)[name] = value
        for track in self._followed():
            if self._before is not None:  # it was a child, and its tracks did not step
                track.doubt(self._time)
            notes: Any = track.hidden
            track.hidden = hidden_under_zeros(self.optimizer, track.key)
            track.sign(notes)


def warn(message: str) -> None:
    """A UserWarning at the line of the user's that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lucid."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def parameter_groups(owner: str, optimizer: Any) -> Groups:
    """The optimizer's groups (R8)."""
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(groups, list) or not groups or not all(issubclass(kind, dict) for kind in set(map(type, groups))):
        raise TypeError(
            f"{owner}: optimizer must have param_groups, a list of dicts; {type(optimizer).__name__} is not an Optimizer"
        )
    return groups


def _is_foreign(state: Mapping[str, Any]) -> bool:
    """Whether PyTorch's scheduler saved it, and not ours."""
    return not state.keys() & {"_class", "_group_count", "_tracks"}


def _same_for_all(a: Any, b: Any) -> bool:
    """Whether one is a number, and the other a list of it for every group."""
    if isinstance(a, list):
        a, b = b, a
    return isinstance(b, list) and not isinstance(a, list) and b.count(a) == len(b) > 0


def _own_step(optimizer: Any) -> Any:
    """What stands as ``step`` on the optimizer itself, in the place of its class's."""
    return getattr(optimizer, "__dict__", {}).get("step")


def _watch(scheduler: LRScheduler, optimizer: Any) -> tuple[list[Any], Any, Any] | None:
    """A list that the optimizer's steps leave a mark in, what ends that, and its own ``step``; None where nothing is seen.

    The hook holds the list alone, so that optimizer and scheduler keep no cycle alive.
    """
    register = getattr(optimizer, "register_step_post_hook", None)
    if register is None:
        return None
    marks: list[Any] = []
    hook = register(lambda *_: marks.append(None) if not marks else None)
    end = finalize(scheduler, hook.remove)  # with the scheduler at the latest
    end.atexit = False
    return marks, end, _own_step(optimizer)


@contextmanager
def _as_patched(patches: list[Any]) -> Iterator[None]:
    """Callable objects with the attributes that a state has for them, for as long as it lasts."""
    targets = {id(patch.args[0]): patch.args[0] for patch in patches if getattr(patch, "func", None) is _patch}
    before = {key: dict(target.__dict__) for key, target in targets.items()}
    try:
        for patch in patches:
            if getattr(patch, "func", None) is _patch:
                patch()
        yield
    finally:
        for key, target in targets.items():
            target.__dict__.clear()
            target.__dict__.update(before[key])


def _patch(target: Any, attributes: dict[str, Any]) -> None:
    target.__dict__.update(copy.deepcopy(attributes))


def _hyperparameter(name: str) -> property:
    def get(self: LRScheduler) -> Any:
        return self._hyper[name]

    def assign(self: LRScheduler, value: Any) -> None:
        if hasattr(self, "_hyper"):  # a subclass may assign before it is constructed, and construction says what holds
            self._change(**{name: value})

    return property(get, assign, doc=f"Hyper-parameter {name}; an assignment holds from the next step on.")


def _encode(what: str, value: Any, functions: bool = True, depth: int = 0) -> Any:
    """``value`` as strict JSON data: functions are None, schedules and callable objects mappings."""
    if depth > _DEEPEST:
        raise ValueError(f"{what} is nested deeper than {_DEEPEST}")
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) and abs(value) <= sys.float_info.max:
        return value
    if isinstance(value, (list, tuple)):
        return [_encode(what, item, functions, depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _encode(what, item, functions, depth + 1) for key, item in value.items()}
    if functions and isinstance(value, Schedule):
        try:
            return value.to_dict()
        except ValueError:
            return None  # a schedule with a function in it: kept from the constructed scheduler
    if functions and isinstance(value, _FUNCTIONS):
        return None
    if functions and callable(value):
        return {key: _encode(f"{what}.{key}", item, True, depth + 1) for key, item in getattr(value, "__dict__", {}).items()}
    raise ValueError(f"{what} must be plain data (numbers, strings, lists, dicts) to be saved, got {value!r}")


def _list(owner: str, field: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{owner}: {field} must be a list, got {value!r}")
    return list(value)


def _mapping(owner: str, field: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{owner}: the state of {field} must be a mapping, got {value!r}")
    return value


def _position(owner: str, field: str, value: Any, rule: str = "a whole number >= 0") -> Any:
    position = number(owner, field, value, rule)
    if not -1 <= position <= 2**53:
        raise ValueError(f"{owner}: {field} must lie between -1 and 2**53, got {value!r}")
    if -1 < position < 0:
        raise ValueError(f"{owner}: {field} must be -1 or >= 0, got {value!r}")
    return position
