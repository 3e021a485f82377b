"""What belongs to each unit of DeepSpeech2, so that it can be left out (no tensorflow).

A CONV channel: its kernel, its normalisation, and what the next layer reads of it. A cell of one
direction of a BLSTM: its four gate columns, its row of the recurrent matrix, its row of the next
layer's input and of an exit's head; a unit of FC1: its column and its row of FC2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.contract import mobileasr
from harness.pruning.cells import Group, Place

if TYPE_CHECKING:
    from harness.model.deepspeech2.configuration import DeepSpeech2

_CONVOLUTIONS, _BLSTMS = mobileasr.LAYERS[:3], mobileasr.LAYERS[3:7]
_HIDDEN_DENSE, _OUTPUT = mobileasr.LAYERS[7:]
_GATES = 4
_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def unit_groups(config: DeepSpeech2) -> tuple[Group, ...]:
    """Return the groups of a network, from input to output."""
    return (*_channels(config), *_cells(config), _dense(config))


def with_units(config: DeepSpeech2, units: Mapping[str, int]) -> DeepSpeech2:
    """Return a network with other numbers of units.

    Args:
        config: The network.
        units: By layer; of a layer that is not named as many as there are.
    """
    convolutions = [
        replace(conv, channels=units.get(name, conv.channels))
        for name, conv in zip(_CONVOLUTIONS, config.convolutions, strict=True)
    ]
    cells = [units.get(n, c) for n, c in zip(_BLSTMS, config.blstm_cells, strict=True)]
    return replace(
        config,
        convolutions=(convolutions[0], convolutions[1], convolutions[2]),
        cells=(cells[0], cells[1], cells[2], cells[3]),
        dense=units.get(_HIDDEN_DENSE, config.dense),
    )


def _channels(config: DeepSpeech2) -> Iterator[Group]:
    for n, (layer, conv) in enumerate(zip(_CONVOLUTIONS, config.convolutions, strict=True)):
        name, vectors = layer.lower(), (("bias",) if conv.bias else ()) + _NORM
        places = [Place(f"{name}_kernel", 3)]
        places += [Place(f"{name}_{vector}", 0, scored=False) for vector in vectors]
        if n < len(_CONVOLUTIONS) - 1:
            places.append(Place(f"{_CONVOLUTIONS[n + 1].lower()}_kernel", 2))
        else:  # [T, F, C] becomes rows of F x C
            _, frequencies, channels = config.conv_shapes()[-1]
            below = f"{_BLSTMS[0].lower()}_input"
            places.append(Place(below, 1, repeats=frequencies, gap=channels))
        yield Group(layer, layer, conv.channels, tuple(places), usual=False)


def _cells(config: DeepSpeech2) -> Iterator[Group]:
    names = {spec.name for spec in config.layer_specs()}
    for n, (layer, cells) in enumerate(zip(_BLSTMS, config.blstm_cells, strict=True)):
        name = layer.lower()
        for direction, word in enumerate(("ahead", "back")):
            first = direction * cells
            places = [
                Place(f"{name}_input", 2, slice=direction, repeats=_GATES, gap=cells),
                Place(f"{name}_recurrent", 2, slice=direction, repeats=_GATES, gap=cells),
                Place(f"{name}_recurrent", 1, slice=direction),
                Place(f"{name}_bias", 2, slice=direction, repeats=_GATES, gap=cells, scored=False),
            ]
            if n < len(_BLSTMS) - 1:
                places.append(Place(f"{_BLSTMS[n + 1].lower()}_input", 1, first=first))
                if config.early_exits:
                    places.append(Place(f"head{n + 1}_kernel", 0, first=first))
            else:
                places += [Place(f"{name}_{v}", 0, first=first, scored=False) for v in _NORM]
                places.append(Place(f"{_HIDDEN_DENSE.lower()}_kernel", 0, first=first))
            head = f"Head{n + 1}"  # of an exit
            if head in names:
                places.append(Place(f"{head.lower()}_kernel", 0, first=first))
            yield Group(f"{layer} {word}", layer, cells, tuple(places))


def _dense(config: DeepSpeech2) -> Group:
    name = _HIDDEN_DENSE.lower()
    places = (
        Place(f"{name}_kernel", 1),
        Place(f"{name}_bias", 0, scored=False),
        Place(f"{_OUTPUT.lower()}_kernel", 0),
    )
    return Group(_HIDDEN_DENSE, _HIDDEN_DENSE, config.dense, places)
