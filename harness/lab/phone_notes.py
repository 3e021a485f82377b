"""The lease that lies on the phone itself, for hosts that share an adb server or swap cables.

A host's file lock excludes its own processes only. So whoever holds a phone also makes the folder
``<work>/lease`` on it. Inside lies one empty file, whose name says who holds it and until when by
the phone's own boot clock, so that no two hosts' clocks are compared; the holder renews it. A note
that ran out, or was written before a reboot, is taken over, and its phone cleaned like any other.

A note of the same `domain` (host and lock folder) is taken over at once: whoever asks has that
host's file lock by then, so the process that wrote it is dead.
"""

from __future__ import annotations

import hashlib
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.adb.errors import AdbError
from harness.lab.leases import lease_root
from harness.lab.ports import LabPhone, Tools
from harness.results.names import safe_name

EXPIRES_S: Final = 180
"""A note that is not renewed for so long counts for nothing."""
RENEW_S: Final = 45.0
LIMIT_S: Final = 20.0
_HELD: Final = 7
_GONE: Final = 8


class PhoneHeldError(AdbError):
    """Another host holds the phone."""


@dataclass(frozen=True)
class Claim:
    """Who holds a phone, as its note says.

    Args:
        owner: Unique among processes.
        domain: What the file lock of the owner's host covers.
        run: What for.
    """

    owner: str
    domain: str
    run: str

    @classmethod
    def of(cls, owner: str, run: str, root: Path | None = None) -> Claim:
        """Return the claim of a process that uses the locks in ``root`` (None: this host's)."""
        folder = str((root or lease_root()).resolve())
        domain = hashlib.sha256(f"{socket.gethostname()}:{folder}".encode()).hexdigest()[:16]
        return cls(_word(owner), domain, _word(run))


def _word(text: str) -> str:
    return safe_name(text) or "-"


# What every command begins with. The note's content is its name: a rename is then the one step that
# changes who holds the phone, and it works for one only, since no two notes have the same name.
_HEAD: Final = """\
cd {work} 2>/dev/null || {{ mkdir -p {work} && cd {work}; }} || exit 1
look() {{
  set -- lease/note,*; name=${{1#lease/}}
  [ -e "lease/$name" ] || name=
  rest=${{name#*,}}; until=${{rest%%,*}}
  rest=${{rest#*,}}; owner=${{rest%%,*}}
  rest=${{rest#*,}}; domain=${{rest%%,*}}; run=${{rest#*,}}
  # after the note: one that was written this second is not of the future
  read up rest < /proc/uptime; now=${{up%%.*}}
  mine="note,$((now + {expires})),{owner},{domain},{run}"
}}
change() {{ [ "$name" = "$mine" ] || mv "lease/$name" "lease/$mine" 2>/dev/null; }}
"""

# A note's time is past, or so far ahead that the phone has been rebooted since: nobody holds it.
_HOLD: Final = (
    _HEAD
    + """\
for attempt in 1 2 3; do
  look
  if [ -z "$name" ]; then
    rm -rf lease/lease.* lease.{owner}; rmdir lease 2>/dev/null
    mkdir lease.{owner} && : > "lease.{owner}/$mine" || exit 1
    mv lease.{owner} lease 2>/dev/null # or into it, if another one was quicker
    rm -rf lease.{owner} lease/lease.{owner}
    look
    [ "$owner" = {owner} ] && exit 0
    continue
  fi
  left=$((until - now))
  if [ "$owner" = {owner} ] || [ "$domain" = {domain} ] ||
    [ $left -lt 0 ] || [ $left -gt {expires} ]; then
    change && exit 0
    continue # another one was quicker
  fi
  break
done
echo "$owner ($run), for $((until - now)) s more"
exit {held}
"""
)

_RENEW: Final = (
    _HEAD
    + """\
look
[ "$owner" = {owner} ] && change || exit {gone}
"""
)

_LET_GO: Final = (
    _HEAD
    + """\
look
[ "$owner" = {owner} ] && rm "lease/$name" 2>/dev/null && rmdir lease 2>/dev/null
exit 0
"""
)


def hold(tools: Tools, phone: LabPhone, claim: Claim) -> None:
    """Write the note; renews one of the same owner.

    Raises:
        PhoneHeldError: Another host holds the phone.
        AdbError: The phone does not answer.
    """
    code, said = _run(tools, phone, claim, _HOLD)
    if code == _HELD:
        raise PhoneHeldError(f"leased on another host by {said}", serial=phone.serial)
    if code != 0:
        raise AdbError(f"cannot write who holds it: {said}", serial=phone.serial)


def renew(tools: Tools, phone: LabPhone, claim: Claim) -> bool:
    """Say that the owner lives; return False if the note is not its own (any more).

    Raises:
        AdbError: The phone does not answer.
    """
    return _run(tools, phone, claim, _RENEW)[0] == 0


def let_go(tools: Tools, phone: LabPhone, claim: Claim) -> None:
    """Remove the note, if it is the owner's own.

    Raises:
        AdbError: The phone does not answer.
    """
    _run(tools, phone, claim, _LET_GO)


def _run(tools: Tools, phone: LabPhone, claim: Claim, script: str) -> tuple[int, str]:
    text = script.format(
        work=shlex.quote(phone.work_dir),
        owner=claim.owner,
        domain=claim.domain,
        run=claim.run,
        expires=EXPIRES_S,
        held=_HELD,
        gone=_GONE,
    )
    said = tools.shell(phone, ["sh", "-c", text], LIMIT_S)
    return said.code, (said.stdout or said.stderr).strip()
