"""What all sections of a page are made from: its runs, their attempts, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from harness.report import trust, words
from harness.report.answer import KeyFigure, key_figures
from harness.report.expect import Check, check_all
from harness.report.extra_figures import ReportFigure, extra_figures
from harness.report.facets import Facets
from harness.report.load import Attempt, RunData, relative
from harness.report.outcome import Change, changes
from harness.report.ranking import Ranking, ranking
from harness.report.skipped import SkippedGroup, retry_command, skipped_groups
from harness.report.strips import MANY, Strip, strips_of
from harness.report.trouble import FailureGroup, Kill, failure_groups, kills
from harness.report.wer import interval_text
from harness.results.model import Origin
from harness.results.run import RunRecord


@dataclass(frozen=True)
class RunView:
    """What the page says of one run as a whole."""

    data: RunData
    record: RunRecord
    state: str
    phones: str
    seconds: float | None
    speakers: tuple[str, ...]
    models: tuple[str, ...]
    checks: tuple[Check, ...]
    skipped: tuple[SkippedGroup, ...]
    retry: str
    command: str
    seeds: tuple[tuple[str, str], ...]

    @property
    def planned(self) -> int:
        """How many jobs were to run."""
        return max(len(self.record.plan), len(self.data.final))

    @property
    def finished(self) -> int:
        """How many jobs finished."""
        return sum(attempt.finished for attempt in self.data.final)

    @property
    def failed(self) -> int:
        """How many attempts failed."""
        return sum(not attempt.finished for attempt in self.data.attempts)

    @classmethod
    def of(cls, data: RunData) -> RunView:
        """Put a run into words."""
        scenario = data.record.scenario
        checks = check_all(scenario.get("expect") or (), data.final)
        return cls(
            data=data,
            record=data.record,
            state=words.state_in_words(data),
            phones=words.phones_in_words(data),
            seconds=words.run_seconds(data),
            speakers=tuple(sorted({attempt.result.speaker for attempt in data.attempts})),
            models=tuple(sorted({attempt.result.model_name for attempt in data.attempts})),
            checks=checks,
            skipped=skipped_groups(data.skipped),
            retry=retry_command(data.record.run_id),
            command=trust.command_line(data),
            seeds=trust.seeds(scenario),
        )


@dataclass(frozen=True)
class PageData:
    """One or several runs on their way to a page."""

    runs: tuple[RunData, ...]

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt of all runs that has a result."""
        return tuple(attempt for run in self.runs for attempt in run.attempts)

    @cached_property
    def final(self) -> tuple[Attempt, ...]:
        """The last attempt of each job."""
        return tuple(attempt for run in self.runs for attempt in run.final)

    @cached_property
    def personal(self) -> tuple[Attempt, ...]:
        """Those of them that are no part of a federated training."""
        return tuple(attempt for run in self.runs for attempt in run.personal)

    @cached_property
    def views(self) -> tuple[RunView, ...]:
        """The runs in words."""
        return tuple(RunView.of(run) for run in self.runs)

    @property
    def several(self) -> bool:
        """Whether the page is of more than one run."""
        return len(self.runs) > 1

    @property
    def ended(self) -> bool:
        """Whether no run goes on."""
        return all(run.record.finished_utc is not None for run in self.runs)

    @property
    def brief(self) -> bool:
        """Whether there are so many attempts that strips and tables are short."""
        return len(self.attempts) > MANY

    @cached_property
    def facets(self) -> Facets:
        """By what a reader may filter."""
        return Facets.of(self.attempts)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """WER before and after by speaker, phone, setting, sub-model and round."""
        return changes(self.personal)

    @cached_property
    def ranking(self) -> Ranking | None:
        """Settings from the best to the worst; None where there is but one."""
        return ranking(self.personal, self.facets)

    @cached_property
    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The answer of the page."""
        checks = [check for view in self.views for check in view.checks]
        return key_figures(self.runs, checks, self.ranking)

    @cached_property
    def failures(self) -> tuple[FailureGroup, ...]:
        """Failed attempts by kind."""
        return failure_groups(self.attempts)

    @cached_property
    def kills(self) -> tuple[Kill, ...]:
        """Processes that phones killed."""
        return kills(self.attempts)

    @cached_property
    def intervals(self) -> Mapping[str, str]:
        """How sure the WER of a setting's repeats is: keys of all its attempts -> interval."""
        return {
            " ".join(attempt.key for attempt in change.attempts): text
            for change in self.changes
            if (text := interval_text(change.after_interval))
        }

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """Where the results come from, the least real first."""
        return words.origins(self.runs)

    @cached_property
    def _strips(self) -> tuple[Sequence[Strip], Sequence[str]]:
        return strips_of(self.attempts)

    @property
    def strips(self) -> Sequence[Strip]:
        """Every attempt with what its samples say; they are read once."""
        return self._strips[0]

    @cached_property
    def extra(self) -> tuple[Sequence[tuple[ReportFigure, Markup]], Sequence[str]]:
        """Figures of other packages, and what went wrong with some, in words."""
        return extra_figures(self.attempts)

    @property
    def problems(self) -> tuple[str, ...]:
        """Files that cannot be read and figures that cannot be drawn, in words."""
        of_runs = (text for run in self.runs for text in run.problems)
        found = (*of_runs, *self._strips[1], *self.extra[1])
        for path in (run.path for run in self.runs if run.path is not None):
            found = tuple(relative(text, path) for text in found)
        return found
