"""`baselines:` and the axis `baseline:`."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.scenario import expand_jobs, parse_scenario
from harness.yamlio import parse_yaml

TEXT = """\
name: baselines
baselines: {A: ds2-mini, C: {name: ds2-tiny}}
matrix: {baseline: [A, C], data.speaker: [uk-female, ind-male]}
"""


def parsed(text, *overrides):
    raw, lines = parse_yaml(text, "b.yaml")
    return parse_scenario(raw, lines, folder=Path(), overrides=overrides)


def jobs(text=TEXT, *overrides, only=()):
    return expand_jobs(parsed(text, *overrides), only)


def test_a_job_has_the_model_of_its_baseline():
    models = [(j.axes["baseline"], j.content.baseline, j.content.model.name) for j in jobs()]
    assert models == [("A", "A", "ds2-mini")] * 2 + [("C", "C", "ds2-tiny")] * 2
    assert [j.axes["data.speaker"] for j in jobs(only=["baseline=C"])] == ["uk-female", "ind-male"]


def test_a_name_is_not_what_a_job_is():
    plain = "name: baselines\nmodel: ds2-mini\nmatrix: {data.speaker: [uk-female, ind-male]}\n"
    named = jobs(TEXT, "baseline=A")
    assert [job.identity for job in named] == [job.identity for job in jobs(plain)]
    assert "baseline" not in named[0].axes


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("[A, C]", "[A, B]", "b.yaml:3: matrix.baseline", "there is no baseline B"),
        ("[A, C]", "[A, 3]", "b.yaml:3: matrix.baseline", "there is no baseline 3"),
        ("matrix:", "model: ds2\nmatrix:", "b.yaml:3: model", "not from both"),
        (
            "data.speaker: [uk-female, ind-male]",
            "model.checkpoint: [a.npz]",
            "b.yaml:3: matrix.model.checkpoint",
            "not from both",
        ),
        ("baseline: [A, C], ", "", "b.yaml:2: baselines", "no job starts from one"),
        ("baselines: {A: ds2-mini, C: {name: ds2-tiny}}\n", "", "matrix.baseline", "names none"),
        ("C: {name: ds2-tiny}", "C: {nme: x}", "b.yaml:2: baselines.C.nme", "unknown key"),
        ("C: {name: ds2-tiny}", "C: ds2-mini", "b.yaml:3: matrix", "are the same job"),
    ],
)
def test_refused(old, new, where, what):
    assert old in TEXT
    with pytest.raises(InputError) as error:
        jobs(TEXT.replace(old, new))
    assert where in str(error.value)
    assert what in str(error.value)


def test_what_was_set_is_named():
    with pytest.raises(InputError) as error:
        parsed(TEXT, "baseline=D")
    assert str(error.value).startswith("--set baseline=D: there is no baseline D")
