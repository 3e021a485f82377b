"""Synthetic speakers: six accents-and-genders as in MobileASR, Table 6, and variants to pre-train.

Each is an espeak-ng voice. The IND speakers are the library's Hindi voice reading English
spelling: a strong accent, not a recording of Indian English. Say so where it matters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Speaker:
    """One synthetic speaker.

    Attributes:
        name: For example ``us-male``.
        accent: ``US``, ``UK`` or ``IND``.
        voice: espeak-ng voice with its variant, for example ``en-us+m3``.
        words_per_minute: Rate.
        pitch: 0 to 99.
        pitch_range: 0 to 99.
    """

    name: str
    accent: str
    voice: str
    words_per_minute: int = 160
    pitch: int = 50
    pitch_range: int = 50


_SIX = (
    Speaker("us-male", "US", "en-us+m1", 150, 42),
    Speaker("us-female", "US", "en-us+f4", 165, 58),
    Speaker("uk-male", "UK", "en-gb-scotland+m3", 150, 45),
    Speaker("uk-female", "UK", "en-gb-x-rp+f4", 160, 60),
    Speaker("ind-male", "IND", "hi+m3", 150, 42),
    Speaker("ind-female", "IND", "hi+f4", 155, 62),
)

SPEAKERS: dict[str, Speaker] = {speaker.name: speaker for speaker in _SIX}
"""The six speakers by name."""

_FULL_RATES = {
    "us-male": 152,
    "us-female": 141,
    "uk-male": 112,
    "uk-female": 132,
    "ind-male": 110,
    "ind-female": 115,
}
"""Words a minute that give long sentences about the average lengths of MobileASR, Table 6."""


def unhurried(speaker: Speaker) -> Speaker:
    """Return a speaker as they read long sentences (style ``full``)."""
    rate = _FULL_RATES.get(speaker.name, speaker.words_per_minute)
    return replace(speaker, words_per_minute=rate)


# f2, f3 and f5 are left out: their breath noise differs from process to process
_PRETRAINING_VARIANTS = (
    *("", "+m2", "+m3", "+m4", "+m5", "+m7", "+m8", "+Alex", "+Andy"),
    *("+f1", "+Annie", "+linda", "+steph", "+belinda"),
)


def variants(name: str, accent: str, voice: str) -> tuple[Speaker, ...]:
    """Return the voices that a baseline is pre-trained on; none is a speaker who is personalised.

    Args:
        name: What the names of the speakers begin with.
        accent: Of all of them.
        voice: espeak-ng's voice that they are variants of.
    """
    return tuple(
        Speaker(f"{name}{variant or '+base'}", accent, f"{voice}{variant}")
        for variant in _PRETRAINING_VARIANTS
    )
