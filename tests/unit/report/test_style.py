"""Colours keep their promises: contrast, order, and apart for the colour-blind."""

import math
from itertools import combinations, pairwise

import pytest

from harness.report.figures.shapes import OUTLINES
from harness.report.heat import STEPS
from harness.report.ramp import SHADES, shade_of
from harness.report.style import DARK, LIGHT, MARKERS, NO_MARKER, PHASES
from harness.report.sub_models import RankedSubModel, mark_id, merged

Linear = tuple[float, float, float]
PAPER = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8")
ODD = tuple(f"Part-{number}.of_18" for number in range(18, 0, -1))
NETWORKS = (("whole", "half", "Head.2"), PAPER, ODD)

# Machado, Oliveira, Fernandes 2009, severity 1.0 (linear RGB)
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> Linear:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    one, two, three = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return one, two, three


def luminance(colour: Linear) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def contrast(text: str, other: str) -> float:
    high, low = sorted((luminance(linear(text)), luminance(linear(other))), reverse=True)
    return (high + 0.05) / (low + 0.05)


def oklab(colour: Linear) -> Linear:
    r, g, b = colour
    lms = (
        (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3),
        (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3),
        (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3),
    )
    rows = (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
    one, two, three = (sum(w * v for w, v in zip(row, lms, strict=True)) for row in rows)
    return one, two, three


def seen(colour: str, kind: str) -> Linear:
    if kind == "full":
        return oklab(linear(colour))
    rgb = linear(colour)
    one, two, three = (
        max(0.0, sum(w * v for w, v in zip(row, rgb, strict=True))) for row in BLINDNESS[kind]
    )
    return oklab((one, two, three))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
class TestThemes:
    def test_sub_models_stand_out_from_the_paper(self, theme: dict[str, str]) -> None:
        for shade in range(SHADES):
            assert contrast(theme[f"s{shade}"], theme["paper"]) >= 3.0, shade

    def test_text_is_readable_on_paper_and_on_every_phase(self, theme: dict[str, str]) -> None:
        for role in ("ink", "soft", "good", "bad"):
            assert contrast(theme[role], theme["paper"]) >= 4.5, role
        for phase in PHASES:
            assert contrast(theme["soft"], theme[f"phase-{phase}"]) >= 4.5, phase

    def test_lines_stand_out_from_every_phase(self, theme: dict[str, str]) -> None:
        for phase in PHASES:
            for role in ("s0", "s24", "phone"):
                assert contrast(theme[role], theme[f"phase-{phase}"]) >= 2.5, (role, phase)

    def test_shades_of_a_map_carry_text_and_are_in_order(self, theme: dict[str, str]) -> None:
        ramp = [theme[f"h{number}"] for number in range(STEPS)]
        for one in ramp:
            assert contrast(theme["ink"], one) >= 4.5
        away = [contrast(one, theme["paper"]) for one in ramp]
        assert away == sorted(away)
        for kind in ("full", *BLINDNESS):
            for one, other in pairwise(ramp):
                assert math.dist(seen(one, kind), seen(other, kind)) > 0.02, (kind, one, other)

    def test_lighter_from_the_largest_to_the_smallest(self, theme: dict[str, str]) -> None:
        ramp = [luminance(linear(theme[f"s{shade}"])) for shade in range(SHADES)]
        assert ramp == sorted(ramp)
        assert len(set(ramp)) == len(ramp)

    @pytest.mark.parametrize("kind", ["full", *BLINDNESS])
    def test_sub_models_differ_for_every_eye(self, theme: dict[str, str], kind: str) -> None:
        colours = {name: seen(theme[ranked(name).role], kind) for name in PAPER}
        candidates = ("S1", "S5", "S8")  # those the paper trains: far apart
        for one, other in combinations(candidates, 2):
            assert math.dist(colours[one], colours[other]) > 0.11, (one, other)
        for one, other in combinations(PAPER, 2):
            # about a just noticeable difference; markers and labels do the rest
            assert math.dist(colours[one], colours[other]) > 0.02, (one, other)


def test_both_themes_know_every_role() -> None:
    assert set(LIGHT) == set(DARK)
    assert {*MARKERS, NO_MARKER} <= set(OUTLINES)


class TestSubModels:
    def test_the_papers_eight_look_as_they_did(self) -> None:
        assert [(LIGHT[one.role], DARK[one.role], one.marker) for one in map(ranked, PAPER)] == [
            ("#0a0f76", "#4f6dcc", "o"),
            ("#3a127f", "#836fd4", "v"),
            ("#62157f", "#af71d0", "<"),
            ("#861b78", "#d577c2", "p"),
            ("#a7255c", "#f580ac", "s"),
            ("#bf3a41", "#ff9999", ">"),
            ("#d1560f", "#ffb497", "h"),
            ("#cc7f03", "#ffcd9d", "^"),
        ]

    @pytest.mark.parametrize("order", NETWORKS, ids=len)
    def test_any_number_of_them_differ(self, order: tuple[str, ...]) -> None:
        looks = [ranked(name, order) for name in order]
        assert len({look.role for look in looks}) == len(order)
        assert (looks[0].role, looks[-1].role) == ("s0", f"s{SHADES - 1}")
        assert all(look.role in LIGHT for look in looks)
        for one, other in pairwise(looks):
            assert one.marker != other.marker
        for one, other in combinations(looks, 2):
            if one.marker == other.marker:  # far apart on the ramp
                assert abs(int(one.role[1:]) - int(other.role[1:])) > SHADES / 3

    def test_one_alone_is_the_largest(self) -> None:
        assert shade_of(0, 1) == 0

    @pytest.mark.parametrize("order", NETWORKS, ids=len)
    def test_sorted_as_the_network_has_them(self, order: tuple[str, ...]) -> None:
        unknown, none = ranked("<b>", order), RankedSubModel.of(None, order)
        mixed = [none, unknown, *(ranked(name, order) for name in sorted(order))]
        assert [one.label for one in sorted(mixed)] == [*order, "<b>", "none"]
        for odd in (unknown, none):
            assert (odd.role, odd.marker, odd.mark_id) == ("soft", NO_MARKER, "mx")

    def test_one_name_in_two_networks_is_two_sub_models(self) -> None:
        assert ranked("S8") != ranked("S8", ("S1", "S8"))
        assert RankedSubModel.of(None, PAPER) == RankedSubModel.of(None, ODD)

    def test_only_places_make_roles_and_ids(self) -> None:
        for name in ("a", "Z9_.-", '"><script>', "\u202e"):
            one = ranked(name, (name, "other"))
            assert one.role == "s0"
            assert one.mark_id == "m0"
        assert len({mark_id(marker) for marker in (*MARKERS, NO_MARKER)}) == len(MARKERS) + 1

    def test_orders_of_several_networks_become_one(self) -> None:
        assert merged([("a", "b"), ("a", "b"), ("b", "c", "a")]) == ("a", "b", "c")


def ranked(name: str, order: tuple[str, ...] = PAPER) -> RankedSubModel:
    return RankedSubModel.of(name, order)
