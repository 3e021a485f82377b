"""``harness doctor``: is this computer, and is each phone, fit to work?"""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from harness.adb.errors import AdbError
from harness.cli import console
from harness.cli.farm_process import FarmError
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
            checks += check_phones(session.servers, infos)
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


def _show(check: Check) -> None:
    console.say(f"  {_MARKS[check.outcome]:8}{check.name}: {check.detail}")
    if check.advice and check.outcome != "ok":
        console.say(f"          -> {check.advice}")
