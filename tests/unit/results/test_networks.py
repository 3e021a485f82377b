"""What a run's models call their sub-models: as ``run.json`` says, in old runs MobileASR's."""

from __future__ import annotations

from typing import Any

import pytest

from harness.contract import mobileasr
from harness.paths import data_root
from harness.results.networks import network_of
from harness.trainer.manifest import load_manifest
from tests.fixtures.networks import eighteen, three


@pytest.mark.parametrize("network", [three(), eighteen()], ids=["three", "eighteen"])
def test_the_network_that_the_manifest_names(network) -> None:
    assert network_of({"network": network.model_dump(mode="json")}) == network


def test_a_manifest_of_before_is_read_as_it_is_from_a_folder() -> None:
    manifest = load_manifest(data_root() / "models" / "ds2-mini")
    raw = manifest.model_dump(mode="json")
    assert network_of(raw) == manifest.network
    del raw["network"]
    assert network_of(raw) == manifest.network


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"network": {"family": "x"}, "alphabet": 3},
        {"network": "S1", "sizes": 4},
        {"sizes": {"layers": [{"name": "FC1", "trainable": -1}, {"trainable": 2}, 5]}},
    ],
)
def test_a_damaged_one_still_has_names(manifest: dict[str, Any]) -> None:
    network = network_of(manifest)
    assert network.sub_model_names == mobileasr.SUB_MODELS
    assert network.layer_names == mobileasr.LAYERS
