"""Bringing a run whose host died back to a state from which it can go on."""

from __future__ import annotations

from collections.abc import Callable, Container

from harness.adb.errors import AdbError
from harness.lab.bench import Bench
from harness.lab.holding import PhoneBusyError, owner_name
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.tables import AttemptRow
from harness.lab.ports import LabPhone, Progress
from harness.results.model import AttemptResult
from harness.results.store import RunFolder

Written = Callable[[str, int], "AttemptResult | None"]
"""(job, attempt) -> the result that lies in the run folder, if there is one."""


def reconcile(
    ledger: Ledger,
    written: Written,
    here: Container[str],
    host_wrote: Callable[[str, int], bool] = lambda _task_id, _attempt: False,
) -> dict[str, tuple[str, int]]:
    """Bring a ledger whose host died in line with what lies in the run folder.

    An attempt that wrote its result but could not say so in the ledger counts with that result. One
    that may still run on a phone that is here stays ``running``, to be rejoined; any other is
    ``lost`` and its task queued again, so also what ran on the host itself. A task that was
    withdrawn stays so, and nobody rejoins it.

    Args:
        ledger: The run's ledger.
        written: Looks up results of phones.
        here: Serials of the phones that can be reached.
        host_wrote: Whether (task, attempt) of the host has left its result.

    Returns:
        Serial -> (job, attempt) that may still run there.
    """
    rejoin: dict[str, tuple[str, int]] = {}
    with ledger.batch():
        for row in ledger.attempts(state="running"):
            task_id, number = row.task_id, row.attempt
            result = written(task_id, number) if row.serial else None
            wrote = host_wrote(task_id, number) if not row.serial else result is not None
            if wrote and (result is None or result.failure is None):
                ledger.end_attempt(
                    task_id, number, state="finished", failure=None, task_state="finished"
                )
            elif (
                not wrote
                and row.serial
                and row.serial in here
                and not ledger.row(task_id).is_withdrawn
            ):
                rejoin[row.serial] = (task_id, number)
            else:
                lose(ledger, row, result)
    return rejoin


def lose(ledger: Ledger, row: AttemptRow, result: AttemptResult | None = None) -> None:
    """End a running attempt that nobody goes on with; its task is queued again."""
    ledger.end_attempt(
        row.task_id,
        row.attempt,
        state="failed" if result is not None else "lost",
        failure=result.failure.kind if result is not None and result.failure else None,
        task_state="queued",
        reason="its host died",
    )


def written_in(folder: RunFolder) -> Written:
    """Return what looks up the results of a run folder."""

    def look(job_id: str, attempt: int) -> AttemptResult | None:
        attempt_folder = folder.attempt(job_id, attempt)
        return attempt_folder.result() if attempt_folder.result_path.is_file() else None

    return look


def reopen(ledger: Ledger) -> None:
    """Queue failed and skipped tasks again; what was skipped while it waited waits again.

    What was withdrawn stays so, unless something still waits for it.
    """
    with ledger.batch():
        for row in ledger.rows("failed", "skipped"):
            if row.is_withdrawn and not ledger.has_open_children(row.task_id):
                continue
            waits = ledger.counted_parents(row.task_id) is None
            ledger.set_state(row.task_id, "waiting" if waits else "queued", "reopened")


def clean_left_phones(
    ledger: Ledger,
    bench: Bench,
    owner: str,
    run: str,
    progress: Progress,
    spare: Container[str] = (),
) -> None:
    """Clean and free the phones that a dead owner of this run still held.

    Those in ``spare`` are freed as they are: what runs there is to be rejoined.
    """
    here = {phone.serial: phone for phone in bench.phones}
    for row in ledger.leases():
        if row.serial in spare:
            ledger.release(row.serial, "to be rejoined")
            continue
        phone = here.get(row.serial)
        if phone is None:
            # Whoever leases it next cleans it first, so nothing is forgotten by letting it go.
            progress.note(f"{row.serial} was left unclean and is not here.")
            ledger.release(row.serial, "not here")
            continue
        trouble = _clean(phone, bench, owner, run)
        if trouble:
            progress.note(f"{row.serial}: {trouble}")
        ledger.release(row.serial, trouble or "cleaned on resume")


def clean_free_phones(bench: Bench) -> dict[str, tuple[str, ...]]:
    """Undo on every phone that no run holds what a crashed one may have left there.

    Returns:
        Serial -> what was put back, or what came in between.
    """
    notes_of: dict[str, tuple[str, ...]] = {}
    for phone in bench.phones:
        notes: list[str] = []
        trouble = _clean(phone, bench, owner_name(), "harness doctor --clean", notes)
        notes_of[phone.serial] = (*notes, trouble) if trouble else tuple(notes)
    return notes_of


def _clean(
    phone: LabPhone, bench: Bench, owner: str, run: str, notes: list[str] | None = None
) -> str:
    """Clean a phone; return what came in between."""
    try:
        with bench.crew(owner, run) as crew, crew.keeper.held(phone):
            done = bench.tools.clean(phone, speech=True)
        if notes is not None:
            notes.extend(done)
    except PhoneBusyError as error:
        return f"not cleaned, since {error} by now"
    except AdbError as error:
        return f"could not be cleaned: {error}"
    return ""
