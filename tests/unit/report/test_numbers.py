import math

import pytest

from harness.report.numbers import (
    DASH,
    digits_for,
    duration,
    fixed,
    minutes,
    plain,
    signed,
    size,
    spread,
    when,
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (12.345, 1, "12.3"),
        (9999.6, 0, "10000"),
        (12345.0, 0, "12,345"),
        (-3.21, 1, "−3.2"),
        (-0.04, 1, "0.0"),
        (0.0, 0, "0"),
        (None, 1, DASH),
        (math.nan, 1, DASH),
        (math.inf, 0, DASH),
    ],
)
def test_fixed(value: float | None, digits: int, text: str) -> None:
    assert fixed(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "+2.0"), (-2.0, "−2.0"), (0.01, "0.0"), (None, DASH)]
)
def test_signed(value: float | None, text: str) -> None:
    assert signed(value, 1) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1e-4, "1e-4"), (2.5e-5, "2.5e-5"), (0.001, "0.001"), (5, "5"), (0, "0")]
)
def test_settings_look_as_people_write_them(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(42.4, "42 s"), (99.6, "1 min 40 s"), (312, "5 min 12 s"), (7500, "2 h 05 min"), (None, DASH)],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.34, "12.3"),
        (3.49, "3.5"),
        (0.2133, "0.21"),
        (0.00322, "0.0032"),
        (0.0, "0"),
        (None, DASH),
    ],
)
def test_minutes(value: float | None, text: str) -> None:
    assert minutes(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1536, "1.5 KiB"), (200 * 2**20, "200 MiB"), (3 * 2**30, "3.0 GiB")],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_spread_is_median_range_and_count_of_what_is_known() -> None:
    found = spread([3.0, None, 1.0, math.nan, 8.0])
    assert found is not None
    assert (found.median, found.low, found.high, found.n) == (3.0, 1.0, 8.0, 3)
    assert spread([None, math.nan]) is None


def test_digits_give_three_figures() -> None:
    assert [digits_for([one]) for one in (0.5, 12.0, 512.0)] == [2, 1, 0]


def test_when_keeps_what_is_no_time() -> None:
    assert when("2026-03-01T12:00:00Z") == "2026-03-01 12:00 UTC"
    assert when("2026-03-01T12:00:00+02:00") == "2026-03-01 10:00 UTC"
    assert when("yesterday") == "yesterday"
    assert when(None) == DASH
