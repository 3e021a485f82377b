"""Which job a free phone gets: the rules one by one, and seeded simulations of whole runs."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lab.dispatch import QUARANTINE_AFTER, Dispatcher, Ticket

ALL = frozenset({"A", "B"})


def ticket(name: str, index: int, fits: frozenset[str] = ALL, **more: object) -> Ticket:
    return Ticket(name, index, fits, **more)  # type: ignore[arg-type]


def test_order_is_the_plans_and_choosy_jobs_come_first() -> None:
    queue = Dispatcher([ticket("x", 0), ticket("y", 1), ticket("only-a", 2, frozenset("A"))], ALL)
    first = queue.take("A")
    assert first is not None
    assert first.job_id == "only-a"
    assert queue.take("B").job_id == "x"  # type: ignore[union-attr]


def test_a_round_waits_for_its_parent_and_stays_on_its_phone() -> None:
    queue = Dispatcher([ticket("r1", 0), ticket("r2", 1, depends_on="r1"), ticket("other", 2)], ALL)
    assert queue.take("A").job_id == "r1"  # type: ignore[union-attr]
    assert queue.take("B").job_id == "other"  # type: ignore[union-attr]
    queue.finished("other", "B")
    assert queue.take("B") is None
    assert queue.may_get_more("B")  # r1 may fail here and move there
    assert queue.finished("r1", "A") == ["r2"]
    assert queue.take("B") is None
    assert not queue.may_get_more("B")
    assert queue.take("A").job_id == "r2"  # type: ignore[union-attr]


def test_a_lost_phones_job_moves_and_its_rounds_fall_with_it() -> None:
    jobs = [
        ticket("r1", 0, retries={"DeviceLost": 1}),
        ticket("r2", 1, depends_on="r1"),
        ticket("r3", 2, depends_on="r2"),
    ]
    queue = Dispatcher(jobs, ALL)
    queue.take("A")
    assert queue.failed("r1", "A", "DeviceLost") == ("retry", [])
    assert queue.take("A") is None  # another phone fits: that one gets it
    assert queue.take("B").job_id == "r1"  # type: ignore[union-attr]
    assert queue.failed("r1", "B", "DeviceLost") == ("failed", ["r2", "r3"])
    assert queue.unfinished() == []


def test_a_phone_whose_gates_are_shut_is_passed_over() -> None:
    jobs = [ticket("j", 0, skips_shut=True), ticket("next", 1, depends_on="j")]
    queue = Dispatcher(jobs, ALL)
    queue.take("A")
    assert queue.failed("j", "A", "GateTimedOut") == ("retry", [])
    assert queue.take("A") is None
    assert queue.take("B").job_id == "j"  # type: ignore[union-attr]
    assert queue.failed("j", "B", "GateTimedOut") == ("skipped", ["next"])
    assert queue.unfinished() == []
    # only a gate is a reason to pass a phone over
    queue = Dispatcher([ticket("j", 0, skips_shut=True)], ALL)
    queue.take("A")
    assert queue.failed("j", "A", "TrainerCrashed") == ("failed", [])


def test_retries_count_by_kind() -> None:
    queue = Dispatcher([ticket("j", 0, frozenset("A"), retries={"TrainerKilled": 1})], {"A"})
    queue.take("A")
    assert queue.failed("j", "A", "TrainerKilled")[0] == "retry"
    queue.take("A")
    assert queue.failed("j", "A", "TrainerCrashed")[0] == "failed"


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


def test_stranded_jobs_are_named() -> None:
    queue = Dispatcher(
        [ticket("a", 0, frozenset("A")), ticket("a2", 1, depends_on="a"), ticket("b", 2)], ALL
    )
    assert queue.stranded() == []
    queue.phone_gone("A")
    assert queue.stranded() == ["a", "a2"]


def test_resumed_rounds_start_where_their_parent_ran() -> None:
    queue = Dispatcher([ticket("r2", 1, depends_on="r1")], ALL, finished_on={"r1": "B"})
    assert queue.take("A") is None
    assert queue.take("B") is not None


def test_an_unknown_parent_is_refused() -> None:
    with pytest.raises(ValueError, match="not in the plan"):
        Dispatcher([ticket("r2", 1, depends_on="r1")], ALL)


def test_groups_are_kept_together_where_asked() -> None:
    jobs = [ticket(f"j{n}", n, group="mn"[n % 2]) for n in range(4)]
    queue = Dispatcher(jobs, {"A"}, order="groups")
    seen = []
    while (taken := queue.take("A")) is not None:
        seen.append(taken.group)
        queue.finished(taken.job_id, "A")
    assert seen == ["m", "m", "n", "n"]


@settings(max_examples=150, deadline=None)
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
        jobs.append(Ticket(f"j{n}", n, fits, parent, retries={"DeviceLost": 2, "TrainerKilled": 1}))
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
                assert taken.depends_on is None or finished[taken.depends_on] == phone
                running[phone] = taken
        if not running:
            break
        phone = rng.choice(sorted(running))
        job = running.pop(phone)
        roll = rng.random()
        if roll < 0.75:
            finished[job.job_id] = phone
            queue.finished(job.job_id, phone)
        else:
            kind = rng.choice(["DeviceLost", "TrainerKilled", "TrainerCrashed"])
            verdict, dropped = queue.failed(job.job_id, phone, kind)
            if verdict == "failed":
                failed |= {job.job_id, *dropped}
    assert not running
    left = set(queue.unfinished())
    assert left == set(queue.stranded())  # only what no phone in the run may take
    assert {j.job_id for j in jobs} == set(finished) | failed | left
    assert not set(finished) & failed
    assert all(not queue.may_get_more(p) for p in queue.phones())


def test_a_new_phone_gets_what_it_fits_though_the_same_phones_fitted_before() -> None:
    only = frozenset("A")
    queue = Dispatcher([ticket("any", 0, only), ticket("choosy", 1, only, demands="old")], only)
    queue.phone_new("N", lambda one: not one.demands)
    assert queue.fits("any", "N")
    assert not queue.fits("choosy", "N")
    assert queue.take("N").job_id == "any"  # type: ignore[union-attr]
    assert queue.take("N") is None
    assert queue.take("A").job_id == "choosy"  # type: ignore[union-attr]
