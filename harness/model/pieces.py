"""The pieces of words that a network is to write: learnt from texts, or those of another model."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.contract import targets
from harness.errors import InputError
from harness.model.configuration import NetworkConfig
from harness.trainer.manifest import load_manifest

WHERE = "--pieces"
_WORD_BEGINS = "\u2581"
"""What sentencepiece writes for the space."""
_FEWER = re.compile(r"<= (\d+)")


@dataclass(frozen=True)
class Pieces:
    """Which pieces are asked for: so many that are learnt, or a model's own."""

    count: int = 0
    model: Path | None = None

    @staticmethod
    def of(words: str) -> Pieces:
        """Read a number, or the folder of a model.

        Raises:
            InputError: It is neither.
        """
        if words.isdecimal() and int(words) > 0:
            return Pieces(count=int(words))
        if Path(words).is_dir():
            return Pieces(model=Path(words))
        raise InputError(
            f"{words!r} is no number above 0 and no model folder",
            where=WHERE,
            hint="Give how many pieces are to be learnt beside the characters, or a model whose "
            "pieces are taken.",
        )

    def taken_by(self, config: NetworkConfig) -> NetworkConfig:
        """Return a network with the pieces of the model; as it is if they are to be learnt.

        Raises:
            InputError: The model writes characters, or other ones.
        """
        if self.model is None:
            return config
        network = load_manifest(self.model).network
        if not network.pieces:
            raise InputError(
                "this model writes characters, it has no pieces",
                where=f"{WHERE} {self.model}",
                hint=f"{WHERE} with a number learns them.",
            )
        if wrong := targets.problem(config.alphabet, network.pieces):
            raise InputError(
                f"{config.name} cannot write in these pieces: the list {wrong}",
                where=f"{WHERE} {self.model}",
                hint="--alphabet says which characters it writes.",
            )
        return replace(config, word_pieces=network.pieces)

    def learnt_by(self, config: NetworkConfig, texts: Iterable[str]) -> NetworkConfig:
        """Return a network with pieces that are learnt from texts; as it is if none are asked for.

        Raises:
            InputError: sentencepiece is not installed, or the texts have fewer pieces.
        """
        if not self.count:
            return config
        return replace(config, word_pieces=learn(texts, self.count))


def learn(texts: Iterable[str], count: int) -> tuple[str, ...]:
    """Return the pieces that byte pair encoding joins first in texts, the first one first.

    Args:
        texts: As a network is to write them.
        count: How many.

    Raises:
        InputError: sentencepiece is not installed, or the texts have fewer pieces.
    """
    try:
        import sentencepiece
    except ImportError as error:
        raise InputError(
            "pieces are learnt by sentencepiece, which is not installed",
            where=WHERE,
            hint="pip install 'mobileasr-lab[model]'; or give a model whose pieces are taken.",
        ) from error
    texts = [" ".join(text.split()) for text in texts]
    characters = len(set("".join(texts)) - {" "}) + 1
    unknown = 1  # sentencepiece cannot do without it; it never comes to a network
    made = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=made,
            model_type="bpe",
            vocab_size=characters + count + unknown,
            character_coverage=1.0,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentencepiece_length=targets.LONGEST_PIECE,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        fewer = _FEWER.search(str(error))
        most = int(fewer[1]) - characters - unknown if fewer else 0
        raise InputError(
            f"the texts do not have {count} pieces beside their {characters} characters",
            where=WHERE,
            hint=f"Give at most {most}." if most > 0 else "Give fewer, or more speech.",
        ) from error
    processor = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    every = [processor.id_to_piece(n) for n in range(unknown, processor.get_piece_size())]
    return tuple(piece.replace(_WORD_BEGINS, " ") for piece in every if len(piece) > 1)
