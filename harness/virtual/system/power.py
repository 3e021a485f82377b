"""Screen, stay-awake, power save and doze: ``dumpsys power``, ``deviceidle``, ``svc power`` ...

Bookkeeping alone: a virtual phone's processes are never slowed or stopped by any of it. The stay-on
and power-save switches are settings, so that they last over a reboot, as on a phone.
"""

from __future__ import annotations

from collections.abc import Awaitable

from harness.virtual.system.call import Call
from harness.virtual.system.network import Network
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings

_STAY_ON, _LOW_POWER = "stay_on_while_plugged_in", "low_power"
# Source: AOSP ``BatteryManager.BATTERY_PLUGGED_*``.
_PLUGGED = {"none": 0, "ac": 1, "usb": 2}
_ANY_PLUG = 15
_STAY_ON_WORDS = {"true": _ANY_PLUG, "false": 0, "ac": 1, "usb": 2, "wireless": 4, "dock": 8}


class PowerService:
    """What the phone's power manager would know.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._settings = system.get(Settings)
        self._network = system.get(Network)
        self._accountant = system.accountant
        self._reboot = system.setup.on_reboot
        self._screen_on = True
        self._idle = {"deep": "ACTIVE", "light": "ACTIVE"}
        self._forced = False
        self._enabled = {"deep": True, "light": True}
        self._whitelist: list[str] = []
        self.answers = Answers(
            commands={"reboot": self.reboot, "svc": self.svc},
            cmd={"deviceidle": self.device_idle, "power": self.command},
            dumps={"deviceidle": self.device_idle, "power": self.dump},
        )

    @property
    def screen_on(self) -> bool:
        """Whether the screen is lit; stay-on keeps it so while the phone is plugged in."""
        return self._screen_on or self._stays_on

    @property
    def _plugged(self) -> int:
        return _PLUGGED[self._accountant.battery.state.power]

    @property
    def _stay_on_setting(self) -> int:
        text = self._settings.get("global", _STAY_ON) or "0"
        return int(text) if text.isdigit() else 0

    @property
    def _stays_on(self) -> bool:
        return bool(self._plugged & self._stay_on_setting)

    def reset(self) -> None:
        """Forget what a reboot forgets."""
        self._screen_on, self._forced = True, False
        self._idle = {"deep": "ACTIVE", "light": "ACTIVE"}
        self._enabled = {"deep": True, "light": True}

    def dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys power``."""
        del args
        on = self.screen_on
        battery = self._accountant.battery.state
        call.print(
            "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n"
            f"  mWakefulness={'Awake' if on else 'Asleep'}\n"
            f"  mIsPowered={_truth(self._plugged != 0)}\n"
            f"  mPlugType={self._plugged}\n"
            f"  mBatteryLevel={battery.level}\n"
            f"  mStayOn={_truth(self._stays_on)}\n"
            f"  mDeviceIdleMode={_truth(self._idle['deep'] == 'IDLE')}\n"
            f"  mLightDeviceIdleMode={_truth(self._idle['light'] == 'IDLE')}\n"
            "  mHoldingWakeLockSuspendBlocker=false\n"
            f"  mHoldingDisplaySuspendBlocker={_truth(on)}\n"
            "Settings and Configuration:\n"
            f"  mStayOnWhilePluggedInSetting={self._stay_on_setting}\n"
            f"  mLowPowerModeEnabled={_truth(self._settings.get('global', _LOW_POWER) == '1')}\n"
            f"\nDisplay Power: state={'ON' if on else 'OFF'}"
        )
        return 0

    def light(self, on: bool | None) -> None:
        """Light the screen or darken it; None: the other of the two, as the power key does."""
        self._screen_on = not self._screen_on if on is None else on

    async def reboot(self, call: Call) -> int:
        """Carry out ``reboot``, which ends this command too; all ways lead to Android again."""
        if any(arg.startswith("-") and arg != "-p" for arg in call.args) and call.name == "reboot":
            call.error("usage: reboot [-p] [rebootcommand]")
            return 1
        self._reboot()
        await call.wait_gone()
        return 0

    def svc(self, call: Call) -> int | Awaitable[int]:
        """Carry out ``svc``; what it says of USB, NFC and Bluetooth has no effect here."""
        if call.args[:2] == ["power", "stayon"]:
            return self.stay_on(call, call.args[2:])
        if call.args[:2] in (["power", "reboot"], ["power", "shutdown"]):
            return self.reboot(call)  # a phone that stays off would be no use
        if call.args[:2] == ["power", "forcesuspend"]:
            return 0
        return self._network.service(call, call.args)

    def stay_on(self, call: Call, words: list[str]) -> int:
        """Carry out ``svc power stayon WORD``."""
        value = _STAY_ON_WORDS.get(words[0] if words else "")
        if value is None:
            call.error("usage: svc power stayon [true|false|usb|ac|wireless|dock]")
            return 255
        self._settings.put("global", _STAY_ON, str(value))
        return 0

    def command(self, call: Call, words: list[str]) -> int:
        """Carry out ``cmd power``."""
        verb = words[0] if words else ""
        if verb == "set-mode":
            if words[1:2] not in (["0"], ["1"]):
                call.error("Error: no mode given")
                return 255
            self._settings.put("global", _LOW_POWER, words[1])
        elif verb not in ("set-adaptive-power-saver-enabled", "set-face-down-detector",
                          "set-prox", "suppress-ambient-display"):  # fmt: skip
            return call.unknown(verb)
        return 0

    def device_idle(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys deviceidle`` and ``cmd deviceidle``: AOSP ``DeviceIdleController``."""
        verb, *words = args or [""]
        kind = words[0] if words and words[0] in self._idle else "deep"
        if verb in ("disable", "enable"):
            for name in [words[0]] if words and words[0] in self._idle else ["deep", "light"]:
                self._enabled[name] = verb == "enable"
                self._idle[name] = "ACTIVE"
                call.print(f"{name.capitalize()} idle mode {verb}d")
        elif verb == "enabled":
            call.print(str(int(self._enabled[kind] if words else all(self._enabled.values()))))
        elif verb == "get" and words:
            self._get(call, words[0])
        elif verb == "force-idle":
            if not self._enabled[kind]:
                call.print("Unable to go deep idle; not enabled")
                return 255
            self._forced, self._idle[kind] = True, "IDLE"
            call.print(f"Now forced in to {kind} idle mode")
        elif verb in ("unforce", "motion"):
            self._forced = False
            self._idle = {"deep": "ACTIVE", "light": "ACTIVE"}
            call.print("Light state: ACTIVE, deep state: ACTIVE")
        elif verb == "whitelist":
            self._whitelisted(call, words)
        else:
            call.print(f"  Settings:\n  mState={self._idle['deep']} "
                       f"mLightState={self._idle['light']}")  # fmt: skip
            call.print(f"  mForceIdle={_truth(self._forced)}")
        return 0

    def _get(self, call: Call, what: str) -> None:
        values = {
            **self._idle,
            "force": _truth(self._forced),
            "quick": "false",
            "screen": _truth(self.screen_on),
            "charging": _truth(self._plugged != 0),
            "network": "true",
        }
        call.print(values.get(what, f"Unknown get option: {what}"))

    def _whitelisted(self, call: Call, words: list[str]) -> None:
        for word in words:
            name = word[1:]
            if word.startswith("+"):
                if name not in self._whitelist:
                    self._whitelist.append(name)
                call.print(f"Added: {name}")
            elif name in self._whitelist:
                self._whitelist.remove(name)
                call.print(f"Removed: {name}")
        if not words:
            for name in self._whitelist:
                call.print(f"user,{name},10000")


def _truth(value: bool) -> str:
    return "true" if value else "false"
