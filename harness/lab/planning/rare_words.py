"""The list of rare words that a scenario's report goes by, checked before a phone is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import InputError
from harness.lab.planning.materials import Materials
from harness.lab.planning.needs import JobNeeds
from harness.metrics.rare_words import Vocabulary
from harness.results.word_list import check_list, read_words, words_in
from harness.scenario import LoadedScenario

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
        InputError: What is heard stays on the phones; the list cannot be used, is of another
            corpus, or leaves a class without words.
    """
    asked = loaded.scenario.report
    if asked is None:
        return None
    federated = [job.spec.content.federated for job in jobs]
    if jobs and all(each is not None and not each.hypotheses for each in federated):
        raise InputError(
            "what is heard stays on the phones, so that nothing of it can be counted by class",
            where=loaded.where(("report",)),
            hint="Write federated: {hypotheses: true}, or leave report out.",
        )
    rule = asked.rare_words
    if rule is None:
        return None
    heard = _texts(materials, jobs, "validation")
    heard += [
        utterance.text
        for job in {job.speech: job for job in jobs}.values()
        for other in materials.others(job)
        for utterance in other.validation
    ]
    where = loaded.where(FIELD)
    if rule.words is None:
        check_list(Vocabulary.counted(_texts(materials, jobs, "train")), rule, heard, where)
        return None
    named = f"{loaded.where((*FIELD, 'words'))}: {rule.words}"
    words = read_words(loaded.folder / rule.words, words_in(heard), named)
    check_list(words, rule, heard, where)
    return words


def _texts(materials: Materials, jobs: Iterable[JobNeeds], split: str) -> list[str]:
    """Return each utterance's text once."""
    return list(
        {
            (utterance.speaker, utterance.id): utterance.text
            for speech in dict.fromkeys(job.speech for job in jobs)
            for utterance in materials.utterances(*speech, split)
        }.values()
    )
