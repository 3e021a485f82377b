"""Which plug-ins are used where several want one name, and what is said of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness import plugins
from harness.devices import sources
from harness.devices.gates import Gates, gates_model, judged, parse_gates, preset
from harness.devices.gates.declared import Answers, Gate, Question, Verdict
from harness.devices.gates.state import judge
from harness.errors import InputError
from harness.readings import sampled
from harness.readings.declared import Column, Command, KernelFile
from harness.report import extra_figures
from harness.report.extra_figures import ReportFigure

CACHES = (
    judged.declared_gates,
    gates_model,
    preset,
    sampled.readings,
    sources._plugged,
    extra_figures._declared,
)
Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put objects where entry points of packages would be: ``group={(package, name): object}``."""

    def put(group: str, found: dict[tuple[str, str], Any]) -> None:
        def loader(made: Any) -> Callable[[], Any]:
            def load() -> Any:
                if isinstance(made, Exception):
                    raise made
                return made

            return load

        points = [
            SimpleNamespace(
                name=name,
                value=f"{package}:X",
                dist=SimpleNamespace(name=package, version="1"),
                load=loader(made),
            )
            for (package, name), made in found.items()
        ]
        monkeypatch.setattr(
            plugins, "entry_points", lambda group: points if group == wanted else []
        )
        wanted = group

    def forget() -> None:
        for cache in (*CACHES, plugins._points):
            cache.cache_clear()
        plugins._known.clear()

    forget()
    yield put
    monkeypatch.undo()
    forget()


def gate(name: str, **changes: Any) -> Gate:
    def verdict(wanted: float, phone: Answers) -> Verdict:
        return Verdict(name, wanted < 5, "as it is")

    fields = {"type": float | None, "lab": None, "strict": None, "asks": (), "judge": verdict}
    return Gate(name=name, meaning="A gate of a test.", **{**fields, **changes})


def left_out(group: str) -> dict[tuple[str, str], str]:
    return {(plugin.package, plugin.name): plugin.problem for plugin in plugins.known(group)}


def test_the_first_by_package_and_name_counts_and_ours_before_all(install: Install) -> None:
    first, later = gate("quiet_min", place=5), gate("quiet_min")
    install(
        plugins.GATES,
        {
            ("zoo", "a"): later,
            ("apes", "z"): first,
            ("apes", "b"): gate("doze"),
            ("apes", "c"): gate("mode"),
        },
    )
    assert judged.declared_gates()[0] is first
    assert left_out(plugins.GATES) == {
        ("apes", "b"): "there is 'doze' already",
        ("apes", "c"): "there is 'mode' already",
        ("apes", "z"): "",
        ("zoo", "a"): "there is 'quiet_min' already",
    }


def test_a_gate_from_outside_is_parsed_preset_and_judged(install: Install) -> None:
    install(plugins.GATES, {("p", "quiet_min"): gate("quiet_min", strict=3.0)})
    assert parse_gates("lab") == gates_model()()
    assert parse_gates("strict").quiet_min == 3.0
    wanted = parse_gates(
        {"preset": "off", "booted": False, "quiet_min": 7, "limits_s": {"quiet_min": 1}}
    )
    assert isinstance(wanted, Gates)
    assert [(verdict.name, verdict.open) for verdict in judge(wanted, Answers())] == [
        ("quiet_min", False)
    ]
    with pytest.raises(InputError, match="quiet_min"):
        parse_gates({"quiet_min": "much"})


def test_what_cannot_be_a_gate_is_left_out_and_said_where_it_is_asked_for(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    other = Question("battery", "cat /x", str)
    install(
        plugins.GATES,
        {
            ("p", "broken"): RuntimeError("no luck"),
            ("p", "word"): "a word",
            ("p", "preset"): gate("preset_min", type=int | None, strict="many"),
            ("p", "asks"): gate("asks_min", asks=(other,)),
        },
    )
    with pytest.raises(InputError, match=r"plug-in .*'broken' of p 1 is left out: RuntimeError"):
        parse_gates({"broken": 1})
    told = left_out(plugins.GATES)
    assert told["p", "word"] == "'a word' is no Gate"
    assert told["p", "asks"] == "there is another question 'battery' already"
    assert "ValidationError" in told["p", "preset"]
    assert caplog.text.count("is left out") == 4
    assert judged.declared_gates() == judged.own_gates()


def test_a_gate_that_fails_is_recorded_as_not_told(install: Install) -> None:
    def fails(wanted: float, phone: Answers) -> Verdict:
        return Verdict("x_min", bool(1 / 0), "")

    install(plugins.GATES, {("p", "x_min"): gate("x_min", judge=fails)})
    verdicts = judge(parse_gates({"x_min": 1}), Answers())
    (verdict,) = [shown for shown in verdicts if shown.name == "x_min"]
    assert verdict.open is None
    assert "ZeroDivisionError" in verdict.detail


def test_readings_that_take_a_name_are_left_out(install: Install) -> None:
    def reading(name: str, column: str) -> KernelFile:
        columns = (Column(column, "float32", "", "a column of a test"),)
        return KernelFile(name=name, paths=("/x",), take=lambda text: {}, columns=columns)

    each = Command(
        name="x", command="x", every_s=None, take=lambda answer: {},
        columns=(Column("x_c", "float32", "", "a column of a test"),),
    )  # fmt: skip
    good = reading("good", "good_c")
    install(
        plugins.READINGS,
        {
            ("p", "a"): good,
            ("p", "b"): reading("other", "available_mb"),
            ("p", "c"): reading("other", "seq"),
            ("p", "d"): reading("gpu", "own_mhz"),
            ("p", "e"): reading("good", "again_c"),
            ("p", "f"): each,
            ("p", "g"): dict,
        },
    )
    assert sampled.readings() == (*sampled.own_readings(), good)
    told = left_out(plugins.READINGS)
    assert told["p", "b"] == "there is a column available_mb already"
    assert told["p", "c"] == "there is a column seq already"
    assert told["p", "d"] == "there is a section gpu already"
    assert told["p", "e"] == "there is a section good already"
    assert "only the battery" in told["p", "f"]
    assert "is no reading" in told["p", "g"]


def test_phone_sources_have_names_of_their_own(install: Install) -> None:
    install(
        plugins.PHONE_SOURCES,
        {
            ("p", "stf"): dict,
            ("p", "Rack!"): dict,
            ("p", "seven"): 7,
            ("p", "odd"): dict,
            ("p", "bad"): lambda words: 1 / 0,
        },
    )
    assert sources.farm_names() == ("virtual", "stf", "bad", "odd")
    with pytest.raises(InputError, match="'bad' failed: ZeroDivisionError"):
        sources.plugged_source("bad", "")
    with pytest.raises(InputError, match="'odd' failed: TypeError: it gave"):
        sources.plugged_source("odd", "")
    with pytest.raises(InputError, match="'seven' of p 1 is left out"):
        sources.plugged_source("seven", "")
    with pytest.raises(InputError, match=r"'nobody' is no farm[\s\S]*bad:\.\.\., odd"):
        sources.plugged_source("nobody", "")


def test_a_figure_that_fails_costs_only_itself(install: Install) -> None:
    install(
        plugins.REPORT_FIGURES,
        {
            ("p", "a"): ReportFigure(title="A", caption="a", draw=lambda attempts: "<svg/>"),
            ("p", "b"): ReportFigure(title="B", caption="b", draw=lambda attempts: None),
            ("p", "c"): ReportFigure(title="C", caption="c", draw=lambda attempts: str(1 / 0)),
            ("p", "d"): "no figure",
        },
    )
    drawn, problems = extra_figures.extra_figures(())
    assert [(figure.title, str(svg)) for figure, svg in drawn] == [("A", "<svg/>")]
    assert len(problems) == 1
    assert "'c' of a plug-in failed: ZeroDivisionError" in problems[0]
    assert "is no ReportFigure" in left_out(plugins.REPORT_FIGURES)["p", "d"]
