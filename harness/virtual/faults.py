"""What can be made wrong with a virtual phone, by name; the control socket asks here."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.virtual.root.processes import wake_launchers

if TYPE_CHECKING:
    from harness.virtual.virtual_phone import VirtualPhone

_POWERS = ("none", "usb", "ac")
_WAKE_AGAIN_S = (0.0, 0.2, 1.0)
"""A launcher on a busy host may stop itself only after its phone goes on."""


class FaultError(ValueError):
    """An order that can't be carried out."""


class PhoneFaults:
    """Carries out orders on one phone.

    Args:
        phone: The phone.
    """

    def __init__(self, phone: VirtualPhone) -> None:
        self._phone = phone
        self._stopped: list[int] = []
        self._orders: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "lose_cable": self._lose_cable,
            "restore_cable": self._restore_cable,
            "drop": self._drop,
            "drop_after": self._drop_after,
            "truncate_output": self._truncate_output,
            "garble_output": self._garble_output,
            "push_breaks": self._push_breaks,
            "hang_service": self._hang_service,
            "clock_jump": self._clock_jump,
            "airplane_mode": self._airplane_mode,
            "unauthorized": self._unauthorized,
            "silent": self._silent,
            "reboot": self._reboot,
            "kill_adbd": self._kill_adbd,
            "disk_full": self._disk_full,
            "kill": self._kill,
            "battery": self._battery,
            "slow_shell": self._slow_shell,
            "slow_commands": self._slow_commands,
            "hang": self._hang,
            "clear": self._clear,
            "state": self._state,
        }

    @property
    def orders(self) -> list[str]:
        """Names of all orders."""
        return sorted(self._orders)

    async def carry_out(self, order: Mapping[str, Any]) -> Any:
        """Carry out one order, ``{"do": NAME, ...}``.

        Raises:
            FaultError: No such order, or a value is missing or wrong.
        """
        act = self._orders.get(str(order.get("do")))
        if act is None:
            raise FaultError(f"no order {order.get('do')!r}; there are {', '.join(self.orders)}")
        return await act(order)

    async def _lose_cable(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.lose_cable(_number(order, "seconds", float("inf")))

    async def _restore_cable(self, order: Mapping[str, Any]) -> None:
        del order
        self._phone.faults.restore_cable()

    async def _drop(self, order: Mapping[str, Any]) -> None:
        del order
        self._phone.faults.drop_connections()

    async def _drop_after(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.drop_after_bytes = int(_number(order, "bytes"))

    async def _truncate_output(self, order: Mapping[str, Any]) -> None:
        off = bool(order.get("off"))
        self._phone.faults.truncate_output_after = None if off else int(_number(order, "bytes"))

    async def _garble_output(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.garble_share = 0.0 if order.get("off") else _number(order, "share", 0.02)

    async def _push_breaks(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.drop_after_push_bytes = int(_number(order, "bytes"))

    async def _hang_service(self, order: Mapping[str, Any]) -> None:
        self._phone.system.hang_service(str(order.get("service")), bool(order.get("on", True)))

    async def _clock_jump(self, order: Mapping[str, Any]) -> None:
        seconds = 0.0 if order.get("off") else _number(order, "seconds", signed=True)
        self._phone.system.set_clock_offset(seconds)

    async def _airplane_mode(self, order: Mapping[str, Any]) -> None:
        self._phone.system.network.set_airplane(bool(order.get("on", True)))

    async def _unauthorized(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.unauthorized = bool(order.get("on", True))
        self._phone.faults.drop_connections()

    async def _silent(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.silent = bool(order.get("on", True))
        self._phone.faults.drop_connections()

    async def _reboot(self, order: Mapping[str, Any]) -> None:
        await self._phone.reboot(_number(order, "seconds", 2.0))

    async def _kill_adbd(self, order: Mapping[str, Any]) -> None:
        await self._phone.restart_adbd(_number(order, "seconds", 1.0))

    async def _disk_full(self, order: Mapping[str, Any]) -> None:
        off = bool(order.get("off"))
        self._phone.faults.disk_free_bytes = None if off else int(_number(order, "bytes", 0))

    async def _kill(self, order: Mapping[str, Any]) -> None:
        name = str(order.get("process", ""))
        if not self._phone.system.kill_for_memory(name):
            raise FaultError(f"no process {name!r}")

    async def _battery(self, order: Mapping[str, Any]) -> None:
        accountant = self._phone.system.accountant
        state = accountant.battery.state
        if "percent" in order:
            charge = state.capacity_mah * _number(order, "percent") / 100.0
            state = replace(state, charge_mah=min(state.capacity_mah, max(0.0, charge)))
        if "celsius" in order:
            state = replace(state, temperature_c=_number(order, "celsius"))
        if "power" in order:
            if order["power"] not in _POWERS:
                raise FaultError(f"power must be one of {', '.join(_POWERS)}")
            state = replace(state, power=order["power"])
        state = state.step(0.0, accountant.busy_cores)  # its current goes by the new values
        accountant.battery = accountant.battery.with_state(state)
        accountant.write_battery()

    async def _slow_shell(self, order: Mapping[str, Any]) -> None:
        self._phone.faults.delay_s = 0.0 if order.get("off") else _number(order, "seconds", 0.0)

    async def _slow_commands(self, order: Mapping[str, Any]) -> None:
        seconds = 0.0 if order.get("off") else _number(order, "seconds", 0.0)
        self._phone.system.command_delay_s = seconds

    async def _hang(self, order: Mapping[str, Any]) -> None:
        """Stop everything on the phone for some seconds, as a kernel that's stuck would."""
        seconds = _number(order, "seconds", float("inf"))
        self._phone.faults.delay_s = 1e9
        for _ in range(2):  # the table of processes may be a moment old
            self._stopped += _signal_all(self._phone.root.pids(), signal.SIGSTOP)
            await asyncio.sleep(0.06)
        if seconds != float("inf"):
            asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._phone.faults.delay_s = 0.0
        if not self._stopped:
            return
        _signal_all(self._stopped, signal.SIGCONT)
        self._stopped.clear()
        loop = asyncio.get_running_loop()
        for seconds in _WAKE_AGAIN_S:
            loop.call_later(seconds, self._wake_launchers)

    def _wake_launchers(self) -> None:
        if not self._stopped:  # it may hang again
            wake_launchers(self._phone.serial)

    async def _clear(self, order: Mapping[str, Any]) -> None:
        del order
        self._wake()
        self._phone.faults.clear()
        self._phone.system.command_delay_s = 0.0
        self._phone.system.set_clock_offset(0.0)
        self._phone.system.hang_nothing()

    async def _state(self, order: Mapping[str, Any]) -> dict[str, Any]:
        del order
        return self._phone.state()


def _signal_all(pids: list[int], number: signal.Signals) -> list[int]:
    reached = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.append(pid)
    return reached


def _number(
    order: Mapping[str, Any], key: str, default: float | None = None, *, signed: bool = False
) -> float:
    value = order.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise FaultError(f"{key} must be a number, not {value!r}")
    if value < 0 and not signed:
        raise FaultError(f"{key} must not be negative")
    return float(value)
