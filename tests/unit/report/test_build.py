"""The page as a whole: well-formed, self-contained, escaped, and there at any time."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.report import build_report
from harness.report.load import load_run
from harness.report.page import render
from harness.results.model import AttemptResult
from tests.fixtures.report_run import Failing, RunShape, make_run, small

VOID = {"meta", "br", "link", "img", "input", "hr", "path", "use", "polygon"}
HOSTILE = "<script>alert(1)</script>\"'& $x_2$ {{ 7*7 }} \x1b[31m\u202e" + "very-long-" * 30


class Page(HTMLParser):
    """Checks nesting and collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def check(text: str) -> Page:
    """Check what must hold for every page."""
    page = Page(text)
    assert page.errors == []
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        for key in ("aria-labelledby", "aria-describedby"):
            assert set(attrs.get(key, "").split()) <= set(ids)
        for key in ("href", "src", "xlink:href", "action", "data", "poster"):
            assert attrs.get(key, "#").startswith("#"), attrs
            assert attrs.get(key, "#") == "#" or attrs[key][1:] in ids, attrs
        assert not [key for key in attrs if key.startswith("on")], attrs
    assert "url(http" not in text
    assert "@import" not in text
    assert len(page.all("script")) == 1
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    return page


def test_sections_stand_in_the_order_of_the_questions(quick_page: str) -> None:
    page = check(quick_page)
    assert [text for tag, text in page.headings if tag == "h2"] == [
        "Did it work?",
        "The matrix as a map",
        "How did WER change?",
        "What should a weak phone train?",
        "Which sub-model was chosen?",
        "What did it cost?",
        "Every attempt",
        "What went wrong?",
        "Can I trust and repeat it?",
    ]
    assert "11 of 12 jobs finished" in page.words
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("a")[0]["href"] == "#main"


def test_every_table_has_a_caption_and_every_head_a_scope(quick_page: str) -> None:
    page = check(quick_page)
    tables = page.all("table")
    assert len(tables) > 10
    assert len(page.all("caption")) == len(tables)
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.all("th"))


def test_every_figure_is_named_and_has_text(quick_page: str) -> None:
    page = check(quick_page)
    figures = [attrs for attrs in page.all("svg") if "aria-hidden" not in attrs]
    # 4 panels, 8 of sub-models (memory and seconds), 1 of decisions, 13 strips, 1 scatter
    assert len(figures) == 27
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in figures)
    assert len(re.findall("<title id=", quick_page)) == 27
    for text in ("WER, %", "trainer RSS, peak ", "goal 264 ± 12", "✕ gallery killed", "train 1"):
        assert text in quick_page


def test_the_answer_comes_first_and_the_origin_is_never_missing(quick_page: str) -> None:
    answer = quick_page.index('<dl class="answer">')
    origin = quick_page.index('<p class="origin trace"><strong>trace</strong>')
    assert quick_page.index("<h1") < answer < origin < quick_page.index("<nav")
    first = quick_page[answer : quick_page.index("</dl>", answer)]
    figures = re.findall(r"<dd>(?:<a[^>]*>)?([^<]*)", first)
    # what failed, then the best setting and how sure that is, then what was expected
    assert figures[:2] == ["2", "11 of 12"]
    assert figures[2].endswith(" %")
    assert figures[3].endswith(" points")
    assert figures[4:] == ["3 of 3"]
    assert "lowest WER of 3 settings: S1; 95 % interval " in first


def test_evidence_command_hashes_and_seeds_are_there(quick_page: str) -> None:
    words = Page(quick_page).words
    for text in (
        "lowmemorykiller: Killing 'org.mobileasr.trainer' (4711)",
        "harness run scenarios/quickstart.yaml --farm virtual",
        "a" * 64,
        "e" * 64,
        "trainer.seed 7",
        "13 of ",
        "temperature waited 21 41 > 40 °C",
        "the small goat",
        "ro.product.model=HD1905",
    ):
        assert text in words, text


def test_settings_that_do_not_vary_are_not_drawn(quick_page: str) -> None:
    assert "Against batch size" not in quick_page


def test_the_same_run_is_the_same_page(quick_run: Path, quick_page: str, tmp_path: Path) -> None:
    again = build_report(quick_run, tmp_path / "again.html").read_text(encoding="utf-8")
    assert again == quick_page


def test_by_default_page_and_junit_lie_in_the_run_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path, small(epochs=1))
    page = build_report(run)
    assert page == run / "report" / "index.html"
    assert (run / "report" / "junit.xml").read_text().startswith("<?xml")
    elsewhere = build_report(run, tmp_path / "elsewhere" / "page.html")
    assert elsewhere.is_file()
    assert not elsewhere.with_name("junit.xml").exists()


def hostile(result: AttemptResult) -> AttemptResult:
    phone = result.phone.model_copy(
        update={
            "serial": HOSTILE,
            "profile": HOSTILE,
            "model": HOSTILE,
            "properties": {HOSTILE: HOSTILE},
            "isolation": HOSTILE,
        }
    )
    assert result.pressure is not None
    kills = tuple(
        kill.model_copy(update={"process": HOSTILE, "reason": HOSTILE, "evidence": HOSTILE})
        for kill in result.pressure.kills
    )
    return result.model_copy(
        update={
            "phone": phone,
            "speaker": HOSTILE,
            "accent": HOSTILE,
            "stop_reason": HOSTILE,
            "notes": (HOSTILE,),
            "axes": {HOSTILE: result.job_id, "data.style": HOSTILE},
            "pressure": result.pressure.model_copy(update={"goal": HOSTILE, "kills": kills}),
            "trainer": HOSTILE,
        }
    )


def test_what_comes_from_phones_and_scenarios_is_escaped(tmp_path: Path) -> None:
    shape = RunShape(
        profiles=("redmi-note-7-pro",),
        speakers=("us-male",),
        sub_models=("S1", "S5"),
        epochs=1,
        title=HOSTILE,
        name=HOSTILE,
        spoil=hostile,
        failing=(Failing(0, "TrainerKilled", evidence=(HOSTILE, "</pre><b>")),),
        expect=({"metric": HOSTILE, "below": 1},),
    )
    text = render([load_run(make_run(tmp_path, shape))])
    page = check(text)
    assert "<script>alert" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in page.words
    assert "$x_2$" in page.words
    assert "<script>alert(1)</script>" in page.words


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (RunShape(stop_after=0), "0 of 12 jobs finished"),
        (small(sub_models=("S1", "S8"), only_failures=True, epochs=1), "0 of 2 jobs finished"),
        (small(pressure=False, epochs=1), "1 of 1 job finished"),
        (
            small(epochs=1, spoil=lambda one: AttemptResult.model_validate(bare(one))),
            "1 of 1 job finished",
        ),
    ],
    ids=["empty", "failures", "free", "bare"],
)
def test_a_page_at_any_time(tmp_path: Path, shape: RunShape, said: str) -> None:
    page = check(render([load_run(make_run(tmp_path, shape))]))
    assert said in page.words


def bare(result: AttemptResult) -> dict[str, object]:
    """Return a result with nothing but what the format demands."""
    needed = {name for name, field in AttemptResult.model_fields.items() if field.is_required()}
    return result.model_dump(include=needed)


def test_settings_that_vary_are_drawn_and_filters_know_them(tmp_path: Path) -> None:
    shape = small(batch_sizes=(2, 10), learning_rates=(1e-4, 1e-5), epochs=1)
    page = check(render([load_run(make_run(tmp_path, shape))]))
    assert "Against batch size" in page.words
    assert "within 3 % at every learning rate: time an epoch and peak RSS" in page.words
    (bar,) = [attrs for attrs in page.all("div") if attrs.get("id") == "filters"]
    assert '["x1", "Batch size"], ["x2", "Learning rate"]' in bar["data-facets"]
    rows = [attrs for attrs in page.all("tr") if "data-x2" in attrs]
    assert {attrs["data-x2"] for attrs in rows} == {"1e-4", "1e-5"}


def test_files_that_cannot_be_read_are_told_of(tmp_path: Path) -> None:
    run = make_run(tmp_path, small(epochs=1))
    (samples,) = run.glob("attempts/*/1/samples.parquet")
    samples.write_bytes(b"not parquet")
    page = check(render([load_run(run)]))
    assert "Files that cannot be read" in page.words
    assert "samples.parquet" in page.words
    assert "No second of it was sampled." in page.words


def test_virtual_phones_say_what_is_modelled(tmp_path: Path) -> None:
    def virtual(result: AttemptResult) -> AttemptResult:
        return result.model_copy(
            update={"phone": result.phone.model_copy(update={"origin": "virtual"})}
        )

    page = check(render([load_run(make_run(tmp_path, small(epochs=1, spoil=virtual)))]))
    assert "What is modelled on virtual phones" in page.words
    assert "MemAvailable = the profile’s available RAM" in page.words.replace("'", "’")


def test_a_long_attempt_stays_small(tmp_path: Path) -> None:
    text = render([load_run(make_run(tmp_path, small(seconds=3600)))])
    assert len(text) < 200_000
