"""What hearing utterances while they went on came to (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from harness.contract.events import UtteranceStreamed
from harness.results.model import StreamingRecord


def streaming_record(
    beam: int | None, events: Sequence[Any], epoch: int | None
) -> StreamingRecord | None:
    """Return the figures of the epoch whose checkpoint counts.

    Args:
        beam: Of the job; None: it asks for nothing of the kind.
        events: The event log; of an epoch's utterance the last counts.
        epoch: Which; None: no epoch counts, as with a trainer that was killed: the last one told.
    """
    last = {(e.epoch, e.id): e for e in events if isinstance(e, UtteranceStreamed)}
    told = {of for of, _ in last}
    if beam is None or not told:
        return None
    epoch = epoch if epoch in told else max(told)
    rows = [event for (of, _), event in last.items() if of == epoch]
    audio = sum(row.audio_s for row in rows)
    late = sorted(row.last_word_s for row in rows if row.last_word_s is not None)
    return StreamingRecord(
        epoch=epoch,
        beam=beam,
        utterances=len(rows),
        audio_s=round(audio, 3),
        real_time_factor=sum(row.compute_s for row in rows) / audio,
        step_ms=1000 * sum(row.compute_s for row in rows) / max(1, sum(row.steps for row in rows)),
        last_word_ms_median=1000 * median(late) if late else None,
        last_word_ms_p90=1000 * late[(9 * (len(late) - 1) + 9) // 10] if late else None,
    )
