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
        "alphabet": " ab",
    }
    return Network.model_validate({**values, **changes})


def _with_exits(**changes: Any) -> Network:
    values: dict[str, Any] = {
        "layers": [{"name": name, "parameters": 5, "biases": 2} for name in ("L1", "H1", "L2")],
        "sub_models": [
            {"name": "all", "layers": ["L1", "H1", "L2"], "exits": ["E1", "E2"]},
            {"name": "biases", "layers": ["L1", "L2"], "exits": ["E2"], "weights": "biases"},
        ],
        "exits": [{"name": "E1", "depth": 1, "head": ["H1"]}, {"name": "E2", "depth": 2}],
    }
    return _network(**{**values, **changes})


def test_a_network_survives_its_bytes() -> None:
    for network in (_network(), _with_exits()):
        assert Network.from_bytes(network.to_bytes()) == network


def test_heads_are_no_part_of_the_trunk() -> None:
    network = _with_exits()
    assert network.trunk == ("L1", "L2")
    assert network.exit("E1").head == ("H1",)
    assert _network().trunk == ("L1", "L2", "L3")


def test_decoders_are_no_part_of_the_trunk_and_may_share_layers() -> None:
    layers = [{"name": name, "parameters": 5} for name in ("L1", "H1", "L2", "T", "D1", "D2")]
    exits = [
        {"name": "E1", "depth": 1, "head": ["H1"], "decoder": ["T", "D1"]},
        {"name": "E2", "depth": 2, "decoder": ["T", "D2"]},
    ]
    sub_models = [{"name": "all", "layers": ["L1", "H1", "L2"], "exits": ["E1", "E2"]}]
    network = _network(layers=layers, exits=exits, sub_models=sub_models)
    assert network.trunk == ("L1", "L2")
    assert network.writes
    assert Network.from_bytes(network.to_bytes()) == network
    assert not _with_exits().writes
    exits[0]["decoder"] = ["D1", "T"]
    with pytest.raises(ValidationError, match="decoder are not in the network's order"):
        _network(layers=layers, exits=exits, sub_models=sub_models)


def test_an_unknown_exit_names_those_that_there_are() -> None:
    with pytest.raises(NetworkError, match=r"'E9'; there are E1, E2"):
        _with_exits().exit("E9")
    with pytest.raises(NetworkError, match="it has none"):
        _network().exit("E9")


def test_a_sub_model_of_biases_trains_those_alone() -> None:
    assert _with_exits().trained_parameters("all") == 15
    assert _with_exits().trained_parameters("biases") == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exits": [{"name": "E1", "depth": 1}, {"name": "E2", "depth": 4}]}, "whole trunk"),
        ({"exits": [{"name": "E2", "depth": 2}, {"name": "E1", "depth": 1}]}, "order"),
        ({"sub_models": [{"name": "x", "layers": ["L1"]}]}, "no exit"),
        ({"sub_models": [{"name": "x", "layers": ["L1"], "exits": ["E3"]}]}, "E3"),
        (
            {
                "sub_models": [
                    {
                        "name": "x",
                        "layers": ["L1"],
                        "exits": ["E1"],
                        "switch": {"first": 2, "last": 1},
                    }
                ]
            },
            "no span",
        ),
    ],
)
def test_exits_that_contradict_the_network_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _with_exits(**changes)


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
        ({"sub_models": [{"name": "x", "layers": ["L9"]}]}, "L9"),
        ({"sub_models": [{"name": "x", "layers": ["L2", "L1"]}]}, "network's order"),
        ({"sub_models": [{"name": "x", "layers": ["L1"]}] * 2}, "one name"),
        ({"layers": [{"name": "a", "parameters": 1}, {"name": "A", "parameters": 1}]}, "one name"),
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
