"""Schedulers made of schedulers (R3): their children's Schedules, joined or multiplied, and stepped as one."""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau as _TorchReduceLROnPlateau

from lucid.optim.lr_scheduler._base import LRScheduler, Plan, _is_foreign, _is_traced, _list, parameter_groups, warn
from lucid.optim.lr_scheduler._plateau import ReduceLROnPlateau
from lucid.optim.lr_scheduler._track import Groups, Track, coefficients, rounded
from lucid.schedules import Constant, Cut, Join, Product, Schedule, Shift
from lucid.schedules._numbers import number


class Part(NamedTuple):
    """A child and its place: its own time is ``t - start``, and it acts while ``since <= t < until``."""

    child: Any
    start: float
    since: float
    until: float


class _Composite(LRScheduler):
    """What SequentialLR and ChainedScheduler share.

    The children's Schedules become one per group key, and this scheduler alone writes: the children pass over their bases
    and tell its time. Where a child computes its rates itself (``get_lr()`` of a subclass), or is not one of ours, there is
    no Schedule to take, and the children are stepped in turn instead, as PyTorch does it.
    """

    __slots__ = ("_acting", "_all_parts", "_in_turn", "_next_turn", "_own_parts", "_plateaus", "_schedulers", "_told_time")

    _schedulers: list[Any]
    _in_turn: bool
    _plateaus: list[Part]
    _own_parts: list[Part]
    """The children, with the times that this scheduler counts."""
    _all_parts: list[Part]
    """The children and theirs, likewise."""
    _acting: list[tuple[Any, float]]
    """Those that act now, and when they started."""
    _next_turn: float
    """When others act."""
    _told_time: float
    """The time that the children were told."""

    def _compose(self, optimizer: Any, schedulers: Any, last_epoch: int, hyper: dict[str, Any], start: float = 0) -> None:
        self._in_turn = not all(map(_is_pure, schedulers))
        self._schedulers = schedulers
        self._plateaus, self._own_parts, self._all_parts = [], [], []
        self._attach(optimizer, last_epoch, hyper, start)

    def _parts(self) -> list[Part]:
        """The children, each in its place."""
        raise NotImplementedError

    def _combined(self, key: str, plans: list[Any], hyper: dict[str, Any]) -> Schedule:
        """One Schedule from those that the children have for a group key, None where a child has none."""
        raise NotImplementedError

    # -- construction

    def _checked_children(self, schedulers: Any, optimizer: Any) -> list[Any]:
        owner = type(self).__name__
        if isinstance(schedulers, (str, bytes, Mapping)) or not isinstance(schedulers, Sequence):
            raise TypeError(f"{owner}: schedulers must be a list of schedulers, got {schedulers!r}")
        if not schedulers:
            raise ValueError(f"{owner}: expects at least one scheduler, got none")
        for i, child in enumerate(schedulers):
            if not hasattr(child, "optimizer"):
                raise TypeError(f"{owner}: the scheduler at index {i} should have `optimizer` as its attribute, got {child!r}")
            if child.optimizer is not (schedulers[0].optimizer if optimizer is None else optimizer):
                raise ValueError(
                    f"{owner}: expects all schedulers to belong to the same optimizer, and {type(child).__name__} at index {i} "
                    "has another one; build them all on one optimizer"
                )
            parent = child._parent() if isinstance(child, LRScheduler) and child._parent is not None else None
            if parent is not None or any(child is other for other in schedulers[:i]):
                raise ValueError(
                    f"{owner}: {type(child).__name__} at index {i} is already part of a "
                    f"{owner if parent is None else type(parent).__name__}; build another one"
                )
        return list(schedulers)

    def _original(self, hyper: dict[str, Any]) -> Plan:
        if self._in_turn:
            return {}
        children = hyper.get("_schedulers") or [child._hyper for child in self._schedulers]
        plans = [child._planned(of) for child, of in zip(self._schedulers, children, strict=True)]
        made: Plan = {}
        for key in dict.fromkeys(key for plan in plans for key in plan):
            of = [plan.get(key) for plan in plans]
            lists = [len(one) for one in of if isinstance(one, list)]
            if not lists:
                made[key] = self._combined(key, of, hyper)
                continue
            made[key] = [
                self._combined(key, [one[min(i, len(one) - 1)] if isinstance(one, list) else one for one in of], hyper)
                for i in range(max(lists))
            ]
        return made

    def _take(self, hyper: dict[str, Any]) -> None:
        children = hyper.pop("_schedulers", None)
        super()._take(hyper)
        if children is not None:
            for child, of in zip(self._schedulers, children, strict=True):
                child._retake(of)
        self._adopt()

    def _adopt(self) -> None:
        """Step in the children's place from now on."""
        self._own_parts, self._all_parts, self._told_time = self._parts(), [], math.nan  # who acts is found anew
        for part in self._own_parts:
            self._all_parts.append(part)
            if isinstance(part.child, _Composite):
                for child, start, since, until in part.child._all_parts:
                    since, until = max(since + part.start, part.since), min(until + part.start, part.until)
                    self._all_parts.append(Part(child, start + part.start, since, until))
        self._furthest = min(part.child._furthest if isinstance(part.child, LRScheduler) else 2**53 for part in self._all_parts)
        self._plateaus = [part for part in self._all_parts if isinstance(part.child, _TorchReduceLROnPlateau)]  # ours too
        if self._in_turn:
            return
        for child in self._schedulers:
            if child._parent is None or child._parent() is not self:
                child._parent, child._before = ref(self), child.last_epoch
            child._quick = False
            child._unwatch()

    def _attach(self, optimizer: Any, last_epoch: Any, hyper: dict[str, Any], start: float = 0) -> None:
        try:
            super()._attach(optimizer, last_epoch, hyper, start)
        except BaseException:
            for child in self._schedulers:  # are free again
                if not self._in_turn and child._parent is not None:
                    child.last_epoch, child._parent = child._before, None
            raise

    @property
    def _time(self) -> Any:
        """The position, which the children tell too: it stands still before a child's turn and after it. A composite among
        them tells its own children, so that theirs fits to its, and a state of both tells when they start."""
        return self.last_epoch

    @_time.setter
    def _time(self, t: Any) -> None:
        self.last_epoch = t
        if not self._in_turn:
            for child, start, _, until in self._own_parts:
                child._time = max(min(t - start, until - start - 1), 0)
        self._acting = [(child, start) for child, start, since, until in self._all_parts if since <= t < until]
        times = (time for part in self._all_parts for time in (part.since, part.until))
        self._next_turn = min((time for time in times if time > t), default=math.inf)
        self._told_time = t

    def _find_bases(self, groups: Groups) -> None:
        """What stood in the groups before the children were built: each knows the base that it found, and what it wrote."""
        for track in self._tracks:
            theirs = [other for child in self._schedulers for other in child._tracks if other.key == track.key]
            bases = list(track.last)
            for i, (held, now) in enumerate(zip(track.read(groups), track.last, strict=True)):
                # with what each wrote, in the precision of the group: the next one found it so
                left = [(other, rounded(other.last[i], held)) for other in reversed(theirs) if i < len(other.last)]
                edited = bool(left) and all(wrote != now for _, wrote in left)
                base = left[0][1] if edited else now
                while writers := [other for other, wrote in left if wrote == rounded(base, held)]:
                    # zeros hide the bases of those who came later: the first one knows
                    writers = writers if base == 0.0 else writers[:1]
                    left = [one for one in left if one[0] not in writers]
                    base = writers[-1].bases[i]
                if edited:  # somebody wrote after them
                    track.t = self.last_epoch + 1
                    base = track.invert(i, now, base)
                    track.t = None
                bases[i] = base
            for other in theirs:
                other.leave()
            if track is not self._lr:
                track.initial = list(bases)
            track.rebase(self._first_bases(track, bases))

    def _first_bases(self, track: Track, found: list[float]) -> list[float]:
        return found

    # -- time

    def step(self, metrics: Any = None, epoch: Any = None) -> None:  # type: ignore[override]
        """One unit of time onward, with the metric if a ReduceLROnPlateau is inside; or to the time ``epoch`` at once.

        Without a plateau inside, the first argument is ``epoch``, as in every other scheduler.

        Raises:
            TypeError: the plateau that acts now needs a metric, and there is none, or it is no number.
            ValueError: ``epoch`` is negative or not finite; the metric is not finite and the plateau has ``on_nan="raise"``.
        """
        if _is_traced():
            torch.compiler.disable(self._arrange)(metrics, epoch)  # type: ignore[no-untyped-call]
            return
        t = self.last_epoch + 1
        if metrics is None and epoch is None and self._quick and self._told_time + 1 == t < self._next_turn:
            groups = self.optimizer.param_groups
            try:
                for track in self._tracks:
                    track.advance(groups, t)
            except BaseException:
                self._take_back(t)
                raise
            self.last_epoch = self._told_time = t
            self._step_count += 1
            for child, start in self._acting:
                child.last_epoch = t - start
        else:
            self._arrange(metrics, epoch)

    def _arrange(self, metrics: Any, epoch: Any) -> None:
        if self._plateaus:
            self._step(epoch, metrics)
        else:
            self._step(metrics if epoch is None else epoch)

    def _steps_quickly(self) -> bool:
        whole = all(type(time) is int or time in (-math.inf, math.inf) for part in self._all_parts for time in part[1:])
        return self._step_count > 1 and whole and type(self.last_epoch) is int and not self._in_turn and not self._plateaus

    def _step(self, epoch: Any = None, metrics: Any = None) -> None:
        if self._in_turn:
            self._step_in_turn(epoch, metrics)
            return
        owner, before = type(self).__name__, self._time
        if not self._plateaus or not self._step_count:
            super()._step(epoch)
            return
        t = before + 1 if epoch is None else number(owner, "epoch", epoch, ">= 0")
        acting = [part.child for part in self._plateaus if part.since <= t < part.until and t > part.start]
        if metrics is None:
            if acting and epoch is None:
                raise TypeError(f"{owner}: {type(acting[0]).__name__} acts at {t}, and step(metrics) needs its metric")
            super()._step(epoch)  # a jump passes over all metrics
            return
        seen = [(plateau, plateau._metric(metrics)) for plateau in acting]
        counted = [(plateau, plateau._memory()) for plateau in acting]
        try:
            moving = [plateau for plateau, metric in seen if plateau._counts(metric) is not None]
            for plateau in moving:
                for name in plateau._limits:
                    plateau._limits_of(name)
            if epoch is not None:
                self._time = t - 1  # a label for the step to come, as in ReduceLROnPlateau: cuts are not forgotten
            super()._step()
        except BaseException:
            self._time = before
            for plateau, memory in counted:
                plateau._set(memory)
            raise
        for plateau in moving:
            self._move(plateau, t)

    def _move(self, plateau: ReduceLROnPlateau, t: float) -> None:
        """A plateau's move: of the bases, so that all that follows moves."""
        track, groups = self._lr, self.optimizer.param_groups
        if track is None:
            return
        before = list(track.last)
        track.observe(groups)
        bases, was = plateau._moved(track.bases, track.initial), track.bases
        track.rebase(bases)
        track.put(groups, t)
        if bases != was and before == track.last and coefficients(track.schedule_of(0), t)[1] == 0.0 and any(before):
            did = "raised" if bases > was else "cut"
            warn(
                f"{type(self).__name__}: {type(plateau).__name__} {did} the base at {t}, on which the rate does not depend; "
                "chain it with others that follow the rates of the groups"
            )

    # -- children that are stepped in turn

    def _step_in_turn(self, epoch: Any, metrics: Any) -> None:
        count, before = self._step_count, self._time
        t = before + 1 if epoch is None else number(type(self).__name__, "epoch", epoch, ">= 0")
        self._time, self._step_count = t, count + 1
        self._unwatch()  # the children look after the order
        try:
            if count:
                self._turn(before, t, epoch is not None, metrics)
            else:
                self._begin(t)
        except BaseException:
            self._time, self._step_count = before, count
            raise

    def _begin(self, t: float) -> None:
        """The first values."""

    def _turn(self, before: float, t: float, jump: bool, metrics: Any) -> None:
        """Step the children that act at ``t``."""
        raise NotImplementedError

    @property  # type: ignore[override]
    def base_lrs(self) -> list[float]:
        """The rates that the groups started with."""
        return list(self._schedulers[0].base_lrs) if self._in_turn else super().base_lrs

    @base_lrs.setter
    def base_lrs(self, values: list[float]) -> None:
        LRScheduler.base_lrs.fset(self, values)  # type: ignore[attr-defined]

    def _rates(self) -> list[float]:
        return list(self._last_to_write(self._time).get_last_lr()) if self._in_turn else super()._rates()

    def _last_to_write(self, t: float) -> Any:
        """The child that writes last at ``t``."""
        return self._schedulers[-1]

    def schedules_of(self, key: str = "lr") -> list[Schedule]:
        if self._in_turn:
            raise NotImplementedError(f"{type(self).__name__}: a child's rates come from its get_lr(), not from a schedule")
        return super().schedules_of(key)

    schedules_of.__doc__ = LRScheduler.schedules_of.__doc__

    def _told(self) -> list[str]:
        hyper = [f"{name}={value!r}" for name, value in self._hyper.items()]
        changes = [f"changes={self.changes!r}"] if self._changes else []
        return [f"[{', '.join(map(repr, self._schedulers))}]", *hyper, *changes]

    # -- state

    def _hyper_state(self) -> dict[str, Any]:
        return {**super()._hyper_state(), "_schedulers": [child.state_dict() for child in self._schedulers]}

    def _checked_hyper(self, state: Mapping[str, Any], keep: bool) -> tuple[dict[str, Any], list[Callable[[], None]]]:
        owner = type(self).__name__
        hyper, patches = super()._checked_hyper(state, keep)
        saved = state["_schedulers"]
        if not isinstance(saved, (list, tuple)) or len(saved) != len(self._schedulers):
            raise ValueError(f"{owner}: _schedulers must be a list of {len(self._schedulers)} states, got {saved!r}")
        of = []
        for child, theirs in zip(self._schedulers, saved, strict=True):
            if not isinstance(theirs, Mapping):
                raise ValueError(f"{owner}: the state of {type(child).__name__} must be a mapping, got {theirs!r}")
            if not self._in_turn:
                child_hyper, child_patches = child._checked_as_child(theirs, keep)
                of.append(child_hyper)
                patches += child_patches
            elif isinstance(child, LRScheduler):
                patches.append(child._prepared(theirs, keep))
            else:
                mine = child.state_dict()
                if mine.keys() - theirs.keys() or any(not _alike(mine[name], theirs[name]) for name in mine):
                    raise ValueError(f"{owner}: {dict(theirs)!r} is no state of {type(child).__name__}")
                patches.append(partial(child.load_state_dict, dict(theirs)))
        if not self._in_turn:
            hyper["_schedulers"] = of
        return hyper, patches

    def _from_torch(self, state: dict[str, Any]) -> dict[str, Any]:
        children = [
            child._from_torch(dict(of)) if isinstance(child, LRScheduler) else of
            for child, of in zip(self._schedulers, state["_schedulers"], strict=False)
        ]
        known = [of for of in children if "base_lrs" in of and "total_size" not in of]
        known = [of for of in known if "total_steps" in of][-1:] or known[:1]  # OneCycleLR's is the groups' initial_lr
        bases = {"base_lrs": known[0]["base_lrs"]} if known else {}
        return {**bases, **state, **self._place_from_torch(state, children)}

    def _place_from_torch(self, state: dict[str, Any], children: list[dict[str, Any]]) -> dict[str, Any]:
        """What is told under other names there."""
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._adopt()


class SequentialLR(_Composite):
    r"""One scheduler after another, each with its own time from 0.

    .. math:: \eta(t) = s_i(t - m_i, \eta_{base}), \qquad m_i \le t < m_{i+1}

    The children may be any: sequences and chains, OneCycleLR with its momentum, ReduceLROnPlateau (then call
    ``step(metric)``, which it follows while it acts), subclasses of yours. All of them start from the groups' ``initial_lr``,
    SWALR from the rate before it; an edit of a rate and a plateau's cut last beyond the milestones. A child's ``last_epoch``
    tells its own time.

    Args:
        optimizer: the one that all ``schedulers`` were built on.
        schedulers: the schedulers :math:`s_i`, one or more.
        milestones: when the second, the third, ... starts: ascending times >= 0, one less than there are schedulers.
        last_epoch: -1 starts at 0; N starts at N + 1.

    Raises:
        TypeError: something that is no scheduler, a milestone that is no number.
        ValueError: no scheduler, one that was built on another optimizer or that is part of a composite already; milestones
            of another number, negative or not ascending.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> warmup = lucid.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        >>> decay = lucid.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler = SequentialLR(optimizer, [warmup, decay], milestones=[2])
        >>> [scheduler.lr_at(t)[0] for t in range(5)]
        [0.25, 0.375, 0.5, 0.25, 0.125]
    """

    __slots__ = ()

    milestones: list[float]
    _rules = {"milestones": ""}
    _lists = frozenset({"milestones"})

    def __init__(self, optimizer: Any, schedulers: Sequence[Any], milestones: Sequence[float], last_epoch: int = -1) -> None:
        parameter_groups("SequentialLR", optimizer)
        self._schedulers = self._checked_children(schedulers, optimizer)
        self._compose(optimizer, self._schedulers, last_epoch, {"milestones": milestones})

    def _clean(self, name: str, value: Any) -> Any:
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
            raise TypeError(f"SequentialLR: milestones must be a list of times, got {value!r}")
        times = [number("SequentialLR", f"milestones[{i}]", one, ">= 0") for i, one in enumerate(value)]
        if len(times) != len(self._schedulers) - 1:
            raise ValueError(
                f"SequentialLR: expects the number of schedulers to be one more than that of milestones, got number of "
                f"schedulers {len(self._schedulers)} and {len(times)} milestones"
            )
        if times != sorted(times):
            raise ValueError(f"SequentialLR: milestones must be ascending, got {times}; sort them, and the schedulers alike")
        return times

    @property
    def _milestones(self) -> list[float]:
        return self.milestones

    def _parts(self) -> list[Part]:
        times = self._hyper["milestones"]
        return [
            Part(child, start, start, until)
            for child, start, until in zip(self._schedulers, [0, *times], [*times, math.inf], strict=True)
        ]

    def _combined(self, key: str, plans: list[Any], hyper: dict[str, Any]) -> Schedule:
        times = hyper["milestones"]
        pieces: list[tuple[Schedule, float]] = []  # with their lengths
        for child, plan, start, until in zip(self._schedulers, plans, [0, *times], [*times, math.inf], strict=True):
            length = until - start
            if not length:
                continue
            if plan is not None and pieces and child._goes_on:  # its base is what was written last
                *first, (last, _) = pieces
                before = Join((*(Cut(of, its_length) for of, its_length in first), last)) if first else last
                plan = Product((Shift(Cut(before, max(start - 1, 0)), -start), plan))
            if plan is None and pieces:  # who schedules the key no more leaves what it wrote last
                before, its_length = pieces.pop()
                pieces.append((Cut(before, max(its_length - 1, 0)), its_length + length))
            else:
                pieces.append((Constant() if plan is None else plan, length))
        *first, (last, _) = pieces
        return Join((*(Cut(of, length) for of, length in first), last)) if first else last

    def _first_bases(self, track: Track, found: list[float]) -> list[float]:
        return list(track.initial)

    def _begin(self, t: float) -> None:
        for group in self.optimizer.param_groups:
            initial = group.get("initial_lr", group["lr"])
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(float(initial))
            else:
                group["lr"] = float(initial)
        self._turn(-1, t, True, None)

    def _turn(self, before: float, t: float, jump: bool, metrics: Any) -> None:
        times = self._hyper["milestones"]
        i = bisect_right(times, t)
        if jump or i != bisect_right(times, before):
            _place(self._schedulers[i], t - [0, *times][i])
        else:
            _tick(self._schedulers[i], metrics)

    def _last_to_write(self, t: float) -> Any:
        return self._schedulers[bisect_right(self._hyper["milestones"], t)]

    def _hyper_state(self) -> dict[str, Any]:
        state = super()._hyper_state()
        return {**state, "_milestones": state["milestones"]}

    def _place_from_torch(self, state: dict[str, Any], children: list[dict[str, Any]]) -> dict[str, Any]:
        return {"milestones": state["_milestones"]}


class ChainedScheduler(_Composite):
    r"""Schedulers that act together: their factors multiply.

    .. math:: \eta(t) = s_n(t, \dots s_2(t, s_1(t, \eta_{base})))

    The children may be any, as in :class:`SequentialLR`. One with absolute rates (OneCycleLR, CyclicLR, NoamScheduler)
    overwrites what comes before it in the list, and what comes after multiplies.

    Args:
        schedulers: the schedulers :math:`s_i`, one or more.
        optimizer: the one that all of them were built on; None takes the first one's.

    Raises:
        TypeError: something that is no scheduler.
        ValueError: no scheduler, one that was built on another optimizer or that is part of a composite already.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.5)
        >>> first = lucid.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> second = lucid.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler = ChainedScheduler([first, second])
        >>> [scheduler.lr_at(t)[0] for t in range(4)]
        [0.25, 0.125, 0.125, 0.0625]
    """

    __slots__ = ("_starts",)

    _starts: list[float]

    def __init__(self, schedulers: Sequence[Any], optimizer: Any = None) -> None:
        children = self._checked_children(schedulers, optimizer)
        optimizer = children[0].optimizer
        times = [child._time if isinstance(child, LRScheduler) else getattr(child, "last_epoch", 0) for child in children]
        self._starts = [times[0] - t for t in times]
        self._compose(optimizer, children, -1, {}, start=times[0])

    def _checked_hyper(self, state: Mapping[str, Any], keep: bool) -> tuple[dict[str, Any], list[Callable[[], None]]]:
        hyper, patches = super()._checked_hyper(state, keep)
        if not self._in_turn:  # the children stand where they stood
            t = self._saved_time(state)
            pairs = list(zip(self._schedulers, state["_schedulers"], strict=True))
            saved = [(child, child._from_torch(dict(of)) if _is_foreign(of) else of) for child, of in pairs]
            times = [child._saved_time(of) for child, of in saved]
            hyper["_starts"] = [t - time for time in times]
            if "_starts" in state:  # a child that waits for its start, after a jump back, does not tell when that is
                given = _list("ChainedScheduler", "_starts", state["_starts"])
                starts = [number("ChainedScheduler", "_starts", start) for start in given]
                if len(starts) == len(times) and all(
                    math.isclose(max(t - start, 0), time, abs_tol=1e-9) for start, time in zip(starts, times, strict=True)
                ):
                    hyper["_starts"] = starts
        return hyper, patches

    def _hyper_state(self) -> dict[str, Any]:
        return super()._hyper_state() if self._in_turn else {**super()._hyper_state(), "_starts": list(self._starts)}

    def _take(self, hyper: dict[str, Any]) -> None:
        self._starts = hyper.pop("_starts", self._starts)
        super()._take(hyper)

    def _parts(self) -> list[Part]:
        return [Part(child, start, start, math.inf) for child, start in zip(self._schedulers, self._starts, strict=True)]

    def _combined(self, key: str, plans: list[Any], hyper: dict[str, Any]) -> Schedule:
        one = Constant()
        acting = [
            Shift(plan, start) if start else plan
            for plan, start in zip(plans, hyper.get("_starts", self._starts), strict=True)
            if plan is not None and plan != one
        ]
        return Product(tuple(acting)) if len(acting) > 1 else acting[0] if acting else one

    def _turn(self, before: float, t: float, jump: bool, metrics: Any) -> None:
        for i, (child, start) in enumerate(zip(self._schedulers, self._starts, strict=True)):
            if not jump:
                _tick(child, metrics)
            elif i and _is_pure(child):  # from what the ones before it wrote
                for track in child._tracks:
                    track.start_over(self.optimizer.param_groups)
                child._unwatch()
                child._time = max(t - start, 0) - 1
                if _takes_metrics(child):
                    LRScheduler._step(child)  # a jump has none
                else:
                    child._step()
            else:
                _place(child, max(t - start, 0))

    def _place_from_torch(self, state: dict[str, Any], children: list[dict[str, Any]]) -> dict[str, Any]:
        return {"last_epoch": children[0]["last_epoch"] + self._starts[0]} if children else {}


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two values in states are of one kind, numbers finite."""
    if isinstance(mine, (int, float)) and not isinstance(mine, bool):
        return isinstance(theirs, (int, float)) and not isinstance(theirs, bool) and math.isfinite(theirs)
    if isinstance(mine, list):
        return isinstance(theirs, list) and len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    return isinstance(theirs, type(mine)) or mine is None or theirs is None


def _is_pure(child: Any) -> bool:
    """Whether a child's Schedules say all that it does."""
    if not isinstance(child, LRScheduler) or (isinstance(child, _Composite) and child._in_turn):
        return False
    return not child._own_rates and type(child).step.__module__.startswith("lucid.")


def _takes_metrics(child: Any) -> bool:
    return isinstance(child, _TorchReduceLROnPlateau) or (isinstance(child, _Composite) and bool(child._plateaus))


def _tick(child: Any, metrics: Any) -> None:
    """One step of a child's own."""
    if _takes_metrics(child):
        if metrics is None and isinstance(child, _TorchReduceLROnPlateau):
            raise TypeError(f"{type(child).__name__}: it acts now, and step(metrics) needs its metric")
        child.step(metrics)
    else:
        child.step()


def _place(child: Any, t: float) -> None:
    """Put a child at its own time ``t``."""
    if isinstance(child, LRScheduler) or not isinstance(child, _TorchReduceLROnPlateau):
        child._update_lr(t)
