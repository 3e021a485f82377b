"""The phones of one command: adb servers, and virtual phones if asked for."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.adb.server import AdbServer
from harness.cli import console
from harness.cli.farm_process import running_farm
from harness.devices.profile import load_profiles
from harness.errors import InputError
from harness.scenario import LoadedScenario, expand_jobs

_COUNTED = re.compile(r"([a-z0-9][a-z0-9._-]*)(?:=([1-9][0-9]{0,2}))?")


@dataclass(frozen=True)
class Session:
    """What a command can work with.

    Attributes:
        servers: adb servers, open while the session is.
        farm: What a run's record says of virtual phones started here.
    """

    servers: tuple[AdbServer, ...]
    farm: Mapping[str, Any] | None = None


def parse_profiles(words: Sequence[str], where: str) -> dict[str, int]:
    """Read ``profile`` or ``profile=count`` words.

    Raises:
        InputError: Not of this form, or no such profile.
    """
    known = load_profiles()
    counts: dict[str, int] = {}
    for word in words:
        match = _COUNTED.fullmatch(word.strip())
        if match is None:
            raise InputError(f"{word!r} is not PROFILE or PROFILE=COUNT", where=where)
        name = match[1]
        if name not in known:
            raise InputError(
                f"there is no profile {name!r}", where=where, hint=f"Profiles: {', '.join(known)}."
            )
        counts[name] = counts.get(name, 0) + int(match[2] or 1)
    return counts


def profiles_wanted(loaded: LoadedScenario, only: Sequence[str]) -> dict[str, int]:
    """Return the virtual phones that a scenario needs: one of each profile that its jobs name.

    A job that names no profile is content with any phone; if no job names one, a generic phone
    is started. ``count: n`` asks for n of each.
    """
    known = load_profiles()
    counts: dict[str, int] = {}
    for job in expand_jobs(loaded, only):
        demands = job.content.phones
        named = demands.get("profile", [])
        count = demands.get("count")
        for name in [named] if isinstance(named, str) else named:
            if name in known:
                counts[name] = max(counts.get(name, 1), count if isinstance(count, int) else 1)
    return counts or {"generic": 1}


def _farm_profiles(farm: str, loaded: LoadedScenario | None, only: Sequence[str]) -> dict[str, int]:
    kind, _, words = farm.partition(":")
    if kind != "virtual":
        raise InputError(
            f"{farm!r} is no farm", where="--farm", hint="Use virtual, or virtual:PROFILE=COUNT,..."
        )
    if words:
        return parse_profiles(words.split(","), "--farm")
    return profiles_wanted(loaded, only) if loaded is not None else {"generic": 1}


@contextlib.contextmanager
def open_session(
    *,
    farm: str | None = None,
    adb: Sequence[str] | None = None,
    loaded: LoadedScenario | None = None,
    only: Sequence[str] = (),
) -> Iterator[Session]:
    """Connect to adb servers, and start virtual phones if asked for.

    Args:
        farm: As `--farm` has it.
        adb: Addresses of adb servers; None for adb's own default.
        loaded: The scenario, from which the virtual phones follow.
        only: Its filters.

    Raises:
        InputError: An option is wrong.
        ServerUnavailable: A server does not answer.
        FarmError: The virtual phones did not start.
    """
    with contextlib.ExitStack() as stack:
        if farm is None:
            servers = (
                [AdbServer.existing(one) for one in adb] if adb else [AdbServer.start_default()]
            )
            yield Session(tuple(servers))
            return
        if adb:
            raise InputError("give --farm or --adb, not both", where="--adb")
        profiles = _farm_profiles(farm, loaded, only)
        with unhurried():
            server = stack.enter_context(AdbServer.start_private())
            phones = ", ".join(f"{n} x {name}" for name, n in profiles.items())
            console.note(f"starting virtual phones ({phones}) ...")
            up = stack.enter_context(running_farm(profiles, server.address))
        yield Session((server,), {"profiles": profiles, "phones": [p.serial for p in up.phones]})


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Let Ctrl-C wait until what is being started can also be stopped."""
    pending: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pending:
        raise KeyboardInterrupt
