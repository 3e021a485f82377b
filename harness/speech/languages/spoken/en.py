"""English, as it is spelled in all corpora of the lab: without any mark."""

from harness.speech.languages.grammar import Grammar
from harness.speech.languages.language import Language, Voice
from harness.speech.sentences import OBJECTS, OPENINGS, SUBJECTS, TAILS, VERBS

_ORDERS = ("switch on", "switch off", "check", "start", "stop", "show", "turn down", "change")
_THINGS = (
    *("the light", "the radio", "the music", "the television", "the alarm", "the heating"),
    *("the washing machine", "the telephone", "the curtain", "the volume"),
)
_ROOMS = (
    *("in the kitchen", "in the bedroom", "in the bathroom", "in the office", "for five minutes"),
    *("now", "in twenty minutes", "at noon", "a little", "in the hall", "upstairs", "tomorrow"),
)
_STATEMENT = (
    SUBJECTS,
    tuple(past for _, past, _ in VERBS),
    tuple(f"{determiner} {noun}" for determiner, noun in OBJECTS),
    TAILS,
)

LANGUAGE = Language(
    code="en",
    name="English",
    voices=(
        Voice("en", "British English"),
        Voice("en-us", "American English"),
        Voice("en-gb-scotland", "Scottish English"),
    ),
    grammar=Grammar(
        (
            (("", "", "", *OPENINGS), *_STATEMENT),
            _STATEMENT,
            (_ORDERS, _THINGS, _ROOMS, ("", "please")),
        )
    ),
)
