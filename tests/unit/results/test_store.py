"""The run folder: whole or not at all, and nothing outside it."""

import errno
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.exits import Answer
from harness.errors import InputError
from harness.results import files
from harness.results.files import DiskFullError, StoreError, write_bytes
from harness.results.model import AttemptResult, PhoneRecord
from harness.results.names import is_safe_name, safe_name
from harness.results.run import HostRecord, RunRecord
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import ExitsRow, HypothesisRow, RunFolder


def make_result(job_id: str, attempt: int = 1, **changes: object) -> AttemptResult:
    phone = PhoneRecord(
        serial="R58M/../x",
        adb_serial="127.0.0.1:7001",
        profile="oneplus-7t",
        model="HD1905",
        android="10",
        sdk=29,
        abi="arm64-v8a",
        ram_total_mb=7500.0,
        origin="virtual",
    )
    fields: dict[str, object] = {
        "run_id": "r1",
        "job_id": job_id,
        "attempt": attempt,
        "status": "finished",
        "started_utc": "2026-01-01T00:00:00Z",
        "seconds": 1.5,
        "phone": phone,
        "model_name": "ds2-tiny",
        "model_sha256": "0" * 64,
        "speaker": "us-male",
        "accent": "US",
        "batch_size": 5,
        "learning_rate": 1e-4,
        "epochs_planned": 3,
        "stop_policy": "best_so_far",
    }
    return AttemptResult.model_validate({**fields, **changes})


def make_record(run_id: str) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        name="n",
        started_utc="2026-01-01T00:00:00Z",
        scenario={"name": "n"},
        scenario_sha256="1" * 64,
        host=HostRecord(platform="Linux", cpus=2, memory_mb=1.0, python="3.11"),
    )


@given(st.text())
def test_any_text_becomes_one_component_below_the_folder(text: str) -> None:
    name = safe_name(text)
    assert Path("/a", name).parent == Path("/a")
    assert name not in (".", "..")
    assert 0 < len(name.encode()) <= 90
    assert not name.startswith((".", "-"))


@given(st.text(), st.text())
def test_different_texts_get_different_names(text: str, other: str) -> None:
    assert (safe_name(text) == safe_name(other)) == (text == other)


def test_harmless_names_stay_as_they_are() -> None:
    assert safe_name("R58M123ABC") == "R58M123ABC"
    assert safe_name("a.b-c_d") == "a.b-c_d"
    assert not is_safe_name("127.0.0.1:5555")
    assert safe_name("../../etc/passwd").startswith("etc-passwd~")


def test_results_come_back_in_order_and_the_last_attempt_counts(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "r1")
    for job, attempt in (("b", 1), ("a", 10), ("a", 9)):
        folder = run.attempt(job, attempt)
        folder.make()
        folder.write_result(make_result(job, attempt))
    run.attempt("c", 1).make()  # still running: no result yet
    assert [(r.job_id, r.attempt) for r in run.results()] == [("a", 9), ("a", 10), ("b", 1)]
    assert [(r.job_id, r.attempt) for r in run.last_results()] == [("a", 10), ("b", 1)]


def test_a_job_id_that_is_a_path_stays_inside(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "r1")
    folder = run.attempt("../../outside", 1)
    folder.make()
    folder.write_result(make_result("../../outside"))
    assert run.path / "attempts" in folder.result_path.resolve().parents
    assert [a.job_id for a in run.attempts()] == ["../../outside"]


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "r1")
    folder = run.attempt("a", 1)
    folder.make()
    folder.result_path.write_text('{"version": 1}')
    with pytest.raises(StoreError, match=r"result\.json: not a result of version 1"):
        run.results()


def test_run_record_round_trip_and_open(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "r1")
    with pytest.raises(InputError, match="not a run folder"):
        RunFolder.open(run.path)
    run.write_record(make_record("r1"))
    assert RunFolder.open(run.path).record() == make_record("r1")
    with pytest.raises(StoreError, match="make the run folder"):
        RunFolder.create(tmp_path, "r1")


def test_events_grow_byte_by_byte_and_half_a_line_does_not_count(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "r1").attempt("a", 1)
    folder.make()
    assert folder.events_size() == 0
    assert folder.events() == []
    whole = b'{"seq":0,"t_boot_ms":5,"type":"phase","phase":"load","state":"begin"}\n'
    folder.append_events(whole[:20])
    assert folder.events() == []
    folder.append_events(whole[20:] + b'{"seq":1')
    assert folder.events_size() == len(whole) + 8
    assert [event.phase for event in folder.events()] == ["load"]
    folder.append_events(b"}\n")
    with pytest.raises(StoreError, match=r"events\.jsonl:2"):
        folder.events()


def test_samples_keep_their_schema(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "r1").attempt("a", 1)
    folder.make()
    assert folder.samples().num_rows == 0
    table = pa.Table.from_pylist([{"seq": 0, "t_s": 0.0, "phase": "idle"}], schema=SAMPLE_SCHEMA)
    folder.write_samples(table)
    assert folder.samples().equals(table)
    with pytest.raises(StoreError, match="column seq is string, not int32"):
        folder.write_samples(table.set_column(0, "seq", pa.array(["one"])))
    assert folder.samples().equals(table)
    folder.samples_path.write_bytes(b"nonsense")
    with pytest.raises(StoreError, match="Parquet"):
        folder.samples()


def test_hypotheses_round_trip(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "r1").attempt("a", 1)
    folder.make()
    row = HypothesisRow(
        epoch=0,
        id="u1",
        reference="a b\u2028c",
        hypothesis="",
        substitutions=0,
        deletions=3,
        insertions=0,
        reference_words=3,
    )
    folder.write_hypotheses([row, row])
    assert folder.hypotheses() == [row, row]
    assert folder.hypotheses().damaged == ()


def test_a_damaged_line_is_told_and_the_others_are_kept(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "r1").attempt("a", 1)
    folder.make()
    answer = Answer(exit="exit1", text="a", seconds=0.5)
    rows = [
        ExitsRow(
            epoch=0, id=f"u{number}", reference="a", exit="exit1", seconds=0.5, rule_seconds=0,
            rows=1, answers=(answer,),
        )
        for number in range(4)
    ]  # fmt: skip
    folder.write_exits(rows)
    lines = folder.exits_path.read_bytes().splitlines(keepends=True)
    spoilt = lines[2].replace(b'"seconds":0.5', b'"seconds":-0.5')  # a time that cannot be
    folder.exits_path.write_bytes(lines[0] + b"\xff nonsense\n" + spoilt + lines[3][:-9])
    read = folder.exits()
    assert read == rows[:1]
    assert [place.split(": ")[0] for place in read.damaged] == [
        f"{folder.exits_path}:{number}" for number in (2, 3, 4)
    ]
    folder.exits_path.write_bytes(b"".join(lines)[:-1])  # the last newline alone is missing
    assert folder.exits() == rows


def test_a_full_disk_leaves_the_old_file_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    write_bytes(path, b"old")

    def full(path: Path, data: bytes) -> None:
        path.write_bytes(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_fill", full)
    with pytest.raises(DiskFullError, match="harness resume"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
