"""What the lab knows of a language: how it is written, who speaks it, and a few sentences."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.alphabet import ENGLISH
from harness.speech.languages.grammar import Grammar
from harness.speech.speakers import Speaker
from harness.speech.text import PLAIN, Spelling


@dataclass(frozen=True)
class Voice:
    """An espeak-ng voice of a language, before any variant.

    Attributes:
        name: Its name in espeak-ng, for example ``it``.
        accent: For people, for example ``Italian``.
    """

    name: str
    accent: str


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        code: Two letters of ISO 639-1, for example ``it``.
        name: In English.
        voices: espeak-ng's; the first one speaks as the two speakers who are personalised.
        grammar: Sentences and commands of our own.
        spelling: How it is written.
    """

    code: str
    name: str
    voices: tuple[Voice, ...]
    grammar: Grammar
    spelling: Spelling = PLAIN

    @property
    def alphabet(self) -> str:
        """What a network must write to keep all accents."""
        return ENGLISH + "".join(sorted(self.spelling.kept))

    @property
    def speakers(self) -> dict[str, Speaker]:
        """The two speakers who are personalised, by name."""
        voice = self.voices[0]
        kinds = (("male", "+m1", 150, 42), ("female", "+f4", 160, 60))
        return {
            f"{self.code}-{kind}": Speaker(
                f"{self.code}-{kind}", voice.accent, f"{voice.name}{variant}", rate, pitch
            )
            for kind, variant, rate, pitch in kinds
        }
