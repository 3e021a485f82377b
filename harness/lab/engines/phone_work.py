"""What is done on a phone for a run, whichever engine has it done: here, or on a worker."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.adb.errors import AdbError
from harness.lab.attempt.attempt import run_attempt
from harness.lab.attempt.score import host_scorer
from harness.lab.attempt.state import AttemptEnd, AttemptRequest
from harness.lab.clock import Clock, StopSignal
from harness.lab.holding import HostKeeper, PhoneBusyError
from harness.lab.ports import LabPhone, Progress, Tools
from harness.lab.scheduling.engine import (
    Leave,
    Left,
    Order,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
)

PROBE_BYTES: Final = 65536
PROBE_LIMIT_S: Final = 60.0


@dataclass(frozen=True)
class PhoneWork:
    """Work on the phones of this host for one run; called from many threads, one a phone.

    Args:
        tools: How to talk to the phones.
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
        """Take a phone that came later; return False if another owner holds it."""
        try:
            self.keeper.take(phone)
        except PhoneBusyError:
            return False
        return True

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        """Undo what an owner before may have left, and see what the phone can do.

        Args:
            phone: The phone.
            keep: An attempt may still run there: change nothing.

        Returns:
            The phone with its capabilities, and notes.

        Raises:
            AdbError: It does not answer.
            PhoneBusyError: Another owner holds it.
        """
        self.keeper.hold(phone)
        notes = () if keep else tuple(self.tools.clean(phone, speech=False))
        return probed(self.tools, phone), notes

    def attempt(
        self, request: AttemptRequest, stop: StopSignal, on_step: Callable[[str], None]
    ) -> AttemptEnd | None:
        """Run an attempt; return None if there was nothing to rejoin.

        Raises:
            HarnessError: Its outcome cannot be written.
        """
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
        """Clean a phone that was away.

        Args:
            phone: The phone.
            thorough: Also copy something there and back.

        Raises:
            AdbError: It does not answer.
            PhoneBusyError: Another owner holds it by now.
        """
        self.keeper.hold(phone)
        self.tools.clean(phone, speech=False)
        if thorough:
            check_phone(self.tools, phone)

    def leave(self, phone: LabPhone) -> None:
        """Clean a phone that gets no more jobs, and give it back.

        Raises:
            AdbError: It does not answer; it is still held.
        """
        if not self.keep:
            self.tools.clean(phone, speech=True)
        self.keeper.release(phone.serial)


def tend(work: PhoneWork, order: Order, phone: LabPhone) -> Report:
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
