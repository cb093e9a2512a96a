"""The pictures of the README, made by the commands that it shows: ``.venv-browser/bin/python docs/pictures.py``.

Needs the environment of ``./test --browser``. terminal.png is what ``lucid show`` writes, plot.svg what ``lucid plot``
does, and studio*.png are a real page.
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "browser"))
import studio  # noqa: E402

SHOW = [
    "show",
    "warmup(500) >> cosine(9500)",
    "wsd(9500, 2000, warmup_steps=500)",
    "--lr",
    "3e-4",
    "--width",
    "96",
    "--height",
    "16",
]
PLOT = [
    "plot", "warmup(500) >> cosine(9500)", "wsd(9500, 2000, warmup_steps=500)", "one_cycle(10_000)",
    "warmup(500) >> cosine(3000).repeat(3, decay=0.7)[:9500]", "--lr", "3e-4", "--steps", "10000",
]  # fmt: skip
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #16181d; }}
pre {{ display: inline-block; margin: 0; padding: 18px 22px; font: 14px/17px "DejaVu Sans Mono", monospace; color: #d8dee9; }}
svg {{ width: 1ch; height: 17px; vertical-align: top; fill: currentColor; }}
</style><pre>{body}</pre>"""


def lucid(*arguments: str) -> str:
    """What the command writes, in colour."""
    done = subprocess.run(
        [sys.executable, "-m", "lucid.cli", *arguments],
        env={**os.environ, "FORCE_COLOR": "1"}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def dots(braille: re.Match[str]) -> str:
    """A Braille character as a terminal draws it: monospaced fonts of a browser lack them."""
    bits = ord(braille[0]) - 0x2800
    places = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
    circles = (f'<circle cx="{2 + 4 * x}" cy="{2 + 4 * y}" r="1.5"/>' for bit, (x, y) in enumerate(places) if bits >> bit & 1)
    return f'<svg viewBox="0 0 8 16" preserveAspectRatio="none">{"".join(circles)}</svg>'


def terminal(browser: Any, path: Path) -> None:
    """A picture of a terminal."""
    shown = [f'"{word}"' if " " in word or "(" in word else word for word in SHOW[:5]]
    console = Console(record=True, width=120, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold]$ lucid {' '.join(shown)}[/]", highlight=False)
    for line in AnsiDecoder().decode(lucid(*SHOW)):
        console.print(line)
    body = console.export_html(theme=SVG_EXPORT_THEME, inline_styles=True, code_format="{code}")
    page = browser.new_page(viewport={"width": 900, "height": 600}, device_scale_factor=2)
    page.set_content(PAGE.format(body=re.sub("[\u2800-\u28ff]", dots, body.rstrip())))
    page.locator("pre").screenshot(path=path)
    page.close()


def main() -> None:
    lucid(*PLOT, "-o", str(HERE / "plot.svg"))
    with sync_playwright() as playwright:
        browser = studio.launch(playwright)
        terminal(browser, HERE / "terminal.png")
        browser.close()
        for made in studio.pictures(HERE, playwright):
            if "error" in made.name:  # for those who test it
                made.unlink()


if __name__ == "__main__":
    main()
