"""A million values of a curve by ``schedule.at(times)``: against torch's steps, NumPy by hand and optax under jit.

    python benchmarks/curve.py [--values 1000000] [--steps 20000] [--rounds 11] [--only Cosine] [--json curve.json]

Each round times all sides back to back (CPU time of the process, in alternating order), and the median of the rounds' ratios
to ours is reported. The sides are compared first: they must give the same curve.

- torch: the loop of PyTorch's own scheduler that reads the rate and steps. It takes ``--steps`` steps of the curve drawn over
  as many, so that each phase has its share, and its time is multiplied by what is missing to ``--values``.
- NumPy: what a user writes by hand, the parts of a join by ``np.where``.
- optax: its own schedule under ``jax.jit``, with 64 bits, compiled before, until the result is ready; skipped where optax is
  not installed.
- memory: the peak of what NumPy allocates meanwhile, in multiples of the result.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread for everybody
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np
import torch
from torch.optim import lr_scheduler as theirs

from lucid.schedules import Constant, Cosine, Decay, Exponential, Linear, OneCycle, Polynomial, Schedule, Step, Warmup

try:
    import jax
    import optax
except ImportError:
    optax = None

BASE = 0.1
END = 0.01


class Curve(NamedTuple):
    """One curve over so many steps, as each side writes it."""

    ours: Callable[[int], Schedule]
    torchs: Callable[[Any, int], Any]
    numpys: Callable[[Any, int], Any]
    optaxs: Callable[[int], Any]
    close: float = 1e-9
    """How well optax's agrees; its own one cycle turns one step later than torch's."""


def cosine(t: Any, steps: float, base: float = BASE, end: float = END) -> Any:
    return end + (base - end) * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))


def one_cycle(t: Any, steps: int) -> Any:
    up, last = 0.3 * steps - 1, steps - 1
    rise = BASE + (BASE / 25 - BASE) * 0.5 * (1 + np.cos(np.pi * t / up))
    fall = BASE / 25e4 + (BASE - BASE / 25e4) * 0.5 * (1 + np.cos(np.pi * (t - up) / (last - up)))
    return np.where(t <= up, rise, fall)


def wsd(t: Any, steps: int) -> Any:
    warm, left = steps // 10, steps // 5
    return np.where(t < warm, BASE * t / warm, np.where(t < steps - left, BASE, BASE * (steps - t) / left))


CURVES: dict[str, Curve] = {
    "Cosine": Curve(
        lambda n: Cosine(n, end=END),
        lambda o, n: theirs.CosineAnnealingLR(o, n, END),
        cosine,
        lambda n: optax.cosine_decay_schedule(BASE, n, END / BASE),
    ),
    "Linear >> Cosine": Curve(
        lambda n: Linear(n // 10, start=0.1) >> Cosine(n - n // 10, end=END),
        lambda o, n: theirs.SequentialLR(
            o, [theirs.LinearLR(o, 0.1, 1.0, n // 10), theirs.CosineAnnealingLR(o, n - n // 10, END)], [n // 10]
        ),
        lambda t, n: np.where(t < n // 10, BASE * (0.1 + 0.9 * t / (n // 10)), cosine(t - n // 10, n - n // 10)),
        lambda n: optax.warmup_cosine_decay_schedule(0.1 * BASE, BASE, n // 10, n, END),
    ),
    "Warmup >> Constant >> Decay": Curve(
        lambda n: Warmup(n // 10) >> Constant(steps=n - n // 10 - n // 5) >> Decay(n // 5),
        lambda o, n: theirs.SequentialLR(
            o,
            [
                theirs.LambdaLR(o, lambda t: t / (n // 10)),  # LinearLR refuses to start at 0
                theirs.ConstantLR(o, 1.0),
                theirs.LinearLR(o, 1.0, 0.0, n // 5),
            ],
            [n // 10, n - n // 5],
        ),
        wsd,
        lambda n: optax.join_schedules(
            [
                optax.linear_schedule(0.0, BASE, n // 10),
                optax.constant_schedule(BASE),
                optax.linear_schedule(BASE, 0.0, n // 5),
            ],
            [n // 10, n - n // 5],
        ),
    ),
    "Step": Curve(
        lambda n: Step(n // 50, 0.9),
        lambda o, n: theirs.StepLR(o, n // 50, 0.9),
        lambda t, n: BASE * 0.9 ** (t // (n // 50)),
        lambda n: optax.exponential_decay(BASE, n // 50, 0.9, staircase=True),
    ),
    "Exponential": Curve(
        lambda n: Exponential(0.01 ** (1 / n)),
        lambda o, n: theirs.ExponentialLR(o, 0.01 ** (1 / n)),
        lambda t, n: BASE * (0.01 ** (1 / n)) ** t,
        lambda n: optax.exponential_decay(BASE, 1, 0.01 ** (1 / n)),
    ),
    "OneCycle": Curve(
        lambda n: OneCycle(n),
        lambda o, n: theirs.OneCycleLR(o, BASE, n, cycle_momentum=False),
        one_cycle,
        lambda n: jax.vmap(optax.cosine_onecycle_schedule(n, BASE, 0.3, 25.0, 1e4)),  # which takes one time at once
        close=1e-4,
    ),
    "Polynomial": Curve(
        lambda n: Polynomial(n, power=0.9),
        lambda o, n: theirs.PolynomialLR(o, n, 0.9),
        lambda t, n: BASE * (1 - np.minimum(t / n, 1)) ** 0.9,
        lambda n: optax.polynomial_schedule(BASE, 0.0, 0.9, n),
    ),
    "Cosine.repeat": Curve(
        lambda n: Cosine(n // 10, end=END).repeat(),
        lambda o, n: theirs.CosineAnnealingWarmRestarts(o, n // 10, 1, END),
        lambda t, n: cosine(t % (n // 10), n // 10),
        lambda n: optax.join_schedules(
            [optax.cosine_decay_schedule(BASE, n // 10, END / BASE)] * 10, [n // 10 * i for i in range(1, 10)]
        ),
    ),
}


def loop(curve: Curve, steps: int) -> Callable[[], list[float]]:
    """A new run of torch's scheduler through the whole curve: the rates of ``steps`` steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    optimizer.step()
    scheduler = curve.torchs(optimizer, steps)
    group = optimizer.param_groups[0]

    def run() -> list[float]:
        rates = []
        for _ in range(steps):
            rates.append(group["lr"])
            scheduler.step()
        return rates

    return run


def jitted(curve: Curve, values: int) -> Callable[[], Any]:
    compiled, times = jax.jit(curve.optaxs(values)), jax.numpy.arange(values, dtype=float)
    return lambda: compiled(times).block_until_ready()


def seconds(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def peak(run: Callable[[], Any]) -> float:
    """The most bytes that were allocated while it ran, in multiples of the result's."""
    gc.collect()
    tracemalloc.start()
    result = run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / result.nbytes


def compare(name: str, curve: Curve, values: int, steps: int) -> None:
    """Refuse to time what is not the same curve."""
    times = np.arange(values, dtype=float)
    right = curve.ours(values).at(times, BASE)
    np.testing.assert_allclose(curve.numpys(times, values), right, rtol=1e-9, atol=1e-12 * BASE, err_msg=f"{name}, NumPy")
    few = curve.ours(steps).at(np.arange(steps, dtype=float), BASE)
    np.testing.assert_allclose(loop(curve, steps)(), few, rtol=1e-6, atol=1e-9 * BASE, err_msg=f"{name}, torch")
    if optax:
        found = np.asarray(jitted(curve, values)())
        np.testing.assert_allclose(found, right, rtol=0, atol=curve.close * BASE, err_msg=f"{name}, optax")


def measure(curve: Curve, values: int, steps: int, rounds: int) -> dict[str, float]:
    times = np.arange(values, dtype=float)
    schedule = curve.ours(values)
    sides: dict[str, Callable[[], Any]] = {
        "ours": lambda: schedule.at(times, BASE),
        "numpy": lambda: curve.numpys(times, values),
    }
    if optax:
        sides["optax"] = jitted(curve, values)
    for side in sides.values():
        side()
    took: dict[str, list[float]] = {name: [] for name in (*sides, "torch")}
    for i in range(rounds):
        for name in sorted(sides, reverse=bool(i % 2)):
            took[name].append(seconds(sides[name]))
        if i % 4 == 0:  # its loop is long enough
            walk = loop(curve, steps)
            took["torch"].append(seconds(walk) * values / steps)
    ours = statistics.median(took["ours"])
    figures = {"ms": ours * 1e3, "torch": statistics.median(took["torch"]) / ours}
    for name in sides:
        figures[name] = statistics.median(a / b for a, b in zip(took[name], took["ours"], strict=True))
    return {**figures, "peak": peak(sides["ours"]), "numpy peak": peak(sides["numpy"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=20_000, help="of torch's, in multiples of 100")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--only", nargs="*", choices=list(CURVES), default=list(CURVES))
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}"
    if optax:
        jax.config.update("jax_enable_x64", True)
        versions += f", optax {optax.__version__}, JAX {jax.__version__}"
    print(f"{versions}, {platform.machine()}")
    print(f"{options.values} values; torch's time from {options.steps} steps" + ("" if optax else "; optax is not installed"))
    print(f"{'':28}{'ours':>10}{'torch/ours':>12}{'ours/NumPy':>12}{'ours/optax':>12}{'memory':>8}{'NumPy:':>8}")
    figures = {}
    for name in options.only:
        curve = CURVES[name]
        compare(name, curve, options.values, options.steps)
        found = figures[name] = measure(curve, options.values, options.steps, options.rounds)
        other = f"{1 / found['optax']:.2f}" if optax else "skipped"
        print(
            f"{name:28}{found['ms']:8.1f}ms{found['torch']:12,.0f}{1 / found['numpy']:12.2f}{other:>12}"
            f"{found['peak']:8.2f}{found['numpy peak']:8.2f}",
            flush=True,
        )
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
