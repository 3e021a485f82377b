"""Commands that need a few lines each."""

from __future__ import annotations

import re

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.call import Call
from harness.virtual.system.display import Display
from harness.virtual.system.phone_files import save
from harness.virtual.system.service import Answers, System

_GROUPS = "2000(shell),1004(input),1007(log),1011(adb),1015(sdcard_rw),1028(sdcard_r),3003(inet)"
_CONTEXT = "u:r:shell:s0"
_UIAUTOMATOR = """Usage: uiautomator <subcommand> [options]

Available subcommands:

help: displays help message

runtest: executes UI automation tests
    runtest <class spec> [options]

dump: creates an XML dump of current UI hierarchy
    dump [--verbose][file]
      [--compressed]: dumps compressed layout information.
      [file]: the location where the dumped XML should be stored, default is
      /sdcard/window_dump.xml

events: prints out accessibility events until terminated"""


class SmallCommands:
    """One method a command; `answers` names them.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._display = system.get(Display)
        self._activity = system.get(ActivityCommands)
        self.answers = Answers(
            commands={
                "dmesg": self._kernel_log,
                "getenforce": lambda call: _say(call, "Enforcing"),
                "getevent": self._events,
                "id": self._id,
                "setenforce": self._setenforce,
                "uiautomator": self._uiautomator,
                "whoami": lambda call: _say(call, "shell"),
            },
        )

    @staticmethod
    def _kernel_log(call: Call) -> int:
        call.error("dmesg: klogctl: Permission denied")
        return 1

    async def _events(self, call: Call) -> int:
        """Carry out ``getevent``: there's a touch screen, and nobody touches it."""
        flags = "".join(arg[1:] for arg in call.args if arg.startswith("-"))
        width, height = self._display.size
        call.print('add device 1: /dev/input/event0\n  name:     "vlab_touchscreen"')
        if set(flags) & set("pi"):

            def axis(number: int, name: str, most: int) -> str:
                label = f"{name:<21}" if "l" in flags else f"{number:04x} "
                return f"{label} : value 0, min 0, max {most}, fuzz 0, flat 0, resolution 0"

            lines = (axis(0x35, "ABS_MT_POSITION_X", width - 1),
                     axis(0x36, "ABS_MT_POSITION_Y", height - 1))  # fmt: skip
            call.print("  events:\n    ABS (0003): " + "\n                ".join(lines))
            call.print("  input props:\n    INPUT_PROP_DIRECT")
            return 0
        await call.flush()
        await call.wait_gone()
        return 0

    @staticmethod
    def _id(call: Call) -> int:
        flags = "".join(a[1:] for a in call.args if a.startswith("-"))
        if "Z" in flags:
            call.print(_CONTEXT)
        elif "u" in flags or "g" in flags:
            call.print("shell" if "n" in flags else "2000")
        elif "G" in flags:
            numbers = re.findall("[0-9]+", _GROUPS)
            names = re.findall(r"\((\w+)\)", _GROUPS)
            call.print(" ".join(names if "n" in flags else numbers))
        else:
            call.print(f"uid=2000(shell) gid=2000(shell) groups={_GROUPS} context={_CONTEXT}")
        return 0

    @staticmethod
    def _setenforce(call: Call) -> int:
        call.error("setenforce: Couldn't set enforcing status to "
                   f"'{call.args[0] if call.args else ''}': Permission denied")  # fmt: skip
        return 1

    def _uiautomator(self, call: Call) -> int:
        """Carry out ``uiautomator dump``: one empty window of the package in front."""
        verb, *words = call.args or [""]
        if verb in ("", "help"):
            call.error(_UIAUTOMATOR)
            return 1
        if verb != "dump":  # tests and events need ART
            call.error(f"Unsupported standalone parameter. {verb}: there is no ART here"
                       if verb in ("events", "runtest") else "Unsupported command")  # fmt: skip
            return 1
        files = [word for word in words if not word.startswith("-")]
        path = files[0] if files else "/sdcard/window_dump.xml"
        text = self._hierarchy()
        if path == "/dev/tty":
            call.print(f"{text}UI hierchary dumped to: {path}")
            return 0
        if not save(self._root, call, path, text.encode()):
            return 1
        call.print(f"UI hierchary dumped to: {path}")  # so misspelt on phones, and clients match it
        return 0

    def _hierarchy(self) -> str:
        width, height = self._display.size
        package = self._activity.tasks.front.package
        node = " ".join(
            f'{name}="{value}"'
            for name, value in {
                "index": 0, "text": "", "resource-id": "", "class": "android.widget.FrameLayout",
                "package": package, "content-desc": "", "checkable": "false", "checked": "false",
                "clickable": "false", "enabled": "true", "focusable": "false", "focused": "false",
                "scrollable": "false", "long-clickable": "false", "password": "false",
                "selected": "false", "bounds": f"[0,0][{width},{height}]",
            }.items()
        )  # fmt: skip
        return (
            "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
            f'<hierarchy rotation="{self._display.rotation}"><node {node} /></hierarchy>'
        )


def _say(call: Call, text: str) -> int:
    call.print(text)
    return 0
