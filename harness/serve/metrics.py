"""The lab's figures as Prometheus reads them (needs the extra ``metrics``).

What is not known is absent, never zero: a phone is sampled only while an attempt runs on it, and
what a host said that is silent now is of the past. Each figure says its origin.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from harness import __version__
from harness.errors import HarnessError, InputError
from harness.results.run import RunRecord
from harness.serve.facts import PhoneState, RunBrief
from harness.serve.state import Outcomes, RunsWatch, RunWatch
from harness.version import commit

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text exposition format."""
_PREFIX: Final = "mobileasr_"
_MIB: Final = 1024 * 1024
_STATES: Final = ("working", "waiting", "silent", "free")
"""Of a phone; what several runs say of one, the first counts."""
_OPEN: Final = ("running", "silent")


class _Lab:
    """What the runs of a folder come to together."""

    def __init__(self) -> None:
        self.briefs: list[RunBrief] = []
        self.outcomes: list[tuple[RunRecord, Outcomes]] = []
        self.phones: dict[str, PhoneState] = {}
        """By serial, as the run has it that does most with it."""

    def take(self, watch: RunWatch) -> None:
        """Take in a run.

        Raises:
            HarnessError: It cannot be read.
        """
        brief = watch.brief()
        phones = watch.state().phones if brief.stage in _OPEN else ()
        self.outcomes.append(watch.outcomes())
        self.briefs.append(brief)
        for phone in phones:
            known = self.phones.get(phone.serial)
            if known is None or _STATES.index(phone.state) < _STATES.index(known.state):
                self.phones[phone.serial] = phone


class LabMetrics:
    """Figures of all runs of a folder; a collector of ``prometheus_client``.

    Args:
        runs: The runs.

    Raises:
        InputError: ``prometheus_client`` is not installed.
    """

    def __init__(self, runs: RunsWatch) -> None:
        try:
            import prometheus_client as client
            from prometheus_client import core
        except ImportError as error:
            raise InputError(
                "prometheus_client is not installed",
                where="--metrics",
                hint="Install the extra [metrics] (README): pip install prometheus_client.",
            ) from error
        self._runs = runs
        self._core: Any = core
        self._write = client.generate_latest
        self._commit = commit()
        self._registry = client.CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """Return the text exposition format."""
        return bytes(self._write(self._registry))

    def describe(self) -> Iterable[Any]:
        """Return nothing: what there is, `collect` says."""
        return ()

    def collect(self) -> Iterator[Any]:
        """Yield each family of figures, those without a value too."""
        lab = self._look()
        version = self._gauge("build_info", "The harness that serves this.", "version commit")
        version.add_metric([__version__, self._commit], 1)
        yield version
        yield self._run_counts(lab.briefs)
        yield from self._jobs(lab.briefs)
        yield self._last_verdicts(lab.briefs)
        yield from self._phones(lab.phones.values())
        yield self._attempts(lab.outcomes)

    def _look(self) -> _Lab:
        lab = _Lab()
        for watch in self._runs.watches():
            with contextlib.suppress(HarnessError):  # damaged: its own page says how
                lab.take(watch)
        return lab

    def _run_counts(self, briefs: Iterable[RunBrief]) -> Any:
        family = self._gauge("runs", "Runs by how they stand.", "stage origin")
        counts = Counter((run.stage, _origin(run.origins)) for run in briefs)
        for labels, count in counts.items():
            family.add_metric(labels, count)
        return family

    def _jobs(self, briefs: Iterable[RunBrief]) -> Iterator[Any]:
        labels = "run scenario origin"
        jobs = self._gauge("jobs", "Jobs of runs that go on, by state.", f"{labels} state")
        queue = self._gauge("queue_jobs", "Jobs of runs that go on that have not begun.", labels)
        left = self._gauge("run_left_seconds", "About how long a run goes on.", labels)
        for run in briefs:
            if run.stage not in _OPEN:
                continue
            place = [run.run_id, run.name, _origin(run.origins)]
            for state, count in run.counts.items():
                jobs.add_metric([*place, state], count)
            queue.add_metric(place, run.counts.get("queued", 0) + run.counts.get("waiting", 0))
            if run.left_s is not None:
                left.add_metric(place, run.left_s)
        yield from (jobs, queue, left)

    def _last_verdicts(self, briefs: Iterable[RunBrief]) -> Any:
        family = self._gauge(
            "last_run_good",
            "1 if the latest run of a scenario that is over has a good verdict, else 0.",
            "scenario origin verdict",
        )
        seen: set[tuple[str, str]] = set()
        for run in sorted(briefs, key=lambda run: run.started_utc, reverse=True):
            key = (run.name, _origin(run.origins))
            if run.good is None or key in seen:
                continue
            seen.add(key)
            family.add_metric([*key, run.verdict], float(run.good))
        return family

    def _phones(self, phones: Collection[PhoneState]) -> Iterator[Any]:
        counted = self._gauge("phones", "Phones of runs that go on, by state.", "state origin")
        states = Counter((phone.state, phone.origin) for phone in phones)
        for state_and_origin, count in states.items():
            counted.add_metric(state_and_origin, count)
        yield counted
        place = "serial profile origin"
        battery = self._gauge("phone_battery_ratio", "Charge of the battery, 1 is full.", place)
        heat = self._gauge("phone_battery_temperature_celsius", "Of the battery.", place)
        memory = self._gauge("phone_available_bytes", "MemAvailable of the phone.", place)
        for phone in phones:
            if phone.state != "working":
                continue
            labels = [phone.serial, phone.profile, phone.origin]
            for family, value, scale in (
                (battery, phone.battery_percent, 0.01),
                (heat, phone.battery_temperature_c, 1.0),
                (memory, phone.available_mb, _MIB),
            ):
                if value is not None:
                    family.add_metric(labels, value * scale)
        yield from (battery, heat, memory)

    def _attempts(self, ended: Iterable[tuple[RunRecord, Outcomes]]) -> Any:
        family = self._core.CounterMetricFamily(
            f"{_PREFIX}attempts",
            "Attempts that ended in the runs of this folder, by outcome: finished, or the failure. "
            "It falls when runs are deleted.",
            labels=("scenario", "origin", "outcome"),
        )
        counts: Counter[tuple[str, str, str]] = Counter()
        for record, outcomes in ended:
            origins = {phone.serial: phone.origin for phone in record.phones}
            for (serial, outcome), count in outcomes.items():
                counts[record.name, origins.get(serial, "unknown"), outcome] += count
        for labels, count in counts.items():
            family.add_metric(labels, count)
        return family

    def _gauge(self, name: str, text: str, labels: str) -> Any:
        return self._core.GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=labels.split())


def _origin(origins: tuple[str, ...]) -> str:
    return ",".join(origins) or "unknown"
