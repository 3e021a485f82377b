"""Laws of expansion and identity, over many scenarios."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scenario import expand_jobs, parse_scenario, tasks_of
from harness.scenario.identity import canonical_json
from harness.scenario.matrix import MatrixError, check_matrix, same_value
from harness.scenario.paths import MISSING, get_path, set_path
from harness.yamlio import LineIndex

AXES: dict[str, st.SearchStrategy[list[Any]]] = {
    "trainer.epochs": st.lists(st.integers(0, 50), min_size=1, max_size=3, unique=True),
    "trainer.batch_size": st.lists(st.sampled_from([1, 2, 5, 10]), min_size=1, unique=True),
    "trainer.learning_rate": st.lists(st.sampled_from([1e-4, 1e-5, 1e-6]), min_size=1, unique=True),
    "pressure.fits": st.lists(st.sampled_from(["S1", "S5", "S8"]), min_size=1, unique=True),
    "data.speaker": st.lists(st.sampled_from(["us-male", "uk-female"]), min_size=1, unique=True),
    "phones.profile": st.lists(st.sampled_from(["oneplus-7t", "x"]), min_size=1, unique=True),
}


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    paths = draw(st.lists(st.sampled_from(sorted(AXES)), unique=True, max_size=4))
    return {
        "name": "t",
        "model": "ds2-tiny",
        "matrix": {path: draw(AXES[path]) for path in paths},
        "repeats": draw(st.integers(1, 3)),
        "rounds": draw(st.integers(1, 3)),
        "order": draw(
            st.sampled_from(["as-written", "shuffled", "fewest-pushes", "fewest-cool-downs"])
        ),
    }


def jobs_of(raw: dict[str, Any]) -> list[Any]:
    return expand_jobs(parse_scenario(raw, LineIndex("s.yaml"), folder=Path()))


@settings(max_examples=60)
@given(scenarios())
def test_expansion_is_the_whole_product_once(raw: dict[str, Any]) -> None:
    found = jobs_of(raw)
    points = math.prod(len(values) for values in raw["matrix"].values())
    assert len(found) == points * raw["repeats"] * raw["rounds"]
    assert len({job.identity for job in found}) == len(found)
    assert len({job.job_id for job in found}) == len(found)
    assert [job.index for job in found] == list(range(len(found)))
    wanted = {
        json.dumps(dict(zip(raw["matrix"], point, strict=True)), sort_keys=True)
        for point in itertools.product(*raw["matrix"].values())
    }
    assert {json.dumps(job.axes, sort_keys=True) for job in found} == wanted
    place = {job.job_id: job.index for job in found}
    for task in tasks_of(found):
        assert task.beside is None or place[task.beside] == task.index - 1
        job = task.job
        resolved = job.content.model_dump(mode="json")
        assert all(get_path(resolved, path) == value for path, value in job.axes.items())


@settings(max_examples=40)
@given(scenarios(), st.randoms())
def test_identity_depends_on_content_alone(raw: dict[str, Any], rng: Any) -> None:
    noise = {
        **raw,
        "name": "other",
        "title": "Another title",
        "order": "shuffled",
        "expect": [{"metric": "wer_percent", "below": 50}],
        "limits": {"stall_s": 17.0},
        "retry": {"lost_phone": 7},
    }
    shuffled = list(noise.items())
    rng.shuffle(shuffled)
    assert {j.identity for j in jobs_of(raw)} == {j.identity for j in jobs_of(dict(shuffled))}
    other = jobs_of({**raw, "sampling": {"period_s": 2.0}})
    assert not {j.identity for j in jobs_of(raw)} & {j.identity for j in other}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_canonical_json_reads_back(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value
    assert same_value(value, json.loads(canonical_json(value)))


@given(st.integers(-(2**50), 2**50))
def test_a_whole_float_is_its_integer(number: int) -> None:
    assert canonical_json([number]) == canonical_json([float(number)])


PART = st.text("abc", min_size=1, max_size=2)


@given(
    st.dictionaries(PART, st.dictionaries(PART, st.integers())),
    st.lists(PART, min_size=1, max_size=3),
    st.integers(),
)
def test_set_path_changes_one_place_of_a_copy(
    tree: dict[str, Any], parts: list[str], value: int
) -> None:
    before = json.dumps(tree)
    path = ".".join(parts)
    try:
        changed = set_path(tree, path, value)
    except ValueError:
        assert len(parts) == 3  # led into one of the numbers
        return
    assert get_path(changed, path) == value
    assert json.dumps(tree) == before
    for other in tree:
        if other != parts[0]:
            assert changed[other] == tree[other]
    assert get_path(tree, "nowhere") is MISSING


@given(VALUES)
def test_a_matrix_of_anything_is_accepted_or_explained(value: Any) -> None:
    for raw in (value, {"trainer.epochs": value}, {"include": value}, {"exclude": value}):
        error = _refusal(raw)
        if error is None:
            assert check_matrix(raw).combinations()
        else:
            assert error.location[0] == "matrix"
            assert error.what


def _refusal(raw: Any) -> MatrixError | None:
    try:
        check_matrix(raw)
    except MatrixError as error:
        return error
    return None
