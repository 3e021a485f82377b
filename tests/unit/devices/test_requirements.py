"""Demands on phones: what fits, and why something does not."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.requirements import match
from harness.devices.unmet import unmet
from harness.errors import InputError
from harness.scenario.demands import Demands
from harness.yamlio import LineIndex, validate


@dataclass(frozen=True)
class Facts:
    serial: str = "S1"
    adb_serial: str = "127.0.0.1:7001"
    profile: str = "oneplus-7t"
    ram_total_mb: float = 7700.4
    soc: str = "Snapdragon 855 Plus"
    android: str = "10"
    sdk: int = 29
    abi: str = "arm64-v8a"
    origin: str = "device"
    alias: str = "shelf-2"
    tags: tuple[str, ...] = ("rack-2",)


@pytest.mark.parametrize(
    "demands",
    [
        {},
        {"profile": "oneplus-7t"},
        {"profile": ["pixel-4", "oneplus-*"]},
        {"serial": "S1"},
        {"serial": "shelf-2"},
        {"serial": ["x", "127.0.0.1:7001"]},
        {"ram_mb": ">= 6000"},
        {"ram_mb": 6000},
        {"ram_mb": ">= 6000, < 9000"},
        {"soc": "snapdragon 8*"},
        {"android": ">= 10"},
        {"android": 10},
        {"android": "10"},
        {"android": "!= 11"},
        {"sdk": 29},
        {"abi": "arm64*"},
        {"origin": "device"},
        {"tags": "rack-2"},
        {"profile": "oneplus-7t", "ram_mb": ">= 6000", "tags": ["rack-2"], "count": 2},
    ],
)
def test_fits(demands: dict[str, object]) -> None:
    assert match(Demands.model_validate(demands), Facts()).reasons == ()
    assert match(Demands.model_validate(demands), Facts()).fits


@pytest.mark.parametrize(
    ("demands", "reason"),
    [
        ({"ram_mb": ">= 9000"}, "wanted ram_mb >= 9000, has 7700"),
        ({"ram_mb": 8000}, "wanted ram_mb 8000, has 7700"),
        ({"ram_mb": "< 6000"}, "wanted ram_mb < 6000, has 7700"),
        ({"profile": "pixel-4"}, "wanted profile pixel-4, has oneplus-7t"),
        ({"serial": ["A", "B"]}, "wanted serial A or B, has S1"),
        ({"soc": "Exynos*"}, "wanted soc Exynos*, has Snapdragon 855 Plus"),
        ({"android": ">= 11"}, "wanted android >= 11, has 10"),
        ({"android": "1"}, "wanted android 1, has 10"),
        ({"origin": "virtual"}, "wanted origin virtual, has device"),
        ({"tags": ["rack-2", "quiet"]}, "wanted tags quiet, has rack-2"),
    ],
)
def test_does_not_fit_and_says_why(demands: dict[str, object], reason: str) -> None:
    found = match(Demands.model_validate(demands), Facts())
    assert not found.fits
    assert found.reasons == (reason,)


def test_all_reasons_are_given() -> None:
    found = match(Demands.model_validate({"ram_mb": ">= 9000", "android": ">= 12"}), Facts())
    assert len(found.reasons) == 2


def test_versions_compare_by_parts() -> None:
    assert match(Demands.model_validate({"android": "8.1"}), Facts(android="8.1.0")).fits
    assert match(Demands.model_validate({"android": "8"}), Facts(android="8.1.0")).fits
    assert match(Demands.model_validate({"android": ">= 8.1"}), Facts(android="9")).fits
    assert not match(Demands.model_validate({"android": ">= 8.1"}), Facts(android="8.0.0")).fits
    assert match(Demands.model_validate({"android": "> 8"}), Facts(android="")).reasons == (
        "wanted android > 8, has unknown",
    )


OPERATORS = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.sampled_from(sorted(OPERATORS)))
def test_comparing_is_comparing(has: int, wanted: int, operator: str) -> None:
    demands = Demands.model_validate({"ram_mb": f"{operator}{wanted}"})
    assert match(demands, Facts(ram_total_mb=float(has))).fits == OPERATORS[operator](has, wanted)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"ram": 3}, "unknown key 'ram'"),
        ({"ram_mb": "lots"}, "not a comparison"),
        ({"ram_mb": ">= 3 GB"}, "not a comparison"),
        ({"ram_mb": True}, "a word is meant"),
        ({"origin": "real"}, "'device', 'virtual' or 'trace'"),
        ({"count": 0}, "greater than or equal to 1"),
        ({"serial": 5}, "phones:1: serial"),
    ],
)
def test_bad_demands(data: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(Demands, data, LineIndex("phones"))
    assert message in str(caught.value)
    assert str(caught.value).startswith("phones")


def test_nothing_fits_says_what_was_wanted_and_each_reason_once() -> None:
    phones = [
        Facts(),
        Facts(serial="S2", profile="pixel-4", ram_total_mb=5600),
        *(Facts(serial=f"T{n}") for n in range(6)),
    ]
    demands = Demands.model_validate({"ram_mb": ">= 9000", "profile": ["oneplus-7t"]})
    assert unmet(demands, phones).lines() == [
        "no phone fits: wanted profile oneplus-7t, ram_mb >= 9000",
        "  S1, T0, T1, T2 and 3 more (oneplus-7t): wanted ram_mb >= 9000, has 7700",
        "  S2 (pixel-4): wanted profile oneplus-7t, has pixel-4; wanted ram_mb >= 9000, has 5600",
    ]
    assert "harness devices" in unmet(Demands.model_validate({}), []).lines()[-1]
    few = unmet(Demands.model_validate({"count": 3}), phones[:2])
    assert few.lines() == [
        "wanted 3 phones, only 2 fit: any phone",
        "  S1 (oneplus-7t): fits",
        "  S2 (pixel-4): fits",
    ]


def test_a_phone_that_the_matrix_excludes_is_told_as_such() -> None:
    told = unmet(
        Demands.model_validate({}), [Facts()], [Demands.model_validate({"profile": "oneplus-*"})]
    )
    assert told.why == {"S1": "the matrix excludes profile oneplus-*"}
