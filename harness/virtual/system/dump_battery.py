"""``dumpsys battery`` and ``thermalservice``, and ``cmd`` of the two."""

from __future__ import annotations

from dataclasses import replace

from harness.virtual.system.battery import SETTABLE
from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System

_HELP = """Battery service (battery) commands:
  help
    Print this help text.
  get [-f] [ac|usb|wireless|status|level|temp|present|counter|invalid]
  set [-f] [ac|usb|wireless|status|level|temp|present|counter|invalid] <value>
    Force a battery property value, freezing battery state.
    -f: force a battery change broadcast be sent, prints new sequence.
  unplug [-f]
    Force battery unplugged, freezing battery state.
  reset [-f]
    Unfreeze battery state, returning to current hardware values."""


class BatteryDumps:
    """The two services.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._accountant = system.accountant
        self._sdk = system.sdk
        self.answers = Answers(
            cmd={
                "battery": lambda call, words: self.battery_command(call, words or ["help"]),
                "thermalservice": self._thermal_command,
            },
            dumps={
                "battery": self._battery,
                "thermalservice": self._thermal,
            },
        )

    def battery_command(self, call: Call, args: list[str]) -> int:
        """Carry out ``set``, ``unplug`` and ``reset``. Source: AOSP ``BatteryService.Shell``."""
        words = [a for a in args if a != "-f"]
        service = self._accountant.battery
        if words[0] == "unplug":
            service = service.unplug()
        elif words[0] == "reset":
            service = service.reset()
        elif words[0] == "get" and self._sdk >= 30:
            value = self._value(words[1] if len(words) > 1 else "")
            call.print(f"Unknown get option: {' '.join(words[1:2])}" if value is None else value)
            return 255 if value is None else 0
        elif words[0] == "help":
            call.print(_HELP)
            return 0
        elif words[0] == "set":
            if len(words) < 3:
                call.print("No property specified" if len(words) < 2 else "No value specified")
                return 255
            if words[1] not in SETTABLE:
                call.print(f"Unknown set option: {words[1]}")
                return 255
            try:
                service = service.set(words[1], int(words[2]))
            except ValueError:
                call.print(f"Bad value: {words[2]}")
                return 255
        else:
            return call.unknown(words[0])
        self._accountant.battery = service
        self._accountant.write_battery()
        return 0

    def _value(self, name: str) -> str | None:
        """Return what ``cmd battery get`` prints; None: there's no such value."""
        lines = self._accountant.battery.dump(self._sdk).splitlines()
        values = dict(line.strip().partition(": ")[::2] for line in lines if ": " in line)
        label = {"ac": "AC powered", "usb": "USB powered", "wireless": "Wireless powered",
                 "counter": "Charge counter", "temp": "temperature"}.get(name, name)  # fmt: skip
        return values.get(label)

    def _battery(self, call: Call, args: list[str]) -> int:
        if args and args[0] not in ("-a", "--proto"):
            return self.battery_command(call, args)
        if "--proto" in args:
            call.write(self._accountant.battery.dump_proto())
        else:
            call.print(self._accountant.battery.dump(self._sdk), end="")
        return 0

    def _thermal(self, call: Call, args: list[str]) -> int:
        del args
        limits, state = self._accountant.limits, self._accountant.battery.state
        text = self._accountant.thermal.dump(self._sdk, state.temperature_c, limits.cores)
        call.print(text, end="")
        return 0

    def _thermal_command(self, call: Call, words: list[str]) -> int:
        if words[:1] == ["reset"]:
            status = None
        elif words[:1] == ["override-status"] and len(words) == 2 and words[1].isdigit():
            status = int(words[1])
        else:
            call.error("Unknown command")
            return 255
        self._accountant.thermal = replace(self._accountant.thermal, override=status)
        return 0
