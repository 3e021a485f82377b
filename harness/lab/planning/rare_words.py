"""The list of rare words that a scenario's report goes by, checked before a phone is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import InputError
from harness.lab.planning.materials import Materials
from harness.lab.planning.needs import JobNeeds
from harness.metrics.rare_words import Vocabulary
from harness.results.word_list import rare_words, read_words
from harness.scenario import LoadedScenario
from harness.scenario.report import RareWords

FIELD = ("report", "rare_words")


def check_rare_words(
    loaded: LoadedScenario, materials: Materials, jobs: Sequence[JobNeeds]
) -> Vocabulary | None:
    """Check that what is listened to has rare words and common ones.

    Args:
        loaded: The scenario.
        materials: What its jobs train with.
        jobs: All of them.

    Returns:
        The list that the scenario names; None where it names none.

    Raises:
        InputError: The list cannot be used, is of another corpus, or leaves a class without words.
    """
    rule = None if loaded.scenario.report is None else loaded.scenario.report.rare_words
    if rule is None:
        return None
    heard = _texts(materials, jobs, "validation")
    heard += [
        utterance.text
        for job in {job.speech: job for job in jobs}.values()
        for other in materials.others(job)
        for utterance in other.validation
    ]
    spoken = {word for text in heard for word in text.split()}
    if rule.words is None:
        words = Vocabulary.counted(_texts(materials, jobs, "train"))
    else:
        where = loaded.where((*FIELD, "words"))
        words = read_words(loaded.folder / rule.words, spoken, where)
        if spoken.isdisjoint(words.words):
            raise InputError(
                f"none of its {len(words.words)} words is said in what is listened to, such as "
                f"{_some(spoken)}",
                where=f"{where}: {rule.words}",
                hint="It is a list of another corpus or language: name the one of these "
                "recordings, or leave words out to count their training sentences.",
            )
    try:
        _check_classes(words, rule, heard, spoken)
    except InputError as error:
        raise InputError(error.what, where=loaded.where(FIELD), hint=error.hint) from error
    return None if rule.words is None else words


def _check_classes(
    words: Vocabulary, rule: RareWords, heard: Sequence[str], spoken: set[str]
) -> None:
    rare = spoken & rare_words(words, rule, heard)
    counts = f"{len(words.words)} words" + (
        f", met {min(words.counts)} to {max(words.counts)} times" if words.counts else ""
    )
    if not rare:
        raise InputError(
            f"none of the {len(spoken)} words that are listened to is rare: all are among what "
            f"is not {rule.label}",
            hint=f"The list has {counts}. Take a smaller vocabulary_rank or a larger max_count.",
        )
    if rare == spoken:
        raise InputError(
            f"each of the {len(spoken)} words that are listened to is rare: {rule.label}",
            hint=f"The list has {counts}. Take a larger vocabulary_rank or a smaller max_count.",
        )


def _texts(materials: Materials, jobs: Iterable[JobNeeds], split: str) -> list[str]:
    """Return each utterance's text once."""
    return list(
        {
            (utterance.speaker, utterance.id): utterance.text
            for speech in dict.fromkeys(job.speech for job in jobs)
            for utterance in materials.utterances(*speech, split)
        }.values()
    )


def _some(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in sorted(words, key=len)[-3:])
