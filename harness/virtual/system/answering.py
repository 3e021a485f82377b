"""Services of Android that don't answer: because they hang, or because Android still starts."""

from __future__ import annotations

import asyncio

from harness.virtual.system.call import Call

# The service that a command asks; empty: the one that its first word names.
_SERVICES = {"am": "activity", "cmd": "", "dumpsys": "", "ime": "input_method", "input": "input",
             "pm": "package", "settings": "settings", "svc": "power", "wm": "window"}  # fmt: skip


def service_of(call: Call) -> str | None:
    """Return the service that a call asks; None if it asks none."""
    if call.name not in _SERVICES:
        return None
    words = (arg for arg in call.args if not arg.startswith("-"))
    return _SERVICES[call.name] or next(words, "")


def not_yet(call: Call) -> int:
    """Answer as a phone does that has adbd already, but not yet Android."""
    text = f"Can't find service: {service_of(call)}"
    if call.name == "dumpsys":
        call.print(text)
        return 0
    call.error(f"cmd: {text}")
    return 20


class HangingServices:
    """Which services hang, and who waits for them."""

    def __init__(self) -> None:
        self._hung: dict[str, asyncio.Event] = {}

    @property
    def names(self) -> list[str]:
        """Services that hang."""
        return list(self._hung)

    def set(self, name: str, hangs: bool) -> None:
        """Let one not answer, or answer all who waited."""
        if hangs:
            self._hung.setdefault(name, asyncio.Event())
        elif name in self._hung:
            self._hung.pop(name).set()

    async def unless_hung(self, call: Call) -> None:
        """Wait while the service that a call asks hangs, and somebody waits for the answer."""
        event = self._hung.get(service_of(call) or "")
        if event is None:
            return
        gone = asyncio.ensure_future(call.wait_gone())
        woken = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({gone, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            woken.cancel()
            await asyncio.gather(gone, woken, return_exceptions=True)
