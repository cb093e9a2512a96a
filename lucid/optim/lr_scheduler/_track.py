"""One group key followed through all parameter groups: reading, inverting edits, evaluating, writing.

The rules named here (R1, R2, R4, R6) are told in CONTRIBUTING.md.
"""

import math
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch

from lucid.schedules import Schedule
from lucid.schedules._numbers import number
from lucid.schedules._ops import HUGE

_TINY_SLOPE = 1e-3  # below it, inverting an edit amplifies it more than a thousandfold
_MANY = 256  # groups, from which on tensors are quicker than a loop
_LEAP = 100.0  # an edit that raises the base by more is a new value, not another scheduler's factor

Groups = list[dict[str, Any]]
Hidden = dict[int, tuple[float, "WeakSet[Track]"]]
Notes = list[tuple[int, float, bool]]

# {optimizer: {key: {group: (value, tracks that are zero)}}}, what zeros hide; see Track.absorb.
_hidden: WeakKeyDictionary[Any, dict[str, Hidden]] = WeakKeyDictionary()


def hidden_under_zeros(optimizer: Any, key: str) -> Hidden:
    """What all schedulers of ``optimizer`` know of the zeros under ``key``."""
    try:
        return _hidden.setdefault(optimizer, {}).setdefault(key, {})
    except TypeError:  # an optimizer that is unhashable or takes no weak reference
        return {}


class Track:
    """What a scheduler knows of one group key: schedules, bases, and what it wrote last.

    ``last`` holds what was written at time ``t``, as Python floats; a value in a group that differs was moved by somebody
    else. The ``initial`` values are the public bases and never change; ``bases`` follow the edits.

    Most steps find the groups as they were left, and go one of three quick ways: ``single`` (one group), ``floats`` or
    ``tensors`` (all groups hold such). A track that is ``dirty`` writes with care: after edits, zeros and loading.
    """

    __slots__ = (
        "__weakref__", "array", "base", "bases", "dirty", "equal", "flat", "floats", "formula", "hidden", "initial", "key",
        "last", "line", "lined", "mark", "owner", "rule", "schedules", "seen", "shared", "single", "slot", "t", "tensors",
        "version", "zeros_elsewhere",
    )  # fmt: skip

    def __init__(self, owner: str, key: str, plan: Any, groups: Groups, hidden: Hidden, late: bool = False) -> None:
        self.owner, self.key, self.hidden = owner, key, hidden
        self.rule = ">= 0" if key == "lr" else "finite"
        self.slot = key == "momentum" and all("momentum" not in g and "betas" in g for g in groups)
        self.bases: list[float] = []
        self.take(plan, len(groups), late)
        self.t: float | None = None  # nothing written yet: the value in the group is the base
        self.line: complex | None = None  # offset and slope written last, where all groups share them
        self.seen: list[tuple[Any, int | None]] = []  # what we left in the groups; of tensors, the version too
        self.mark: Any = None
        self.version: int | None = None
        self.last: list[float] = []
        self.zeros_elsewhere: dict[int, list[Track]] = {}
        self.last = self.plain(self.read(groups))
        self.initial = list(self.last)
        self.rebase(list(self.last))

    def take(self, plan: Any, groups: int, late: bool = True) -> None:
        """Follow other schedules from now on; where groups may have come late, a list may be too short for them."""
        self.shared: Schedule | None = None
        self.schedules: list[Schedule] = []
        self.flat = False
        if isinstance(plan, Schedule):
            self.shared = plan
            self.formula = plan.__call__
            self.flat = plan.absolute
        elif not isinstance(plan, (list, tuple)) or not all(isinstance(s, Schedule) for s in plan):
            raise TypeError(
                f"{self.owner}: {self.key} must be a Schedule or a list of them, got {plan!r}; a function goes in as Lambda(fn)"
            )
        elif not plan or len(plan) > groups or (len(plan) < groups and not late):
            raise ValueError(
                f"{self.owner}: {self.key} needs one schedule per parameter group: {groups} groups, {len(plan)} given"
            )
        else:
            self.schedules = list(plan)
        self.rebase(self.bases)

    def rebase(self, bases: list[float]) -> None:
        """Take other bases, and remember about them what a step would otherwise ask each time."""
        self.bases = bases
        self.equal = self.shared is not None and bool(bases) and bases.count(bases[0]) == len(bases)
        self.array: torch.Tensor | None = None
        self.lined = self.shared is not None and self.shared.affine and len(bases) < _MANY
        self.base = bases[0] if bases else 0.0
        self.single = self.floats = self.tensors = False
        self.dirty = True

    def schedule_of(self, i: int) -> Schedule:
        """Group i's schedule; a group added after those of a list follows the last of them."""
        return self.shared if self.shared is not None else self.schedules[min(i, len(self.schedules) - 1)]

    # -- a step

    def advance(self, groups: Groups, t: float) -> None:
        """Bring every group to time ``t``."""
        if self.single:
            group = groups[0]
            held, last, version = group[self.key], self.last, self.version
            if held is self.mark and len(groups) == 1 and (version is None or held._version == version):
                value = self.formula(t, self.base)
                if value == last[0]:
                    self.t = t
                    return
                if value and type(value) is float:
                    self.t = t
                    last[0] = value
                    if version is None:
                        self.mark = group[self.key] = value
                    else:
                        held.fill_(value)
                        self.version = held._version
                    return
        elif self.hidden:
            pass
        elif self.floats:
            key, last = self.key, self.last
            if [group[key] for group in groups] == last:
                if self.equal or self.flat:
                    value = self.formula(t, self.base)
                    if value and type(value) is float:
                        self.t = t
                        if value != last[0]:
                            for group in groups:
                                group[key] = value
                            self.last = [value] * len(groups)
                        return
                elif self.lined:
                    try:
                        line = self.formula(t, 1j)  # offset and slope
                    except TypeError:  # see coefficients()
                        line = None
                    if type(line) is complex:
                        self.t = t
                        if line != self.line:
                            offset, slope = line.real, line.imag
                            if not slope:
                                self.put(groups, t)
                                return
                            self.line = line
                            self.last = values = [offset + slope * base for base in self.bases]
                            for group, value in zip(groups, values):  # noqa: B905
                                group[key] = value
                        return
                self.put(groups, t)
                return
        elif self.tensors and self.untouched(groups):
            self.put(groups, t)
            return
        self.observe(groups)
        self.put(groups, t)

    def jump(self, groups: Groups, t: float) -> None:
        """To time ``t`` from the initial values, forgetting edits."""
        if len(groups) != len(self.last):
            self.observe(groups)
        self.zeros_elsewhere = {}
        self.rebase(list(self.initial))
        self.put(groups, t)

    def doubt(self, t: float) -> None:
        """Stand at ``t``, where others wrote: whatever is found in the groups moves the bases."""
        self.t = t
        self.last = [math.nan] * len(self.last)
        self.rebase(self.bases)

    def start_over(self, groups: Groups) -> None:
        """Take what stands in the groups for the bases."""
        self.t = None
        self.last = self.plain(self.read(groups))
        self.rebase(list(self.last))

    def put(self, groups: Groups, t: float) -> None:
        """Write the values of time ``t``, unless they are there already."""
        values = self.values(t)
        self.t = t
        if values is None:
            return
        if self.dirty or not (self.floats or self.tensors):
            if self.hidden or self.zeros_elsewhere or 0.0 in values:
                self.hide(values, t)
                self.zeros_elsewhere = {}  # keeps nobody alive
            self.write(groups, values)
            return
        if self.tensors:
            for (tensor, _), value in zip(self.seen, values, strict=True):
                tensor.fill_(value)
            self.seen = [(tensor, tensor._version) for tensor, _ in self.seen]
        else:
            key = self.key
            for group, value in zip(groups, values):  # noqa: B905 (as many as were read)
                group[key] = value
        self.last = values

    def values(self, t: float) -> list[float] | None:
        """What to write at time ``t``; None where it is what was written last. Zeros are to be written with care."""
        shared = self.shared
        if self.equal:
            value = self.formula(t, self.base)
            if value == self.last[0] and not self.dirty and (value or not self.base):
                return None
            if not value:
                self.dirty = True
            return [value if type(value) is float else float(value)] * len(self.last)
        if shared is not None and shared.affine:
            offset, slope = coefficients(shared, t)
            line = complex(offset, slope)
            if line == self.line and not self.dirty and line:
                return None
            self.line = line
            if not slope:
                self.dirty = self.dirty or not offset
                return [offset] * len(self.last)
            if len(self.bases) >= _MANY:  # the same two roundings, in one go
                if self.array is None:
                    self.array = torch.tensor(self.bases, dtype=torch.float64, device="cpu")
                many: list[float] = self.array.mul(slope).add_(offset).tolist()
                return many
            if offset:
                return [offset + slope * base for base in self.bases]
            return [slope * base for base in self.bases]
        values = [_float(self.schedule_of(i)(t, base)) for i, base in enumerate(self.bases)]
        if 0.0 in values:
            self.dirty = True
        return values

    # -- the groups

    def read(self, groups: Groups) -> list[Any]:
        """What stands in the groups; of betas, the first. Raises ValueError where there is nothing to schedule."""
        key = "betas" if self.slot else self.key
        try:
            return [group[key][0] for group in groups] if self.slot else [group[key] for group in groups]
        except KeyError:
            at, group = next((i, g) for i, g in enumerate(groups) if key not in g)
            known = ", ".join(sorted(group.keys() - {"params"}))
            raise ValueError(f"{self.owner}: parameter group {at} has no {self.key!r}; it has {known}") from None

    def plain(self, raw: list[Any]) -> list[float]:
        """``raw`` as Python floats. A tensor as we left it is not read: no device is waited for."""
        if set(map(type, raw)) == {float} and math.isfinite(sum(raw)) and (self.rule != ">= 0" or min(raw) >= 0.0):
            return raw  # all of them good, found out at C's speed
        now: list[float] = []
        seen, last = self.seen, self.last
        for i, value in enumerate(raw):
            if type(value) is float and i < len(last) and value is last[i]:
                now.append(value)
            elif isinstance(value, torch.Tensor) and value.numel() == 1 and value.is_floating_point():
                if i < len(seen) and seen[i][0] is value and seen[i][1] == value._version:
                    now.append(last[i])
                    continue
                read = float(value)
                if i < len(last) and read == rounded(last[i], value):
                    read = last[i]  # our value in the tensor's precision: a copy of our tensor, as a checkpoint makes
                now.append(self.checked(i, read))
            else:
                now.append(self.checked(i, value))
        return now

    def checked(self, i: int, value: Any, name: str | None = None) -> float:
        """A value of group i, which is to be a number that this key may have."""
        if isinstance(value, torch.Tensor) and not value.is_floating_point():
            raise TypeError(f"{self.owner}: {self.key} of parameter group {i} must be a floating-point tensor, got {value!r}")
        return float(number(self.owner, f"{name or self.key} of parameter group {i}", value, self.rule))

    def untouched(self, groups: Groups) -> bool:
        """Whether all groups hold the tensors that we left, as we left them."""
        seen, key = self.seen, self.key
        if len(groups) != len(seen):
            return False
        for group, (tensor, version) in zip(groups, seen, strict=True):
            if group[key] is not tensor or tensor._version != version:
                return False
        return True

    def write(self, groups: Groups, values: list[float]) -> None:
        """Write ``values``, whatever kind of number each group holds, and see which quick way the next step may go."""
        held_now, key = self.read(groups), self.key
        if not self.slot and not any(issubclass(kind, torch.Tensor) for kind in set(map(type, held_now))):
            for group, value in zip(groups, values, strict=True):
                group[key] = value
            left: list[Any] = values
            tensors = [False]
            self.seen = [(value, None) for value in values]
        else:
            for group, held, value in zip(groups, held_now, values, strict=True):
                if isinstance(held, torch.Tensor):
                    held.fill_(value)  # in place: compiled steps and captured graphs hold this very tensor
                elif self.slot:
                    group["betas"] = (value, *group["betas"][1:])
                else:
                    group[key] = value
            left = self.read(groups)  # after all writing: groups may share a tensor, and each write raises its version
            tensors = [isinstance(value, torch.Tensor) for value in left]
            self.seen = [(value, value._version if is_tensor else None) for value, is_tensor in zip(left, tensors, strict=True)]
        self.last = values
        quick = bool(left) and not self.slot
        self.floats = quick and not any(tensors)
        self.tensors = quick and all(tensors)
        self.single = (self.floats or self.tensors) and self.equal and len(left) == 1 and values[0] != 0.0
        if self.single:
            self.mark, self.version = self.seen[0]
        self.dirty = False

    # -- other hands (R1), late groups (R4)

    def observe(self, groups: Groups) -> None:
        """See what other hands did to the groups: all of them, before any is written, for they may share a tensor."""
        now = self.plain(self.read(groups))
        self.dirty = True  # equal values may be of another kind now
        if now != self.last or self.hidden:
            self.absorb(now, groups)

    def absorb(self, now: list[float], groups: Groups) -> None:
        """Move the bases to where the groups' values say that other hands moved them; take in late groups.

        A zero tells nobody what others did meanwhile. So who writes a zero through a factor leaves beside it, in ``hidden``,
        the value without that factor, and signs it. All schedulers of an optimizer go on moving that value, and find it
        right when the zero ends, or when no scheduler is left that signed it.
        """
        known = len(self.last)
        bases, elsewhere = self.moved(now, groups)
        self.initial += bases[known:]
        self.last, self.zeros_elsewhere = now, elsewhere
        self.rebase(bases)

    def bases_now(self, groups: Groups) -> list[float]:
        """The bases, with what other hands did since the last step."""
        return self.moved(self.plain(self.read(groups)), groups)[0]

    def moved(self, now: list[float], groups: Groups) -> tuple[list[float], dict[int, list["Track"]]]:
        """The bases that the values ``now`` speak of, and per group the other tracks whose zeros are there."""
        known = len(self.last)
        if len(now) < known:
            raise ValueError(
                f"{self.owner}: the optimizer has {len(now)} parameter groups where it had {known}; rebuild the scheduler"
            )
        bases = list(self.bases)
        elsewhere: dict[int, list[Track]] = {}
        for i in range(known):
            if now[i] == 0.0 and i in self.hidden:
                offset, slope = self.line_of(i, self.t)
                if offset == 0.0:
                    value, zeros = self.hidden[i]
                    base = value / (slope or 1.0)
                    bases[i] = base if abs(base) <= HUGE else bases[i]  # a slope next to nothing tells nothing
                    elsewhere[i] = [track for track in zeros if track is not self]
            elif now[i] != self.last[i]:
                bases[i] = self.invert(i, now[i], bases[i])
        for i in range(known, len(now)):
            if self.key == "lr" and "initial_lr" in groups[i]:
                bases.append(self.checked(i, groups[i]["initial_lr"], "initial_lr"))
            else:
                bases.append(self.invert(i, now[i], now[i]))
        return bases, elsewhere

    def line_of(self, i: int, t: float | None) -> tuple[float, float]:
        """Offset and slope of group i's schedule at ``t``; before the first write the value is the base."""
        if t is None:
            return 0.0, 1.0
        schedule = self.schedule_of(i)
        return coefficients(schedule, t) if schedule.affine else (math.nan, 0.0)

    def invert(self, i: int, now: float, base: float) -> float:
        """The base from which group i's schedule would have written ``now``; ``base`` where it has no say."""
        offset, slope = self.line_of(i, self.t)
        if slope == 0.0:
            return base  # an absolute schedule, which overwrites
        moved = (now - offset) / slope
        if abs(slope) < _TINY_SLOPE and abs(moved) > _LEAP * abs(base):
            return now  # far down a decay: a new value, never a huge base
        return max(moved, 0.0) if now >= 0.0 else moved

    def hide(self, values: list[float], t: float) -> None:
        """Leave beside each zero what it hides, and keep at zero the groups that another scheduler's factor holds there."""
        for i, base in enumerate(self.bases):
            offset, slope = self.line_of(i, t)
            zeros = WeakSet(self.zeros_elsewhere.get(i, ()))
            if slope == 0.0:
                zeros.add(self)
            if offset == 0.0 and zeros and base:
                self.hidden[i] = (base * (slope or 1.0), zeros)
                values[i] = 0.0
            else:
                self.hidden.pop(i, None)

    # -- state (R2)

    def state(self, groups: Groups) -> dict[str, Any]:
        """As plain data: what was written last and what the groups hold now, for both may be restored in any order."""
        held = self.plain(self.read(groups))
        return {
            "initial": list(self.initial),
            "bases": list(self.bases),
            "last": list(self.last),
            "held": held,
            "hidden": [list(note) for note in self.notes()],
        }

    def notes(self) -> Notes:
        """What zeros hide, by group, and whether we signed it."""
        return [(i, value, self in zeros) for i, (value, zeros) in sorted(self.hidden.items())]

    def sign(self, notes: Notes) -> None:
        """Leave such notes again."""
        for i, value, mine in notes:
            zeros = self.hidden[i][1] if i in self.hidden else WeakSet()
            if mine:
                zeros.add(self)
            self.hidden[i] = (value, zeros)

    def leave(self) -> None:
        """Take the signature back: another track goes on from here."""
        for i, (_, zeros) in list(self.hidden.items()):
            zeros.discard(self)
            if not zeros:
                del self.hidden[i]

    def __getstate__(self) -> dict[str, Any]:
        slots = {name: getattr(self, name) for name in self.__slots__ if hasattr(self, name) and name != "__weakref__"}
        return {**slots, "hidden": self.notes()}

    def __setstate__(self, slots: dict[str, Any]) -> None:
        for name, value in slots.items():
            setattr(self, name, value)
        self.zeros_elsewhere = {}
        self.seen, self.mark = [], None  # a copied tensor counts its versions anew
        self.single = self.floats = self.tensors = False
        self.dirty = True

    def restore(self, saved: Mapping[str, Any], t: float) -> tuple[list[float], Notes]:
        """Take a state, checked; returns what :meth:`commit` is to write."""
        self.t = t
        self.initial = self._numbers(saved, "initial")
        self.rebase(self._numbers(saved, "bases"))
        self.last = self._numbers(saved, "last")
        entries = saved["hidden"]
        if not isinstance(entries, (list, tuple)) or any(not isinstance(e, (list, tuple)) or len(e) != 3 for e in entries):
            raise ValueError(f"{self.owner}: hidden of {self.key} must list group, value and whether signed, got {entries!r}")
        notes: Notes = []
        for i, value, mine in entries:
            number(self.owner, f"hidden group of {self.key}", i, "a whole number >= 0")
            if i >= len(self.last):
                raise ValueError(f"{self.owner}: hidden group of {self.key} must be below {len(self.last)}, got {i!r}")
            if not isinstance(mine, bool):
                raise ValueError(f"{self.owner}: hidden of {self.key} must be signed with true or false, got {mine!r}")
            notes.append((int(i), float(number(self.owner, f"hidden value of {self.key}", value)), mine))
        return self._numbers(saved, "held"), notes

    def _numbers(self, saved: Mapping[str, Any], field: str) -> list[float]:
        values, n = saved[field], len(self.last)
        if not isinstance(values, (list, tuple)) or len(values) != n:
            raise ValueError(f"{self.owner}: {field} of {self.key} must be a list of {n} numbers, got {values!r}")
        return [float(number(self.owner, f"{field} of {self.key}", value, self.rule)) for value in values]

    def check_reach(self, held: list[float]) -> None:
        """Refuse a state whose values are so large that what formulas make of them may not be finite."""
        for field, values in (("initial", self.initial), ("bases", self.bases), ("last", self.last), ("held", held)):
            for value in values:
                if not abs(value) <= HUGE:
                    raise ValueError(f"{self.owner}: {field} of {self.key} must be at most 2**126 in magnitude, got {value!r}")

    def place(self, t: float, initial: Any, last: Any = None) -> tuple[list[float], Notes]:
        """Stand at time ``t``, coming from ``initial``; ``last``, where given, is what a foreign scheduler wrote, and edits
        in it move the bases. Returns what :meth:`commit` is to write."""
        self.t = t
        self.initial = self._numbers({"initial": initial}, "initial")
        self.rebase(list(self.initial))
        held = [_float(self.schedule_of(i)(t, base)) for i, base in enumerate(self.bases)]
        if last is not None:
            if self.rule == ">= 0" and isinstance(last, (list, tuple)):  # PyTorch's formulas round, and extrapolate, below it
                last = [max(value, 0.0) if isinstance(value, (int, float)) else value for value in last]
            expected, held = held, self._numbers({"last": last}, "last")
            for i, (now, value) in enumerate(zip(held, expected, strict=True)):
                if not math.isclose(now, value, rel_tol=1e-9, abs_tol=1e-12):
                    self.bases[i] = self.invert(i, now, self.bases[i])
            self.rebase(self.bases)
        self.last = list(held)
        return held, []

    def carry_over(self, initial: list[float], t: float, held: list[float]) -> tuple[list[float], Notes]:
        """Exchange the initial values for others; what moved the bases moves theirs, and so does what is yet to move them:
        that the groups held something else than was written. Returns what to commit."""
        edits = [now / wrote if wrote and now != wrote else 1.0 for now, wrote in zip(held, self.last, strict=True)]
        pairs = zip(initial, self.bases, self.initial, edits, strict=True)
        bases = [mine * (base / was) * edit if was else mine * edit for mine, base, was, edit in pairs]
        self.t, self.initial = t, list(initial)
        self.rebase(bases)
        self.last = [_float(self.schedule_of(i)(t, base)) for i, base in enumerate(bases)]
        return list(self.last), []

    def commit(self, groups: Groups, held: list[float], notes: Notes) -> None:
        """Write what a state says that the groups held; where that is not what was written last, it is an edit."""
        last = self.last
        for i in self.hidden.keys() - {i for i, _, _ in notes}:
            del self.hidden[i]
        self.write(groups, held)
        self.sign(notes)
        if last != held or notes:
            self.seen = [s if now == wrote else (None, None) for s, now, wrote in zip(self.seen, held, last, strict=True)]
            self.last = [now if now == wrote else wrote for now, wrote in zip(held, last, strict=True)]
            self.rebase(self.bases)


def coefficients(schedule: Schedule, t: float) -> tuple[float, float]:
    """Offset and slope of an affine schedule at ``t``: its value at the base i tells both at once."""
    try:
        value = schedule(t, 1j)
        if type(value) is complex:
            return value.real, value.imag
    except TypeError:  # a user's formula that asks for the order of bases
        offset = _float(schedule(t, 0.0))
        return offset, _float(schedule(t, 1.0)) - offset
    return _float(value.real), _float(value.imag)


def rounded(value: float, held: Any) -> float:
    """``value`` as what is held in a group can hold it."""
    return float(torch.tensor(value, dtype=held.dtype)) if isinstance(held, torch.Tensor) else value


def _float(value: Any) -> float:
    return value if type(value) is float else float(value)
