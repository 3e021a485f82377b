"""How long jobs take and how warm they make phones: by past runs, or roughly by a rule."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from harness.errors import HarnessError
from harness.lab.ledger.ledger import Ledger
from harness.results.model import PhoneRecord
from harness.results.store import AttemptFolder, RunFolder
from harness.scenario.identity import canonical_json
from harness.scenario.schema import JobContent
from harness.speech import SPEAKERS

NEWEST: Final = 20
"""So many past runs are read."""
ENOUGH: Final = 2000
"""After so many attempts no further one is read: a third of a millisecond each."""
OVERHEAD_S: Final = 12.0
"""Gate, push, settling of the pressure, start of the runtime, collection: measured on virtual
phones; a real one takes longer for its first push."""
UTTERANCE_S: Final = 0.02
UTTERANCE_S_PER_MPARAM: Final = 0.005
"""Seconds of training an utterance of some 3 s, all layers, two threads: fits 2.3 s an epoch of 60
at 1.73 M parameters and 2.13 s a step of 5 utterances of 10 s at 30.2 M (2 cores, AVX-512)."""
LENGTH: Final = {"short": 1.0, "wide": 1.2, "full": 3.0}
"""How long utterances of a style take, against those of some 3 s."""
EVALUATE_SHARE: Final = 0.35
"""An utterance costs this much of its training step to evaluate."""
RULE_OF_THUMB: Final = "a rule of thumb: no past run here has jobs like these"


@dataclass(frozen=True)
class Estimate:
    """How long a plan takes, phones side by side, and how that is known."""

    seconds: float
    words: str = RULE_OF_THUMB
    attempts: int = 0
    """Past attempts it comes from; 0 = a rule of thumb alone."""


def guessed_s(content: JobContent, parameters_m: float) -> float:
    """Return a job's rough seconds on any phone; ``parameters_m``: millions of parameters."""
    train, validation = content.data.train or 60, content.data.validation or 20
    utterance_s = UTTERANCE_S + UTTERANCE_S_PER_MPARAM * parameters_m
    utterance_s *= LENGTH[content.data.style]
    epoch_s = utterance_s * (train + EVALUATE_SHARE * validation)
    heard = validation + 2 * _others(content, validation)
    trained_s = content.trainer.planned_epochs * epoch_s
    return OVERHEAD_S + trained_s + EVALUATE_SHARE * heard * utterance_s


def _others(content: JobContent, validation: int) -> int:
    """Return roughly how many utterances of other speakers are heard, once."""
    asked = content.also_evaluate
    if asked is None:
        return 0
    return len(asked.speakers or SPEAKERS) * (asked.validation or validation)


@dataclass
class PastTimes:
    """What attempts took, by kind of phone and kind of job.

    Attributes:
        times: (phone, job) -> (seconds an epoch, seconds beside the epochs) of each attempt.
        rises: (phone, job and its epochs) -> how much warmer the battery was at its end than at
            its beginning, °C.
    """

    times: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    rises: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, *, heat: bool = False) -> PastTimes:
        """Read the newest runs below ``root``; what is damaged is passed over.

        Args:
            root: Folder of run folders.
            heat: Also read temperatures, from the samples.
        """
        past = cls()
        runs = sorted(root.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
        for path in reversed(runs[-NEWEST:]):
            with contextlib.suppress(HarnessError):
                past.add(RunFolder(path.parent), heat=heat)
        return past

    def add(self, folder: RunFolder, *, heat: bool = False) -> None:
        """Add a run's finished attempts, until there are `ENOUGH`.

        Raises:
            StoreError: The run folder is damaged.
        """
        if not folder.ledger_path.is_file():
            return
        with Ledger.read(folder.ledger_path) as ledger:
            contents = {
                task.task_id: task.job.content for task in ledger.tasks() if task.kind == "phone"
            }
        left = ENOUGH - sum(map(len, self.times.values()))
        for attempt in islice(folder.attempts(), max(0, left)):
            result = attempt.result()
            content = contents.get(result.job_id)
            if content is None or result.status != "finished":
                continue
            if content.trainer.planned_epochs and not result.minutes_per_epoch:
                continue
            phone, job = phone_kind(result.phone), kind_of(content)
            trained = max((epoch.epoch for epoch in result.epochs), default=0)
            epoch_s = (result.minutes_per_epoch or 0.0) * 60
            beside_s = max(0.0, result.seconds - trained * epoch_s)
            self.times.setdefault((phone, job), []).append((epoch_s, beside_s))
            rise = rise_c(attempt) if heat else None
            if rise is not None:
                self.rises.setdefault((phone, heat_kind(content)), []).append(rise)

    def of(self, content: JobContent, phones: Sequence[PhoneRecord]) -> tuple[float, int] | None:
        """Return (seconds, attempts that it comes from) for a job on phones like these."""
        kind = kind_of(content)
        times = [
            time
            for phone in set(map(phone_kind, phones))
            for time in self.times.get((phone, kind), ())
        ]
        if not times:
            return None
        epoch_s = median(epoch_s for epoch_s, _ in times)
        beside_s = median(beside_s for _, beside_s in times)
        return beside_s + content.trainer.planned_epochs * epoch_s, len(times)

    def rise_c(self, content: JobContent, phones: Sequence[PhoneRecord]) -> float | None:
        """Return how much a job warms phones like these, °C; None if no attempt tells."""
        kind = heat_kind(content)
        rises = [
            rise
            for phone in set(map(phone_kind, phones))
            for rise in self.rises.get((phone, kind), ())
        ]
        return median(rises) if rises else None


def rise_c(attempt: AttemptFolder) -> float | None:
    """Return how much warmer the battery was at an attempt's end, °C; None if nobody looked.

    Raises:
        StoreError: Its samples are damaged.
    """
    table = attempt.samples(["battery_temperature_c"])
    column = table["battery_temperature_c"].to_pylist()
    degrees = [degree for degree in column if degree is not None]
    return degrees[-1] - degrees[0] if len(degrees) > 1 else None


def phone_kind(phone: PhoneRecord) -> str:
    """Return what makes phones alike: the profile, and whether they are real."""
    return f"{phone.origin} {phone.profile}"


def heat_kind(content: JobContent) -> str:
    """Return what decides how warm a job makes a phone: its kind, and how long it goes on."""
    return canonical_json([kind_of(content), content.trainer.planned_epochs])


def kind_of(content: JobContent) -> str:
    """Return what decides how long an epoch takes: model, data, batch size, sub-model, RAM."""
    data, trainer = content.data, content.trainer
    return canonical_json(
        [
            content.model.label,
            [data.corpus, data.manifest, data.train, data.validation, data.style],
            [trainer.batch_size, trainer.sub_model, trainer.threads, trainer.mode],
            trainer.exits.model_dump(mode="json") if trainer.exits else "last",
            *([["streaming", trainer.streaming.beam]] if trainer.streaming else []),
            content.pressure.label if content.pressure else "none",
            content.also_evaluate.model_dump(mode="json") if content.also_evaluate else "nobody",
        ]
    )
