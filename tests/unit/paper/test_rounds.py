"""The pages of OMC, FedAQT and Federated Pruning: arithmetic, claims with intervals, unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.paper.files import write
from harness.paper.given import Given
from harness.paper.make import sections
from harness.paper.measure import Source
from harness.paper.sections import Section
from harness.paper.systems import load_system
from harness.paper.systems.omc.arithmetic import ratio, shares_for
from harness.paths import data_root
from harness.report.load import load_run
from harness.scenario import load_scenario
from harness.trainer.manifest import load_manifest
from tests.fixtures.federated_run import make_federated_run

PRINTED = {"variant": "as_printed"}
COMPRESSION, PRUNING = "federated.compression", "federated.pruning"


def source(run: Path) -> Source:
    return Source(load_run(run), "report/index.html", {})


def page(system: str, given: Given = Given()) -> dict[str, Section]:  # noqa: B008
    made = load_system(system)
    return {section.item.key: section for section in sections(made, made.items, given)}


def verdicts(made: Mapping[str, Section]) -> dict[str, str]:
    return {claim.says: claim.verdict for s in made.values() for claim in s.claims}


def compressed(folder: Path, variants: list[Any], wrong: Mapping[int, float]) -> Source:
    """Make a run of formats; ``wrong`` says how badly each of them hears in the end."""

    def heard(axes: Mapping[str, Any], round_: int) -> float:
        own = [axes.get(COMPRESSION) == variant for variant in variants]
        return wrong[own.index(True)] if round_ else 0.5

    entries = [{COMPRESSION: variant} for variant in variants]
    return source(make_federated_run(folder, "{rounds: 1, hypotheses: true}", entries, heard))


# -- what needs no run ----------------------------------------------------------------------------


def test_omc_ratios_and_the_shares_that_give_them() -> None:
    for bits, percent in ((19, 64), (11, 41), (6, 29)):
        low, high = shares_for(bits, percent)
        assert round(100 * ratio(bits, low + 1e-6)) == percent
        assert round(100 * ratio(bits, high - 1e-6)) == percent
        assert round(100 * ratio(bits, low - 1e-3)) != percent
        assert round(100 * ratio(bits, high + 1e-3)) != percent
    ninety = [100 * ratio(bits, 0.9) for bits in (19, 11, 6)]
    assert ninety == pytest.approx([63.4375, 40.9375, 26.875])
    # no one share gives all three
    assert shares_for(19, 64)[1] < 0.9 > shares_for(6, 29)[1]


@pytest.mark.parametrize(
    ("system", "equal"), [("omc", 17), ("fedaqt", 2), ("federated-pruning", 6)]
)
def test_arithmetic_is_equal_to_the_printed_digit(system: str, equal: int) -> None:
    cells = [
        cell.verdict
        for section in page(system).values()
        for grid in section.grids
        for _, row in grid.rows
        for cell in row
        if cell.verdict
    ]
    assert cells == ["equal"] * equal


@pytest.mark.parametrize("system", ["omc", "fedaqt", "federated-pruning"])
def test_printed_figures_say_where_they_were_read_and_what_is_unknown_is_said(system: str) -> None:
    made = page(system)
    for section in made.values():
        for grid in section.grids:
            for place, head in enumerate(grid.heads):
                if any(cells[place].printed for _, cells in grid.rows):
                    assert head.source in load_system(system).source
    rows = made["unknown"].grids[0].rows
    assert len(rows) > 4
    assert all(cells[0].printed.startswith("unknown") for _, cells in rows)
    assert set(verdicts(made).values()) == {"cannot be said"}


@pytest.mark.parametrize("system", ["omc", "fedaqt", "federated-pruning"])
def test_a_quick_scale_is_a_part_of_the_scenario(system: str) -> None:
    for experiment in load_system(system).experiments:
        full = load_scenario(experiment.scenario).scenario.matrix
        quick = load_scenario(experiment.scenario, experiment.overrides("quick")).scenario.matrix
        assert full is not None
        assert quick is not None
        if "include" not in full:
            assert quick == full
            continue
        assert [entry for entry in quick["include"] if entry not in full["include"]] == []


def test_what_the_sixty_percent_are_is_said() -> None:
    memory = page("fedaqt")["memory"]
    assert any("empty gradients" in note and "loading" in note for note in memory.notes)
    assert memory.grids[0].heads[0].value_class == "shown"


# -- claims by intervals --------------------------------------------------------------------------

OMC = [
    None,
    {"format": "S1E4M14", "share": 0.9, **PRINTED},
    {"format": "S1E3M7", "share": 0.9, **PRINTED},
    {"format": "S1E3M7", **PRINTED},
    {"format": "S1E4M8", **PRINTED},
    {"format": "S1E2M3", "share": 0.9, **PRINTED},
    {"format": "S1E2M3", "share": 0.9, "variables": "all", **PRINTED},
    {"format": "S1E2M3", "share": 0.9},
]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Source:
    wrong = dict(enumerate((0.1, 0.1, 0.1, 0.2, 0.3, 0.3, 0.6, 0.9)))
    return compressed(tmp_path_factory.mktemp("omc"), OMC, wrong)


def test_omc_claims_hold_where_intervals_say_so(good: Source) -> None:
    made = page("omc", Given({"omc": good}))
    told = verdicts(made)
    assert set(told.values()) == {"holds", "cannot be said"}
    assert [says for says, verdict in told.items() if verdict != "holds"] == [
        "The peak memory of training falls"
    ]
    grid = made["wer"].grids[1]
    name, cells = grid.rows[1]
    assert name == "S1E4M14, as printed, 90% of the variables"
    assert cells[-1].measured == "0.0 (0.0 to 0.0)"
    assert dict(grid.rows)["float32"][-1].measured == ""
    cost = dict(made["bytes"].grids[0].rows)
    assert cost["float32"][2].measured == "100.0"
    assert float(cost["S1E2M3, as printed, 90% of the variables"][2].measured) < 60
    assert len(made["bytes"].drawings) == len(made["wer"].drawings) == 1
    assert "; 1 client; 1 round of at most 1 epoch; WER before training 60.00" in (
        made["wer"].conditions
    )


def test_omc_claims_that_fail_or_cannot_be_said(tmp_path: Path) -> None:
    wrong = dict(enumerate((0.1, 0.3, 0.11, 0.1, 0.1, 0.55, 0.3, 0.1)))
    told = verdicts(page("omc", Given({"omc": compressed(tmp_path, OMC, wrong)})))
    assert told["19 bits come to the WER of float32"] == "does not hold"
    assert told["6 bits come to a lower WER than before the training"] == "does not hold"
    partial = "At one format, quantising 90 % of the variables comes to a lower WER than "
    assert told[f"{partial}quantising all"] in ("does not hold", "cannot be said")


def test_fedaqt_compares_within_a_strategy(tmp_path: Path) -> None:
    variants = [
        {"federated.strategy": strategy, COMPRESSION: compression}
        for strategy in ("fedsgd", "fedavg")
        for compression in (None, {"format": "int8", "per": "column", "ways": "down"})
    ]
    wrong = {"fedsgd": 0.4, "fedavg": 0.1}

    def heard(axes: Mapping[str, Any], round_: int) -> float:
        label = axes["federated.strategy"]
        name = label if isinstance(label, str) else label["name"]
        return wrong[name] if round_ else 0.5

    run = make_federated_run(tmp_path, "{rounds: 1, hypotheses: true}", variants, heard)
    made = page("fedaqt", Given({"fedaqt": source(run)}))
    told = verdicts(made)
    assert told["With FedSGD int8 comes to a WER similar to float32"] == "holds"
    assert told["int8 takes fewer bytes than float32 in a round"] == "holds"
    assert told["Loading a model takes less memory with int8 than with float32"] == (
        "cannot be said"
    )
    assert [name for name, _ in made["wer"].grids[1].rows][:2] == [
        "fedsgd, float32",
        "fedsgd, int8, down only, a scale a column",
    ]


INT8 = {"format": "int8", "per": "column"}


def test_fedaqt_is_judged_by_clients_that_multiply_whole_numbers(tmp_path: Path) -> None:
    variants = [
        {
            "model": model,
            "trainer.batch_size": 5,
            "trainer.sub_model": "S1",
            COMPRESSION: compression,
        }
        for model, compression in (
            *(("ds2-mini-sgd", None), ("ds2-mini-sgd", INT8)),
            ("ds2-mini-int8", INT8),
        )
    ]

    def heard(axes: Mapping[str, Any], round_: int) -> float:
        rounds = "int8" in str(axes["model"])
        return (0.45 if rounds else 0.1) if round_ else 0.5

    run = make_federated_run(tmp_path, "{rounds: 1, hypotheses: true}", variants, heard)
    says = "With FedAVG int8 comes to a WER similar to float32"
    made = page("fedaqt", Given({"fedaqt": of_models(run)}))
    assert verdicts(made)[says] == "does not hold"
    # without word of what clients multiply, those that are sent whole numbers count
    assert verdicts(page("fedaqt", Given({"fedaqt": source(run)})))[says] == "does not hold"
    (claim,) = [c for s in made.values() for c in s.claims if c.says == says]
    assert claim.evidence.count("ds2-mini-") == 2


def of_models(run: Path) -> Source:
    """Return a run whose record has the manifests of its models."""
    made = source(run)
    names = {attempt.result.model_name for attempt in made.data.final}
    models = {
        name: load_manifest(data_root() / "models" / name).model_dump(mode="json") for name in names
    }
    record = made.data.record.model_copy(update={"models": models})
    return replace(made, data=replace(made.data, record=record))


def pruned(folder: Path, settings: dict[str, float]) -> Source:
    """Make a run of masked patterns; the values say how badly each of them hears in the end."""
    entries = [{PRUNING: _of(name)} for name in settings]

    def heard(axes: Mapping[str, Any], round_: int) -> float:
        own = {key: axes[PRUNING][key] for key in ("level", "pattern", "density")}
        (name,) = [
            n for n in settings if {**DEFAULT, **_of(n), "masked": 0} == {**own, "masked": 0}
        ]
        return settings[name] if round_ else 0.0

    return source(make_federated_run(folder, "{rounds: 1, hypotheses: true}", entries, heard))


DEFAULT = {"pattern": "cell", "density": "uniform"}


def _of(name: str) -> dict[str, Any]:
    pattern, level, *density = name.split()
    more = {"density": density[0]} if density else {}
    return {"level": float(level), "pattern": pattern, "masked": True, **more}


def test_pruning_claims_go_by_pairs_that_differ_in_one_thing(tmp_path: Path) -> None:
    own = pruned(
        tmp_path,
        {
            "cell 0": 0.1,
            "input_unit 0.5": 0.4,
            "half_input_unit 0.5": 0.3,
            "output_unit 0.5": 0.5,
            "half_output_unit 0.5": 0.5,
            "input_unit 0.5 by_parameters": 0.45,
        },
    )
    made = page("federated-pruning", Given({"federated_pruning": own}))
    told = verdicts(made)
    assert told["Above level 0.3 each pattern comes to a higher WER than the whole network"] == (
        "holds"
    )
    assert told["Half rows and half columns are at least as good as whole ones"] == "holds"
    adaptive = "Adaptive levels are at least as good as the same level in each layer, for rows"
    assert told[adaptive] == "does not hold"
    # that columns beat rows is judged on the Conformer only, which was not run
    columns = "Columns come to a lower WER than rows (shown on a Conformer only)"
    assert told[columns] == "cannot be said"
    again = verdicts(page("federated-pruning", Given({"federated_pruning_conformer": own})))
    assert again[columns] == "does not hold"
    names = [name for name, _ in made["patterns"].grids[1].rows]
    assert names[1] == "50% of rows out, masked"


def test_the_pages_are_written(good: Source, tmp_path: Path) -> None:
    made = page("omc", Given({"omc": good}))
    written = write(load_system("omc"), list(made.values()), tmp_path / "page", "quick", [good])
    html = written.page.read_text(encoding="utf-8")
    assert "Unknown: what could not be read" in html
    assert "S1E3M7, as printed" in html
    assert (tmp_path / "page" / "figures" / "bytes.svg").is_file()
    assert (tmp_path / "page" / "latex" / "ratios.tex").is_file()
