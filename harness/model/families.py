"""The families of networks, by name, and their ready-made sizes (no tensorflow).

A family is a folder like `harness.model.deepspeech2`: a class derived from
`harness.model.configuration.NetworkConfig`, and the layers that it builds. Here it is named.
"""

from __future__ import annotations

from typing import Final

from harness.model.configuration import NetworkConfig
from harness.model.conformer import configuration as conformer
from harness.model.deepspeech2 import configuration as deepspeech2
from harness.model.transducer import configuration as transducer

FAMILIES: Final[dict[str, type[NetworkConfig]]] = {
    family.family: family
    for family in (deepspeech2.DeepSpeech2, conformer.Conformer, transducer.Transducer)
}

DEFAULT: Final = deepspeech2.DeepSpeech2.family
"""Of a YAML file that names neither a family nor a network to start from."""

CONFIGS: Final[dict[str, NetworkConfig]] = {
    config.name: config
    for config in (*deepspeech2.PRESETS, *conformer.PRESETS, *transducer.PRESETS)
}
"""Networks of the project by name."""
