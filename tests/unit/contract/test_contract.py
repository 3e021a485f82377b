"""Messages between host and trainer: whole, strict, and the same after a round trip."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.contract import EVENT_TYPES, Job, mobileasr, parse_event
from harness.contract.events import EventError
from harness.contract.network import NetworkError
from harness.contract.schema import SCHEMA_FOLDER, schemas


def test_a_job_survives_the_wire(make_job):
    job = make_job()
    assert Job.model_validate_json(job.model_dump_json()) == job


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("training", {"epochs": "many"}),
        ("training", {"learning_rate": float("nan")}),
        ("training", {"surprise": 1}),
        ("selection", {"need_mb": {"S1": 1}}),
        ("selection", {"need_mb": {"S1": 1, "S5": 1, "S8": 1, "no name": 1}}),
        ("keep", "worst"),
        ("outputs", {"folder": "relative"}),
        ("outputs", {"events": "/a\nb"}),
        ("data", {"train": []}),
        ("model", {"sha256": "abc"}),
    ],
)
def test_a_bad_job_is_refused(make_job, section, change):
    with pytest.raises(ValidationError):
        make_job(**{section: change})


def test_a_job_of_version_1_is_read_as_it_was_meant(make_job):
    text = json.loads(make_job().model_dump_json())
    del text["keep"], text["selection"]["candidates"]
    job = Job.model_validate(text | {"version": 1})
    assert job == make_job(version=1)
    assert (job.keep, job.selection.candidates) == ("best", ("S1", "S5", "S8"))
    with pytest.raises(ValidationError, match="candidates"):
        Job.model_validate(text | {"version": 2})


def test_a_job_is_for_the_network_that_has_its_sub_models(make_job):
    layers = dict.fromkeys(mobileasr.LAYERS, 1)
    whole = mobileasr.network(layers, " ab")
    for version in (1, 2):
        make_job(version=version).check_network(whole)
        with pytest.raises(NetworkError, match="no sub-model 'S5'; there are S1, S8"):
            make_job(version=version).check_network(mobileasr.network(layers, " ab", ("S1", "S8")))
    with pytest.raises(NetworkError, match="no sub-model 'S9'"):
        make_job(selection={"forced": "S9"}).check_network(whole)
    foreign = whole.model_copy(update={"family": "other"})
    make_job().check_network(foreign)
    with pytest.raises(NetworkError, match="version 1 is for deepspeech2, the model is other"):
        make_job(version=1).check_network(foreign)


def test_a_log_that_says_no_version_is_of_version_1():
    line = '"trainer": "t", "trainer_version": "1", "runtime": "r", "pid": 1, "threads": 1}'
    head = '{"type": "started", "seq": 0, "t_boot_ms": 0, '
    assert parse_event(head + line).contract_version == 1
    assert parse_event(f'{head}"contract_version": 2, {line}').contract_version == 2


@given(st.binary(max_size=80))
def test_no_line_breaks_the_event_parser(line):
    try:
        event = parse_event(line)
    except EventError:
        return
    assert isinstance(event, EVENT_TYPES)


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "stopped", "seq": 1, "t_boot_ms": 2, "reason": "boredom", "epoch": 1}',
        '{"type": "stopped", "seq": 1, "t_boot_ms": 2, "reason": "battery"}',
        '{"type": "dance", "seq": 1, "t_boot_ms": 2}',
        '{"type": "stopped", "seq": -1, "t_boot_ms": 2, "reason": "battery", "epoch": 1}',
        '{"type": "step", "seq": 1, "t_boot_ms": 2, "epoch": 1, "step": 1, "loss": NaN,'
        ' "seconds": 1, "utterances": 5}',
    ],
)
def test_bad_events_are_refused(line):
    with pytest.raises(EventError):
        parse_event(line)


def test_a_good_event_is_read():
    event = parse_event('{"type":"stopped","seq":1,"t_boot_ms":2,"reason":"battery","epoch":3}\n')
    assert (event.reason, event.epoch) == ("battery", 3)


@pytest.mark.parametrize("name", ["job", "event"])
def test_the_published_schemas_are_current(name):
    """`python -m harness.contract.schema` writes them again."""
    path = SCHEMA_FOLDER / f"{name}.schema.json"
    assert json.loads(path.read_text()) == schemas()[name]
