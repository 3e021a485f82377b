"""Scenarios, profiles, faults, networks and Python on the pages are read by what reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs._generate import scenario_page
from harness.contract.network import Network
from harness.devices.book import read_book
from harness.devices.gates import parse_gates
from harness.devices.profile import read_profile
from harness.model.config_file import load_network
from harness.paths import data_root
from harness.scenario import expand_jobs, load_scenario
from harness.virtual.fault_plan import read_plan
from tests.docs.markdown import PAGES, Block, blocks

LANGUAGES = ("sh", "yaml", "python", "json", "text", "ini", "titled")
ALL = [block for page in PAGES for block in blocks(page)]


def _in(language: str) -> list[Block]:
    return [block for block in ALL if block.language == language]


def _name(block: Block) -> str:
    return f"{block.page}:{block.line}"


def test_each_block_says_its_language() -> None:
    assert [_name(block) for block in ALL if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", _in("yaml"), ids=_name)
def test_yaml_is_read_by_its_reader(block: Block, tmp_path: Path) -> None:
    whole = yaml.safe_load(block.text)
    named = re.match(r"# (?:[\w-]+/)*([\w-]+\.yaml)\n", block.text)
    path = tmp_path / (named[1] if named else "shown.yaml")
    path.write_text(block.text)
    if "faults" in whole:
        assert len(read_plan(path).faults) == len(whole["faults"])
    elif "match" in whole:
        assert read_profile(path).name == whole["name"]
    elif _is_book(whole):
        assert set(read_book(path).phones) == set(whole["phones"])
    elif "base" in whole:
        network = load_network(path)
        plain = {key: value for key, value in whole.items() if isinstance(value, (int, str))}
        plain.pop("base")
        assert {key: getattr(network, key) for key in plain} == plain
    else:
        model = {} if "baselines" in whole else {"model": "ds2-mini"}
        _scenario(path, {"name": "shown", **model, **whole})


def _is_book(whole: dict[str, Any]) -> bool:
    """Say whether it is a lab's ``phones.yaml``: of a scenario's ``phones`` none is a mapping."""
    return [*whole] == ["phones"] and all(
        isinstance(phone, dict) for phone in whole["phones"].values()
    )


def test_the_references_scenario_is_one(tmp_path: Path) -> None:
    text = scenario_page.page().split("```yaml\n")[1].split("```")[0]
    _scenario(tmp_path / "x.yaml", yaml.safe_load(text))


def _scenario(path: Path, whole: dict[str, object]) -> None:
    path.write_text(json.dumps(whole))
    loaded = load_scenario(path)
    jobs = expand_jobs(loaded)
    assert jobs
    for job in jobs:
        parse_gates(job.content.gates)
        assert (data_root() / "models" / str(job.content.model.name)).is_dir()


@pytest.mark.parametrize("block", _in("python"), ids=_name)
def test_python_compiles(block: Block) -> None:
    compile(block.text, _name(block), "exec")


@pytest.mark.parametrize("block", _in("json"), ids=_name)
def test_json_is_json(block: Block) -> None:
    shown = json.loads(block.text)
    assert shown
    if "sub_models" in shown:
        assert Network.from_bytes(block.text.encode())
