"""``harness devices``: the phones that can be worked with."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from harness.cli import console
from harness.cli.holders import HeldBy, holders
from harness.cli.options import AdbOption, FarmOption, JsonOption, PhonesFileOption
from harness.cli.session import phone_source
from harness.devices.book import read_book
from harness.devices.capabilities import with_capabilities
from harness.devices.inventory import PhoneInfo, inventory
from harness.devices.stf import StfFarm

app = typer.Typer()


@app.command()
def devices(
    farm: FarmOption = None,
    adb: AdbOption = None,
    phones_file: PhonesFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List phones with their profile, memory and Android version, and what keeps one from use.

    Of an STF farm it shows what the farm itself lists; nothing is reserved.
    """
    book = read_book(phones_file)
    source = phone_source(farm=farm, adb=adb)
    if isinstance(source, StfFarm):
        _listed_by(source, as_json)
        return
    with source.open() as session:
        infos = book.applied(inventory(session.servers))
        held = holders(session.servers, infos)
        if as_json:
            infos = with_capabilities(session.servers, infos)
            console.emit_json([_facts(info, held.get(info.serial)) for info in infos])
            return
        if not infos:
            where = ", ".join(server.address for server in session.servers)
            console.say(f"No phone on {where}.")
            console.note(
                "Plug one in with USB debugging on, or try: harness devices --farm virtual"
            )
            return
        console.table(
            (
                "serial",
                "state",
                "profile",
                "Android",
                "SoC",
                "RAM MiB >",
                "available MiB >",
                "origin",
                "tags",
            ),
            [
                (
                    f"{info.serial} ({info.alias})" if info.alias else info.serial,
                    _state(info, held) if info.usable else f"{info.state}: {info.advice}",
                    info.profile,
                    info.android,
                    info.soc,
                    f"{info.ram_total_mb:.0f}",
                    "" if info.available_mb is None else f"{info.available_mb:.0f}",
                    info.origin if not info.isolation else f"{info.origin} ({info.isolation})",
                    " ".join(info.tags),
                )
                for info in infos
            ],
        )
        for info in infos:
            if info.note:
                console.note(f"{info.serial}: {info.note}")
            if info.serial in held:
                console.note(f"{info.serial} is held by {held[info.serial]}")


def _facts(info: PhoneInfo, held: HeldBy | None) -> dict[str, object]:
    return {**info.model_dump(mode="json"), "held_by": None if held is None else held.record()}


def _state(info: PhoneInfo, held: Mapping[str, HeldBy]) -> str:
    return "in use" if info.serial in held else info.state


def _listed_by(farm: StfFarm, as_json: bool) -> None:
    infos = farm.listed()
    if as_json:
        console.emit_json([info.model_dump(mode="json") for info in infos])
        return
    console.table(
        ("serial", "state", "profile", "model", "Android", "ABI"),
        [
            (
                info.serial,
                info.state,
                info.profile,
                f"{info.manufacturer} {info.model}".strip(),
                info.android,
                info.abi,
            )
            for info in infos
        ],
    )
    free = sum(info.state == "free" for info in infos)
    console.say(f"\n{free} of {len(infos)} phones of {farm.url} are free. Nothing was reserved.")
