"""The golden files: current, and read back by the reference as any trainer would read them."""

from __future__ import annotations

import json
from typing import Any

import jiwer
import numpy as np
import pytest
from pydantic import ValidationError

from harness.contract import EVENT_TYPES, Job, parse_event
from harness.contract.events import EventError, StopReason
from harness.contract.mobileasr import SUB_MODELS
from harness.contract.network import Network, NetworkError
from harness.contract.order import epoch_batches
from harness.contract.targets import Targets, problem
from harness.trainer.decode import greedy_decode
from harness.trainer.policies import resources_allow, select_sub_model, start_patience
from harness.trainer.share import pulled_back
from tests.golden.write import FOLDER, VECTORS


def golden(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", VECTORS)
def test_the_files_are_current(name):
    """`python -m tests.golden.write` writes them again: look at the difference first."""
    assert golden(name) == json.loads(json.dumps(VECTORS[name]()))


def test_no_file_is_forgotten():
    # of jobs, tests/unit/scenario/test_identities.py; of masks, tests/unit/pruning/test_vectors.py;
    # published number formats, tests/unit/compression; other word errors, tests/unit/metrics
    elsewhere = {"identities", "number_formats", "pruning", "rare_words", "werr"}
    assert {path.stem for path in FOLDER.glob("*.json")} - elsewhere == set(VECTORS)


def test_jobs():
    vectors = golden("jobs")
    assert len(vectors["valid"]) >= 7
    for case in vectors["valid"]:
        job = Job.model_validate_json(json.dumps(case["job"]))
        assert job.model_dump(mode="json") == case["means"]
        assert Job.model_validate(case["means"]) == job
    assert len(vectors["invalid"]) >= 24
    for case in vectors["invalid"]:
        with pytest.raises(ValidationError):
            Job.model_validate_json(json.dumps(case["job"]))


def test_events_of_every_type_and_reason():
    vectors = golden("events")
    later = [
        event for name in ("sharing", "exits", "streaming") for event in golden(name)["events"]
    ]
    valid = vectors["valid"] + later
    parsed = [parse_event(json.dumps(event)) for event in valid]
    assert {type(event) for event in parsed} == set(EVENT_TYPES)
    reasons = {event.reason for event in parsed if event.type == "stopped"}
    assert reasons == set(StopReason.__args__)
    for event, written in zip(parsed, valid, strict=True):
        assert event.model_dump(mode="json").items() >= written.items()
    for line in vectors["invalid"]:
        with pytest.raises(EventError):
            parse_event(line)


@pytest.mark.parametrize("event", golden("events")["valid"], ids=lambda event: event["type"])
def test_no_event_takes_more_or_less_or_numbers_that_are_none(event):
    parsed = parse_event(json.dumps(event))
    with pytest.raises(EventError):
        parse_event(json.dumps({**event, "surprise": 1}))
    for name, field in type(parsed).model_fields.items():
        if field.is_required():
            with pytest.raises(EventError):
                parse_event(json.dumps({k: v for k, v in event.items() if k != name}))
        if isinstance(getattr(parsed, name), (int, float)):
            for number in (float("nan"), float("inf")):
                with pytest.raises(EventError):
                    parse_event(json.dumps({**event, name: number}))


def test_selection():
    cases = golden("selection")
    for case in cases:
        arguments = (case["available_mb"], case["need_mb"], case["candidates"])
        assert select_sub_model(*arguments) == case["sub_model"]
    assert {case["sub_model"] for case in cases} == {
        *SUB_MODELS,
        "All",
        "Top-2.b",
        None,
    }


def test_resources():
    cases = golden("resources")
    for case in cases:
        assert resources_allow(**{k: v for k, v in case.items() if k != "reason"}) == case["reason"]
    assert {case["reason"] for case in cases} == {None, "battery", "memory"}


def test_stopping():
    for case in golden("stopping"):
        state = start_patience(case["policy"], case["patience"], case["baseline_wer_percent"])
        counts = []
        for wer in case["wer_percent"]:
            if state.stop:
                break
            state = state.after(wer)
            counts.append(state.count)
        assert counts == case["counts"]
        assert (len(counts) if state.stop else None) == case["stop_epoch"]


def test_as_printed_never_stops_from_patience_two_on():
    """The published contradiction: with p >= 2 the count is reset before it can reach p."""
    printed = [case for case in golden("stopping") if case["policy"] == "as_printed"]
    assert any(case["stop_epoch"] == 2 for case in printed if case["patience"] == 1)
    assert all(case["stop_epoch"] is None for case in printed if case["patience"] > 1)


def test_keeping():
    for case in golden("keeping"):
        wers = case["wer_percent"]
        best = min(range(len(wers)), key=lambda epoch: (wers[epoch], epoch))
        assert case["kept_epoch"] == (best if case["keep"] == "best" else len(wers) - 1)


def test_networks():
    vectors = golden("networks")
    for case in vectors["valid"]:
        network = Network.model_validate(case["network"])
        assert Network.from_bytes(network.to_bytes()) == network
        assert list(network.sub_model_names) == case["sub_models"]
    assert len(vectors["invalid"]) >= 17
    for text in vectors["invalid"]:
        with pytest.raises(NetworkError):
            Network.from_bytes(text.encode())


def test_decoding():
    cases = golden("decoding")
    for case in cases:
        outputs = len(case["alphabet"]) + 1
        logits = np.array(case["logits"], np.float32).reshape(-1, outputs)
        assert greedy_decode(logits, Targets(case["alphabet"], case["blank"])) == case["text"]
    assert any("aa" in case["text"] or "bb" in case["text"] for case in cases)


def test_pieces():
    vectors = golden("pieces")
    assert len(vectors["written"]) >= 40
    for case in vectors["written"]:
        targets = Targets(case["alphabet"], case["blank"], tuple(case["pieces"]))
        assert targets.labels(case["text"]) == case["labels"]
        assert targets.text(case["labels"]) == case["text"]
    for case in vectors["heard"]:
        targets = Targets(case["alphabet"], case["blank"], tuple(case["pieces"]))
        assert targets.text(case["labels"]) == case["text"]
    for case in vectors["not_written"]:
        with pytest.raises(ValueError, match="cannot write"):
            Targets(case["alphabet"], 0, tuple(case["pieces"])).labels(case["text"])
    for case in vectors["no_lists"]:
        assert problem(case["alphabet"], case["pieces"])


def test_scoring():
    for case in golden("scoring"):
        if case["reference"]:
            wer = 100 * jiwer.wer(case["reference"], case["hypothesis"])
            assert case["wer_percent"] == pytest.approx(wer)


def test_batches():
    cases = golden("batches")
    for case in cases:
        arguments = (case["seed"], case["epoch"], case["lengths"], case["batch_size"])
        assert epoch_batches(*arguments) == case["batches"]
    assert any(len(case["batches"][-1]) != case["batch_size"] for case in cases)


def test_what_jobs_share():
    vectors = golden("sharing")
    for case in vectors["jobs"]["valid"]:
        job = Job.model_validate_json(json.dumps(case))
        written = job.model_dump(mode="json")["share"]
        wire = written.pop("wire", {})
        asked = {**case["share"]}
        assert wire.items() >= asked.pop("wire", {}).items()
        assert written.items() >= asked.items()
    for case in vectors["jobs"]["invalid"]:
        with pytest.raises(ValidationError):
            Job.model_validate_json(json.dumps(case))
    for case in vectors["updates"]:
        after, start = (np.array(case[name], np.float32) for name in ("after", "start"))
        assert (after - start).tolist() == case["delta"]
        assert pulled_back(after, start, case["amount"]).tolist() == case["pulled_back"]


def test_a_job_that_shares_nothing_is_written_as_before():
    for case in golden("jobs")["valid"]:
        assert "share" not in json.loads(Job.model_validate(case["job"]).model_dump_json())


def test_rules_for_exits():
    vectors = golden("exits")
    for case in vectors["jobs"]["valid"]:
        job = Job.model_validate_json(json.dumps(case["job"]))
        written = job.model_dump(mode="json")
        assert written == case["means"]
        assert Job.model_validate(written) == job
    for event in vectors["events"]:
        assert json.loads(parse_event(json.dumps(event)).model_dump_json()) == event
    for case in vectors["jobs"]["invalid"]:
        with pytest.raises(ValidationError):
            Job.model_validate_json(json.dumps(case))


def test_a_job_without_exits_is_written_as_before():
    for case in golden("jobs")["valid"]:
        written = json.loads(Job.model_validate(case["job"]).model_dump_json())
        assert not {"exits", "mode", "ordered"} & written.keys()
