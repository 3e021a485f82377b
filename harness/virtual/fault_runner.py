"""Carries out a plan of faults on a farm's phones, each at its moment."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.virtual.fault_plan import FaultPlan, parse_fault
from harness.virtual.faults import FaultError, PhoneFaults

if TYPE_CHECKING:
    from harness.virtual.fault_plan import _Fault
    from harness.virtual.virtual_phone import VirtualPhone

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.1


class FaultRunner:
    """Faults of all phones, planned or ordered.

    Args:
        phones: The phones by serial.
    """

    def __init__(self, phones: Mapping[str, VirtualPhone]) -> None:
        self._phones = phones
        self._faults = {serial: PhoneFaults(phone) for serial, phone in phones.items()}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def serials(self) -> list[str]:
        """All phones."""
        return sorted(self._faults)

    def start(self, plan: FaultPlan) -> None:
        """Begin a plan; ``at_s`` counts from now.

        Raises:
            FaultError: An entry is for no phone of this farm.
        """
        chosen = [(fault, self._chosen(fault)) for fault in plan.faults]
        for fault, serials in chosen:
            if not serials:
                raise FaultError(
                    f"{fault.fault}: no phone {fault.phone!r}; there are {', '.join(self.serials)}"
                )
        for fault, serials in chosen:
            for serial in serials:
                self._task(self._happen(fault, serial))

    async def carry_out(self, order: Mapping[str, Any]) -> Any:
        """Carry out one order of the control socket.

        ``fault`` takes an entry of a plan, for one phone.

        Raises:
            FaultError: It can't be carried out.
        """
        serial = str(order.get("phone"))
        phone = self._faults.get(serial)
        if phone is None:
            raise FaultError(f"no phone {order.get('phone')!r}")
        if order.get("do") == "fault":
            values = {key: value for key, value in order.items() if key not in ("do", "phone")}
            self._task(self._happen(parse_fault(values), serial))
            return None
        return await phone.carry_out(order)

    async def stop(self) -> None:
        """Let nothing more happen."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _chosen(self, fault: _Fault) -> list[str]:
        # VLAB-<profile>-<number>-<farm>; the farm's part is another each time
        names = {serial: serial.removeprefix("VLAB-").rpartition("-")[0] for serial in self._faults}
        return [
            serial
            for serial, name in names.items()
            if any(fnmatch.fnmatchcase(label, fault.phone) for label in (serial, name))
        ]

    async def _happen(self, fault: _Fault, serial: str) -> None:
        if fault.after is not None:
            await self._moment(fault.after, self._phones[serial])
        await asyncio.sleep(fault.at_s)
        await self._try(fault.begin(), serial)
        end = fault.end()
        if fault.for_s is not None and end is not None:
            await asyncio.sleep(fault.for_s)
            await self._try(end, serial)

    async def _moment(self, moment: str, phone: VirtualPhone) -> None:
        """Wait until something has happened from now on."""
        word, _, number = moment.partition(" ")
        before = phone.faults.happened[word]
        while True:
            if word == "epoch":
                if _epochs(phone) >= int(number):
                    return
            elif phone.faults.happened[word] > before:
                return
            await asyncio.sleep(_LOOK_S)

    async def _try(self, order: Mapping[str, Any], serial: str) -> None:
        try:
            await self._faults[serial].carry_out(order)
        except FaultError as error:
            _LOG.warning("%s: fault %s came to nothing: %s", serial, order, error)

    def _task(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _epochs(phone: VirtualPhone) -> int:
    """Return the last epoch that the running trainer has evaluated, -1 before any."""
    events = phone.system.trainer.events
    last = -1
    if events is not None:
        with contextlib.suppress(OSError):
            for line in events.read_bytes().splitlines():
                if b'"type":"epoch"' in line:
                    with contextlib.suppress(ValueError, KeyError):
                        last = max(last, int(json.loads(line)["epoch"]))
    return last
