"""One owner a phone, also when the owner dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.lab.leases import PhoneBusyError, acquire, holder_of, is_expired

OWNER = """
import sys, time
from pathlib import Path
from harness.lab.leases import acquire
lease = acquire(sys.argv[1], owner="other", run="runs/x", root=Path(sys.argv[2]))
print("held", flush=True)
time.sleep(20)
"""


def test_a_second_owner_is_told_who_holds_it(tmp_path: Path) -> None:
    with acquire("S1", owner="me", run="runs/a", root=tmp_path):
        with pytest.raises(PhoneBusyError, match=r"S1 is leased by me \(pid \d+ on .*, runs/a\)"):
            acquire("S1", owner="you", run="runs/b", root=tmp_path)
        with acquire("S2", owner="you", run="runs/b", root=tmp_path):
            pass
    assert holder_of("S1", tmp_path) is None
    acquire("S1", owner="you", run="runs/b", root=tmp_path).release()


def test_a_hostile_serial_stays_in_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "leases"
    with acquire("../../etc/x\n", owner="me", run="r", root=root):
        assert len(list(root.iterdir())) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["leases"]


def test_heartbeat_moves_the_expiry(tmp_path: Path) -> None:
    with acquire("S1", owner="me", run="r", root=tmp_path) as lease:
        first = lease.holder
        assert not is_expired(first, first.heartbeat_utc)
        assert is_expired(first, "2999-01-01T00:00:00.000Z")
        lease.heartbeat()
        second = holder_of("S1", tmp_path)
        assert second is not None
        assert second.expires_utc >= first.expires_utc
        assert second.since_utc == first.since_utc


def test_the_kernel_frees_a_dead_owners_phone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, "S1", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(PhoneBusyError, match="leased by other"):
            acquire("S1", owner="me", run="r", root=tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    acquire("S1", owner="me", run="r", root=tmp_path, wait_s=5).release()
