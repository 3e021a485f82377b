"""Files of an older and of a newer harness are read; those of a newer major version refused."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.export.frames import Run
from harness.report.build import build_report
from harness.results.files import StoreError
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import AttemptFolder, RunFolder

OLD = Path(__file__).parents[2] / "fixtures" / "data" / "run_of_0_1"
"""A real run on a virtual phone by version 0.1.0, of 2 epochs in 3 seconds."""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    shutil.copytree(OLD, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


def attempt_of(run: RunFolder) -> AttemptFolder:
    return next(iter(run.attempts()))


def rewrite(folder: AttemptFolder, table: pa.Table) -> None:
    pq.write_table(table, folder.samples_path)


def test_an_old_run_is_read_and_lacks_what_came_later(run: RunFolder) -> None:
    folder = attempt_of(run)
    old = pq.read_table(folder.samples_path)
    read = folder.samples()
    assert read.schema == SAMPLE_SCHEMA
    for name in old.schema.names:
        assert read[name].to_pylist() == old[name].to_pylist(), name
    for name in set(SAMPLE_SCHEMA.names) - set(old.schema.names):
        assert read[name].null_count == read.num_rows, name
    assert run.record().name == "smoke"
    assert folder.result().peak_rss_mb is not None
    assert len(Run(run.path).samples()) == read.num_rows


def test_a_file_without_a_column_and_with_one_too_many(run: RunFolder) -> None:
    folder = attempt_of(run)
    old = pq.read_table(folder.samples_path)
    strange = pa.array([7.5] * old.num_rows)
    rewrite(folder, old.drop_columns(["phone_cpu_percent"]).append_column("npu_watts", strange))
    read = folder.samples()
    assert read.schema.names == [*SAMPLE_SCHEMA.names, "npu_watts"]
    assert read["phone_cpu_percent"].null_count == old.num_rows
    assert set(read["npu_watts"].to_pylist()) == {7.5}
    some = folder.samples(["npu_watts", "phone_cpu_percent", "nobody_knows", "t_s"])
    assert some.schema.names == ["npu_watts", "phone_cpu_percent", "nobody_knows", "t_s"]
    assert some["nobody_knows"].null_count == old.num_rows
    folder.write_samples(read)
    assert folder.samples().equals(read)
    assert "npu_watts" in Run(run.path).samples().columns
    assert build_report(run.path).is_file()


def test_numbers_of_another_width_are_taken_and_words_are_not(run: RunFolder) -> None:
    folder = attempt_of(run)
    old = pq.read_table(folder.samples_path)
    at = old.schema.get_field_index("seq")
    rewrite(folder, old.set_column(at, "seq", old["seq"].cast(pa.int64())))
    assert folder.samples().schema == SAMPLE_SCHEMA
    rewrite(folder, old.set_column(at, "seq", old["seq"].cast(pa.string())))
    with pytest.raises(StoreError, match=r"samples\.parquet: column seq is string, not int32"):
        folder.samples()


def test_samples_say_their_version_and_a_newer_one_is_refused(run: RunFolder) -> None:
    folder = attempt_of(run)
    folder.write_samples(folder.samples())
    table = pq.read_table(folder.samples_path)
    key = b"mobileasr_lab.samples_version"
    assert table.schema.metadata[key] == b"1"
    rewrite(folder, table.replace_schema_metadata({key: b"2"}))
    with pytest.raises(StoreError, match="written by a newer harness; this one reads up to 1"):
        folder.samples()
    rewrite(folder, table.replace_schema_metadata({key: b"two"}))
    with pytest.raises(StoreError, match="no format version"):
        folder.samples()


@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_unknown_fields_are_kept_and_a_newer_major_version_is_refused(
    run: RunFolder, name: str
) -> None:
    folder = attempt_of(run)
    path = run.record_path if name == "run.json" else folder.result_path
    raw = json.loads(path.read_text())
    raw["weather"] = "fine"
    for inner in ("phone", "host"):
        if inner in raw:
            raw[inner]["colour"] = {"back": "blue"}
    path.write_text(json.dumps(raw))

    def read() -> str:
        if name == "run.json":
            run.write_record(run.record())
            return run.record().model_dump_json()
        folder.write_result(folder.result())
        return folder.result().model_dump_json()

    for _ in range(2):  # and what is written again still has them
        told = json.loads(read())
        assert told["weather"] == "fine"
        inner = told["host" if name == "run.json" else "phone"]
        assert inner["colour"] == {"back": "blue"}
    assert build_report(run.path).is_file()
    path.write_text(json.dumps({**raw, "version": 99}))
    with pytest.raises(StoreError, match=rf"{name}: format version 99, written by a newer"):
        read()
