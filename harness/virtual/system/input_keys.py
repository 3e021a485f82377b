"""``input``: keys that light or darken the screen, and those that leave an app.

All else is taken and has no effect: nothing is drawn that could be touched.
"""

from __future__ import annotations

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.call import Call
from harness.virtual.system.power import PowerService
from harness.virtual.system.service import Answers, System

_SCREEN = {"26": None, "POWER": None, "223": False, "SLEEP": False, "276": False,
           "SOFT_SLEEP": False, "224": True, "WAKEUP": True, "82": True, "MENU": True}  # fmt: skip
_HOME = frozenset({"3", "HOME", "4", "BACK"})
_SOURCES = frozenset({"touchnavigation", "touchscreen", "joystick", "stylus", "touchpad", "gamepad",
                      "dpad", "mouse", "keyboard", "trackball"})  # fmt: skip
# Least number of arguments of each command, and whether they are numbers.
# Source: AOSP ``InputShellCommand``.
_COMMANDS = {
    "draganddrop": (4, True),
    "keycombination": (2, False),
    "keyevent": (1, False),
    "motionevent": (1, False),
    "press": (0, False),
    "roll": (2, True),
    "scroll": (2, False),
    "swipe": (4, True),
    "tap": (2, True),
    "text": (1, False),
}
_FAILED = 255


class InputKeys:
    """The command.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._power = system.get(PowerService)
        self._activity = system.get(ActivityCommands)
        self.answers = Answers(
            commands={"input": lambda call: self.run(call, call.args)},
            cmd={"input": self.run},
        )

    async def run(self, call: Call, words: list[str]) -> int:
        """Carry out ``input [SOURCE] [-d DISPLAY] COMMAND [ARGUMENT...]``."""
        left = [word for word in words if word not in _SOURCES]
        if left[:1] == ["-d"]:
            left = left[2:]
        name, *rest = left or [""]
        arguments = [word for word in rest if not word.startswith("--")]
        if name not in _COMMANDS:
            return call.unknown(name)
        least, numbers = _COMMANDS[name]
        if len(arguments) < least:
            call.error(f"Error: Invalid arguments for command: {name}")
            return _FAILED
        if numbers and not all(_is_number(word) for word in arguments[:least]):
            call.error(f"\nException occurred while executing '{name}':\n"
                       "java.lang.NumberFormatException: " + " ".join(arguments))  # fmt: skip
            return _FAILED
        if name == "keyevent":
            for key in arguments:
                await self._press(key.upper().removeprefix("KEYCODE_"))
        return 0

    async def _press(self, key: str) -> None:
        if key in _SCREEN:
            self._power.light(_SCREEN[key])
        elif key in _HOME:
            await self._activity.go_home()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
