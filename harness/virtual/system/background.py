"""What Android allows apps in the background: ``appops``, ``device_config``, standby buckets.

Bookkeeping alone, kept over a restart of the phone: no process is slowed or ended by it.
"""

from __future__ import annotations

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System

_OPS = frozenset({"RUN_ANY_IN_BACKGROUND", "RUN_IN_BACKGROUND", "WAKE_LOCK", "POST_NOTIFICATION",
                  "START_FOREGROUND"})  # fmt: skip
_MODES = frozenset({"allow", "ignore", "deny", "default", "foreground"})
# Source: AOSP ``ActivityManagerShellCommand.bucketNameToBucketValue``: two letters are enough.
_BUCKETS = {"ac": 10, "wo": 20, "fr": 30, "ra": 40, "re": 45}
_FAILED = 255


class BackgroundLimits:
    """The tables.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._packages = system.packages
        self._sdk = system.sdk
        self._ops: dict[tuple[str, str], str] = {}
        self._config: dict[tuple[str, str], str] = {}
        self._buckets: dict[str, int] = {}
        config = ("device_config",) if self._sdk >= 29 else ()
        self.answers = Answers(
            commands={
                "appops": lambda call: self.appops(call, call.args),
                "device_config": lambda call: self.device_config(call, call.args),
            },
            cmd={"appops": self.appops, "device_config": self.device_config},
            dumps=dict.fromkeys(("appops", *config), self.nothing),
        )

    def nothing(self, call: Call, words: list[str]) -> int:
        """Answer ``dumpsys`` of these services: nothing is modelled there."""
        del call, words
        return 0

    def appops(self, call: Call, words: list[str]) -> int:
        """Carry out ``cmd appops get|set|reset``. Source: AOSP ``AppOpsService.Shell``."""
        verb, package, op, mode = [*words, "", "", "", ""][:4]
        if verb not in ("get", "set"):
            return 0
        if self._packages.get(package) is None:
            call.error(f"Error: No UID for {package} in user 0")
            return _FAILED
        if op and op not in _OPS:
            call.error(f"Error: Unknown operation string: {op}")
            return _FAILED
        if verb == "set":
            if mode not in _MODES:
                call.error(f"Error: Mode {mode} is not valid")
                return _FAILED
            self._ops[package, op] = mode
            return 0
        known = [(name, m) for (who, name), m in sorted(self._ops.items())
                 if who == package and op in ("", name) and m != "default"]  # fmt: skip
        for name, m in known:
            call.print(f"{name}: {m}")
        if not known:
            call.print("No operations.")
            if op:
                call.print("Default mode: allow")
        return 0

    def device_config(self, call: Call, words: list[str]) -> int:
        """Carry out ``device_config get|put|delete|list`` (Android 10 and later)."""
        if self._sdk < 29:
            call.error("device_config: inaccessible or not found")
            return 127
        verb, space, key, value = [*words, "", "", "", ""][:4]
        if verb == "get":
            call.print(self._config.get((space, key), "null"))
        elif verb == "put" and len(words) >= 4:
            self._config[space, key] = value
        elif verb == "delete":
            was = self._config.pop((space, key), None)
            call.print(f"Successfully deleted {key} from {space}" if was is not None
                       else f"Failed to delete {key} from {space}")  # fmt: skip
        elif verb == "list":
            for (there, name), text in sorted(self._config.items()):
                if space in ("", there):
                    call.print(f"{name}={text}")
        else:
            call.error("Bad arguments")
            return _FAILED
        return 0

    def standby(self, call: Call) -> int | None:
        """Carry out ``am get-standby-bucket`` and ``set-standby-bucket``; None: another command."""
        verb, *words = [*call.args, "", ""][:3]
        if verb not in ("get-standby-bucket", "set-standby-bucket"):
            return None
        if verb == "get-standby-bucket":
            call.print(str(self._buckets.get(words[0], 40)))
            return 0
        number = _BUCKETS.get(words[1][:2].lower())
        if number is None:
            call.error(f"Error: unknown bucket {words[1]}")
            return _FAILED
        self._buckets[words[0]] = number
        return 0
