"""A comparison put before people: verdict, page and JUnit, webhook."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from harness.cli import console
from harness.cli.untrained import untrained_lines
from harness.errors import InputError
from harness.report.compare_page import (
    Judged,
    before_text,
    now_text,
    write_compare_junit,
    write_compare_page,
)
from harness.report.expect import check_all, not_met
from harness.report.load import load_runs
from harness.report.numbers import fixed, signed
from harness.report.observed import observed
from harness.report.trend import figures_of
from harness.report.word_classes import KIND_WORDS
from harness.results.compare import METRICS, Comparison, Finding, compare
from harness.results.nightly import Verdict, WerrFigure, Word

WEBHOOK_TIMEOUT_S = (5.0, 20.0)
"""To connect, and to answer."""
WEBHOOK_TRIES = 3


def minimums(words: Sequence[str]) -> dict[str, float]:
    """Read ``metric=smallest change`` words.

    Raises:
        InputError: Not of this form, or no such figure.
    """
    changes: dict[str, float] = {}
    known = [metric.name for metric in METRICS]
    for word in words:
        name, _, text = word.partition("=")
        where = f"--minimum {word}"
        if name not in known:
            raise InputError(
                f"no figure {name!r} is compared", where=where, hint=f"Figures: {', '.join(known)}."
            )
        try:
            changes[name] = float(text)
        except ValueError:
            changes[name] = -1.0
        if not 0 <= changes[name] < 1e6:
            raise InputError(
                "a smallest change is a number from 0",
                where=where,
                hint="wer_percent=2 (points), minutes_per_epoch=0.1 (a tenth).",
            )
    return changes


def judge(
    paths: Sequence[Path],
    *,
    alpha: float,
    minimum: Mapping[str, float],
    out: Path,
    junit: Path,
    history: Sequence[Path] = (),
) -> Verdict:
    """Judge the last of some runs by those before it; write page and JUnit.

    Args:
        paths: Run folders, the one in question last.
        alpha: See `harness.results.compare.compare`.
        minimum: Likewise.
        out: Where the page goes.
        junit: Where JUnit goes.
        history: Run folders of other nights, for the page's trend.

    Raises:
        InputError: One of them is no run folder.
        StoreError: Something cannot be read or written.
    """
    runs = load_runs(paths)
    *before, now = runs
    comparison = None
    observations = observed(runs)
    if before:
        *old, new = observations
        earlier = [observation for run in old for observation in run]
        comparison = compare(earlier, new, alpha=alpha, minimum=minimum)
        # a run from whose jobs nothing came must not look like one that was never compared
        comparison = comparison.model_copy(
            update={
                "now": now.record.run_id,
                "before": tuple(data.record.run_id for data in before),
            }
        )
    failed = sum(not attempt.finished for attempt in now.final)
    missing = len({job.job_id for job in now.record.plan}) - len(now.final)
    checks = check_all(now.record.scenario.get("expect") or (), now.final)
    broken = not_met(checks)
    bad = [f"{failed} jobs failed, {missing} without a result"] if failed or missing else []
    bad += untrained_lines(attempt.result for attempt in now.final)
    bad += [f"expectation {text}" for text in broken]
    word, line = _word(comparison, bad)
    judged = Judged(line, comparison, runs, tuple(observations), tuple(bad), tuple(history))
    return Verdict(
        word=word,
        line=f"{now.record.name}: {line}",
        exit_code=1 if word in ("worse", "failed") else 0,
        scenario=now.record.name,
        run=now.record.run_id,
        page=str(write_compare_page(out, judged)),
        junit=str(write_compare_junit(junit, comparison, now)),
        broken=broken,
        comparison=comparison,
        figures=tuple(figures_of(observations[-1]).values()),
        werr=_werr_figures(judged),
    )


def _werr_figures(judged: Judged) -> tuple[WerrFigure, ...]:
    if judged.werr is None:
        return ()
    return tuple(
        WerrFigure(
            baseline=judged.runs[0].record.run_id,
            of=row.kind,
            average=average,
            werr_percent=found.percent,
            low_percent=found.low_percent,
            high_percent=found.high_percent,
            base_wer_percent=found.base.wer_percent,
            new_wer_percent=found.new.wer_percent,
            base_errors=found.base.errors,
            new_errors=found.new.errors,
            base_words=found.base.reference_words,
            new_words=found.new.reference_words,
        )
        for row in judged.werr.whole
        for average, found in row.averages.items()
        if average == row.asked or len(row.cells) > 1
    )


def _word(comparison: Comparison | None, bad: Sequence[str]) -> tuple[Word, str]:
    if comparison is None:
        if bad:
            return "failed", f"failed: {'; '.join(bad)}; no good run of the same jobs before it"
        return "no baseline", "first good run of these jobs, nothing to compare with yet"
    against = f"{len(comparison.before)} good run{'s' if len(comparison.before) != 1 else ''}"
    few = len(comparison.judged("too few to tell"))
    rest = f"; {few} of {len(comparison.findings)} figures have too few repeats to tell"
    if comparison.worse:
        lines = [_worse_line(finding) for finding in comparison.judged("worse")]
        more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
        words = "; ".join([*bad, *lines[:3]])
        return "worse", f"worse than {against}: {words}{more}{rest if few else ''}"
    if bad:
        return "failed", f"failed: {'; '.join(bad)}"
    judged = len(comparison.findings) - few
    if not judged:
        return "too few to tell", f"too few repeats to tell, against {against}"
    better = [f"{finding.label} on {finding.phone}" for finding in comparison.judged("better")]
    gained = f"; better: {', '.join(better)}" if better else ""
    return "good", f"no worse than {against} in {judged} figures{gained}{rest if few else ''}"


def _worse_line(finding: Finding) -> str:
    before, now = before_text(finding), now_text(finding)
    change = f"{finding.change_text}, p {finding.p:.2g}"
    return f"{finding.label} on {finding.phone} {before} to {now} ({change})"


def show(verdict: Verdict) -> None:
    """Print the table of what was compared."""
    if verdict.comparison is None:
        return
    console.table(
        ("figure", "phone", "judgement", "before >", "now >", "change >", "n >", "why"),
        [
            (
                finding.label,
                finding.phone,
                finding.judgement,
                before_text(finding),
                now_text(finding),
                finding.change_text,
                f"{finding.n_before}, {finding.n_now}",
                finding.why,
            )
            for finding in verdict.comparison.findings
        ],
    )
    for figure in verdict.werr:
        console.tell(_werr_line(figure))


def _werr_line(figure: WerrFigure) -> str:
    mean = ", mean of the speakers' own" if figure.average == "mean_of_ratios" else ""
    against = f"WERR of {KIND_WORDS[figure.of]}{mean} against run {figure.baseline}"
    if figure.werr_percent is None:
        return f"{against}: none."
    ends = ""
    if figure.low_percent is not None and figure.high_percent is not None:
        ends = f" ({signed(figure.low_percent, 1)} to {signed(figure.high_percent, 1)})"
    return (
        f"{against}: {signed(figure.werr_percent, 1)} %{ends}, WER "
        f"{fixed(figure.base_wer_percent, 1)} → {fixed(figure.new_wer_percent, 1)} %, errors "
        f"{figure.base_errors} of {figure.base_words} → {figure.new_errors} of {figure.new_words}."
    )


def check_webhook(url: str | None) -> None:
    """Check a webhook's address before anything is started.

    Raises:
        InputError: It is no http or https address.
    """
    parts = urlsplit(url or "http://none")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("a webhook is an http or https address", where="--webhook")


def post(url: str, payload: Mapping[str, Any]) -> str | None:
    """Post a verdict as JSON; ``text`` is its line, as chat services expect it.

    Returns:
        What went wrong, without the address (which may hold a secret); None if it was taken.
    """
    tries = Retrying(
        stop=stop_after_attempt(WEBHOOK_TRIES),
        wait=wait_fixed(float(os.environ.get("MOBILEASR_WEBHOOK_WAIT_S", "2"))),
        retry=retry_if_exception_type(requests.RequestException),
    )
    try:
        for attempt in tries:
            with attempt:
                answer = requests.post(
                    url,
                    json={"text": payload["line"], **payload},
                    timeout=WEBHOOK_TIMEOUT_S,
                    allow_redirects=False,
                )
                answer.raise_for_status()
    except RetryError as error:
        cause = error.last_attempt.exception()
        response = getattr(cause, "response", None)
        return type(cause).__name__ if response is None else f"HTTP {response.status_code}"
    return None


def tell(url: str | None, payload: Mapping[str, Any]) -> None:
    """Post a verdict if there is a webhook; a failure is said and changes nothing else."""
    if url is None:
        return
    wrong: str | None = "interrupted"
    with contextlib.suppress(KeyboardInterrupt):
        wrong = post(url, payload)
    if wrong:
        console.note(f"the webhook did not take the verdict: {wrong}")
