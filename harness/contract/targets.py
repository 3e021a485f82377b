"""What the outputs of a network mean: characters, or pieces of words (pure).

Pieces are those of byte pair encoding (Sennrich et al., 2016, arXiv 1508.07909): a text is taken
apart into characters, and of two neighbours that make a piece the earliest piece of the list is
joined first. A space begins a word, so each text is read with one before it; a piece has no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

LONGEST_PIECE: Final = 32
"""Characters."""


@dataclass(frozen=True)
class Targets:
    """What outputs mean.

    Args:
        alphabet: Characters, in the order of the first outputs, the blank left out.
        blank: Index of the blank's output.
        pieces: What the outputs after them mean, in the order in which pieces are joined; none: a
            network that writes characters.
    """

    alphabet: str
    blank: int = 0
    pieces: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """Characters, pieces and the blank."""
        return len(self.alphabet) + len(self.pieces) + 1

    def labels(self, text: str) -> list[int]:
        """Return the outputs that write a text.

        Args:
            text: Of characters of the alphabet.

        Raises:
            ValueError: It has others.
        """
        written = list(text) if not self.pieces else self._joined(text)
        try:
            places = [self._places[part] for part in written]
        except KeyError as error:
            raise ValueError(f"cannot write {error.args[0]!r}") from error
        return [place + (place >= self.blank) for place in places]

    def text(self, labels: Iterable[int]) -> str:
        """Return what labels write; none of them is the blank."""
        text = "".join(self._parts[label - (label > self.blank)] for label in labels)
        return text.removeprefix(" ") if self.pieces else text

    def _joined(self, text: str) -> list[str]:
        """Return the pieces of a text, of which an empty one has none."""
        parts = [*f" {text}"] if text else []
        while True:
            ranks = [self._ranks.get(a + b) for a, b in pairwise(parts)]
            known = [rank for rank in ranks if rank is not None]
            if not known:
                return parts
            first = ranks.index(min(known))
            parts[first : first + 2] = [parts[first] + parts[first + 1]]

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        return (*self.alphabet, *self.pieces)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {part: place for place, part in enumerate(self._parts)}

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {piece: rank for rank, piece in enumerate(self.pieces)}


def problem(alphabet: str, pieces: Sequence[str]) -> str:
    """Return why a list of pieces is none; empty if it is one.

    Args:
        alphabet: Characters that a network writes.
        pieces: Beside them.
    """
    before = set(alphabet)
    for piece in pieces:
        if piece in before:
            return f"has {piece!r} twice"
        if not 1 < len(piece) <= LONGEST_PIECE:
            return f"has {piece!r}, which is not 2 to {LONGEST_PIECE} characters long"
        if " " in piece[1:]:
            return f"has {piece!r}, with a space after its begin"
        if foreign := sorted(set(piece) - set(alphabet)):
            return f"has {piece!r}, and the alphabet has no {foreign[0]!r}"
        if not any({piece[:n], piece[n:]} <= before for n in range(1, len(piece))):
            return f"has {piece!r}, which no two before it make"
        before.add(piece)
    return ""
