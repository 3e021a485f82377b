"""The trainable flatbuffer as the trainer sees it: LiteRT and its signatures.

Importing this module does not import LiteRT; making a ``FlatbufferModel`` does. What the signatures
take and give is written in ``harness.model.signatures``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.contract.network import NetworkError
from harness.errors import InputError
from harness.trainer.attention import write_greedily
from harness.trainer.batches import Batch, Floats, check_samples
from harness.trainer.checkpoints import misfit
from harness.trainer.info import (
    SWITCHED,
    attend_signature,
    check_signatures,
    decode_signature,
    get_signature,
    model_info,
    reset_signature,
    segment_signature,
    set_signature,
    train_signature,
)
from harness.trainer.listening import SegmentRun
from harness.trainer.npz import opened_weights
from harness.trainer.transfer import put, run, take

SEED_ROUNDING = "seed_rounding"
_READ_WEIGHTS = (
    "infer",
    "loss",
    "train",
    "segment",
    "attend",
    "decode",
    "encode",
    "predict",
    "joint",
)


class FlatbufferModel:
    """One trainable flatbuffer in one LiteRT interpreter.

    Weights and Adam's moments live in the interpreter. A file without embedded weights needs
    ``set_weights`` before anything but ``features``.

    Args:
        path: The ``.tflite`` file.
        threads: Of LiteRT.
        interpreter: Another interpreter class with the interface of ai-edge-litert's, such as
            ``tensorflow.lite.Interpreter``.
        ordered: Run the operators in the file's own order: delegates do not gather theirs.

    Raises:
        InputError: Not a flatbuffer, without the signatures of this version, or ``ordered`` with a
            runtime that has no such option.
    """

    def __init__(
        self,
        path: Path,
        threads: int = 2,
        *,
        interpreter: Callable[..., Any] | None = None,
        ordered: bool = False,
    ) -> None:
        if interpreter is None:
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter
        try:
            self._interpreter: Any = _opened(interpreter, path, threads, ordered=ordered)
            names = set(self._interpreter.get_signature_list())
            check_signatures(names, path)
            self._set_weights = self._interpreter.get_signature_runner("set_weights")
            values = self._run("info")
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"LiteRT cannot read the model: {error}",
                where=str(path),
                hint="The file is damaged, or made for another runtime: copy or build it again.",
            ) from error
        self.path = path
        self.info = model_info(values, names, path)
        self.network = self.info.network
        layers = tuple(get_signature(layer) for layer in self.network.layer_names)
        self._getters = layers if names.issuperset(layers) else ("get_weights",)
        setters = tuple(set_signature(layer) for layer in self.network.layer_names)
        self._setters = setters if names.issuperset(setters) else ("set_weights",)
        self._seeds_rounding = SEED_ROUNDING in names
        self.changed_codes: float | None = None
        """The share of the codes of its weights that the last step changed; None: it has none."""
        self._has_weights = bool(values["weights_included"])
        self._moments_of: frozenset[str] = frozenset()
        """Layers whose moments are there."""

    def features(self, pcm: npt.NDArray[np.int16]) -> Floats:
        """Return log-mel features [frames, mels] of one utterance.

        Args:
            pcm: [samples] at the model's sample rate, at least one window.

        Raises:
            InputError: Shorter than a window or longer than the model takes.
        """
        info = self.info
        check_samples(len(pcm), info)
        padded = np.zeros(info.max_samples, np.int16)
        padded[: len(pcm)] = pcm
        out = self._run("features", pcm=padded, samples=np.array(len(pcm), np.int32))
        features: Floats = out["features"][: int(out["frames"])]
        return features

    def train_step(self, sub_model: str, batch: Batch, learning_rate: float) -> float:
        """Take one Adam step on ``sub_model``; return the mean CTC loss before it.

        Layers that were not trained before (since ``reset_optimizer``) start Adam anew.

        Raises:
            InputError: The file cannot train ``sub_model``.
        """
        try:
            description = self.network.sub_model(sub_model)
        except NetworkError as error:
            raise InputError(str(error), where=str(self.path)) from error
        trained, switch = frozenset(description.layers), description.switch
        if not trained <= self._moments_of:
            self._run(reset_signature(sub_model))
            self._moments_of = trained
        switched = {}
        if switch is not None:
            given = (switch.first, switch.last, switch.heads_only)
            names = ("first", "last", "heads_only")
            switched = {n: np.array(v, np.int32) for n, v in zip(names, given, strict=True)}
        out = self._run(
            train_signature(sub_model) if switch is None else SWITCHED,
            x=batch.x,
            in_len=batch.in_len,
            labels=batch.labels,
            lab_len=batch.lab_len,
            lr=np.array(learning_rate, np.float32),
            **switched,
        )
        if "changed_codes" in out:
            self.changed_codes = float(out["changed_codes"])
        return float(out["loss"])

    def seed_rounding(self, seed: int) -> None:
        """Let weights that are encoded be rounded by other lots; of other files nothing changes.

        Args:
            seed: At least 0.
        """
        if self._seeds_rounding:
            self._run(SEED_ROUNDING, seed=np.array(seed, np.int32))

    def infer(self, batch: Batch) -> list[Floats]:
        """Return logits [output frames, outputs] of each real row."""
        return _rows(self._run("infer", x=batch.x, in_len=batch.in_len), batch)

    def segments(self, batch: Batch, *, writes: bool = False) -> Iterator[SegmentRun]:
        """Run the segments of a network with exits, each when it is asked for.

        Args:
            batch: Utterances.
            writes: The attention decoder of each exit writes, too.
        """
        given = {"x": batch.x}
        for number in range(1, len(self.network.exits) + 1):
            began = perf_counter()
            out = self._run(segment_signature(number), **given, in_len=batch.in_len)
            seconds = perf_counter() - began
            began = perf_counter()
            written = self._written(number, batch, out["state"]) if writes else None
            writing_seconds = perf_counter() - began if writes else 0.0
            yield SegmentRun(_rows(out, batch), seconds, written, writing_seconds)
            given = {"state": out["state"]}

    def _written(self, number: int, batch: Batch, state: Floats) -> list[str]:
        """Return what the decoder of an exit writes of each real row, greedily."""
        info, signature = self.info, decode_signature(number)
        memory = self._run(attend_signature(number), state=state)["memory"]
        cache = np.zeros(self.input_shape(signature, "cache"), np.float32)

        def step(token: npt.NDArray[np.int32], position: int) -> Floats:
            nonlocal cache
            out = self._run(
                signature,
                token=token,
                position=np.array([position], np.int32),
                in_len=batch.in_len,
                memory=memory,
                cache=cache,
            )
            cache = out["cache"]
            log_p: Floats = out["log_p"]
            return log_p

        labels = write_greedily(step, batch.rows, info.batch_size, info.blank, info.max_label)
        return [info.targets.text(row) for row in labels]

    def loss(self, batch: Batch) -> Floats:
        """Return the CTC loss [rows] of each real row."""
        out = self._run(
            "loss",
            x=batch.x,
            in_len=batch.in_len,
            labels=batch.labels,
            lab_len=batch.lab_len,
        )
        losses: Floats = out["loss"][: batch.rows]
        return losses

    def signatures(self) -> frozenset[str]:
        """Return the names of all signatures of the file."""
        return frozenset(self._interpreter.get_signature_list())

    def call(self, signature: str, **inputs: Any) -> dict[str, Any]:
        """Run a signature that only some families have; return copies of its outputs by name.

        Raises:
            InputError: It reads weights, and there are none.
        """
        return self._run(signature, **inputs)

    def input_shape(self, signature: str, name: str) -> tuple[int, ...]:
        """Return the shape of an input of a signature."""
        details = self._interpreter.get_signature_runner(signature).get_input_details()
        return tuple(int(n) for n in details[name]["shape"])

    def output_shape(self, signature: str, name: str) -> tuple[int, ...]:
        """Return the shape of an output of a signature."""
        details = self._interpreter.get_signature_runner(signature).get_output_details()
        return tuple(int(n) for n in details[name]["shape"])

    def get_weights(self) -> dict[str, Floats]:
        """Return a copy of all weights and moving statistics by name."""
        return {name: value.copy() for name, value in self.weights()}

    def weights(self) -> Iterator[tuple[str, Floats]]:
        """Yield all weights and moving statistics by name, a layer at a time.

        A value is a view into the interpreter, and gone when the next one is asked for.
        """
        self._check_weights()
        for signature in self._getters:
            yield from take(self._interpreter, signature)

    def set_weights(self, weights: Mapping[str, Floats]) -> None:
        """Set all weights.

        Raises:
            InputError: Names or shapes are not those of this model.
        """
        differs = self._misfit({name: tuple(value.shape) for name, value in weights.items()})
        if differs:
            raise InputError(differs, where=str(self.path))
        self._put_weights(lambda name: np.asarray(weights[name], np.float32))

    def load_checkpoint(self, path: Path) -> None:
        """Set all weights from an ``.npz`` file.

        Raises:
            InputError: Not a checkpoint, not of this model, or not of finite numbers.
        """
        with opened_weights(path) as stored:
            differs = self._misfit(stored.shapes)
            if differs:
                hint = f"The model is {self.path}; give weights made with it."
                raise InputError(differs, where=str(path), hint=hint)
            self._put_weights(stored.read)

    def weight_names(self, layers: Iterable[str]) -> list[str]:
        """Return the names of the weights and moving statistics of layers.

        Raises:
            InputError: The file does not tell them layer by layer.
        """
        if self._getters == ("get_weights",):
            raise InputError(
                "this model file does not give its weights layer by layer",
                where=str(self.path),
                hint="Build it again with 'harness model build'.",
            )
        signatures = self._interpreter.get_signature_list()
        return [name for layer in layers for name in signatures[get_signature(layer)]["outputs"]]

    def change_weights(self, change: Callable[[str, Floats], Floats]) -> None:
        """Replace each weight by what a function makes of its name and value.

        All weights are held once more meanwhile.
        """
        now = self.get_weights()
        self._put_weights(lambda name: change(name, now[name]))

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all weights and moving statistics, by name."""
        return {
            name: tuple(int(n) for n in detail["shape"])
            for name, detail in self._set_weights.get_input_details().items()
        }

    def _misfit(self, shapes: Mapping[str, tuple[int, ...]]) -> str:
        return misfit(self.shapes, shapes)

    def _put_weights(self, weight: Callable[[str], Floats]) -> None:
        for signature in self._setters:
            put(self._interpreter, signature, weight)
        self._has_weights = True

    def reset_optimizer(self) -> None:
        """Forget Adam's moments and step count; the next ``train_step`` starts them at zero."""
        self._moments_of = frozenset()

    def _run(self, name: str, **inputs: Any) -> dict[str, Any]:
        if name.startswith(_READ_WEIGHTS):
            self._check_weights()
        return run(self._interpreter, name, inputs)

    def _check_weights(self) -> None:
        """LiteRT would read whatever memory a variable without a value happens to have."""
        if not self._has_weights:
            raise InputError(
                "this model file has no weights of its own",
                where=str(self.path),
                hint="Load the checkpoint that its manifest names first.",
            )


def _opened(interpreter: Callable[..., Any], path: Path, threads: int, *, ordered: bool) -> Any:
    if not ordered:
        return interpreter(str(path), num_threads=threads)
    try:
        return interpreter(
            str(path), num_threads=threads, experimental_disable_delegate_clustering=True
        )
    except TypeError as error:
        raise InputError(
            "this runtime cannot keep a model's operators in their order",
            where=str(path),
            hint="Leave 'ordered' out of the job, or install a newer ai-edge-litert.",
        ) from error


def _rows(out: Mapping[str, Any], batch: Batch) -> list[Floats]:
    """Return logits [output frames, outputs] of each real row of [frames, rows, outputs]."""
    return [
        out["logits"][: int(frames), row].copy()
        for row, frames in enumerate(out["out_len"][: batch.rows])
    ]
