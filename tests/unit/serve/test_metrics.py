"""What Prometheus reads of a lab, and that dashboard and alerts ask for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from harness.serve import brief as brief_module
from harness.serve.facts import PhoneState
from harness.serve.metrics import LabMetrics
from harness.serve.server import Pages
from harness.serve.state import RunsWatch
from tests.fixtures.run_under_way import LiveRun, run_that_is_over

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PAGE = Path(__file__).parents[3] / "docs" / "monitoring.md"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def told(runs: Path) -> Samples:
    """Return (name, labels) -> value of what Prometheus reads, by its own parser."""
    text = LabMetrics(RunsWatch(runs)).text().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for (found, labels), value in samples.items() if found == name]


def test_a_lab_at_work(live_run: LiveRun) -> None:
    live_run.sample(10)
    samples = told(live_run.path.parent)
    (phones,) = of(samples, "mobileasr_phones")
    assert phones == ({"state": "working", "origin": phones[0]["origin"]}, 1)
    ((labels, memory),) = of(samples, "mobileasr_phone_available_bytes")
    assert labels["serial"] == live_run.serial
    assert memory == 2_048_000 * 1024
    ((labels, queued),) = of(samples, "mobileasr_queue_jobs")
    assert (labels["run"], queued) == (live_run.path.name, 1)
    jobs = {labels["state"]: value for labels, value in of(samples, "mobileasr_jobs")}
    assert jobs == {"finished": 2, "running": 1, "queued": 1}
    ((labels, count),) = of(samples, "mobileasr_attempts_total")
    assert (labels["outcome"], count) == ("finished", 2)
    for name, pairs in samples:
        assert "origin" in dict(pairs) or name == "mobileasr_build_info"


def test_what_is_not_known_is_absent_not_zero(live_run: LiveRun) -> None:
    samples = told(live_run.path.parent)  # nothing was sampled yet
    assert of(samples, "mobileasr_phones")
    for name in ("battery_ratio", "battery_temperature_celsius", "available_bytes"):
        assert of(samples, f"mobileasr_phone_{name}") == []


@pytest.mark.parametrize(("state", "known"), [("working", True), ("silent", False)])
def test_a_phones_readings(live_run: LiveRun, state: str, known: bool) -> None:
    phone = PhoneState(
        serial='A "quoted\\ serial',
        profile="pixel-4",
        model="",
        origin="device",
        state=state,  # type: ignore[arg-type]
        battery_percent=87.0,
        battery_temperature_c=31.5,
        available_mb=None,
    )
    families = LabMetrics(RunsWatch(live_run.path.parent))._phones([phone])
    values = {
        sample.name: (sample.value, sample.labels["serial"])
        for family in families
        for sample in family.samples
        if "serial" in sample.labels
    }
    readings = {
        "mobileasr_phone_battery_ratio": (0.87, phone.serial),
        "mobileasr_phone_battery_temperature_celsius": (31.5, phone.serial),
    }
    assert values == (readings if known else {})


def test_what_a_silent_host_said_is_of_the_past(
    live_run: LiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_run.sample(10)
    monkeypatch.setattr(brief_module, "has_expired", lambda _: True)
    samples = told(live_run.path.parent)
    assert [labels["state"] for labels, _ in of(samples, "mobileasr_phones")] == ["silent"]
    assert of(samples, "mobileasr_phone_available_bytes") == []


def test_runs_that_are_over(live_run: LiveRun) -> None:
    live_run.end()
    run_that_is_over(live_run.path.parent, "20270101-000000-later")
    samples = told(live_run.path.parent)
    assert of(samples, "mobileasr_jobs") == []
    verdicts = of(samples, "mobileasr_last_run_good")
    assert len(verdicts) == len({labels["scenario"] for labels, _ in verdicts})
    outcomes = {labels["outcome"] for labels, _ in of(samples, "mobileasr_attempts_total")}
    assert "DeviceLost" in outcomes


def test_a_damaged_run_hides_no_other(live_run: LiveRun) -> None:
    other = run_that_is_over(live_run.path.parent, "x")
    (other / "run.json").write_text("{")
    assert of(told(live_run.path.parent), "mobileasr_phones")


def test_only_where_it_is_asked_for(live_run: LiveRun) -> None:
    assert Pages(live_run.path.parent).answer("/metrics").status == 404
    answer = Pages(live_run.path.parent, metrics=True).answer("/metrics")
    assert answer.status == 200
    assert answer.kind.startswith("text/plain; version=0.0.4")


# -- what asks for them ---------------------------------------------------------------------------


def queries() -> Iterator[str]:
    """Yield every query of the dashboard and of the alerts."""
    board = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    for panel in board["panels"]:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            yield target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]
    rules = yaml.safe_load((EXAMPLES / "prometheus-rules.yml").read_text())
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.fixture
def families(live_run: LiveRun) -> dict[str, set[str]]:
    """Name of each metric that there is -> its labels, also of those without a value now."""
    metrics = LabMetrics(RunsWatch(live_run.path.parent))
    return {
        f"{family.name}{'_total' if family.type == 'counter' else ''}": set(family._labelnames)
        for family in metrics.collect()
    }


def test_dashboard_and_alerts_ask_for_what_is_told(families: dict[str, set[str]]) -> None:
    asked = list(queries())
    assert len(asked) > 10
    for query in asked:
        names = set(re.findall(r"mobileasr_\w+", query))
        assert names <= set(families), query
        labels = set().union(*(families[name] for name in names))
        by = {
            word.strip()
            for words in re.findall(r"by \(([^)]*)\)", query)
            for word in words.split(",")
        }
        matched = set(re.findall(r"[{,](\w+)(?:=~|!~|!=|=)", query))
        assert by | matched <= labels, query


def test_the_page_names_each_of_them(families: dict[str, set[str]]) -> None:
    rows = dict(re.findall(r"^\| `(mobileasr_\w+)` \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE))
    assert set(rows) == set(families)
    for name, labels in rows.items():
        named = set(re.findall(r"`(\w+)`", labels)) | {"origin"}
        assert named - {"origin"} == families[name] - {"origin"}, name
