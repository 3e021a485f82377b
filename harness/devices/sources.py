"""Where phones come from: adb servers that list them, for as long as the source is open.

Three sources stand here and in ``stf``: the local adb server, named ones, and a farm whose phones
are reserved over the network. Virtual phones are a fourth, known only to ``cli``. Other packages
add more (docs/extending.md): ``--farm NAME:WORDS``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from harness import plugins
from harness.adb.server import AdbServer
from harness.errors import HarnessError, InputError, did_you_mean

OWN_FARMS = ("virtual", "stf")
"""What ``--farm`` knows without plug-ins."""


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


@dataclass(frozen=True)
class PluggedSource:
    """A source of another package.

    Args:
        name: Of its entry point: what stands before the colon of ``--farm``.
        words: What stands after it.
        source: What the plug-in made of them.
    """

    name: str
    words: str
    source: PhoneSource

    @contextlib.contextmanager
    def open(self) -> Iterator[Session]:
        """See `PhoneSource`; a run's record says how to find the phones again."""
        with contextlib.ExitStack() as stack:
            with _named(self.name):
                session = stack.enter_context(self.source.open())
            option = f"{self.name}:{self.words}" if self.words else self.name
            yield Session(session.servers, {**(session.farm or {}), "option": option})


@cache
def _plugged() -> Mapping[str, Callable[[str], PhoneSource]]:
    found: dict[str, Callable[[str], PhoneSource]] = {}

    def accept(name: str, make: Any) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
            return f"{name!r} is no name for --farm (a-z, 0-9 and -)"
        if name in OWN_FARMS or name in found:
            return f"there is a source {name!r} already"
        if not callable(make):
            return f"{make!r} is no function from the words after the colon to a PhoneSource"
        found[name] = make
        return ""

    plugins.load(plugins.PHONE_SOURCES, accept)
    return found


def farm_names() -> tuple[str, ...]:
    """Return all that may stand before the colon of ``--farm``, those of plug-ins last."""
    return (*OWN_FARMS, *_plugged())


def plugged_source(name: str, words: str) -> PhoneSource:
    """Return the source of a plug-in.

    Args:
        name: What stands before the colon of ``--farm``.
        words: What stands after it.

    Raises:
        InputError: There is none of that name, or it does not understand the words.
    """
    make = _plugged().get(name)
    if make is None:
        broken = plugins.problem_of(plugins.PHONE_SOURCES, name)
        meant = did_you_mean(name, farm_names(), cutoff=0.6)
        raise InputError(
            f"{name!r} is no farm",
            where="--farm",
            hint=broken
            or f"{meant}Use virtual, virtual:PROFILE=COUNT,..., stf:https://stf.example.org"
            + "".join(f", {farm}:..." for farm in farm_names()[len(OWN_FARMS) :]),
        )
    with _named(name):
        source = make(words)
        if not callable(getattr(source, "open", None)):
            raise TypeError(f"it gave {source!r}, which is no PhoneSource")
    return PluggedSource(name, words, source)


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn what goes wrong in a plug-in into one error that names it."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        told = f"the phone source {name!r} failed: {type(error).__name__}: {error}"
        raise InputError(told, where="--farm") from error
