"""Intent options of ``am``."""

import pytest

from harness.virtual.system.intent import IntentError, parse_intent


def test_what_the_harness_says() -> None:
    line = "-n org.mobileasr.trainer/.TrainService --es job /data/local/tmp/j.json --ei mb -1"
    intent = parse_intent([*line.split(), "--ez", "dry", "true", "--user", "0"])
    assert intent.component_parts == (
        "org.mobileasr.trainer",
        "org.mobileasr.trainer.TrainService",
    )
    assert intent.extras == {"job": "/data/local/tmp/j.json", "mb": -1, "dry": True}
    assert str(intent) == "Intent { cmp=org.mobileasr.trainer/.TrainService (has extras) }"


def test_a_full_class_name_is_shortened_when_shown() -> None:
    intent = parse_intent(["-a", "x.VIEW", "-n", "a.b/a.b.c.D", "-d", "http://x", "-p", "a.b"])
    assert str(intent) == "Intent { act=x.VIEW dat=http://x pkg=a.b cmp=a.b/.c.D }"
    assert parse_intent(["-n", "a.b/other.C"]).short_component == "a.b/other.C"


def test_words_without_option() -> None:
    assert parse_intent(["a.b/.C"]).component == "a.b/.C"
    assert parse_intent(["tel:123"]).data == "tel:123"
    assert parse_intent(["a.b"]).package == "a.b"


@pytest.mark.parametrize(
    "args",
    [["-n"], ["--es", "key"], ["--ei", "k", "ten"], ["--ez", "k", "maybe"], ["-n", "noslash"]],
)
def test_what_makes_no_intent(args: list[str]) -> None:
    with pytest.raises(IntentError):
        parse_intent(args)


def test_lists_and_components_are_taken_with_their_values() -> None:
    words = "-n a.b/.C --esa names x,y --eia numbers 1,2 --ecn who d.e/.F --ez on true"
    intent = parse_intent(words.split())
    assert intent.component == "a.b/.C"
    assert intent.extras == {"names": "x,y", "numbers": "1,2", "who": "d.e/.F", "on": True}
    assert intent.words == []
