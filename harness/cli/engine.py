"""Who carries out a run's attempts: this process on its own phones, or workers on other hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from harness.cli import console
from harness.cli.options import PhoneOptions
from harness.cli.session import open_session
from harness.devices.book import read_book
from harness.devices.trainer_app import checked_apk
from harness.errors import InputError
from harness.lab import Bench, open_bench
from harness.lab.engines.offers import remote_bench
from harness.lab.engines.remote import name_of
from harness.lab.ledger.ledger import Ledger
from harness.results.store import RunFolder
from harness.scenario import JobSpec, LoadedScenario


@contextlib.contextmanager
def open_lab(
    phones: PhoneOptions,
    *,
    loaded: LoadedScenario | None = None,
    only: Sequence[str] = (),
    specs: Sequence[JobSpec] = (),
    apk: Path | None = None,
    resumed: Path | None = None,
) -> Iterator[Bench]:
    """Make a run's phones reachable, here or on other hosts.

    Args:
        phones: Where they are; ``dask`` is the engine where a scheduler is named alone.
        loaded: See `harness.cli.session.phone_source`.
        only: Likewise.
        specs: Likewise.
        apk: As `--apk` has it.
        resumed: The run folder that is gone on with.

    Raises:
        InputError: An option is wrong.
        NoPhoneError: There is no worker, or no phone.
        ServerUnavailable: An adb server does not answer.
    """
    engine, scheduler = phones.engine, phones.scheduler
    if engine not in (None, "local", "dask"):
        raise InputError(f"there is no engine {engine!r}", where="--engine", hint="local or dask.")
    if engine == "local" or (engine is None and scheduler is None):
        if scheduler is not None:
            raise InputError("the local engine has no scheduler", where="--scheduler")
        book, apks = read_book(phones.phones_file), checked_apk(apk)
        with open_session(
            farm=phones.farm,
            adb=phones.adb,
            loaded=loaded,
            only=only,
            specs=specs,
            resumed=resumed,
        ) as session:
            bench = open_bench(session.servers, farm=session.farm, book=book, apk=apks, joins=True)
            _say_unusable(bench)
            yield bench
        return
    if scheduler is None:
        raise InputError("dask has to know where its workers are met", where="--scheduler")
    here = {
        "--farm": phones.farm,
        "--adb": phones.adb,
        "--apk": apk,
        "--phones-file": phones.phones_file,
    }
    given = [option for option, value in here.items() if value]
    if given:
        raise InputError(
            "with --engine dask, this is said where the phones hang",
            where=given[0],
            hint="Give it to `harness worker` on that host.",
        )
    fabric = dask_farm().DaskFabric(scheduler)
    with contextlib.closing(fabric):
        before = "" if resumed is None else name_of(resumed)
        remote = remote_bench(fabric, scheduler, console.note, before)
        _say_unusable(remote)
        yield remote


@contextlib.contextmanager
def reopen_lab(folder: Path, phones: PhoneOptions, *, apk: Path | None = None) -> Iterator[Bench]:
    """Make the phones of a run reachable again, to finish it; see `open_lab`.

    Args:
        folder: The run.
        phones: Where they are; if nothing is said of it, it is as the run has it. A farm is asked
            for what the run's jobs need.
        apk: As `--apk` has it.

    Raises:
        InputError: As `open_lab`, or the folder holds no run.
        NoPhoneError: As `open_lab`.
        ServerUnavailable: As `open_lab`.
    """
    run = RunFolder.open(folder)
    if not phones.says_where:
        before = run.record().farm or {}
        phones = replace(
            phones,
            farm=before.get("option"),
            adb=before.get("adb"),
            scheduler=before.get("scheduler"),
        )
    specs: list[JobSpec] = []
    if phones.farm is not None:
        with Ledger.read(run.ledger_path) as ledger:
            specs = [task.job for task in ledger.tasks() if task.kind == "phone"]
    with open_lab(phones, specs=specs, apk=apk, resumed=folder) as bench:
        yield bench


def _say_unusable(bench: Bench) -> None:
    """Say which phones are there and cannot be used, and why."""
    for info in bench.unusable:
        console.note(f"{info.serial} is {info.state}. {info.advice}")


def dask_farm() -> ModuleType:
    """Return the module that needs dask.

    Raises:
        InputError: dask is not installed.
    """
    try:
        from harness.lab.engines import dask_farm as module
    except ModuleNotFoundError as error:
        raise InputError(
            f"this needs the extra [farm] ({error.name} is not installed)",
            hint="Install the extra [farm] (README): pip install distributed.",
        ) from error
    return module
