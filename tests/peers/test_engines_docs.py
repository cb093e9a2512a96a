"""The snippets of ``docs/engines.md`` run, each in an interpreter of its own, where what it needs is there."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNIPPETS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "engines.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize("i", range(len(SNIPPETS)))
def test_a_snippet_runs(i: int) -> None:
    for needed in re.findall(r"^(?:import|from) (\w+)", SNIPPETS[i], re.MULTILINE):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"needs {needed}")
    environment = os.environ | {"KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SNIPPETS[i]], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_is_one_for_every_engine() -> None:
    text = "\n".join(SNIPPETS)
    for engine in ("numpy", "torch", "torch.compile", "jax", "optax", "mlx", "keras"):
        assert engine in text
