"""One studio and one Chromium for all tests; a page of its own for each, which must not have complained."""

from pathlib import Path

import pytest
from browser import studio
from playwright.sync_api import expect, sync_playwright

expect.set_options(timeout=20_000)  # what takes a moment may take long on a busy machine

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective}: ${e.blockedURI}`));
"""


@pytest.fixture(scope="session")
def started():
    with studio.running("cosine(10000)", "--lr", "0.001") as process:
        yield process


@pytest.fixture(scope="session")
def playwright():
    if not Path(studio.CHROMIUM).exists():
        pytest.skip(f"there is no {studio.CHROMIUM}; ./test --browser installs it where it may")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright):
    launched = studio.launch(playwright)
    yield launched
    launched.close()


@pytest.fixture
def open_page(browser, started):
    """A function that opens a page, in a context of its own; all of them are looked at in the end."""
    contexts, pages, complaints, requests = [], [], [], []

    def opened(url=None, expect_ready=True, **options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 860}, **options})
        context.set_default_timeout(30_000)
        context.add_init_script(WATCH)
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(url or started.url)
        if expect_ready:
            studio.settled(page)
        return page

    opened.complaints = complaints
    opened.requests = requests
    yield opened
    for page in pages:
        complaints.extend(page.evaluate("window.violations ?? []"))
    for context in contexts:
        context.close()
    assert complaints == []
    foreign = [url for url in requests if not url.startswith((started.origin, "blob:", "data:", "http://127.0.0.1:"))]
    assert foreign == []


@pytest.fixture
def page(open_page):
    return open_page()
