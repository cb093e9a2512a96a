"""Fuzzes everything that reads what somebody else wrote: ``./test --fuzz SECONDS``.

Coverage-guided by atheris where that is installed, else by plain chance. Each target of ``targets.py`` runs in a process of
its own, for a share of the time. What is found is written to ``.fuzz/found/``; ``job.py --again FILE`` runs it once more.
"""

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".fuzz"
SHARES = {"config_text": 2, "config_data": 3, "expression": 2, "state": 6, "file": 1, "history": 1, "checkpoint": 1}
PATIENCE = 30  # seconds after which an input is not waited for any longer
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./test --fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("seconds", type=float, nargs="?", default=60.0, help="how long all of it takes")
    parser.add_argument("--target", action="append", help="only this one")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--plain", action="store_true", help="by plain chance, though atheris is there")
    parser.add_argument("--seed", type=int, default=None, help="of chance; the time's by default")
    parser.add_argument("--again", type=Path, help="run this input once more")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = int(time.time())
    if options.again is not None:
        return again(options.again)
    if options.child is not None:
        (by_chance if options.plain else guided)(options.child, options.seconds, options.seed)
        return 0
    return run_all(options)


def again(path: Path) -> int:
    from fuzz import targets

    name = path.name.partition("-")[0]
    warm_up(targets, name)
    accepted = targets.bounded(name, path.read_bytes())
    print("accepted" if accepted else "refused")
    return 0


def run_all(options: argparse.Namespace) -> int:
    names = options.target or sorted(known_targets(), key=lambda name: -SHARES.get(name, 1))
    plain = options.plain or not has_atheris()
    total = sum(SHARES.get(name, 1) for name in names)
    jobs = min(options.jobs, len(names))
    (PLACE / "found").mkdir(parents=True, exist_ok=True)
    waiting, told, lock = list(names), {}, threading.Lock()
    print(f"fuzzing {', '.join(names)} for {options.seconds:g} s by {'plain chance' if plain else 'atheris'}, {jobs} at a time")

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                name = waiting.pop(0)
            seconds = max(options.seconds * jobs * SHARES.get(name, 1) / total, 1)
            told[name] = one(name, seconds, plain, options.seed)
            with lock:
                print(line(name, told[name]), flush=True)

    workers = [threading.Thread(target=work) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    everything = {"inputs": 0, "accepted": 0, "seconds": 0.0}
    for result in told.values():
        for key in everything:
            everything[key] += result[key]
    print(line("in all", {**everything, "found": [path for result in told.values() for path in result["found"]]}))
    failed = [name for name, result in told.items() if result["failed"]]
    for name in failed:
        print(f"\n{name}:\n{told[name]['tail']}", file=sys.stderr)
        for path in told[name]["found"]:
            print(f"    python tests/fuzz/job.py --again {os.path.relpath(path)}", file=sys.stderr)
    return 1 if failed else 0


def line(name: str, result: dict) -> str:
    speed = result["inputs"] / max(result["seconds"], 1e-9)
    return (
        f"{name:>12}: {result['inputs']:>9} inputs, {result['accepted']:>7} of them accepted, {result['seconds']:6.0f} s, "
        f"{speed:7.0f} a second, {len(result['found'])} found"
    )


def one(name: str, seconds: float, plain: bool, seed: int) -> dict:
    """A target in a process of its own, and what that tells."""
    command = [sys.executable, __file__, str(seconds), "--child", name, "--seed", str(seed), *["--plain"] * plain]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    counts = PLACE / f"{name}.json"
    counts.unlink(missing_ok=True)
    before = set(found(name))
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds * 1.5 + 120, check=False
        )
        output, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as error:
        output, code = f"{(error.stdout or b'').decode(errors='replace')}\nit did not end", -1
    counted = json.loads(counts.read_text()) if counts.exists() else {"inputs": 0, "accepted": 0, "seconds": 0.0}
    runs = re.search(r"number_of_executed_units: (\d+)", output)  # the last hundred too
    if runs:
        counted["inputs"] = int(runs[1])
    return {
        **counted,
        "found": sorted(set(found(name)) - before),
        "failed": code != 0 or not counted["inputs"],
        "tail": output[-4000:],
    }


def found(name: str) -> list[str]:
    return [str(path) for path in (PLACE / "found").glob(f"{name}-*")]


def known_targets() -> list[str]:
    from fuzz.targets import TARGETS

    return list(TARGETS)


def has_atheris() -> bool:
    import importlib.util

    return importlib.util.find_spec("atheris") is not None


class Count:
    """Inputs so far, told in a file that outlives the process: libFuzzer ends it without a word."""

    def __init__(self, name: str) -> None:
        self.path, self.inputs, self.accepted, self.began = PLACE / f"{name}.json", 0, 0, time.monotonic()

    def add(self, accepted: bool) -> None:
        self.inputs += 1
        self.accepted += accepted
        if self.inputs % 100 == 0:
            self.tell()

    def tell(self) -> None:
        self.path.write_text(
            json.dumps({"inputs": self.inputs, "accepted": self.accepted, "seconds": time.monotonic() - self.began})
        )


def by_chance(name: str, seconds: float, seed: int) -> None:
    from fuzz import targets

    rng, good, known = random.Random(f"{name} {seed}"), targets.seeds(name), targets.words()
    warm_up(targets, name)
    count = Count(name)

    def give_up(*_: Any) -> None:
        raise targets.BrokenError(f"{name}: an input did not end in {PATIENCE} s")

    before = signal.signal(signal.SIGPROF, give_up)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = targets.chance(name, rng, good, known)
        try:
            signal.setitimer(signal.ITIMER_PROF, PATIENCE)  # of the processor's, as the limit on what does end
            try:
                accepted = targets.bounded(name, data)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        except BaseException:
            signal.signal(signal.SIGPROF, before)
            path = PLACE / "found" / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
            path.write_bytes(data)
            traceback.print_exc(limit=-6)
            count.tell()
            sys.exit(1)
        count.add(accepted)
    signal.signal(signal.SIGPROF, before)
    count.tell()


def guided(name: str, seconds: float, seed: int) -> None:
    import atheris
    import torch  # noqa: F401 (not to be instrumented)

    with atheris.instrument_imports(include=["lucid"], enable_loader_override=False):
        from fuzz import targets

        import lucid._expression
        import lucid._files
        import lucid.optim.lr_scheduler
        import lucid.schedules  # noqa: F401

    corpus = PLACE / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for data in targets.seeds(name):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = PLACE / f"{name}.dict"
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in targets.words()))
    warm_up(targets, name)
    count = Count(name)

    def once(data: bytes) -> None:
        count.add(targets.bounded(name, data))

    text = name not in targets.STRUCTURED
    options = [
        f"-max_total_time={int(seconds)}", f"-max_len={4096 if text else 160}", f"-seed={seed % 2**31}", f"-timeout={PATIENCE}",
        "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=1", "-reload=0", f"-artifact_prefix={PLACE}/found/{name}-",
        *([f"-dict={words}"] if text else []),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


def warm_up(targets: Any, name: str) -> None:
    """What is imported at the first inputs, torch's optimizers above all, is not theirs."""
    targets.fresh("StepLR")
    for data in targets.seeds(name)[:20]:
        targets.TARGETS[name](data)


if __name__ == "__main__":
    sys.exit(main())
