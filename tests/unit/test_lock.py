"""The locks fit every Python that the project names, with each of its extras."""

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = [f"3.{minor}" for minor in range(10, 15)]
CANNOT_BE_BUILT = {"devlib": "<3.12"}
"""Source packages that do not build on every Python: its setup.py imports imp."""

OF_FLOWER = {"federated", "check"}
"""Extras that go together, and ``federated`` with no other."""
LOCKS = {
    "requirements.lock": set(PROJECT["optional-dependencies"]) - {"federated"},
    "requirements-federated.lock": OF_FLOWER,
    "requirements-federated-oldest.lock": OF_FLOWER,
}
"""File -> the extras that it pins, besides what the project needs at all."""


def environment(python: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.7",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": "",
    }


def applies(requirement: Requirement, python: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment(python))


def locked(python: str, lock: str = "requirements.lock") -> dict[str, Requirement]:
    """The pins for one Python, by name; two of one package are an error."""
    pins: dict[str, Requirement] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            if applies(pin, python):
                name = canonicalize_name(pin.name)
                assert name not in pins, f"{name} is pinned twice"
                pins[name] = pin
    return pins


def test_these_are_the_pythons_of_the_project() -> None:
    wanted = SpecifierSet(PROJECT["requires-python"])
    minors = [f"3.{minor}" for minor in range(6, 30)]
    assert [minor for minor in minors if wanted.contains(f"{minor}.1")] == PYTHONS
    named = [word.rpartition(" ")[2] for word in PROJECT["classifiers"] if ":: 3." in word]
    assert named == PYTHONS


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("python", PYTHONS)
def test_each_requirement_is_locked(python: str, lock: str) -> None:
    pins = locked(python, lock)
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for name in LOCKS[lock] for text in extras[name])]
    for text in texts:
        wanted = Requirement(text)
        if canonicalize_name(wanted.name) == PROJECT["name"] or not applies(wanted, python):
            continue  # one extra in another
        pin = pins.get(canonicalize_name(wanted.name))
        assert pin is not None, f"{wanted.name} is not locked for Python {python}"
        (version,) = (specifier.version for specifier in pin.specifier)
        assert wanted.specifier.contains(version, prereleases=True), f"{text}: {version}"


def test_the_oldest_flower_that_is_allowed_is_tried() -> None:
    (flower,) = (Requirement(text) for text in PROJECT["optional-dependencies"]["federated"])
    oldest = min(s.version for s in flower.specifier if s.operator == ">=")
    pin = locked("3.11", "requirements-federated-oldest.lock")["flwr"]
    assert str(pin.specifier).startswith(f"=={oldest}.")


@pytest.mark.parametrize("python", PYTHONS)
def test_nothing_is_locked_that_cannot_be_built(python: str) -> None:
    pins = locked(python)
    for name, pythons in CANNOT_BE_BUILT.items():
        assert (name in pins) == SpecifierSet(pythons).contains(python)
