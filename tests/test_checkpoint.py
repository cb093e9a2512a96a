"""Checkpoints: whole or not at all, the newest whole one, all parts or none."""

import copy
import errno
import hashlib
import io
import json
import math
import os
import pickle
import random
import subprocess
import sys
import types
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import everything, sgd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lucid
from lucid import _checkpoint
from lucid._checkpoint import Position, load_checkpoint, replacing, save_checkpoint
from lucid._train.job import replace_file
from lucid.optim import lr_scheduler as ours
from lucid.schedules import Cosine, Decay, Linear


class Training:
    """A small one, with chance in it."""

    def __init__(self, width: int = 3) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.BatchNorm1d(width), torch.nn.Linear(width, 1))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.scheduler = ours.LRScheduler(self.optimizer, lr=Linear(5) >> Cosine(40), weight_decay=Cosine(45))
        self.plateau = ours.ReduceLROnPlateau(sgd(), patience=2)

    @property
    def parts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("model", "optimizer", "scheduler", "plateau")}

    def step(self) -> float:
        inputs = torch.randn(8, 4) + random.random() + np.random.rand()
        self.optimizer.zero_grad()
        loss = (self.model(torch.nn.functional.dropout(inputs)) ** 2).mean()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.plateau.optimizer.step()
        self.plateau.step(loss.item())
        return loss.item()

    def all(self) -> Any:
        """Everything, to the last bit."""
        return plain({name: part.state_dict() for name, part in self.parts.items()})


def plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def seeded(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def filled(folder: Path, steps: int = 3, keep: int | None = None, **more: Any) -> Training:
    """A checkpoint after every step."""
    training = Training()
    for step in range(1, steps + 1):
        training.step()
        save_checkpoint(folder, step=step, keep=keep, **more, **training.parts)
    return training


def flip(path: Path, at: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def rewritten(path: Path, content: Any) -> None:
    """A file with the right checksum, and whatever content."""
    with path.open("w+b") as file:
        _checkpoint._write(file, content)


def content_of(path: Path) -> Any:
    return torch.load(path, weights_only=True)


# -- a training that goes on


@pytest.mark.parametrize("k", [1, 4, 7, 12])
def test_resumed_equals_uninterrupted(k: int, tmp_path: Path) -> None:
    seeded(1)
    whole = Training()
    seeded(2)
    losses = []
    for step in range(1, 21):
        losses.append(whole.step())
        if step == k:
            whole.scheduler.extend(60)
            path = save_checkpoint(tmp_path, step=step, extra={"best": 0.5, "seen": [1, "a", None]}, **whole.parts)
    seeded(3)
    resumed = Training()
    assert load_checkpoint(tmp_path, **resumed.parts) == Position(k, {"best": 0.5, "seen": [1, "a", None]}, path)
    assert [resumed.step() for _ in range(20 - k)] == losses[k:]
    assert resumed.all() == whole.all()


def test_from_its_name_in_the_package() -> None:
    assert lucid.save_checkpoint is save_checkpoint
    assert lucid.load_checkpoint is load_checkpoint
    assert lucid.Position is Position


def test_none_where_there_is_none(tmp_path: Path) -> None:
    training = Training()
    before = training.all()
    assert load_checkpoint(tmp_path / "nowhere", **training.parts) is None
    assert load_checkpoint(tmp_path, **training.parts) is None
    assert training.all() == before
    assert names(tmp_path) == []


def test_one_part_and_a_file_by_its_name(tmp_path: Path) -> None:
    filled(tmp_path / "a" / "b")
    first = sorted((tmp_path / "a" / "b").iterdir())[0]
    assert first.name == "checkpoint-000001-step-1.pt"
    scheduler = Training().scheduler
    assert load_checkpoint(first, scheduler=scheduler).step == 1  # type: ignore[union-attr]
    assert scheduler.last_epoch == 1
    assert set(torch.load(first, weights_only=True)["parts"]) == {"model", "optimizer", "scheduler", "plateau"}
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load_checkpoint(first.with_name("checkpoint-000009-step-9.pt"), scheduler=scheduler)


def test_files_that_are_cut_short_do_not_count_among_those_that_are_kept(tmp_path: Path) -> None:
    training = filled(tmp_path, 4, keep=4)
    for name in names(tmp_path)[2:]:
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    save_checkpoint(tmp_path, step=5, keep=2, **training.parts)
    assert [name[-4] for name in names(tmp_path)] == ["2", "3", "4", "5"]
    (tmp_path / names(tmp_path)[1]).write_bytes(b"")
    save_checkpoint(tmp_path, step=6, keep=2, **training.parts)
    assert [name[-4] for name in names(tmp_path)] == ["5", "6"]


def test_it_keeps_the_newest(tmp_path: Path) -> None:
    training = filled(tmp_path, 5, keep=2)
    assert names(tmp_path) == ["checkpoint-000004-step-4.pt", "checkpoint-000005-step-5.pt"]
    save_checkpoint(tmp_path, step=2, keep=2, **training.parts)  # somebody went back: what was saved last is the newest
    assert names(tmp_path) == ["checkpoint-000005-step-5.pt", "checkpoint-000006-step-2.pt"]
    assert load_checkpoint(tmp_path, **training.parts).step == 2  # type: ignore[union-attr]
    save_checkpoint(tmp_path, step=2, keep=1, **training.parts)
    assert names(tmp_path) == ["checkpoint-000007-step-2.pt"]
    filled(tmp_path, 2)
    assert len(names(tmp_path)) == 3
    save_checkpoint(tmp_path, step=0, **training.parts)
    assert len(names(tmp_path)) == 3  # the default


@pytest.mark.parametrize("deep", [False, True])
def test_what_could_not_be_read_again_is_not_written(deep: bool, tmp_path: Path) -> None:
    filled(tmp_path)
    before, extra = names(tmp_path), [2**3000]
    for _ in range(5000 * deep):
        extra = [extra]  # type: ignore[list-item]
    with pytest.raises(ValueError, match="save_checkpoint: the states hold what loading with weights_only=True cannot read"):
        save_checkpoint(tmp_path, step=9, extra=extra, model=torch.nn.Linear(1, 1))
    assert names(tmp_path) == before


def test_names_that_loading_would_not_know_are_not_written(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / f"checkpoint-{10**18 - 1}-step-1.pt").symlink_to("nowhere")
    before = names(tmp_path)
    with pytest.raises(ValueError, match="the highest number that there is; save to another folder"):
        save_checkpoint(tmp_path, step=9, model=torch.nn.Linear(1, 1))
    assert names(tmp_path) == before


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.pt"
    target.write_bytes(b"precious")
    folder = tmp_path / "run"
    folder.mkdir()
    foreign = ["notes.txt", "checkpoint-1.pt", "checkpoint-000001-step-1.pt.bak", "Checkpoint-000001-step-1.pt", "x.tmp"]
    for name in foreign:
        (folder / name).write_text("mine")
    (folder / "checkpoint-000007-step-7.pt").symlink_to(target)
    (folder / "checkpoint-000003-step-3.pt.tmp").symlink_to(target)
    (folder / "checkpoint-000002-step-2.pt").mkdir()
    training = filled(folder, 3, keep=1)
    assert set(names(folder)) == {
        *foreign,
        "checkpoint-000007-step-7.pt",
        "checkpoint-000003-step-3.pt.tmp",
        "checkpoint-000002-step-2.pt",
        "checkpoint-000010-step-3.pt",
    }
    assert target.read_bytes() == b"precious"
    assert load_checkpoint(folder, **training.parts).step == 3  # type: ignore[union-attr]


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    (tmp_path / "file.tmp").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"), replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert target.read_bytes() == b"precious"


# -- damage


def damages(size: int) -> dict[str, Any]:
    bits = [random.Random(i).randrange(size) for i in range(12)]
    return {
        "empty": lambda path: cut(path, 0),
        "a byte": lambda path: cut(path, 1),
        "half": lambda path: cut(path, size // 2),
        "one byte short": lambda path: cut(path, size - 1),
        "without the digest": lambda path: cut(path, size - 32),
        "a byte more": lambda path: path.write_bytes(path.read_bytes() + b"x"),
        "zeros": lambda path: path.write_bytes(bytes(size)),
        "text": lambda path: path.write_text("no checkpoint\n" * 100),
        "a plain file of torch": lambda path: torch.save({"lucid checkpoint": 1}, path),
        **{f"bit {i}": lambda path, at=at, bit=i % 8: flip(path, at, bit) for i, at in enumerate(bits)},
        "last bit": lambda path: flip(path, size - 1, 7),
        "first bit": lambda path: flip(path, 0),
    }


@pytest.mark.parametrize("damage", damages(9))
def test_a_damaged_one_is_left_out(damage: str, tmp_path: Path) -> None:
    filled(tmp_path)
    newest = sorted(tmp_path.iterdir())[-1]
    damages(newest.stat().st_size)[damage](newest)
    kept = newest.read_bytes()
    training = Training()
    match = r"damaged: checkpoint-000003-step-3\.pt \((wrong checksum|cut short, or not .*)\); going on from checkpoint-000002"
    with pytest.warns(UserWarning, match=match) as warned:
        assert load_checkpoint(tmp_path, **training.parts).step == 2  # type: ignore[union-attr]
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert training.scheduler.last_epoch == 2
    assert newest.read_bytes() == kept  # for whoever wants to look into it


def test_all_damaged(tmp_path: Path) -> None:
    filled(tmp_path)
    for i, path in enumerate(sorted(tmp_path.iterdir())):
        flip(path, 100 + i)
    training = Training()
    before, drawn = training.all(), random.getstate()
    with pytest.raises(
        ValueError, match=r"every checkpoint in .* is damaged: .*3\.pt \(wrong.*2\.pt \(wrong.*1\.pt.*start anew"
    ):
        load_checkpoint(tmp_path, **training.parts)
    assert (training.all(), random.getstate()) == (before, drawn)
    save_checkpoint(tmp_path, step=9, keep=1, **training.parts)
    assert load_checkpoint(tmp_path, **training.parts).step == 9  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    scheduler = ours.StepLR(sgd(), 3)
    return save_checkpoint(folder, step=5, rng=False, scheduler=scheduler).read_bytes()


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_bit_counts(data: Any, whole: bytes, tmp_path: Path) -> None:
    """No flip of bits, cut or splice of a file is taken for a checkpoint."""
    broken = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=3, unique=True)):
        broken[at] ^= data.draw(st.integers(1, 255))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)))))
    if data.draw(st.booleans()):
        del broken[start:end]
    if bytes(broken) == whole:
        return
    path = tmp_path / "checkpoint-000001-step-5.pt"
    path.write_bytes(broken)
    scheduler = ours.StepLR(sgd(), 3)
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(tmp_path, scheduler=scheduler)
    assert scheduler.last_epoch == 0


class Evil:
    trace = ""

    def __reduce__(self) -> Any:
        return os.mkdir, (self.trace,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            {"lucid checkpoint": 1, "step": 1, "extra": Evil(), "parts": {}, "rng": {}},
            "not to be loaded with weights_only=True",
        ),
        (
            {"lucid checkpoint": 1, "step": 1, "extra": None, "parts": {}, "rng": np.zeros(3)},
            "not to be loaded with weights_only",
        ),
        ([], "no checkpoint"),
        ({}, "no checkpoint"),
        ({"lucid train": 1}, "no checkpoint"),
        ({"lucid checkpoint": "1"}, "no checkpoint"),
        ({"lucid checkpoint": True}, "no checkpoint"),
        ({"lucid checkpoint": 1}, "not in the format 1: KeyError"),
        ({"lucid checkpoint": -1}, "not in the format -1: KeyError"),
        ({"lucid checkpoint": 0}, "not in the format 0: KeyError"),
        ({"lucid checkpoint": 1, "step": -1, "extra": None, "parts": {}, "rng": {}}, "step must be a whole number"),
        ({"lucid checkpoint": 1, "step": "x", "extra": None, "parts": {}, "rng": {}}, "step must be a number"),
        ({"lucid checkpoint": 1, "step": 1, "parts": {}, "rng": {}}, "must be dicts"),
        ({"lucid checkpoint": 1, "step": 1, "extra": None, "parts": [], "rng": {}}, "parts and rng must be dicts"),
        (
            {"lucid checkpoint": 1, "step": 1, "extra": None, "parts": {}, "rng": {"python": [3, [1], None]}},
            "not in the format",
        ),
        ({"lucid checkpoint": 1, "step": 1, "extra": None, "parts": {}, "rng": {"torch": torch.zeros(3)}}, "not in the format"),
        (
            {"lucid checkpoint": 1, "step": 1, "extra": None, "parts": {}, "rng": {"numpy": ["MT19937", [1], 0, 0, 0.0]}},
            "not in",
        ),
        ({"lucid checkpoint": 1, "step": 1, "extra": None, "parts": {}, "rng": {"cuda": 3}}, "no states of cuda"),
    ],
)
def test_hostile_content_under_a_right_checksum(content: Any, reason: str, tmp_path: Path) -> None:
    Evil.trace = str(tmp_path / "was-here")
    filled(tmp_path, 1)
    rewritten(tmp_path / "checkpoint-000002-step-2.pt", content)
    training = Training()
    with pytest.warns(UserWarning, match=reason):
        assert load_checkpoint(tmp_path, **training.parts).step == 1  # type: ignore[union-attr]
    assert not Path(Evil.trace).exists()


def test_weights_only_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    Evil.trace = str(tmp_path / "was-here")
    rewritten(tmp_path / "checkpoint-000002-step-2.pt", {"lucid checkpoint": 1, "step": 1, "extra": Evil()})
    with pytest.raises(ValueError, match="weights_only=True"):
        load_checkpoint(tmp_path, **Training().parts)
    assert not Path(Evil.trace).exists()


def test_formats_of_before_and_of_later(tmp_path: Path) -> None:
    training = Training()
    for _ in range(3):
        training.step()
    states = {name: part.state_dict() for name, part in training.parts.items()}
    rewritten(tmp_path / "checkpoint-000001-step-3.pt", {"lucid checkpoint": 0, "step": 3, **states})
    resumed = Training()
    assert load_checkpoint(tmp_path, **resumed.parts) == Position(3, None, tmp_path / "checkpoint-000001-step-3.pt")
    assert resumed.all() == training.all()
    rewritten(tmp_path / "checkpoint-000002-step-4.pt", {"lucid checkpoint": 2, "step": 4})
    before = resumed.all()
    with pytest.raises(
        ValueError, match=r"step-4\.pt is of format 2, and this version of Lucid knows formats up to 1; upgrade"
    ):
        load_checkpoint(tmp_path, **resumed.parts)
    assert resumed.all() == before


# -- parts that do not fit


def swapped(training: Training, **parts: Any) -> dict[str, Any]:
    return {**training.parts, **parts}


def misfits() -> dict[str, tuple[Any, str]]:
    wide = Training(5)
    two = sgd(0.1, 0.2)
    lone = torch.nn.Linear(4, 3)
    more = Training()
    more.model.append(torch.nn.Linear(1, 1))
    wrapped = torch.nn.Module()
    wrapped.module = Training().model  # as in DistributedDataParallel
    moments = torch.optim.Adam([torch.nn.Parameter(torch.ones(1)) for _ in range(6)])
    return {
        "shapes": ({"model": wide.model}, r"model: 0\.weight is of shape \(3, 4\) there, \(5, 4\) here"),
        "fewer": ({"model": lone}, r"model: it lacks weight, bias; it alone has 0\.weight, 0\.bias, .*, \.\.\."),
        "more": ({"model": more.model}, r"model: it lacks 3\.weight, 3\.bias$"),
        "groups": ({"optimizer": two}, r"optimizer: it has parameter groups of \[6\] parameters, the optimizer of \[1, 1\]"),
        "another optimizer": (
            {"optimizer": torch.optim.SGD(Training().model.parameters(), lr=0.1, momentum=0.9)},
            r"optimizer: its groups lack dampening, momentum: they are those of another optimizer",
        ),
        "moments": ({"optimizer": moments}, r"optimizer: exp_avg.* of parameter 0 is of shape \(3, 4\) there, \(1,\) here"),
        "wrapped": (
            {"model": wrapped},
            r"model: it lacks module\.0\.weight, .*; one of them is wrapped, in DistributedDataParallel or by torch\.compile: "
            r"save and load its \.module or \._orig_mod$",
        ),
        "class": ({"scheduler": ours.StepLR(sgd(), 3)}, "scheduler: StepLR: the state is one of 'LRScheduler'"),
        "scheduler's groups": (
            {"scheduler": ours.LRScheduler(two, lr=Cosine(3), weight_decay=Cosine(3))},
            "has 1 parameter groups",
        ),
        "another": ({"ema": torch.nn.Linear(1, 1)}, r"holds no ema; it holds 'model', 'optimizer', 'scheduler', 'plateau'"),
        "a model's": ({"model": Training().optimizer}, "model: it is no optimizer's state"),
        "an optimizer's": ({"optimizer": Training().model}, r"optimizer: it lacks 0\.weight"),
    }


@pytest.mark.parametrize("kind", misfits())
def test_what_does_not_fit_changes_nothing(kind: str, tmp_path: Path) -> None:
    filled(tmp_path)
    other, match = misfits()[kind]
    training = Training()
    parts = swapped(training, **other)
    before, drawn = training.all(), (random.getstate(), torch.get_rng_state().tolist())
    with pytest.raises(ValueError, match=match):
        load_checkpoint(tmp_path, **parts)
    assert training.all() == before
    assert (random.getstate(), torch.get_rng_state().tolist()) == drawn


@pytest.mark.parametrize(
    ("name", "state", "match"),
    [
        ("model", 3, "model: a state must be a mapping, got int"),
        ("scheduler", 3, "scheduler: a state must be a mapping, got int"),
        ("scheduler", {}, "scheduler: LRScheduler: the state lacks"),
        ("optimizer", [], "optimizer: it is no optimizer's state"),
        ("optimizer", {"param_groups": [3]}, "optimizer: it is no optimizer's state"),
        ("optimizer", {"param_groups": [{"params": list(range(6))}], "state": 3}, "optimizer: it is no optimizer's state"),
        ("optimizer", {"param_groups": [{"params": list(range(6))}], "state": {5: {"sum": torch.ones(2)}}}, r"\(1,\) here"),
        (
            "optimizer",
            {"param_groups": [{"params": [7, 6, 5, 4, 3, 2]}], "state": {7: {"sum": torch.ones(2)}}},
            r"\(3, 4\) here",
        ),
    ],
)
def test_states_that_are_none(name: str, state: Any, match: str, tmp_path: Path) -> None:
    training = filled(tmp_path, 1)
    path = next(tmp_path.iterdir())
    content = content_of(path)
    content["parts"][name] = state
    rewritten(path, content)
    before = training.all()
    with pytest.raises(ValueError, match=match):
        load_checkpoint(tmp_path, **training.parts)
    assert training.all() == before


class Stubborn:
    """A part that takes nothing but its own."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.value, self.error = 1, error

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.value = 99
        if self.error is not None and state["value"] != 1:
            raise self.error
        self.value = state["value"]


@pytest.mark.parametrize("error", [RuntimeError("not today"), KeyboardInterrupt()])
def test_a_part_that_refuses_midway_puts_all_back(error: BaseException, tmp_path: Path) -> None:
    training, stubborn = Training(), Stubborn()
    training.step()
    stubborn.value = 7
    save_checkpoint(tmp_path, step=1, stubborn=stubborn, last=stubborn, **training.parts)
    fresh, refusing = Training(), Stubborn(error)
    for _ in range(2):
        fresh.step()
    before, drawn = fresh.all(), random.getstate()
    kind = RuntimeError if isinstance(error, Exception) else KeyboardInterrupt
    match = "stubborn refused its state: not today; all parts are as before" if kind is RuntimeError else None
    with pytest.raises(kind, match=match):
        load_checkpoint(tmp_path, **fresh.parts, stubborn=refusing, last=Stubborn())
    assert (fresh.all(), random.getstate()) == (before, drawn)
    assert refusing.value == 1


def test_a_part_that_cannot_even_be_put_back(tmp_path: Path) -> None:
    class Broken(Stubborn):
        def load_state_dict(self, state: dict[str, Any]) -> None:
            raise ValueError("never")

    training = Training()
    save_checkpoint(tmp_path, step=1, broken=Broken(), **training.parts)
    fresh = Training()
    fresh.step()
    before = fresh.all()
    with pytest.raises(
        RuntimeError, match=r"broken refused its state: never; broken \(never\) could not be put back: build all"
    ):
        load_checkpoint(tmp_path, **fresh.parts, broken=Broken())
    assert fresh.all() == before


def test_a_module_that_renames_is_left_to_itself(tmp_path: Path) -> None:
    class Renamed(torch.nn.Linear):
        def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
            for key in ("weight", "bias"):
                if prefix + "old_" + key in state_dict:
                    state_dict[prefix + key] = state_dict.pop(prefix + "old_" + key)
            super()._load_from_state_dict(state_dict, prefix, *args)

    class Old(Stubborn):
        def state_dict(self) -> dict[str, Any]:
            return {"old_weight": torch.full((1, 2), 3.0), "old_bias": torch.zeros(1)}

    save_checkpoint(tmp_path, step=1, model=Old())
    plain = Renamed(2, 1)
    plain._register_load_state_dict_pre_hook(lambda *_: None)
    load_checkpoint(tmp_path, model=plain)
    assert plain.weight.tolist() == [[3.0, 3.0]]
    lazy = torch.nn.LazyLinear(3)
    save_checkpoint(tmp_path, step=2, model=torch.nn.Linear(2, 3))
    load_checkpoint(tmp_path, model=lazy)
    assert lazy.weight.shape == (3, 2)


def test_a_changed_plan_that_the_script_does_not_know(tmp_path: Path) -> None:
    training = filled(tmp_path, 4)
    training.scheduler.replan(Decay(10))
    save_checkpoint(tmp_path, step=4, **training.parts)
    other = Training()
    other.scheduler.extend(100)
    with pytest.warns(UserWarning, match="the state's changes of plan .* replaces this scheduler's") as warned:
        load_checkpoint(tmp_path, **other.parts)
    assert len(warned) == 1  # once, though it was checked before
    assert other.scheduler.changes == training.scheduler.changes


def test_optimizers_fill_in_what_they_did_not_have_before(tmp_path: Path) -> None:
    """States of older versions of PyTorch lack options, and so may those of optimizers that load in their own way."""

    class Own(torch.optim.SGD):
        def load_state_dict(self, state_dict: Any) -> None:
            super().load_state_dict(
                {**state_dict, "param_groups": [{"momentum": 0.5, **g} for g in state_dict["param_groups"]]}
            )

    class Odd(torch.optim.SGD):
        def __setstate__(self, state: Any) -> None:
            self.param_groups = [{**group, "momentum": group["momentums"][0]} for group in state["param_groups"]]

    class Old(Stubborn):
        lacking: tuple[str, ...] = ()

        def state_dict(self) -> dict[str, Any]:
            state = optimizer().state_dict()
            for group in state["param_groups"]:
                for name in self.lacking:
                    del group[name]
            return state

    def optimizer(kind: Any = torch.optim.SGD) -> Any:
        return kind([torch.nn.Parameter(torch.ones(2))], lr=0.25, momentum=0.9)

    old = Old()
    old.lacking = ("foreach", "fused", "differentiable", "maximize")
    save_checkpoint(tmp_path, step=1, optimizer=old)
    fresh = optimizer()
    load_checkpoint(tmp_path, optimizer=fresh)
    assert fresh.param_groups[0]["maximize"] is False
    old.lacking = ("momentum",)
    save_checkpoint(tmp_path, step=2, optimizer=old)
    with pytest.raises(ValueError, match="its groups lack momentum: they are those of another optimizer"):
        load_checkpoint(tmp_path, optimizer=fresh)
    own = optimizer(Own)
    load_checkpoint(tmp_path, optimizer=own)
    assert own.param_groups[0]["momentum"] == 0.5
    with pytest.raises(RuntimeError, match="optimizer refused its state: 'momentums'"):  # which only loading finds out
        load_checkpoint(tmp_path, optimizer=optimizer(Odd))


@pytest.mark.parametrize("kind", [torch.optim.SparseAdam, torch.optim.LBFGS, torch.optim.Adafactor])
def test_optimizers_load_again_what_lacks_the_default_that_loading_gave_them(kind: Any, tmp_path: Path) -> None:
    optimizer = kind([torch.nn.Parameter(torch.ones(2))], lr=0.25)
    save_checkpoint(tmp_path, step=1, optimizer=optimizer)
    for _ in range(2):
        assert load_checkpoint(tmp_path, optimizer=optimizer) is not None
    save_checkpoint(tmp_path, step=2, optimizer=optimizer)
    assert load_checkpoint(tmp_path, optimizer=copy.deepcopy(optimizer)).step == 2  # type: ignore[union-attr]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no folder is opened")
def test_a_new_folder_may_lie_in_one_that_lets_nobody_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refusing(path: Any, *options: Any, **more: Any) -> int:
        if path == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *options, **more)

    monkeypatch.setattr(os, "open", refusing)
    training = Training()
    save_checkpoint(tmp_path / "new", step=1, **training.parts)
    assert load_checkpoint(tmp_path / "new", **training.parts) is not None


# -- random numbers


def test_random_numbers_are_left_alone_where_that_is_asked(tmp_path: Path) -> None:
    training = Training()
    save_checkpoint(tmp_path / "with", step=1, **training.parts)
    save_checkpoint(tmp_path / "without", step=1, rng=False, **training.parts)
    assert content_of(next((tmp_path / "without").iterdir()))["rng"] == {}
    assert set(content_of(next((tmp_path / "with").iterdir()))["rng"]) == {"python", "torch", "numpy"}
    for folder, rng, restored in (("with", True, True), ("with", False, False), ("without", True, False)):
        seeded(5)
        load_checkpoint(tmp_path / "with", **training.parts)
        expected = (random.random(), torch.rand(1).item(), np.random.rand())
        seeded(5)
        load_checkpoint(tmp_path / folder, rng=rng, **training.parts)
        assert ((random.random(), torch.rand(1).item(), np.random.rand()) == expected) is restored


def test_a_generator_that_is_not_numpys_own_is_left_out(tmp_path: Path) -> None:
    was = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(3))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = save_checkpoint(tmp_path, step=1, **Training().parts)
    finally:
        np.random.set_bit_generator(was)
    assert "numpy" not in content_of(path)["rng"]


@pytest.mark.parametrize("every", [True, False])
def test_accelerators(every: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [torch.arange(4, dtype=torch.uint8), torch.ones(4, dtype=torch.uint8)] if every else [torch.ones(2)]
    module = types.SimpleNamespace(is_initialized=lambda: True, restored={})
    if every:
        module.get_rng_state_all = lambda: states
        module.set_rng_state_all = None
    else:
        module.get_rng_state = lambda: states[0]
    module.set_rng_state = lambda state, device=0: module.restored.update({device: state.tolist()})
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: len(states))
    monkeypatch.setattr(torch, "get_device_module", lambda kind: module)
    part = Stubborn()
    save_checkpoint(tmp_path, step=1, part=part)
    load_checkpoint(tmp_path, part=part)
    assert module.restored == {i: state.tolist() for i, state in enumerate(states)}
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 1)
    module.restored.clear()
    if every:
        with pytest.warns(UserWarning, match="random states of 2 cuda devices were saved, and 1 are here: 1 restored"):
            load_checkpoint(tmp_path, part=part)
        assert module.restored == {0: [0, 1, 2, 3]}
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.warns(UserWarning, match=rf"of {len(states)} cuda devices were saved, and 0 are here: 0 restored"):
        load_checkpoint(tmp_path, part=part)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    module.is_initialized = lambda: False  # nobody has drawn from it, and asking would wake it
    assert "cuda" not in content_of(save_checkpoint(tmp_path, step=2, part=part))["rng"]


class Device:
    """An accelerator's random numbers, as PyTorch keeps them: 16 bytes for each device."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, generators: bool) -> None:
        self.states = [torch.full((16,), i, dtype=torch.uint8) for i in (1, 2)]
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
        monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
        monkeypatch.setattr(torch, "get_device_module", lambda kind: self)
        if generators:
            real = torch.Generator
            own = types.SimpleNamespace(set_state=lambda state: self.set_rng_state(state, None))
            monkeypatch.setattr(torch, "Generator", lambda *kind: own if kind == ("cuda",) else real(*kind))

    def get_rng_state_all(self) -> list[torch.Tensor]:
        return [state.clone() for state in self.states]

    def set_rng_state_all(self) -> None:
        raise NotImplementedError

    def set_rng_state(self, state: torch.Tensor, i: int | None) -> None:
        if state.dtype != torch.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.numel() != 16:
            raise RuntimeError("RNG state is wrong size")
        if i is not None:
            self.states[i] = state.clone()


@pytest.mark.parametrize("generators", [True, False])  # False: a kind that PyTorch makes none of
@pytest.mark.parametrize(
    "wrong", [[torch.zeros(16, dtype=torch.uint8), torch.zeros(9, dtype=torch.uint8)], [torch.zeros(16), torch.zeros(16)]]
)
def test_random_states_that_an_accelerator_refuses_change_nothing(
    wrong: list[torch.Tensor], generators: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = filled(tmp_path, 1)
    path = next(tmp_path.iterdir())
    content = content_of(path)
    content["rng"]["cuda"] = wrong
    rewritten(path, content)
    training.step()
    random.random()
    torch.rand(3)
    np.random.rand()
    device = Device(monkeypatch, generators)

    def now() -> Any:
        told = random.getstate(), torch.get_rng_state().tolist(), str(np.random.get_state())
        return told, [state.tolist() for state in device.states], training.all()

    before = now()
    match = r"does not fit rng: the state of cuda: RNG state .*; rng=False leaves the random numbers as they are"
    refused = (ValueError, match) if generators else (RuntimeError, "rng refused its state: RNG.*; all parts are as before")
    with pytest.raises(refused[0], match=refused[1]):
        load_checkpoint(tmp_path, **training.parts)
    assert now() == before
    assert load_checkpoint(tmp_path, rng=False, **training.parts).step == 1  # type: ignore[union-attr]
    assert now()[:1] == before[:1]
    save_checkpoint(tmp_path, step=2, **training.parts)
    saved = [state.tolist() for state in device.states]
    device.states.reverse()
    load_checkpoint(tmp_path, **training.parts)
    assert [state.tolist() for state in device.states] == saved


def test_a_warning_that_is_an_error_leaves_all_as_it_was(tmp_path: Path) -> None:
    training = Training()
    with pytest.MonkeyPatch.context() as patch:
        Device(patch, True)
        save_checkpoint(tmp_path, step=1, **training.parts)
    training.step()
    before, drawn = training.all(), random.getstate()
    with pytest.raises(
        RuntimeError, match=r"random states of 2 cuda devices were saved, and 0 are here.*all parts are as before"
    ):
        load_checkpoint(tmp_path, **training.parts)  # warnings are errors in these tests
    assert (training.all(), random.getstate()) == (before, drawn)


def test_numbers_that_are_nowhere(tmp_path: Path) -> None:
    """Tensors on the meta device: a file of them would push out those that hold something."""
    real = torch.nn.Linear(2, 1)
    path = save_checkpoint(tmp_path, step=1, model=real, optimizer=torch.optim.Adam(real.parameters()))
    with torch.device("meta"):
        meta = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(meta.parameters())
    for parts in ({"model": meta}, {"model": real, "extra": [meta.bias]}):
        with pytest.raises(ValueError, match=r"save_checkpoint: (model|extra) holds tensors on the meta device, .*to_empty"):
            save_checkpoint(tmp_path, step=2, keep=1, **parts)
    assert names(tmp_path) == [path.name]
    for there in ({"model": meta}, {"optimizer": optimizer}):
        with pytest.raises(ValueError, match=r"does not fit (model|optimizer): it is on the meta device here, .*to_empty"):
            load_checkpoint(tmp_path, **there)
    for name in ("meta", torch.device("meta")):
        with pytest.raises(ValueError, match=r"map_location must be a device that keeps values, got .*meta"):
            load_checkpoint(tmp_path, map_location=name, model=real)
    content = content_of(path)
    content["parts"]["model"] = meta.state_dict()
    rewritten(path, content)
    with pytest.raises(ValueError, match="does not fit model: weight was saved from the meta device, and has no values there"):
        load_checkpoint(tmp_path, model=real)


def test_states_within_themselves(tmp_path: Path) -> None:
    extra: dict[str, Any] = {"again": []}
    extra["again"].append(extra)
    save_checkpoint(tmp_path, step=1, extra=extra, part=Stubborn())
    found: Any = load_checkpoint(tmp_path, part=Stubborn()).extra  # type: ignore[union-attr]
    assert found["again"][0] is found


# -- arguments


def test_refusals(tmp_path: Path) -> None:
    parts: dict[str, Any] = Training().parts

    def refused(error: Any, match: str, **given: Any) -> None:
        with pytest.raises(error, match=match):
            save_checkpoint(tmp_path / "run", **{"step": 1, **parts, **given})
        assert not (tmp_path / "run").exists() or names(tmp_path / "run") == []

    refused(ValueError, "step must be a whole number >= 0, got -1", step=-1)
    refused(ValueError, "step must be a whole number >= 0, got 1.5", step=1.5)
    refused(TypeError, "step must be a number, got None", step=None)
    refused(ValueError, r"step must be < 10\*\*18", step=10**18)
    refused(ValueError, "keep must be a whole number >= 1, got 0", keep=0)
    refused(TypeError, r"data must have state_dict\(\), got 3; plain data goes into extra", data=3)
    refused(TypeError, r"kind must have state_dict\(\), got <class", kind=Training)
    refused(ValueError, r"the states hold .*numpy.*weights_only=True refuses; save plain data", extra=np.zeros(3))
    refused(ValueError, r"extra\['best'\]\[1\] is of the type numpy\.float64$", extra={"best": (1, np.float64(2))})
    refused(ValueError, r"extra is of the type collections\.defaultdict$", extra=defaultdict(list, a=1))
    rate = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=np.float64(0.5))
    refused(ValueError, r"; save plain data and tensors: rate\['param_groups'\]\[0\]\['lr'\] is of the type numpy", rate=rate)
    ours_first = {"a": lucid.tensor([1.0]), "b": np.float64(2)}
    refused(ValueError, r"extra\['b'\] is of the type numpy\.float64$", extra=ours_first)
    around: list[Any] = [np.float64(1)]
    around.insert(0, around)
    refused(ValueError, r"extra\[1\] is of the type numpy\.float64$", extra=around)
    refused(ValueError, r"the states hold .*Stubborn", extra=Stubborn())
    refused((AttributeError, pickle.PicklingError), r"lambda", extra=lambda: None)
    with pytest.raises(ValueError, match="save_checkpoint: give the parts by name"):
        save_checkpoint(tmp_path, step=1)
    with pytest.raises(ValueError, match="load_checkpoint: give the parts by name"):
        load_checkpoint(tmp_path)
    refused(TypeError, "rng must be True or False, got 'no'", rng="no")
    with pytest.raises(TypeError, match="load_checkpoint: rng must be True or False, got 0"):
        load_checkpoint(tmp_path, rng=0, **parts)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"load_checkpoint: map_location must be a device, as torch\.load takes it, got 0"):
        load_checkpoint(tmp_path, map_location=0, **parts)
    half = types.SimpleNamespace(state_dict=dict)
    with pytest.raises(TypeError, match=r"part must have load_state_dict\(\), got"):
        load_checkpoint(tmp_path, part=half)
    filled(tmp_path)
    with pytest.raises((RuntimeError, AssertionError), match=r"(?i)gpu|cuda|accelerator"):
        load_checkpoint(tmp_path, map_location="gpu" if not torch.accelerator.is_available() else "cuda:99", **parts)
    with pytest.raises((RuntimeError, AssertionError)):
        load_checkpoint(tmp_path, map_location="cuda:99", **parts)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        save_checkpoint(tmp_path / "file", step=1, **parts)


def test_only_rank_0_saves_and_only_whole_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = filled(tmp_path, 1)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    with pytest.raises(RuntimeError, match=r"this is rank 1 of 4; save on rank 0 alone, .*torch\.distributed\.checkpoint"):
        save_checkpoint(tmp_path, step=1, **training.parts)
    drawn = random.getstate()
    assert load_checkpoint(tmp_path, **training.parts).step == 1  # type: ignore[union-attr]
    assert random.getstate() == drawn  # they are rank 0's
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    save_checkpoint(tmp_path, step=2, **training.parts)

    class DTensor:
        __module__ = "torch.distributed.tensor"

    sharded = Stubborn()
    monkeypatch.setattr(sharded, "state_dict", lambda: {"a": [({"b": DTensor()},)]})
    with pytest.raises(ValueError, match=r"sharded holds a shard of its tensors; save with torch\.distributed\.checkpoint"):
        save_checkpoint(tmp_path, step=1, sharded=sharded)
    with pytest.raises(ValueError, match="extra holds a shard of its tensors"):
        save_checkpoint(tmp_path, step=1, extra=DTensor(), model=training.model)


def test_whole_states_do_not_go_into_shards(tmp_path: Path) -> None:
    """Of an optimizer PyTorch would take the whole moments without a word, and fail at the next step."""
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "run", step=1, model=model, optimizer=optimizer)
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        sharded = torch.distributed.fsdp.fully_shard(
            torch.nn.Linear(4, 2), mesh=torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
        )
        parts = {"model": sharded, "optimizer": torch.optim.SGD(sharded.parameters(), lr=0.1, momentum=0.9)}
        for name, part in parts.items():
            with pytest.raises(
                ValueError, match=rf"does not fit {name}: it is sharded here; load with torch\.distributed\.che"
            ):
                load_checkpoint(tmp_path / "run", **{name: part})
    finally:
        torch.distributed.destroy_process_group()


# -- writers that are stopped


class Killed(BaseException):
    """Nobody catches it."""


@pytest.mark.parametrize("call", ["fsync", "replace", "write"])
def test_stopped_at_every_write(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = filled(tmp_path, 2, keep=1)
    before = names(tmp_path)

    def dying(*args: Any) -> Any:
        raise Killed

    if call == "write":
        monkeypatch.setattr(_checkpoint._Hashed, "finish", dying)
    else:
        monkeypatch.setattr(os, call, dying)
    with pytest.raises(Killed):
        save_checkpoint(tmp_path, step=3, keep=1, **training.parts)
    assert names(tmp_path) == before
    monkeypatch.undo()
    assert load_checkpoint(tmp_path, **training.parts).step == 2  # type: ignore[union-attr]


def test_the_file_is_on_the_disk_before_it_has_its_name_and_the_old_one_goes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, calls = filled(tmp_path, 1), []
    for call in ("fsync", "replace"):
        real = getattr(os, call)
        monkeypatch.setattr(
            os, call, lambda *args, call=call, real=real: (calls.append((call, len(names(tmp_path)))), real(*args))
        )
    save_checkpoint(tmp_path, step=2, keep=1, **training.parts)
    assert calls == [("fsync", 2), ("replace", 2), ("fsync", 2)]
    assert names(tmp_path) == ["checkpoint-000002-step-2.pt"]


def test_folders_that_are_made_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training, synced = Training(), []
    real, made = os.fsync, tmp_path / "a" / "b"

    def fsync(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")) if os.path.isdir("/proc/self/fd") else None)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    save_checkpoint(made, step=1, **training.parts)
    if None not in synced:
        assert synced[:2] == [tmp_path, tmp_path / "a"]  # where the new names stand, from above
        assert synced[2:] == [made / "checkpoint-000001-step-1.pt.tmp", made]
    assert len(synced) == 4
    save_checkpoint(made, step=2, **training.parts)
    assert len(synced) == 6
    monkeypatch.chdir(tmp_path)
    save_checkpoint("c", step=1, **training.parts)
    assert synced[6] in (tmp_path, None)


def test_leftovers_go_and_what_is_being_written_stays(tmp_path: Path) -> None:
    training = Training()
    (tmp_path / "checkpoint-000004-step-8.pt.tmp").write_bytes(b"half")
    with replacing(tmp_path / "checkpoint-000009-step-9.pt") as file:
        file.write(b"being written")
        file.flush()
        save_checkpoint(tmp_path, step=1, **training.parts)
        assert names(tmp_path) == ["checkpoint-000001-step-1.pt", "checkpoint-000009-step-9.pt.tmp"]
        with pytest.raises(BlockingIOError, match=r"another process is writing it \(of several ranks only rank 0 saves\)"):
            replace_file(tmp_path / "checkpoint-000009-step-9.pt", b"too")
    assert (tmp_path / "checkpoint-000009-step-9.pt").read_bytes() == b"being written"
    (tmp_path / "file.tmp").write_bytes(b"a longer one that was left")
    replace_file(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_file_that_was_renamed_while_it_was_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tricks = _checkpoint._locks.flock, []

    def renamed(file: Any, how: int) -> None:
        real(file, how)
        if not tricks:
            tricks.append(1)
            os.rename(tmp_path / "file.tmp", tmp_path / "file")  # its former owner is done at this very moment

    monkeypatch.setattr(_checkpoint._locks, "flock", renamed)
    replace_file(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_file_system_without_locks_and_a_system_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(_checkpoint._locks, "flock", none)
    training = filled(tmp_path, 2, keep=1)
    monkeypatch.setattr(_checkpoint, "_locks", None)
    (tmp_path / "checkpoint-000001-step-8.pt.tmp").write_bytes(b"half")
    save_checkpoint(tmp_path, step=3, keep=1, **training.parts)
    assert names(tmp_path) == ["checkpoint-000003-step-3.pt"]


def test_one_that_is_removed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = filled(tmp_path, 2)
    files = _checkpoint._files(tmp_path)
    monkeypatch.setattr(_checkpoint, "_files", lambda folder: files)
    files[1].unlink()
    with pytest.warns(UserWarning, match="was removed meanwhile"):
        assert load_checkpoint(tmp_path, **training.parts).step == 1  # type: ignore[union-attr]


class Failing(io.FileIO):
    """A file on a bad medium: after so many reads each further one fails."""

    def __init__(self, path: Path, code: int, after: int) -> None:
        super().__init__(path)
        self.code, self.left = code, after

    def readinto(self, *args: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise OSError(self.code, os.strerror(self.code))
        return super().readinto(*args)

    def read(self, size: int = -1) -> Any:
        data = bytearray(self.seek(0, os.SEEK_END) if size < 0 else size)
        return bytes(data[: self.readinto(data)])


def failing(newest: Path, code: int, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening or reading that file fails from now on."""
    real = Path.open

    def opened(path: Path, *args: Any) -> Any:
        if path != newest:
            return real(path, *args)
        if after < 0:
            raise OSError(code, os.strerror(code))
        return io.BufferedReader(Failing(path, code, after), 512)

    monkeypatch.setattr(Path, "open", opened)


@pytest.mark.parametrize("after", [-1, 0, 1, 2, 4, 6])  # while it is opened, its end, its digest and its content are read
@pytest.mark.parametrize(
    "name", sorted({"EIO", "EBADMSG", "EILSEQ", "ENODATA", "EREMOTEIO", "EUCLEAN", "ESTALE"} & set(dir(errno)))
)
def test_one_that_the_medium_does_not_give_is_left_out(
    name: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, 2)
    newest, code = sorted(tmp_path.iterdir())[-1], getattr(errno, name)
    failing(newest, code, after, monkeypatch)
    training = Training()
    why = "it was removed meanwhile" if name == "ESTALE" else f"not to be read: {os.strerror(code)}"
    with pytest.warns(UserWarning, match=rf"damaged: {newest.name} \({why}\); going on from checkpoint-000001"):
        assert load_checkpoint(tmp_path, **training.parts).step == 1  # type: ignore[union-attr]
    before = training.all()
    with pytest.raises(ValueError, match=rf"is damaged: {newest.name} \({why}\)"):
        load_checkpoint(newest, **training.parts)
    assert training.all() == before
    save_checkpoint(tmp_path, step=3, keep=2, **training.parts)
    assert names(tmp_path)[-1] == "checkpoint-000003-step-3.pt"


@pytest.mark.parametrize("after", [-1, 0, 2, 6])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EMFILE, errno.ENOMEM, errno.ETIMEDOUT])
def test_a_folder_that_cannot_be_used_is_no_damage(
    code: int, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To go on from an older one would lose steps that are there, once the way to them is free again."""
    filled(tmp_path, 2)
    failing(sorted(tmp_path.iterdir())[-1], code, after, monkeypatch)
    training = Training()
    before = training.all()
    with pytest.raises(OSError, match=os.strerror(code)):
        load_checkpoint(tmp_path, **training.parts)
    assert training.all() == before


@pytest.mark.parametrize("how", [lambda file: file.seek(-1), lambda file: file.write(b"")])
def test_what_no_file_can_do_is_damage(how: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that tells PyTorch to look at a place before its start, say: an OSError too, and not the folder's."""
    filled(tmp_path, 1)
    monkeypatch.setattr(torch, "load", lambda file, **more: how(file))
    with pytest.raises(
        ValueError, match=r"is damaged: .* \(not to be loaded with weights_only=True: (.*Invalid argument|write)"
    ):
        load_checkpoint(tmp_path, **Training().parts)


def test_memory_that_runs_out_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = filled(tmp_path, 2)

    def full(*args: Any, **more: Any) -> None:
        raise MemoryError("full")

    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(MemoryError, match="full"):
        load_checkpoint(tmp_path, **training.parts)


def test_an_archive_of_another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "save", lambda content, file: (file.write(b"a"), file.write(b""), file.write(b"bc")))
    with pytest.raises(RuntimeError, match="this version of PyTorch writes other archives"):
        save_checkpoint(tmp_path, step=1, part=Stubborn())
    assert names(tmp_path) == []


@pytest.mark.parametrize("pieces", [[b"PK", b"\0\0"], [b"P", b"K", b"\0", b"\0"], [b"PK\0\0"], [b"PK\0", b"", b"\0"]])
def test_the_checksum_is_of_all_however_it_comes(pieces: list[bytes]) -> None:
    file = io.BytesIO()
    hashed = _checkpoint._Hashed(file)
    for piece in pieces:
        assert hashed.write(piece) == len(piece)
    hashed.flush()
    hashed.finish()
    whole = file.getvalue()
    assert whole[:2] == b"PK"
    assert whole[2:4] == len(whole[4:]).to_bytes(2, "little")
    assert hashlib.sha256(whole[:-32]).digest() == whole[-32:]


FULL = """
import resource, signal, sys
import torch
from lucid import load_checkpoint, save_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = torch.nn.Linear(300, 300)
save_checkpoint(sys.argv[1], step=1, keep=1, model=model)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for step in (2, 3):
    try:
        save_checkpoint(sys.argv[1], step=step, keep=1, model=model)
    except OSError as error:
        print(error.errno)
print(load_checkpoint(sys.argv[1], model=model).step)
"""

WRITERS = """
import os, random, signal, sys, time, warnings
import torch
from lucid import load_checkpoint, save_checkpoint
from lucid.optim.lr_scheduler import StepLR

folder, trials, half = sys.argv[1], int(sys.argv[2]), 0
torch.set_num_threads(1)

class Counter:
    n, values = 0, torch.zeros(200_000)
    def state_dict(self):
        return {"n": self.n, "values": self.values}
    def load_state_dict(self, state):
        self.n, self.values = state["n"], state["values"]

draw = random.Random(int(sys.argv[3]))
reached = trial = 0
longest = 0.1  # and longer, where the machine is busy
while trial < trials or (min(half, reached) < 3 and trial < 10 * trials):
    before = reached
    trial += 1
    child = os.fork()
    if child == 0:
        counter = Counter()
        position = load_checkpoint(folder, counter=counter, rng=False)
        step = position.step if position else 0
        while True:
            step += 1
            counter.n, counter.values = step, torch.full((200_000,), float(step))
            save_checkpoint(folder, step=step, keep=2, rng=False, counter=counter)
    time.sleep(draw.uniform(0.01, longest))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    half += any(name.endswith(".tmp") for name in (os.listdir(folder) if os.path.isdir(folder) else ()))
    counter = Counter()
    warnings.simplefilter("error")  # none is damaged
    position = load_checkpoint(folder, counter=counter, rng=False)
    if position is not None:
        assert counter.n == position.step >= reached, (counter.n, position, reached)
        assert bool((counter.values == float(position.step)).all())
        reached = position.step
    longest = longest if reached > before else min(1.3 * longest, 2.0)
counter = Counter()
save_checkpoint(folder, step=reached + 1, keep=2, counter=counter)
print(reached, half, len(os.listdir(folder)))
"""


def run(script: str, *arguments: Any) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX's")
def test_a_full_disk_leaves_the_old_ones(tmp_path: Path) -> None:
    assert run(FULL, tmp_path) == [str(errno.EFBIG), str(errno.EFBIG), "1"]
    assert names(tmp_path) == ["checkpoint-000001-step-1.pt"]


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Thirty writers or more, each killed at a random instant: what is found is whole, and never older than before."""
    reached, half, files = map(int, run(WRITERS, tmp_path / "run", 30, 0))
    assert reached >= 3
    assert half >= 3  # half-written ones were seen
    assert files == 2  # and are gone


def test_json_states_go_through(tmp_path: Path) -> None:
    """What a scheduler tells is what it tells after a checkpoint."""
    training = filled(tmp_path, 3)
    fresh = Training()
    load_checkpoint(tmp_path, **fresh.parts)
    for name in ("scheduler", "plateau"):
        assert json.dumps(fresh.parts[name].state_dict()) == json.dumps(training.parts[name].state_dict())
    assert everything(fresh.optimizer) == everything(training.optimizer)
    assert not math.isnan(fresh.step())
