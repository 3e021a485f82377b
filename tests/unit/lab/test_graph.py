"""What waits for what: all parents, a quorum with its limit, and what falls with a parent."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.errors import InputError
from harness.lab.scheduling.graph import Decision, Graph
from harness.scenario.task import HostCall, Quorum, Task
from tests.fixtures.tasks import host_task, job, phone_task


def graph_of(quorum: Quorum | None = None, parents: Iterable[str] = "abc") -> Graph:
    graph = Graph()
    assert graph.add(host_task("h", 9, parents=parents, quorum=quorum), 100.0) == []
    return graph


def test_all_parents_have_to_finish() -> None:
    graph = graph_of()
    assert graph.settle("a", finished=True) == []
    assert graph.settle("c", finished=True) == []
    assert graph.next_due() is None
    assert graph.settle("b", finished=True) == [
        Decision("h", ("a", "b", "c"), "after 3 of 3 parents")
    ]


def test_a_parent_that_fails_takes_its_descendants_with_it() -> None:
    graph = graph_of()
    graph.add(phone_task("child", 10, parents=["h"]), 100.0)
    graph.add(phone_task("grandchild", 11, parents=["child", "a"]), 100.0)
    decisions = graph.settle("b", finished=False, why="b failed: TrainerCrashed")
    assert [(decision.task_id, decision.counted, decision.why) for decision in decisions] == [
        (name, None, "b failed: TrainerCrashed") for name in ("h", "child", "grandchild")
    ]
    assert graph.settle("a", finished=True) == []  # nobody waits for it any more


def test_before_the_limit_a_quorum_waits_for_every_outcome() -> None:
    graph = graph_of(Quorum(2, 60.0))
    graph.settle("a", finished=True)
    assert graph.settle("b", finished=True) == []
    assert graph.next_due() == 160.0
    assert graph.due(159.9) == []
    (decision,) = graph.due(160.0)
    assert decision.counted == ("a", "b")
    assert graph.next_due() is None
    assert graph.settle("c", finished=True) == []  # too late: it was decided without it


def test_a_quorum_starts_at_once_where_no_outcome_is_left_to_come() -> None:
    graph = graph_of(Quorum(2, 60.0))
    graph.settle("a", finished=True)
    assert graph.settle("b", finished=False) == []
    (decision,) = graph.settle("c", finished=True)
    assert decision.counted == ("a", "c")
    assert graph.due(1e9) == []


def test_too_few_at_the_limit_and_a_quorum_that_cannot_be_any_more() -> None:
    graph = graph_of(Quorum(2, 60.0))
    graph.settle("a", finished=True)
    (late,) = graph.due(160.0)
    assert late.counted is None
    assert late.why == "after 60 s 1 of 3 parents had finished, 2 are needed"
    graph = graph_of(Quorum(2, 60.0))
    assert graph.settle("a", finished=False, why="a failed: X") == []
    (lost,) = graph.settle("b", finished=False, why="b failed: X")
    assert lost.counted is None
    assert lost.why == "2 of 3 parents cannot finish any more: b failed: X"


def test_a_limit_that_is_over_skips_what_waits_for_the_task_too() -> None:
    graph = graph_of(Quorum(1, 5.0))
    graph.add(phone_task("child", 10, parents=["h"]), 100.0)
    assert [decision.task_id for decision in graph.due(105.0)] == ["h", "child"]


def test_what_is_added_late_knows_what_came_before() -> None:
    graph = Graph({"a": True, "b": False})
    (free,) = graph.add(phone_task("x", 1, parents=["a"]), 0.0)
    assert free.counted == ("a",)
    (lost,) = graph.add(phone_task("y", 2, parents=["a", "b"]), 0.0)
    assert (lost.counted, lost.why) == (None, "b did not finish")
    (lost,) = graph.add(phone_task("z", 3, parents=["y"]), 0.0)
    assert lost.counted is None


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: host_task(""), "needs an id"),
        (lambda: Task("t", job("other")), "that of its job"),
        (lambda: host_task("t", parents=["t"]), "other tasks"),
        (lambda: host_task("t", parents=["a", "a"]), "named once"),
        (lambda: Task("t", job("t"), ("a",), "same-as-parent"), "go together"),
        (lambda: Task("t", job("t"), ("a",), "same-as-parent", "b"), "not one of its parents"),
        (lambda: host_task("t", parents="ab", quorum=Quorum(3, 1.0)), "3 of 2"),
        (lambda: host_task("t", parents="ab", quorum=Quorum(0, 1.0)), "0 of 2"),
        (lambda: host_task("t", parents="ab", quorum=Quorum(1, float("inf"))), "limit of inf"),
        (lambda: phone_task("t", parents="ab", quorum=Quorum(1, -1.0)), "limit of -1"),
        (lambda: Task("t", HostCall("f"), ("a",), "same-as-parent", "a"), "for tasks on phones"),
        (lambda: Task("t", HostCall("f", {"x": object()})), "no JSON"),
        (lambda: host_task("t", retries=-1), "-1 retries"),
    ],
)
def test_a_task_that_contradicts_itself_is_bad_input(make, wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=wrong):
        make()
