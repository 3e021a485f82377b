"""The pages that are made from the code: whole, and true in their examples."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from docs._generate import commands_page, glossary, profile_page, results_page, scenario_page
from docs._generate.fields import descriptions, rows
from docs._generate.results_page import meaning
from harness.contract import EVENT_TYPES
from harness.contract.events import Hypothesis
from harness.devices.gates import Gates, parse_gates
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.store import HypothesisRow
from harness.scenario.compression import Compression
from harness.scenario.demands import Demands
from harness.scenario.load import parse_scenario
from harness.scenario.paths import field_paths
from harness.scenario.schema import Scenario
from harness.yamlio import LineIndex

FIELDS = [
    f"{path}.{name}" if path else name
    for path, model, _ in scenario_page.SECTIONS
    for name in model.model_fields
]


def test_every_field_of_a_scenario_is_on_the_page() -> None:
    shown = set(FIELDS)
    assert set(field_paths(Scenario)) <= shown
    assert {f"phones.{name}" for name in Demands.model_fields} <= shown
    assert {f"gates.{name}" for name in Gates.model_fields} <= shown


def test_every_field_of_a_scenario_has_a_meaning_and_an_example() -> None:
    silent = [
        f"{path}.{name}"
        for path, model, _ in scenario_page.SECTIONS
        for name in model.model_fields
        if not descriptions(model).get(name)
    ]
    assert silent == [], "write a text under the field; it is the editor's and the reference's"
    assert set(scenario_page.EXAMPLES) == set(FIELDS)


_FEDERATED: dict[str, dict[str, object]] = {
    "federated.clients.count": {"by": "iid"},
    "federated.strategy.arguments": {"flower": "FedAvgM"},
    "federated.strategy.replace_start": {"app": "my_app"},
    **{
        f"federated.strategy.{name}": {"name": "fedadam"}
        for name in ("momentum", "beta_1", "beta_2", "tau", "mu", "trim")
    },
    **{
        f"federated.compression.{name}": {"format": "S1E3M7"}
        for name in Compression.model_fields
        if name not in ("format", "per")
    },
    "federated.compression.per": {"format": "int8"},
    "federated.privacy.clip": {"noise": 1.0},
    **{
        f"federated.pruning.{name}": {"level": 0.5, **beside}
        for name, beside in (
            ("pattern", {"masked": True}),
            ("halves", {"masked": True, "pattern": "half_input_unit"}),
            ("schedule", {"rise": 3}),
            ("rise", {"schedule": "cubic"}),
            ("steps", {"schedule": "stepped", "rise": 2}),
            *((other, {}) for other in ("masked", "score", "density", "refine_rounds")),
            *((other, {}) for other in ("refinement", "layers", "network")),
        )
    },
    **{
        f"federated.privacy.{name}": {"clip": 1.0, "noise": 1.0}
        for name in ("noise", "delta", "seed")
    },
}
"""What must stand beside a field."""
_EXITS: dict[str, dict[str, object]] = {
    "exit": {"rule": "fixed"},
    "threshold": {"rule": "entropy"},
    "n_best": {"rule": "posterior", "threshold": 0.9},
    "beam": {"rule": "posterior", "threshold": 0.9},
}
"""Likewise, of ``trainer.exits``."""


_BASELINES = ("baseline", "baselines")
"""In place of a model, and together."""


@pytest.mark.parametrize("path", FIELDS)
def test_the_example_of_a_field_is_accepted(path: str) -> None:
    value = yaml.safe_load(scenario_page.EXAMPLES[path])
    whole: dict[str, object] = {"name": "x", "model": "ds2-mini"}
    section, _, last = path.rpartition(".")
    if path in _BASELINES:
        both = {name: yaml.safe_load(scenario_page.EXAMPLES[name]) for name in _BASELINES}
        whole = {"name": "x", **both}
    elif section == "":
        whole[path] = value
    elif section == "model":
        beside = {"arch": {"size": "mini"}, "size": {"arch": "ds2"}, "checkpoint": {"name": "m"}}
        whole["model"] = {last: value, **beside.get(last, {})}
    elif section == "data.part":
        beside = {"number": {"of": 4}} if last == "number" else {}
        part = {"speakers": ["us-male"], **beside.get(last, {}), last: value}
        whole["data"] = {"part": part}
    elif section.startswith("federated."):
        inner = _FEDERATED.get(path, {}) | {last: value}
        whole["federated"] = {section.rpartition(".")[2]: inner}
    elif section == "trainer.stop":
        whole["trainer"] = {"stop": {last: value}}
    elif section == "trainer.streaming":
        whole["trainer"] = {"streaming": {last: value}}
    elif section == "trainer.exits":
        whole["trainer"] = {"exits": {last: value} | _EXITS.get(last, {})}
    elif section == "trainer.stored":
        format_ = {} if last == "format" else {"format": "int8" if last == "per" else "S1E3M7"}
        whole["trainer"] = {"stored": {last: value} | format_}
    elif section == "report.rare_words":
        rule = {} if last in ("vocabulary_rank", "max_count") else {"max_count": 0}
        whole["report"] = {"rare_words": {last: value, **rule}}
    elif section == "expect":
        claim = {"below": 1} if last == "metric" else {"metric": "wer_percent"}
        whole["expect"] = [{last: value, **claim}]
    elif section == "reproduces":
        whole["reproduces"] = {"paper": "mobileasr", last: value}
    elif section == "pressure":
        goal = {} if last in ("available_mb", "fits") else {"fits": "S5"}
        apps = {"by": {"apps": ["com.a"]}, "apps": {"by": ["apps"]}}.get(last, {})
        whole["pressure"] = {last: value, **goal, **apps}
    else:
        whole[section] = {last: value}
    loaded = parse_scenario(whole, LineIndex(path), folder=Path())
    parse_gates(loaded.scenario.gates)


def test_a_field_without_a_text_is_noticed() -> None:
    class Silent(BaseModel):
        said: int = 1
        """One."""
        silent: int = 2

    assert descriptions(Silent) == {"said": "One."}


def test_every_field_of_results_and_profiles_has_a_meaning() -> None:
    models: list[type[BaseModel]] = [*results_page.RUN, *results_page.RESULT, HypothesisRow]
    models += [*EVENT_TYPES, Hypothesis, *(model for _, model, _ in profile_page.PARTS)]
    every = [(model, row) for model in models for row in rows(model, {})]
    silent = [f"{model.__name__}.{row.name}" for model, row in every if not meaning(model, row)]
    assert silent == [], "write a text under the field, or add it to the glossary"
    shown = {row.name for _, row in every} | {
        f"{model.__name__}.{row.name}" for model, row in every
    }
    assert set(glossary.MEANINGS) - shown == set()


def test_the_result_format_has_every_column_and_event() -> None:
    page = results_page.page()
    for name in SAMPLE_SCHEMA.names:
        assert f"| `{name}` |" in page
    for event in EVENT_TYPES:
        assert f"\n### {event.model_fields['type'].default}\n" in page


def test_every_option_of_every_command_says_what_it_is_for() -> None:
    found = dict(commands_page.commands())
    assert {"run", "nightly", "farm up", "corpus import", "apk build"} <= set(found)
    silent = [
        f"harness {name}: {param.name}"
        for name, command in found.items()
        for param in command.params
        if not param.help
    ]
    assert silent == []
    page = commands_page.page()
    assert "| `--set` `FIELD=VALUE` |" in page
    assert "harness run SCENARIO [OPTIONS]" in page
    assert "`$MOBILEASR_WEBHOOK`" in page
