"""The host's side of the sampler on a made-up phone: who takes up a loop loses no byte."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.sampling import Sampler, sampler
from harness.sampling.settings import SamplerSettings
from tests.unit.sampling.frames import TOKEN, frame, header

FILE = (
    header()
    + frame(0, "100.00")
    + frame(1, "101.00", pid=9)
    + frame(2, "102.00", pid=9)
    + f"\n{TOKEN} stopped stop 3\n"
).encode()


class MadeUpPhone:
    """Has a samples.txt that is whole; to have it sent as a whole is one time too many."""

    serial = "MADE-UP"

    def query(self, command: str, timeout_s: float = 0) -> str:
        if "sampler.conf" in command:
            return f"PERIOD_CS=100\nTOKEN='{TOKEN}'\n"
        if "sha256sum" in command:
            return f"{hashlib.sha256(FILE).hexdigest()}  samples.txt\n"
        return "104.00 1.00\n" if "uptime" in command else ""

    def shell(self, command: str, timeout_s: float = 0) -> SimpleNamespace:
        return SimpleNamespace(stdout="", code=0)

    def pull_file(self, path: str, local: Path) -> None:
        pytest.fail("the samples were read again: what was followed was not what lies there")


class MadeUpFollower:
    """Hands out what lies behind the offset, once."""

    losses: Sequence[Any] = ()

    def __init__(self, phone: Any, path: str, offset: int = 0, **_more: Any) -> None:
        self._rest = FILE[offset:]
        self._idle = threading.Event()

    def __enter__(self) -> "MadeUpFollower":
        return self

    def __exit__(self, *_more: object) -> None:
        self.stop()

    def read(self, seconds: float) -> bytes:
        rest, self._rest = self._rest, b""
        if not rest:
            self._idle.wait(min(seconds, 0.02))
        return rest

    def drain(self, limit_s: float) -> bytes:
        return b""

    def hurry(self) -> None:
        pass

    def stop(self) -> None:
        self._idle.set()


@pytest.mark.parametrize("here", [0, 1, len(header()), 200, FILE.index(b"\n", 300), len(FILE) - 20])
def test_a_loop_is_taken_up_at_the_byte_where_the_last_host_stopped(
    here: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "FileFollower", MadeUpFollower)
    local = tmp_path / "samples.txt"
    local.write_bytes(FILE[:here])
    again = Sampler(MadeUpPhone(), "/w/sampler", local)  # type: ignore[arg-type]
    again.rejoin()
    again.stop()
    assert local.read_bytes() == FILE
    assert again.notes == []
    assert [sample.number for sample in again.series.samples] == [0, 1, 2]


def test_a_period_that_no_loop_can_keep_is_refused() -> None:
    with pytest.raises(ValueError, match=r"between 0\.1 and 3600"):
        SamplerSettings(period_s=0.05)
