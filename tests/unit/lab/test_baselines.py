"""Which baselines can be compared; what cannot is told before a phone is looked for."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.contract.network import Layer, Network, SubModel
from harness.errors import InputError
from harness.lab.planning.baselines import check_alike
from harness.lab.planning.checks import check_scenario
from harness.lab.planning.materials import Materials
from harness.scenario import load_scenario

SCENARIO = """\
name: bad
baselines: {A: ds2-tiny, B: %s}
trainer: {batch_size: 2, epochs: 1, sub_model: S1}
matrix: {baseline: [A, B]%s}
%s"""


@dataclass
class Manifest:
    name: str
    alphabet: str = "abc"
    layers: tuple[str, ...] = ("CONV1", "FC1")
    pieces: tuple[str, ...] = ()

    @property
    def network(self):
        return Network(
            family="tiny",
            layers=tuple(Layer(name=name, parameters=1) for name in self.layers),
            sub_models=(SubModel(name="all", layers=self.layers),),
            alphabet=self.alphabet,
            pieces=self.pieces,
        )


def test_of_one_alphabet_and_family():
    check_alike({})
    check_alike({"A": Manifest("a"), "B": Manifest("b")})


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        (Manifest("b", alphabet="abcé"), "they differ in 'é'"),
        (Manifest("b", alphabet="acb"), "they differ in the order of their letters"),
        (Manifest("b", layers=("Front", "L1")), "a network of other layers"),
        (Manifest("b", pieces=("ab",)), "b writes abc in 1 pieces, A's a abc, and not the same"),
    ],
)
def test_others_are_refused(manifest, what):
    with pytest.raises(InputError) as error:
        check_alike({"A": Manifest("a"), "B": manifest})
    assert what in str(error.value)
    assert str(error.value).startswith("baselines.B: b ")


def checked(folder: Path, other="ds2-tiny", matrix="", report=""):
    path = folder / "bad.yaml"
    path.write_text(SCENARIO % (other, matrix, report))
    loaded = load_scenario(path)
    return check_scenario(loaded, Materials(loaded.folder, cache=folder))


@pytest.mark.parametrize(
    ("other", "what"),
    [
        # the job also asks for a sub-model that it lacks: the baseline is told first
        ("conformer-mini", "conformer-mini is a network of other layers than A's ds2-tiny"),
        ("ds2-mni", "there is no model 'ds2-mni'"),
        ("{name: ds2-tiny, checkpoint: no.npz}", "cannot be used"),
    ],
)
def test_a_baseline_is_told_with_its_line(tmp_path, other, what):
    with pytest.raises(InputError) as error:
        checked(tmp_path, other)
    assert what in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'bad.yaml'}:2: baselines.B: ")


def test_nothing_to_compare_with_a_baseline(tmp_path):
    matrix = (
        ", data.speaker: [us-male, uk-male], exclude: [{baseline: A, data.speaker: uk-male},"
        " {baseline: B, data.speaker: us-male}]"
    )
    with pytest.raises(InputError) as error:
        checked(tmp_path, matrix=matrix, report="report: {baseline: {baseline: A}}\n")
    assert "no other job is like the baseline's (baseline A)" in str(error.value)
    assert "each differs from it in data.speaker, too" in str(error.value)
