"""Phones that are plugged in while a run goes on, or that another run has let go, join it.

A phone of the run that comes back at another place (another cable, another address) is reached
there from its next order on.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from harness.errors import HarnessError
from harness.lab.bench import Bench
from harness.lab.crew import Crew
from harness.lab.leases import Lease, PhoneBusyError, acquire
from harness.lab.ports import LabPhone
from harness.lab.threads import ThreadEngine

LOOK_S: Final = 5.0
"""How often the adb servers are asked what they list; only a phone that is new is asked itself."""


@contextmanager
def joining(
    look: Callable[[], Bench], crew: Crew, engine: ThreadEngine, leases: dict[str, Lease]
) -> Iterator[None]:
    """Let phones join a run for as long as the context lasts.

    Args:
        look: Finds the phones that are there.
        crew: Knows which phones the jobs may take.
        engine: Who works with them.
        leases: Serial -> lease of the run's phones; those that join are added, and freed at the
            end of the context.
    """
    over, lock = threading.Event(), threading.Lock()
    with ExitStack() as stack:

        def watch() -> None:
            while not over.wait(LOOK_S):
                # a server that does not answer, a lease that cannot be written: the next time
                with contextlib.suppress(HarnessError):
                    for phone in look().phones:
                        with lock:
                            if not over.is_set():
                                _meet(phone, crew, engine, leases, stack)

        threading.Thread(target=watch, name="joining", daemon=True).start()
        try:
            yield
        finally:
            with lock:  # not for a phone that is just asked and does not answer
                over.set()


def _meet(
    phone: LabPhone,
    crew: Crew,
    engine: ThreadEngine,
    leases: dict[str, Lease],
    stack: ExitStack,
) -> None:
    run = crew.run
    if phone.serial in leases:
        engine.found(phone)
        return
    if run.stop.requested or not crew.wants(phone):
        return
    try:
        lease = acquire(
            phone.serial,
            owner=run.owner,
            run=str(run.folder.path),
            root=run.bench.lease_root,
            clock=run.bench.clock,
        )
    except PhoneBusyError:
        return
    leases[phone.serial] = stack.enter_context(lease)
    run.progress.note(f"{phone.serial} ({phone.info.profile or 'generic'}) joins the run.")
    engine.join(phone)
