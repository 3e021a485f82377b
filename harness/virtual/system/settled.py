"""Services whose commands ask or set what is not modelled beyond a setting, or not at all."""

from __future__ import annotations

from functools import partial

from harness.virtual.system.call import Call
from harness.virtual.system.packages import KEYBOARD, LAUNCHER
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings

# Service -> its commands that change nothing that is modelled, and print nothing.
_SILENT: dict[str, frozenset[str]] = {
    "jobscheduler": frozenset({"cancel", "monitor-battery", "reset-execution-quota",
                               "reset-schedule-quota", "timeout"}),
    "media_session": frozenset({"dispatch"}),
    "notification": frozenset({"allow_dnd", "allow_listener", "disallow_dnd", "disallow_listener",
                               "snooze", "unsnooze"}),
    "overlay": frozenset({"disable", "enable", "enable-exclusive", "set-priority"}),
    "statusbar": frozenset({"add-tile", "click-tile", "collapse", "expand-notifications",
                            "expand-settings", "remove-tile", "send-disable-flag"}),
    "stats": frozenset({"write-to-disk", "clear-puller-cache"}),
}  # fmt: skip
# Service -> its commands that always say the same.
_FIXED: dict[str, dict[str, str]] = {
    "bluetooth_manager": {"enable": "Enabling Bluetooth\nSuccess", "disable": "Success",
                          "wait-for-state:STATE_OFF": "Success",
                          "wait-for-state:STATE_ON": "Success"},
    "jobscheduler": {"run": "Running job [FORCED]", "get-battery-charging": "false",
                     "get-battery-not-low": "true", "get-job-state": "unknown"},
    "lock_settings": {"get-disabled": "true", "clear": "Lock credential cleared",
                      "verify": "Lock credential verified successfully"},
    "media_session": {"list-sessions": "Sessions:", "volume": "volume is 5 in range [0..15]"},
    "netpolicy": {"list": "", "get": "false"},
    "notification": {"post": "posting:", "list": "", "get_approved_assistant": "null",
                     "get": ""},
    "overlay": {"list": ""},
    "role": {"get-role-holders": LAUNCHER},
    "statusbar": {"check-support": "true", "get-status-icons": "battery\nwifi",
                  "list-tiles": "internet"},
    "user": {"list": "Users:\n\tUserInfo{0:Owner:c13} running", "get-main-user": "0",
             "is-headless-system-user-mode": "false"},
    "webviewupdate": {"list-webview-packages": "com.android.webview"},
}  # fmt: skip
_FAILED = 255


class SettledCommands:
    """The commands.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._settings = system.get(Settings)
        self.answers = Answers(
            commands={
                "ime": lambda call: self._keyboards(call, call.args),
                "locksettings": lambda call: self._answer("lock_settings", call, call.args),
                "ping": self._ping,
            },
            cmd={
                **{name: partial(self._answer, name) for name in sorted({*_SILENT, *_FIXED})},
                "input_method": self._keyboards,
                "location": self._location,
                "phone": self._phone,
                "uimode": self._night,
            },
            dumps={"location": self._dump_location, "telephony.registry": self._dump_radio},
        )

    @staticmethod
    def _answer(name: str, call: Call, words: list[str]) -> int:
        verb = words[0] if words else ""
        answer = _FIXED.get(name, {}).get(verb)
        if answer is None and verb not in _SILENT.get(name, ()):
            return call.unknown(verb)
        if answer:
            call.print(answer)
        return 0

    @staticmethod
    def _keyboards(call: Call, words: list[str]) -> int:
        """Carry out ``ime``: there is one keyboard, and it is on."""
        verb, *rest = words or [""]
        if verb == "list":
            call.print(KEYBOARD if "-s" in rest else
                       f"mId={KEYBOARD} mSettingsActivityName=null mIsDefaultResId=0\n"
                       f"mPackageName={KEYBOARD.partition('/')[0]}")  # fmt: skip
        elif verb in ("enable", "disable", "set"):
            if rest[-1:] != [KEYBOARD]:
                call.error(f"Unknown input method {' '.join(rest)} cannot be {verb}d for user #0"
                           if verb != "set" else
                           f"Unknown input method {' '.join(rest)} cannot be selected "
                           "for user #0")  # fmt: skip
                return _FAILED
            said = {"enable": "already enabled", "disable": "now disabled", "set": "selected"}[verb]
            call.print(f"Input method {KEYBOARD}: {said} for user #0")
        elif verb == "reset":
            call.print("Reset current and enabled IMEs for user #0")
        else:
            return call.unknown(verb)
        return 0

    @property
    def _located(self) -> str:
        """Whether the location is on, in words."""
        return "false" if self._settings.get("secure", "location_mode") in (None, "0") else "true"

    def _location(self, call: Call, words: list[str]) -> int:
        if words[:1] == ["is-location-enabled"]:
            call.print(self._located)
        elif words[:1] == ["set-location-enabled"] and len(words) > 1:
            self._settings.put("secure", "location_mode", "3" if words[1] == "true" else "0")
        elif words[:1] != ["providers"]:
            return call.unknown(*words[:1])
        return 0

    def _dump_location(self, call: Call, args: list[str]) -> int:
        del args
        call.print("Location Manager State:\n  User Info:\n    Current User: 0\n"
                   f"  Location Setting: {self._located}\n"
                   "  Location Providers:")  # fmt: skip
        return 0

    def _phone(self, call: Call, words: list[str]) -> int:
        if words[:1] == ["data"] and words[1:2] in (["enable"], ["disable"]):
            self._settings.put("global", "mobile_data", str(int(words[1] == "enable")))
            return 0
        return call.unknown(*words[:1])

    def _night(self, call: Call, words: list[str]) -> int:
        names = {"yes": "2", "no": "1", "auto": "0"}
        if words[:1] != ["night"]:
            return call.unknown(*words[:1])
        if words[1:] and words[1] not in names:
            call.error("Error: mode must be 'yes', 'no', or 'auto'")
            return _FAILED
        if words[1:]:
            self._settings.put("secure", "ui_night_mode", names[words[1]])
        value = self._settings.get("secure", "ui_night_mode") or "1"
        call.print("Night mode: " + {"2": "yes", "1": "no"}.get(value, "auto"))
        return 0

    @staticmethod
    def _dump_radio(call: Call, args: list[str]) -> int:
        """Answer ``dumpsys telephony.registry``: there is no SIM card."""
        del args
        call.print("last known state:\n  Phone Id=0\n    mCallState=0\n    mRingingCallState=0\n"
                   "    mServiceState={mVoiceRegState=1(OUT_OF_SERVICE), "
                   "mDataRegState=1(OUT_OF_SERVICE)}\n    mDataConnectionState=-1\n"
                   "    mDataActivity=0")  # fmt: skip
        return 0

    def _ping(self, call: Call) -> int:
        """Carry out ``ping``: the phone reaches itself and nothing else."""
        names = [arg for arg in call.args if not arg.startswith("-") and not arg.isdigit()]
        if not names:
            call.error("usage: ping [-c COUNT] DESTINATION")
            return 2
        name = names[-1]
        if name in ("localhost", "127.0.0.1"):
            call.print(f"PING {name} (127.0.0.1) 56(84) bytes of data.\n"
                       "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.050 ms\n\n"
                       f"--- {name} ping statistics ---\n"
                       "1 packets transmitted, 1 received, 0% packet loss, time 0ms")  # fmt: skip
            return 0
        if all(part.isdigit() for part in name.split(".")):
            call.error("connect: Network is unreachable")
        else:
            call.error(f"ping: unknown host {name}")
        return 2
