"""``lucid train``: what it accepts, what it leaves behind, and that no interruption shows in its results."""

import csv
import math
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

import lucid
from lucid._train import job, report
from lucid._train.spec import SCHEDULERS, Settings, Spec, UsageError, formula, parse
from lucid.cli import main

QUICK = ["--batch-size", "480"]  # three steps an epoch
TWO = ["--scheduler", "CyclicLR", "--scheduler", "ReduceLROnPlateau(patience=0, factor=0.5)"]

# Ctrl-C reaches a process only where its parent did not ignore it, as shells do for what runs in the background.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from lucid.cli import main; sys.exit(main())"
)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def train(*args: Any) -> int:
    try:
        return main(["train", *map(str, args)])
    except SystemExit as end:
        return int(end.code or 0)


def refusal(capsys: pytest.CaptureFixture[str], *args: Any) -> str:
    capsys.readouterr()
    assert train(*args) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    return told.err


def history(out: Path) -> str:
    return (out / "history.csv").read_text()


def checkpoint_rows(out: Path) -> list[Any]:
    """The epochs in the checkpoint, which can be read at any moment."""
    file = out / "checkpoint.pt"
    rows: list[Any] = lucid.load(file)["rows"] if file.exists() else []
    return rows


def started(*args: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "train", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def until_trained(process: subprocess.Popen[str], out: Path, epochs: int) -> None:
    deadline = time.monotonic() + 120
    while len(checkpoint_rows(out)) < epochs:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


# -- schedulers as text


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("StepLR", "StepLR", None),
        (" StepLR ", "StepLR", None),
        ("constant", "constant", {}),
        ("ReduceLROnPlateau()", "ReduceLROnPlateau", {}),
        ("StepLR(step_size=5, gamma=0.3)", "StepLR", {"step_size": 5, "gamma": 0.3}),
        ("StepLR(step_size=5, gamma=-.3)", "StepLR", {"step_size": 5, "gamma": -0.3}),
        ("MultiStepLR(milestones=[3, 5])", "MultiStepLR", {"milestones": [3, 5]}),
        ("CyclicLR(base_lr=1e-3, max_lr=1, cycle_momentum=False, mode='exp_range', scale_fn=None)", "CyclicLR",
         {"base_lr": 1e-3, "max_lr": 1, "cycle_momentum": False, "mode": "exp_range", "scale_fn": None}),
    ],
)  # fmt: skip
def test_parse(text: str, name: str, arguments: Any) -> None:
    spec = parse(text)
    assert spec == Spec(name, arguments)
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "cannot be read"),
        ("StepLR(", "cannot be read"),
        ("StepLR(step_size=5) + 1", "must be a scheduler's name, or a call"),
        ("StepLR; import os", "cannot be read"),
        ("a\x00b", "cannot be read"),
        ("(" * 300, "cannot be read"),
        ("-" * 499 + "1", "must be a scheduler's name"),
        ("StepLR(step_size=" + "9" * 5000 + ")", "at most 500 characters, got 5018"),
        ("__import__('os').system('id')", "must be a scheduler's name"),
        ("__import__('os')", "unknown scheduler '__import__'"),
        ("lucid.optim.lr_scheduler.StepLR(step_size=5)", "must be a scheduler's name"),
        ("StepLR.__init__", "must be a scheduler's name"),
        ("LRScheduler", "unknown scheduler 'LRScheduler'"),
        ("StpLR(step_size=5)", "unknown scheduler 'StpLR'; did you mean 'StepLR'"),
        ("StepLR(5)", "name its arguments, such as step_size=5; '5' has no name"),
        ("StepLR(*[5])", "name its arguments"),
        ("StepLR(**{'step_size': 5})", "name its arguments"),
        ("StepLR(step_size=5, step_size=6)", "step_size is given twice"),
        ("StepLR(step_size=10**9)", r"StepLR: step_size must be a number, a string, .* got '10 \*\* 9'"),
        ("StepLR(step_size=open('x'))", "step_size must be a number"),
        ("StepLR(step_size=__import__)", "step_size must be a number"),
        ("StepLR(step_size=(1).real)", "step_size must be a number"),
        ("StepLR(step_size=lambda: 1)", "step_size must be a number"),
        ("StepLR(step_size=f'{1}')", "step_size must be a number"),
        ("StepLR(step_size=[x for x in 'ab'])", "step_size must be a number"),
        ("StepLR(step_size={1: 2})", "step_size must be a number"),
        ("StepLR(step_size=1j)", "step_size must be a number"),
        ("StepLR(step_size=b'1')", "step_size must be a number"),
        ("StepLR(step_size=...)", "step_size must be a number"),
        ("StepLR(step_size=[[...]])", "step_size must be a number"),
    ],
)
def test_parse_refuses(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        parse(text)


@pytest.mark.parametrize(
    ("text", "epoch", "value"),
    [
        ("0.95 ** epoch", 2, 0.95**2),
        ("min((epoch + 1) / 5, 1) * (1 - epoch / 20)", 2, 0.6 * 0.9),
        ("0.5 ** (epoch // 3)", 7, 0.25),
        ("(1 + cos(pi * epoch / 10)) / 2", 5, 0.5),
        ("max(exp(-epoch), sqrt(4), log(1), +1, epoch % 2)", 3, 2.0),
    ],
)
def test_formula(text: str, epoch: int, value: float) -> None:
    assert formula(text, 10)(epoch) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (3, "lr_lambda must be a formula in quotes, such as"),
        ("", "cannot be read"),
        ("epoc", "not 'epoc'; did you mean 'epoch'?"),
        ("__import__('os')", "lr_lambda may hold numbers, epoch, .* not "),
        ("epoch.real", "not 'epoch.real'"),
        ("min.__self__", "not 'min.__self__'"),
        ("min(epoch, key=epoch)", "not "),
        ("min(*epoch)", "min takes two or more"),
        ("max(epoch, *[1, 2])", "not "),
        ("sqrt(1, 2)", "sqrt takes one argument"),
        ("min", "not 'min'"),
        ("eval('1')", "did you mean|not "),
        ("(lambda: 1)()", "not "),
        ("[1][0]", "not "),
        ("'1' * 9", "not "),
        ("True", "not 'True'"),
        ("1j", "not '1j'"),
        ("~epoch", "not "),
        ("epoch << 9", "not "),
        ("epoch if epoch else 1", "not "),
        ("(epoch := 1)", "not "),
        ("9 ** 9 ** 9 ** 9", "no value at epoch 0: math range error"),
        ("9" * 400, "a number that is too large"),
        ("1e999", "must be finite and >= 0, got inf at epoch 0"),
        ("1e999 - 1e999", "got nan at epoch 0"),
        ("1 / (3 - epoch)", "no value at epoch 3: float division by zero"),
        ("(0 - 2) ** (epoch / 2)", "no value at epoch 1: math domain error"),
        ("log(epoch)", "no value at epoch 0: math domain error"),
        ("1 - epoch", "got -1.0 at epoch 2"),
    ],
)
def test_formula_refuses(text: Any, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        formula(text, 10)


@pytest.mark.parametrize("epochs", [1, 2, 3, 20])
@pytest.mark.parametrize("batch_size", [32, 5000])
def test_a_name_alone_takes_arguments_that_fit(epochs: int, batch_size: int) -> None:
    settings = job._settled(Settings(epochs=epochs, batch_size=batch_size), {})
    assert [spec.name for spec in settings.scheduler] == list(SCHEDULERS)
    for spec in settings.scheduler:
        assert parse(str(spec)) == spec
    *_, noam = settings.scheduler
    assert noam.arguments is not None
    peak = noam.arguments["factor"] / math.sqrt(noam.arguments["model_size"] * noam.arguments["warmup_steps"])
    assert peak == pytest.approx(settings.lr, rel=0.01)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("StepLR()", "StepLR(): step_size is missing; StepLR without parentheses takes arguments that fit"),
        ("StepLR(step_sise=5)", "no argument 'step_sise'; did you mean 'step_size'? (it takes step_size, gamma)"),
        ("StepLR(step_size=5, last_epoch=3)", "no argument 'last_epoch' (it takes step_size, gamma)"),
        ("StepLR(step_size=5, optimizer=1)", "no argument 'optimizer'"),
        ("StepLR(step_size=0)", "StepLR: step_size must be > 0, got 0"),
        ("StepLR(step_size='5')", "StepLR: step_size must be a number, got '5'"),
        ("StepLR(step_size=1e999)", "step_size must be finite, got inf"),
        ("CyclicLR(base_lr=[1, 2], max_lr=3)", "1 groups, 2 given"),
        ("CyclicLR(base_lr=1, max_lr=3, scale_fn='f')", "scale_fn must be callable, got 'f'"),
        ("LambdaLR(lr_lambda='__import__(1)')", "lr_lambda may hold numbers"),
        ("constant(lr=1)", "constant(lr=1): no argument 'lr' (it takes none)"),
        ("Step", "unknown scheduler 'Step'; did you mean 'StepLR'?"),
    ],
)
def test_a_scheduler_that_cannot_be_built(text: str, match: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert match in refusal(capsys, "--scheduler", text, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# -- the command line


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (["--epochs", "0"], "--epochs: must be a whole number >= 1, got '0'"),
        (["--epochs", "-1"], "--epochs: must be a whole number >= 1, got '-1'"),
        (["--epochs", "nan"], "--epochs: must be a whole number >= 1, got 'nan'"),
        (["--epochs", "1.5"], "--epochs: must be a whole number >= 1, got '1.5'"),
        (["--batch-size", "0"], "--batch-size: must be a whole number >= 1, got '0'"),
        (["--seed", "-1"], "--seed: must be a whole number >= 0, got '-1'"),
        (["--seed", str(2**64)], "--seed: must be a whole number >= 0 and < 2**63, got "),
        (["--lr", "nan"], "--lr: must be a finite number > 0, got 'nan'"),
        (["--lr", "inf"], "--lr: must be a finite number > 0, got 'inf'"),
        (["--lr", "0"], "--lr: must be a finite number > 0, got '0'"),
        (["--lr", "fast"], "--lr: must be a finite number > 0, got 'fast'"),
        (["--scheduler", "StepLR", "--scheduler", "StepLR"], "gamma=0.3) is given twice"),
        (["--device", "foo"], '--device foo: Expected one of cpu, cuda'),
        (["--device", "meta"], '--device meta: Tensor.item() cannot be called on meta tensors; use "cpu"'),
        (["--out", __file__], "cannot be written to (File exists); name another folder"),
        (["--epoch", "3"], "unrecognized arguments: --epoch 3"),
    ],
)  # fmt: skip
def test_refusals(args: list[str], match: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert match in refusal(capsys, *args)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a gpu")
def test_no_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "--device", "gpu") == (
        'lucid train: error: --device gpu: device "gpu": PyTorch finds no accelerator on this machine; use "cpu"\n'
    )


@pytest.mark.parametrize(
    ("module", "package"),
    [("torch", "torch"), ("rich.console", "rich"), ("sklearn.datasets", "scikit-learn"), ("matplotlib.figure", "matplotlib")],
)
def test_a_missing_extra(
    module: str, package: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for ours in ("lucid._train.job", "lucid._train.report"):
        monkeypatch.delitem(sys.modules, ours)
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert refusal(capsys) == (f'lucid train: error: needs {package}, which is not installed; pip install "lucid-lr[train]"\n')


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["train", "--help"], ["train", "--scheduler", "StpLR"], []])
def test_help_and_mistakes_are_quick(args: list[str]) -> None:
    program = (
        "import sys\n"
        "from lucid.cli import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'numpy', 'rich', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True, check=False)
    assert "Assertion" not in done.stderr
    if args and "StpLR" not in args:
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("usage: lucid" if "--help" in args else f"lucid {lucid.__version__}\n")
    else:
        assert done.returncode == 2
        assert "error: " in done.stderr


# -- training


def test_what_a_training_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a" / "b"
    schedulers = ["StepLR(step_size=1, gamma=0.5)", "NoamScheduler(model_size=1, warmup_steps=60, factor=0.7)"]
    assert (
        train("--epochs", 2, "--batch-size", 32, "--out", out, "--scheduler", schedulers[0], "--scheduler", schedulers[1]) == 0
    )
    assert sorted(file.name for file in out.iterdir()) == ["checkpoint.pt", "history.csv", "report.png"]
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(report.FIELDS)
    assert [(row["scheduler"], row["epoch"]) for row in rows] == [(s, e) for s in schedulers for e in "01"]
    assert [(row["lr_start"], row["lr_end"]) for row in rows[:2]] == [("0.1", "0.1"), ("0.05", "0.05")]
    noam = [0.7 * min(max(t, 1) ** -0.5, max(t, 1) * 60**-1.5) for t in range(90)]  # a step per batch, 45 batches an epoch
    found = [float(row[at]) for row in rows[2:] for at in ("lr_start", "lr_end")]
    assert found == pytest.approx([noam[t] for t in (0, 44, 45, 89)], rel=1e-12)
    for row in rows:
        for name in report.FIELDS[4:]:
            assert repr(float(row[name])) == row[name]
    assert all(float(row["val_accuracy"]) >= 0.9 for row in rows[1::2])
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    rates = lucid.load(out / "checkpoint.pt")["rates"]
    assert rates[0] == [0.1] * 45 + [0.05] * 45
    assert rates[1] == pytest.approx(noam, rel=1e-12)

    told = capsys.readouterr().out
    assert not set(told) & set("\r\x1b━")  # no progress bar where nobody looks
    assert told.startswith("schedulers: 2, epochs: 2, batches per epoch: 45, device: cpu\nStepLR(step_size=1, gamma=0.5): 9")
    cells = [line.split() for line in told.splitlines()]
    step_lr = next(line for line in cells if line[:1] == ["StepLR"])
    accuracy = f"{float(rows[1]['val_accuracy']):.1%}"
    assert step_lr[2:] == [f"{float(rows[1]['val_loss']):.3g}", f"{float(rows[1]['train_accuracy']):.1%}", accuracy,
                           "0.1", "0.05", "0.05"]  # fmt: skip


def test_every_scheduler_starts_alike(tmp_path: Path) -> None:
    """The same weights and the same batches: up to its first difference in rate, a history is the baseline's."""
    late = "MultiStepLR(milestones=[2], gamma=0.5)"
    assert train("--epochs", 3, "--out", tmp_path, *QUICK, "--scheduler", "constant", "--scheduler", late) == 0
    rows = [{**row, "scheduler": ""} for row in checkpoint_rows(tmp_path)]
    assert rows[:2] == rows[3:5]
    assert rows[2] != rows[5]


def test_all_schedulers_with_names_alike_and_losses_that_are_no_numbers(tmp_path: Path) -> None:
    more = [arg for size in (1, 2) for arg in ("--scheduler", f"MultiStepLR(milestones=[{size}])")]
    every = [arg for name in SCHEDULERS for arg in ("--scheduler", name)]
    with pytest.warns(UserWarning, match="the metric is nan"):
        assert train("--epochs", 2, "--batch-size", 1437, "--lr", 1e30, "--out", tmp_path, *every, *more) == 0
    assert len(history(tmp_path).splitlines()) == 1 + 2 * (len(SCHEDULERS) + 2)
    assert "nan" in history(tmp_path)


# -- interruptions


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("uninterrupted")
    assert train("--out", out, "--epochs", 4, *QUICK, *TWO) == 0
    return history(out)


class Killed(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_stopped_at_every_write(
    call: str, uninterrupted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each round does one write more than the one before, and then dies before or after the file is in its place."""
    monkeypatch.setattr(job, "picture", lambda history: b"")  # the slowest part, of no interest here
    real, left = getattr(os, call), 0

    def dying(*args: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return real(*args)

    monkeypatch.setattr(os, call, dying)
    out = tmp_path / "out"
    with pytest.raises(Killed):
        train("--out", out, "--epochs", 4, *QUICK, *TWO)
    assert "no checkpoint to go on from" in refusal(capsys, "--out", out, "--resume")
    left = 3
    with pytest.raises(Killed):
        train("--out", out, "--epochs", 4, *QUICK, *TWO)
    deaths = 0
    for _ in range(40):
        left = 2 if call == "fsync" else 1
        try:
            assert train("--out", out, "--resume") == 0
            break
        except Killed:
            deaths += 1
            assert not (out / "history.csv").exists() or history(out) == uninterrupted
    left = 9
    assert train("--out", out, "--resume") == 0
    assert deaths >= 6
    assert history(out) == uninterrupted


def test_killed_at_any_moment(uninterrupted: str, tmp_path: Path) -> None:
    process = started("--out", tmp_path, "--epochs", 4, *QUICK, *TWO)
    until_trained(process, tmp_path, 1)
    delay = random.uniform(0.0, 0.3)
    time.sleep(delay)
    process.kill()
    process.communicate()
    before = len(checkpoint_rows(tmp_path))
    assert train("--out", tmp_path, "--resume") == 0
    assert history(tmp_path) == uninterrupted, f"killed after {delay} s, {before} epochs"


def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    baseline = [*QUICK, "--scheduler", "constant"]
    out = tmp_path / "with space"
    process = started("--out", out, "--epochs", 100_000, *baseline)
    until_trained(process, out, 3)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert "lucid train: interrupted\n" in told
    assert f"train --resume --out '{out}'\n" in told

    before, calls, evaluate = len(checkpoint_rows(out)), 0, job._evaluate

    def interrupted(*args: Any) -> tuple[float, float]:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise KeyboardInterrupt
        return evaluate(*args)

    monkeypatch.setattr(job, "_evaluate", interrupted)
    assert train("--out", out, "--resume") == 130
    rows = checkpoint_rows(out)
    assert len(rows) == before + 2
    monkeypatch.undo()
    assert train("--out", tmp_path / "whole", "--epochs", len(rows), *baseline) == 0
    assert checkpoint_rows(tmp_path / "whole") == rows


# -- resuming


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished")
    assert train("--out", out, "--epochs", 2, *QUICK, "--scheduler", "StepLR") == 0
    return out


def test_a_finished_training_shows_its_results_again(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = history(finished)
    for file in ("history.csv", "report.png"):
        (finished / file).unlink()
    same = ["--epochs", 2, "--seed", 0, "--device", "cpu", *QUICK, "--scheduler", "StepLR(step_size=1, gamma=0.3)"]
    for args in ([], same, ["--scheduler", "StepLR"]):
        capsys.readouterr()
        assert train("--out", finished, "--resume", *args) == 0
        told = capsys.readouterr().out
        assert "done before: 2 of all 2 epochs\n" in told
        assert "scheduler" in told
        assert history(finished) == before
        assert (finished / "report.png").exists()


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (["--epochs", "3"], "--epochs 3 differs from the checkpoint's 2"),
        (["--batch-size", "32"], "--batch-size 32 differs from the checkpoint's 480"),
        (["--lr", "0.2"], "--lr 0.2 differs from the checkpoint's 0.1"),
        (["--seed", "1"], "--seed 1 differs from the checkpoint's 0"),
        (["--device", "cpu:0"], "--device cpu:0 differs from the checkpoint's cpu"),
        (["--scheduler", "StepLR(step_size=2)"],
         "--scheduler StepLR(step_size=2) differs from the checkpoint's StepLR(step_size=1, gamma=0.3)"),
        (["--scheduler", "StepLR", "--scheduler", "constant"],
         "--scheduler StepLR(step_size=1, gamma=0.3), constant differs from the checkpoint's StepLR(step_size=1, gamma=0.3)"),
    ],
)  # fmt: skip
def test_resuming_with_other_settings(args: list[str], match: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished / "checkpoint.pt").read_bytes()
    told = refusal(capsys, "--out", finished, "--resume", *args)
    assert match in told
    assert "leave the option out, or start anew without --resume" in told
    assert (finished / "checkpoint.pt").read_bytes() == before


def test_resuming_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = refusal(capsys, "--out", tmp_path, "--resume")
    assert f"--resume: no checkpoint to go on from ({tmp_path / 'checkpoint.pt'}: No such file or directory)" in told
    assert "start without --resume, or name the folder of another training with --out" in told


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped", "foreign", "emptied", "code"])
def test_a_damaged_checkpoint(damage: str, tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = finished / "checkpoint.pt"
    data = bytearray(whole.read_bytes())
    file = tmp_path / "checkpoint.pt"
    if damage == "flipped":
        with zipfile.ZipFile(whole) as parts:  # a byte of a weight, whose loss torch.load does not see
            weights = parts.read(max(parts.infolist(), key=lambda part: part.file_size))
        data[data.index(weights) + len(weights) // 2] ^= 1
    file.write_bytes({"empty": b"", "text": b"weights", "cut": data[: len(data) // 2]}.get(damage, data))
    if damage == "foreign":
        torch.save({"model": {}}, file)
    elif damage == "emptied":
        torch.save({**lucid.load(whole), "rows": [{}]}, file)
    elif damage == "code":
        torch.save(random.Random(), file)
    told = refusal(capsys, "--out", tmp_path, "--resume")
    assert told == (
        f"lucid train: error: --resume: {file} is damaged, or no checkpoint of this version of lucid train; "
        "start anew without --resume\n"
    )


def test_a_checkpoint_of_another_net(tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = lucid.load(finished / "checkpoint.pt")
    content["rows"].pop()
    del content["model"]["head.bias"]
    torch.save(content, tmp_path / "checkpoint.pt")
    assert train("--out", tmp_path, "--resume") == 2
    assert "is damaged, or no checkpoint" in capsys.readouterr().err


def test_starting_anew_replaces_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("history.csv", "report.png"):
        (tmp_path / file).write_text("old")
    monkeypatch.setattr(job, "_go_on", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    assert train("--out", tmp_path, "--epochs", 1) == 130
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_full_disk(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert train("--out", finished, "--resume") == 2
    assert capsys.readouterr().err == "lucid train: error: [Errno 28] No space left on device\n"
