"""Which job a free phone gets: the rules one by one, and seeded simulations of whole runs."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.dispatch import QUARANTINE_AFTER, Dispatcher
from tests.fixtures import tasks

ALL = frozenset({"A", "B"})


def ticket(name: str, index: int, fits: frozenset[str] = ALL, **more: Any) -> Ticket:
    return tasks.ticket(name, index, fits, **more)


def test_order_is_the_plans_and_choosy_jobs_come_first() -> None:
    queue = Dispatcher([ticket("x", 0), ticket("y", 1), ticket("only-a", 2, frozenset("A"))], ALL)
    first = queue.take("A")
    assert first is not None
    assert first.job_id == "only-a"
    assert queue.take("B").job_id == "x"  # type: ignore[union-attr]


def test_a_round_waits_for_its_parent_and_stays_on_its_phone() -> None:
    queue = Dispatcher([ticket("r1", 0), ticket("r2", 1, beside="r1"), ticket("other", 2)], ALL)
    assert queue.take("A").job_id == "r1"  # type: ignore[union-attr]
    assert queue.take("B").job_id == "other"  # type: ignore[union-attr]
    queue.finished("other", "B")
    assert queue.take("B") is None
    assert queue.may_get_more("B")  # r1 may fail here and move there
    queue.finished("r1", "A")
    assert queue.take("A") is None, "it waits until it is released"
    queue.release("r2")
    assert queue.take("B") is None
    assert not queue.may_get_more("B")
    assert queue.take("A").job_id == "r2"  # type: ignore[union-attr]


def test_a_lost_phones_job_moves_until_its_tries_are_used_up() -> None:
    queue = Dispatcher([ticket("r1", 0, retries={"DeviceLost": 1})], ALL)
    queue.take("A")
    assert queue.failed("r1", "A", "DeviceLost") == "retry"
    assert queue.take("A") is None  # another phone fits: that one gets it
    assert queue.take("B").job_id == "r1"  # type: ignore[union-attr]
    assert queue.failed("r1", "B", "DeviceLost") == "failed"
    assert not queue.has_open


def test_a_phone_whose_gates_are_shut_is_passed_over() -> None:
    jobs = [ticket("j", 0, skips_shut=True)]
    queue = Dispatcher(jobs, ALL)
    queue.take("A")
    assert queue.failed("j", "A", "GateTimedOut") == "retry"
    assert queue.take("A") is None
    assert queue.take("B").job_id == "j"  # type: ignore[union-attr]
    assert queue.failed("j", "B", "GateTimedOut") == "skipped"
    assert not queue.has_open
    # only a gate is a reason to pass a phone over
    queue = Dispatcher([ticket("j", 0, skips_shut=True)], ALL)
    queue.take("A")
    assert queue.failed("j", "A", "TrainerCrashed") == "failed"


def test_retries_count_by_kind() -> None:
    queue = Dispatcher([ticket("j", 0, frozenset("A"), retries={"TrainerKilled": 1})], {"A"})
    queue.take("A")
    assert queue.failed("j", "A", "TrainerKilled") == "retry"
    queue.take("A")
    assert queue.failed("j", "A", "TrainerCrashed") == "failed"


def test_a_phone_that_fails_again_and_again_gets_no_more() -> None:
    jobs = [ticket(f"j{n}", n, retries={"DeviceLost": 1}) for n in range(QUARANTINE_AFTER)]
    queue = Dispatcher(jobs, ALL)
    for _ in range(QUARANTINE_AFTER):
        taken = queue.take("A")
        assert taken is not None
        queue.failed(taken.job_id, "A", "DeviceLost")
    assert queue.is_suspect("A")
    queue.phone_away("A")
    assert queue.take("A") is None
    assert queue.may_get_more("A", back=True)
    assert not queue.may_get_more("A")
    assert len([queue.take("B") for _ in jobs]) == QUARANTINE_AFTER


def test_resumed_rounds_start_where_their_parent_ran() -> None:
    queue = Dispatcher([ticket("r2", 1, beside="r1")], ALL, ran_on={"r1": "B"})
    queue.release("r2")
    assert queue.take("A") is None
    assert queue.take("B") is not None


def test_what_belongs_beside_a_phone_that_has_left_for_good_runs_elsewhere() -> None:
    queue = Dispatcher([ticket("r1", 0), ticket("r2", 1, beside="r1")], ALL)
    queue.take("A")
    queue.finished("r1", "A")
    queue.phone_gone("A")  # also while it still waits
    queue.release("r2")
    assert queue.take("B") is not None
    queue = Dispatcher([ticket("r1", 0)], ALL)
    queue.take("A")
    queue.finished("r1", "A")
    queue.phone_gone("A")
    queue.add(ticket("r2", 1, beside="r1"))  # or if it comes later
    queue.release("r2")
    assert queue.take("B") is not None


def test_a_job_that_comes_later_belongs_beside_its_finished_parent() -> None:
    queue = Dispatcher([ticket("r1", 0)], ALL)
    queue.take("A")
    queue.finished("r1", "A")
    assert not queue.may_get_more("A")
    queue.add(ticket("r2", 1, frozenset("B"), beside="r1"))
    assert queue.may_get_more("A")
    queue.release("r2")
    assert queue.take("B") is None
    assert queue.take("A") is not None


def test_groups_are_kept_together_where_asked() -> None:
    jobs = [ticket(f"j{n}", n, group="mn"[n % 2]) for n in range(4)]
    queue = Dispatcher(jobs, {"A"}, order="groups")
    seen = []
    while (taken := queue.take("A")) is not None:
        seen.append(taken.group)
        queue.finished(taken.job_id, "A")
    assert seen == ["m", "m", "n", "n"]


@settings(max_examples=150)
@given(st.integers(0, 10**9))
def test_no_job_is_lost_or_finished_twice_and_no_phone_idles(seed: int) -> None:
    rng = random.Random(seed)
    phones = [f"p{n}" for n in range(rng.randint(1, 6))]
    jobs: list[Ticket] = []
    for n in range(rng.randint(1, 30)):
        parent = None
        if jobs and rng.random() < 0.3:
            parent = jobs[-1].job_id
        fits = frozenset(rng.sample(phones, rng.randint(1, len(phones))))
        if parent:
            fits = jobs[-1].candidates
        retries = {"DeviceLost": 2, "TrainerKilled": 1}
        jobs.append(ticket(f"j{n}", n, fits, beside=parent, retries=retries))
    queue = Dispatcher(jobs, phones)
    running: dict[str, Ticket] = {}
    finished: dict[str, str] = {}
    failed: set[str] = set()
    for _ in range(2000):
        for phone in queue.phones() - set(running):
            taken = queue.take(phone)
            if taken is not None:
                assert phone in taken.candidates
                assert taken.job_id not in {t.job_id for t in running.values()}
                assert taken.job_id not in finished
                assert taken.task.beside is None or finished[taken.task.beside] == phone
                running[phone] = taken
        if not running:
            break
        phone = rng.choice(sorted(running))
        job = running.pop(phone)
        roll = rng.random()
        if roll < 0.75:
            finished[job.job_id] = phone
            queue.finished(job.job_id, phone)
            for child in jobs:
                if child.task.beside == job.job_id:
                    queue.release(child.job_id)
        else:
            kind = rng.choice(["DeviceLost", "TrainerKilled", "TrainerCrashed"])
            if queue.failed(job.job_id, phone, kind) == "failed":
                failed.add(job.job_id)
    assert not running
    assert not queue.queued
    waiting = {job.job_id for job in jobs} - set(finished) - failed
    beside = {job.job_id: job.task.beside for job in jobs}
    assert all(beside[job_id] in failed | waiting for job_id in waiting)
    for job_id in waiting:
        queue.skip(job_id)
    assert not set(finished) & failed
    assert not queue.has_open
    assert all(not queue.may_get_more(p) for p in queue.phones())


def test_a_new_phone_gets_what_it_fits_though_the_same_phones_fitted_before() -> None:
    only = frozenset("A")
    queue = Dispatcher([ticket("any", 0, only), ticket("choosy", 1, only, demands="old")], only)
    queue.phone_new("N", lambda ticket: not ticket.demands)
    assert queue.fits("any", "N")
    assert not queue.fits("choosy", "N")
    assert queue.take("N").job_id == "any"  # type: ignore[union-attr]
    assert queue.take("N") is None
    assert queue.take("A").job_id == "choosy"  # type: ignore[union-attr]
