"""The page of ``lucid plot -o run.html`` in a real browser: it draws, zooms, answers keys and fingers, and asks nobody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from lucid import History
from lucid._plot import image

HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    pages: list[Any] = []
    asked: list[str] = []
    said: list[str] = []

    def open_(*curves: Any, context: dict[str, Any] | None = None, **options: Any) -> Any:
        file = tmp_path / "run.html"
        file.write_bytes(image(*curves, format="html", **options))
        page = browser.new_context(**(context or {})).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        pages.append((page, file.as_uri()))
        return page

    yield open_
    for page, address in pages:
        assert [url for url in asked if not url.startswith("data:")] == [address]
        page.context.close()
    assert said == []


def seen(page: Any) -> tuple[float, float]:
    """The times at the edges of the first chart, by its cursor."""
    box = page.locator(".u-over").first.bounding_box()
    found = []
    for x in (1, box["width"] - 1):
        page.mouse.move(box["x"] + x, box["y"] + 20)
        found.append(float(page.locator(".u-legend .u-value").first.inner_text().replace(",", "")))
    return found[0], found[1]


def test_the_cursor_tells_values(opened: Any) -> None:
    history = History.parse(b"step,lr-SGD,loss\n" + b"".join(b"%d,0.25,%d\n" % (i, i) for i in range(101)), "run.csv")
    page = opened("linear(100, 1, 0)", history)
    box = page.locator(".u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    values = [float(value) for value in page.locator(".u-legend .u-value").all_inner_texts()]
    assert values == pytest.approx([50, 0.5, 0.25, 50, 50], rel=1e-2)  # of both charts: their cursors move together


def test_zooming_by_mouse_buttons_and_keys(opened: Any) -> None:
    page = opened("warmup(100) >> cosine(900)", momentum="linear(1000)")
    box = page.locator(".u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60)
    page.mouse.up()
    assert seen(page) == pytest.approx((200, 600), abs=3)
    page.mouse.dblclick(box["x"] + 50, box["y"] + 50)
    assert seen(page) == pytest.approx((0, 1000), abs=3)
    page.keyboard.press("+")
    assert seen(page) == pytest.approx((250, 750), abs=3)
    page.keyboard.press("Shift+ArrowRight")
    assert seen(page) == pytest.approx((375, 875), abs=3)
    page.get_by_role("button", name="Earlier").click()
    assert seen(page) == pytest.approx((250, 750), abs=3)
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    assert seen(page) == pytest.approx((0, 1000), abs=3)
    page.get_by_role("button", name="Zoom in").click()
    page.keyboard.press("0")
    assert seen(page) == pytest.approx((0, 1000), abs=3)
    page.keyboard.press("ArrowRight")
    assert float(page.locator(".u-legend .u-value").first.inner_text().replace(",", "")) >= 999


def test_a_curve_is_hidden_and_shown_by_the_keyboard(opened: Any) -> None:
    page = opened("cosine(100)", "linear(100)")
    names = page.locator(".u-legend th[role=button]")
    assert names.all_inner_texts() == ["cosine(100)", "linear(100)"]
    names.first.focus()
    page.keyboard.press("Enter")
    assert [name.get_attribute("aria-pressed") for name in names.all()] == ["false", "true"]
    page.keyboard.press("l")  # drawn anew: what is hidden stays so
    names = page.locator(".u-legend th[role=button]")
    assert [name.get_attribute("aria-pressed") for name in names.all()] == ["false", "true"]
    assert page.locator("#log").get_attribute("aria-pressed") == "true"
    names.first.click()
    assert names.first.get_attribute("aria-pressed") == "true"


def test_names_are_texts(opened: Any) -> None:
    page = opened("cosine(100)", "linear(9)", labels=[HOSTILE, "b"], title=HOSTILE)
    assert page.title() == HOSTILE
    assert page.locator(".u-legend th[role=button]").first.inner_text() == HOSTILE
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(scheme: str, opened: Any) -> None:
    device = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": scheme}
    page = opened("warmup(500) >> cosine(9500)", "wsd(8000, 2000)", log=True, context=device)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == {
        "light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 29)",
    }[scheme]  # fmt: skip
    page.evaluate("""() => {
        const over = document.querySelector(".u-over"), box = over.getBoundingClientRect();
        const touch = new Touch({identifier: 1, target: over, clientX: box.left + box.width / 2, clientY: box.top + 30});
        over.dispatchEvent(new TouchEvent("touchmove", {touches: [touch], bubbles: true, cancelable: true}));
    }""")
    told = page.locator(".u-legend .u-value").first.inner_text()
    assert 4900 < float(told.replace(",", "")) < 5100
    page.set_viewport_size({"width": 700, "height": 360})
    page.wait_for_function("() => document.querySelector('.u-over').getBoundingClientRect().width > 550")
