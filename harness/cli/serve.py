"""``harness serve``: runs as they go, in a browser."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import console
from harness.cli.runs import RUN_ROOT
from harness.errors import InputError
from harness.serve.server import is_loopback, make_server

app = typer.Typer()


@app.command()
def serve(
    runs: Annotated[
        Path, typer.Argument(metavar="[RUNS]", help="Folder of runs, or one run folder.")
    ] = RUN_ROOT,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="0 takes any that is free.", min=0, max=65535)
    ] = 8765,
    metrics: Annotated[
        bool,
        typer.Option(
            "--metrics", help="Also what Prometheus reads, under /metrics (docs/monitoring.md)."
        ),
    ] = False,
) -> None:
    """Show runs as they go, until Ctrl-C: phones, queue, curves, results. Changes nothing."""
    if not runs.is_dir() and runs != RUN_ROOT:
        raise InputError("no such folder", where=str(runs), hint="`harness run` makes runs/.")
    with make_server(runs, host, port, metrics) as server:
        shown = f"[{host.strip('[]')}]" if ":" in host else host
        console.say(f"http://{shown}:{server.server_address[1]}/")
        if metrics:
            console.say(f"http://{shown}:{server.server_address[1]}/metrics")
        if not is_loopback(host):
            console.note("Everyone who reaches this computer can read it: there is no password.")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
