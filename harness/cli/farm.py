"""``harness farm up``: virtual phones that any adb client can use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.adb.server import AdbServer
from harness.cli import console
from harness.cli.complete import profile_names
from harness.cli.farm_process import Farm, running_farm
from harness.cli.options import JsonOption
from harness.cli.session import parse_profiles, unhurried
from harness.cli.suggest import SuggestingGroup
from harness.errors import InputError

app = typer.Typer(cls=SuggestingGroup, help="Virtual phones.", no_args_is_help=True)


@app.callback()
def _farm() -> None:
    """Virtual phones."""


@app.command()
def up(
    profile: Annotated[
        Optional[list[str]],
        typer.Option(
            "--profile",
            metavar="PROFILE[=COUNT]",
            help="May be given several times.",
            autocompletion=profile_names,
        ),
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
    trainer: Annotated[
        str,
        typer.Option(
            "--trainer",
            metavar="litert|java|trace",
            help="litert: the phones really train. java: likewise, by the APK's Java code on a JVM "
            "of this host. trace: they replay a cost model measured "
            "before, and every result says so.",
        ),
    ] = "litert",
    trace_speed: Annotated[
        float,
        typer.Option(
            "--trace-speed", help="Replay so many times as fast as measured.", min=0.01, max=1000
        ),
    ] = 1.0,
    faults: Annotated[
        Optional[Path],
        typer.Option(
            "--faults",
            metavar="FILE",
            help="YAML of what shall go wrong, and when; see docs/virtual_phones.md.",
            show_default=False,
        ),
    ] = None,
    shell: Annotated[
        Optional[str],
        typer.Option(
            "--shell",
            metavar="KIND",
            help="android: mksh and toybox; host: this host's; android where they are installed.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start virtual phones, print one line a phone, and stay until interrupted."""
    profiles = parse_profiles(profile or ["generic"], "--profile")
    if trainer not in ("litert", "java", "trace"):
        raise InputError(f"--trainer {trainer}: it can be litert, java or trace")
    if shell not in (None, "android", "host"):
        raise InputError(f"--shell {shell}: it can be android or host")
    env = dict(os.environ)
    if trainer == "java":
        from harness.apk.jvm import environment, java_trainer
        from harness.apk.toolchain import find_toolchain

        env |= environment(java_trainer(find_toolchain(), say=console.note))
    more = [
        "--trainer",
        "trace" if trainer == "trace" else "litert",
        "--trace-speed",
        str(trace_speed),
    ]
    if shell is not None:
        more += ["--shell", shell]
    if faults is not None:
        more += ["--faults", str(faults)]
    with contextlib.ExitStack() as stack:
        with unhurried():
            if adb is None:
                server = stack.enter_context(AdbServer.start_private())
            else:
                server = AdbServer.existing(adb)
            farm = stack.enter_context(
                running_farm(profiles, server.address, root=root, keep=keep, env=env, more=more)
            )
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
