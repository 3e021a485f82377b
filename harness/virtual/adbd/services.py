"""What a host can ask for, by the name of the service in OPEN."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable, Mapping

from harness.virtual.adbd.connection import Connection
from harness.virtual.adbd.forward import Reverses, connect, relay
from harness.virtual.adbd.framebuffer import serve_framebuffer
from harness.virtual.adbd.protocol import ShellService, parse_shell_service
from harness.virtual.adbd.shell import run_shell
from harness.virtual.adbd.streams import Stream
from harness.virtual.adbd.sync import serve_sync
from harness.virtual.phone import Faults, PhoneRoot

ServiceHandler = Callable[[Stream, str], Awaitable[None]]
"""Gets the stream, not yet accepted, and the service's whole name."""

_REBOOT_AWAY_S = 2.0
_REMOUNT_PROGRAM_SDK = 29
_NO_PIDS = b"0000"


class Services:
    """The services of one phone.

    Args:
        root: The phone.
        faults: What is wrong with it.
        more: Further services, see :class:`harness.virtual.adbd.daemon.Adbd`.
        on_reboot: Likewise.
    """

    def __init__(
        self,
        root: PhoneRoot,
        faults: Faults,
        more: Mapping[str, ServiceHandler],
        on_reboot: Callable[[str], Awaitable[None]] | None,
    ) -> None:
        self._root = root
        self._faults = faults
        self._more = more
        self._on_reboot = on_reboot
        self._reverses: dict[Connection, Reverses] = {}

    async def serve(self, connection: Connection, stream: Stream, service: str) -> None:
        """Serve one stream; one that isn't accepted in the end is refused by its close.

        Left out on purpose, and so refused: usb, tcpip, and ``jdwp:PID``.
        """
        name = re.split("[:,]", service, maxsplit=1)[0]
        argument = service.partition(":")[2]
        if name in self._more:
            await self._more[name](stream, service)
        elif name == "shell":
            self._faults.happened["shell"] += 1
            await run_shell(stream, self._root, self._faults, parse_shell_service(service))
        elif name == "exec":
            asked = ShellService(protocol=False, terminal=False, term="dumb", command=argument)
            await run_shell(stream, self._root, self._faults, asked)
        elif name in ("abb", "abb_exec"):
            # adbd calls the service itself; a phone of ours has the program "cmd" for that
            command = "exec cmd " + shlex.join(argument.split("\0"))
            asked = ShellService(name == "abb", terminal=False, term="dumb", command=command)
            await run_shell(stream, self._root, self._faults, asked)
        elif name == "sync":
            stream.accept()
            await serve_sync(stream, self._root, self._faults)
        elif name == "reverse":
            stream.accept()
            await self._reverse(connection).serve(stream, argument)
        elif name in ("tcp", "localabstract", "localfilesystem", "local"):
            ends = await connect(self._root, service)
            if ends is not None:
                stream.accept()
                await relay(stream, *ends)
        elif name == "framebuffer":
            await serve_framebuffer(stream, self._root)
        elif service == "jdwp":
            stream.accept()  # the pids of debuggable apps, and no app here has a Java debugger
        elif service == "track-jdwp":
            stream.accept()
            await stream.write(_NO_PIDS)
            await stream.wait_ended()
        elif name == "root":
            stream.accept()
            await stream.write(b"adbd cannot run as root in production builds\n")
        elif name == "unroot":
            stream.accept()
            await stream.write(b"adbd not running as root\n")
        elif name == "remount":
            await self._remount(stream, argument)
        elif name in ("disable-verity", "enable-verity"):
            stream.accept()
            await stream.write(f"{name} only works for userdebug builds\n".encode())
        elif name == "reboot":
            stream.accept()
            stream.close()
            await self._reboot(argument)

    async def _remount(self, stream: Stream, argument: str) -> None:
        """Answer as adbd of a user build: later ones call a program that is not there."""
        if int(self._root.spec.properties.get("ro.build.version.sdk", "0")) >= _REMOUNT_PROGRAM_SDK:
            command = f"/system/bin/remount {argument}".rstrip()
            asked = ShellService(protocol=False, terminal=False, term="dumb", command=command)
            await run_shell(stream, self._root, self._faults, asked)
        else:
            stream.accept()
            await stream.write(b'Not running as root. Try "adb root" first.\n')

    def _reverse(self, connection: Connection) -> Reverses:
        reverses = self._reverses.get(connection)
        if reverses is None:
            reverses = self._reverses[connection] = Reverses(connection, self._root)
            connection.at_end(lambda: self._reverses.pop(connection).close())
        return reverses

    async def _reboot(self, argument: str) -> None:
        if self._on_reboot is not None:
            await self._on_reboot(argument)
        else:
            self._faults.lose_cable(_REBOOT_AWAY_S)
