"""Which baselines can be compared."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from harness.contract.network import Layer, Network, SubModel
from harness.errors import InputError
from harness.lab.planning.baselines import check_baselines


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


def job(baseline, manifest):
    spec = SimpleNamespace(content=SimpleNamespace(baseline=baseline))
    return SimpleNamespace(spec=spec, model=SimpleNamespace(manifest=manifest))


def test_of_one_alphabet_and_family():
    check_baselines([])
    check_baselines([job("A", Manifest("a")), job("B", Manifest("b"))])
    other = Manifest("other", alphabet="xyz", layers=("Front",))
    check_baselines([job(None, Manifest("a")), job(None, other)])  # models, not baselines


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
        check_baselines([job("A", Manifest("a")), job("B", manifest)])
    assert what in str(error.value)
    assert str(error.value).startswith("baselines.B: b ")
