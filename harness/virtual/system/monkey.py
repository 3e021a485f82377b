"""``monkey``: it starts a package, and injects no event that anything here would notice."""

from __future__ import annotations

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.call import Call
from harness.virtual.system.intent import Intent
from harness.virtual.system.packages import Package
from harness.virtual.system.resolving import LAUNCHER_CATEGORY, MAIN, candidates
from harness.virtual.system.service import Answers, System

_NONE_FOUND = 252
_FAILED = 255
_WITH_VALUE = frozenset({"-c", "-f", "-p", "-s", "--device-sleep-time", "--pkg-blacklist-file",
                         "--pkg-whitelist-file", "--port", "--profile-wait", "--setup",
                         "--throttle"})  # fmt: skip


class Monkey:
    """The command.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._packages = system.packages
        self._activity = system.get(ActivityCommands)
        self.answers = Answers(commands={"monkey": self.run})

    async def run(self, call: Call) -> int:
        """Carry out ``monkey -p PACKAGE ... COUNT``. Source: AOSP ``Monkey.java``."""
        names: list[str] = []
        count: int | None = None
        left = list(call.args)
        while left:
            arg = left.pop(0)
            call.error(f"  bash arg: {arg}")
            if arg in _WITH_VALUE or arg.startswith("--pct-"):
                value = left.pop(0) if left else ""
                call.error(f"  bash arg: {value}")
                names += [value] if arg == "-p" else []
            elif not arg.startswith("-"):
                if not arg.isdigit():
                    call.error(f'** Error: Count is not a number: "{arg}"')
                    return _FAILED
                count = int(arg)
        if count is None and "--port" not in call.args:
            call.error("** Error: Count not specified")
            return _FAILED
        package = self._launchable(names)
        if package is None:
            call.print("** No activities found to run, monkey aborted.")
            return _NONE_FOUND
        if "--port" in call.args:
            call.error("** Error: nothing listens on a port here: there is no ART")
            return _FAILED
        if "-v" in call.args:
            call.print(f":Monkey: seed=1 count={count}\n:AllowPackage: {package.name}\n"
                       ":IncludeCategory: android.intent.category.LAUNCHER")  # fmt: skip
        await self._activity.launch(package, package.main)
        call.print(f"Events injected: {count}\n## Network stats: elapsed time=1ms "
                   "(0ms mobile, 0ms wifi, 1ms not connected)")  # fmt: skip
        return 0

    def _launchable(self, names: list[str]) -> Package | None:
        able = candidates(self._packages, Intent(action=MAIN, categories=[LAUNCHER_CATEGORY]))
        return next((p for p in able if not names or p.name in names), None)
