"""What a run came to, in sentences made from its data (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report.load import Attempt, RunData, alone
from harness.report.numbers import fixed, parse_utc
from harness.report.outcome import Change, changes
from harness.report.rounds import in_words
from harness.report.skipped import skipped_groups
from harness.report.text import listed, plural
from harness.report.wer import interval_text, unknown_speech
from harness.results.model import FailureKind, Origin

KIND_WORDS: dict[FailureKind, str] = {
    "DeviceLost": "lost with the phone",
    "GateTimedOut": "never let through a gate",
    "ProvisionFailed": "could not be provisioned",
    "PressureUnreachable": "could not be brought under the RAM pressure asked for",
    "TrainerCrashed": "ended by a crash of the trainer",
    "TrainerKilled": "ended by the phone killing the trainer",
    "TrainerEnded": "ended with the trainer, killed or crashed",
    "TrainerStalled": "given up because the trainer stood still",
    "ScoreMismatch": "refused because host and trainer disagree on the WER",
    "Interrupted": "interrupted",
    "InternalError": "ended by an error of the harness itself",
}
"""A failed attempt was ..."""

KIND_MEANING: dict[FailureKind, str] = {
    "DeviceLost": "The phone left the adb server and did not come back in time: cable, reboot, "
    "or a phone that died.",
    "GateTimedOut": "The phone never met a demand that was to hold before the attempt.",
    "ProvisionFailed": "Files or the trainer could not be put on the phone.",
    "PressureUnreachable": "The RAM pressure could not reach or hold its goal.",
    "TrainerCrashed": "The trainer ended by itself, with an error or by a crash in the phone’s own "
    "records.",
    "TrainerKilled": "The phone’s own records name the trainer as killed.",
    "TrainerEnded": "The trainer is gone, and the phone’s records name neither a killer nor a "
    "crash: which it was is unknown.",
    "TrainerStalled": "The trainer lived on but wrote no event.",
    "ScoreMismatch": "The WER that the phone reported differs from the host’s own score.",
    "Interrupted": "Someone stopped the run.",
    "InternalError": "A fault in the harness; please report it.",
}

STOP_WORDS = {
    "epochs_done": "all epochs",
    "steps_done": "all steps",
    "evaluated": "heard once",
    "patience": "no better for a while",
    "battery": "battery low",
    "memory": "memory low",
    "command": "asked to stop",
    "no_sub_model_fits": "no sub-model fits",
}

ORIGIN_WORDS: dict[Origin, str] = {
    "device": "Real phones: every figure was read from a phone.",
    "virtual": "Virtual phones: a real trainer process really trained and its CPU and RSS are the "
    "host kernel’s own figures for it; the phone’s RAM, battery and temperature are modelled.",
    "trace": "Recorded or made-up data: nothing was trained for this page.",
}


_SHELL_WORDS = {
    "android": "Their shell and tools are Android’s, mksh and toybox.",
    "host": "Their shell and tools are the host’s, not Android’s.",
}


def origin_words(runs: Iterable[RunData]) -> dict[Origin, str]:
    """Return what each origin means; of virtual phones also whose shell they had."""
    shells = {
        attempt.result.phone.properties.get("ro.vlab.shell", "")
        for data in runs
        for attempt in data.attempts
        if attempt.result.phone.origin != "device"
    }
    words = " ".join(text for shell, text in _SHELL_WORDS.items() if shell in shells)
    return ORIGIN_WORDS | {"virtual": f"{ORIGIN_WORDS['virtual']} {words}".rstrip()}


def origins(runs: Iterable[RunData]) -> tuple[Origin, ...]:
    """Return where the results come from, the least real first."""
    seen: set[Origin] = set()
    for data in runs:
        seen.update(attempt.result.phone.origin for attempt in data.attempts)
        seen.update(data.record.origins)
        seen.update(phone.origin for phone in data.record.phones)
    order: tuple[Origin, ...] = ("trace", "virtual", "device")
    return tuple(origin for origin in order if origin in seen)


def title_of(runs: Sequence[RunData]) -> str:
    """Return the page's heading."""
    titles = [run.record.title or run.record.name for run in runs]
    if len(titles) == 1:
        return titles[0]
    distinct = list(dict.fromkeys(titles))
    return f"{len(titles)} runs: {listed(distinct, most=3)}"


def headline(data: RunData) -> str:
    """Return the answer to "did it work?" in one sentence."""
    final = data.final
    planned = max(len(data.record.plan), len(final))
    finished = sum(attempt.finished for attempt in final)
    if not final:
        jobs = plural(planned, "job")
        return f"Nothing has come to a result yet; {jobs} planned." if planned else "Nothing ran."
    parts = [_jobs(finished, planned), *in_words(data), _wer(data.personal)]
    parts.append(_failures(data.attempts))
    left = planned - len(final)
    skipped = len({job.job_id for job in data.skipped} & {job.job_id for job in data.record.plan})
    if skipped:
        reasons = listed([group.reason for group in skipped_groups(data.skipped)], most=3)
        was = "was" if skipped == 1 else "were"
        parts.append(f"{plural(skipped, 'job')} {was} skipped ({reasons})")
    if left > skipped:
        still = "not started or under way" if data.record.finished_utc is None else "never ran"
        parts.append(f"{plural(left - skipped, 'job')} {still}")
    return "; ".join(part for part in parts if part) + "."


def summary_of(attempts: Sequence[Attempt]) -> str:
    """Return the same sentence from results alone, for the end of a run on a terminal."""
    final = [attempt for attempt in attempts if attempt.final]
    if not final:
        return "No attempt came to a result."
    finished = sum(attempt.finished for attempt in final)
    parts = [_jobs(finished, len(final)), _wer(alone(final)), _failures(attempts)]
    return "; ".join(part for part in parts if part) + "."


def _jobs(finished: int, planned: int) -> str:
    if planned == 1:
        return "The one job finished" if finished else "The one job did not finish"
    if finished == planned:
        return f"All {planned} jobs finished"
    return f"{finished or 'None'} of {planned} jobs finished"


def largest_fall(cells: Iterable[Change]) -> Change | None:
    """Return the cell whose WER fell most, of those whose speech the baseline knows."""
    scored = [cell for cell in cells if cell.difference is not None and not cell.unknown_speech]
    return min(scored, key=lambda cell: cell.difference or 0.0, default=None)


def _wer(final: Sequence[Attempt]) -> str:
    cells = changes(final)
    best = largest_fall(cells)
    if best is None:
        return unknown_speech(final)
    known = [cell for cell in cells if cell.difference is not None and not cell.unknown_speech]
    fell = [cell for cell in known if (cell.difference or 0.0) < 0]
    speakers = {cell.speaker for cell in known}
    figures = figures_of(best)
    if not fell:
        who = "any speaker" if len(speakers) > 1 else best.speaker
        sentence = f"WER did not fall for {who}: {figures}"
    elif len(known) == 1:
        sentence = f"WER fell for {best.speaker}, {figures}"
    else:
        some = len({cell.speaker for cell in fell})
        who = best.speaker if len(speakers) == 1 else _share(some, len(speakers))
        sentence = (
            f"WER fell for {who} in {len(fell)} of {len(known)} settings, most for "
            f"{cell_name(best, known)}: {figures}"
        )
    unknown = unknown_speech(final)
    return f"{sentence}; {unknown}" if unknown else sentence


def figures_of(cell: Change) -> str:
    """Return WER before and after of a cell, with how sure the second is."""
    if cell.before is None or cell.after is None:
        return ""
    sure = interval_text(cell.after_interval)
    interval = f" (95\u00a0% interval {sure}\u00a0%)" if sure else ""
    return f"{fixed(cell.before.median, 1)} % to {fixed(cell.after.median, 1)} %{interval}"


def cell_name(cell: Change, cells: Sequence[Change]) -> str:
    """Return what tells a cell from the others: speaker, sub-model, phone, settings."""
    words = [cell.speaker]
    if len({cell.sub_model for cell in cells}) > 1:
        words.append(f"with {cell.sub_model.label}")
    if len({cell.phone for cell in cells}) > 1:
        words.append(f"on {cell.phone}")
    if len({cell.round for cell in cells}) > 1:
        words.append(f"in round {cell.round}")
    words += [f"{name} {value}" for name, value in cell.settings]
    return " ".join(words)


def _share(some: int, every: int) -> str:
    if some < every:
        return f"{some} of {every} speakers"
    return "both speakers" if every == 2 else f"all {every} speakers"


def _failures(attempts: Iterable[Attempt]) -> str:
    kinds: dict[FailureKind, int] = {}
    for attempt in attempts:
        if attempt.result.failure is not None:
            kinds[attempt.result.failure.kind] = kinds.get(attempt.result.failure.kind, 0) + 1
    return listed(
        [
            f"{plural(count, 'attempt')} {'was ' if count == 1 else 'were '}{KIND_WORDS[kind]}"
            if KIND_WORDS[kind].split()[0] not in ("could", "never")
            else f"{plural(count, 'attempt')} {KIND_WORDS[kind]}"
            for kind, count in sorted(kinds.items(), key=lambda item: -item[1])
        ]
    )


def phones_in_words(data: RunData) -> str:
    """Return on what it ran: ``2 oneplus-7t, 1 redmi-note-7-pro``."""
    serials: dict[str, set[str]] = {}
    for phone in (*data.record.phones, *(attempt.result.phone for attempt in data.attempts)):
        serials.setdefault(phone.profile, set()).add(phone.serial)
    # No-break spaces: a count must not part from its profile
    return listed([f"{len(own)}\u00a0×\u00a0{profile}" for profile, own in serials.items()])


def run_seconds(data: RunData) -> float | None:
    """Return how long the run took, None while it goes on or where a time cannot be read."""
    begin, end = parse_utc(data.record.started_utc), parse_utc(data.record.finished_utc)
    return (end - begin).total_seconds() if begin and end else None


def state_in_words(data: RunData) -> str:
    """Return whether the run ended, and how; empty where it ended as planned."""
    if data.record.interrupted:
        return "The run was interrupted; this page shows what there is."
    if data.record.finished_utc is None:
        return "The run has not ended; this page shows what there is so far."
    return ""
