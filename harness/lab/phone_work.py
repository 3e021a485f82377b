"""What is done on a phone for a run, whichever engine has it done: here, or on a worker."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from harness.adb.errors import AdbError
from harness.lab.attempt import run_attempt
from harness.lab.attempt_state import AttemptEnd, AttemptRequest
from harness.lab.clock import Clock, StopSignal
from harness.lab.engine import (
    Leave,
    Left,
    Order,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
)
from harness.lab.holding import HostKeeper, PhoneBusyError
from harness.lab.ports import LabPhone, Progress, Tools
from harness.lab.score import host_scorer

PROBE_BYTES: Final = 65536
PROBE_LIMIT_S: Final = 60.0


class Work(Protocol):
    """What is done on phones; called from many threads, one a phone."""

    def take(self, phone: LabPhone) -> bool:
        """Hold a phone that came later; False if another owner does."""
        ...

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        """Make a phone ready; return it with its capabilities, and notes.

        Args:
            phone: The phone.
            keep: An attempt may still run there: change nothing.

        Raises:
            AdbError: It does not answer.
            PhoneBusyError: Another host holds it.
        """
        ...

    def attempt(
        self, request: AttemptRequest, stop: StopSignal, on_step: Callable[[str], None]
    ) -> AttemptEnd | None:
        """Run an attempt; None if there was nothing to rejoin.

        Raises:
            HarnessError: Its outcome cannot be written.
        """
        ...

    def recover(self, phone: LabPhone, *, thorough: bool) -> None:
        """Clean a phone.

        Args:
            phone: The phone.
            thorough: Also copy something there and back.

        Raises:
            AdbError: It does not answer.
            PhoneBusyError: Another host holds it by now.
        """
        ...

    def leave(self, phone: LabPhone) -> None:
        """Clean a phone that gets no more jobs, and give it back.

        Raises:
            AdbError: It does not answer.
        """
        ...


@dataclass(frozen=True)
class PhoneWork:
    """`Work` on the phones of this host.

    Args:
        tools: How to talk to them.
        keeper: Who holds them.
        clock: Where the time comes from.
        progress: Who wants to know.
        keep: Leave on the phones what was put there.
    """

    tools: Tools
    keeper: HostKeeper
    clock: Clock
    progress: Progress
    keep: bool

    def take(self, phone: LabPhone) -> bool:
        """See `Work`."""
        try:
            self.keeper.take(phone)
        except PhoneBusyError:
            return False
        return True

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        """See `Work`: undo what an owner before may have left, see what the phone can do."""
        self.keeper.hold(phone)
        notes = () if keep else tuple(self.tools.clean(phone, speech=False))
        return probed(self.tools, phone), notes

    def attempt(
        self, request: AttemptRequest, stop: StopSignal, on_step: Callable[[str], None]
    ) -> AttemptEnd | None:
        """See `Work`."""
        return run_attempt(
            request,
            tools=self.tools,
            scorer=host_scorer,
            stop=stop,
            clock=self.clock,
            progress=self.progress,
            on_step=on_step,
        )

    def recover(self, phone: LabPhone, *, thorough: bool) -> None:
        """See `Work`."""
        self.keeper.hold(phone)  # a phone that was away is nobody's
        self.tools.clean(phone, speech=False)
        if thorough:
            check_phone(self.tools, phone)

    def leave(self, phone: LabPhone) -> None:
        """See `Work`."""
        if not self.keep:
            self.tools.clean(phone, speech=True)
        self.keeper.release(phone.serial)


def tend(work: Work, order: Order, phone: LabPhone) -> Report:
    """Carry out an order that is no attempt; what comes in between is told in the answer."""
    try:
        if isinstance(order, Prepare):
            prepared, notes = work.prepare(phone, keep=order.keep)
            return Prepared(order.serial, prepared, tuple(notes))
        if isinstance(order, Recover):
            work.recover(phone, thorough=order.thorough)
            return Recovered(order.serial)
        assert isinstance(order, Leave)
        work.leave(phone)
        return Left(order.serial)
    except (AdbError, PhoneBusyError) as error:
        return not_done(order, str(error))


def not_done(order: Order, why: str) -> Report:
    """Return the answer to an order, no attempt, that could not be carried out."""
    if isinstance(order, Prepare):
        return Prepared(order.serial, None, trouble=why)
    if isinstance(order, Recover):
        return Recovered(order.serial, why)
    return Left(order.serial, why)


def probed(tools: Tools, phone: LabPhone) -> LabPhone:
    """Return a phone with what it can do.

    Raises:
        AdbError: It does not answer.
    """
    capabilities = tools.probe(phone)
    return replace(phone, info=phone.info.model_copy(update={"capabilities": capabilities}))


class ProbeError(AdbError):
    """A phone gave back other bytes than were sent."""


def check_phone(tools: Tools, phone: LabPhone) -> None:
    """Copy something to a phone and back: what a phone in quarantine has to pass.

    Raises:
        AdbError: It does not answer, or what came back is not what was sent.
    """
    sent = os.urandom(PROBE_BYTES)
    path = f"{phone.work_dir}/probe-{secrets.token_hex(4)}"
    tools.write(phone, path, sent)
    try:
        with tempfile.TemporaryDirectory(prefix="probe-") as folder:
            local = Path(folder) / "back"
            tools.pull(phone, path, local, PROBE_LIMIT_S)
            if local.read_bytes() != sent:
                raise ProbeError(f"{phone.serial}: gives back other bytes than were sent")
    finally:
        tools.remove(phone, [path])
