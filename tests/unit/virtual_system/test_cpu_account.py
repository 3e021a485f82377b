"""Busy time of a phone from samples of its processes."""

from hypothesis import given
from hypothesis import strategies as st

from harness.virtual.system.procfs import CpuAccount, ProcessUse


def _use(pid: int, user: int, *, parent: int = 1, system: int = 0, start: int = 0) -> ProcessUse:
    return ProcessUse(pid, parent, start, "x", user, system, 0, 0, 0, "S")


def test_time_of_a_reaped_child_is_counted_once() -> None:
    account = CpuAccount()
    account.update([_use(10, 5), _use(11, 30, parent=10)])
    assert account.user == 35
    account.update([_use(10, 36)])  # 30 of the child, 5 + 1 of its own
    assert account.user == 36


def test_time_of_a_process_whose_parent_is_not_the_phones_is_kept() -> None:
    account = CpuAccount()
    account.update([_use(10, 40, system=3)])
    account.update([])
    account.update([_use(12, 2)])
    assert (account.user, account.system, account.busy, account.begun) == (42, 3, 45, 2)


def test_parent_and_child_that_vanish_together_are_both_kept() -> None:
    account = CpuAccount()
    account.update([_use(10, 5), _use(11, 30, parent=10)])
    account.update([])
    assert account.user == 35


def test_a_pid_used_again_is_another_process() -> None:
    account = CpuAccount()
    account.update([_use(10, 50, start=1)])
    account.update([_use(10, 1, start=2)])
    assert account.user == 51


_samples = st.lists(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 100), st.integers(0, 6)), max_size=5),
    max_size=8,
)


@given(_samples)
def test_the_sum_never_falls(samples: list[list[tuple[int, int, int]]]) -> None:
    account, last = CpuAccount(), 0
    for sample in samples:
        account.update(_use(pid, user, parent=parent) for pid, user, parent in sample)
        assert account.busy >= last
        last = account.busy
