"""Where phones come from: adb servers that list them, for as long as the source is open.

Three sources stand here and in ``stf``: the local adb server, named ones, and a farm whose phones
are reserved over the network. Virtual phones are a fourth, known only to ``cli``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from harness.adb.server import AdbServer


@dataclass(frozen=True)
class Session:
    """The phones of one command.

    Attributes:
        servers: adb servers that list them, usable while the source is open.
        farm: What a run's record says of where its phones came from, so that `resume` finds them
            again; None for adb's own server.
    """

    servers: tuple[AdbServer, ...]
    farm: Mapping[str, Any] | None = None


class PhoneSource(Protocol):
    """Phones that can be had."""

    def open(self) -> AbstractContextManager[Session]:
        """Make them reachable, and give them back at the end, however that comes.

        Raises:
            InputError: What was asked for cannot be.
            NoPhoneError: There is none to be had now.
            ServerUnavailable: An adb server does not answer.
        """
        ...


class LocalServer:
    """What adb's own server lists; it is started if none runs, as adb itself would."""

    @contextlib.contextmanager
    def open(self) -> Iterator[Session]:
        """See `PhoneSource`."""
        yield Session((AdbServer.start_default(),))


@dataclass(frozen=True)
class NamedServers:
    """What some adb servers list, all at once; none of them is started or ended.

    Args:
        addresses: ``host:port`` each.
    """

    addresses: Sequence[str]

    @contextlib.contextmanager
    def open(self) -> Iterator[Session]:
        """See `PhoneSource`."""
        servers = {
            server.address: server for server in map(AdbServer.existing, self.addresses)
        }  # one named twice is one
        yield Session(tuple(servers.values()), {"adb": list(servers)})
