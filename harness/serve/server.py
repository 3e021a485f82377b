"""The live page over HTTP: read-only, for this computer unless told otherwise.

Whoever can reach it can read it, so it listens on loopback by default, and answers only requests
that name it by an address or a name of its own: a page from elsewhere whose name was made to point
here (DNS rebinding) names itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from harness.errors import HarnessError, InputError
from harness.report.load import load_runs
from harness.report.page import render
from harness.serve.metrics import CONTENT_TYPE, LabMetrics
from harness.serve.page import run_page, runs_page
from harness.serve.state import RunsWatch, RunWatch

_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
REPORT_AGE_S: Final = 20.0
"""A report of a run that still goes on is made anew after so long."""
_SLOW_S: Final = 30.0
"""A client that says nothing for so long is let go."""


@dataclass(frozen=True)
class _Answer:
    status: HTTPStatus
    kind: str
    body: bytes


class Pages:
    """What there is to see.

    Args:
        path: ``runs/``, or one run folder.
        metrics: Also what Prometheus reads, under ``/metrics``.
    """

    def __init__(self, path: Path, metrics: bool = False) -> None:
        self._runs = RunsWatch(path)
        self._metrics = LabMetrics(self._runs) if metrics else None
        self._lock = threading.Lock()
        self._reports: dict[str, tuple[float, bytes]] = {}

    def answer(self, path: str, query: str = "") -> _Answer:
        """Return what a path shows.

        Args:
            path: Of the URL.
            query: What stands behind its question mark.
        """
        parts = [unquote(part) for part in path.split("/") if part]
        try:
            with self._lock:  # the curves are read on from where the last reader stopped
                return self._route(parts, parse_qs(query))
        except HarnessError as error:
            return _text(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    def _route(self, parts: list[str], asked: Mapping[str, list[str]]) -> _Answer:
        if self._runs.alone and parts in ([], ["part"]):
            parts = ["run", self._runs.names()[0], *parts]
        if parts in ([], ["part"]):
            sort, up = asked.get("sort", [""])[0], "up" in asked.get("order", [])
            return _page(runs_page(self._runs.briefs(), parts == ["part"], sort, up))
        if parts == ["compare"]:
            return self._compare(asked.get("run", []))
        if parts == ["metrics"] and self._metrics is not None:
            return _Answer(HTTPStatus.OK, CONTENT_TYPE, self._metrics.text())
        if parts == ["runs.json"]:
            return _json([brief.model_dump(mode="json") for brief in self._runs.briefs()])
        watch = self._runs.watch(parts[1]) if parts[0] == "run" and len(parts) > 1 else None
        if watch is None:
            return _text(HTTPStatus.NOT_FOUND, "There is no such page here.")
        match parts[2:]:
            case []:
                return _page(run_page(watch.state(), self._runs.alone))
            case ["part"]:
                return _page(run_page(watch.state(), self._runs.alone, part=True))
            case ["state.json"]:
                return _json(watch.state().model_dump(mode="json"))
            case ["report"]:
                return _Answer(HTTPStatus.OK, _HTML, self._report(parts[1], watch))
        return _text(HTTPStatus.NOT_FOUND, "There is no such page here.")

    def _compare(self, names: Sequence[str]) -> _Answer:
        """Return the report of two runs, with what differs."""
        chosen = [watch for name in names if (watch := self._runs.watch(name)) is not None]
        if len(chosen) != 2 or len(names) != 2:
            return _text(HTTPStatus.BAD_REQUEST, "Choose two runs in the list, then compare.")
        chosen.sort(key=lambda watch: watch.brief().started_utc)
        page = render(load_runs([watch.folder.path for watch in chosen]))
        return _Answer(HTTPStatus.OK, _HTML, page.encode())

    def _report(self, name: str, watch: RunWatch) -> bytes:
        """Return a run's report: as it was written at its end, or made for this request."""
        folder = watch.folder
        if watch.brief().stage == "finished" and folder.report_path.is_file():
            return folder.report_path.read_bytes()
        made, page = self._reports.get(name, (0.0, b""))
        if not page or time.monotonic() - made > REPORT_AGE_S:
            page = render(load_runs([folder.path])).encode()
            self._reports = {name: (time.monotonic(), page)}
        return page


def _page(text: str) -> _Answer:
    return _Answer(HTTPStatus.OK, _HTML, text.encode())


def _json(value: object) -> _Answer:
    return _Answer(HTTPStatus.OK, _JSON, json.dumps(value, ensure_ascii=False).encode())


def _text(status: HTTPStatus, text: str) -> _Answer:
    return _Answer(status, "text/plain; charset=utf-8", f"{text}\n".encode())


def may_name(host: str, bound: str, own: frozenset[str]) -> bool:
    """Say whether a request's ``Host`` is one of ours (pure).

    Args:
        host: The header.
        bound: The address that the server listens on, as the user gave it.
        own: Names of this computer, lower case.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in (bound.lower().strip("[]"), "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return not is_loopback(bound) and name in own
    # an address cannot be made to point elsewhere; beyond loopback it means that we listen there
    return address.is_loopback or not is_loopback(bound)


def is_loopback(bound: str) -> bool:
    """Say whether an address to listen on is reached from this computer only."""
    try:
        return ipaddress.ip_address(bound.strip("[]")).is_loopback
    except ValueError:
        return bound == "localhost"


def make_server(path: Path, host: str, port: int, metrics: bool = False) -> ThreadingHTTPServer:
    """Return a server that is bound and not yet serving.

    Args:
        path: ``runs/``, or one run folder.
        host: Address or name to listen on.
        port: Port; 0 for a free one.
        metrics: Also what Prometheus reads, under ``/metrics``.

    Raises:
        InputError: It cannot listen there, or what metrics need is not installed.
    """
    pages = Pages(path, metrics)
    own = frozenset({socket.gethostname().lower(), socket.getfqdn().lower()})

    class Handler(_Handler):
        answers = staticmethod(pages.answer)
        allowed = staticmethod(lambda name: may_name(name, host, own))

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = type("Server", (ThreadingHTTPServer,), {"address_family": family})
    try:
        server: ThreadingHTTPServer = kind((host.strip("[]"), port), Handler)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on {host}:{port}: {error}",
            where="--port",
            hint="Take another one; 0 takes any that is free.",
        ) from error
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    server_version = "mobileasr-lab"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = _SLOW_S
    answers: Callable[[str, str], _Answer]
    allowed: Callable[[str], bool]

    def do_GET(self) -> None:
        if not self.allowed(self.headers.get("Host", "")):
            self._send(_text(HTTPStatus.FORBIDDEN, "Not by that name."))
            return
        asked = urlsplit(self.path)
        self._send(self.answers(asked.path, asked.query))

    do_HEAD = do_GET  # noqa: N815

    def _send(self, answer: _Answer) -> None:
        tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        known = answer.status == HTTPStatus.OK and self.headers.get("If-None-Match") == tag
        self.send_response(HTTPStatus.NOT_MODIFIED if known else answer.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if answer.status == HTTPStatus.OK:
            self.send_header("ETag", tag)
        if not known:
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if not known and self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: a page that renews itself would fill the terminal."""
