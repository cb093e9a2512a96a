"""Checkpoints of a training: model, optimizer, schedulers, random numbers and position in one file, whole or not at all."""

import copy
import errno
import hashlib
import importlib
import os
import pickle
import random
import re
import sys
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch

from lucid._device import known
from lucid.optim.lr_scheduler import LRScheduler
from lucid.optim.lr_scheduler._base import warn
from lucid.schedules._numbers import number

# Elsewhere nobody deletes or renames a file that another has open.
_locks: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_FORMAT = 1
_NAME = re.compile(r"checkpoint-(\d{1,18})-step-(\d{1,18})\.pt(\.tmp)?")
_WRAPPED = re.compile(r"^(?:module\.|_orig_mod\.)+")  # how the names of a wrapped module's state begin
_MARK = b"lucid sha256 "  # and the digest of all before: the comment of the ZIP archive that torch.save writes
_DIGEST = 32
_CHUNK = 2**20
_UNREADABLE = {  # what systems say of the one file: the medium does not give its bytes, or the file system finds it broken
    getattr(errno, name) for name in ("EIO", "ENODATA", "EREMOTEIO", "EBADMSG", "EILSEQ", "EUCLEAN") if hasattr(errno, name)
}
_GONE = {errno.ENOENT, errno.ESTALE}  # the second of a network's file system
_MOMENTS = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "square_avg", "grad_avg", "sum"}


class Position(NamedTuple):
    """Where a training stands: what :func:`load_checkpoint` gives."""

    step: int
    """Steps that were made, in the unit that was saved."""
    extra: Any
    """What was saved beside the parts."""
    path: Path
    """The file."""


def save_checkpoint(
    folder: str | os.PathLike[str], *, step: int, keep: int | None = 3, rng: bool = True, extra: Any = None, **parts: Any
) -> Path:
    """Save where a training stands, so that it goes on from there after any crash.

    The file appears whole or not at all: it is written beside its place, flushed to the disk and then renamed. Older ones go
    only after that. ``torch.load(path, weights_only=True)`` reads it too. Of several ranks only rank 0 may save, with whole
    states; for sharded ones take ``torch.distributed.checkpoint``, which knows all these parts as they are.

    Args:
        folder: where; it is made if it is not there. Other files, and links, are left alone.
        step: the position, a whole number >= 0: optimizer steps that were made, or samples, or tokens.
        keep: how many files to keep, >= 1, the newest, of which those that are cut short do not count; None keeps all.
        rng: save the state of the random numbers too: Python's, NumPy's global ones if it was imported, PyTorch's of the CPU
            and of the accelerators.
        extra: plain data of your own: numbers, strings, tensors, lists, dicts.
        **parts: by any names, what has ``state_dict()`` and ``load_state_dict()``: model, optimizer, schedulers, ...

    Returns:
        The file.

    Raises:
        TypeError: a part without those methods, ``step`` or ``keep`` is no number, ``rng`` not True or False.
        ValueError: no parts, a number outside of its range; a state that holds more than plain data and tensors, or shards, or
            tensors on the meta device.
        RuntimeError: this is not rank 0.
        OSError: it cannot be written (the disk is full, another process is writing it). The files there are as before.

    Example:
        >>> import lucid, tempfile
        >>> model = lucid.nn.Linear(2, 1)
        >>> optimizer = lucid.optim.SGD(model.parameters(), lr=0.5)
        >>> scheduler = lucid.optim.lr_scheduler.StepLR(optimizer, step_size=30)
        >>> folder = tempfile.TemporaryDirectory()
        >>> for step in (100, 200):
        ...     path = save_checkpoint(folder.name, step=step, model=model, optimizer=optimizer, scheduler=scheduler)
        >>> path.name
        'checkpoint-000002-step-200.pt'
        >>> load_checkpoint(folder.name, model=model, optimizer=optimizer, scheduler=scheduler).step
        200
        >>> folder.cleanup()
    """
    owner = "save_checkpoint"
    step = number(owner, "step", step, "a whole number >= 0")
    if step >= 10**18:
        raise ValueError(f"{owner}: step must be < 10**18, got {step!r}")
    keep = None if keep is None else number(owner, "keep", keep, "a whole number >= 1")
    _check_parts(owner, parts)
    _check_flag(owner, rng)
    _check_rank(owner)
    states = {name: part.state_dict() for name, part in parts.items()}
    for name, state in {"extra": extra, **states}.items():
        if _holds(state, _is_shard):
            raise ValueError(
                f"{owner}: {name} holds a shard of its tensors; save with torch.distributed.checkpoint, or gather "
                "whole states first"
            )
        if _holds(state, _is_meta):  # of which a file would be made, but nothing could be loaded from it
            raise ValueError(
                f"{owner}: {name} holds tensors on the meta device, which have no values; "
                "module.to_empty(device=...) and an initialization, or a checkpoint, give them some"
            )
    content = {"lucid checkpoint": _FORMAT, "step": step, "extra": extra, "parts": states, "rng": _rng() if rng else {}}
    folder = Path(folder)
    _make(folder)
    latest = _last_number(folder)
    if latest >= 10**18 - 1:  # the next has a name that loading would not know
        raise ValueError(f"{owner}: the last file in {folder} has the highest number that there is; save to another folder")
    path = folder / f"checkpoint-{latest + 1:06d}-step-{step}.pt"
    with replacing(path) as file:
        try:
            _write(file, content)
            foreign = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
        except (pickle.UnpicklingError, RecursionError) as error:
            raise ValueError(
                f"{owner}: the states hold what loading with weights_only=True cannot read (numbers beyond 2**2039, or lists "
                f"and dicts nested too deeply): {error}"
            ) from None
        if foreign:
            raise ValueError(
                f"{owner}: the states hold {', '.join(foreign)}, which loading with weights_only=True refuses; save plain data "
                f"and tensors{_foreign_place({'extra': extra, **states})}"
            )
    _tidy(folder, keep)
    return path


def load_checkpoint(
    folder: str | os.PathLike[str], *, map_location: Any = "cpu", rng: bool = True, **parts: Any
) -> Position | None:
    """Go on from the newest checkpoint that is whole: each part as it was saved, and the position.

    One that is damaged (cut short, a bit flipped, on bad sectors, something else) is left out with a warning, and the one
    before is taken. No file runs code: loading is ``weights_only=True``. All parts are checked before any is changed; should
    one refuse all the same, those before it are put back.

    Args:
        folder: where :func:`save_checkpoint` saved; or one of its files, to go on from that one.
        map_location: the device for the tensors on their way; "cpu" spares the accelerator's memory.
        rng: restore the random numbers too, where they were saved. They are rank 0's: other ranks leave theirs alone.
        **parts: what to restore, by the names that it was saved under. The file may hold more.

    Returns:
        The position, or None where there is no checkpoint yet.

    Raises:
        TypeError: a part without ``load_state_dict()``, ``rng`` is not True or False, ``map_location`` no device.
        ValueError: all checkpoints are damaged, or the newest whole one lacks a part, does not fit one (or the random numbers
            of the accelerator here), or is of a newer version of Lucid. Nothing has changed then.
        RuntimeError: a part refused its state; all parts are as before.
        OSError: the folder cannot be used now, or a file that may be whole not be read (no permission, too many open files).

    Example:
        ::

            position = lucid.load_checkpoint("run", model=model, optimizer=optimizer, scheduler=scheduler)
            for step in range(position.step if position else 0, 10_000):
                ...
                if (step + 1) % 500 == 0:
                    lucid.save_checkpoint("run", step=step + 1, model=model, optimizer=optimizer, scheduler=scheduler)
    """
    owner = "load_checkpoint"
    _check_parts(owner, parts)
    _check_flag(owner, rng)
    location = known(map_location)
    if not (location is None or callable(location) or isinstance(location, (str, torch.device, dict))):
        raise TypeError(f"{owner}: map_location must be a device, as torch.load takes it, got {map_location!r}")
    # A device that is not there is no damage of a file's.
    if isinstance(location, (str, torch.device)) and torch.empty(0, device=location).is_meta:
        raise ValueError(f"{owner}: map_location must be a device that keeps values, got {map_location!r}")
    path, content = _newest(Path(folder), location)
    if content is None:
        return None
    saved, step = content["parts"], content["step"]
    for name in parts:
        if name not in saved:
            raise ValueError(f"{owner}: {path.name} holds no {name}; it holds {', '.join(map(repr, saved)) or 'nothing'}")
    if rng and content["rng"] and not _rank():
        parts, saved = {**parts, "rng": _RandomNumbers()}, {**saved, "rng": content["rng"]}
    for name, part in parts.items():
        wrong = _misfit(part, saved[name])
        if wrong:
            raise ValueError(f"{owner}: {path.name} does not fit {name}: {wrong}")
    _load_all(parts, saved)
    return Position(step, content["extra"], path)


# -- parts


def _check_parts(owner: str, parts: dict[str, Any]) -> None:
    if not parts:
        raise ValueError(f"{owner}: give the parts by name: model=model, optimizer=optimizer, scheduler=scheduler")
    for name, part in parts.items():
        for method in ("state_dict", "load_state_dict"):
            if isinstance(part, type) or not callable(getattr(part, method, None)):
                raise TypeError(f"{owner}: {name} must have {method}(), got {part!r}; plain data goes into extra")


def _check_flag(owner: str, rng: Any) -> None:
    if not isinstance(rng, bool):
        raise TypeError(f"{owner}: rng must be True or False, got {rng!r}")


def _rank() -> int:
    ranks = torch.distributed
    return ranks.get_rank() if ranks.is_available() and ranks.is_initialized() else 0


def _check_rank(owner: str) -> None:
    if _rank():
        raise RuntimeError(
            f"{owner}: this is rank {_rank()} of {torch.distributed.get_world_size()}; save on rank 0 alone, "
            "if get_rank() == 0, or sharded states with torch.distributed.checkpoint"
        )


def _holds(value: Any, test: Callable[[Any], bool]) -> bool:
    """Whether ``test`` is true of something in these lists and dicts."""
    left, seen = [value], {}
    while left:
        one = left.pop()
        if isinstance(one, (Mapping, list, tuple)):
            if id(one) not in seen:
                seen[id(one)] = one
                left.extend(one.values() if isinstance(one, Mapping) else one)
        elif test(one):
            return True
    return False


_PLAIN = {type(None), bool, int, float, complex, str, bytes, bytearray, set, Counter, torch.Size, torch.dtype, torch.device}


def _foreign_place(states: dict[str, Any]) -> str:
    """Where the first thing stands that is no plain data, if it is found."""
    left: list[tuple[str, Any]] = list(states.items())[::-1]
    seen = {}
    while left:
        place, one = left.pop()
        if type(one) in (dict, OrderedDict, list, tuple):
            if id(one) not in seen:
                seen[id(one)] = one
                items = one.items() if isinstance(one, dict) else enumerate(one)
                left += [(f"{place}[{key!r}]", value) for key, value in items][::-1]
        elif type(one) not in _PLAIN and not isinstance(one, torch.Tensor):
            return f": {place} is of the type {type(one).__module__}.{type(one).__qualname__}"
    return ""


def _is_shard(value: Any) -> bool:
    return type(value).__name__ in ("DTensor", "ShardedTensor") and type(value).__module__.startswith("torch.distributed")


def _is_meta(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_meta


def _misfit(part: Any, state: Any) -> str:
    """Why a part will refuse a state, as far as one can tell without loading it; "" where nothing is known against it."""
    if isinstance(part, LRScheduler):
        with warnings.catch_warnings():  # it warns when it loads
            warnings.simplefilter("ignore")
            try:
                if not isinstance(state, Mapping):
                    return f"a state must be a mapping, got {type(state).__name__}"
                part._prepared(state, False)
            except ValueError as error:
                return str(error)
        return ""
    if isinstance(part, (torch.nn.Module, torch.optim.Optimizer)):
        own: Any = part.state_dict() if isinstance(part, torch.nn.Module) else [group["params"] for group in part.param_groups]
        if _holds(own, _is_shard):
            return "it is sharded here; load with torch.distributed.checkpoint"
        if _holds(own, _is_meta):
            return "it is on the meta device here, where tensors have no values; module.to_empty(device=...) gives them room"
    if isinstance(part, torch.nn.Module):
        return _misfit_of_module(part, own, state)
    if isinstance(part, torch.optim.Optimizer):
        groups = state.get("param_groups") if isinstance(state, Mapping) else None
        if not isinstance(groups, list) or not all(
            isinstance(g, Mapping) and isinstance(g.get("params"), list) for g in groups
        ):
            return "it is no optimizer's state"
        there, here = ([len(group["params"]) for group in of] for of in (groups, part.param_groups))
        if there != here:
            return f"it has parameter groups of {there} parameters, the optimizer of {here}"
        numbers = [i for group in groups for i in group["params"]]  # by which the state calls the parameters
        if not all(isinstance(i, (int, str)) for i in numbers):
            return "it is no optimizer's state"
        wrong, lacks = _misfit_of_moments(part, state.get("state"), numbers), _lacking_options(part, groups)
        return wrong or (lacks and f"its groups lack {', '.join(lacks)}: they are those of another optimizer") or ""
    if isinstance(part, _RandomNumbers):
        return _misfit_of_devices(state)
    return ""


def _lacking_options(optimizer: torch.optim.Optimizer, groups: list[Any]) -> list[str]:
    """What an optimizer will miss in groups that are loaded, after it has filled in what older versions of it did not have."""
    if type(optimizer).load_state_dict is not torch.optim.Optimizer.load_state_dict or not hasattr(optimizer, "defaults"):
        return []  # it has ways of its own
    trial = object.__new__(type(optimizer))
    trial.__dict__.update(optimizer.__dict__)
    try:
        trial.__setstate__({"defaults": dict(optimizer.defaults), "state": {}, "param_groups": [dict(one) for one in groups]})
        # PyTorch gives every optimizer that was loaded a default that not all have in their groups.
        own = {name for name in optimizer.defaults if all(name in group for group in optimizer.param_groups)}
        return sorted({name for one in trial.param_groups for name in own if name not in one})
    except Exception:
        return []


def _misfit_of_moments(optimizer: torch.optim.Optimizer, state: Any, numbers: list[Any]) -> str:
    """Moments that are as large as their parameter, which PyTorch does not look at."""
    if not isinstance(state, Mapping):
        return "it is no optimizer's state"
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for i, parameter in zip(numbers, parameters, strict=True):
        moments: Any = state.get(i)
        for name in sorted(_MOMENTS & set(moments)) if isinstance(moments, Mapping) else ():
            theirs: Any = getattr(moments[name], "shape", parameter.shape)
            if theirs != parameter.shape:
                return f"{name} of parameter {i} is of shape {tuple(theirs)} there, {tuple(parameter.shape)} here"
    return ""


def _misfit_of_module(module: torch.nn.Module, own: dict[str, Any], state: Any) -> str:
    if not isinstance(state, Mapping):
        return f"a state must be a mapping, got {type(state).__name__}"
    if any(one._load_state_dict_pre_hooks for one in module.modules()):  # which may rename
        return ""
    lacks, more = [key for key in own if key not in state], [key for key in state if key not in own]
    if lacks or more:
        told = [f"{what} {', '.join(map(str, keys[:5]))}{', ...' if len(keys) > 5 else ''}" for what, keys in
                (("it lacks", lacks), ("it alone has", more)) if keys]  # fmt: skip
        inner, theirs = ({_WRAPPED.sub("", str(key)) for key in keys} for keys in (own, state))
        wrapped = (
            "; one of them is wrapped, in DistributedDataParallel or by torch.compile: save and load its .module or ._orig_mod"
        )
        return "; ".join(told) + (wrapped if inner == theirs else "")
    for key, mine in own.items():
        if isinstance(mine, torch.Tensor) and not torch.nn.parameter.is_lazy(mine):
            theirs = state[key]
            if _is_meta(theirs):
                return f"{key} was saved from the meta device, and has no values there"
            if not isinstance(theirs, torch.Tensor) or theirs.shape != mine.shape:
                there = tuple(theirs.shape) if isinstance(theirs, torch.Tensor) else theirs
                return f"{key} is of shape {there} there, {tuple(mine.shape)} here"
    return ""


def _misfit_of_devices(states: dict[str, Any]) -> str:
    """Random states of another kind or size than the accelerators' here: some only find that out at their first use."""
    for kind, of in states.items():
        if isinstance(of, list) and _devices(kind):
            try:
                own = torch.Generator(kind)
            except RuntimeError:  # of this kind PyTorch makes none, and the restoring tells
                continue
            for state in of:
                try:
                    own.set_state(state.cpu())
                except Exception as error:
                    return f"the state of {kind}: {error}; rng=False leaves the random numbers as they are"
    return ""


def _load_all(parts: dict[str, Any], saved: dict[str, Any]) -> None:
    """Load every part, or none."""
    before: dict[str, Any] = {}
    for name, part in parts.items():
        before[name] = _copied(part.state_dict()) if isinstance(part, torch.nn.Module) else copy.deepcopy(part.state_dict())
    begun: list[str] = []
    try:
        for name, part in parts.items():
            begun.append(name)
            part.load_state_dict(saved[name])
    except BaseException as error:
        lost = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in reversed(begun):
                try:
                    parts[name].load_state_dict(before[name])
                except Exception as another:  # of a part that refuses its own state
                    lost.append(f"{name} ({another})")
        if not isinstance(error, Exception):
            raise
        then = f"{', '.join(lost)} could not be put back: build all anew" if lost else "all parts are as before"
        raise RuntimeError(f"load_checkpoint: {begun[-1]} refused its state: {error}; {then}") from error


def _copied(state: Any) -> Any:
    """A copy that takes none of an accelerator's memory."""
    if torch.nn.parameter.is_lazy(state):  # which has no value yet
        return state
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        made = copy.copy(state)  # with the versions that a module's state carries
        for key, value in state.items():
            made[key] = _copied(value)
        return made
    return copy.deepcopy(state)


# -- random numbers


def _accelerator() -> tuple[str, Any] | None:
    """The accelerator that is in use, and PyTorch's module for it."""
    if not torch.accelerator.is_available():
        return None
    kind = torch.accelerator.current_accelerator().type  # type: ignore[union-attr]
    module = torch.get_device_module(kind)
    return (kind, module) if getattr(module, "is_initialized", lambda: True)() else None


class _RandomNumbers:
    """The random numbers as a part."""

    def state_dict(self) -> dict[str, Any]:
        return _rng()

    def load_state_dict(self, states: dict[str, Any]) -> None:
        for name, state in states.items():
            if name == "python":
                random.setstate(_python_state(state))
            elif name == "torch":
                torch.set_rng_state(state.cpu())
            elif name == "numpy":
                with suppress(ImportError):  # nobody here draws from it
                    importlib.import_module("numpy").random.set_state(tuple(state))
            else:
                _restore_accelerator(name, state)


def _rng() -> dict[str, Any]:
    version, words, gauss = random.getstate()
    states: dict[str, Any] = {"python": [version, list(words), gauss], "torch": torch.get_rng_state()}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        told = numpy.random.get_state()
        if isinstance(told, tuple):  # another generator than NumPy's own was put in its place otherwise
            name, keys, *rest = told
            states["numpy"] = [str(name), keys.tolist(), *rest]
    found = _accelerator()
    if found is not None:
        kind, module = found
        every = getattr(module, "get_rng_state_all", None)
        states[kind] = every() if every is not None else [module.get_rng_state()]
    return states


def _python_state(state: Any) -> tuple[Any, ...]:
    version, words, gauss = state
    return version, tuple(words), gauss


def _check_rng(states: Any) -> None:
    """Whether the states are such, tried on generators of our own."""
    for name, state in states.items():
        if name == "python":
            random.Random().setstate(_python_state(state))
        elif name == "torch":
            torch.Generator().set_state(state.cpu())
        elif name == "numpy":
            if "numpy" in sys.modules:
                sys.modules["numpy"].random.RandomState().set_state(tuple(state))
        elif not isinstance(state, list) or not all(isinstance(one, torch.Tensor) for one in state):
            raise TypeError(f"no states of {name}")


def _devices(kind: str) -> int:
    """How many accelerators of this kind are here."""
    here = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return torch.accelerator.device_count() if here is not None and here.type == kind else 0


def _restore_accelerator(kind: str, states: list[torch.Tensor]) -> None:
    devices = _devices(kind)
    if devices != len(states):
        warn(
            f"load_checkpoint: random states of {len(states)} {kind} devices were saved, and {devices} are here: "
            f"{min(devices, len(states))} restored"
        )
    if not devices:
        return
    module = torch.get_device_module(kind)
    for i, state in enumerate(states[:devices]):
        module.set_rng_state(state.cpu(), i) if hasattr(module, "set_rng_state_all") else module.set_rng_state(state.cpu())


# -- the folder


def _make(folder: Path) -> None:
    """The folder, and those that it lies in, on the disk too."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(missing):
        with suppress(PermissionError):  # where one may make folders, and not look
            _sync(one.parent)


def _sync(folder: Path) -> None:
    """What a folder holds is on the disk."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(folder: Path, temporary: bool = False) -> list[Path]:
    """Our files, oldest first: no links, nothing of others."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            named = _NAME.fullmatch(entry.name)
            if named and bool(named[3]) == temporary and entry.is_file(follow_symlinks=False):
                found.append((int(named[1]), int(named[2]), Path(entry.path)))
    return [path for *_, path in sorted(found)]


def _last_number(folder: Path) -> int:
    """The number of the newest file, whatever stands under such a name."""
    return max((int(named[1]) for name in os.listdir(folder) if (named := _NAME.fullmatch(name)) and not named[3]), default=0)


def _tidy(folder: Path, keep: int | None) -> None:
    """Remove what is older than the newest ``keep`` that are not cut short, and what writers left that were killed."""
    files = _files(folder)
    ended = [path for path in files if _has_end(path)] if keep is not None else []
    if keep is not None and len(ended) > keep:
        for path in files[: files.index(ended[-keep])]:
            with suppress(OSError):  # somebody reads it (Windows), or removed it
                path.unlink()
    for path in _files(folder, temporary=True):
        with suppress(OSError):
            if _locks is None:
                path.unlink()
            else:
                with _claimed(path):  # nobody is writing it any more
                    path.unlink()


def _newest(folder: Path, location: Any) -> tuple[Path, dict[str, Any] | None]:
    """The newest file that is whole, and what it holds; None where there are no files."""
    if _NAME.fullmatch(folder.name) and not folder.exists():
        raise FileNotFoundError(errno.ENOENT, "no such checkpoint", str(folder))
    files = [folder] if folder.is_file() else _files(folder)
    wrong = []
    for path in reversed(files):
        try:
            with path.open("rb") as file:
                content = _read(path.name, file, location)
        except _DamageError as error:
            wrong.append(f"{path.name} ({error})")
        except OSError as error:  # any other says nothing of the file: it may be whole, once the folder can be used again
            if error.errno not in _UNREADABLE | _GONE:
                raise
            gone = error.errno in _GONE
            wrong.append(f"{path.name} ({'it was removed meanwhile' if gone else f'not to be read: {error.strerror}'})")
        else:
            if wrong:
                warn(f"load_checkpoint: damaged: {', '.join(wrong)}; going on from {path.name}, the one before")
            return path, content
    if wrong:
        raise ValueError(
            f"load_checkpoint: every checkpoint in {folder} is damaged: {', '.join(wrong)}; bring one back, or start anew in "
            "another folder"
        )
    return folder, None


# -- a file


class _DamageError(Exception):
    """A file is not what was written."""


class _Hashed:
    """Passes on to a file what ``torch.save`` writes, and ends with the checksum of all that, as the archive's comment."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.sum, self.held = file, hashlib.sha256(), b""
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        whole = self.held + bytes(data) if len(data) < 2 else data
        if whole is data:
            self._out(self.held)
        view = memoryview(whole)
        self._out(view[:-2])
        self.held = bytes(view[-2:])  # the archive's last two bytes are the length of its comment
        return len(data)

    def _out(self, data: Any) -> None:
        self.sum.update(data)
        try:
            self.file.write(data)
        except OSError as error:  # of which torch.save makes something else
            self.error = error
            raise

    def flush(self) -> None:
        pass

    def finish(self) -> None:
        if self.held != b"\0\0":
            raise RuntimeError("save_checkpoint: this version of PyTorch writes other archives; please report it")
        self._out((len(_MARK) + _DIGEST).to_bytes(2, "little") + _MARK)
        self.file.write(self.sum.digest())


def _write(file: BinaryIO, content: dict[str, Any]) -> None:
    hashed = _Hashed(file)
    try:
        torch.save(content, hashed)  # type: ignore[arg-type]
    except Exception:
        if hashed.error is not None:
            raise hashed.error from None
        raise
    hashed.finish()
    file.flush()
    file.seek(0)


def _has_end(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _at_end(file)[1]
    except OSError:
        return False


def _at_end(file: BinaryIO) -> tuple[int, bool]:
    """How many bytes are before the digest, where the file now stands, and whether the mark is there."""
    left = file.seek(0, os.SEEK_END) - _DIGEST
    file.seek(max(left - len(_MARK), 0))
    return left, file.read(len(_MARK)) == _MARK


def _read(name: str, file: BinaryIO, location: Any) -> dict[str, Any]:
    """What a file holds, in the format of today."""
    left, ended = _at_end(file)
    if not ended:
        raise _DamageError("cut short, or not written by save_checkpoint")
    digest, found = file.read(), hashlib.sha256()
    file.seek(0)
    while left:
        data = file.read(min(left, _CHUNK))
        if not data:
            raise _DamageError("cut short")
        found.update(data)
        left -= len(data)
    if found.digest() != digest:
        raise _DamageError("wrong checksum")
    file.seek(0)
    try:
        content = torch.load(file, map_location=location, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # which are of places that a file tells
            raise
        raise _DamageError(f"not to be loaded with weights_only=True: {str(error).splitlines()[0]}") from error
    version = content.get("lucid checkpoint") if type(content) is dict else None
    if type(version) is not int:
        raise _DamageError("no checkpoint")
    if version > _FORMAT:
        raise ValueError(
            f"load_checkpoint: {name} is of format {version}, and this version of Lucid knows formats up to {_FORMAT}; "
            "upgrade Lucid (pip install -U lucid-lr)"
        )
    try:
        while version < _FORMAT:
            content = _MIGRATIONS[version](content)
            version += 1
        number(name, "step", content["step"], "a whole number >= 0")
        if not all(type(content[key]) is dict for key in ("parts", "rng")) or "extra" not in content:
            raise TypeError("parts and rng must be dicts")
        _check_rng(content["rng"])
    except Exception as error:
        raise _DamageError(f"not in the format {content.get('lucid checkpoint')!r}: {error!r}") from error
    return content  # type: ignore[no-any-return]


def _from_0(content: dict[str, Any]) -> dict[str, Any]:
    """Format 0 had the parts side by side with the step, and neither extra nor random numbers."""
    parts = {name: state for name, state in content.items() if name not in ("lucid checkpoint", "step")}
    return {"lucid checkpoint": 1, "step": content["step"], "extra": None, "parts": parts, "rng": {}}


_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {0: _from_0}
"""From each former format to the next."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write; when all is written it takes the place of ``path``, whole or not at all, whatever happens meanwhile.

    Raises:
        BlockingIOError: another process is writing it.
    """
    new = path.with_name(path.name + ".tmp")
    file = _claimed(new)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if _locks is not None:  # while it is still ours
                os.replace(new, path)
        if _locks is None:
            os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    _sync(path.parent)


def _claimed(path: Path) -> BinaryIO:
    """A temporary file, empty and ours alone; what a writer that was killed left under the name is gone."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    while True:
        file = open(path, "r+b", opener=lambda name, _: os.open(name, flags, 0o666))  # noqa: SIM115
        try:
            if _locks is not None:
                try:
                    _locks.flock(file, _locks.LOCK_EX | _locks.LOCK_NB)
                except BlockingIOError:
                    raise BlockingIOError(
                        errno.EWOULDBLOCK, "another process is writing it (of several ranks only rank 0 saves)", str(path)
                    ) from None
                except OSError:  # a file system without locks
                    pass
                with suppress(FileNotFoundError):
                    if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                        raise FileNotFoundError
                    file.truncate(0)
                    return file
            else:
                file.truncate(0)
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # its former owner renamed or removed it in between
