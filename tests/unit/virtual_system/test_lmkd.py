"""Whom lmkd takes, and the lines it leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.readings.lmk import parse_lmk
from harness.virtual.system.lmkd import Candidate, choose, kill_line, killinfo


def _candidate(name: str, adj: int, held_kb: int, pid: int = 5) -> Candidate:
    return Candidate(name, pid, pid, 10234, adj, held_kb)


_candidates = st.lists(
    st.builds(_candidate, st.text("abc.", min_size=1), st.integers(-1000, 1000),
              st.integers(0, 10**7)),
    max_size=8,
)  # fmt: skip


@given(st.integers(0, 10**7), st.integers(0, 10**7), _candidates)
def test_never_without_need_and_always_the_least_important(
    available: int, below: int, processes: list[Candidate]
) -> None:
    victim = choose(available, below, processes)
    able = [p for p in processes if p.adj >= 0]
    if available >= below or not able:
        assert victim is None
        return
    assert victim in able
    assert victim.adj == max(p.adj for p in able)
    assert victim.held_kb == max(p.held_kb for p in able if p.adj == victim.adj)


def test_ballast_goes_before_the_trainer_and_the_shell_never() -> None:
    trainer = _candidate("org.mobileasr.trainer", 200, 900_000)
    ballast = _candidate("org.mobileasr.trainer:ballast1", 700, 100)
    shell = _candidate("sh", -950, 10**9)
    assert choose(0, 1, [trainer, ballast, shell]) is ballast
    assert choose(0, 1, [trainer, shell]) is trainer
    assert choose(0, 1, [shell]) is None


@pytest.mark.parametrize("sdk", [28, 29, 30, 33, 34, 36])
def test_the_line_of_each_release_is_read_back(sdk: int) -> None:
    victim = _candidate("org.mobileasr.trainer:ballast2", 700, 123_456, pid=4321)
    text = f"11-21 10:00:00.000   412   412 I lowmemorykiller: {kill_line(victim, sdk)}"
    (kill,) = parse_lmk(text).kills
    assert kill.source == "lmkd"
    assert (kill.process, kill.pid, kill.uid) == (victim.name, 4321, 10234)
    assert (kill.oom_score_adj, kill.freed_kb) == (700, 123_456)
    values = ",".join(str(v) for v in killinfo(victim, 1, 2))
    (event,) = parse_lmk(f"11-21 10:00:00.000   412   412 I killinfo: [{values}]").kills
    assert (event.pid, event.freed_kb) == (4321, 123_456)
