"""What the networks of a run call their sub-models, as ``run.json`` says it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from harness.contract import mobileasr
from harness.contract.network import Network


def network_of(manifest: Mapping[str, Any]) -> Network:
    """Return the network of a model.

    Args:
        manifest: Of the model, as in ``run.json``. One of before manifests named their network, or
            a damaged one, is of MobileASR's; layers whose size it does not say have none.
    """
    try:
        return Network.model_validate(manifest["network"])
    except (KeyError, ValidationError):
        alphabet = manifest.get("alphabet")
        return mobileasr.network(
            {**dict.fromkeys(mobileasr.LAYERS, 0), **_parameters(manifest.get("sizes"))},
            alphabet if isinstance(alphabet, str) else "",
        )


def _parameters(sizes: Any) -> dict[str, int]:
    layers = sizes.get("layers") if isinstance(sizes, Mapping) else None
    return {
        str(layer["name"]): int(layer["trainable"])
        for layer in (layers if isinstance(layers, list | tuple) else ())
        if isinstance(layer, Mapping) and isinstance(layer.get("trainable"), int)
        if layer["trainable"] >= 0 and "name" in layer
    }
