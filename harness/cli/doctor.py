"""``harness doctor``: is this computer, and is each phone, fit to work?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated

import typer

from harness.adb.errors import AdbError
from harness.cli import console
from harness.cli.farm_process import FarmError
from harness.cli.holders import HeldBy, holders
from harness.cli.options import AdbOption, FarmOption, JsonOption, PhonesFileOption
from harness.cli.session import open_session
from harness.devices.book import read_book
from harness.devices.doctor import Check, check_absent, check_host, check_phones
from harness.devices.inventory import inventory
from harness.lab import open_bench
from harness.lab.ledger.recovery import clean_free_phones

app = typer.Typer()

CleanOption = Annotated[
    bool,
    typer.Option(
        "--clean",
        help="First undo what a crashed run left on phones that no run holds: changed settings, "
        "RAM pressure, a running trainer, its files, and the trainer itself if a run installed it.",
    ),
]

CHANGED_BY_RUNS = ("settings", "battery", "background")
"""Notes about a phone of which a run is the reason while it holds it: settings that it changed."""
_MARKS = {"ok": "ok", "info": "note", "warning": "WARNING", "problem": "PROBLEM"}


@app.command()
def doctor(
    farm: FarmOption = None,
    adb: AdbOption = None,
    as_json: JsonOption = False,
    phones_file: PhonesFileOption = None,
    clean: CleanOption = False,
) -> None:
    """Check the host and each phone, and say what to do. Exit code 1 if there is a problem."""
    book = read_book(phones_file)
    checks = check_host()
    try:
        with open_session(farm=farm, adb=adb) as session:
            if clean:
                cleaned = clean_free_phones(open_bench(session.servers, remove_trainer=True))
                for serial, notes in cleaned.items():
                    console.note(f"{serial}: {'; '.join(notes) or 'nothing had to be put back'}")
            infos = book.applied(inventory(session.servers))
            held = holders(session.servers, infos)
            found = check_phones(session.servers, infos)
            checks += [check for check in found if not _by_a_run(check, held)]
            checks += [_in_use(serial, held_by) for serial, held_by in held.items()]
            if farm is None:
                checks += check_absent(book.absent(infos))
    except (AdbError, FarmError) as error:
        checks.append(Check("host", "phones", "problem", str(error)))
    if as_json:
        console.emit_json([dataclasses.asdict(check) for check in checks])
    else:
        for scope in dict.fromkeys(check.scope for check in checks):
            console.say(f"\n{scope}")
            for check in checks:
                if check.scope == scope:
                    _show(check)
    if any(check.outcome == "problem" for check in checks):
        raise typer.Exit(1)


def _by_a_run(check: Check, held: Mapping[str, HeldBy]) -> bool:
    """Say whether what was found is what the run does that holds the phone."""
    return check.scope in held and check.name in CHANGED_BY_RUNS and check.outcome == "info"


def _in_use(serial: str, held_by: HeldBy) -> Check:
    advice = "It is free when that run is over: `harness status` shows how far it is."
    return Check(serial, "in use", "info", f"held by {held_by}", advice)


def _show(check: Check) -> None:
    console.say(f"  {_MARKS[check.outcome]:8}{check.name}: {check.detail}")
    if check.advice and check.outcome != "ok":
        console.say(f"          -> {check.advice}")
