"""What a spell of pressure came to, as the result's record (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from harness.pressure.goal import Goal
from harness.pressure.loop import History
from harness.pressure.watch import Kill
from harness.results.model import KillRecord, PressureRecord


def merge_kills(logged: Sequence[Kill], history: History) -> list[tuple[int | None, Kill]]:
    """Put the log's kills and the loop's own losses together by pid; the log names the killer.

    Returns:
        (when the loop saw it, or None; the kill), in the order of the log, then the loop's rest.
    """
    seen = {kill.pid: (t_ms, kill) for t_ms, kill in history.lost}
    merged: list[tuple[int | None, Kill]] = []
    for kill in logged:
        t_ms, lost = seen.pop(kill.pid, (None, None))
        if lost is not None:
            kill.evidence.extend(lost.evidence)
        merged.append((t_ms, kill))
    merged.extend(seen.values())
    return merged


def make_record(
    *,
    goal: Goal,
    means: Sequence[str],
    apps: Sequence[str],
    history: History,
    held: Sequence[tuple[float, bool]],
    kills: Sequence[tuple[int | None, Kill]],
    log_t_ms: Callable[[str | None], int | None],
    settle_s: float,
    reached_mb: float,
    ballast_peak_mb: float,
    origin_ms: int,
) -> PressureRecord:
    """Return the record; its times count from ``origin_ms`` of the phone's boot clock.

    Args:
        goal: What was asked.
        means: By what.
        apps: What was launched for it.
        history: Steps and losses.
        held: (value in MiB, within the tolerance) of each second of the hold.
        kills: See `merge_kills`.
        log_t_ms: Log time -> boot clock.
        settle_s: How long it took to get there.
        reached_mb: The last value seen, for a hold without readings.
        ballast_peak_mb: The most that was held.
        origin_ms: Zero of the record's times.
    """
    within = sum(inside for _, inside in held)
    records = []
    for seen_ms, kill in kills:
        t_ms = log_t_ms(kill.time)
        if t_ms is None:
            t_ms = seen_ms if seen_ms is not None else origin_ms
        records.append(
            KillRecord(
                t_s=(t_ms - origin_ms) / 1000,
                process=kill.process,
                pid=kill.pid,
                role=kill.role,
                reason=kill.reason,
                evidence="\n".join(kill.evidence),
            )
        )
    return PressureRecord(
        goal_mb=goal.available_mb,
        goal=goal.text,
        tolerance_mb=goal.tolerance_mb,
        reached_mb=median(value for value, _ in held) if held else reached_mb,
        settle_s=settle_s,
        within_tolerance_percent=100 * within / len(held) if held else 0.0,
        ballast_peak_mb=ballast_peak_mb,
        means=tuple(means),
        apps=tuple(apps),
        regulated="ballast" in means,
        kills=tuple(sorted(records, key=lambda record: record.t_s)),
        steps=tuple(((t_ms - origin_ms) / 1000, mb) for t_ms, mb in history.steps),
    )
