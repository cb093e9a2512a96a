"""History: what it reads, when, under which names; files that survive kills and damage; loggers."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import lucid
from lucid import History
from lucid.schedules import Cosine, Linear

ROOT = Path(lucid.__file__).parents[1]


def parameter() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.zeros(1))


def sgd(groups: int = 1, **options: Any) -> Any:
    return torch.optim.SGD([{"params": [parameter()]} for _ in range(groups)], **{"lr": 0.1, "momentum": 0.9, **options})


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, NaN too, and of the same kinds."""
    return repr(a) == repr(b)


# -- recording


def test_a_row_tells_what_the_update_used() -> None:
    optimizer = sgd(weight_decay=0.01)
    schedule = Linear(3) >> Cosine(7)
    scheduler = lucid.optim.lr_scheduler.LRScheduler(optimizer, lr=schedule, weight_decay=Cosine(10))
    history, used = History(optimizer), []
    optimizer.register_step_pre_hook(
        lambda *_: used.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]))
    )
    for step in range(12):
        history.record(loss=step * 0.5)
        optimizer.step()
        scheduler.step()
    assert history.steps == list(range(12))
    assert list(zip(history["lr-SGD"], history["lr-SGD-weight_decay"], strict=True)) == used
    assert history["lr-SGD"] == schedule.at(range(12), 0.1)
    assert history["lr-SGD-momentum"] == [0.9] * 12
    assert history["loss"] == [step * 0.5 for step in range(12)]
    assert len(history) == 12
    assert repr(history) == "<History of 12 steps to 11: lr-SGD, lr-SGD-momentum, lr-SGD-weight_decay, loss>"


def test_between_records_nothing_is_read() -> None:
    class Watched(dict):  # type: ignore[type-arg]
        reads = 0

        def __getitem__(self, key: str) -> Any:
            Watched.reads += 1
            return super().__getitem__(key)

    optimizer = sgd()
    optimizer.param_groups[0] = Watched(optimizer.param_groups[0])
    history = History(optimizer)
    Watched.reads = 0
    history.record()
    assert Watched.reads == 3
    optimizer.param_groups[0]["lr"]
    assert Watched.reads == 4


def test_tensor_rates_become_plain_floats() -> None:
    optimizer = torch.optim.AdamW([parameter()], lr=torch.tensor(0.25, dtype=torch.float64), betas=(0.8, 0.9))
    history = History(optimizer)
    history.record(loss=torch.tensor(1.5, requires_grad=True), count=7)
    optimizer.param_groups[0]["lr"].fill_(0.125)
    history.record(loss=None)
    assert same(history["lr-AdamW"], [0.25, 0.125])
    assert same(history["lr-AdamW-momentum"], [0.8, 0.8])
    assert same(history["loss"], [1.5, None])
    assert same(history["count"], [7, None])


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ([{}], ["lr-SGD"]),
        ([{"name": "body"}], ["lr-SGD/body"]),
        ([{}, {}], ["lr-SGD/pg1", "lr-SGD/pg2"]),
        ([{}, {"name": "head"}], ["lr-SGD/pg1", "lr-SGD/head"]),
    ],
)
def test_names(groups: list[dict[str, str]], names: list[str]) -> None:
    history = History(torch.optim.SGD([{"params": [parameter()], **group} for group in groups], lr=0.1), keys=["lr"])
    history.record()
    assert list(history.columns) == names


def test_names_of_several_optimizers() -> None:
    history = History(sgd(), torch.optim.Adam([parameter()]), sgd(2), keys=("lr", "momentum"))
    history.record()
    stems = ["lr-SGD", "lr-Adam", "lr-SGD-1/pg1", "lr-SGD-1/pg2"]
    assert list(history.columns) == [name for stem in stems for name in (stem, f"{stem}-momentum")]


def test_a_wrapper_has_the_name_of_what_it_wraps() -> None:
    class Wrapper:
        def __init__(self, optimizer: Any) -> None:
            self.optimizer = optimizer

    history = History(Wrapper(sgd()), keys=["lr"])
    history.record()
    assert history.columns == {"lr-SGD": [0.1]}


def test_a_key_that_a_group_lacks_has_no_column() -> None:
    history = History(torch.optim.Adagrad([parameter()], lr=0.1))
    history.record()
    assert list(history.columns) == ["lr-Adagrad", "lr-Adagrad-weight_decay"]
    optimizer = sgd()
    optimizer.param_groups[0]["lr"] = None  # an optimizer that finds its own
    history = History(optimizer, keys=["lr"])
    history.record(loss=1.0)
    assert history.columns == {"loss": [1.0]}


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
def test_groups_that_come_later_are_followed_and_names_move(name: str, tmp_path: Path) -> None:
    optimizer = sgd()
    history = History(optimizer, keys=["lr"], file=tmp_path / name)
    history.record(loss=1.0)
    optimizer.add_param_group({"params": [parameter()], "lr": 0.5})
    history.record(loss=2.0)
    optimizer.param_groups[1]["name"] = "head"
    history.record(loss=3.0)
    optimizer.param_groups.pop()
    history.record(loss=4.0)
    assert history.columns == {"lr-SGD": [0.1] * 4, "loss": [1.0, 2.0, 3.0, 4.0], "lr-SGD/head": [None, 0.5, 0.5, None]}
    assert History.read(tmp_path / name).columns == history.columns


def test_a_run_that_went_back_to_one_group_keeps_both_halves(tmp_path: Path) -> None:
    file, optimizer = tmp_path / "run.csv", sgd(2)
    history = History(optimizer, keys=["lr"], file=file)
    for _ in range(4):
        history.record()
    optimizer = sgd(lr=0.7)
    history = History(optimizer, keys=["lr"], file=file, resume=True)
    history.record(2)
    assert history.columns == {"lr-SGD/pg1": [0.1, 0.1, None], "lr-SGD/pg2": [0.1, 0.1, None], "lr-SGD": [None, None, 0.7]}
    optimizer.add_param_group({"params": [parameter()], "lr": 0.8})
    history.record(3)
    assert history.columns == {"lr-SGD/pg1": [0.1, 0.1, 0.7, 0.7], "lr-SGD/pg2": [0.1, 0.1, None, 0.8]}
    assert History.read(file).columns == history.columns


def test_steps() -> None:
    history = History(sgd(), keys=["lr"])
    history.record(5)
    history.record()
    history.record(step=torch.tensor(9))
    assert history.steps == [5, 6, 9]
    with pytest.raises(ValueError, match=r"History: step must be > 9, the last one recorded, got 3; rewind\(3\) first"):
        history.record(3)
    history.rewind(6)
    history.record(loss=1.0)
    assert history.steps == [5, 6]
    assert history["loss"] == [None, 1.0]
    history.rewind(99)
    assert history.steps == [5, 6]


def test_what_record_refuses_changes_nothing() -> None:
    history = History(sgd(), keys=["lr"])
    for wrong, error, message in (
        ({"step": 1.5}, TypeError, "History: step must be a whole number, got 1.5"),
        ({"step": True}, ValueError, "History: step must be a whole number >= 0, got True"),
        ({"step": -1}, ValueError, "History: step must be a whole number >= 0, got -1"),
        ({"step": 2**63}, ValueError, "History: step must be a whole number >= 0"),
        ({"loss": "low"}, TypeError, "History: metric 'loss' must be a number, got 'low'"),
        ({"loss": [1.0]}, TypeError, r"History: metric 'loss' must be a number, got \[1.0\]"),
        ({"loss": True}, TypeError, "History: metric 'loss' must be a number, got True"),
        ({"loss": torch.ones(2)}, TypeError, "History: metric 'loss' must be a number"),
        ({"lr-SGD": 1.0}, ValueError, "History: metric 'lr-SGD' has a name as the groups' columns have; choose another"),
        ({"a\rb": 1.0}, ValueError, r"History: a metric's name must be printable, got 'a\\rb'"),
        ({"": 1.0}, ValueError, "History: a metric's name must be printable, got ''"),
        ({"lr-mine": 1.0}, ValueError, "History: metric 'lr-mine' has a name as the groups' columns have"),
    ):
        with pytest.raises(error, match=message):
            history.record(**wrong)
    assert history.steps == []
    assert history.columns == {}
    with pytest.raises(KeyError, match="History: no column 'loss'; there are none"):
        history["loss"]


def test_what_construction_refuses(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"History: give the optimizer to record; History.read\(path\) reads a file"):
        History()
    with pytest.raises(
        TypeError, match="History: optimizer must have param_groups, a list of dicts; Linear is not an Optimizer"
    ):
        History(torch.nn.Linear(1, 1))
    with pytest.raises(
        ValueError, match=r"History: keys must be among lr, momentum, weight_decay, got 'eps'; record\(\) takes"
    ):
        History(sgd(), keys=["eps"])
    with pytest.raises(ValueError, match=r"History: the file must end with .csv, .jsonl, .ndjson, got '.*run.txt'"):
        History(sgd(), file=tmp_path / "run.txt")
    with pytest.raises(TypeError, match="History: a logger must have add_scalar, log_metrics or log; int has none of them"):
        History(sgd(), loggers=3)
    twins = torch.optim.SGD([{"params": [parameter()], "name": "a"} for _ in range(2)], lr=0.1)
    with pytest.raises(ValueError, match="History: two parameter groups are called 'a'; each needs a name of its own"):
        History(twins)
    for name in ("x-momentum", "x-weight_decay", "a\nb", 3):
        with pytest.raises(ValueError, match="History: a group's name must be printable and not end like a key, got "):
            History(torch.optim.SGD([{"params": [parameter()], "name": name}], lr=0.1))


# -- files

values = st.one_of(st.none(), st.floats(), st.integers(-(2**63) + 1, 2**63 - 1))
names = st.text(min_size=1).filter(lambda name: name.isprintable() and not name.startswith("lr-") and name != "step")


@given(st.lists(st.dictionaries(names, values, max_size=4), min_size=1, max_size=6), st.sampled_from(["csv", "jsonl"]))
def test_files_round_trip_to_the_bit(rows: list[dict[str, Any]], kind: str) -> None:
    history = History(sgd(lr=1 / 3))
    for row in rows:
        history.record(**row)
    text = history.to_csv() if kind == "csv" else history.to_jsonl()
    read = History.parse(text.encode(), f"run.{kind}")
    assert read.steps == history.steps
    assert same(read.columns, history.columns)


def test_json_is_strict_and_csv_is_pythons(tmp_path: Path) -> None:
    history = History(sgd(), keys=["lr"])
    history.record(loss=math.nan)
    history.record(loss=math.inf, note=1)
    history.record(loss=-math.inf)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    lines = history.to_jsonl(tmp_path / "run.jsonl").splitlines()
    assert [json.loads(line, parse_constant=refuse) for line in lines] == [
        {"step": 0, "lr-SGD": 0.1, "loss": "NaN"},
        {"step": 1, "lr-SGD": 0.1, "loss": "Infinity", "note": 1},
        {"step": 2, "lr-SGD": 0.1, "loss": "-Infinity"},
    ]
    assert history.to_csv(tmp_path / "run.csv") == "step,lr-SGD,loss,note\n0,0.1,nan,\n1,0.1,inf,1\n2,0.1,-inf,\n"
    for name in ("run.jsonl", "run.csv"):
        assert same(History.read(tmp_path / name).columns, history.columns)
    assert sorted(os.listdir(tmp_path)) == ["run.csv", "run.jsonl"]


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl", "a/b/run.ndjson"])
def test_a_streamed_file_is_whole_after_each_record(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    with History(sgd(), file=file) as history:
        for step in range(5):
            history.record(loss=step / 3, **({'val, "loss"': step} if step % 2 else {}))
            read = History.read(file)
            assert read.steps == history.steps
            assert same(read.columns, history.columns)
    history.record()  # opens it again
    assert History.read(file).steps == list(range(6))


def test_one_record_is_one_appended_line(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    history = History(sgd(), keys=["lr"], file=file)
    inode, sizes = file.stat().st_ino, []
    for _ in range(3):
        history.record(loss=1.0)
        sizes.append(file.stat().st_size)
    assert sizes == [40 * i for i in (1, 2, 3)]
    assert file.stat().st_ino == inode


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
def test_resuming_has_no_row_twice(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    first = History(sgd(), file=file)
    for step in range(10):
        first.record(loss=float(step))
    with pytest.raises(
        FileExistsError, match=r"History: .*run.* is there; resume=True goes on with it, or choose another file"
    ):
        History(sgd(), file=file)
    second = History(sgd(), file=file, resume=True)  # from a checkpoint after step 6
    assert second.steps == list(range(10))
    second.record(7, loss=70.0)
    assert second.steps == list(range(8))
    with pytest.raises(ValueError, match="History: step must be > 7"):
        second.record(7)
    second.record(loss=80.0)
    third = History(sgd(), file=file, resume=True)
    third.record(loss=90.0)
    read = History.read(file)
    assert read.steps == list(range(10))
    assert read["loss"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 70.0, 80.0, 90.0]
    assert History(sgd(), file=tmp_path / "new.csv", resume=True).steps == []


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
@pytest.mark.parametrize("cut", [1, 3, 9, 1000])
def test_resuming_after_a_line_was_cut(name: str, cut: int, tmp_path: Path) -> None:
    file = tmp_path / name
    first = History(sgd(), file=file)
    for step in range(4):
        first.record(loss=float(step))
    first.close()
    whole = file.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    file.write_bytes(whole[: max(len(whole) - cut, last + 1)] if cut < 1000 else whole[: whole.find(b"\n") - 2])
    kept = file.read_bytes()
    if name == "run.jsonl" and cut == 1:  # all of it but the line's end
        second = History(sgd(), file=file, resume=True)
        assert second.steps == [0, 1, 2, 3]
    else:
        with pytest.warns(UserWarning, match="ends within a line, which is left out") as warned:
            second = History(sgd(), file=file, resume=True)
        assert warned[0].filename == __file__
        assert second.steps == ([] if b"\n" not in kept else [0, 1, 2])
    second.record(loss=5.0)
    read = History.read(file)
    assert read.steps == second.steps
    assert read["loss"][-1] == 5.0


def test_a_killed_process_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    code = """
import sys
from lucid import History
class SGD:
    param_groups = [{"lr": 0.1}]
history = History(SGD(), file=sys.argv[1], resume=True)
while True:
    history.record(loss=len(history) / 7)
    print(history.steps[-1], flush=True)
    assert "torch" not in sys.modules
"""
    for name in ("run.csv", "run.jsonl"):
        file, reached = tmp_path / name, -1
        for _ in range(2):
            with subprocess.Popen(
                [sys.executable, "-c", code, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    assert int(line) > reached
                    reached = int(line)
                    if reached % 200 == 199:
                        os.kill(process.pid, signal.SIGKILL)
                        break
                reached = max([reached, *map(int, process.stdout.read().split())])
        read = History.read(file)
        assert len(read) > 300
        assert read.steps == list(range(len(read)))
        assert read.steps[-1] >= reached
        assert read["loss"] == [step / 7 for step in read.steps]


def test_a_write_that_fails_is_mended_by_the_next(tmp_path: Path) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            with file.open("ab") as out:
                out.write(data[:5])
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    file = tmp_path / "run.jsonl"
    history = History(sgd(), file=file)
    history.record(loss=1.0)
    history.close()
    history._out = Full()
    with pytest.raises(OSError, match="No space left"):
        history.record(loss=2.0)
    history.record(loss=3.0)
    assert History.read(file)["loss"] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("r.csv", b"a,b\n1,2\n", "History: r.csv, line 1: has no column 'step', only a, b"),
        ("r.csv", b"step,a,a\n1,2,3\n", "History: r.csv, line 1: a column is there twice: step, a, a"),
        ("r.csv", b"step,a\n1,2\n3\n", "History: r.csv, line 3: has 1 cells, and the first line 2"),
        ("r.csv", b"step,a\n1,two\n", "History: r.csv, line 2: 'a' must be a number, got 'two'; leave that column out"),
        ("r.csv", b"step,a\n1,1_0\n", "History: r.csv, line 2: 'a' must be a number, got '1_0'"),
        ("r.csv", b"step,a\n,1\n", "History: r.csv, line 2: step must be a whole number >= 0, got None"),
        ("r.csv", b"step,a\n1.5,1\n", "History: r.csv, line 2: step must be a whole number >= 0, got 1.5"),
        ("r.csv", b"step,a\n-1,1\n", "History: r.csv, line 2: step must be a whole number >= 0, got -1"),
        ("r.csv", b"step,a\n5,1\n4,1\n", "History: r.csv, line 3: step goes back from 5 to 4; give each run a file of its own"),
        ("r.csv", b'step,a\n5,"1\n', "History: r.csv, line 2: unexpected end of data"),
        ("r.csv", b"step,a\n5,1\n6,\xff\n", "History: r.csv, line 3: is not UTF-8 text"),
        ("r.csv", b"step" + b"".join(b",%d" % i for i in range(10_001)) + b"\n0" + b",1" * 10_001 + b"\n", "more than 10000"),
        ("r.jsonl", b'{"step": 1}\nnonsense\n', "History: r.jsonl, line 2: is no JSON: Expecting value"),
        ("r.jsonl", b"[" * 100_000 + b"\n", "History: r.jsonl, line 1: is no JSON: "),
        ("r.jsonl", b"[1]\n", 'History: r.jsonl, line 1: must be an object such as {"step": 0, "lr-SGD": 0.1}, got '),
        ("r.jsonl", b'{"step": 1, "a": "b"}\n', "History: r.jsonl, line 1: 'a' must be a number, got 'b'; leave"),
        ("r.jsonl", b'{"step": 1, "a": true}\n', "History: r.jsonl, line 1: 'a' must be a number, got 'True'"),
        ("r.jsonl", b'{"step": 1, "a": [1]}\n', "History: r.jsonl, line 1: 'a' must be a number"),
        ("r.jsonl", b'{"step": "NaN"}\n', "History: r.jsonl, line 1: step must be a whole number >= 0, got nan"),
        ("r.jsonl", b'{"lr": 1}\n', "History: r.jsonl, line 1: has no step, only lr"),
        ("r.jsonl", b"{}\n", "History: r.jsonl, line 1: has no step, only nothing"),
        ("r.json", b"", "History: the file must end with .csv, .jsonl, .ndjson, got 'r.json'"),
    ],
)  # fmt: skip
def test_damaged_files_say_where(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as raised:
        History.parse(data, name)
    assert message in str(raised.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lucid._history._MAX_BYTES", 2**20)
    file = tmp_path / "run.csv"
    file.write_bytes(b"step\n" * 2**18)
    with pytest.raises(ValueError, match=r"History: .*run.csv is larger than 1 MiB; keep every tenth step or so of it"):
        History.read(file)
    with pytest.raises(ValueError, match=r"History: up.csv is larger than 1 MiB"):
        History.parse(b" " * (2**20 + 1), "up.csv")
    with pytest.raises(FileNotFoundError):
        History.read(tmp_path / "none.csv")


def test_what_other_tools_write_is_read() -> None:
    """Lightning's rows per logger call; numbers beyond 64 bits; NaN as Python's json writes it; a BOM; empty lines."""
    read = History.parse("\ufeffepoch,step,loss,lr-SGD\n0,0,,0.1\n0,0,2.5,\n\n0,1.0,,0.2\n".encode(), "metrics.csv")
    assert read.steps == [0, 1]
    assert read.columns == {"epoch": [0, 0], "loss": [2.5, None], "lr-SGD": [0.1, 0.2]}
    read = History.parse(b'{"step": 0, "a": NaN, "b": 1' + b"0" * 400 + b', "c": 1' + b"0" * 30 + b"}\n\n", "x.jsonl")
    assert same(read.columns, {"a": [math.nan], "b": [math.inf], "c": [1e30]})
    assert History.parse(b"", "x.csv").steps == []
    assert History.parse(b'{"step": 3, "a": null}', "x.jsonl").columns == {"a": [None]}


def test_a_read_history_has_nothing_to_record() -> None:
    read = History.parse(b"step,lr-SGD\n0,0.1\n", "x.csv")
    with pytest.raises(TypeError, match=r"History: read from a file, it has no optimizer to record; go on with History"):
        read.record()


def test_csv_is_csvs() -> None:
    history = History(sgd(), keys=["lr"])
    history.record(**{'a,"b"': 1.0})
    rows = list(csv.reader(io.StringIO(history.to_csv(), newline="")))
    assert rows == [["step", "lr-SGD", 'a,"b"'], ["0", "0.1", "1.0"]]


# -- loggers


class Writer:
    """As torch.utils.tensorboard.SummaryWriter; that itself stands in tests/integrations."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def add_scalar(self, tag: str, scalar_value: float, global_step: int | None = None, walltime: float | None = None) -> None:
        self.seen.append((tag, scalar_value, global_step))


class Wandb:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def log(self, data: dict[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        self.seen.append((dict(data), step))
        data.clear()  # whatever a logger does with its own


class Lightning(Wandb):
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.seen.append(("metrics", dict(metrics), step))


def test_loggers_get_each_row() -> None:
    loggers = writer, wandb, lightning = Writer(), Wandb(), Lightning()
    history = History(sgd(lr=0.25), keys=["lr"], loggers=loggers)
    history.record(loss=2.0)
    history.record(7, loss=None)
    assert writer.seen == [("lr-SGD", 0.25, 0), ("loss", 2.0, 0), ("lr-SGD", 0.25, 7)]
    assert wandb.seen == [({"lr-SGD": 0.25, "loss": 2.0}, 0), ({"lr-SGD": 0.25}, 7)]
    assert lightning.seen == [("metrics", {"lr-SGD": 0.25, "loss": 2.0}, 0), ("metrics", {"lr-SGD": 0.25}, 7)]
    assert history["loss"] == [2.0, None]
    one = Wandb()
    History(sgd(), loggers=one).record()
    assert len(one.seen) == 1
