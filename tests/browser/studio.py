"""A studio that runs, a Chromium that looks at it, and pictures of it: ``python tests/browser/studio.py FOLDER``."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PLAN = ["warmup(500) >> cosine(9500)", "wsd(9500, 2000, 500)", "one_cycle(10000)", "--lr", "3e-4"]


class Running:
    """A process of ``lucid studio``: its address, and how long it took until it answered."""

    def __init__(self, *arguments: str, cwd: Path | None = None) -> None:
        command = [sys.executable, "-m", "lucid.cli", "studio", "--no-browser", "--port", "0", *arguments]
        began = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)
        assert self.process.stdout
        said = self.process.stdout.readline()
        found = re.search(r"http://\S+", said)
        if not found:
            out, err = self.process.communicate()
            raise RuntimeError(f"the studio did not start: {said}{out}{err}")
        self.url = found[0]
        self.origin = self.url.partition("/?")[0]
        import urllib.error
        import urllib.request

        with contextlib.suppress(urllib.error.HTTPError):  # 403, which is an answer
            urllib.request.urlopen(self.origin, timeout=60)
        self.seconds = time.perf_counter() - began

    def stop(self) -> tuple[int, str]:
        """End it as Ctrl-C does; gives its exit code and what it wrote to standard error."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextlib.contextmanager
def running(*arguments: str, cwd: Path | None = None) -> Iterator[Running]:
    started = Running(*arguments, cwd=cwd)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.stop()


def launch(playwright: Any, *more: str) -> Any:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *more])


def opened(context: Any, url: str) -> Any:
    """A page that has drawn its first curve."""
    page = context.new_page()
    page.goto(url)
    settled(page)
    return page


def settled(page: Any) -> None:
    """Wait until the page has asked and drawn everything there is to, and its address tells the state."""
    page.wait_for_selector("html[data-ready]")
    page.wait_for_selector("html:not([data-busy])")


def pictures(folder: Path, playwright: Any = None) -> list[Path]:
    """Pictures of the studio: ``studio.png`` and ``studio-dark.png`` of a desk, ``studio-phone.png``, ``studio-error.png``.

    Args:
        folder: where to.
        playwright: one that runs; None starts one.
    """
    if playwright is None:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            return pictures(folder, playwright)
    folder.mkdir(parents=True, exist_ok=True)
    desk = {"viewport": {"width": 1440, "height": 860}, "device_scale_factor": 1}
    phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
    found = []
    with running(*PLAN) as started:
        browser = launch(playwright)

        def shot(name: str, options: dict[str, Any], steps: Any = None) -> None:
            context = browser.new_context(**options, reduced_motion="reduce")
            page = opened(context, started.url)
            if steps:
                steps(page)
                settled(page)
            page.screenshot(path=folder / name, full_page="phone" in name)
            found.append(folder / name)
            context.close()

        def hover(page: Any) -> None:
            box = page.locator("#chart").bounding_box()
            page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.5 * box["height"])

        def wrong(page: Any) -> None:
            page.locator("#phases input.number").first.fill("-5")
            page.wait_for_selector("#phases .error:not(:empty)")

        shot("studio.png", desk, hover)
        shot("studio-dark.png", {**desk, "color_scheme": "dark"}, hover)
        shot("studio-phone.png", phone)
        shot("studio-error.png", desk, wrong)
        browser.close()
    return found


if __name__ == "__main__":
    for made in pictures(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        print(made)
