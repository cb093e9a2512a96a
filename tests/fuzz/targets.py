"""What is fuzzed. A target takes bytes, makes its input of them, and raises where a promise about broken input is not kept:

- nothing but the documented exceptions, ValueError as a rule, and soon;
- whatever was refused has changed nothing, compared field by field;
- what was accepted works: finite values, and its own configuration or state is read back as the same.

All libraries that fuzz call these: hypothesis in ``tests/test_hostile.py``, atheris and plain chance in ``tests/fuzz/job.py``.
"""

import collections
import copy
import io
import itertools
import json
import math
import pickle
import random
import resource
import struct
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any
from weakref import ReferenceType, WeakSet, finalize

import torch
from cases import SCHEDULERS, Rooted, metrics, rates, sgd, step
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from torch.optim import lr_scheduler as torchs

import lucid
from lucid.optim import lr_scheduler as ours
from lucid.schedules import Schedule

SECONDS = 2.0  # that one input may take, in time of the processor: twice what the limits come to, for what atheris costs
KIBIBYTES = 200 * 1024  # that it may add to the most that the process ever held

PLAIN = [(name, variant) for name, row in ROWS.items() for variant in row if (name, variant) not in HOLD_FUNCTIONS]


class BrokenError(AssertionError):
    """A promise was not kept."""


class Choices:
    """Bytes as a row of decisions; where they are used up, the first of what there is to choose from."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def below(self, n: int) -> int:
        size = 1 if n <= 256 else 2
        taken = self.data[self.at : self.at + size]
        self.at += size
        return int.from_bytes(taken, "little") % n

    def of(self, several: Any) -> Any:
        return several[self.below(len(several))]

    def double(self) -> float:
        taken = self.data[self.at : self.at + 8]
        self.at += 8
        return struct.unpack("<d", taken.ljust(8, b"\0"))[0]


# -- hostile values, as JSON and torch.load(weights_only=True) can give them


def deep(depth: int, last: Any = 0) -> Any:
    for _ in range(depth):
        last = [last]
    return last


def deep_dict(depth: int, key: str) -> Any:
    inner: Any = {"schedule": "Constant"}
    for _ in range(depth):
        inner = {"schedule": "Shift", key: inner, "by": 1}
    return inner


def itself() -> Any:
    around: list[Any] = [1.0]
    around.append(around)
    return around


def itself_mapped() -> Any:
    around: dict[str, Any] = {"schedule": "Shift", "by": 1}
    around["of"] = around
    return around


ANYTHING: list[Callable[[Choices], Any]] = [
    *(lambda c, value=value: copy.copy(value) for value in (
        None, True, False, 0, 1, -1, 2, 3, 7, 60, 0.0, -0.0, 0.5, 1.0, -1.0, 1.5, 1e-3, 5e-324, 1e-308, 1e-30, 1e30, 1e150,
        1e300, 1.7e308, math.nan, math.inf, -math.inf, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 10**15, 10**400,
        -(10**400), "", "x", "nan", "1", "linear", "cos", "\ud800", "\0", "__class__", "Cosine", "é" * 9, b"", b"x", 1j,
        [], {}, (), [None], [[1]], [1.0], [1.0, 2.0], [0.1, 0.2], [0.0, 0.0], [1.0, 2.0, 3.0],
        [0.5] * 9, [math.nan, 1.0], [True, False], ["a", "b"], [[0, 1.0, True]], [[1, 0.0, False]],
        [[9, 1.0, True]], [[0.5, 1.0, True]], [["0", None, 1]], {"a": 1}, {1: 2}, {None: 1}, {"5": 3}, {5: 10**7}, {"x": 1},
        {(1, 2): 3}, {"schedule": "Constant"}, {"schedule": "Cosine", "steps": 9}, {"schedule": None}, {"schedule": []},
        {"schedule": "Cosine", "steps": 9, "end": 1e300}, {"schedule": "Cyclic", "low": 0.1, "high": 1e300, "up": 5, "down": 5},
        {"schedule": "Noam", "model_size": 64, "warmup_steps": 12}, collections.OrderedDict(a=1), collections.Counter({5: 2}),
    )),
    lambda c: c.double(),
    lambda c: c.below(65536),
    lambda c: c.below(65536) / 256,
    lambda c: -c.below(65536),
    lambda c: deep(c.below(70)),
    lambda c: deep_dict(c.below(100), "of"),
    lambda c: itself(),
    lambda c: itself_mapped(),
    lambda c: torch.tensor(c.double()),
    lambda c: torch.tensor(c.below(256)),
    lambda c: torch.tensor(bool(c.below(2))),
    lambda c: torch.ones(c.below(4)),
    lambda c: torch.ones(1, requires_grad=True),
    lambda c: torch.tensor(1j),
    lambda c: torch.float64,
    lambda c: torch.Size([1]),
    lambda c: draw(*c.of(PLAIN), c.below(8)).to_dict(),
    lambda c: saved_state(c.of(NAMES), 0)[0],
]  # fmt: skip
HEAVY: list[Callable[[], Any]] = [
    lambda: deep(20_000),
    lambda: deep_dict(5_000, "of"),
    lambda: [0] * 50_000,
    lambda: [1.0] * 50_000,
    lambda: list(range(50_000)),
    lambda: "x" * 100_000,
    lambda: 10**4000,
    lambda: 10**5000,
    lambda: {str(i): i for i in range(10_000)},
]


def anything(c: Choices) -> Any:
    return c.of(HEAVY)() if c.below(256) == 255 else c.of(ANYTHING)(c)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in nested lists and dicts."""
    found: list[tuple[Any, ...]] = []
    entries: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, (list, tuple)) else ()
    for key, value in entries:
        found.append((*path, key))
        if len(path) < 12 and len(found) < 500:
            found += places(value, (*path, key))
    return found


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


_GONE = object()


def with_value(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """``data`` with another value at ``path``; what is beside the way is shared with the original."""
    if not path:
        return value
    key, *rest = path
    if isinstance(data, dict):
        copied: Any = dict(data)
    else:
        copied = list(data)
    inner = with_value(data[key], tuple(rest), value)
    if inner is _GONE:
        del copied[key]
    else:
        copied[key] = inner
    return copied


def mutated(data: Any, c: Choices, known: list[tuple[Any, ...]] | None = None) -> Any:
    """``data`` with one to four mutations; the original stays."""
    for i in range(1 + c.below(4)):
        where = known if i == 0 and known is not None else places(data)
        if not where:
            return anything(c)
        path = c.of(where)
        was = at(data, path)
        match c.below(14):
            case 0:
                data = with_value(data, path, _GONE)
            case 1:
                data = with_value(data, path, at(data, c.of(where)))  # the same object in two places
            case 2:
                data = with_value(data, path, [was])
            case 3 if isinstance(was, (list, tuple)):
                data = with_value(data, path, [*was, *was][: c.below(2 * len(was) + 1)])
            case 3 | 4 if isinstance(was, dict):
                key = c.of(["x", "schedule", "__class__", "_class", "optimizer", "_tracks", "steps", "of", "", 3, None])
                data = with_value(data, path, {**was, key: anything(c)})
            case 5 if isinstance(was, dict) and was:
                data = with_value(data, path, collections.OrderedDict(reversed(list(was.items()))))
            case 6 | 7 | 8 if isinstance(was, (int, float)) and not isinstance(was, bool) and abs(was) < 1e300:
                step_by = c.of([1, -1, 0.5, -0.5, 1e-9, 10, 1000])
                data = with_value(data, path, was + step_by if c.below(2) else was * step_by)
            case 9 if isinstance(was, (int, float)) and abs(was) < 1e15:
                data = with_value(data, path, c.of([str, float, int, bool, complex, repr])(was))
            case 10 if isinstance(was, list):
                around = [*was]
                around.append(around)
                data = with_value(data, path, around)
            case _:
                data = with_value(data, path, anything(c))
    return data


# -- pictures: all that an object is, to compare before and after


def picture(*values: Any) -> list[Any]:
    """Everything that can be reached from ``values``, in a row, with the identity of whatever could have been exchanged."""
    told: list[Any] = []
    seen: set[int] = set()
    ahead = list(reversed(values))
    while ahead:  # as deep as it may be
        value = ahead.pop()
        kind = type(value)
        if kind is float:
            told.append(value.hex())
            continue
        if value is None or kind in _SIMPLE:
            told += (kind, value)
            continue
        told.append(id(value) if kind is not tuple else tuple)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if kind in (list, tuple) or isinstance(value, tuple):
            told.append(len(value))
            ahead += reversed(value)
        elif isinstance(value, dict):
            told.append(len(value))
            for key, item in value.items():
                ahead += (item, key)
        elif isinstance(value, torch.Tensor):
            told += (
                value.dtype,
                value._version,
                value.requires_grad,
                repr(value.detach().reshape(-1).tolist()),
                id(value.grad),
            )
            ahead.append(value.grad)
        elif isinstance(value, WeakSet):
            told.append(sorted(map(id, value)))
        elif isinstance(value, ReferenceType):
            told.append(id(value()))
        elif isinstance(value, finalize):
            told.append(value.alive)
        elif hasattr(value, "__func__"):  # a method, made anew whenever it is looked up
            told[-1] = (id(value.__self__), id(value.__func__))
        elif not isinstance(value, (Schedule, torch.dtype, type)):  # which never change
            slots = [name for cls in kind.__mro__ for name in cls.__dict__.get("__slots__", ()) if not name.startswith("__")]
            for name in slots:
                if hasattr(value, name):
                    ahead += (getattr(value, name), name)
            for name, item in getattr(value, "__dict__", {}).items():
                ahead += (item, name)
    return told


_SIMPLE = frozenset({int, bool, str, bytes, complex})


# -- schedules: configurations and expressions

TIMES = (-3, 0, 1, 2.5, 9, 60.25, 1e4, 1e9, 2**60, 1e300)


def check_schedule(schedule: Schedule) -> None:
    """It gives numbers, says what it is, and is read back."""
    huge = any(abs(number) > 1e30 or 0 < abs(number) < 1e-30 for number in numbers_in(schedule))
    for base in (1.0, 0.1, 0.0):
        for t in TIMES:
            value = schedule(t, base)
            if type(value) not in (int, float) or math.isnan(value) or (math.isinf(value) and not huge):
                raise BrokenError(f"{schedule!r} is {value!r} at {t} for the base {base}")
    length = schedule.length
    if not length >= 0:
        raise BrokenError(f"{schedule!r} has the length {length!r}")
    try:
        text = schedule.to_json()
    except ValueError as error:  # by one: defaults that were left out stand another level deeper
        if "nested deeper" not in str(error):
            raise
        return
    try:
        if len(repr(schedule)) < 10_000 and lucid.parse(repr(schedule)) != schedule:
            raise BrokenError(f"{schedule!r} is not read back from its representation")
    except ValueError as error:  # by a few: of an expression, what schedules are made of counts too
        if "nested deeper" not in str(error) or repr(schedule).count("(") < 50:
            raise
    again = Schedule.from_json(text)
    if again != schedule or hash(again) != hash(schedule):
        raise BrokenError(f"{schedule!r} is not read back from its JSON")


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, Schedule):
        for field in fields(value):  # type: ignore[arg-type]
            yield from numbers_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, (int, float)):
        yield value


def config_text(data: bytes) -> bool:
    """``Schedule.from_json`` of anything; the last byte decides whether as bytes or as text."""
    text: Any = data
    if data[-1:] == b" ":
        text = data.decode("utf-8", "surrogateescape")
    try:
        schedule = Schedule.from_json(text)
    except ValueError:
        return False
    check_schedule(schedule)
    return True


_configs: dict[Any, tuple[Any, list[tuple[Any, ...]]]] = {}


def config_data(data: bytes) -> bool:
    """``Schedule.from_dict`` of a damaged configuration of the catalogue, or of something made of nothing."""
    c = Choices(data)
    key = (*c.of(PLAIN), c.below(4))
    if key not in _configs:
        config = draw(*key).to_dict()
        _configs[key] = config, [(), *places(config)]
    config, known = _configs[key]
    if c.below(4) == 0:
        config, known = (
            {"schedule": c.of(["Join", "Sum", "Product", "Maximum"]), "parts": [config, draw(*c.of(PLAIN), 1).to_dict()]},
            None,
        )
    given = mutated(config, c, known)
    before = picture(given)
    try:
        schedule = Schedule.from_dict(given)
    except ValueError:
        schedule = None
    if picture(given) != before:
        raise BrokenError(f"from_dict changed what it was given: {given!r:.500}")
    if schedule is not None:
        check_schedule(schedule)
    return schedule is not None


def expression(data: bytes) -> bool:
    """``lucid.parse`` of any text."""
    try:
        schedule = lucid.parse(data.decode("utf-8", "surrogateescape"))
    except ValueError:
        return False
    check_schedule(schedule)
    return True


# -- schedulers: states

NAMES = sorted(SCHEDULERS)
STEPS = (0, 1, 2, 7, 16)

THEIRS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    name: (build, name)
    for name, build in {
        "StepLR": lambda m, o: m.StepLR(o, 7, gamma=0.5),
        "MultiStepLR": lambda m, o: m.MultiStepLR(o, [5, 20, 20, 41], gamma=0.3),
        "ExponentialLR": lambda m, o: m.ExponentialLR(o, 0.93),
        "CosineAnnealingLR": lambda m, o: m.CosineAnnealingLR(o, 25, eta_min=0.001),
        "CyclicLR": lambda m, o: m.CyclicLR(o, [0.01, 0.02], 0.2, step_size_up=5, step_size_down=8, max_momentum=0.95),
        "ReduceLROnPlateau": lambda m, o: m.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=[1e-4, 1e-3]),
        "ConstantLR": lambda m, o: m.ConstantLR(o, 0.3, 11),
        "LinearLR": lambda m, o: m.LinearLR(o, 0.2, 0.9, 23),
        "PolynomialLR": lambda m, o: m.PolynomialLR(o, 70, 1.7),
        "CosineAnnealingWarmRestarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 4, 2, 1e-3),
        "OneCycleLR": lambda m, o: m.OneCycleLR(o, [0.3, 0.4], 75, pct_start=0.25, max_momentum=0.97),
        "SequentialLR": lambda m, o: m.SequentialLR(
            o, [m.LinearLR(o, 0.1, total_iters=9), m.CosineAnnealingLR(o, 80), m.MultiStepLR(o, [4, 9])], [9, 29]
        ),
        "ChainedScheduler": lambda m, o: m.ChainedScheduler(
            [m.StepLR(o, 9), m.ExponentialLR(o, 0.95), m.ConstantLR(o, 0.5, 4)]
        ),
    }.items()
}  # fmt: skip

_states: dict[Any, tuple[Any, list[tuple[Any, ...]]]] = {}
_targets: dict[str, tuple[Any, Any]] = {}


def fresh(name: str) -> Any:
    """A scheduler to load states into, a step onward."""
    build = SCHEDULERS.get(name)
    scheduler = build(sgd(0.1, 0.2)) if build is not None else THEIRS[name.partition(" ")[0]][0](ours, sgd(0.1, 0.2))
    step(scheduler, 1.0)
    return scheduler


def saved_state(name: str, steps: int) -> tuple[Any, list[tuple[Any, ...]]]:
    if (name, steps) not in _states:
        theirs = name.endswith(" of torch")
        optimizer = sgd(0.1, 0.2)
        scheduler = THEIRS[name.partition(" ")[0]][0](torchs, optimizer) if theirs else SCHEDULERS[name](optimizer)
        for loss in metrics(steps):
            if theirs:
                optimizer.step()
                scheduler.step(loss) if "Plateau" in name else scheduler.step()
            else:
                step(scheduler, loss)
        state = copy.deepcopy(scheduler.state_dict())
        _states[name, steps] = state, places(state)
    return _states[name, steps]


def whole(scheduler: Any) -> Any:
    optimizer = scheduler.optimizer
    return picture(vars(scheduler), *(getattr(scheduler, name) for name in sorted(scheduler._slots())), vars(optimizer))


ALL_NAMES = [*NAMES, *(f"{name} of torch" for name in THEIRS)]


def state(data: bytes) -> bool:
    """``load_state_dict`` of a damaged state, in every scheduler and composite, states of PyTorch's too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _state(Choices(data))


def _state(c: Choices) -> bool:
    name = c.of(ALL_NAMES)
    steps, keep, same = c.of(STEPS), c.below(4) == 0, c.below(16) > 0
    given, known = saved_state(name if same else c.of(ALL_NAMES), steps)
    given = mutated(given, c, [(), *known])
    if name not in _targets:
        scheduler = fresh(name)
        _targets[name] = scheduler, whole(scheduler)
    scheduler, before = _targets[name]
    of_state = picture(given)
    try:
        scheduler.load_state_dict(given, keep_hyperparameters=keep)
    except (ValueError, TypeError) as error:
        if type(error) is TypeError and isinstance(given, dict):
            raise BrokenError(f"{name}: a TypeError for a mapping: {error}") from error
        if whole(scheduler) != before:
            del _targets[name]
            raise BrokenError(f"{name}: a refused state changed the scheduler: {error}") from error
        return False
    finally:
        if picture(given) != of_state:
            raise BrokenError(f"{name}: load_state_dict changed the state that it was given")
    del _targets[name]
    if not name.endswith(", object"):  # whose attributes are the user's
        check_scheduler(name, scheduler)
    return True


def check_scheduler(name: str, scheduler: Any) -> None:
    """It steps, to finite values, and its own state is read back as the same."""
    told = scheduler.state_dict()
    other = fresh(name)
    other.load_state_dict(json.loads(json.dumps(told, allow_nan=False)))
    if json.dumps(other.state_dict()) != json.dumps(told):
        raise BrokenError(f"{name}: its state is not read back: {told!r:.2000}\nbut {other.state_dict()!r:.2000}")
    for loss in metrics(20):
        stepped = [attempt(one, loss) for one in (scheduler, other)]
        if stepped[0] != stepped[1]:
            raise BrokenError(f"{name}: after a resume {stepped[1]}, without {stepped[0]}")
        if stepped[0][0] == "refused":
            return


def attempt(scheduler: Any, loss: float) -> tuple[str, Any]:
    """A step's values; or that it said that there is none, which then was not made."""
    before = whole_values(scheduler)
    try:
        step(scheduler, loss)
    except ValueError as error:
        if whole_values(scheduler) != before:
            raise BrokenError(f"{scheduler!r}: a step that was refused moved: {error}") from error
        return "refused", str(error)
    values = whole_values(scheduler)
    for key, *found in values:
        if not all(map(math.isfinite, found)):
            raise BrokenError(f"{scheduler!r:.500}: {key} is {found!r} after a step")
    return "stepped", values


def whole_values(scheduler: Any) -> list[Any]:
    keys = [key for key in ("lr", "momentum", "weight_decay") if key in scheduler.optimizer.param_groups[0]]
    return [*((key, *rates(scheduler.optimizer, key)) for key in keys), ("last_epoch", float(scheduler.last_epoch))]


# -- files

RAN: list[Any] = []
"""What a file had called."""


def bomb(*arguments: Any) -> None:
    RAN.append(arguments)


class Bomb:
    """Something that runs code when it is unpickled."""

    def __init__(self, how: int = 0) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        import builtins
        import os

        return [
            (bomb, ("ran",)),
            (os.system, ("echo ran",)),
            (builtins.eval, ("1 + 1",)),
            (builtins.getattr, ("x", "upper")),
            (builtins.__import__, ("lucid.cli",)),
            (Rooted, (sgd(),)),
        ][self.how % 6]


def hostile_file(c: Choices) -> bytes:
    """A file of a scheduler's state, damaged in what it holds, in its bytes, or with something that runs code."""
    name = c.of(NAMES)
    content: Any = {"scheduler": saved_state(name, c.of(STEPS))[0], "model": torch.ones(2)}
    kind, old = c.below(4), bool(c.below(2))
    if kind == 0:
        content = with_value(content, c.of(places(content)), Bomb(c.below(6)))
    elif kind == 1:
        content = mutated(content, c)
    buffer, protocol = io.BytesIO(), c.below(6)
    try:
        if old and c.below(2):
            pickle.dump(content, buffer, protocol=protocol)
        else:
            torch.save(content, buffer, _use_new_zipfile_serialization=not old)
    except (RecursionError, ValueError):  # pickle's, of what it cannot write: too deep, too long a number
        pickle.dump({}, buffer)
    return damaged(buffer.getvalue(), c) if kind >= 2 else buffer.getvalue()


def damaged(good: bytes, c: Choices) -> bytes:
    """A few bytes other, more or gone."""
    made = bytearray(good)
    for _ in range(1 + c.below(8)):
        where = c.below(65536) % max(len(made), 1)
        match c.below(4):
            case 0:
                made[where : where + 1] = bytes([c.below(256)])
            case 1:
                made[where:where] = bytes([c.below(256)])
            case 2:
                del made[where : where + 1 + c.below(16)]
            case 3:
                del made[where:]
    return bytes(made)


def file(data: bytes) -> bool:
    """``lucid.load`` of a hostile file runs nothing, and what comes out of it is plain data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = hostile_file(Choices(data))
        try:
            found = lucid.load(io.BytesIO(made))
        except Exception as error:  # PyTorch documents none; what matters is that it is an exception, and that nothing ran
            if isinstance(error, RecursionError):
                raise
            found = error
    if RAN:
        RAN.clear()
        raise BrokenError("a file ran code")
    return not isinstance(found, Exception)


# -- histories


def history(data: bytes) -> bool:
    """``History`` of any file; the last byte tells which kind."""
    name = "run.csv" if data[-1:] in (b"\n", b"1") else "run.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = lucid.History.parse(data, name)
        except ValueError:
            return False
        if any(a >= b for a, b in itertools.pairwise(found.steps)):
            raise BrokenError(f"steps are not ascending: {found.steps!r:.500}")
        for column, values in found.columns.items():
            if len(values) != len(found.steps) or any(type(v) not in (int, float, type(None)) for v in values):
                raise BrokenError(f"{column!r} holds {values!r:.500}")
        again = lucid.History.parse(found.to_jsonl().encode(), "run.jsonl")
    if picture_of_history(again) != picture_of_history(found):
        raise BrokenError(f"a history is not read back: {found.to_jsonl()!r:.500}")
    return True


def picture_of_history(found: Any) -> Any:
    columns = {name: values for name, values in found.columns.items() if any(value is not None for value in values)}
    return found.steps, {name: [repr(value) for value in values] for name, values in columns.items()}


# -- checkpoints

_folder = tempfile.TemporaryDirectory(prefix="lucid-fuzz-")


def parts() -> dict[str, Any]:
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(2)).sum().backward()
    optimizer.step()
    scheduler = ours.SequentialLR(optimizer, [ours.LinearLR(optimizer), ours.CosineAnnealingLR(optimizer, 20)], [5])
    optimizer.step()
    scheduler.step()
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler}


def states_of(given: dict[str, Any]) -> str:
    return repr({name: part.state_dict() for name, part in given.items()})


_checkpoint: list[Any] = []


def checkpoint(data: bytes) -> bool:
    """``lucid.load_checkpoint`` of a file that is damaged, or that is whole and tells nonsense."""
    from lucid import _checkpoint as module

    c = Choices(data)
    if not _checkpoint:
        given = parts()
        path = lucid.save_checkpoint(_folder.name, step=7, extra={"epoch": 1}, **given)
        content = torch.load(path, weights_only=True)
        _checkpoint.extend(
            [path, path.read_bytes(), content, [p for p in places(content) if p[:2] != ("rng", "python")], given]
        )
    path, good, content, known, given = _checkpoint
    if c.below(3):
        buffer = io.BytesIO()
        try:
            module._write(buffer, mutated(content, c, known))
        except Exception:  # what cannot be written cannot be read
            return False
        made = buffer.getvalue()
    else:
        made = damaged(good, c)
    path.write_bytes(made)
    before, drawn = states_of(given), (random.getstate(), torch.get_rng_state().tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            position = lucid.load_checkpoint(path if c.below(2) else _folder.name, **given)
        except (ValueError, RuntimeError) as error:
            if states_of(given) != before or (random.getstate(), torch.get_rng_state().tolist()) != drawn:
                _checkpoint.clear()
                raise BrokenError(f"a refused checkpoint changed something: {error}") from error
            return False
    if position is None or type(position.step) is not int or position.step < 0:
        raise BrokenError(f"the position is {position!r}")
    _checkpoint.clear()
    return True


TARGETS: dict[str, Callable[[bytes], bool]] = {
    "config_text": config_text,
    "config_data": config_data,
    "expression": expression,
    "state": state,
    "file": file,
    "history": history,
    "checkpoint": checkpoint,
}
STRUCTURED = {"config_data", "state", "file", "checkpoint"}
"""Targets whose bytes are decisions; the others take text."""


def bounded(name: str, data: bytes) -> bool:
    """A target's input, within its time and memory."""
    began, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    accepted = TARGETS[name](data)
    took, more = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    if took > SECONDS:
        raise BrokenError(f"{name}: an input of {len(data)} bytes took {took:.1f} s")
    if more > KIBIBYTES:
        raise BrokenError(f"{name}: an input of {len(data)} bytes took {more // 1024} MiB")
    return accepted


def seeds(name: str) -> list[bytes]:
    """Good inputs to begin with, from the catalogue."""
    drawn = [draw(*row, seed) for row in PLAIN for seed in range(2)]
    if name == "config_text":
        return [schedule.to_json().encode() for schedule in drawn]
    if name == "expression":
        more = [
            "warmup(500) >> cosine(9500)", "0.5 * cosine(10) + 0.25", "constant[:10] >> cosine(5)", "maximum(cosine(10), 0.1)",
            "cosine(10).repeat(3, stretch=2).clip(lo=1e-3)", "linear(4).warmup(3, shape='cosine').shift(-1).k_decay(2)",
            "cosine(4).continue_from(linear(4, 1, .5)).per_epoch(5, staircase=True)", "piecewise([0, 5], (1, 1/4 - 2*.1))",
        ]  # fmt: skip
        return [*(repr(schedule).encode() for schedule in drawn), *(text.encode() for text in more)]
    if name == "history":
        rows = [(k, 0.1 / (k + 1), 0.9, None if k == 2 else 2.0 / (k + 1)) for k in range(5)]
        table = "step,lr-SGD,lr-SGD-momentum,loss\n" + "".join(f"{a},{b},{c},{'' if d is None else d}\n" for a, b, c, d in rows)
        lines = "".join(json.dumps({"step": a, "lr-SGD": b, "loss": d}) + "\n" for a, b, _, d in rows)
        return [table.encode(), lines.strip().encode(), b'{"step": 0, "loss": NaN}', b"step,epoch,loss\n3,0,\n3,,0.5\n"]
    return [bytes([i % 256, (7 * i) % 256, i * i % 256, 255 - i % 256] * 8) for i in range(256)]


def words() -> list[bytes]:
    """Of which the text targets' inputs are made."""
    from lucid._expression import _METHODS

    names = {*Schedule._registry, *(alias for made_of in Schedule._registry.values() for alias in made_of.aliases)}
    found = {field.name for made_of in Schedule._registry.values() for field in fields(made_of)}  # type: ignore[arg-type]
    signs = ['{"schedule":"', '"}', ":[", "],", "NaN", "1e999", "1e-320", "null", "true", '"\\ud800"', " >> ", " * ", " + ",
             "[:3]", "(", ")", ", ", "=", "0x", "1e308", "9" * 30, "-1", "**", "..."]  # fmt: skip
    return [word.encode() for word in sorted({*names, *found, *(f".{method}(" for method in _METHODS)}) + signs]


def chance(name: str, rng: random.Random, good: list[bytes], known: list[bytes]) -> bytes:
    """An input by plain chance: decisions, or good text with a few changes."""
    if name in STRUCTURED:
        return rng.randbytes(rng.choice([8, 16, 32, 64, 128]))
    made = bytearray(rng.choice(good))
    for _ in range(rng.randint(0, 6)):
        i, other = rng.randrange(len(made) + 1), rng.choice(good)
        match rng.randrange(7):
            case 0:
                made[i:i] = rng.choice(known)
            case 1:
                del made[i : i + rng.randint(1, 9)]
            case 2:
                made[i : i + 1] = rng.randbytes(1)
            case 3:
                made[i:] = other[rng.randrange(len(other)) :]
            case 4:
                made[i:i] = str(rng.choice([0, 1, 9, 64, 0.5, 1e15, 1e300, 1e-300, 10**15])).encode()
            case 5:
                made[i:i] = other
            case 6:
                made[:] = rng.choice(
                    [b"0.5 * (%s)", b"(%s)[:3]", b"%s >> %s", b'{"schedule": "Sum", "parts": [%s, %s]}']
                ).replace(b"%s", bytes(made[:2000]))
    return bytes(made)
