"""``harness apk``: the trainer's APK."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.options import JsonOption
from harness.cli.suggest import SuggestingGroup

app = typer.Typer(cls=SuggestingGroup, help="The trainer's APK.", no_args_is_help=True)


@app.callback()
def _apk() -> None:
    """The trainer's APK."""


@app.command()
def build(
    out: Annotated[
        Optional[Path],
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file to write. [default: where `harness run` looks for it]",
            show_default=False,
        ),
    ] = None,
    keystore: Annotated[
        Optional[Path],
        typer.Option(
            "--keystore",
            help="Sign with a key of your own; its password is read from "
            "MOBILEASR_KEYSTORE_PASSWORD. [default: a key made once for this user]",
        ),
    ] = None,
    alias: Annotated[str, typer.Option("--alias", help="Of the key in --keystore.")] = "trainer",
    as_json: JsonOption = False,
) -> None:
    """Build the APK from public parts, align it, sign it and verify it."""
    from harness.apk.build import build_apk, given_keystore
    from harness.apk.toolchain import find_toolchain
    from harness.devices.trainer_app import default_apk

    toolchain, out = find_toolchain(), out or default_apk()
    signer = given_keystore(keystore, alias, dict(os.environ)) if keystore else None
    build_apk(out.resolve(), toolchain, keystore=signer, say=console.note)
    _report(out, as_json)


@app.command()
def verify(
    apk: Annotated[Path, typer.Argument(help="An APK.")], as_json: JsonOption = False
) -> None:
    """Check signature, manifest, ABIs and classes of an APK."""
    _report(apk, as_json)


def _report(apk: Path, as_json: bool) -> None:
    from harness.apk.toolchain import find_toolchain
    from harness.apk.verify import verify_apk

    found = verify_apk(apk, find_toolchain())
    if as_json:
        console.emit_json(dataclasses.asdict(found))
    else:
        console.say(f"{apk}: {found.bytes / 2**20:.1f} MiB, {found.classes} classes")
        console.say(
            f"{found.package} {found.version_name} (code {found.version_code}), "
            f"Android API {found.min_sdk} to {found.target_sdk}"
        )
        console.say(f"ABIs: {', '.join(found.abis)}")
        console.say(f"debuggable: {'yes' if found.debuggable else 'no (run-as cannot read it)'}")
        console.say(f"signed: {', '.join(found.signature_schemes) or 'no'}")
        for problem in found.problems:
            console.error(problem)
    if found.problems:
        raise typer.Exit(1)
