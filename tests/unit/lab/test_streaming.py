"""What is asked, refused and kept of utterances that are heard while they go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.contract import Job
from harness.contract.events import UtteranceStreamed
from harness.contract.network import Network, NetworkError
from harness.contract.streaming import check_streaming
from harness.errors import InputError
from harness.lab.attempt.jobfile import PhoneLayout, job_file
from harness.lab.attempt.streaming import streaming_record
from harness.lab.planning.needs import _check_streaming
from harness.model.families import CONFIGS
from harness.paths import data_root
from harness.scenario.schema import Streaming
from harness.scenario.spec import JobSpec
from tests.unit.lab.fakes import make_material, make_spec


def event(name: str, compute_s: float, late: float | None, epoch: int = 0) -> UtteranceStreamed:
    return UtteranceStreamed(
        seq=0,
        t_boot_ms=0,
        epoch=epoch,
        id=name,
        audio_s=2.0,
        compute_s=compute_s,
        steps=4,
        last_word_s=late,
    )


def test_figures_are_those_of_the_epoch_that_counts() -> None:
    events = [
        event("v1", 9.0, 9.0),  # a trainer that went on says it again
        event("v1", 0.2, 0.4),
        event("v2", 0.6, None),
        event("v3", 0.4, -0.1),
        event("v1", 1.0, 1.0, epoch=1),
    ]
    record = streaming_record(2, events, 0)
    assert record is not None
    assert (record.epoch, record.beam, record.utterances, record.audio_s) == (0, 2, 3, 6.0)
    assert record.real_time_factor == pytest.approx(0.2)
    assert record.step_ms == pytest.approx(100.0)
    assert record.last_word_ms_median == pytest.approx(150.0)
    assert record.last_word_ms_p90 == pytest.approx(400.0)
    last = streaming_record(2, events, None)
    assert last is not None
    assert (last.epoch, last.real_time_factor) == (1, 0.5)


def test_nothing_is_kept_where_nothing_is_told() -> None:
    assert streaming_record(None, [event("v1", 0.1, 0.1)], 0) is None
    assert streaming_record(1, [], 0) is None
    silent = streaming_record(1, [event("v1", 0.1, None)], 0)
    assert silent is not None
    assert silent.last_word_ms_median is None


def spec_with(streaming: Streaming) -> JobSpec:
    spec = make_spec()
    trainer = spec.content.trainer.model_copy(update={"streaming": streaming})
    return spec.model_copy(update={"content": spec.content.model_copy(update={"trainer": trainer})})


def test_the_trainer_is_told(tmp_path: Path) -> None:
    layout, material = PhoneLayout("/w", "job-1", 1), make_material(tmp_path)
    job = job_file(spec_with(Streaming(beam=4)), material, layout)
    assert job.streaming is not None
    assert job.streaming.beam == 4
    plain = job_file(make_spec(), material, layout).model_dump()
    assert "streaming" not in plain
    both = {**job.model_dump(), "exits": {"rule": "last"}}
    with pytest.raises(ValidationError, match="a job has one"):
        Job.model_validate(both)


def test_a_file_without_its_signatures_is_told_before_a_phone_is_touched() -> None:
    network = CONFIGS["emformer-mini"].describe()
    path = data_root() / "models" / "ds2-tiny" / "ds2-tiny-b2.tflite"
    with pytest.raises(InputError, match="lacks the signatures encode_chunk, joint, predict"):
        _check_streaming(network, path, exits=False)
    with pytest.raises(InputError, match="two ways to answer"):
        _check_streaming(network, path, exits=True)


def test_only_a_transducer_hears_while_it_goes_on() -> None:
    def described(name: str) -> Network:
        return CONFIGS[name].describe()

    check_streaming(described("emformer-mini"))
    with pytest.raises(NetworkError, match="a deepspeech2 hears whole ones"):
        check_streaming(described("ds2-mini"))
