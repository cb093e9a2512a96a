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
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import sgd
from ranks import BUILDS, METRICS, NAN, STEPS, SYNCS, followed, plateau

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
