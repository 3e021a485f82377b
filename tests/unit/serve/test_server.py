"""Who gets an answer, and that nothing of a run is read as markup."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from harness.errors import InputError
from harness.serve.server import Pages, make_server, may_name
from tests.fixtures.run_under_way import HOSTILE, LiveRun

Get = Callable[..., tuple[int, dict[str, str], str]]


@pytest.fixture
def get(live_run: LiveRun) -> Iterator[Get]:
    live_run.hear(7)
    live_run.sample(10)
    with make_server(live_run.path.parent, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        port = server.server_address[1]

        def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers={"Host": f"127.0.0.1:{port}", **sent})
            answer = connection.getresponse()
            got = answer.status, dict(answer.getheaders()), answer.read().decode()
            connection.close()
            return got

        yield ask
        server.shutdown()


def test_the_pages(get: Get, live_run: LiveRun) -> None:
    name = live_run.path.name
    status, headers, page = get("/")
    assert status == 200
    assert f'href="/run/{name}"' in page
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, _, page = get(f"/run/{name}")
    assert status == 200
    assert "WER, %" in page
    assert "<title" in page
    status, _, part = get(f"/run/{name}/part")
    assert status == 200
    assert part in page
    assert part.startswith("<div id=")
    state = json.loads(get(f"/run/{name}/state.json")[2])
    assert state["counts"]["running"] == 1
    status, _, report = get(f"/run/{name}/report")
    assert status == 200
    for ended in state["ended"]:
        assert f'id="{ended["key"]}"' in report
        assert f"/run/{name}/report#{ended['key']}" in page
    assert json.loads(get("/runs.json")[2])[0]["run_id"] == name


def test_no_text_is_read_as_markup(get: Get, live_run: LiveRun) -> None:
    for path in ("/", f"/run/{live_run.path.name}", f"/run/{live_run.path.name}/part"):
        page = get(path)[2]
        assert "<img" not in page
        assert "\u202e" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert json.loads(get("/runs.json")[2])[0]["title"] == HOSTILE


@pytest.mark.parametrize(
    "path", ["/run", "/run/none", "/run/..%2f..", "/run/../../etc/passwd", "/x", "//", "/run/%00"]
)
def test_what_is_not_there(get: Get, path: str) -> None:
    status, _, body = get(path)
    assert (status, path == "//") in ((404, False), (200, True))
    assert "root:" not in body


def test_nothing_can_be_sent(get: Get) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert get("/", method)[0] == 501
    status, headers, body = get("/", "HEAD")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 1000


def test_what_has_not_changed_is_not_sent_again(get: Get) -> None:
    _, headers, _ = get("/part")
    status, _, body = get("/part", If_None_Match=headers["ETag"])
    assert (status, body) == (304, "")


def test_another_name_gets_nothing(get: Get) -> None:
    for host in ("evil.example", "evil.example:8765", "", "127.0.0.1.evil.example", "10.0.0.1"):
        status, _, body = get("/", Host=host)
        assert (status, "live" in body) == (403, False), host
    assert get("/", Host="localhost")[0] == 200


@pytest.mark.parametrize(
    ("host", "bound", "may"),
    [
        ("127.0.0.1:8765", "127.0.0.1", True),
        ("[::1]:8765", "::1", True),
        ("LOCALHOST", "127.0.0.1", True),
        ("lab-pc:8765", "127.0.0.1", False),
        ("lab-pc:8765", "0.0.0.0", True),
        ("10.1.2.3:8765", "0.0.0.0", True),
        ("rebound.example", "0.0.0.0", False),
        ("lab.example:80", "lab.example", True),
        ("[::1", "127.0.0.1", False),
        ("a b", "0.0.0.0", False),
    ],
)
def test_names(host: str, bound: str, may: bool) -> None:
    assert may_name(host, bound, frozenset({"lab-pc"})) == may


def test_one_run_alone_is_the_first_page(live_run: LiveRun) -> None:
    page = Pages(live_run.path).answer("/").body.decode()
    assert "All runs" not in page
    assert 'id="phones"' in page
    assert Pages(live_run.path).answer("/part").body.decode() in page


def test_a_damaged_run_says_so(live_run: LiveRun) -> None:
    (live_run.path / "run.json").write_text("{")
    answer = Pages(live_run.path.parent).answer(f"/run/{live_run.path.name}")
    assert answer.status == 500
    assert b"run.json" in answer.body


def test_a_port_that_is_taken(live_run: LiveRun) -> None:
    with (
        make_server(live_run.path, "127.0.0.1", 0) as server,
        pytest.raises(InputError, match="cannot listen"),
    ):
        make_server(live_run.path, "127.0.0.1", server.server_address[1])
