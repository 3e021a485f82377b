"""The durable log: whole lines, numbers without gaps, whatever happened to the process before."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.events import Stopped, TrainerError
from harness.contract.job import Job
from harness.trainer.events import EventLog, boot_ms, read_log

THREE = 3


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "deep" / "events.jsonl"
    with EventLog(path) as log:
        for epoch in range(THREE):
            log.write(Stopped, reason="command", epoch=epoch)
    return path.read_bytes()


def test_numbers_and_clock(tmp_path):
    path = tmp_path / "events.jsonl"
    before = boot_ms()
    with EventLog(path) as log:
        first = log.write(Stopped, reason="battery", epoch=1)
        second = log.write(Stopped, reason="memory", epoch=2)
    assert (first.seq, second.seq) == (0, 1)
    assert before <= first.t_boot_ms <= second.t_boot_ms <= boot_ms()
    assert read_log(path) == [first, second]
    uptime_ms = float(Path("/proc/uptime").read_text().split()[0]) * 1000
    assert abs(uptime_ms - boot_ms()) < 5000


def test_only_events_are_written(tmp_path):
    with EventLog(tmp_path / "e.jsonl") as log, pytest.raises(TypeError):
        log.write(Job)
    assert (tmp_path / "e.jsonl").read_bytes() == b""


@given(cut=st.integers(0, 400), junk=st.binary(max_size=30))
def test_a_torn_log_goes_on_after_its_last_whole_line(written, tmp_path_factory, cut, junk):
    path = tmp_path_factory.mktemp("torn") / "events.jsonl"
    path.write_bytes(written[:cut] + junk.replace(b"\n", b"?"))
    whole = written[: min(cut, len(written))].count(b"\n")
    with EventLog(path) as log:
        assert len(log.before) == whole
        log.write(Stopped, reason="patience", epoch=9)
    events = read_log(path)
    assert [event.seq for event in events] == list(range(whole + 1))
    assert path.read_bytes().count(b"\n") == whole + 1


def test_a_foreign_line_in_the_middle_ends_what_counts(written, tmp_path):
    path = tmp_path / "events.jsonl"
    lines = written.splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"type": "dance"}\n' + lines[1])
    assert len(read_log(path)) == 1


def test_a_gap_ends_what_counts(written, tmp_path):
    path = tmp_path / "events.jsonl"
    lines = written.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    assert len(read_log(path)) == 1


def test_a_full_disk_leaves_no_torn_line(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    real = os.write
    with EventLog(path) as log:
        log.write(Stopped, reason="command", epoch=0)
        whole = path.read_bytes()
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
        with pytest.raises(OSError, match="7 of") as raised:
            log.write(Stopped, reason="command", epoch=1)
        assert raised.value.errno == errno.ENOSPC
        assert path.read_bytes() == whole
        monkeypatch.undo()
        assert log.write(TrainerError, kind="OSError", message="full").seq == 1
    assert [event.type for event in read_log(path)] == ["stopped", "error"]
