"""Write the golden vectors from the Python reference: ``python -m tests.golden.write``."""

from __future__ import annotations

import copy
import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from harness.contract import Job, parse_event
from harness.contract.events import EventError
from harness.contract.mobileasr import SUB_MODELS
from harness.contract.network import Network, NetworkError
from harness.contract.order import epoch_batches
from harness.contract.targets import Targets
from harness.metrics import word_errors
from harness.trainer.decode import greedy_decode
from harness.trainer.history import History
from harness.trainer.policies import resources_allow, select_sub_model, start_patience
from tests.golden.checkpoints import checkpoints
from tests.golden.codec import codec
from tests.golden.exits import exits
from tests.golden.pieces import pieces
from tests.golden.sharing import sharing
from tests.golden.streaming import streaming

FOLDER = Path(__file__).parent
SHA256 = "0123456789abcdef" * 4

_W = "/data/local/tmp/mobileasr"
_JOB: dict[str, Any] = {
    "version": 2,
    "job_id": "us-male-r1",
    "attempt": 2,
    "round": 1,
    "keep": "best",
    "model": {
        "name": "ds2-mini",
        "path": f"{_W}/cas/{SHA256}.tflite",
        "sha256": SHA256,
        "checkpoint": f"{_W}/cas/{SHA256}.npz",
        "checkpoint_sha256": SHA256,
    },
    "data": {
        "speaker": "us-male",
        "train": [{"id": "t1", "path": f"{_W}/cas/1.wav", "text": "the boy"}],
        "validation": [{"id": "v1", "path": f"{_W}/cas/2.wav", "text": "the dog"}],
    },
    "training": {
        "optimizer": "adam",
        "batch_size": 5,
        "learning_rate": 0.0001,
        "epochs": 15,
        "seed": 7,
        "threads": 2,
    },
    "selection": {
        "policy": "first_fit",
        "candidates": ["S1", "S5", "S8"],
        "need_mb": {"S1": 2027.5, "S5": 1669, "S8": 983},
        "forced": None,
    },
    "stop": {
        "policy": "best_so_far",
        "patience": 2,
        "battery_below_percent": 25,
        "available_below_mb": 300,
    },
    "outputs": {
        "folder": f"{_W}/attempts/us-male-r1-2",
        "events": f"{_W}/attempts/us-male-r1-2/events.jsonl",
        "checkpoints": f"{_W}/attempts/us-male-r1-2/checkpoints",
        "stop_file": f"{_W}/attempts/us-male-r1-2/stop",
    },
}
_ABSENT = object()

_VALID_JOBS: dict[str, dict[str, Any]] = {
    "everything given": {},
    "defaults only": {
        "version": _ABSENT,
        "attempt": _ABSENT,
        "round": _ABSENT,
        "keep": _ABSENT,
        "model.checkpoint": _ABSENT,
        "model.checkpoint_sha256": _ABSENT,
        "training": {},
        "selection": {"candidates": ["S5"], "need_mb": {"S5": 2}},
        "stop": {},
    },
    "version 1": {"version": 1, "keep": _ABSENT},
    "version 1 with its candidates": {
        "version": 1,
        "keep": _ABSENT,
        "selection": {"need_mb": {"S1": 3, "S5": 2, "S8": 1}},
    },
    "another network": {
        "model.name": "tiny",
        "selection.candidates": ["All", "Top-2.b"],
        "selection.need_mb": {"All": 30, "Top-2.b": 10},
        "selection.forced": "Top-2.b",
    },
    "the last checkpoint": {"keep": "last"},
    "forced": {"selection.forced": "S3"},
    "other candidates": {
        "selection.candidates": ["S4", "S6"],
        "selection.need_mb": {"S4": 900, "S6": 700, "S8": 400},
    },
    "stop as printed": {"stop.policy": "as_printed", "stop.patience": 1},
    "evaluation only": {"training.epochs": 0},
    "other speakers": {
        "also_evaluate": [
            {
                "speaker": "uk-female",
                "validation": [
                    {"id": "v1", "path": f"{_W}/cas/3.wav", "text": "the hat"},
                    {"id": "v2", "path": f"{_W}/cas/4.wav", "text": "a cat"},
                ],
            },
            {
                "speaker": "söh ☂",
                "validation": [{"id": "v1", "path": f"{_W}/cas/5.wav", "text": "the dog"}],
            },
        ]
    },
    "no other speakers": {"also_evaluate": []},
    "checkpoints in fewer bits": {"stored": {"format": "S1E3M7"}},
    "checkpoints in whole numbers": {"stored": {"format": "int8", "per": "column", "draw": "7"}},
    "any letters in names": {"job_id": 'söh ☂ "x"', "data.speaker": "日本"},
}

_INVALID_JOBS: dict[str, dict[str, Any]] = {
    "version": {"version": 3},
    "keep": {"keep": "worst"},
    "job_id": {"job_id": _ABSENT},
    "attempt": {"attempt": 0},
    "surprise": {"surprise": 1},
    "model.sha256": {"model.sha256": SHA256.upper()},
    "model.path": {"model.path": "relative.tflite"},
    "model.surprise": {"model.surprise": 1},
    "data.train": {"data.train": []},
    "data.validation": {"data.validation": _ABSENT},
    "data.train.0.text": {"data.train": [{"id": "t1", "path": "/1.wav"}]},
    "training.batch_size": {"training.batch_size": 0},
    "training.learning_rate": {"training.learning_rate": 0},
    "training.epochs": {"training.epochs": "many"},
    "training.seed": {"training.seed": -1},
    "training.optimizer": {"training.optimizer": "sgd"},
    "selection": {"selection.need_mb": {"S1": 3}},
    "selection.policy": {"selection": {"policy": "any"}, "version": 1},
    "selection.candidates": {"selection.candidates": []},
    "selection.candidates.0": {"selection.candidates": ["9S"]},
    "selection.forced": {"selection.forced": "all of them"},
    "stop.patience": {"stop.patience": 0},
    "stop.policy": {"stop.policy": "never"},
    "stop.battery_below_percent": {"stop.battery_below_percent": 101},
    "outputs.events": {"outputs.events": "/a\nb"},
    "outputs.stop_file": {"outputs.stop_file": _ABSENT},
    "stored.format": {"stored": {"format": "int5"}},
    "": {"stored": {"format": "int8"}, "share": {}},
    "also_evaluate.0.validation": {"also_evaluate": [{"speaker": "anna", "validation": []}]},
    "also_evaluate.0.speaker": {
        "also_evaluate": [{"validation": [{"id": "v1", "path": "/1.wav", "text": "a"}]}]
    },
    "also_evaluate.0.train": {
        "also_evaluate": [
            {"speaker": "a", "train": [], "validation": [{"id": "v", "path": "/v", "text": "a"}]}
        ]
    },
}


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    job = copy.deepcopy(_JOB)
    for place, value in changes.items():
        *sections, name = place.split(".")
        target = job
        for section in sections:
            target = target[section]
        if value is _ABSENT:
            del target[name]
        else:
            target[name] = value
    return job


def jobs() -> dict[str, Any]:
    """Jobs with what they mean (defaults filled in), and jobs to refuse with the field at fault."""
    valid = []
    for name, changes in _VALID_JOBS.items():
        job = _changed(changes)
        means = Job.model_validate_json(json.dumps(job)).model_dump(mode="json")
        valid.append({"name": name, "job": job, "means": means})
    invalid = []
    for field, changes in _INVALID_JOBS.items():
        job = _changed(changes)
        try:
            Job.model_validate_json(json.dumps(job))
        except ValidationError as error:
            found = ".".join(str(part) for part in error.errors()[0]["loc"])
            if found != field:
                raise AssertionError(f"the fault is in {found}, not {field}") from error
        else:
            raise AssertionError(f"{field} is accepted")
        invalid.append({"field": field, "job": job})
    return {"valid": valid, "invalid": invalid}


_EVENTS: tuple[dict[str, Any], ...] = (
    {
        "type": "started",
        "trainer": "python-reference",
        "trainer_version": "0.1.0",
        "runtime": "ai-edge-litert 2.3.0",
        "pid": 4711,
        "threads": 2,
    },
    {
        "type": "started",
        "trainer": "python-reference",
        "trainer_version": "0.2.0",
        "runtime": "ai-edge-litert 2.3.0",
        "pid": 4711,
        "threads": 2,
        "contract_version": 2,
    },
    {
        "type": "selected",
        "sub_model": "Top-2.b",
        "policy": "first_fit",
        "forced": False,
        "available_mb": 20,
        "need_mb": {"All": 30, "Top-2.b": 10},
    },
    {
        "type": "selected",
        "sub_model": "S5",
        "policy": "first_fit",
        "forced": False,
        "available_mb": 1700.25,
        "need_mb": {"S1": 2027.5, "S5": 1669, "S8": 983},
    },
    {
        "type": "selected",
        "sub_model": None,
        "policy": "first_fit",
        "forced": False,
        "available_mb": 0,
        "need_mb": {"S8": 983},
    },
    *(
        {"type": "phase", "phase": phase, "state": state, "epoch": epoch}
        for phase, epoch in (
            ("load", None),
            ("preprocess", None),
            ("evaluate", 0),
            ("train", 1),
            ("save", 1),
        )
        for state in ("begin", "end")
    ),
    {"type": "phase", "phase": "load", "state": "begin"},
    {
        "type": "phase",
        "phase": "load",
        "state": "end",
        "epoch": None,
        "rss_mb": 71.25,
        "peak_rss_mb": 80.5,
    },
    {"type": "step", "epoch": 1, "step": 0, "loss": 12.5, "seconds": 0.75, "utterances": 5},
    {
        "type": "step",
        "epoch": 1,
        "step": 1,
        "loss": 12.25,
        "seconds": 0.75,
        "utterances": 5,
        "changed_codes": 0.125,
    },
    {
        "type": "epoch",
        "epoch": 0,
        "wer_percent": 37.5,
        "train_loss": None,
        "train_seconds": 0,
        "evaluate_seconds": 1.5,
        "battery_percent": None,
        "available_mb": None,
        "best": True,
        "hypotheses": [{"id": "v1", "text": "the dog"}, {"id": "v2", "text": ""}],
    },
    {
        "type": "epoch",
        "epoch": 1,
        "wer_percent": 112.5,
        "train_loss": 11.25,
        "train_seconds": 20.5,
        "evaluate_seconds": 1.5,
        "battery_percent": 88,
        "available_mb": 1650.5,
        "best": False,
        "hypotheses": [],
    },
    {
        "type": "other_speaker",
        "epoch": 0,
        "speaker": "söh ☂",
        "wer_percent": 62.5,
        "evaluate_seconds": 1.25,
        "hypotheses": [{"id": "v1", "text": "the hat"}],
    },
    {
        "type": "checkpoint",
        "epoch": 1,
        "path": "/data/local/tmp/mobileasr/attempts/x-1/checkpoints/epoch-0001.npz",
        "sha256": SHA256,
        "size_bytes": 6912345,
        "best": True,
    },
    {
        "type": "checkpoint",
        "epoch": 3,
        "path": "/data/x/epoch-0003.npz",
        "sha256": SHA256,
        "size_bytes": 2412345,
        "best": False,
        "written": {
            "coding": "S1E3M7/fn",
            "variables": 12,
            "changed": None,
            "error": 0.002,
            "float32_bytes": 6912345,
        },
    },
    {
        "type": "read_back",
        "epoch": 3,
        "wer_percent": 12.5,
        "evaluate_seconds": 0.5,
        "hypotheses": [{"id": "v1", "text": "the dog"}],
    },
    *(
        {"type": "stopped", "reason": reason, "epoch": 3}
        for reason in (
            "epochs_done",
            "patience",
            "battery",
            "memory",
            "command",
            "no_sub_model_fits",
        )
    ),
    {"type": "error", "kind": "OutOfMemory", "message": "no", "detail": "line 1\nline 2"},
    {"type": "error", "kind": "OutOfMemory", "message": "no"},
    {
        "type": "finished",
        "epochs": 3,
        "kept_epoch": 0,
        "kept_checkpoint": None,
        "wer_before_percent": 37.5,
        "wer_after_percent": 37.5,
    },
    {
        "type": "finished",
        "epochs": 3,
        "kept_epoch": 2,
        "kept_checkpoint": "/data/x/epoch-0002.npz",
        "wer_before_percent": 37.5,
        "wer_after_percent": 12.5,
        "peak_rss_mb": 1650.5,
    },
    {
        "type": "finished",
        "epochs": 3,
        "keep": "last",
        "kept_epoch": 3,
        "kept_checkpoint": "/data/x/epoch-0003.npz",
        "wer_before_percent": 37.5,
        "wer_after_percent": 50,
    },
)
_EPOCH = next({"seq": 0, "t_boot_ms": 0, **event} for event in _EVENTS if event["type"] == "epoch")
_HEAD = '{"seq": 1, "t_boot_ms": 2, "type": '
_INVALID_LINES = (
    "",
    "{",
    "[]",
    "null",
    _HEAD + '"dance"}',
    _HEAD + '"stopped", "reason": "battery"}',
    _HEAD + '"stopped", "reason": "boredom", "epoch": 1}',
    _HEAD + '"stopped", "reason": "battery", "epoch": 1, "surprise": 1}',
    '{"seq": -1, "t_boot_ms": 2, "type": "stopped", "reason": "battery", "epoch": 1}',
    '{"t_boot_ms": 2, "type": "stopped", "reason": "battery", "epoch": 1}',
    '{"seq": 1, "t_boot_ms": 2, "reason": "battery", "epoch": 1}',
    _HEAD + '"started", "trainer": "x", "trainer_version": "1", "runtime": "y", "pid": 1,'
    ' "threads": 1, "contract_version": 3}',
    _HEAD + '"selected", "sub_model": "not a name", "policy": "first_fit", "forced": false,'
    ' "available_mb": 1, "need_mb": {}}',
    _HEAD + '"selected", "sub_model": null, "policy": "first_fit", "forced": false,'
    ' "available_mb": 1, "need_mb": {"not a name": 1}}',
    _HEAD + '"finished", "epochs": 1, "keep": "worst", "kept_epoch": 1, "kept_checkpoint": null,'
    ' "wer_before_percent": 1, "wer_after_percent": 1}',
    _HEAD + '"other_speaker", "epoch": 0, "speaker": "anna", "wer_percent": 1,'
    ' "evaluate_seconds": 1}',
    _HEAD + '"other_speaker", "epoch": 0, "speaker": "anna", "wer_percent": null,'
    ' "evaluate_seconds": 1, "hypotheses": []}',
    _HEAD + '"read_back", "epoch": 1, "wer_percent": 1, "hypotheses": []}',
    _HEAD + '"phase", "phase": "sleep", "state": "begin"}',
    _HEAD + '"phase", "phase": "load", "state": "end", "rss_mb": "much"}',
    _HEAD + '"step", "epoch": 1, "step": 1, "loss": 1, "seconds": 1, "utterances": 5, '
    '"changed_codes": 1.5}',
    _HEAD + '"phase", "phase": "load", "state": "end", "peak_rss_mb": "much"}',
    _HEAD + '"step", "epoch": 1, "step": 1, "loss": NaN, "seconds": 1, "utterances": 5}',
    _HEAD
    + '"checkpoint", "epoch": 1, "path": "/x", "sha256": "00", "size_bytes": 1, "best": true}',
)


def events() -> dict[str, Any]:
    """Events to accept, and lines to refuse."""
    valid = [{"seq": n, "t_boot_ms": 1000 + n, **event} for n, event in enumerate(_EVENTS)]
    for event in valid:
        parse_event(json.dumps(event))
    for line in _INVALID_LINES:
        try:
            parse_event(line)
        except EventError:
            continue
        raise AssertionError(f"accepted: {line}")
    return {"valid": valid, "invalid": list(_INVALID_LINES)}


def selection() -> list[dict[str, Any]]:
    """Sub-model by available memory; the first need is MobileASR's Table 9 in MiB."""
    paper = {"S1": 1.98 * 1024, "S5": 1.63 * 1024, "S8": 0.96 * 1024}
    all_eight = {name: 1000.0 - 100 * n for n, name in enumerate(SUB_MODELS)}
    cases = []
    for need, candidates in (
        (paper, ["S1", "S5", "S8"]),
        (paper, ["S8", "S5", "S1"]),  # the order is the preference
        (paper, ["S5"]),
        (all_eight, list(SUB_MODELS)),
        ({"All": 30.0, "Top-2.b": 10.0}, ["All", "Top-2.b"]),
    ):
        edges = sorted(need.values())
        levels = {0.0, 0.5, 1e6, *edges}
        levels |= {edge - 0.25 for edge in edges} | {edge + 0.25 for edge in edges}
        cases += [
            {
                "available_mb": level,
                "need_mb": need,
                "candidates": candidates,
                "sub_model": select_sub_model(level, need, candidates),  # type: ignore[arg-type]
            }
            for level in sorted(levels)
        ]
    return cases


def resources() -> list[dict[str, Any]]:
    """Whether the next epoch may start (Algorithm 2, line 7); null = the phone does not tell."""
    limits = {"battery_below_percent": 25.0, "available_below_mb": 300.0}
    return [
        {
            "battery_percent": battery,
            "available_mb": available,
            **limits,
            "reason": resources_allow(battery, available, **limits),
        }
        for battery, available in itertools.product(
            (None, 0.0, 24.9, 25.0, 25.1, 100.0), (None, 0.0, 299.9, 300.0, 300.1, 4000.0)
        )
    ]


_WERS = (
    (30, 28, 26, 24, 22),
    (30, 31, 32, 33, 34),
    (30, 28, 29, 29, 27, 28, 28),
    (5, 5, 5, 5),
    (0, 9, 0, 9),
    (41, 42, 40, 39.5, 39.5),
    (),
)


def stopping() -> list[dict[str, Any]]:
    """Both stop rules over sequences of WER; `stop_epoch` null = it goes on to the end."""
    cases = []
    for policy, patience, wers in itertools.product(
        ("best_so_far", "as_printed"), (1, 2, 3), _WERS
    ):
        state = start_patience(policy, patience, 40.0)  # type: ignore[arg-type]
        counts: list[int] = []
        stop_epoch = None
        for epoch, wer in enumerate(wers, 1):
            state = state.after(wer)
            counts.append(state.count)
            if state.stop:
                stop_epoch = epoch
                break
        cases.append(
            {
                "policy": policy,
                "patience": patience,
                "baseline_wer_percent": 40.0,
                "wer_percent": list(wers),
                "counts": counts,
                "stop_epoch": stop_epoch,
            }
        )
    return cases


def keeping() -> list[dict[str, Any]]:
    """Which epoch's checkpoint counts after these WERs (epoch 0 first); 0 = none does."""
    cases = []
    for keep, wers in itertools.product(
        ("best", "last"), ((40,), (40, 30), (40, 50), (40, 40), (40, 30, 30), (40, 30, 20, 35))
    ):
        history = History((), keep)  # type: ignore[arg-type]
        for epoch, wer in enumerate(wers):
            history.epochs[epoch] = parse_event(json.dumps({**_EPOCH, "wer_percent": wer}))
        cases.append({"keep": keep, "wer_percent": list(wers), "kept_epoch": history.kept})
    return cases


_TINY: dict[str, Any] = {
    "family": "tiny",
    "layers": [
        {"name": "Front", "parameters": 40},
        {"name": "Middle", "parameters": 20},
        {"name": "Head", "parameters": 2},
    ],
    "sub_models": [
        {"name": "All", "layers": ["Front", "Middle", "Head"]},
        {"name": "Ends", "layers": ["Front", "Head"]},
        {"name": "Top-2.b", "layers": ["Head"]},
    ],
    "alphabet": " ab",
    "optimiser": "adam",
}
_EARLY: dict[str, Any] = {
    **_TINY,
    "layers": [
        {"name": "Front", "parameters": 40, "biases": 4},
        {"name": "Side", "parameters": 20, "biases": 2},
        {"name": "Back", "parameters": 30},
        {"name": "Head", "parameters": 2, "biases": 2},
    ],
    "sub_models": [
        {"name": "All", "layers": ["Front", "Side", "Back", "Head"], "exits": ["Early", "Late"]},
        {
            "name": "Lower",
            "layers": ["Front", "Side"],
            "exits": ["Early"],
            "switch": {"first": 1, "last": 1},
        },
        {
            "name": "Heads",
            "layers": ["Side", "Head"],
            "exits": ["Early", "Late"],
            "switch": {"first": 1, "last": 2, "heads_only": True},
        },
        {
            "name": "Biases",
            "layers": ["Front", "Side", "Head"],
            "exits": ["Late"],
            "weights": "biases",
        },
    ],
    "exits": [
        {"name": "Early", "depth": 1, "head": ["Side"]},
        {"name": "Late", "depth": 2, "head": ["Head"]},
    ],
}
_WRITING: dict[str, Any] = {
    **_EARLY,
    "layers": [
        *_EARLY["layers"],
        *({"name": name, "parameters": 7} for name in ("Text", "First", "Second")),
    ],
    "exits": [
        {**_EARLY["exits"][0], "decoder": ["Text", "First"]},
        {**_EARLY["exits"][1], "decoder": ["Text", "Second"]},
    ],
    "pieces": ["ab", " a", " ab"],
}
_ONE_EXIT = {**_EARLY, "sub_models": _EARLY["sub_models"][:1]}
_INVALID_NETWORKS: tuple[str, ...] = (
    "",
    "{",
    "[]",
    "{}",
    *(
        json.dumps(_TINY | changes)
        for changes in (
            {"family": "two words"},
            {"layers": []},
            {"layers": [*_TINY["layers"], {"name": "HEAD", "parameters": 1}]},
            {"layers": [{"name": "Front", "parameters": -1}, *_TINY["layers"][1:]]},
            {"sub_models": []},
            {"sub_models": [{"name": "All", "layers": []}]},
            {"sub_models": [{"name": "All", "layers": ["Tail"]}]},
            {"sub_models": [{"name": "All", "layers": ["Head", "Front"]}]},
            {"sub_models": [*_TINY["sub_models"], {"name": "ALL", "layers": ["Head"]}]},
            {"alphabet": None},
            {"surprise": 1},
            # a sub-model that names no exit in a network that has some, and the other way round
            {"exits": [{"name": "Late", "depth": 3}]},
            {"sub_models": [{"name": "All", "layers": ["Head"], "exits": ["Late"]}]},
        )
    ),
    *(
        json.dumps(_EARLY | changes)
        for changes in (
            {"exits": [{"name": "Early", "depth": 4}]},
            {"exits": _EARLY["exits"][:1]},
            {"exits": _EARLY["exits"][::-1]},
            {"exits": [_EARLY["exits"][0], {"name": "EARLY", "depth": 2, "head": ["Head"]}]},
            {"exits": [_EARLY["exits"][0], {"name": "Late", "depth": 2, "head": ["Side"]}]},
            {"exits": [_EARLY["exits"][0], {"name": "Late", "depth": 2, "head": ["Tail"]}]},
            {"layers": [{"name": "Front", "parameters": 4, "biases": 5}, *_EARLY["layers"][1:]]},
        )
    ),
    *(
        json.dumps(_WRITING | changes)
        for changes in (
            {"pieces": ["abc"]},
            {"pieces": ["a b"]},
            {"exits": [{**_WRITING["exits"][0], "decoder": ["First", "Text"]}]},
            {"exits": [_WRITING["exits"][0], {**_WRITING["exits"][1], "decoder": ["Third"]}]},
            {"exits": [_WRITING["exits"][0], {**_WRITING["exits"][1], "decoder": ["Text"]}]},
        )
    ),
    *(
        json.dumps(_ONE_EXIT | {"sub_models": [{**_EARLY["sub_models"][0], **changes}]})
        for changes in (
            {"exits": ["Late", "Early"]},
            {"exits": ["Middle"]},
            {"exits": []},
            {"weights": "some"},
            {"switch": {"first": 2, "last": 1}},
            {"switch": {"first": 1, "last": 3}},
            {"switch": {"first": 0, "last": 1}},
        )
    ),
)


def networks() -> dict[str, Any]:
    """Networks as a file says them, with what each sub-model trains, and texts to refuse."""
    valid = []
    unsaid = {k: v for k, v in _TINY.items() if k != "optimiser"}
    for text in (_TINY, unsaid, _EARLY, _WRITING):
        network = Network.from_bytes(json.dumps(text).encode())
        names = network.sub_model_names
        trained = {name: network.trained_parameters(name) for name in names}
        valid.append(
            {
                "network": text,
                "sub_models": list(names),
                "trained": trained,
                "trunk": list(network.trunk),
                "exits": list(network.exit_names),
            }
        )
    for text in _INVALID_NETWORKS:
        try:
            Network.from_bytes(text.encode())
        except NetworkError:
            continue
        raise AssertionError(f"accepted: {text}")
    return {"valid": valid, "invalid": list(_INVALID_NETWORKS)}


def batches() -> list[dict[str, Any]]:
    """Batches of an epoch: several windows, a short last batch, equal lengths, one utterance."""
    rng = random.Random(3)
    cases = []
    for seed, epoch, count, batch_size in (
        (0, 1, 60, 5),
        (0, 2, 60, 5),
        (7, 1, 60, 5),
        (1, 3, 23, 5),
        (4, 1, 7, 1),
        (4, 1, 1, 10),
        (12345678901, 9999, 11, 2),
    ):
        lengths = [rng.randint(70, 90) for _ in range(count)]
        cases.append(
            {
                "seed": seed,
                "epoch": epoch,
                "lengths": lengths,
                "batch_size": batch_size,
                "batches": epoch_batches(seed, epoch, lengths, batch_size),
            }
        )
    return cases


def decoding() -> list[dict[str, Any]]:
    """Greedy decoding of small logits, ties included (the first of equals wins)."""
    rng = random.Random(2)
    cases = []
    for alphabet, blank, frames in (
        (" ab", 0, 12),
        (" ab", 3, 12),
        (" ab", 1, 12),
        (" abcdefghijklmnopqrstuvwxyz", 27, 6),
        ("a", 0, 0),
        ("a", 1, 5),
        (" aàß'œ", 0, 9),
    ):
        outputs = len(alphabet) + 1
        rows = [[rng.randint(-3, 3) for _ in range(outputs)] for _ in range(frames)]
        logits = np.array(rows, np.float32).reshape(frames, outputs)
        cases.append(
            {
                "alphabet": alphabet,
                "blank": blank,
                "logits": rows,
                "text": greedy_decode(logits, Targets(alphabet, blank)),
            }
        )
    return cases


def scoring() -> list[dict[str, Any]]:
    """Word errors; of alignments of equal cost, what prefers substitutions, then deletions."""
    rng = random.Random(1)
    words = ("the", "boy", "saw", "dog")

    def text() -> str:
        return " ".join(rng.choice(words) for _ in range(rng.randint(0, 7)))

    pairs = [
        ("the boy saw", "the boy saw"),
        ("the boy saw", ""),
        ("", "the boy"),
        ("", ""),
        ("the boy", "the old boy saw"),
        ("the  boy ", " the boy"),
        *((text(), text()) for _ in range(24)),
    ]
    cases = []
    for reference, hypothesis in pairs:
        errors = word_errors(reference, hypothesis)
        cases.append(
            {
                "reference": reference,
                "substitutions": errors.substitutions,
                "deletions": errors.deletions,
                "insertions": errors.insertions,
                "hypothesis": hypothesis,
                "errors": errors.errors,
                "reference_words": errors.reference_words,
                "wer_percent": errors.wer_percent,
            }
        )
    return cases


VECTORS = {
    "jobs": jobs,
    "events": events,
    "selection": selection,
    "resources": resources,
    "stopping": stopping,
    "keeping": keeping,
    "networks": networks,
    "batches": batches,
    "decoding": decoding,
    "scoring": scoring,
    "checkpoints": checkpoints,
    "exits": lambda: exits(_JOB),
    "pieces": pieces,
    "sharing": lambda: sharing(_JOB),
    "streaming": lambda: streaming(_JOB),
    "codec": codec,
}


def _one_case_a_line(value: Any) -> str:
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_one_case_a_line(part)}" for key, part in value.items()]
        return "{" + ",\n".join(parts) + "}"
    return "[\n" + ",\n".join(json.dumps(case) for case in value) + "\n]"


def main() -> None:
    """Write all files."""
    for name, make in VECTORS.items():
        (FOLDER / f"{name}.json").write_text(_one_case_a_line(make()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
