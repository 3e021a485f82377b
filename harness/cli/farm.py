"""``harness farm up``: virtual phones that any adb client can use."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.adb.server import AdbServer
from harness.cli import console
from harness.cli.farm_process import Farm, running_farm
from harness.cli.options import JsonOption
from harness.cli.session import parse_profiles, unhurried

app = typer.Typer(help="Virtual phones.", no_args_is_help=True)


@app.callback()
def _farm() -> None:
    """Virtual phones."""


@app.command()
def up(
    profile: Annotated[
        Optional[list[str]],
        typer.Option("--profile", metavar="PROFILE[=COUNT]", help="May be given several times."),
    ] = None,
    adb: Annotated[
        Optional[str],
        typer.Option(
            "--adb",
            metavar="HOST:PORT",
            help="adb server that shall list the phones; without it, one of their own is started.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Optional[Path],
        typer.Option("--root", help="Folder for the phones' files.", show_default=False),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the phones' files behind.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start virtual phones, print one line a phone, and stay until interrupted."""
    profiles = parse_profiles(profile or ["generic"], "--profile")
    with contextlib.ExitStack() as stack:
        with unhurried():
            if adb is None:
                server = stack.enter_context(AdbServer.start_private())
            else:
                server = AdbServer.existing(adb)
            farm = stack.enter_context(running_farm(profiles, server.address, root=root, keep=keep))
        with contextlib.suppress(KeyboardInterrupt):
            _announce(farm, server, as_json)
            code = farm.process.wait()
            console.error(f"the virtual phones ended (exit code {code})")
            raise typer.Exit(1)


def _announce(farm: Farm, server: AdbServer, as_json: bool) -> None:
    for phone in farm.phones:
        if as_json:
            console.emit_line({"adb": server.address, **vars(phone)})
        else:
            console.say(f"{phone.serial}\t{phone.profile}\t{phone.adb_serial}")
    console.note(f"use them:  ANDROID_ADB_SERVER_PORT={server.port} adb devices")
    console.note(f"           harness devices --adb {server.address}")
    console.note("Ctrl-C ends them.")
