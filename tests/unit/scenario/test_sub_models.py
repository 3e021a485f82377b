"""Names of sub-models are the network's: checked against it, in its order, with what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.contract import mobileasr
from harness.contract.network import Network, SubModelName
from harness.errors import InputError
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.materials import Materials
from harness.scenario import parse_scenario
from harness.scenario.identity import job_identity
from harness.scenario.schema import JobContent
from harness.scenario.sub_models import candidates_of, check_names, largest_of
from harness.yamlio import parse_yaml
from tests.fixtures.networks import eighteen, three

PAPER = mobileasr.network(dict.fromkeys(mobileasr.LAYERS, 1), "ab")


def content(**fields: Any) -> JobContent:
    return JobContent.model_validate({"model": "m", **fields})


@pytest.mark.parametrize(
    ("network", "candidates"),
    [
        (PAPER, ("S1", "S5", "S8")),
        (mobileasr.network(dict.fromkeys(mobileasr.LAYERS, 1), "", ("S2", "S8")), ("S8",)),
        (mobileasr.network(dict.fromkeys(mobileasr.LAYERS, 1), "", ("S2", "S3")), ("S2", "S3")),
        (three(), three().sub_model_names),
        (eighteen(), eighteen().sub_model_names),
    ],
)
def test_candidates_that_nobody_names_are_the_networks(
    network: Network, candidates: tuple[str, ...]
) -> None:
    job = content()
    assert candidates_of(job.trainer, network) == candidates
    assert largest_of(job, network) == candidates[0]
    check_names(job, network)


def test_the_largest_that_a_job_may_train() -> None:
    network = three()
    assert largest_of(content(trainer={"sub_model": "B_2"}), network) == "B_2"
    assert largest_of(content(trainer={"candidates": ["Ends.of-it", "B_2"]}), network) == (
        "Ends.of-it"
    )
    assert largest_of(content(pressure={"fits": "B_2"}), network) == "B_2"
    pressed = content(pressure={"fits": "whole"}, trainer={"sub_model": "B_2"})
    assert largest_of(pressed, network) == "B_2"


@pytest.mark.parametrize(
    ("fields", "field", "parts"),
    [
        ({"trainer": {"sub_model": "S1"}}, "trainer.sub_model", ["no sub-model 'S1'", "There are"]),
        (
            {"trainer": {"sub_model": "WHOLE"}},
            "trainer.sub_model",
            ["Did you mean whole? There are whole, Ends.of-it, B_2."],
        ),
        (
            {"trainer": {"candidates": ["whole", "Ends-of-it"]}},
            "trainer.candidates",
            ["no sub-model 'Ends-of-it'", "Did you mean Ends.of-it?"],
        ),
        (
            {"trainer": {"candidates": ["B_2", "whole"]}},
            "trainer.candidates",
            ["largest to the smallest", "Write [whole, B_2]."],
        ),
        (
            {"trainer": {"candidates": ["whole", "whole"]}},
            "trainer.candidates",
            ["each once", "Write [whole]."],
        ),
        ({"pressure": {"fits": "b-2"}}, "pressure.fits", ["no sub-model 'b-2'"]),
        (
            {"trainer": {"candidates": ["whole"]}, "pressure": {"fits": "B_2"}},
            "pressure.fits",
            ["B_2 is not among trainer.candidates (whole)"],
        ),
    ],
)
def test_a_wrong_name_is_told_with_those_that_there_are(
    fields: dict[str, Any], field: str, parts: list[str]
) -> None:
    with pytest.raises(InputError) as wrong:
        check_names(content(**fields), three())
    assert wrong.value.where == field
    for part in parts:
        assert part in f"{wrong.value.what} {wrong.value.hint}"


def test_a_forced_sub_model_needs_no_candidates() -> None:
    forced = {"sub_model": "B_2", "candidates": ["whole"]}
    check_names(content(trainer=forced, pressure={"fits": "Ends.of-it"}), three())


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("trainer:\n  sub_model: S9\n", "s.yaml:4: trainer.sub_model", "There are S1, S2"),
        ("trainer:\n  candidates:\n    [S1, s5]\n", "s.yaml:4: trainer.candidates", "mean S5?"),
        ("trainer:\n  candidates: [S8, S1]\n", "s.yaml:4: trainer.candidates", "[S1, S8]"),
        ("pressure: {fits: whole}\n", "s.yaml:3: pressure.fits", "There are S1, S2, S3, S4, S5"),
        ("pressure: {fits: S3}\n", "s.yaml:3: pressure.fits", "Add it to trainer.candidates"),
        (
            "matrix:\n  trainer.epochs: [1]\n  pressure.fits: [S1, S9]\n",
            "s.yaml:5: matrix.pressure.fits",
            "There are S1",
        ),
    ],
)
def test_it_is_told_with_its_line_before_a_phone_is_looked_for(
    tmp_path: Path, text: str, where: str, told: str
) -> None:
    raw, lines = parse_yaml(f"name: t\nmodel: ds2-mini\n{text}", "s.yaml")
    loaded = parse_scenario(raw, lines, folder=tmp_path)
    with pytest.raises(InputError) as wrong:
        check_scenario(loaded, Materials(tmp_path, cache=tmp_path))
    assert wrong.value.where == where
    assert told in wrong.value.hint


def test_no_name_can_break_out_of_a_page_a_path_or_a_command() -> None:
    name = TypeAdapter(SubModelName)
    allowed = "ABCXYZabcxyz0189_.-"
    for code in (*range(0x180), 0x2028, 0x202E, 0xFEFF, 0xFF1C):
        for text in (f"a{chr(code)}b", f"ab{chr(code)}"):
            try:
                name.validate_python(text)
            except ValidationError:
                continue
            assert chr(code).isascii()
            assert chr(code).isalnum() or chr(code) in allowed, text
    for text in ("", "a" * 33, "-a", ".a", "1a", "<b>", "a\n"):
        with pytest.raises(ValidationError):
            name.validate_python(text)


def test_candidates_left_out_keep_the_ids_that_jobs_had() -> None:
    def identity(job: JobContent) -> str:
        fields = job.model_dump(mode="json")
        return job_identity(fields, repeat=1, round_number=1, rounds=1, avoid=[])

    spelt_out = content(trainer={"candidates": ["S1", "S5", "S8"]})
    assert identity(content()) == identity(spelt_out)
    assert identity(content()) != identity(content(trainer={"candidates": ["S1", "S8"]}))
