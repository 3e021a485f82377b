"""A phone that carries out the commands of `harness.devices.changes`, or refuses them."""

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from harness.adb.errors import DeviceLost, FileMissing
from harness.adb.shell import ShellResult

WORK = "/data/local/tmp/mobileasr"
FILE = f"{WORK}/restore.json"
PACKAGE = "org.mobileasr.trainer"
SECURITY = "Exception occurred while executing:\njava.lang.SecurityException: Permission"


class ChangingPhone:
    """What matters of a phone, in memory.

    Args:
        locked: Commands (as regular expressions) that it refuses as MIUI does: with exit code 0.
        deaf: Commands that it carries out in silence without any effect.
        lost_after: It is lost after so many commands.
    """

    serial = "S1"

    def __init__(self, locked: str = "", deaf: str = "", lost_after: int | None = None) -> None:
        self.settings = {"global a": "1", "system screen_off_timeout": "60000"}
        self.config: dict[str, str] = {}
        self.doze = {"com.android.phone": "system"}
        self.ops: dict[str, str] = {}
        self.bucket = 40
        self.unplugged = False
        self.files: dict[str, bytes] = {}
        self.locked, self.deaf, self.lost_after = locked, deaf, lost_after
        self.log: list[str] = []

    def retried(self, call: Callable[[], Any]) -> Any:
        return call()

    def run(self, script: str, timeout_s: float) -> ShellResult:
        said = []
        for line in script.splitlines():
            found = re.fullmatch(r"\{ (.+); \} 2>&1 </dev/null; echo; echo '(#\S+)' \$\?", line)
            if found is None:
                assert line == "true"
                continue
            if self.lost_after is not None:
                if self.lost_after == 0:
                    raise DeviceLost("gone", serial="S1")
                self.lost_after -= 1
            text, code = self._one(shlex.split(found[1]))
            said.append(f"{text}\n\n{found[2]} {code}\n")
        out = "".join(said).replace("\n", "\r\n")
        return ShellResult(out, "", 0, out.encode())

    def _one(self, words: Sequence[str]) -> tuple[str, int]:
        command = " ".join(words)
        getting = {"get", "get-standby-bucket"} & set(words[:3]) or words in (
            ["dumpsys", "battery"],
            ["dumpsys", "deviceidle", "whitelist"],
        )
        if not getting:
            self.log.append(command)
            if self.locked and re.search(self.locked, command):
                return SECURITY, 0
            if self.deaf and re.search(self.deaf, command):
                return "", 0
        return self._carry_out(list(words))

    def _carry_out(self, words: list[str]) -> tuple[str, int]:
        match words:
            case ["settings", "get", space, key]:
                return self.settings.get(f"{space} {key}", "null"), 0
            case ["settings", "put", space, key, value]:
                self.settings[f"{space} {key}"] = value
            case ["settings", "delete", space, key]:
                self.settings.pop(f"{space} {key}", None)
                return "Deleted 1 rows", 0
            case ["device_config", "get", space, key]:
                return self.config.get(f"{space}/{key}", "null"), 0
            case ["device_config", "put", space, key, value]:
                self.config[f"{space}/{key}"] = value
            case ["device_config", "delete", space, key]:
                self.config.pop(f"{space}/{key}", None)
            case ["dumpsys", "battery"]:
                stopped = "  (UPDATES STOPPED -- use 'reset' to restart)\n" * self.unplugged
                return f"Current Battery Service state:\n{stopped}  level: 80", 0
            case ["dumpsys", "battery", verb]:
                self.unplugged = verb == "unplug"
            case ["dumpsys", "deviceidle", "whitelist"]:
                return "\n".join(f"{kind},{name},1000" for name, kind in self.doze.items()), 0
            case ["dumpsys", "deviceidle", "whitelist", word]:
                if word[0] == "+":
                    self.doze[word[1:]] = "user"
                else:
                    self.doze.pop(word[1:], None)
            case ["cmd", "appops", "get", name, op]:
                assert name == PACKAGE
                mode = self.ops.get(op)
                if mode is None:
                    return "No operations.\nDefault mode: allow", 0
                return f"Uid mode: {op}: ignore\n{op}: {mode}; time=+3m2s0ms ago", 0
            case ["cmd", "appops", "set", _, op, mode]:
                if mode == "default":
                    self.ops.pop(op, None)
                else:
                    self.ops[op] = mode
            case ["am", "get-standby-bucket", _]:
                return str(self.bucket), 0
            case ["am", "set-standby-bucket", _, name]:
                self.bucket = {"active": 10, "rare": 40}[name]
            case _:
                raise AssertionError(words)
        return "", 0

    def read_file(self, path: str, *, max_bytes: int) -> bytes:
        if path not in self.files:
            raise FileMissing(path, "No such file", serial="S1")
        return self.files[path][:max_bytes]

    def write_text(self, path: str, text: str, *, mode: int) -> None:
        assert mode == 0o600
        self.log.append("remember")
        self.files[path] = text.encode()

    def make_folder(self, path: str) -> None:
        assert path == WORK

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            del self.files[path]

    def state(self) -> tuple[Any, ...]:
        """Everything that the harness may change."""
        return (
            dict(self.settings),
            dict(self.config),
            dict(self.doze),
            dict(self.ops),
            self.bucket,
            self.unplugged,
        )
