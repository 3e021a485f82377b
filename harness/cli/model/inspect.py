"""``harness model inspect``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import console
from harness.cli.options import JsonOption

if TYPE_CHECKING:
    from harness.contract.network import Network
    from harness.model.inspection import Inspection
    from harness.trainer.info import ModelInfo

_MIB = 2**20
_SHOWN = 4
_PIECES = 12
"""So many are shown."""


def inspect(
    model: Annotated[Path, typer.Argument(help="A .tflite file.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Show what is in a flatbuffer: layers, sub-models, signatures, operators, sizes."""
    from harness.model.inspection import inspect as look

    found = look(model)
    if as_json:
        console.emit_json(_as_json(model, found))
        return
    _say_file(model, found)
    if found.info is None:
        console.say(f"not a model that the trainer can use: {found.not_trainable}")
    else:
        _say_model(model, found, found.info)
    _say_signatures(found)


def _as_json(path: Path, found: Inspection) -> dict[str, Any]:
    whole = dataclasses.asdict(found)
    if found.info is not None:
        whole["info"] |= {
            "max_audio_s": found.info.max_audio_s,
            "network": found.info.network.model_dump(mode="json"),
            "live_bytes": _live(path, found),
        }
    return {
        "file": str(path),
        **whole,
        "operators": found.operators,
        "sub_models": found.sub_models,
    }


def _say_file(path: Path, found: Inspection) -> None:
    constant = f"{found.constant_bytes / _MIB:.2f} MiB of it constants"
    console.say(f"{path}: {found.bytes / _MIB:.2f} MiB, {constant}")
    versions = found.operator_versions
    runtime = f", for TFLite {found.min_runtime} or newer" if found.min_runtime else ""
    console.say(f"operators: {len(versions)} kinds of builtin ones{runtime}")
    flex = [name for name in found.custom_operators if name.startswith("Flex")]
    others = [name for name in found.custom_operators if name not in flex]
    console.say(f"Flex operators: {', '.join(flex) or 'none'}")
    console.say(f"custom operators: {', '.join(others) or 'none'}")
    if found.misaligned_buffers:
        console.say(
            f"not aligned to 16 bytes: {found.misaligned_buffers} data buffers; some runtimes may "
            "refuse the file or crash: make it anew with 'harness model build'"
        )


def _live(path: Path, found: Inspection) -> dict[str, int]:
    """Return the most bytes that a step of each sub-model holds at once."""
    from harness.model.live import training_peak

    return {name: training_peak(path, name).bytes for name in found.sub_models}


def _say_model(path: Path, found: Inspection, info: ModelInfo) -> None:
    network, live = info.network, _live(path, found)
    kind = "pieces" if network.pieces else "characters"
    weights = "included" if found.weights_included else "not included: they come from a checkpoint"
    console.say(f"weights: {weights}")
    console.say(
        f"takes: batches of {info.batch_size}, at most {info.max_audio_s:.2f} s at "
        f"{info.sample_rate} Hz ({info.max_frames} frames), {info.max_label} {kind}"
    )
    pieces = f", {len(network.pieces)} pieces of words" if network.pieces else ""
    console.say(f"writes: {info.alphabet!r}{pieces} and the blank ({info.blank})")
    if network.pieces:
        more = " ..." if len(network.pieces) > _PIECES else ""
        console.say(f"pieces: {' '.join(map(repr, network.pieces[:_PIECES]))}{more}")
    if network.writes:
        console.say("each exit has an attention decoder beside its CTC head")
    trained = sum(info.layer_parameters.values())
    console.say(
        f"weights in all: {found.weights:,} = {trained:,} trainable and "
        f"{found.weights - trained:,} statistics of batch normalisation"
    )
    console.table(
        ("layer", "parameters >"),
        [(name, f"{count:,}") for name, count in info.layer_parameters.items()],
    )
    console.table(
        ("sub-model", "trains", "parameters >", "a step holds, MiB >"),
        [
            (
                name,
                _span(info.network, layers),
                f"{info.sub_model_parameters[name]:,}",
                f"{live[name] / _MIB:.1f}",
            )
            for name, layers in found.sub_models.items()
        ],
    )


def _span(network: Network, layers: Sequence[str]) -> str:
    """Return layers in words: from the first to the last if none between them is left out."""
    first = network.layer_names.index(layers[0])
    if len(layers) > 1 and network.layer_names[first : first + len(layers)] == tuple(layers):
        return f"{layers[0]} to {layers[-1]}"
    return ", ".join(layers)


def _say_signatures(found: Inspection) -> None:
    def some(tensors: dict[str, str]) -> str:
        shown = [f"{name} {kind}" for name, kind in list(tensors.items())[:_SHOWN]]
        return ", ".join(shown) + (f", {len(tensors) - _SHOWN} more" * (len(tensors) > _SHOWN))

    console.table(
        ("signature", "operators >", "kinds >", "takes", "gives"),
        [
            (
                name,
                sum(signature.operators.values()),
                len(signature.operators),
                some(signature.inputs),
                some(signature.outputs),
            )
            for name, signature in found.signatures.items()
        ],
    )
