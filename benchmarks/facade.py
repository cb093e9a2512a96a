"""What the facade costs: a training step through ``lucid.nn``, ``lucid.data`` and Tensor, divided by the same in PyTorch.

    python benchmarks/facade.py [--rounds 60]

A small convolutional network on 8 x 8 images, batches of 64, on one thread: the size of `lucid train`'s. Each round times
one epoch of both sides back to back (thread CPU time, alternating order); the median of the rounds' ratios is reported.
Also the time that ``import lucid`` adds to Python's start.
"""

import argparse
import statistics
import subprocess
import sys
import time
from typing import Any

import torch
import torch.utils.data

import lucid


def network(nn: Any, functional: Any) -> Any:
    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 16, 3, padding=1)
            self.second = nn.Conv2d(16, 32, 3, padding=1)
            self.head = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = functional.max_pool2d(functional.relu(self.first(x)), 2)
            x = functional.max_pool2d(functional.relu(self.second(x)), 2)
            return self.head(x.flatten(1))

    torch.manual_seed(0)
    return Net()


class Side:
    """The specification's loop, in one of the two libraries."""

    def __init__(self, nn: Any, functional: Any, data: Any, wait: bool) -> None:
        self.functional, self.wait = functional, wait
        self.model = network(nn, functional)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        images, labels = torch.randn(1280, 1, 8, 8), torch.randint(0, 10, (1280,))
        self.loader = data.DataLoader(data.TensorDataset(images, labels), batch_size=64, shuffle=True)

    def epoch(self) -> float:
        start = time.thread_time()
        for inputs, targets in self.loader:
            inputs, targets = inputs.to("cpu"), targets.to("cpu")
            self.optimizer.zero_grad()
            out = self.model(inputs)
            loss = self.functional.cross_entropy(out, targets)
            if self.wait:
                loss.eval()
            loss.backward()
            self.optimizer.step()
        return (time.thread_time() - start) / len(self.loader)


def import_ms() -> float:
    """Milliseconds that ``import lucid`` takes in a fresh interpreter, the median of 21."""
    code = "import time; t = time.perf_counter(); import lucid; print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(21)]
    return statistics.median(float(run.stdout) for run in runs) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    plain = Side(torch.nn, torch.nn.functional, torch.utils.data, wait=False)
    ours = Side(lucid.nn, lucid.nn.functional, lucid.data, wait=True)
    plain.epoch(), ours.epoch()
    ratios, steps = [], []
    for round_ in range(rounds):
        first, second = (plain, ours) if round_ % 2 else (ours, plain)
        one, other = first.epoch(), second.epoch()
        base, mine = (one, other) if round_ % 2 else (other, one)
        ratios.append(mine / base)
        steps.append(base)
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"facade / PyTorch: {middle:.3f} (quartiles {low:.3f} to {high:.3f}), "
        f"a step of PyTorch {statistics.median(steps) * 1e3:.2f} ms"
    )
    print(f"import lucid: {import_ms():.1f} ms")


if __name__ == "__main__":
    main()
