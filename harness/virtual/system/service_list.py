"""``service``: lists the phone's services."""

from __future__ import annotations

from harness.virtual.system.call import Call
from harness.virtual.system.known_services import INTERFACES
from harness.virtual.system.service import Answers, System


class ServiceCommand:
    """The command ``service``.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._names = system.service_names
        self.answers = Answers(commands={"service": self.run})

    def run(self, call: Call) -> int:
        """Carry out ``service list|check|call``. Source: AOSP ``cmds/service/service.cpp``."""
        verb, name = [*call.args, "", ""][:2]
        names = self._names()
        if verb == "list":
            call.print(f"Found {len(names)} services:")
            for number, each in enumerate(names):
                call.print(f"{number}\t{each}: [{INTERFACES.get(each, '')}]")
        elif verb == "check" and name:
            call.print(f"Service {name}: {'found' if name in names else 'not found'}")
        elif verb == "call" and name and len(call.args) > 2:
            if name not in names:
                call.error(f"service: Service {name} does not exist")
                return 10
            call.print("Result: Parcel(00000000    '....')")
        else:
            call.error("Usage: service [-h|-?]\n       service list\n"
                       "       service check SERVICE\n       service call SERVICE CODE "
                       "[i32 N | i64 N | f N | d N | s16 STR | null | fd f | nfd n ] ...\n"
                       "Options:\n   i32: Write the 32-bit integer N into the send parcel.\n"
                       "   s16: Write the UTF-16 string STR into the send parcel.")  # fmt: skip
            return 10
        return 0
