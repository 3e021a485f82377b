"""What becomes of those who have not answered when a round is closed."""

from __future__ import annotations

from collections.abc import Iterable

from harness.lab.feed import TaskFeed
from harness.scenario.spec import JobSpec


def close_round(feed: TaskFeed, round_: int, jobs: Iterable[JobSpec]) -> list[str]:
    """Withdraw the jobs of a round that have no outcome, and tell the user whose they are.

    Args:
        feed: Of the run.
        round_: The round, for the words.
        jobs: What was asked in it.

    Returns:
        The clients that are late.
    """
    asked = {job.job_id: job.client.client for job in jobs if job.client is not None}
    settled = feed.outcomes(asked, 0.0)
    late = {job_id: client for job_id, client in asked.items() if job_id not in settled}
    if late:
        feed.withdraw(late, f"round {round_} was closed before it had answered")
        feed.note(
            f"round {round_}: {', '.join(late.values())} did not answer in time and "
            f"{'is' if len(late) == 1 else 'are'} stopped"
        )
    return list(late.values())
