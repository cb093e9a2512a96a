"""The studio in a real browser: what a user does, with the mouse, by keyboard and on a phone."""

import contextlib
import json
import math
import re
import runpy
import socket
import statistics
import threading
import time
from pathlib import Path

import pytest
from browser import studio
from browser.studio import settled
from playwright.sync_api import expect

import lucid
from lucid.schedules import Schedule

CATALOGUE = runpy.run_path(str(Path(__file__).parent.with_name("catalogue.py")))

# -- what the tests ask the page for


def design(page):
    """The configuration that is edited."""
    return page.evaluate("async () => (await import('/static/state.js')).store.active.design")


def schedule(page):
    return Schedule.from_dict(design(page))


def result(page):
    """What the server answered for what is edited, last."""
    settled(page)
    return page.evaluate(
        "async () => { const { store } = await import('/static/state.js'); return store.results.get(store.active.id) }"
    )


def set_design(page, made):
    page.evaluate(
        """async (made) => {
          const { store } = await import('/static/state.js');
          store.change(() => { store.active.design = made; });
        }""",
        made,
    )
    settled(page)


def candidates(page):
    return page.evaluate("async () => (await import('/static/state.js')).store.doc.candidates")


def address(page):
    """What the page says that its address is: Playwright hears of a change a moment later."""
    return page.evaluate("location.href")


@contextlib.contextmanager
def held(page, name):
    """What the page asks under this name is answered only after the block; gives a function that waits until it has asked."""
    routes = []
    page.route(f"**/api/{name}", lambda route: routes.append(route))

    def asked():
        while not routes:
            page.wait_for_timeout(10)

    yield asked
    page.unroute(f"**/api/{name}")  # which lets go of them


def picture(page):
    """What is drawn."""
    return page.locator("#chart canvas").evaluate("(canvas) => canvas.toDataURL()")


def figures(page, row=0):
    cells = page.locator("tr[data-id]").nth(row).locator("[data-figure]")
    return dict(zip(["area", "ratio", "peak", "end"], cells.all_inner_texts(), strict=True))


def field(page, name, nth=0):
    """The exact input of a field."""
    return page.get_by_label(name, exact=True).nth(nth)


def drag(page, slider, share):
    """Take the thumb, and let go of it at this share of the slider's way."""
    box = slider.bounding_box()
    low, high, value = (float(slider.evaluate(f"(s) => s.{what}")) for what in ("min", "max", "value"))
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 7 + (box["width"] - 14) * (value - low) / (high - low), y)
    page.mouse.down()
    page.mouse.move(box["x"] + 7 + (box["width"] - 14) * share, y, steps=8)
    page.mouse.up()
    settled(page)


# -- designing


def test_a_warm_up_is_added_and_a_slider_dragged(page):
    before, drawn = result(page), picture(page)
    assert before["peak_at"] == 0
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    settled(page)
    assert schedule(page) == lucid.parse("warmup(500) >> cosine(9500)")  # the run is as long as before
    warmed = result(page)
    assert warmed["peak_at"] == 500
    assert warmed["boundaries"] == [500]
    assert picture(page) != drawn

    drawn = picture(page)
    drag(page, page.get_by_label("steps, slider").first, 0.5)
    steps = schedule(page).parts[0].steps
    assert 4_500 <= steps <= 5_500
    assert page.get_by_label("steps", exact=True).first.input_value() == f"{steps:g}"
    assert result(page)["peak_at"] == steps
    assert picture(page) != drawn
    assert "Warmup" in page.locator("#expression").input_value()


def test_a_second_warm_up_is_not_added(page):
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#status")).to_contain_text("begins with a warm-up already")
    expect(page.locator("#phases > ol > li")).to_have_count(2)


def test_the_reload_keeps_everything_by_its_address(page):
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    field(page, "end").fill("1e-4")
    page.get_by_label("Base rate").fill("0.02")
    page.get_by_label("Log rate").check()
    page.get_by_label("Axis").select_option("epochs")
    page.get_by_label("Name of candidate 1").fill("mine <b>")
    settled(page)
    told, shown = design(page), figures(page)
    assert "#1." in address(page)
    page.reload()
    settled(page)
    assert design(page) == told
    assert figures(page) == shown
    assert page.get_by_label("Base rate").input_value() == "0.02"
    assert page.get_by_label("Log rate").is_checked()
    assert page.get_by_label("Axis").input_value() == "epochs"
    assert page.get_by_label("Name of candidate 1").input_value() == "mine <b>"


def test_an_address_opens_elsewhere(page, open_page, started):
    set_design(page, lucid.parse("wsd(800, 200).warmup(50)").to_dict())
    fragment = address(page).partition("#")[2]
    other = open_page(f"{started.url}#{fragment}")  # through the first address, too
    assert design(other) == design(page)
    third = open_page()
    third.get_by_role("button", name="Open", exact=True).click()
    third.get_by_label("Paste a schedule").fill(address(page))
    third.get_by_role("button", name="Open as a candidate").click()
    expect(third.locator("dialog")).to_have_count(0)
    settled(third)
    assert design(third) == design(page)


@pytest.mark.parametrize(
    ("fragment", "reason"),
    [
        ("1.AAAA", "cut off or changed"),
        ("1.q1Y", "cut off or changed"),
        ("2.abc", "a newer studio wrote it"),
        ("nonsense", "cut off or changed"),
        ("1.", "cut off or changed"),
    ],
)
def test_a_broken_address_tells_why_and_begins_afresh(open_page, started, fragment, reason):
    page = open_page(f"{started.url}#{fragment}")
    expect(page.locator("#notice")).to_contain_text(reason)
    assert schedule(page) == lucid.parse("cosine(10000)")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#notice")).to_be_hidden()


def test_an_address_with_something_else_in_it(page, open_page, started):
    def packed(doc):
        return page.evaluate("async (doc) => (await import('/static/state.js')).encode(doc)", doc)

    bomb = packed("x" * 5_000_000)
    assert len(bomb) < 20_000
    for doc, reason in (
        ({"steps": 10}, "lr is missing or wrong"),
        ({"steps": 10, "lr": 1, "candidates": []}, "candidates is missing or wrong"),
        ({"steps": "10", "lr": 1, "candidates": [{}]}, "steps is missing or wrong"),
        ({"steps": 10, "lr": 1, "candidates": [{"design": 7}]}, "design is missing or wrong"),
        (None, "its document is missing or wrong"),
    ):
        other = open_page(f"{started.url}#{packed(doc)}")
        expect(other.locator("#notice")).to_contain_text(reason)
    other = open_page(f"{started.url}#{bomb}")
    expect(other.locator("#notice")).to_contain_text("it holds too much")
    odd = {
        "steps": 10,
        "lr": 1,
        "candidates": [{"name": "<img src=x onerror=alert(1)>", "design": {"schedule": "<script>", "steps": 1}}],
    }
    other = open_page(f"{started.url}#{packed(odd)}")
    expect(other.locator("#phases .error").first).to_contain_text("unknown schedule '<script>'")


def test_broken_json_shows_the_reason_and_changes_nothing(page):
    before, url = design(page), address(page)
    page.get_by_role("button", name="Open", exact=True).click()
    for text, reason in (
        ('{"schedule": "Cosine", "steps": }', "is no JSON: Expecting value: line 1 column 33"),
        ('{"schedule": "Cosin", "steps": 5}', "unknown schedule 'Cosin'; did you mean 'Cosine'?"),
        ('{"schedule": "Cosine", "steps": -5}', "Cosine: steps must be > 0, got -5"),
        ("", "There is nothing to open"),
    ):
        page.get_by_label("Paste a schedule").fill(text)
        page.get_by_role("button", name="Open as a candidate").click()
        expect(page.locator("dialog [role=alert]")).to_contain_text(reason)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert design(page) == before
    assert address(page) == url
    expect(page.locator("tr[data-id]")).to_have_count(1)


def test_files_are_opened(page, tmp_path):
    (tmp_path / "plan.json").write_text(lucid.parse("one_cycle(500)").to_json())
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "run.csv").write_text(
        "step,lr-SGD,loss\n" + "".join(f"{i},{0.001 * math.cos(i / 8000)},1\n" for i in range(0, 12000, 10))
    )
    (tmp_path / "bad.csv").write_text("step,loss\n0,1\n")
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_label("Or choose files").set_input_files(tmp_path / "broken.json")
    expect(page.locator("dialog [role=alert]")).to_contain_text("broken.json: schedule configuration is no JSON")
    page.get_by_label("Or choose files").set_input_files(tmp_path / "bad.csv")
    expect(page.locator("dialog [role=alert]")).to_contain_text("no column of rates")
    drawn = picture(page)
    page.get_by_label("Or choose files").set_input_files([tmp_path / "plan.json", tmp_path / "run.csv"])
    expect(page.locator("dialog")).to_have_count(0)
    settled(page)
    assert schedule(page) == lucid.parse("one_cycle(500)")
    expect(page.locator("tr.recorded")).to_have_count(1)
    expect(page.locator("tr.recorded")).to_contain_text("run.csv")
    assert picture(page) != drawn
    drawn = picture(page)
    page.get_by_label("Show run.csv").click()
    assert picture(page) != drawn
    page.get_by_label("Close run.csv").click()
    expect(page.locator("tr.recorded")).to_have_count(0)


def test_runs_that_the_command_names_are_there(open_page, tmp_path):
    (tmp_path / "run.jsonl").write_text("".join(json.dumps({"step": i, "lr-Adam": 0.5 - i / 2000}) + "\n" for i in range(1000)))
    with studio.running("linear(1000, 1, 0)", "--lr", "0.5", "--history", str(tmp_path / "run.jsonl")) as process:
        page = open_page(process.url)
        expect(page.locator("tr.recorded")).to_contain_text("run.jsonl")
        page.locator("#chart").focus()
        page.keyboard.press("End")
        page.keyboard.press("Home")
        expect(page.locator("tr.recorded [data-at]")).to_have_text("0.5")


def test_undo_and_redo(page):
    states = [design(page)]
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    states.append(design(page))
    drag(page, page.get_by_label("steps, slider").first, 0.6)  # many events, one change
    states.append(design(page))
    page.get_by_label("Duplicate Cosine", exact=True).click()
    states.append(design(page))
    page.get_by_label("Remove Warmup").click()
    states.append(design(page))
    for state in states[-2::-1]:
        page.keyboard.press("Control+z")
        settled(page)
        assert design(page) == state
    expect(page.locator("#undo")).to_be_disabled()
    for state in states[1:3]:
        page.keyboard.press("Control+Shift+z")
        assert design(page) == state
    page.keyboard.press("Control+y")
    page.locator("#redo").click()
    settled(page)
    assert design(page) == states[-1]
    expect(page.locator("#redo")).to_be_disabled()
    page.locator("#undo").click()
    assert design(page) == states[-2]
    assert lucid.parse(result(page)["expression"]) == schedule(page)


def test_undo_works_from_within_a_field(page):
    box = field(page, "steps")
    box.fill("5000")
    settled(page)
    box.press("Control+z")
    settled(page)
    assert design(page)["steps"] == 10_000


def test_an_undo_is_seen_in_the_field_that_is_typed_in(page):
    name = page.get_by_label("Name of candidate 1")
    for box, typed in ((name, "mine"), (page.get_by_label("Base rate"), "0.5"), (field(page, "steps"), "5000")):
        before = box.input_value()
        box.fill(typed)
        settled(page)
        box.press("Control+z")
        expect(box).to_have_value(before)
        expect(box).to_be_focused()
    page.locator("tr[data-id] [data-key^=dup]").click()
    name.fill("mine")
    name.press("Control+z")
    name.press("Control+z")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    assert len(candidates(page)) == 1


def test_what_was_undone_does_not_come_back(page):
    """The forms are still those of the design that is gone."""

    def undone():
        field(page, "steps").fill("5000")
        settled(page)
        page.keyboard.press("Control+z")
        settled(page)
        assert design(page)["steps"] == 10_000

    def steps():
        settled(page)
        found = [one["steps"] for one in phases(design(page))]
        page.locator("#undo").click()
        settled(page)
        return found

    def phases(one):
        return one["parts"] if one["schedule"] == "Join" else [one]

    undone()
    page.get_by_label("More for Cosine").click()
    page.get_by_role("menuitem", name="Put into Scale", exact=True).click()
    assert design(page)["of"]["steps"] == 10_000
    page.locator("#undo").click()
    undone()
    page.get_by_label("Duplicate Cosine", exact=True).click()
    assert steps() == [10_000, 10_000]
    undone()
    page.get_by_label("Cosine, choose another family").click()
    page.get_by_label("Search families").fill("polynom")
    page.keyboard.press("Enter")
    assert steps() == [10_000]
    undone()
    page.locator("tr[data-id] [data-key^=dup]").click()
    assert [one["design"]["steps"] for one in candidates(page)] == [10_000, 10_000]
    page.locator("#undo").click()
    page.locator("#expression").fill("linear(300, 1, 0) >> linear(700, 0, 1)")
    settled(page)
    page.locator("#expression").fill("linear(3000, 1, 0) >> linear(7000, 0, 1)")
    settled(page)
    page.get_by_label("Move up Linear").last.click()
    assert steps() == [7000, 3000]
    grips = page.locator("#phases > ol > li > .node > .node-head .grip")
    grips.nth(1).drag_to(page.locator("#phases > ol > li").nth(0), target_position={"x": 100, "y": 10})
    expect(field(page, "steps")).to_have_value("7000")
    assert steps() == [7000, 3000]
    page.get_by_label("Remove Linear").first.click()
    assert steps() == [7000]


def test_a_number_becomes_a_list_of_what_it_is_now(page):
    set_design(page, lucid.parse("cosine_restarts(100)").to_dict())
    field(page, "steps").fill("250")
    settled(page)
    page.get_by_role("button", name="list").first.click()
    assert design(page)["steps"] == [250, 250]
    field(page, "steps").fill("70, 80")
    page.get_by_role("button", name="one").first.click()
    assert design(page)["steps"] == 70


def test_a_drag_is_one_change_however_long_it_takes(page):
    page.evaluate("() => { let now = 0; performance.now = () => (now += 5000); }")
    before = design(page)
    slider = page.get_by_label("steps, slider")
    drag(page, slider, 0.4)
    between = design(page)
    drag(page, slider, 0.6)
    assert len({before["steps"], between["steps"], design(page)["steps"]}) == 3
    page.keyboard.press("Control+z")
    assert design(page) == between
    page.keyboard.press("Control+z")
    assert design(page) == before


def test_a_menu_goes_with_what_it_was_of(page):
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    page.get_by_label("More for Warmup").click()
    page.keyboard.press("Control+z")
    expect(page.locator("#phases > ol > li")).to_have_count(1)
    expect(page.locator(".menu")).to_have_count(0)


def test_a_menu_is_within_the_window(open_page):
    page = open_page(viewport={"width": 390, "height": 500})
    for label in ("More for Cosine", "+ Candidate"):
        button = page.get_by_role("button", name=label)
        for align in ("start", "center", "end"):
            button.evaluate("(button, block) => button.scrollIntoView({ block })", align)
            button.focus()
            page.keyboard.press("Enter")
            box = page.locator(".menu").bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 500
            page.keyboard.press("Escape")


def test_a_warm_up_in_front_of_one_is_refused(page):
    set_design(page, lucid.parse("wsd(9500, 2000, 500)").to_dict())
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#status")).to_contain_text("It begins at 0, where a warm-up in front of it would stay")
    assert schedule(page) == lucid.parse("wsd(9500, 2000, 500)")


def test_a_message_and_a_hint_can_be_read(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Share").click()
    expect(page.locator("#status")).to_contain_text("address")
    box = page.locator("#status").bounding_box()
    assert box["width"] > 300
    assert box["x"] + box["width"] / 2 == pytest.approx(195, abs=1)
    page.set_viewport_size({"width": 1440, "height": 300})
    page.get_by_label("hold").hover()
    expect(page.locator("#hint")).to_contain_text("CosineAnnealingLR")
    assert page.locator("#hint").evaluate("(hint) => hint.scrollHeight - hint.clientHeight") <= 0
    page.mouse.move(5, 5)
    page.get_by_label("Duplicate Cosine", exact=True).press("Enter")
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    expect(page.locator("#hint")).to_be_empty()


def test_the_focus_goes_with_a_phase(page):
    for press, focused in (("Duplicate Cosine", 1), ("Remove Cosine", 0)):
        page.get_by_label(press, exact=True).last.focus()
        page.keyboard.press("Enter")
        head = page.get_by_label("Cosine, choose another family").nth(focused)
        expect(head).to_be_focused()
    assert schedule(page) == lucid.parse("cosine(10000)")


def test_the_row_that_is_edited_is_marked(page):
    page.locator("tr[data-id] [data-key^=dup]").click()
    for i in (0, 1):
        page.get_by_label(f"Name of candidate {i + 1}").click()
        expect(page.locator("tr[data-id]").nth(i)).to_have_class("active")
        expect(page.locator("tr[data-id] [type=radio]").nth(i)).to_be_checked()
    page.get_by_label("Name of candidate 2").fill("other")
    page.get_by_label("Delete other").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)


# -- slow answers, and hasty users


def test_a_second_click_opens_nothing_twice(page):
    page.get_by_role("button", name="Recipes").click()
    page.locator("dialog .tile").first.evaluate("(tile) => { tile.click(); tile.click(); }")
    settled(page)
    assert len(candidates(page)) == 2
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_label("Paste a schedule").fill("linear(5)")
    page.get_by_role("button", name="Open as a candidate").evaluate("(button) => { button.click(); button.click(); }")
    expect(page.locator("dialog")).to_have_count(0)
    settled(page)
    assert len(candidates(page)) == 3


def test_what_was_given_up_is_not_opened(page):
    with held(page, "parse") as asked:
        page.get_by_role("button", name="Open", exact=True).click()
        page.get_by_label("Paste a schedule").fill("linear(5)")
        page.get_by_role("button", name="Open as a candidate").click()
        asked()
        page.keyboard.press("Escape")
    with held(page, "recipe") as asked:
        page.get_by_role("button", name="Recipes").click()
        page.locator("dialog .tile").first.click()
        asked()
        page.keyboard.press("Escape")
    with held(page, "example") as asked:
        page.get_by_role("button", name="+ Phase").click()
        page.locator("dialog .tile").first.click()
        asked()
        page.keyboard.press("Escape")
    settled(page)
    assert [one["design"]["schedule"] for one in candidates(page)] == ["Cosine"]


def test_a_late_warm_up_comes_to_no_other_candidate(page):
    page.locator("tr[data-id] [data-key^=dup]").click()
    settled(page)
    before = candidates(page)
    with held(page, "change") as asked:
        page.get_by_role("button", name="+ Warm-up").click()
        asked()
        page.locator("tr[data-id] [type=radio]").nth(0).check()
    expect(page.locator("#status")).to_contain_text("The design has changed meanwhile")
    settled(page)
    assert candidates(page) == before


def test_a_warm_up_knows_how_long_the_run_is_now(page):
    with held(page, "curves") as asked:
        page.get_by_label("Steps", exact=True).fill("4000")
        field(page, "steps").fill("4000")
        page.get_by_role("button", name="+ Warm-up").click()
        asked()
    settled(page)
    assert schedule(page) == lucid.parse("warmup(200) >> cosine(3800)")


def test_what_was_typed_is_read_though_another_candidate_is_picked(page):
    page.locator("tr[data-id] [data-key^=dup]").click()
    settled(page)
    with held(page, "parse") as asked:
        page.locator("#expression").fill("linear(5)")
        page.locator("tr[data-id] [type=radio]").nth(0).check()
        asked()
    settled(page)
    assert [one["design"]["schedule"] for one in candidates(page)] == ["Cosine", "Linear"]
    assert "Cosine" in page.locator("#expression").input_value()
    page.locator("tr[data-id] [type=radio]").nth(1).check()
    settled(page)
    assert "Linear" in page.locator("#expression").input_value()


def test_what_was_done_last_counts(page):
    """An expression is typed, and before it is read a field is changed, or all of it undone."""
    for last in (lambda: field(page, "steps").fill("77"), lambda: page.locator("#undo").click()):
        with held(page, "parse") as asked:
            page.locator("#expression").fill("linear(5)")
            asked()
            last()
        told = result(page)
        assert design(page)["schedule"] == "Cosine"
        expect(page.locator("#expression")).to_have_value(told["expression"])
    assert design(page)["steps"] == 10_000


def test_the_format_that_was_chosen_last_is_exported(page):
    page.evaluate(
        """() => {
          const { text } = Blob.prototype;
          const later = new Promise((go) => { window.go = go; });
          Blob.prototype.text = async function () { window.reads = true; await later; return text.call(this); };
        }"""
    )
    with held(page, "picture") as asked:
        page.get_by_role("button", name="Export").click()
        page.wait_for_function("() => window.reads")
        page.locator("[data-format=svg]").click()
        asked()
        page.evaluate("async () => { window.go(); await new Promise((done) => setTimeout(done, 50)); }")
        expect(page.get_by_role("button", name="Download")).to_be_disabled()
        expect(page.locator("dialog pre")).to_be_empty()
    expect(page.get_by_role("button", name="Download")).to_be_enabled(timeout=30_000)
    expect(page.locator("dialog img")).to_be_visible()


def test_the_newest_address_counts(page):
    def packed(text):
        doc = {"steps": 100, "lr": 1, "candidates": [{"name": text, "design": lucid.parse(text).to_dict()}]}
        return page.evaluate("async (doc) => (await import('/static/state.js')).encode(doc)", doc)

    one, two = packed("linear(5)"), packed("step(20, 0.5)")
    page.evaluate("(one) => { location.hash = one; }", one)
    expect(page.get_by_label("Name of candidate 1")).to_have_value("linear(5)")
    settled(page)
    page.evaluate("([one, two]) => { location.hash = one; location.hash = two; }", ["1.AAAA", two])
    expect(page.get_by_label("Name of candidate 1")).to_have_value("step(20, 0.5)")
    expect(page.locator("#notice")).to_be_hidden()
    settled(page)
    assert schedule(page) == lucid.parse("step(20, 0.5)")


def test_candidates_are_laid_over_each_other(page):
    one = figures(page)
    page.get_by_label("Duplicate candidate").or_(page.locator("tr[data-id] [data-key^=dup]")).first.click()
    expect(page.locator("tr[data-id]")).to_have_count(2)
    settled(page)
    drawn = picture(page)
    field(page, "steps").fill("5000")
    settled(page)
    assert picture(page) != drawn
    assert figures(page, 0) == {**one, "ratio": "1×"}
    assert figures(page, 1)["ratio"] == "0.5×"
    colours = page.locator("tr[data-id] .swatch").evaluate_all("(all) => all.map((e) => getComputedStyle(e).backgroundColor)")
    assert len(set(colours)) == 2
    drawn = picture(page)
    page.locator("tr[data-id] [data-key^=eye]").nth(1).click()
    settled(page)
    assert picture(page) != drawn
    page.locator("tr[data-id] .swatch").nth(0).click()
    settled(page)
    page.get_by_role("button", name="+ Candidate").click()
    page.get_by_role("menuitem", name="From a family").click()
    page.get_by_label("Search families").fill("one cycle")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-id]")).to_have_count(3)
    settled(page)
    assert design(page)["schedule"] == "OneCycle"
    page.locator("tr[data-id] [data-key^=del]").nth(0).click()
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.locator("tr[data-id] input[type=radio]").nth(0).check()
    settled(page)
    assert design(page)["steps"] == 5000


def test_there_are_at_most_eight_candidates(page):
    for _ in range(7):
        page.locator("tr[data-id] [data-key^=dup]").first.click()
        settled(page)
    expect(page.locator("tr[data-id]")).to_have_count(8)
    expect(page.get_by_role("button", name="+ Candidate")).to_be_disabled()
    page.get_by_role("button", name="Recipes").click()
    page.locator("dialog .tile").first.click()
    expect(page.locator("#status")).to_contain_text("There are 8 candidates already")


def test_the_whole_path_by_keyboard_alone(page):
    """Add a phase, choose its family, change a number, move it, undo: the mouse is never touched."""

    def tab_to(label, limit=80):
        for _ in range(limit):
            page.keyboard.press("Tab")
            told = page.evaluate(
                "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
            )
            if label in told:
                outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none" or "slider" in told
                return
        raise AssertionError(f"Tab does not come to {label}")

    first = design(page)
    tab_to("+ Phase")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search families")).to_be_focused()
    page.keyboard.type("rex")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    settled(page)
    assert [part["schedule"] for part in design(page)["parts"]] == ["Cosine", "REX"]
    expect(page.get_by_label("REX, choose another family")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    settled(page)
    assert [part["schedule"] for part in design(page)["parts"]] == ["REX", "Cosine"]
    expect(page.get_by_label("REX, choose another family")).to_be_focused()
    tab_to("steps, slider")
    before = design(page)["parts"][0]["steps"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    settled(page)
    assert design(page)["parts"][0]["steps"] == before + 110
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    settled(page)
    assert design(page)["parts"][0]["steps"] == before + 100
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # the menu of the phase
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    expect(page.locator(".menu")).to_have_count(0)
    for _ in range(20):  # on a slow machine two presses of a key may be two changes
        if page.locator("#undo").is_disabled():
            break
        page.keyboard.press("Control+z")
    settled(page)
    assert design(page) == first
    tab_to("The rate over")
    page.keyboard.press("Home")
    expect(page.locator("#cursor")).to_have_text("step 0")


def test_phases_are_moved_by_mouse(page):
    set_design(page, lucid.parse("warmup(100) >> cosine(300) >> linear(50, 0, 1)").to_dict())
    grips = page.locator("#phases > ol > li > .node > .node-head .grip")
    grips.nth(2).drag_to(page.locator("#phases > ol > li").nth(0), target_position={"x": 100, "y": 10})
    settled(page)
    assert [part["schedule"] for part in design(page)["parts"]] == ["Linear", "Warmup", "Cosine"]
    page.get_by_label("Move down Linear").click()
    page.get_by_label("Remove Cosine").click()
    page.get_by_label("Remove Linear").click()
    settled(page)
    assert schedule(page) == lucid.parse("warmup(100)")
    expect(page.get_by_label("Remove Warmup")).to_be_disabled()


def test_the_expression_and_the_forms_are_one(page):
    box = page.locator("#expression")
    box.fill("0.5 * (warmup(10) >> step(20, 0.5)[:60])")
    expect(page.locator("#phases")).to_contain_text("Scale")
    settled(page)
    assert schedule(page) == lucid.parse("0.5 * (warmup(10) >> step(20, 0.5)[:60])")
    before = design(page)
    box.fill("0.5 * (warmup(10) >> ")
    expect(page.locator("#expression-error")).to_contain_text("is no expression")
    assert design(page) == before
    expect(box).to_have_attribute("aria-invalid", "true")
    box.fill("step(20, 0.5)")
    settled(page)
    expect(page.locator("#total")).to_have_text("endless")
    expect(page.locator("#expression-error")).to_be_empty()
    field(page, "gamma").fill("0.25")
    settled(page)
    expect(box).to_have_value("Step(every=20, gamma=0.25)")


def test_errors_stand_at_their_field_and_leave_the_curve(page):
    page.get_by_role("button", name="+ Warm-up").click()
    expect(page.locator("#phases > ol > li")).to_have_count(2)
    settled(page)
    values = result(page)["values"]
    box = page.locator("#phases > ol > li").nth(1).get_by_label("steps", exact=True)
    box.fill("-5")
    settled(page)
    row = page.locator("[data-field='parts.1.steps']")
    expect(row.locator(".error")).to_have_text("Cosine: steps must be > 0, got -5")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#status")).to_contain_text("Cosine: steps must be > 0, got -5")
    assert result(page)["values"] == values
    assert figures(page)["area"] == "–"
    box.fill("abc")
    expect(row.locator(".error")).to_contain_text("a number, such as")
    box.fill("5e3")
    settled(page)
    expect(row.locator(".error")).to_be_empty()
    expect(box).not_to_have_attribute("aria-invalid", "true")
    assert schedule(page).parts[1].steps == 5000


@pytest.fixture(scope="module")
def shared(browser, started):
    """One page for many schedules, one after the other."""
    context = browser.new_context(viewport={"width": 1440, "height": 860})
    yield studio.opened(context, started.url)
    context.close()


@pytest.mark.parametrize("name", sorted(CATALOGUE["ROWS"]))
def test_any_schedule_is_shown_in_full_and_can_be_edited(shared, name):
    page = shared
    for variant in CATALOGUE["ROWS"][name]:
        if (name, variant) in CATALOGUE["HOLD_FUNCTIONS"]:
            continue
        made = CATALOGUE["draw"](name, variant, 3)
        set_design(page, made.to_dict())
        told = result(page)
        assert told["error"] is None
        assert lucid.parse(told["expression"]) == made
        nodes, fields = count(made.to_dict())
        assert page.locator("#phases .node").count() == nodes - (name == "Join")
        assert page.locator("#phases .field").count() == fields - (name == "Join")
        assert design(page) == json.loads(json.dumps(made.to_dict()))  # showing changes nothing
        page.locator("#phases details.rest").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
        for box in page.locator("#phases input.number").all()[:1]:
            value = box.input_value()
            before = told["expression"]
            box.press("ArrowUp")
            told = result(page)
            if box.input_value() != value and not told["error"]:
                assert told["expression"] != before


def count(config):
    """How many configurations are in one, and fields in them."""
    inner = [
        one for value in config.values() for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)
    ]
    counted = [count(one) for one in inner]
    return 1 + sum(n for n, _ in counted), len(config) - 1 + sum(f for _, f in counted)


def test_the_page_is_busy_until_what_was_picked_is_there(page):
    page.evaluate(
        """() => {
          const { close } = HTMLDialogElement.prototype;
          HTMLDialogElement.prototype.close = function () { setTimeout(() => close.call(this), 300); };
        }"""
    )
    page.get_by_role("button", name="+ Phase").click()
    page.get_by_label("Search families").fill("linear")
    page.keyboard.press("Enter")
    settled(page)
    assert [part["schedule"] for part in design(page)["parts"]] == ["Cosine", "Linear"]


def test_a_schedule_is_put_into_others_and_taken_out(page):
    def more(of, text):
        page.get_by_label(f"More for {of}").first.click()
        page.get_by_role("menuitem", name=text, exact=True).click()
        settled(page)

    more("Cosine", "Put into Repeat")
    assert schedule(page) == lucid.parse("cosine(10000).repeat()")
    more("Repeat", "Maximum with a constant")
    assert design(page)["schedule"] == "Maximum"
    page.get_by_role("button", name="+ Part").click()
    page.get_by_label("Search families").fill("linear")
    page.keyboard.press("Enter")
    settled(page)
    assert [part["schedule"] for part in design(page)["parts"]] == ["Repeat", "Constant", "Linear"]
    set_design(page, lucid.parse("wsd(90, 20, 10)").to_dict())
    more("WSD", "Split into its phases")
    assert page.locator("#phases > ol > li").count() > 1
    set_design(page, lucid.parse("0.5 * cosine(9)").to_dict())
    more("Scale", "Take out what is inside")
    assert schedule(page) == lucid.parse("cosine(9)")
    page.get_by_label("Cosine, choose another family").click()
    page.get_by_label("Search families").fill("polynom")
    page.keyboard.press("Enter")
    settled(page)
    assert (design(page)["schedule"], design(page)["steps"]) == ("Polynomial", 9)


def test_fields_of_every_kind(page):
    set_design(page, lucid.parse("cosine_restarts(100)").to_dict())
    page.get_by_role("button", name="list").first.click()
    settled(page)
    field(page, "steps").fill("100, 200, x")
    expect(page.locator("[data-field=steps] .error")).to_contain_text("numbers with commas between")
    field(page, "steps").fill("100, 200 300")
    settled(page)
    assert design(page)["steps"] == [100, 200, 300]
    set_design(page, lucid.parse("decay(100)").to_dict())
    page.get_by_text("4 more").click()
    page.get_by_label("shape", exact=True).select_option("cosine")
    settled(page)
    assert design(page)["shape"] == "cosine"
    page.get_by_label("shape", exact=True).select_option(label="a schedule …")
    settled(page)
    assert design(page)["shape"]["schedule"] == "Linear"
    assert result(page)["error"] is None
    page.get_by_role("button", name="use a name").click()
    assert design(page)["shape"] == "linear"
    set_design(page, lucid.parse("constant(0.5)").to_dict())
    page.get_by_label("steps: none").uncheck()
    settled(page)
    assert design(page)["steps"] == 1000
    page.get_by_label("steps: none").check()
    assert design(page)["steps"] is None
    set_design(page, lucid.parse("cosine(100)").to_dict())
    page.get_by_label("hold").uncheck()
    settled(page)
    assert result(page)["expression"] == "Cosine(steps=100, hold=False)"


def test_recipes_and_advice(page):
    page.get_by_role("button", name="Recipes").click()
    page.get_by_role("button", name="pretrain-llm Linear").click()
    expect(page.locator("tr[data-id]")).to_have_count(2)
    settled(page)
    assert schedule(page) == lucid.recipe("pretrain-llm", 10_000)
    expect(page.locator("#advice")).to_be_empty()
    page.get_by_label("Steps", exact=True).fill("5000")
    expect(page.locator("#advice")).to_contain_text("The schedule ends after 10000 steps and the run after 5000")


# -- the chart


def test_the_value_under_the_cursor_is_the_schedules(page):
    box = page.locator("#chart").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 100)
    expect(page.locator("#cursor")).to_have_text(re.compile(r"step [\d,]+"))
    time = int(re.fullmatch(r"step ([\d,]+)", page.locator("#cursor").inner_text())[1].replace(",", ""))
    assert 2_500 < time < 5_000
    shown = float(page.locator("[data-at]").first.inner_text())
    assert shown == pytest.approx(schedule(page)(time, 0.001), rel=1e-4)
    page.mouse.move(10, 10)
    expect(page.locator("[data-at]").first).to_be_empty()
    page.get_by_label("Axis").select_option("epochs")
    page.get_by_label("Steps per epoch").fill("1000")
    settled(page)
    page.locator("#chart").focus()
    page.keyboard.press("End")
    expect(page.locator("#cursor")).to_have_text("epoch 10 · step 10,000")


def test_a_part_of_the_run_is_looked_at(page):
    box = page.locator("#chart").bounding_box()
    drawn, area = picture(page), figures(page)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 120, steps=5)
    page.mouse.up()
    expect(page.get_by_role("button", name="Whole run")).to_be_visible()
    settled(page)
    assert picture(page) != drawn
    assert figures(page) == area
    times = result(page)["times"]
    assert 3_500 < times[0] < times[-1] < 7_000
    page.get_by_role("button", name="Whole run").click()
    settled(page)
    assert result(page)["times"][-1] == 10_000
    page.locator("#chart").focus()
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="Whole run")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Whole run")).to_be_hidden()


def test_the_logarithmic_axis(page):
    drawn = picture(page)
    page.get_by_label("Log rate").check()
    settled(page)
    assert picture(page) != drawn
    set_design(page, {"schedule": "Absolute", "value": 0})
    assert result(page)["peak"] == 0  # which has no logarithm, and draws nothing


# -- out of the page


@pytest.mark.parametrize(
    "format", ["json", "expression", "csv", "npy", "pytorch", "optax", "keras", "transformers", "svg", "png"]
)
def test_every_format_is_exported(page, format):
    page.get_by_role("button", name="Export").click()
    page.locator(f"[data-format={format}]").click()
    expect(page.get_by_role("button", name="Download")).to_be_enabled(timeout=30_000)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    content = Path(waiting.value.path()).read_bytes()
    if format == "json":
        assert Schedule.from_json(content) == lucid.parse("cosine(10000)")
    elif format == "expression":
        assert lucid.parse(content.decode()) == lucid.parse("cosine(10000)")
    elif format == "csv":
        assert content.decode().splitlines()[:2] == ["step,value", "0,0.001"]
        assert content.count(b"\n") == 10_001
    elif format in ("npy", "png"):
        assert content[1:6] == {"npy": b"NUMPY", "png": b"PNG\r\n"}[format]
    elif format == "svg":
        assert b"<svg" in content
    else:
        compile(content, format, "exec")
        assert b"Cosine(steps=10000)" in content
    if format in ("svg", "png"):
        page.wait_for_function("() => document.querySelector('dialog img').naturalWidth > 100")


def test_code_is_copied(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Export").click()
    page.get_by_role("tab", name="PyTorch").click()
    expect(page.locator("dialog pre")).to_contain_text("LRScheduler(optimizer, lr=schedule)")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("dialog pre").inner_text()
    page.get_by_role("tab", name="CSV").click()
    expect(page.locator("dialog pre")).to_contain_text("step,value")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").count("\n") == 10_001  # all of it, of which the beginning is shown
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Share").click()
    expect(page.locator("#status")).to_contain_text("The address is copied")
    assert page.evaluate("navigator.clipboard.readText()") == address(page)


# -- how it looks


@pytest.mark.parametrize("width", [320, 360, 390, 768, 1000, 1440])
def test_nothing_is_wider_than_the_window(open_page, width):
    page = open_page(viewport={"width": width, "height": 844}, has_touch=width < 800)

    def fits():
        wide = page.evaluate(
            """() => [document.documentElement.scrollWidth, ...[...document.querySelectorAll("dialog .content")]
              .map((e) => e.scrollWidth - e.clientWidth + innerWidth)]"""
        )
        assert max(wide) <= width

    fits()
    places = page.locator(".tools button").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().top)")
    assert max(places) - min(places) < 20 or width < 360  # in one line
    page.get_by_role("button", name="+ Warm-up").click()
    set_design(
        page, lucid.parse("(warmup(500) >> cosine(4500).repeat(2)).maximum(0.1) >> wsd(1000, 100, shape=cosine(1))").to_dict()
    )
    page.locator("tr[data-id] [data-key^=dup]").first.click()
    settled(page)
    fits()
    for button in ("+ Phase", "Recipes", "Open", "Export", "Keyboard and help"):
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_selector("dialog[open]")
        fits()
        page.keyboard.press("Escape")
    page.locator("#phases [data-key^=more]").last.click()
    fits()


def test_dark_and_light(open_page):
    def ground(page):
        return page.evaluate("() => getComputedStyle(document.body).backgroundColor")

    light, dark = open_page(color_scheme="light"), open_page(color_scheme="dark")
    assert ground(light) != ground(dark)
    assert picture(light) != picture(dark)
    light.get_by_role("button", name="Theme").click()
    assert ground(light) == ground(dark)
    light.reload()
    settled(light)
    assert ground(light) == ground(dark)
    drawn = picture(dark)
    dark.emulate_media(color_scheme="light")
    assert ground(dark) != ground(light)
    dark.wait_for_function("(drawn) => document.querySelector('#chart canvas').toDataURL() !== drawn", arg=drawn)


def test_text_can_be_read_on_its_ground(open_page):
    """Contrast of at least 4.5 to 1 for everything that is written, in both themes."""
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        page.get_by_role("button", name="+ Warm-up").click()
        settled(page)
        page.locator("#status").evaluate("(e) => e.remove()")
        low = page.evaluate(CONTRAST)
        assert low == [], scheme


CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => sum + part * linear(c[i] / 255), 0);
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const c = rgba(getComputedStyle(at).backgroundColor);
      if (c[3] > 200) return c;
    }
    return [255, 255, 255, 255];
  };
  const aside = ":disabled, .away, .skip, [hidden], details:not([open]) > :not(summary)";
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const typed = e.matches("input:not([type=range], [type=checkbox], [type=radio]), textarea, select");
    const own = typed || [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest(aside) || !e.getClientRects().length) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return found;
}
"""


def test_everything_has_a_name(page):
    """Whatever takes the focus says what it is, to whoever does not see it."""
    page.get_by_role("button", name="+ Warm-up").click()
    settled(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, [tabindex='0']")]
          .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
          .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    labels = page.evaluate(
        "() => [...document.querySelectorAll('label[for]')].filter((e) => !document.getElementById(e.htmlFor)).length"
    )
    assert labels == 0


# -- safety and speed


def test_the_page_asks_this_machine_alone(started, playwright):
    """All that does not go to the studio itself would go through this proxy, which counts who comes."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]

        def count_all():
            while True:
                try:
                    wire, _ = proxy.accept()
                except OSError:
                    return
                with wire:
                    asked.append(wire.recv(200))

        thread = threading.Thread(target=count_all, daemon=True)
        thread.start()
        browser = studio.launch(playwright, f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=127.0.0.1")
        context = browser.new_context()
        requests = []
        context.on("request", lambda request: requests.append(request.url))
        page = studio.opened(context, started.url)
        page.get_by_role("button", name="+ Warm-up").click()
        settled(page)
        page.get_by_role("button", name="Export").click()
        page.locator("[data-format=svg]").click()
        expect(page.locator("dialog img")).to_be_visible(timeout=30_000)
        assert len(requests) > 10
        assert [url for url in requests if not url.startswith((started.origin + "/", "blob:" + started.origin))] == []
        assert [line for line in asked if b"google" not in line] == []  # Chromium's own, which no switch turns off
        with pytest.raises(Exception, match="ERR_"):  # and the proxy is no dummy
            page.goto("http://studio.example/")
        browser.close()
        proxy.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert any(b"studio.example" in line for line in asked)


def test_another_page_gets_nothing(open_page, started, browser):
    """A page of another origin on this machine, which has the cookie's site, neither reads nor frames nor posts."""
    page = open_page()
    with studio.running("cosine(5)") as other:
        foreign = browser.new_context(storage_state=page.context.storage_state()).new_page()
        foreign.goto(other.url)
        tried = foreign.evaluate(
            """async (origin) => {
              const found = [];
              for (const [path, options] of [["/", {}], ["/static/app.js", {}], ["/", { mode: "no-cors" }],
                   ["/api/parse", { method: "POST", body: "{}", mode: "no-cors" }],
                   ["/api/parse", { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } }]]) {
                try {
                  found.push((await fetch(origin + path, { ...options, credentials: "include" })).type);
                } catch (error) { found.push("refused"); }
              }
              return found;
            }""",
            started.origin,
        )
        foreign.context.close()
    assert set(tried) == {"refused"}


def test_the_token_leaves_the_address_and_is_needed(open_page, started, browser):
    page = open_page()
    assert "token" not in page.url
    assert page.evaluate("document.cookie") == ""
    [cookie] = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    stranger = browser.new_context().new_page()
    assert stranger.goto(started.origin).status == 403
    assert "open the address with the token" in stranger.content()
    stranger.context.close()


def crowding():
    """How many times longer than alone everything takes just now: other processes want the same cores."""
    wall, own = time.perf_counter(), time.process_time()
    while time.process_time() - own < 0.2:
        pass
    return (time.perf_counter() - wall) / (time.process_time() - own)


def test_redrawing_takes_at_most_100_ms(page):
    """From a slider's event until the curve stands, the median of 60."""
    page.get_by_role("button", name="+ Warm-up").click()
    settled(page)
    for _ in range(2):
        page.locator("tr[data-id] [data-key^=dup]").first.click()
        settled(page)
    measure = """async () => {
          const slider = document.querySelector("#phases .slider");
          const chart = document.getElementById("chart");
          const took = [];
          for (let i = 0; i < 60; i += 1) {
            const drawn = new Promise((done) => {
              const observer = new MutationObserver(() => { observer.disconnect(); done(); });
              observer.observe(chart, { attributes: true, attributeFilter: ["data-drawn"] });
            });
            const began = performance.now();
            slider.value = 200 + 100 * i;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await drawn;
            await new Promise(requestAnimationFrame);
            took.push(performance.now() - began);
          }
          return took;
        }"""
    # On a machine that others use as well, the best of some attempts tells about us.
    for _ in range(4):
        crowd = crowding()
        took = page.evaluate(measure)
        limit = 100 * max(crowd, crowding())
        if statistics.median(took) <= limit:
            break
    print(f"redraw of 3 candidates: median {statistics.median(took):.1f} ms, the slowest {max(took):.1f} ms")
    assert statistics.median(took) <= limit


def test_a_slider_that_is_faster_than_the_server_ends_where_it_stands(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url) if request.url.endswith("/api/curves") else None)
    page.evaluate(
        """() => { const slider = document.querySelector("#phases .slider");
          for (let i = 0; i < 200; i += 1) {
            slider.value = 1000 + 10 * i;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
          }
        }"""
    )
    settled(page)
    assert design(page)["steps"] == 2990
    assert result(page)["length"] == 2990
    assert len(requests) < 10


def test_it_is_ready_within_2_seconds():
    for _ in range(5):  # likewise
        crowd = crowding()
        with studio.running() as process:
            limit = 2 * max(crowd, crowding())
            assert process.stop() == (0, "")
        if process.seconds <= limit:
            break
    print(f"ready after {process.seconds:.2f} s")
    assert process.seconds <= limit


def test_the_page_has_at_most_300_kilobytes(open_page, started):
    page, answers = open_page(), []
    page.on("response", lambda one: answers.append(one))
    page.goto(started.url, wait_until="networkidle")
    settled(page)
    sizes = {one.url: len(one.body()) for one in answers if "/static/" in one.url or one.url.endswith("/")}
    print(f"{len(sizes)} files, {sum(sizes.values()):,} bytes")
    assert len(sizes) >= 10
    assert sum(sizes.values()) <= 300_000


def test_a_studio_that_stopped_is_told_of(open_page):
    with studio.running("cosine(5)") as process:
        page = open_page(process.url)
    with page.expect_console_message(lambda message: "ERR_CONNECTION_REFUSED" in message.text):  # Chromium's own
        field(page, "steps").fill("7")
    expect(page.locator("#status")).to_contain_text("The studio has stopped. Start it again with: lucid studio")
    settled(page)
    open_page.complaints[:] = [one for one in open_page.complaints if "ERR_CONNECTION_REFUSED" not in one]


def test_pictures_are_made(tmp_path, playwright):
    found = studio.pictures(tmp_path, playwright)
    assert [path.name for path in found] == ["studio.png", "studio-dark.png", "studio-phone.png", "studio-error.png"]
    assert all(path.stat().st_size > 20_000 for path in found)
