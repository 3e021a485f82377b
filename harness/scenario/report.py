"""What a scenario asks of its report besides: rare words, a baseline, how words are aligned (pure).

None of it changes a job: it is told from what was heard, which a run keeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from harness.scenario.base import Count, Flag, Number, Section
from harness.scenario.paths import suggestion

BEFORE: Final = "before"
"""The baseline that each training itself is before it begins."""


class RareWords(Section):
    """Which words are rare: their errors are told apart from those of all others."""

    vocabulary_rank: Count | None = Field(None, ge=1)
    """Rare is what is not among so many most frequent words."""
    max_count: Count | None = Field(None, ge=0)
    """Rare is what is met at most so often."""
    words: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """A file of words, one a line, the most frequent first, each with its count if there are any
    (``word<tab>count``); relative to the scenario. Left out, the words of the training sentences of
    all jobs are counted. A word that is said and is in no list is rare."""
    listed: Literal["global", "per_utterance"] = "global"
    """What counts as rare in an utterance: every rare word, or those that are said in it.
    ``per_utterance`` takes a rare word that is heard where nobody says it for a common one."""

    @model_validator(mode="after")
    def _one_rule(self) -> RareWords:
        if (self.vocabulary_rank is None) == (self.max_count is None):
            raise ValueError("give either vocabulary_rank or max_count")
        return self

    @property
    def label(self) -> str:
        """The rule in words."""
        if self.vocabulary_rank is not None:
            return f"outside of the {self.vocabulary_rank} most frequent words"
        return f"met at most {self.max_count} times"


class Report(Section):
    """What the report tells besides the word error rate."""

    rare_words: RareWords | None = None
    """Word errors of rare and of common words (B-WER and U-WER)."""
    characters: Flag = False
    """Character error rate as well, for languages whose words are long."""
    costs: Literal["1/1/1", "4/3/3"] = "1/1/1"
    """What a substitution, an insertion and a deletion cost where words are aligned for rare words
    and WERR: ``1/1/1`` finds the fewest errors, ``4/3/3`` is Kaldi's and fbai-speech's."""
    baseline: Literal["before"] | dict[str, Any] | None = None
    """What WERR, the relative reduction of the word error rate, is against: ``before``, each
    training before its first epoch; or values of the matrix, for example
    ``{trainer.sub_model: S8}``: the jobs that have them."""
    average: Literal["pooled", "mean_of_ratios"] = "pooled"
    """WERR over several speakers, in sentences and verdicts: of their errors together, or the mean
    of their own. Tables have both."""
    loss: Number | None = Field(None, ge=0, allow_inf_nan=False)
    """A training loss: after how many steps each training came to it. Left out, and with jobs as
    the baseline, it is the lowest that the baseline came to."""

    @model_validator(mode="after")
    def _names_something(self) -> Report:
        if self.baseline == {}:
            raise ValueError("baseline names values of the matrix, or before")
        return self


def wrong_baseline(
    baseline: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]
) -> tuple[str, str] | None:
    """Return what is wrong with a baseline and what to write; None if nothing is.

    Args:
        baseline: Dotted path -> value.
        axes: What the matrix varies, with all values.
    """
    for path, value in baseline.items():
        values = axes.get(path)
        if values is None:
            varied = f"The matrix varies {', '.join(axes)}." if axes else "There is no matrix."
            near = suggestion(path, axes)
            return f"{path} is the same in all jobs, so that none is the baseline by it", (
                f"{near} {varied} Write baseline: before to compare each training with its start."
            ).strip()
        if json.dumps(value, sort_keys=True) not in (
            json.dumps(known, sort_keys=True) for known in values
        ):
            given = ", ".join(json.dumps(known, ensure_ascii=False) for known in values)
            return (
                f"no job has {path}: {json.dumps(value, ensure_ascii=False)}",
                f"The matrix has {given}.",
            )
    return None
