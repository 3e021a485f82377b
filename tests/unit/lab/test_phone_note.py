"""The note on a phone that says who holds it: its shell text, run by this machine's own shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.lab.holding import EXPIRES_S, Holder, PhoneBusyError
from harness.lab.holding.phone_note import remove_note, renew_note, write_note
from harness.lab.ports import LabPhone
from tests.unit.lab.fakes import FakeClock, FakeTools, Output, World, make_phone

US = Holder.here("us:1", "runs/a", Path("/here"))
THEM = Holder.here("them:2", "runs/b", Path("/there"))


class Shell(FakeTools):
    """A phone whose shell is ours; ``hung`` keeps one who asks between two of its commands."""

    def __init__(self) -> None:
        super().__init__(World(FakeClock()))

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> Output:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return Output(done.stdout, done.stderr, done.returncode)


@pytest.fixture
def phone(tmp_path: Path) -> LabPhone:
    return make_phone(work_dir=str(tmp_path / "work"))


def note(phone: LabPhone) -> Path:
    (only,) = (Path(phone.work_dir) / "lease").iterdir()
    return only


def test_one_holder_until_it_lets_go(phone: LabPhone) -> None:
    write_note(Shell(), phone, US)
    write_note(Shell(), phone, US)
    assert renew_note(Shell(), phone, US)
    with pytest.raises(PhoneBusyError, match=r"us-1.*runs-a"):
        write_note(Shell(), phone, THEM)
    assert not renew_note(Shell(), phone, THEM)
    remove_note(Shell(), phone, THEM)
    assert note(phone).exists()
    remove_note(Shell(), phone, US)
    assert not (Path(phone.work_dir) / "lease").exists()
    write_note(Shell(), phone, THEM)


def aged(phone: LabPhone, seconds: int) -> None:
    old = note(phone)
    word, until, *rest = old.name.split(",")
    old.rename(old.with_name(",".join([word, str(int(until) + seconds), *rest])))


@pytest.mark.parametrize("seconds", [-EXPIRES_S - 5, 100_000])
def test_a_note_that_ran_out_or_is_of_an_earlier_boot_is_taken_over(
    phone: LabPhone, seconds: int
) -> None:
    write_note(Shell(), phone, US)
    aged(phone, seconds)
    write_note(Shell(), phone, THEM)
    assert not renew_note(Shell(), phone, US)
    with pytest.raises(PhoneBusyError):
        write_note(Shell(), phone, US)


def test_a_dead_process_of_the_same_host_is_taken_over_at_once(phone: LabPhone) -> None:
    write_note(Shell(), phone, US)
    write_note(Shell(), phone, Holder.here("us:2", "runs/a", Path("/here")))
    assert not renew_note(Shell(), phone, US)


def test_a_folder_without_a_note_is_of_one_who_died_in_between(phone: LabPhone) -> None:
    (Path(phone.work_dir) / "lease").mkdir(parents=True)
    write_note(Shell(), phone, THEM)
    assert renew_note(Shell(), phone, THEM)


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_at_once_one_gets_it(phone: LabPhone, stale: bool) -> None:
    if stale:
        write_note(Shell(), phone, US)
        aged(phone, -EXPIRES_S - 5)
    got: list[int] = []

    def ask(number: int) -> None:
        try:
            write_note(Shell(), phone, Holder.here(f"h{number}", "r", Path(f"/h{number}")))
        except PhoneBusyError:
            return
        got.append(number)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert f",h{got[0]}," in note(phone).name


def test_a_note_that_was_renewed_after_it_was_read_is_not_taken_away(
    phone: LabPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_note(Shell(), phone, US)
    aged(phone, -EXPIRES_S - 5)
    # between reading a note that ran out and taking it away, a third host takes the phone
    real, tools = shutil.which("mv"), tmp_path / "tools"
    tools.mkdir()
    (tools / "mv").write_text(
        "#!/bin/sh\n"
        f"if [ ! -e {tools}/done ]; then touch {tools}/done; read up rest < /proc/uptime\n"
        f'{real} lease/* "lease/note,$(( ${{up%%.*}} + {EXPIRES_S} )),third,there,r"; fi\n'
        f'exec {real} "$@"\n'
    )
    (tools / "mv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with pytest.raises(PhoneBusyError, match="third"):
        write_note(Shell(), phone, THEM)
    assert ",third,there," in note(phone).name
    assert [path.name for path in note(phone).parent.parent.glob("lease*")] == ["lease"]
