"""``harness worker``: this host's phones for runs that are started elsewhere."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.engine import dask_farm
from harness.cli.options import AdbOption, ApkOption, FarmOption, PhonesFileOption
from harness.cli.session import open_session
from harness.devices.book import read_book
from harness.devices.trainer_app import checked_apk
from harness.lab import open_bench
from harness.lab.engines.host import Host
from harness.lab.engines.shelf import LIMIT_BYTES
from harness.lab.ledger.recovery import clean_free_phones
from harness.paths import cache_root

app = typer.Typer()


@app.command()
def worker(
    scheduler: Annotated[
        str,
        typer.Argument(
            metavar="tcp://HOST:PORT", help="A dask scheduler (`dask scheduler` starts one)."
        ),
    ],
    farm: FarmOption = None,
    adb: AdbOption = None,
    apk: ApkOption = None,
    phones_file: PhonesFileOption = None,
    cache_gib: Annotated[
        float,
        typer.Option(
            "--cache-gib",
            metavar="GIB",
            min=0.1,
            help="How much of models and recordings is kept here for later jobs.",
        ),
    ] = LIMIT_BYTES / 2**30,
    listen: Annotated[
        Optional[str],
        typer.Option(
            "--listen",
            metavar="ADDRESS",
            help="Address of this host at which the others reach it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Offer this host's phones to runs with --engine dask, until Ctrl-C.

    First cleans what a worker that was killed left on phones that nobody holds.
    """
    module = dask_farm()
    book = read_book(phones_file)
    with open_session(farm=farm, adb=adb) as session:
        for serial, notes in clean_free_phones(open_bench(session.servers)).items():
            for note in notes:
                console.note(f"{serial}: {note}")
        apks = checked_apk(apk)
        host = Host(
            lambda: open_bench(session.servers, book=book, apk=apks, joins=True),
            cache_root() / "farm",
            int(cache_gib * 2**30),
        )
        hello = host.hello()
        for info in hello.unusable:
            console.note(f"{info.serial} is {info.state}. {info.advice}")

        def ready(name: str) -> None:
            count = len(hello.phones)
            console.say(f"{name} offers {count} phone{'' if count == 1 else 's'} at {scheduler}")
            for info in hello.phones:
                console.say(f"  {info.serial}\t{info.profile}")

        module.serve(scheduler, host, listen=listen, ready=ready)
