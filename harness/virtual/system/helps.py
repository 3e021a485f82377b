"""What commands print when they are asked for help: one text a command, in ``help/``."""

from __future__ import annotations

from pathlib import Path

from harness.virtual.system.call import Call

_TEXTS = Path(__file__).with_name("help")
# Source: toybox for the first; AOSP ``BasicShellCommandHandler.handleDefaultCommands`` for those of
# the system, which print it too when nothing is asked and end with -1.
_TOOLS = {"bugreport": "-h", "bugreportz": "-h", "dumpsys": "--help", "killall": "--help",
          "logcat": "--help", "monkey": "--help", "pgrep": "--help", "pidof": "--help",
          "pkill": "--help", "ps": "--help", "screencap": "-h", "top": "--help"}  # fmt: skip
_ALSO = {"logcat": "-h"}
_NEEDS_WORDS = frozenset({"monkey", "pidof"})
_OF_THE_SYSTEM = frozenset({"activity", "content", "input", "package", "settings", "svc", "window"})
_SAME = {"am": "activity", "pm": "package", "wm": "window"}
_FAILED = 255


def help_code(call: Call, args: list[str], name: str) -> int | None:
    """Print the help of a command if that is asked for, and return the exit code; else None.

    Args:
        call: Who asks.
        args: Words after the command's name.
        name: The command, or the service that ``cmd`` was told.
    """
    name = _SAME.get(name, name)
    if name in _OF_THE_SYSTEM:
        if args and args[0] not in ("help", "-h", "--help"):
            return None
        code = _FAILED
    elif name in _TOOLS:
        words = {_TOOLS[name], _ALSO.get(name, _TOOLS[name])}
        if not words & set(args[:1]) and (args or name not in _NEEDS_WORDS):
            return None
        code = 0 if args else 1 if name == "pidof" else _FAILED
    else:
        return None
    call.print(help_text(name), end="")
    return code


def help_text(name: str) -> str:
    """Return the help of a command."""
    return (_TEXTS / f"{name}.txt").read_text("utf-8")
