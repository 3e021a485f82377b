"""The manifest of a shipped baseline: ``models/<name>/manifest.json``."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from harness.atomic import whole
from harness.contract import mobileasr
from harness.contract.job import Sha256
from harness.contract.network import Network, NetworkError, SubModelName
from harness.errors import InputError
from harness.memory.measured import MemoryRecord
from harness.memory.sizes import NetworkSizes
from harness.trainer.lineage import Begun, Stage

FILE_NAME = "manifest.json"
_SHA256_DIGITS = 64


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class ModelFile(_Part):
    """One file of a model: beside the manifest, or in the folder of another model."""

    file: FileName
    sha256: Sha256
    bytes: int = Field(ge=1)
    model: FileName | None = None
    """The folder, beside this model's, that the file lies in; None: this model's own. So several
    sets of weights share one flatbuffer."""

    def path(self, folder: Path) -> Path:
        """Return where the file lies.

        Args:
            folder: Of the model whose manifest names it.
        """
        if self.model is None:
            return folder / self.file
        return folder.resolve().parent / self.model / self.file

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``model`` out of a file of one's own: versions before there was it read that."""
        written: dict[str, Any] = handler(self)
        if self.model is None:
            del written["model"]
        return written


class Provenance(_Part):
    """How a baseline was made: enough to make it again."""

    command: str
    date: str
    versions: dict[str, str]
    corpus: str = ""
    """What it was trained on, in words."""
    corpus_sha256: Sha256 | None = None
    """Of the corpus' manifest (JSON lines)."""
    training: dict[str, float | int | str] = Field(default_factory=dict)
    """Settings and how far they went (epochs, steps, seconds, learning rate, ...)."""
    wer_percent: dict[str, float] = Field(default_factory=dict)
    """Before personalisation, by accent or speaker."""
    lineage: tuple[Stage, ...] = ()
    """The trainings that made it, the oldest first; the last one is its own. Older manifests have
    none: `ModelManifest.lineage` makes one of what they say."""


def _begun_before(training: Mapping[str, Any]) -> tuple[Begun, ...]:
    """Return the weights that a training of an older version began from: it kept their digest."""
    digest = training.get("begun_from")
    known = isinstance(digest, str) and len(digest) == _SHA256_DIGITS
    return (Begun(part="all", layers=(), file="", sha256=digest),) if known else ()


class ModelManifest(_Part):
    """What a model is, what it weighs, and what training it needs.

    ``need_mb`` is what training a sub-model adds to a fresh trainer process (MiB): peak RSS minus
    RSS when it selects. ``trainer_base_mb`` is that process' RSS less its shared pages when it
    selects.
    """

    name: str
    arch: str
    files: dict[int, ModelFile] = Field(min_length=1)
    """Trainable flatbuffers by batch size."""
    checkpoint: ModelFile | None = None
    """Weights that all the files start from; None = each file has its own."""
    sample_rate: int
    max_audio_s: float
    alphabet: str
    parameters: dict[SubModelName, int]
    """Trained numbers by sub-model."""
    need_mb: dict[int, dict[SubModelName, float]] = Field(default_factory=dict)
    """By batch size and sub-model."""
    sizes: NetworkSizes | None = None
    """Layers, for the memory model."""
    network: Network = Field(default_factory=lambda manifest: _preset(manifest))
    """Names of layers and sub-models; a manifest that does not say them is DeepSpeech2's."""
    memory: MemoryRecord | None = None
    """Measured processes that needs at other batch sizes are predicted from."""
    trainer_base_mb: float = 0.0
    learning_rate: float = 1e-4
    """For personalising; what the baseline's own figures were made with."""
    resident: Literal["float32", "f16", "int8"] = "float32"
    """How weights and moments are held while it trains."""
    rounding: Literal["stochastic", "nearest"] = "stochastic"
    """Of weights that are held in few bits."""
    optimiser: Literal["adam", "sgd"] = "adam"
    recompute: bool = False
    """Whether a step keeps only what goes into each layer (gradient checkpointing)."""
    forward: Literal["float32", "int8", "int6", "int4"] = "float32"
    """What the products of its forward pass are made of."""
    forward_per: Literal["column", "tensor"] = "column"
    """What of a weight has a scale in them."""
    ordered: tuple[int, ...] = ()
    """Batch sizes whose file is to be run in its own order (``ordered`` of a job)."""
    provenance: Provenance

    @property
    def all_files(self) -> tuple[ModelFile, ...]:
        """Flatbuffers and weights."""
        weights = () if self.checkpoint is None else (self.checkpoint,)
        return (*self.files.values(), *weights)

    @property
    def lineage(self) -> tuple[Stage, ...]:
        """The trainings that made it, the oldest first; none if its weights are random."""
        made = self.provenance
        if made.lineage or not made.training:
            return made.lineage
        numbers = {k: v for k, v in made.training.items() if isinstance(v, int)}
        return (
            Stage(
                network=self.name,
                alphabet=self.alphabet,
                command=made.command,
                date=made.date,
                words=made.corpus,
                begun_from=_begun_before(made.training),
                loss="ctc",
                epochs=numbers.get("epochs"),
                steps=numbers.get("steps"),
                seed=numbers.get("seed"),
                weights_sha256=self.checkpoint.sha256 if self.checkpoint else None,
            ),
        )

    @model_validator(mode="after")
    def _knows_its_names(self) -> ModelManifest:
        known = self.network.sub_model_names
        strange = [size for size in self.ordered if size not in self.files]
        if strange:
            raise ValueError(f"ordered has batch size {strange[0]}, of which there is no file")
        named = [("parameters", name) for name in self.parameters]
        named += [("need_mb", name) for by_name in self.need_mb.values() for name in by_name]
        if self.memory is not None:
            points = (*self.memory.calibrating, *self.memory.held_out)
            named += [("memory", str(point.sub_model)) for point in points]
        for where, name in named:
            if name not in known:
                raise ValueError(f"{where} has {name}, the network has {', '.join(known)}")
        if self.sizes is not None:
            layers = tuple(layer.name for layer in self.sizes.layers)
            if layers != self.network.layer_names:
                raise ValueError("sizes has other layers than the network")
        if self.network.alphabet != self.alphabet:
            raise ValueError("alphabet is not the network's")
        return self


def _preset(manifest: Mapping[str, Any]) -> Network:
    """Return DeepSpeech2 for a manifest that was written before there were names.

    Args:
        manifest: What was read of it before.

    Raises:
        NetworkError: Its layers are not DeepSpeech2's.
    """
    sizes: NetworkSizes | None = manifest["sizes"]
    if sizes is None:
        layers = mobileasr.layers_of_trained(manifest["parameters"])
    else:
        layers = {layer.name: layer.trainable for layer in sizes.layers}
        if tuple(layers) != mobileasr.LAYERS:
            raise NetworkError("sizes has other layers than DeepSpeech2, and no network names them")
    return mobileasr.network(layers, manifest["alphabet"])


def load_manifest(folder: Path) -> ModelManifest:
    """Read the manifest in ``folder``.

    Raises:
        InputError: There is none, or it is not one.
    """
    path = folder / FILE_NAME
    try:
        return ModelManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"no model manifest: {error.strerror}",
            where=str(path),
            hint="A model is a folder with a manifest.json, such as models/ds2-mini.",
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{field}: {first['msg']}", where=str(path)) from error
    except NetworkError as error:
        raise InputError(str(error), where=str(path)) from error


def save_manifest(manifest: ModelManifest, folder: Path) -> Path:
    """Write ``manifest`` into ``folder`` and return the file."""
    path = folder / FILE_NAME
    with whole(path) as partial:
        partial.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def describe_file(path: Path) -> ModelFile:
    """Return the manifest entry of a file."""
    content = path.read_bytes()
    return ModelFile(file=path.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def whole_lineage(manifest: ModelManifest, folder: Path) -> tuple[Stage, ...]:
    """Return the trainings that made a model, with those of models that lie beside it.

    A manifest of an older version names the weights that its training began from, and no more; a
    model in the same place that has them says how they came about. So does the model whose weights
    it shares.

    Args:
        manifest: The model's.
        folder: Where it lies.
    """
    stages = manifest.lineage
    weights = manifest.checkpoint
    if not stages and weights is not None and weights.model is not None:
        owner = folder.resolve().parent / weights.model
        return whole_lineage(load_manifest(owner), owner)
    beside = [] if not stages or not _lacks(stages) else _beside(folder)
    while stages and (missing := _lacks(stages)):
        before = next((m for m in beside if m.checkpoint and m.checkpoint.sha256 in missing), None)
        if before is None or not before.lineage:
            return stages
        beside.remove(before)  # each once: who knows what a manifest says
        stages = (*before.lineage, *stages)
    return stages


def _lacks(stages: tuple[Stage, ...]) -> set[str]:
    """Return the weights that the first training began from."""
    return {begun.sha256 for begun in stages[0].begun_from}


def _beside(folder: Path) -> list[ModelManifest]:
    found = []
    for path in sorted(folder.resolve().parent.glob(f"*/{FILE_NAME}")):
        with contextlib.suppress(InputError):  # another one's damage is not this one's
            found.append(load_manifest(path.parent))
    return found


def manifest_of(file: Path) -> ModelManifest | None:
    """Return the manifest beside a file if the file is one of its model's.

    Args:
        file: Weights or a flatbuffer.
    """
    try:
        manifest = load_manifest(file.parent)
        digest = describe_file(file).sha256
    except (InputError, OSError):
        return None
    return manifest if digest in [entry.sha256 for entry in manifest.all_files] else None


def check_files(manifest: ModelManifest, folder: Path) -> None:
    """Check that every file of the manifest is there and unchanged.

    Raises:
        InputError: One is missing or differs.
    """
    for entry in manifest.all_files:
        path = entry.path(folder)
        try:
            present = describe_file(path)
        except OSError as error:
            raise InputError(
                f"a file of the model {manifest.name} is missing: {error.strerror}",
                where=str(path),
                hint=""
                if entry.model is None
                else f"It is one of the model {entry.model}, whose "
                "folder must lie beside this one: copy both.",
            ) from error
        if present.sha256 != entry.sha256:
            raise InputError("the file is not the one the model's manifest names", where=str(path))
