"""What a flatbuffer says of its network."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.contract import mobileasr
from harness.contract.network import Network, NetworkError

COUNTS = {name: 10 + place for place, name in enumerate(mobileasr.LAYERS)}


def _network(**changes: Any) -> Network:
    values: dict[str, Any] = {
        "family": "tiny",
        "layers": [{"name": f"L{n}", "parameters": n} for n in range(1, 4)],
        "sub_models": [
            {"name": "all", "layers": ["L1", "L2", "L3"]},
            {"name": "lower", "layers": ["L1"]},
        ],
        "exits": [{"name": "E1", "depth": 1}, {"name": "E3", "depth": 3}],
        "alphabet": " ab",
    }
    return Network.model_validate({**values, **changes})


def test_a_network_survives_its_bytes() -> None:
    network = _network()
    assert Network.from_bytes(network.to_bytes()) == network


def test_names_and_parameters_by_sub_model() -> None:
    network = _network()
    assert network.sub_model_names == ("all", "lower")
    assert network.place("lower") == 1
    assert network.trained_parameters("all") == 6
    assert network.trained_parameters("lower") == 1


def test_an_unknown_sub_model_names_those_that_there_are() -> None:
    with pytest.raises(NetworkError, match=r"'S9'.*all, lower"):
        _network().trained_parameters("S9")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sub_models": [{"name": "x", "layers": ["L9"]}]}, "which is no layer"),
        ({"sub_models": [{"name": "x", "layers": ["L2", "L1"]}]}, "network's order"),
        ({"sub_models": [{"name": "x", "layers": ["L1"]}] * 2}, "one name"),
        ({"layers": [{"name": "a", "parameters": 1}, {"name": "A", "parameters": 1}]}, "one name"),
        ({"exits": [{"name": "E", "depth": 4}]}, "deeper"),
        ({"exits": [{"name": "E", "depth": 2}, {"name": "F", "depth": 1}]}, "order"),
        ({"sub_models": [{"name": "../x", "layers": ["L1"]}]}, "pattern"),
        ({"layers": []}, "at least 1"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _network(**changes)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"family": "x"}', b"[]"])
def test_bytes_that_are_no_network_give_one_error(raw: bytes) -> None:
    with pytest.raises(NetworkError):
        Network.from_bytes(raw)


def test_the_preset_has_the_papers_spans() -> None:
    network = mobileasr.network(COUNTS, " ab")
    assert network.sub_model("S1").layers == mobileasr.LAYERS
    assert network.sub_model("S5").layers == ("BLSTM2", "BLSTM3", "BLSTM4", "FC1", "FC2")
    assert network.sub_model("S8").layers == ("FC1", "FC2")
    assert network.trained_parameters("S8") == COUNTS["FC1"] + COUNTS["FC2"]


def test_a_file_that_trains_few_sub_models_says_so() -> None:
    assert mobileasr.network(COUNTS, " ab", ["S8", "S1"]).sub_model_names == ("S1", "S8")
