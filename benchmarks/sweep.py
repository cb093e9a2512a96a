"""What a sweep adds to plain Optuna: runs per second of an objective that does nothing, the same work in both.

    python benchmarks/sweep.py [--runs 200] [--repeats 5] [--postgres URL] [--json sweep.json]

Plain Optuna enqueues the same number of trials, each with its three parameters, and optimizes; so its trials are taken from a
queue in the storage as ours are. Both are timed in turn, on fresh storages of the same kind, and the ratio is taken of each
pair: the median, and the quartiles. One process, without intermediate losses; the report of a sweep is made within its time.
"""

import argparse
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

import lucid
from lucid._sweep import _storage


def ours(storage: Any, runs: int) -> None:
    def objective(schedule: Any, lr: float, seed: int) -> float:
        return lr + seed

    candidates = dict.fromkeys("abcde", "constant()")
    report = lucid.sweep(
        objective, candidates, lr=[0.1, 0.2, 0.3, 0.4], seeds=runs // 20, storage=storage, name=uuid.uuid4().hex
    )
    assert len(report.runs) == runs


def plain(storage: Any, runs: int) -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_categorical("schedule", list("abcde"))
        return trial.suggest_categorical("lr", [0.1, 0.2, 0.3, 0.4]) + trial.suggest_int("seed", 0, runs)

    with _storage.quiet(), _storage.lent(storage) as place:
        study = optuna.create_study(storage=place, study_name=uuid.uuid4().hex)
        for seed in range(runs // 20):
            for lr in (0.1, 0.2, 0.3, 0.4):
                for name in "abcde":
                    study.enqueue_trial({"schedule": name, "lr": lr, "seed": seed})
        study.optimize(objective, n_trials=runs)
        assert len(study.trials) == runs


def seconds(work: Callable[[Any, int], None], storage: Any, runs: int) -> float:
    start = time.perf_counter()
    work(storage, runs)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="a multiple of 20")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--postgres", help="the URL of a database to use too")
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    figures = {}
    print(f"{options.runs} runs; medians of {options.repeats} pairs")
    print(f"{'':12}{'ours, runs/s':>14}{'Optuna, runs/s':>16}{'time / Optuna':>16}   quartiles")
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, Callable[[], Any]] = {
            "in memory": lambda: None,
            "journal": lambda: Path(folder) / f"{uuid.uuid4().hex}.journal",
            "sqlite": lambda: f"sqlite:///{folder}/{uuid.uuid4().hex}.db",
        }
        if options.postgres:
            kinds["postgresql"] = lambda: options.postgres
        for kind, storage in kinds.items():
            seconds(ours, storage(), 20)
            pairs = [
                (seconds(ours, storage(), options.runs), seconds(plain, storage(), options.runs))
                for _ in range(options.repeats)
            ]
            ratios = [a / b for a, b in pairs]
            low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
            rates = [options.runs / statistics.median(times) for times in zip(*pairs, strict=True)]
            figures[kind] = {"ours_per_s": rates[0], "optuna_per_s": rates[1], "ratio": middle, "quartiles": [low, high]}
            print(f"{kind:12}{rates[0]:14.0f}{rates[1]:16.0f}{middle:16.2f}   {low:.2f} to {high:.2f}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
