"""Two and four ranks under torchrun: one metric for all, rates and parameters alike on every rank, whatever carries them."""

import json
import math
import os
import pickle
import signal
import statistics
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from cases import sgd
from ranks import BUILDS, METRICS, NAN, STEPS, SYNCS, ddp_digits, followed, plateau

from lucid.optim import lr_scheduler as ours
from lucid.schedules import Cosine

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this build of PyTorch has no torch.distributed")
ROOT = Path(__file__).parents[1]
TOLD = r"the ranks have different metrics, .*; sync=True averages the metric over the ranks"
OVER = {True: statistics.fmean, "mean": statistics.fmean, "sum": math.fsum, "min": min, "max": max}


def torchrun(world: int, *command: str) -> str:
    """Its output. What it starts ends with it."""
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    run = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={world}", *command],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": loopback},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output = run.communicate(timeout=300)[0]
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, output
    return output


def expected(build: Any, metrics: list[float], **options: Any) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return followed(build(sgd(1.0), **options), lambda epoch: metrics[epoch])


@pytest.mark.parametrize("world", [2, 4])
def test_ranks(world: int, tmp_path: Path) -> None:
    """One start of the ranks, which costs more than all that they do."""
    torchrun(world, str(ROOT / "tests" / "ranks.py"), str(tmp_path))
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(world)]

    def alike(job: str) -> Any:
        assert all(one[job] == told[0][job] for one in told), job
        return told[0][job]

    # one metric for all, on all ranks, in composites too
    by_epoch = [metrics[:world] for metrics in METRICS]
    rates = alike("plateaus")
    for sync in SYNCS:
        for build in BUILDS:
            assert rates[f"{build.__name__} {sync}"] == expected(build, [OVER[sync](of) for of in by_epoch]), (build, sync)
        assert rates[f"best {sync}"] == min(OVER[sync](of) for of in by_epoch)
    assert rates["plateau min"] != rates["plateau max"]

    # a NaN of one is one for all
    spoilt = alike("one_nan")
    for sync in SYNCS:
        metrics = [math.nan if epoch in NAN else OVER[sync](of) for epoch, of in enumerate(by_epoch)]
        assert spoilt[f"ignore {sync}"] == expected(plateau, metrics)
        assert spoilt[f"bad {sync}"] == expected(plateau, metrics, on_nan="bad")
        assert spoilt[f"raise {sync}"] == [2, "ReduceLROnPlateau: metrics must be finite, got nan (on_nan='raise')"]
    assert spoilt["best"] == 1e308  # infinities of both signs make a NaN; a sum beyond every float has a mean

    # over some ranks
    for rank, one in enumerate(told):
        means = [statistics.fmean(of[rank % 2 :: 2]) for of in by_epoch]
        assert one["groups"]["rates"] == one["groups"]["twin"] == expected(plateau, means)
        assert one["groups"]["other"].startswith("ReduceLROnPlateau: this rank is not in process_group")
        assert one["groups"]["unsaid"].startswith("ReduceLROnPlateau: process_group is what sync is over, got sync=None")

    # each by its own: a process says so once
    for build in (*BUILDS, "late"):
        name = build if isinstance(build, str) else build.__name__
        for one in told:
            assert len(one["warned"][name]) == 1, name
            assert "the ranks have different metrics, so each moves its rate at its own time" in one["warned"][name][0]
    assert {len(one["warned"]["apart"]) for one in told} == {0, 1}
    assert all(one["warned"][name] == [] for one in told for name in ("alike", "on purpose", "synced", "alone", "twins"))

    # training: DDP and FSDP2, checkpoints in the background, accumulated gradients
    ways = alike("training")  # rates, and all parameters bit by bit
    for name, way in ways.items():
        assert [int(line.split()[0]) for line in way["rates"]] == list(range(STEPS)), name
        assert way["rates"] == ways["ddp"]["rates"], name
        torch.testing.assert_close(torch.tensor(way["parameters"]), torch.tensor(ways["ddp"]["parameters"]))
    assert ways["async"]["digest"] == ways["ddp"]["digest"]
    optimizer = sgd(0.1)
    uncut = [ours.LinearLR(optimizer, 0.1, total_iters=4), ours.CosineAnnealingLR(optimizer, STEPS - 4)]
    last = ours.SequentialLR(optimizer, uncut, milestones=[4]).lr_at(STEPS - 1)[0]
    assert float.fromhex(ways["ddp"]["rates"][-1].split()[1]) < 0.9 * last  # the plateau did cut

    # updates that a GradScaler left out are no steps
    skips = alike("skips")
    for name in ("ddp", "fsdp"):
        assert skips[name] == skips[f"{name} whole"]
        assert [int(line.split()[0]) for line in skips[name]] == list(range(STEPS))
    assert alike("skipped_alike") == 2.0  # from 4.0

    # checkpoints that are none
    damaged = alike("damaged")
    assert damaged["names"] == ["step-00000008", "step-00000016", "step-00000024"]
    assert damaged["again"] == damaged["first"][16:]
    assert damaged["left"] == []
    assert damaged["warned"] == [f"{tmp_path}/damaged/step-00000024 cannot be read, the one before is tried"]
    assert damaged["refused damaged"].startswith(f"no checkpoint in {tmp_path}/damaged can be read")
    assert "must be at least 1 for each" in damaged["refused too small"]


def test_the_example_goes_on_on_another_number_of_ranks(tmp_path: Path) -> None:
    """As its users start it."""
    example = str(ROOT / "examples" / "ddp_digits.py")
    common = ["--steps=24", "--every=8", "--rates", "--lr=0.2"]
    run = tmp_path / "run"
    torchrun(1, example, f"--out={run}", *common, "--fsdp", "--keep=2")
    assert sorted(path.name for path in run.glob("step-*")) == ["step-00000016", "step-00000024"]
    (run / "step-00000024").rename(run / "step-00000024.tmp")  # as if it had been killed before that one was whole
    output = torchrun(2, example, f"--out={run}", *common, "--async", "--accumulate=2")
    assert "step-00000024.tmp was half-written or half-removed" in output
    assert (run / "step-00000024").exists()
    first, second = ((run / f"rates-{rank}.txt").read_text().splitlines() for rank in range(2))
    assert [int(line.split()[0]) for line in first] == [*range(24), *range(16, 24)]
    assert first[24:] == second == first[16:24]


# -- what needs no ranks


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


class Counter:
    def __init__(self) -> None:
        self.n = 0

    def state_dict(self) -> dict[str, Any]:
        return {"n": self.n}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.n = state["n"]


@pytest.mark.usefixtures("alone")
@pytest.mark.filterwarnings("ignore")  # DCP's own
def test_the_examples_checkpoints_are_found_however_large_their_numbers_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions in tokens have more digits with time: the latest is that of the largest number, not of the last name."""
    synced: list[Path] = []
    on_disk = ddp_digits.on_disk
    monkeypatch.setattr(ddp_digits, "on_disk", lambda folder: (synced.append(folder), on_disk(folder)))
    args = ddp_digits.arguments(["--out", str(tmp_path / "a" / "run"), "--keep=2"])
    counter = Counter()
    checkpoints = ddp_digits.Checkpoints(args, counter=counter)
    checkpoints.resume()
    assert synced == [tmp_path, tmp_path / "a"]  # where new names stand
    (args.out / "notes.tmp").write_text("mine")
    (args.out / "step-old.tmp.txt").write_text("mine")
    for step in (9, 99_999_999, 100_000_000, 2_000_000_000):
        counter.n = step
        checkpoints.save(step)
    assert {path.name for path in args.out.glob("step-*")} == {"step-100000000", "step-2000000000", "step-old.tmp.txt"}
    again = Counter()
    ddp_digits.Checkpoints(args, counter=again).resume()
    assert again.n == 2_000_000_000
    assert (args.out / "notes.tmp").exists()


@pytest.mark.usefixtures("alone")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("steps", [1, 5, 12])
def test_the_example_in_few_steps(steps: int, tmp_path: Path) -> None:
    ddp_digits.train(ddp_digits.arguments(["--out", str(tmp_path / "run"), f"--steps={steps}", "--rates"]))
    rates = [float.fromhex(line.split()[1]) for line in (tmp_path / "run" / "rates-0.txt").read_text().splitlines()]
    assert rates == [(Cosine(steps - steps // 10).warmup(steps // 10))(t, 0.1) for t in range(steps)]


@pytest.mark.usefixtures("alone")
def test_what_the_example_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--steps", "--batch", "--accumulate", "--every", "--keep"):
        with pytest.raises(SystemExit, match="2"):
            ddp_digits.arguments([flag, "0"])
        assert f"argument {flag}: must be >= 1, got 0" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"--batch is global and must be .* at most the 1797 samples there are, got 1798"):
        ddp_digits.train(ddp_digits.arguments(["--out", str(tmp_path), "--batch=1798"]))


def test_sync_in_states(recwarn: pytest.WarningsRecorder) -> None:
    """How many ranks there are is a matter of the run: what its constructor says holds, else what the state says."""
    said = {sync: plateau(sgd(), sync=sync) for sync in (None, False, "max")}
    for theirs, saved in said.items():
        loaded = plateau(sgd(), sync=True)
        loaded.load_state_dict(json.loads(json.dumps(saved.state_dict())))
        assert loaded.sync is True, theirs
        silent = plateau(sgd(), sync=False)
        silent.load_state_dict(saved.state_dict())
        assert silent.sync is False
    assert not recwarn.list
    unsaid = plateau(sgd())
    with pytest.warns(UserWarning, match=r"the state's sync 'max' replaces this scheduler's None"):
        unsaid.load_state_dict(said["max"].state_dict())
    assert unsaid.sync == "max"
    bad = {**said["max"].state_dict(), "sync": "median"}
    with pytest.raises(ValueError, match=r"sync must be True or False, None or one of .*, got 'median'"):
        said["max"].load_state_dict(bad)


@pytest.mark.parametrize("build", [ours.ReduceLROnPlateau, ours.GreedyLR])
def test_a_process_group_wants_sync(build: Any) -> None:
    for sync in (None, False):
        with pytest.raises(ValueError, match=rf"{build.__name__}: process_group is what sync is over, got sync={sync}"):
            build(sgd(), process_group=object(), sync=sync)
    outside = torch.distributed.GroupMember.NON_GROUP_MEMBER  # what new_group() returns to others
    with pytest.raises(ValueError, match=rf"{build.__name__}: this rank is not in process_group; give each rank a group"):
        build(sgd(), process_group=outside, sync=True)


@pytest.mark.parametrize(
    ("backends", "device"),
    [
        ("cpu:gloo,cuda:nccl", "cpu"),
        ("cuda:nccl", "cuda"),
        ("cpu:gloo", "cpu"),
        ("xpu:xccl", "xpu"),
        ("cpu:gloo,cuda:gloo", "cpu"),
    ],
)
def test_where_metrics_are_gathered(backends: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lucid.optim.lr_scheduler._plateau import _device_of

    monkeypatch.setattr(torch.distributed, "get_backend_config", lambda group: backends)
    assert _device_of(None) == torch.device(device)


def test_time_in_tokens_depends_on_no_number_of_ranks() -> None:
    """Each update jumps to the tokens that all ranks have seen; a plateau in the chain keeps its cuts."""
    tokens, metrics = [0, 3000, 5500, 8000, 8100], [2.0, 2.0, 1.0, 1.0]
    alone = ours.LRScheduler(sgd(0.5), lr=Cosine(10_000))
    optimizer = sgd(0.5)
    chain = ours.ChainedScheduler([ours.LRScheduler(optimizer, lr=Cosine(10_000)), plateau(optimizer)])
    for seen, metric, cut in zip(tokens[1:], metrics, [1, 0.5, 0.5, 0.25], strict=True):
        for scheduler, given in ((alone, (seen,)), (chain, (metric, seen))):
            scheduler.optimizer.step()
            scheduler.step(*given)
            assert scheduler.last_epoch == seen
        assert alone.get_last_lr() == [Cosine(10_000)(seen, 0.5)]
        assert chain.get_last_lr() == [Cosine(10_000)(seen, 0.5) * cut]


def test_what_syncs_leaves_no_trace_in_what_users_compare(tmp_path: Path) -> None:
    """PyTorch's own tests hold vars() of a scheduler against those of one that its state was loaded into."""
    scheduler, other = plateau(sgd()), plateau(sgd())
    followed(scheduler, float)
    other.load_state_dict(scheduler.state_dict())
    assert {k: v for k, v in vars(scheduler).items() if k != "optimizer"} == {
        k: v for k, v in vars(other).items() if k != "optimizer"
    }
    again = pickle.loads(pickle.dumps(scheduler))
    assert followed(again, float) == followed(scheduler, float)
    state = scheduler.__getstate__()
    del state["_metrics_seen"], state["_process_group"]  # as an older version pickled it
    older = ours.ReduceLROnPlateau.__new__(ours.ReduceLROnPlateau)
    older.__setstate__(state)
    assert followed(older, float)
