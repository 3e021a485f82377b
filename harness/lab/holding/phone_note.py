"""The note on the phone itself, for hosts that share an adb server or swap cables.

A host's lock excludes its own processes only. So whoever holds a phone also makes the folder
``<work>/lease`` on it. Inside lies one empty file, whose name says who holds it and until when by
the phone's own boot clock, so that no two hosts' clocks are compared; the holder renews it. A note
that ran out, or was written before a reboot, is taken over, and its phone cleaned like any other.

A note of the same domain (host and lock folder) is taken over at once: whoever asks has that
host's lock by then, so the process that wrote it is dead.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from harness.adb.errors import AdbError
from harness.lab.holding.holder import EXPIRES_S, Holder, PhoneBusyError
from harness.lab.ports import LabPhone, Tools
from harness.results.names import safe_name

LIMIT_S: Final = 20.0
"""How long a phone may take for one of these commands."""
_HELD: Final = 7
_GONE: Final = 8

# What every command begins with. The note's content is its name: a rename is then the one step that
# changes who holds the phone, and it works for one only, since no two notes have the same name.
_LOOK: Final = """\
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
"""

_HEAD: Final = (
    "cd {work} 2>/dev/null || {{ mkdir -p {work} && cd {work}; }} || exit 1\n"
    + _LOOK
    + """\
change() {{ [ "$name" = "$mine" ] || mv "lease/$name" "lease/$mine" 2>/dev/null; }}
"""
)

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

_READ: Final = (
    "cd {work} 2>/dev/null || exit 0\n"
    + _LOOK
    + """\
look
left=$((until - now))
if [ -n "$name" ] && [ $left -ge 0 ] && [ $left -le {expires} ]; then
  echo "$left,$owner,$domain,$run"
fi
exit 0
"""
)

_RENEW: Final = (
    _HEAD
    + """\
look
[ "$owner" = {owner} ] && change || exit {gone}
"""
)

_REMOVE: Final = (
    _HEAD
    + """\
look
[ "$owner" = {owner} ] && rm "lease/$name" 2>/dev/null && rmdir lease 2>/dev/null
exit 0
"""
)


def write_note(tools: Tools, phone: LabPhone, holder: Holder) -> None:
    """Write the note; renews one of the same owner.

    Raises:
        PhoneBusyError: Another host holds the phone.
        AdbError: The phone does not answer.
    """
    code, output = _run(tools, phone, holder, _HOLD)
    if code == _HELD:
        raise PhoneBusyError(phone.serial, f"another host: {output}")
    if code != 0:
        raise AdbError(f"cannot write who holds it: {output}", serial=phone.serial)


@dataclass(frozen=True)
class Noted:
    """What a phone's note says.

    Args:
        owner: Who holds it.
        run: What for, in the letters that a file name may have.
        domain: Of the owner, see `Holder`.
        left_s: For so long more, unless it is renewed.
    """

    owner: str
    run: str
    domain: str
    left_s: int


def read_note(tools: Tools, phone: LabPhone, asker: Holder) -> Noted | None:
    """Return who says on the phone that they hold it; None if nobody does.

    Args:
        tools: How to talk to phones.
        phone: The phone.
        asker: Who asks; nothing is written.

    Raises:
        AdbError: The phone does not answer.
    """
    _, output = _run(tools, phone, asker, _READ)
    words = output.split(",", 3)
    if len(words) != 4 or not words[0].isdigit():
        return None
    # what `safe_name` adds to a name that it had to change is of no use to people
    owner, run = words[1].partition("~")[0], words[3].partition("~")[0]
    return Noted(owner, run, words[2], int(words[0]))


def renew_note(tools: Tools, phone: LabPhone, holder: Holder) -> bool:
    """Say that the owner lives; return False if the note is not its own (any more).

    Raises:
        AdbError: The phone does not answer.
    """
    return _run(tools, phone, holder, _RENEW)[0] == 0


def remove_note(tools: Tools, phone: LabPhone, holder: Holder) -> None:
    """Remove the note, if it is the owner's own.

    Raises:
        AdbError: The phone does not answer.
    """
    _run(tools, phone, holder, _REMOVE)


def _run(tools: Tools, phone: LabPhone, holder: Holder, script: str) -> tuple[int, str]:
    text = script.format(
        work=shlex.quote(phone.work_dir),
        owner=_word(holder.owner),
        domain=holder.domain,
        run=_word(holder.run),
        expires=EXPIRES_S,
        held=_HELD,
        gone=_GONE,
    )
    shell = tools.shell(phone, ["sh", "-c", text], LIMIT_S)
    return shell.code, (shell.stdout or shell.stderr).strip()


def _word(text: str) -> str:
    return safe_name(text) or "-"
