"""The studio's server: who is let in, what it answers, and that nothing that is posted breaks it."""

import contextlib
import gc
import http.client
import itertools
import json
import math
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import anyio.from_thread
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid import _curves, cli
from lucid._commands import UsageError
from lucid.schedules import Schedule
from lucid.schedules._schedule import _Composed
from lucid.studio import _design, _guard, _histories, _server

CATALOGUE = runpy.run_path(str(Path(__file__).with_name("catalogue.py")))
PORT, TOKEN = 8417, "a-token-of-this-run"
OURS = f"http://127.0.0.1:{PORT}"
COSINE = {"schedule": "Cosine", "steps": 100}
JSON = {"content-type": "application/json"}


class Client:
    """The application, asked as a browser asks it; without a network."""

    portal = None  # one event loop for all

    def __init__(self, app, cookies=None, fails=True):
        transport = httpx.ASGITransport(app, raise_app_exceptions=fails)
        self.asks = httpx.AsyncClient(transport=transport, base_url=OURS, cookies=cookies)

    def request(self, method, path, content=None, **more):
        async def sent():
            for part in content:
                yield part

        async def asked():
            body = sent() if content is not None and not isinstance(content, (str, bytes)) else content
            return await self.asks.request(method, path, content=body, **more)

        return Client.portal.call(asked)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, **more):
        return self.request("POST", path, **more)


@pytest.fixture(scope="module", autouse=True)
def loop():
    with anyio.from_thread.start_blocking_portal() as Client.portal:
        yield


@pytest.fixture(scope="module")
def app():
    return _server.application(PORT, TOKEN, _server.opening([("plan", lucid.parse("cosine(100)"))], None, 0.1))


@pytest.fixture(scope="module")
def stranger(app):
    """Who has no cookie."""
    return Client(app)


@pytest.fixture(scope="module")
def client(app):
    """The page, once it has the cookie."""
    client = Client(app)
    assert client.get("/", params={"token": TOKEN}).status_code == 303
    return client


def post(client, name, body, **more):
    return client.post(f"/api/{name}", content=json.dumps(body), headers={**JSON, **more})


def ask(client, name, body):
    answer = post(client, name, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def routes_of(app):
    """Every route, and some that are none."""
    found = [(method, route.path.replace("{name}", "app.js")) for route in app.routes for method in route.methods]
    return [
        *found,
        ("GET", "/nothing"),
        ("POST", "/api/nothing"),
        ("DELETE", "/"),
        ("PUT", "/api/curves"),
        ("OPTIONS", "/api/curves"),
    ]


REBINDING = [
    "evil.example", f"evil.example:{PORT}", f"127.0.0.1.evil.com:{PORT}", f"localhost.evil.com:{PORT}", f"localhost:{PORT + 1}",
    "127.0.0.1", "localhost", f"127.0.0.2:{PORT}", f"0.0.0.0:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}",
    f"127.0.0.1:{PORT}.", f"127.0.0.1:0{PORT}",
    f"2130706433:{PORT}", f"localhost.:{PORT}", f"user@127.0.0.1:{PORT}", "",
]  # fmt: skip
CASES = {
    **{f"Host {host or 'empty'}": {"host": host} for host in REBINDING},
    "Origin evil": {"origin": "http://evil.example"},
    "Origin null": {"origin": "null"},
    "Origin of another port": {"origin": f"http://127.0.0.1:{PORT + 1}"},
    "Origin without port": {"origin": "http://127.0.0.1"},
    "Origin https": {"origin": f"https://127.0.0.1:{PORT}"},
    "Origin localhost, Host 127.0.0.1": {"origin": f"http://localhost:{PORT}"},
    "Origin of a longer name": {"origin": f"{OURS}.evil.example"},
    "Origin empty": {"origin": ""},
    "Host = Origin = evil": {"host": f"evil.example:{PORT}", "origin": f"http://evil.example:{PORT}"},
    "Host = Origin = rebound": {"host": f"127.0.0.1.evil.com:{PORT}", "origin": f"http://127.0.0.1.evil.com:{PORT}"},
    "from another site": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    "from another port of this machine": {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_403_on_every_route_with_the_token(app, client, case):
    for method, path in routes_of(app):
        answer = client.request(method, path, headers={**JSON, **CASES[case]}, content="{}")
        assert answer.status_code == 403, (method, path, answer.text)
        assert method == "HEAD" or answer.json().keys() == {"error"}
    # Neither does the first address let such a request in, nor tell its cookie.
    answer = client.get("/", params={"token": TOKEN}, headers=CASES[case])
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "cookie",
    [None, "", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é"],
    ids=["none", "empty", "wrong", "short", "long", "upper", "not ASCII"],
)
def test_403_without_the_token_on_every_route(app, stranger, cookie):
    headers = {} if cookie is None else {"cookie": f"lucid-studio-{PORT}={cookie}".encode()}
    for method, path in routes_of(app):
        # Before it is known who asks, it is not told what else would be wrong.
        for more in ({"content-type": "text/plain"}, JSON, {**JSON, "content-length": str(_guard.BODY + 1)}):
            answer = stranger.request(method, path, headers={**more, **headers}, content="{}" if len(more) < 2 else None)
            assert answer.status_code == 403, (method, path, more)
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", "é" * 20])
def test_403_with_a_wrong_token_in_the_address(app, stranger, token):
    for method, path in routes_of(app):
        assert stranger.request(method, path, params={"token": token}).status_code == 403


def test_the_token_in_the_address_opens_no_other_route(app, stranger):
    for method, path in routes_of(app):
        if (method, path) not in (("GET", "/"),):
            assert stranger.request(method, path, params={"token": TOKEN}).status_code == 403, (method, path)
    assert stranger.get("/", params={"token": ["wrong", TOKEN]}).status_code == 403


def test_another_studios_cookie_is_no_cookie(stranger):
    assert stranger.get("/", headers={"cookie": f"lucid-studio-{PORT + 1}={TOKEN}"}).status_code == 403
    assert stranger.get("/", headers={"cookie": f"lucid-studio-{PORT}={TOKEN}"}).status_code == 200


def test_a_cookie_that_cannot_be_read(stranger):
    assert stranger.get("/", headers={"cookie": f"a[]=1; lucid-studio-{PORT}={TOKEN}"}).status_code in (200, 403)
    assert stranger.get("/", headers={"cookie": "a\x01b=2"}).status_code == 403


def test_the_first_address_gives_the_cookie_and_takes_the_token_away(stranger):
    answer = stranger.get("/", params={"token": TOKEN})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"lucid-studio-{PORT}=")
    for part in ("httponly", "samesite=strict", "path=/"):
        assert part in cookie
    assert "domain" not in cookie
    stranger.asks.cookies.clear()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_our_own_page_is_let_in_by_both_names(client, name):
    host = {"host": f"{name}:{PORT}", "origin": f"http://{name}:{PORT}", "sec-fetch-site": "same-origin"}
    assert post(client, "parse", {"text": "cosine(9)"}, **host).status_code == 200
    navigated = {"host": f"{name}:{PORT}", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=navigated).status_code == 200
    assert client.get("/static/app.js", headers=navigated).status_code == 403


def test_port_80_has_no_number():
    guard = _guard.Guard(None, 80, TOKEN)
    assert guard.hosts == {"127.0.0.1", "localhost", "127.0.0.1:80", "localhost:80"}


KINDS = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/jsonp",
    "",
    "text/json",
    "application/json, text/plain",
]


@pytest.mark.parametrize("kind", KINDS)
def test_415_for_what_is_no_json(app, client, kind):
    for method, path in routes_of(app):
        if method == "POST":
            assert client.post(path, content="{}", headers={"content-type": kind}).status_code == 415, path


def test_json_may_tell_its_encoding(client):
    body = json.dumps({"text": "cosine(9)"})
    assert (
        client.post("/api/parse", content=body, headers={"content-type": "Application/JSON; charset=utf-8"}).status_code == 200
    )


def test_413_for_what_is_too_long_on_every_route(app, client):
    for method, path in routes_of(app):
        if method != "POST":
            continue
        limit = _guard.LARGE if path == "/api/history" else _guard.BODY
        body = b'"' + b"x" * limit + b'"'
        assert client.post(path, content=body, headers=JSON).status_code == 413, path
        parts = itertools.chain([b'"'], itertools.repeat(b"x" * 65536, limit // 65536 + 1))  # which tells no length before
        assert client.post(path, content=parts, headers=JSON).status_code == 413, path
    assert client.post("/api/curves", content=b" " * _guard.BODY, headers=JSON).status_code == 400  # as long as may be


def test_every_answer_has_the_headers(app, client, stranger):
    answers = [client.request(method, path, headers=JSON, content="{}") for method, path in routes_of(app)]
    answers += [stranger.get("/"), stranger.get("/", params={"token": TOKEN}), client.get("/", headers={"host": "evil"})]
    answers += [client.post("/api/curves", content="{}", headers={"content-type": "text/plain"})]
    stranger.asks.cookies.clear()
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_unknown_routes_and_files(client):
    for path in (
        "/nothing",
        "/static/nothing.js",
        "/static/..%2f_server.py",
        "/static/%2e%2e/_server.py",
        "/static/LICENSE",
        "/api/curves",
    ):
        answer = client.get(path)
        assert answer.status_code in (404, 405), path
        assert answer.json().keys() == {"error"}


def test_the_page_is_small_and_asks_nobody_else(client):
    pages = _server._files()
    names = re.findall(r'(?:src|href)="/static/([^"]+)"', pages["index.html"][0].decode())
    assert {"app.js", "studio.css", "uPlot.iife.min.js"} <= set(names)
    assert sum(len(content) for content, _ in pages.values()) <= 300_000
    for name, (content, kind) in pages.items():
        text = content.decode()
        if name != "index.html":
            answer = client.get(f"/static/{name}")
            assert answer.content == content
            assert answer.headers["content-type"].startswith(kind)
        if not name.startswith("uPlot"):
            assert not re.findall(r"https?://(?!www\.w3\.org/)", text), name
            assert not re.findall(r"\b(eval|Function|innerHTML|document\.write)\b", text), name
            assert not re.findall(r"\bMath\.(cos|sin|exp|sqrt|tanh|pow)\b", text), name  # formulas are the server's
    html = pages["index.html"][0].decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", html)


def test_a_mistake_of_ours_tells_no_traceback(monkeypatch):
    monkeypatch.setattr(_design, "catalogue", lambda: 1 / 0)
    app = _server.application(PORT, TOKEN)
    client = Client(app, {f"lucid-studio-{PORT}": TOKEN}, fails=False)
    answer = post(client, "catalogue", {})
    assert answer.status_code == 500
    assert answer.json() == {"error": "the studio made a mistake, which the terminal tells more about"}
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


# -- curves


def curves(client, *designs, steps=100, lr=0.5, **more):
    return ask(client, "curves", {"candidates": list(designs), "steps": steps, "lr": lr, **more})


def design(text):
    return lucid.parse(text).to_dict()


@pytest.mark.parametrize("name", sorted(CATALOGUE["ROWS"]))
def test_every_value_is_the_schedules_own(client, name):
    for variant in CATALOGUE["ROWS"][name]:
        if (name, variant) in CATALOGUE["HOLD_FUNCTIONS"]:
            continue
        schedule = CATALOGUE["draw"](name, variant, 1)
        found = curves(client, schedule.to_dict(), steps=60, lr=0.25, columns=100)
        [told] = found["candidates"]
        assert lucid.parse(told["expression"]) == Schedule.from_dict(schedule.to_dict())
        expected = [schedule(t, 0.25) for t in found["times"]]
        assert told["values"] == pytest.approx(expected, rel=1e-9, abs=1e-12), repr(schedule)
        figures = _curves.figures(schedule, 60, 0.25)
        assert (told["area"], told["peak"], told["end"]) == pytest.approx((figures.area, figures.peak[1], figures.end))
        assert told["peak"] == pytest.approx(schedule(told["peak_at"], 0.25))
        assert told["length"] == (None if schedule.length == math.inf else schedule.length)
        assert told["boundaries"] == _curves.boundaries(schedule, 60)


def test_figures_of_a_line(client):
    [told] = curves(client, design("linear(4, 1, 0)"), steps=4, lr=0.5)["candidates"]
    assert (told["area"], told["peak"], told["peak_at"], told["end"], told["exact"]) == (1.25, 0.5, 0, 0, True)


def test_a_long_run_is_told_as_such_and_costs_no_more(client):
    began = time.process_time()
    [told] = curves(client, design("warmup(1e9) >> linear(1e12, 1, 0)"), steps=10**12, lr=1.0)["candidates"]
    assert time.process_time() - began < _design.SECONDS
    assert told["exact"] is False
    assert told["area"] == pytest.approx(10**12 * 0.5, rel=2e-3)


@pytest.mark.parametrize("steps", [100, 3_000, 50_000, 120_000])
def test_no_restart_and_no_spike_is_lost(client, steps):
    """Of a sawtooth whose teeth are narrower than a column, the line shows the whole height; and one step up is seen."""
    saw = design("linear(20, 1, 0).repeat()")
    spike = {"schedule": "Piecewise", "times": [0, steps // 3, steps // 3 + 1], "values": [0.25, 1.0, 0.25]}
    found = curves(client, saw, spike, steps=steps, lr=1.0, columns=300)
    assert len(found["times"]) < 300 * 8
    teeth, peak = (one["values"] for one in found["candidates"])
    assert max(peak) == 1.0
    for since in range(0, steps - steps // 20, max(steps // 20, 20)):
        seen = [v for t, v in zip(found["times"], teeth, strict=True) if since <= t <= since + max(steps // 20, 21)]
        assert max(seen) == 1.0
        assert min(seen) <= 0.05 + 1e-9


def test_a_jump_is_upright(client):
    found = curves(client, design("constant(1, 50) >> constant(0.5)"), steps=100, lr=1.0, columns=400)
    at = found["times"].index(50.0)
    values = found["candidates"][0]["values"]
    assert (values[at - 1], values[at]) == (1.0, 0.5)
    assert found["times"][at] - found["times"][at - 1] < 1e-9
    found = curves(client, design("constant(1, 5000) >> constant(0.5)"), steps=10**4, lr=1.0, columns=300)
    at = found["times"].index(5000.0)
    assert found["times"][at - 1] == 4999.0


def test_a_part_of_the_run_in_detail_with_the_figures_of_the_whole(client):
    whole = curves(client, design("cosine(1000)"), steps=1000)
    part = curves(client, design("cosine(1000)"), steps=1000, since=500, until=502.5, columns=200)
    assert (part["times"][0], part["times"][-1]) == (500.0, 502.5)
    assert len(part["times"]) >= 200
    assert {501.0, 502.0} <= set(part["times"])
    told = [{k: v for k, v in one["candidates"][0].items() if k != "values"} for one in (whole, part)]
    assert told[0] == told[1]
    tiny = curves(client, design("cosine(1000)"), steps=1000, since=1 / 3, until=1 / 3 + 1e-6, columns=200)
    assert 100 <= len(tiny["times"]) <= 400


def test_one_that_is_wrong_does_not_take_the_others_along(client):
    wrong = {
        "schedule": "Join",
        "parts": [COSINE, {"schedule": "Scale", "factor": 1, "of": {"schedule": "Cosine", "steps": 0}}],
    }
    first, second = curves(client, wrong, COSINE)["candidates"]
    assert first == {"error": {"path": ["parts", 1, "of"], "field": "steps", "message": "Cosine: steps must be > 0, got 0"}}
    assert second["area"] > 0


FAULTS = [
    ({"schedule": "Cosin", "steps": 1}, [], None, "unknown schedule 'Cosin'; did you mean 'Cosine'?"),
    ({"schedule": "Cosine", "step": 1}, [], "step", "Cosine: unknown field 'step'; did you mean 'steps'?"),
    ({"schedule": "Cosine"}, [], "steps", "Cosine: field 'steps' is missing"),
    ({"schedule": "Cosine", "steps": "x"}, [], "steps", "Cosine: steps must be a number, got 'x'"),
    ({"schedule": "MultiStep", "milestones": [1, -2]}, [], "milestones", "MultiStep: milestones[1] must be >= 0, got -2"),
    ({"schedule": "Join", "parts": [{"schedule": "Constant"}, COSINE]}, [], None, "Constant() has no end"),
    ({"schedule": "Sum", "parts": [COSINE, {"schedule": "Nope"}]}, ["parts", 1], None, "unknown schedule 'Nope'"),
    (7, [], None, "a schedule configuration must be a mapping, got 7"),
]


@pytest.mark.parametrize(("wrong", "path", "field", "message"), FAULTS)
def test_errors_say_where(client, wrong, path, field, message):
    error = curves(client, wrong)["candidates"][0]["error"]
    assert (error["path"], error["field"]) == (path, field)
    assert message in error["message"]


REFUSED = [
    ("curves", {"candidates": [], "steps": 1, "lr": 1}, "candidates must be a list of 1 to 8"),
    ("curves", {"candidates": [COSINE] * 9, "steps": 1, "lr": 1}, "candidates must be a list of 1 to 8"),
    ("curves", {"candidates": [COSINE], "steps": 0, "lr": 1}, "steps must be a whole number >= 1, got 0"),
    ("curves", {"candidates": [COSINE], "steps": 1e13, "lr": 1}, r"steps must be <= 1e\+12"),
    ("curves", {"candidates": [COSINE], "steps": 1, "lr": -1}, "lr must be >= 0, got -1"),
    ("curves", {"candidates": [COSINE], "steps": 1, "lr": "x"}, "lr must be a number, got 'x'"),
    ("curves", {"candidates": [COSINE], "steps": 1, "lr": 1, "columns": 10**6}, "columns must be <= 4096"),
    ("curves", {"candidates": [COSINE], "steps": 9, "lr": 1, "since": 5, "until": 5}, "to must be later than from, 5, got 5"),
    ("curves", {"candidates": [COSINE], "steps": 9}, "'lr' is missing"),
    ("curves", {"candidates": [COSINE], "steps": 9, "lr": 1, "x": 2}, "unknown 'x'; there are candidates, steps"),
    ("curves", [], "the body must be a JSON object"),
    ("parse", {"text": 5}, "text must be text"),
    ("change", {"design": COSINE, "action": "split"}, "Cosine is not made of others"),
    ("change", {"design": COSINE, "action": "explode"}, "unknown change 'explode'; there are 'warmup' and 'split'"),
    ("change", {"design": COSINE, "action": "warmup", "steps": 0}, "warmup must be > 0, got 0"),
    ("change", {"design": {}, "action": "split"}, "unknown schedule None"),
    ("example", {"name": "Nope", "steps": 9, "lr": 1}, "unknown schedule 'Nope'"),
    ("example", {"name": [], "steps": 9, "lr": 1}, r"unknown schedule \[\]"),
    ("recipe", {"name": "wsdd", "steps": 9}, "unknown recipe 'wsdd'; did you mean 'wsd'?"),
    ("export", {"design": COSINE, "format": "xml", "steps": 9, "lr": 1}, "unknown format 'xml'; there are json, expression"),
    ("export", {"design": COSINE, "format": "csv", "steps": 10**7, "lr": 1}, r"steps must be <= 1e\+06"),
    ("export", {"design": {"schedule": "Scale", "of": COSINE, "factor": 1e300}, "format": "csv", "steps": 9, "lr": 1e10},
     "the value at 0 is inf; make the schedule smaller or shorter"),
    ("picture", {"candidates": [COSINE], "steps": 9, "lr": 1, "format": "gif"}, "unknown format 'gif'; there are svg, png"),
    ("picture", {"candidates": [], "steps": 9, "lr": 1, "format": "svg"}, "candidates must be a list of 1 to 8"),
    ("picture", {"candidates": [COSINE], "steps": 9, "lr": 1, "format": "svg", "names": [1]}, "names must be as many texts"),
    ("history", {"name": 1, "text": ""}, "name and text must be text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "message"), REFUSED)
def test_what_is_refused_says_why(client, name, body, message):
    answer = post(client, name, body)
    assert answer.status_code == 400
    assert re.search(message, answer.json()["error"]), answer.text


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"text": NaN}', b'{"text": 1e999}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000, b"9" * 5000]
)
def test_400_for_what_is_no_strict_json(client, body):
    answer = client.post("/api/parse", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_values_beyond_every_float_are_told_and_not_drawn(client):
    [told] = curves(client, {"schedule": "Scale", "of": {"schedule": "Constant"}, "factor": 1e300}, lr=1e20)["candidates"]
    assert set(told["values"]) == {None}
    assert (told["finite"], told["area"], told["peak"], told["end"]) == (False, None, None, None)


# -- bounds


# One that comes while the interpreter calls back, such as for a weak reference, is lost with a complaint; another follows.
lost = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def without_callbacks_of_gc():
    """What is raised in one is lost, with a complaint that is an error in tests."""
    kept = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = kept


@lost
def test_a_deadline_that_is_not_heard_comes_again(monkeypatch):
    monkeypatch.setattr(_design, "_AGAIN", 0.02)
    heard = []

    def deaf():
        while True:
            try:
                while True:
                    sum(range(100))
            except _design.TooLong:
                heard.append(1)
                if len(heard) == 3:
                    raise

    with pytest.raises(_design.TooLong), _design.deadline(0.02):
        deaf()
    for _ in range(20):  # and none comes after
        time.sleep(0.005)
    with _design.deadline(60):
        pass


@lost
def test_a_short_text_that_describes_a_long_computation_is_stopped(client, monkeypatch, without_callbacks_of_gc):
    monkeypatch.setattr(_design, "SECONDS", 0.3)
    one = {"schedule": "CosineRestarts", "steps": 10, "times": 10_000, "growth": 0.9999}
    many = {"schedule": "Sum", "parts": [one] * 60}
    began = time.process_time()
    answer = post(client, "curves", {"candidates": [many], "steps": 10**9, "lr": 1})
    assert time.process_time() - began < 5
    assert answer.status_code == 400
    assert answer.json() == {"error": "this takes longer than 0.3 s to compute; make it simpler"}
    assert curves(client, COSINE)["candidates"][0]["area"] > 0  # and what comes after is not hit


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="this system tells no thread's time")
def test_a_busy_machine_refuses_nothing(client, monkeypatch):
    """What takes long because others compute is within its time."""
    monkeypatch.setattr(_design, "SECONDS", 0.5)
    catalogue = _design.catalogue

    def crowded():
        time.sleep(0.8)
        return catalogue()

    monkeypatch.setattr(_design, "catalogue", crowded)
    assert post(client, "catalogue", {}).status_code == 200


@lost
def test_where_no_thread_has_a_time_of_its_own_the_clock_on_the_wall_counts(monkeypatch):
    monkeypatch.delattr(time, "pthread_getcpuclockid", raising=False)

    def idle():
        for _ in range(10_000):
            time.sleep(0.01)

    with pytest.raises(_design.TooLong), _design.deadline(0.5):
        idle()


def test_the_limit_that_is_told_is_the_one_that_held(client, monkeypatch):
    def endless(*_, **__):
        raise _design.TooLong

    monkeypatch.setattr(_server, "_picture", endless)
    answer = post(client, "picture", {"candidates": [COSINE], "steps": 10, "lr": 1, "format": "svg"})
    assert answer.json() == {"error": "this takes longer than 60 s to compute; make it simpler"}


@lost
def test_the_deadline_hits_nobody_afterwards():
    def for_ever():
        with _design.deadline(0.05):
            while True:
                sum(range(100))

    with pytest.raises(_design.TooLong):
        for_ever()
    for _ in range(20):  # on a busy machine, even nothing may take as long
        with contextlib.suppress(_design.TooLong), _design.deadline(0.01):
            pass
    time.sleep(0.05)


def test_a_design_has_at_most_so_many_values(client):
    error = curves(client, {"schedule": "MultiStep", "milestones": [1] * 5000})["candidates"][0]["error"]
    assert "more than 4000 values" in error["message"]
    deep = COSINE
    for _ in range(70):
        deep = {"schedule": "Scale", "of": deep, "factor": 1}
    assert "nested deeper than 64" in curves(client, deep)["candidates"][0]["error"]["message"]
    head = '{"candidates": [' + '{"schedule": "Scale", "factor": 1, "of": ' * 900
    body = head + json.dumps(COSINE) + "}" * 900 + '], "steps": 9, "lr": 1}'
    answer = client.post("/api/curves", content=body, headers=JSON)
    assert "nested" in answer.text


def test_repeats_without_number_cost_nothing(client):
    endless = {"schedule": "Repeat", "of": {"schedule": "Cosine", "steps": 1e-3}, "times": 2**53}
    assert curves(client, endless, steps=10**9)["candidates"][0]["peak"] > 0


JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["schedule", "steps", "of", "parts", "end", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
FIELDS = [
    "candidates",
    "steps",
    "lr",
    "columns",
    "since",
    "until",
    "advice",
    "text",
    "design",
    "action",
    "name",
    "format",
    "names",
    "log",
    "time",
]
NAMES = sorted(CATALOGUE["ROWS"])
DESIGNS = st.deferred(
    lambda: st.builds(
        lambda name, more: {"schedule": name, **more},
        st.sampled_from(NAMES),
        st.dictionaries(
            st.sampled_from(
                ["steps", "of", "parts", "end", "start", "factor", "by", "times", "k", "shape", "values", "growth", "previous"]
            ),
            st.integers(-2, 50) | st.floats(0, 1e308) | st.none() | DESIGNS | st.lists(DESIGNS | st.integers(0, 9), max_size=3),
            max_size=4,
        ),
    )
)


@settings(max_examples=150)
@given(st.data())
def test_no_body_makes_a_500(client, data):
    name = data.draw(st.sampled_from(["curves", "parse", "change", "example", "recipe", "export", "history", "catalogue"]))
    known = {
        "curves": {
            "candidates": st.lists(DESIGNS, min_size=1, max_size=3),
            "steps": st.integers(1, 10**12),
            "lr": st.floats(0, 10),
            "columns": st.integers(1, 300),
        },
        "change": {"design": DESIGNS, "action": st.sampled_from(["warmup", "split"]), "steps": st.integers(0, 100)},
        "example": {"name": st.sampled_from(NAMES), "steps": st.floats(0, 1e12), "lr": st.floats(0, 1e30)},
        "recipe": {"name": st.sampled_from(lucid.recipes.names()), "steps": st.integers(1, 10**12)},
        "export": {
            "design": DESIGNS,
            "format": st.sampled_from(_server.FORMATS),
            "steps": st.integers(1, 99),
            "lr": st.floats(0, 1),
        },
        "parse": {"text": st.text(max_size=30)},
        "history": {"name": st.sampled_from(["a.csv", "b.jsonl", "c"]), "text": st.text(max_size=60)},
    }.get(name, {})  # fmt: skip
    body = data.draw(st.fixed_dictionaries(known) | st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSONS)) | JSONS)
    body = {**body, "schedule": "Cosine"} if isinstance(body, dict) and data.draw(st.integers(0, 20)) == 0 else body
    answer = post(client, name, body)
    assert answer.status_code in (200, 400), answer.text
    assert "Traceback" not in answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]


@given(DESIGNS)
@settings(max_examples=150)
def test_a_fault_is_found_wherever_there_is_one(design):
    try:
        _design.built(design)
    except ValueError as error:
        told = _design.refused(design, error)
        at = design
        for key in told["path"]:
            at = at[key]
        assert told["message"]
        with pytest.raises(ValueError):
            _design.built(at)
    else:
        assert _design.fault(design) is None


# -- forms


def test_the_forms_cover_the_registry(client):
    found = {one["name"]: one for one in ask(client, "catalogue", {})["families"]}
    for name, made_of in Schedule._registry.items():
        if not made_of.__module__.startswith("lucid.schedules."):
            continue
        told = found[name]
        assert [field["name"] for field in told["fields"]] == list(made_of._kinds)
        assert told["composed"] == issubclass(made_of, _Composed)
        assert told["summary"]
        assert told["group"] in _design.GROUPS
        assert told["group"] != "Yours"
        for field in told["fields"]:
            assert [kind["kind"] for kind in field["kinds"]] == [kind for kind, _ in made_of._kinds[field["name"]]]


def test_every_example_fits_any_run(client):
    for one in ask(client, "catalogue", {})["families"]:
        if not Schedule._registry[one["name"]].__module__.startswith("lucid.schedules."):
            continue  # what another test has imported may be a product of a billion calls
        for steps, lr in ((10_000, 1e-3), (7, 3.0), (10**9, 1e-8)):
            made = ask(client, "example", {"name": one["name"], "steps": steps, "lr": lr})["design"]
            schedule = Schedule.from_dict(made)
            assert type(schedule).__name__ == one["name"]
            if "steps" in made and one["group"] == "Decay":
                assert schedule.length == pytest.approx(steps, rel=0.02), made
            [told] = curves(client, made, steps=steps, lr=lr, columns=50)["candidates"]
            assert told["finite"], made
            if one["name"] in ("Absolute", "Cyclic"):  # which say rates themselves
                assert 0 < told["peak"] <= lr * 1.001, made


def test_which_fields_are_times_and_which_are_rates(client):
    fields = {
        (one["name"], field["name"]): field for one in ask(client, "catalogue", {})["families"] for field in one["fields"]
    }
    times = {
        "Cosine.steps",
        "Step.every",
        "WSD.decay_steps",
        "Shift.by",
        "MultiStep.milestones",
        "Cyclic.steps_up",
        "Piecewise.times",
    }
    for key, field in fields.items():
        if ".".join(key) in times:
            assert field["time"], key
    for key in (("Cosine", "end"), ("Stretch", "by"), ("Repeat", "times"), ("KDecay", "k"), ("Noam", "model_size")):
        assert not fields[key]["time"], key
    assert [key for key in (("Cosine", "end"), ("Absolute", "value"), ("Cyclic", "peak")) if not fields[key]["absolute"]] == []
    assert not fields[("Linear", "end")]["absolute"]


def test_a_class_of_the_users_is_there_too(client):
    class Halved(Schedule):
        """Half of the base, for ever."""

        steps: float
        odd: dict

        def __call__(self, t, base=1.0):
            if t > 1e9:  # which arrays do not take
                return base
            return base / 2

    class Failing(Schedule):
        r"""It raises. :math:`\nonsense`"""

        def __call__(self, t, base=1.0):
            raise KeyError("no")

    try:
        found = {one["name"]: one for one in ask(client, "catalogue", {})["families"]}
        assert found["Halved"]["group"] == "Yours"
        assert [field["kinds"] for field in found["Halved"]["fields"]] == [[], []]
        made = {"schedule": "Halved", "steps": 5, "odd": 1}
        both = {"schedule": "Sum", "parts": [made, COSINE]}
        one, two, three = curves(client, made, both, {"schedule": "Failing"}, steps=4, lr=1.0)["candidates"]
        assert set(one["values"]) == {0.5}
        assert two["peak"] == 1.5
        assert three == {"error": {"path": [], "field": None, "message": "Failing: 'no'"}}
    finally:
        for name in ("Halved", "Failing"):
            Schedule._registry.pop(name)


def test_numbers_of_javascript_are_written_as_python_would(client):
    sent = {"schedule": "Warmup", "steps": 5, "start": None, "shape": "linear"}
    told = {"schedule": "Join", "parts": [sent, {"schedule": "Cosine", "steps": 9, "end": 0, "hold": True, "exponent": 1}]}
    assert curves(client, told)["candidates"][0]["expression"] == "Warmup(steps=5, start=0.0) >> Cosine(steps=9)"


# -- reading, changing, exporting


@pytest.mark.parametrize("text", ["warmup(5) >> cosine(95)", '{"schedule": "Cosine", "steps": 9}', "  \n cosine(3)"])
def test_parse_reads_expressions_and_json(client, text):
    found = ask(client, "parse", {"text": text})
    read = Schedule.from_json(text) if text.startswith("{") else lucid.parse(text)
    assert found == {"design": read.to_dict(), "expression": repr(read), "name": type(read).__name__}
    assert ask(client, "parse", {"text": found["expression"]})["design"] == found["design"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosin(5)", "did you mean 'Cosine'"),
        ('{"schedule": "Cosine", "steps": }', "is no JSON"),
        ('{"schedule": "Cosine", "steps": NaN}', "NaN is no finite number"),
        ("[1]", "must be a mapping"),
        ("/etc/passwd", "is no expression"),
        (__file__, "is no expression"),
        ("__import__('os').system('true')", "unknown schedule '__import__'"),
        ("lambda t: t", "cannot stand in a schedule's expression"),
        ("", "is no expression"),
    ],
)
def test_parse_tells_the_reason_and_runs_nothing(client, text, message):
    assert message in ask(client, "parse", {"text": text})["error"]


def test_a_warm_up_is_what_schedules_make(client):
    for text in ("cosine(95)", "cosine(95, end=0.1).clip(0.2)", "one_cycle(50)"):
        made = ask(client, "change", {"design": design(text), "action": "warmup", "steps": 5})["design"]
        assert Schedule.from_dict(made) == lucid.parse(text).warmup(5)
    for text in ("wsd(90, 20, 10)", "warmup(5)"):
        told = ask(client, "change", {"design": design(text), "action": "warmup", "steps": 5})["error"]
        assert told == "It begins at 0, where a warm-up in front of it would stay; lengthen its own rise instead"


def test_a_composition_is_split_into_what_it_is_made_of(client):
    wsd = design("wsd(90, 20, 10)")
    made = ask(client, "change", {"design": wsd, "action": "split"})["design"]
    assert made["schedule"] != "WSD"
    a, b = curves(client, wsd, made)["candidates"]
    assert a["values"] == b["values"]


def test_recipes(client):
    for name in [one["name"] for one in ask(client, "catalogue", {})["recipes"]]:
        made = ask(client, "recipe", {"name": name, "steps": 1000})["design"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the Transformer's warm-up is longer
            assert Schedule.from_dict(made) == lucid.recipe(name, 1000)


def test_advice_is_lucids(client):
    [told] = curves(client, design("warmup(200) >> cosine(800)"), steps=100)["candidates"]
    with pytest.warns(UserWarning, match="still on its way up"):
        assert told["advice"] == lucid.advise(lucid.parse("warmup(200) >> cosine(800)"), 100)
    assert curves(client, design("cosine(100)"))["candidates"][0]["advice"] == []


def test_exports_are_those_of_the_command(client, capfdbinary):
    for format in _server.FORMATS:
        answer = post(client, "export", {"design": design("cosine(20)"), "format": format, "steps": 20, "lr": 0.5})
        assert answer.status_code == 200
        if format == "expression":
            assert answer.text == "Cosine(steps=20)\n"
            continue
        more = [] if format == "json" else ["--lr", "0.5", "--steps", "20"]
        assert cli.main(["export", "cosine(20)", "--format", format, *more]) == 0
        assert answer.content == capfdbinary.readouterr().out


def test_pictures(client):
    body = {"candidates": [COSINE, design("step(20)")], "names": ["a", "b"], "steps": 100, "lr": 0.1}
    assert b"<svg" in post(client, "picture", {**body, "format": "svg"}).content
    png = post(client, "picture", {**body, "format": "png", "log": True})
    assert png.content.startswith(b"\x89PNG")
    assert png.headers["content-type"] == "image/png"


# -- runs


def test_a_history_that_is_posted(client):
    text = "step,lr-SGD,loss\n0,0.1,3\n1,0.2,2\n5,0.3,1\n6,,1\n"
    found = ask(client, "history", {"name": "run.csv", "text": text})
    [curve] = found["curves"]
    assert (curve["label"], curve["times"], curve["values"]) == ("lr-SGD", [0, 1, 5], [0.1, 0.2, 0.3])
    assert curve["area"] == pytest.approx(0.1 + 4 * 0.2 + 4 * 0.3)  # between records the last one holds
    assert (curve["peak"], curve["end"], curve["steps"]) == (0.3, 0.3, 3)
    assert found["notes"] == []
    rows = '{"step": 0, "lr-Adam/pg1": 1.0, "lr-Adam/pg2": 0.5}\n{"step": 1, "lr-Adam/pg1": 2.0'
    found = ask(client, "history", {"name": "run.jsonl", "text": rows})
    assert [curve["label"] for curve in found["curves"]] == ["lr-Adam/pg1", "lr-Adam/pg2"]
    assert "ends within a line" in found["notes"][0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "step,loss\n0,1\n", "no column of rates, such as lr or lr-SGD; its columns are loss"),
        ("a.csv", "step,lr\nx,1\n", "line 2"),
        ("a.txt", "step,lr\n0,1\n", "a.txt"),
        ("../../etc/passwd.csv", "x", "passwd.csv"),
    ],
)
def test_a_history_that_cannot_be_read_says_why(client, name, text, message):
    assert message in ask(client, "history", {"name": name, "text": text})["error"]


def test_a_long_history_keeps_its_extremes(client):
    rates = [0.1] * 100_000
    rates[54_321] = 0.9
    text = "step,lr\n" + "".join(f"{i},{rate}\n" for i, rate in enumerate(rates))
    [curve] = ask(client, "history", {"name": "run.csv", "text": text})["curves"]
    assert len(curve["times"]) < 10_000
    assert max(curve["values"]) == curve["peak"] == 0.9


def test_the_opening_has_what_the_command_line_said(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("step,lr\n0,0.5\n1,0.25\n")
    start = _server.opening([("a", lucid.parse("cosine(90)")), ("b", lucid.parse("step(5)"))], None, 0.1, [str(path)])
    assert start["steps"] == 90
    assert [one["name"] for one in start["candidates"]] == ["a", "b"]
    assert start["histories"][0]["name"] == "run.csv"
    assert _server.opening([], None, 0.1)["steps"] == 10_000
    assert _server.opening([("a", lucid.parse("cosine(90)"))], 50, 0.1)["steps"] == 50
    client = Client(_server.application(PORT, TOKEN, start), {f"lucid-studio-{PORT}": TOKEN})
    assert ask(client, "catalogue", {})["start"] == start
    with pytest.raises(FileNotFoundError):
        _histories.opened(str(tmp_path / "none.csv"))


# -- the process


def test_listening_is_for_this_machine_alone():
    with _server.listen(0) as listener:
        address, port = listener.getsockname()
        assert address == "127.0.0.1"
        with pytest.raises(
            UsageError, match=rf"^port {port} cannot be listened on: .*; name another with --port, or 0 for any$"
        ):
            _server.listen(port)


def test_the_usual_port_gives_way(monkeypatch):
    with _server.listen(0) as taken:
        monkeypatch.setattr(_server, "PORT", taken.getsockname()[1])
        with _server.listen(None) as other:
            assert other.getsockname()[1] != taken.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cosin(5)"], "did you mean 'Cosine'"),
        (["--history", "/nowhere/run.csv"], "/nowhere/run.csv"),
        (["--import", "no_such_module"], "there is no module 'no_such_module' to import, neither here nor installed"),
        (["--import", "lucid.no_such"], "there is no module 'lucid.no_such'"),
        (["cosine(5)"] * 9, "at most 8 schedules"),
    ],
)
def test_the_command_refuses(capsys, monkeypatch, arguments, message):
    monkeypatch.setattr(_server, "serve", lambda *given: pytest.fail("it served"))
    monkeypatch.setattr(sys, "path", sys.path.copy())
    assert cli.main(["studio", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("port", ["x", "-1", "65536", "1.5"])
def test_ports_are_numbers(capsys, port):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["studio", "--port", port])
    assert stopped.value.code == 2
    assert "must be a whole number from 0 to 65535" in capsys.readouterr().err


def test_the_command_hands_over_what_it_was_given(monkeypatch, tmp_path):
    given = []
    monkeypatch.setattr(_server, "serve", lambda *args: given.append(args))
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(tmp_path)
    Path("studio_of_mine.py").write_text(
        "from lucid.schedules import Schedule\nclass OfMine(Schedule):\n    def __call__(self, t, base=1.0): return base\n"
    )
    try:
        arguments = ["of_mine()", "cosine(50)", "--lr", "0.2", "--port", "0", "--import", "studio_of_mine", "--no-browser"]
        assert cli.main(["studio", *arguments]) == 0
    finally:
        Schedule._registry.pop("OfMine", None)
        sys.modules.pop("studio_of_mine", None)
    [(start, port, opened)] = given
    assert (port, opened) == (0, None)
    assert [one["name"] for one in start["candidates"]] == ["of_mine()", "cosine(50)"]
    assert (start["steps"], start["lr"]) == (50, 0.2)
    cli.main(["studio", "--steps", "7"])
    assert given[1][0]["steps"] == 7
    assert given[1][1] is None
    assert given[1][2] is not None


@pytest.fixture
def process():
    command = [sys.executable, "-m", "lucid.cli", "studio", "cosine(100)", "--port", "0", "--no-browser"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    yield running
    running.kill()
    running.wait()
    running.stdout.close()
    running.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
def test_a_real_process_from_start_to_ctrl_c(process):
    said = process.stdout.readline()
    port, token = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{40,})", said).groups()
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)

    def get(path, **headers):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("set-cookie"), answer.read()

    assert get("/")[0] == 403
    status, cookie, _ = get(f"/?token={token}")
    assert status == 303
    cookie = cookie.partition(";")[0]
    assert get("/", Cookie=cookie)[0] == 200
    assert get("/", Cookie=cookie, Host=f"evil.example:{port}")[0] == 403
    assert get("/", Cookie=cookie, Host=f"localhost:{port}")[0] == 200
    assert b"Traceback" not in get("/static/nothing.js", Cookie=cookie)[2]

    def raw(head):
        with socket.create_connection(("127.0.0.1", int(port)), 60) as wire:
            wire.sendall(head.encode() + b"\r\n\r\n")
            return int(wire.recv(64).split()[1])

    ours = f"Host: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nConnection: close"
    assert raw(f"GET / HTTP/1.1\r\n{ours}") == 200
    assert raw(f"GET / HTTP/1.0\r\nCookie: {cookie}") == 403  # no Host
    assert raw(f"GET / HTTP/1.1\r\n{ours}\r\nHost: evil.example") in (400, 403)
    assert raw(f"GET http://evil.example/ HTTP/1.1\r\n{ours}") in (200, 400, 403, 404)
    assert raw(f"GET / HTTP/1.1\r\n{ours}\r\nOrigin: http://evil.example") == 403
    assert raw(f"GET / HTTP/1.1\r\n{ours}\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13") in (
        200,
        400,
        403,
        426,
    )
    assert raw(f"POST /api/parse HTTP/1.1\r\n{ours}\r\nContent-Type: application/json\r\nContent-Length: 99999999") == 413
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == ""
    assert "Traceback" not in out
    connection.close()
