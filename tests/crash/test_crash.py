"""Twelve of the trials of ``tests/crash/run.py``, which the full run has 200 of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch


@pytest.mark.skipif(not hasattr(os, "fork") or not torch.distributed.is_available(), reason="forks ranks of torch.distributed")
def test_killed_and_resumed_runs_have_the_rates_of_undisturbed_ones(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("run.py")), "--trials=12", "--seed=6", f"--scratch={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.splitlines()
    summary = json.loads(last)
    assert (summary["one rank"], summary["all ranks"], summary["mismatches"], summary["unfinished"]) == (6, 6, 0, 0)
    assert summary["kills"] >= 12
    assert summary["half_written"] > 0
    assert summary["compared"] > 12 * 48
    assert list(tmp_path.iterdir()) == []
