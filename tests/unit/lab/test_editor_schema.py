"""What editors are told of a scenario file is what the loader says of it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from harness.devices.gates import parse_gates
from harness.errors import InputError
from harness.lab.planning.checks import check_profiles, editor_schema
from harness.paths import data_root
from harness.scenario import expand_jobs, parse_scenario
from harness.yamlio import load_yaml, parse_yaml

HEAD = "name: t\nmodel: ds2-tiny\n"

VALID = [
    "",
    "phones: {}",
    "phones: {profile: oneplus-7t, serial: [A, B], soc: Snapdragon 8*}",
    "phones: {ram_mb: 6000, android: '>= 10, < 13', sdk: 29, abi: arm64-v8a, origin: virtual}",
    "phones: {tags: lab-2, count: 3, each: true}",
    "gates: strict",
    "gates: {preset: off, battery_percent_min: 50, mode: skip, limits_s: {idle: 60}}",
    "gates: {battery_c_max: null, charging: true, trainer_version: 1.2.*}",
    "pressure: {available_mb: 1700, by: ballast}",
    "order: fewest-cool-downs",
    "order: {shuffled: 7}",
    "matrix: {phones.profile: [oneplus-7t, [pixel-4, generic]], gates.mode: [wait, skip]}",
    "matrix: {phones: [{count: 2}, {each: true}], gates: [lab, {idle: false}]}",
    "matrix: {gates.limits_s.idle: [60, 90]}",
    "matrix: {pressure.by: [ballast], pressure.available_mb: [900]}",
    "matrix: {phones: [{count: 2}], model: [ds2-tiny, ds2-mini]}",
    "matrix: {trainer.epochs: [1, 2], exclude: [{trainer.epochs: 1, phones.profile: generic}]}",
]
INVALID = [
    "phones: {profil: oneplus-7t}",
    "phones: {profile: 5}",
    "phones: {ram_mb: much}",
    "phones: {ram_mb: true}",
    "phones: {android: '>= ten'}",
    "phones: {count: 0}",
    "phones: {count: '3'}",
    "phones: {each: 'yes'}",
    "phones: {origin: real}",
    "phones: {tags: [1]}",
    "phones: oneplus-7t",
    "gates: loose",
    "gates: {battery: 3}",
    "gates: {mode: hope}",
    "gates: {battery_percent_min: '30'}",
    "gates: {battery_percent_min: 101}",
    "gates: {preset: loose}",
    "order: hottest",
    "matrix: {order: [shuffled]}",
    "matrix: {phones.profil: [x]}",
    "matrix: {phones.count: [0]}",
    "matrix: {trainer.epochs: [-1]}",
    "matrix: {gates.mode: [hope]}",
    "matrix: {gates.battery: [3]}",
    "matrix: {gates.limits_s.idle: [long]}",
    "matrix: {phones.profile: oneplus-7t}",
    "matrix: {phones.profile: []}",
]


@lru_cache(maxsize=1)
def validator() -> Draft202012Validator:
    return Draft202012Validator(editor_schema())


def loader_takes(data: Any, lines: Any) -> bool:
    try:
        loaded = parse_scenario(data, lines, folder=Path())
        specs = expand_jobs(loaded)
        check_profiles(loaded, specs)
        for content in (loaded.scenario, *(spec.content for spec in specs)):
            parse_gates(content.gates)
    except InputError:
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(editor_schema())


@pytest.mark.parametrize("text", VALID)
def test_what_the_loader_takes_editors_do_not_mark(text: str) -> None:
    data, lines = parse_yaml(HEAD + text, "s.yaml")
    assert [error.message for error in validator().iter_errors(data)] == []
    assert loader_takes(data, lines)


@pytest.mark.parametrize("text", INVALID)
def test_what_the_loader_refuses_editors_mark(text: str) -> None:
    data, lines = parse_yaml(HEAD + text, "s.yaml")
    assert not validator().is_valid(data)
    assert not loader_takes(data, lines)


@pytest.mark.parametrize(
    "path", sorted((data_root() / "scenarios").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_nothing_is_marked_in_a_shipped_scenario(path: Path) -> None:
    data, _ = load_yaml(path)
    assert [error.message for error in validator().iter_errors(data)] == []


def test_editors_complete_the_keys_of_phones_and_gates() -> None:
    schema = editor_schema()
    fields, demands = schema["properties"], schema["$defs"]["Demands"]
    assert fields["phones"]["$ref"] == "#/$defs/Demands"
    assert demands["properties"]["ram_mb"]["description"].startswith("Total RAM")
    own = next(form for form in fields["gates"]["anyOf"] if form.get("type") == "object")
    assert {"preset", "battery_c_max", "limits_s"} <= set(own["properties"])


def test_the_schema_that_editors_read_is_the_one_that_is_printed() -> None:
    kept = data_root() / "scenarios" / "scenario.schema.json"
    told = "harness scenario schema > scenarios/scenario.schema.json"
    assert json.loads(kept.read_text("utf-8")) == editor_schema(), told
