"""``cmd`` and ``dumpsys``: they hand what they are asked to the service that is named."""

from __future__ import annotations

import inspect
import time
from collections.abc import Collection

from harness.virtual.root.daemons import SYSTEM_SERVER
from harness.virtual.system.call import Call
from harness.virtual.system.helps import help_code, help_text
from harness.virtual.system.known_services import NO_COMMANDS
from harness.virtual.system.service import Answers, System

_INFO = {
    "--clients": "Client PIDs are not available for local binders.",
    "--pid": str(SYSTEM_SERVER.pid),
    "--stability": "stability: system",
    "--thread": "Threads in use: 0/31",
}
"""What ``dumpsys`` says of each service when it isn't asked for its dump."""


class Asking:
    """The two commands.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self.answers = Answers(commands={"cmd": self._cmd, "dumpsys": self._dumpsys})

    async def _cmd(self, call: Call) -> int:
        """Carry out ``cmd SERVICE ...``."""
        if not call.args or call.args[0] == "-l":
            self._list_services(call)
            return 0
        name, *rest = call.args
        call.argv = [name, *rest]
        code = help_code(call, rest, name)
        if code is not None:
            return code
        service = self._system.cmd.get(name)
        if service is None and name in self._system.service_names():
            call.print(NO_COMMANDS)
            return 0
        if service is None:
            call.error(f"cmd: Can't find service: {name}")
            return 20
        answer = service(call, rest)
        return await answer if inspect.isawaitable(answer) else answer

    def _dumpsys(self, call: Call) -> int:
        """Carry out ``dumpsys``. Source: AOSP ``cmds/dumpsys/dumpsys.cpp``."""
        args = list(call.args)
        skipped: set[str] = set()
        info = ""
        while args and args[0].startswith("-"):
            option = args.pop(0)
            if option == "-l":
                self._list_services(call)
                return 0
            if option == "--skip":
                skipped.update(",".join(args).split(","))
                args = []
            elif option in ("-t", "-T", "--priority") and args:
                args.pop(0)
            elif option in ("--pid", "--thread", "--clients", "--stability"):
                info = option
            elif option not in ("--proto", "--dump"):
                call.print(help_text("dumpsys"), end="")
                return 1
        if args and args[0] not in self._system.service_names():
            call.print(f"Can't find service: {args[0]}")
            return 0
        if not args:
            self._list_services(call, skipped)
        for name in args[:1] or [n for n in self._system.service_names() if n not in skipped]:
            if not args:
                call.print(f"{'-' * 79}\nDUMP OF SERVICE {name}:")
            if info:
                call.print(_INFO[info])
                continue
            began = time.monotonic()
            dump = self._system.dumps.get(name)
            code = dump(call, args[1:]) if dump is not None else 0
            if args:
                return code
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            call.print(f"--------- {time.monotonic() - began:.3f}s was the duration of dumpsys "
                       f"{name}, ending at: {now}")  # fmt: skip
        return 0

    def _list_services(self, call: Call, skipped: Collection[str] = ()) -> None:
        call.print("Currently running services:")
        for name in self._system.service_names():
            call.print(f"  {name}{' (skipped)' if name in skipped else ''}")
