"""Dutch."""

from harness.speech.languages.grammar import Grammar
from harness.speech.languages.language import Language, Voice
from harness.speech.text import Spelling

_OPENINGS = ("misschien", "vandaag", "later", "natuurlijk", "eerst", "plotseling")
_WHO = (
    *("de jongen", "het meisje", "mijn vader", "haar moeder", "de oude man", "een jonge vrouw"),
    *("de leraar", "de dokter", "de boer", "zijn broer", "de bestuurder", "de zwarte kat"),
    *("de koningin", "elk kind"),
)
_DOES = (
    *("bekijkt", "opent", "schildert", "wast", "draagt", "wil", "volgt", "poetst", "zoekt"),
    *("vindt", "koopt", "verliest", "verkoopt", "bewaart", "breekt", "vergeet"),
)
_WHAT = (
    *("de rode auto", "een houten kist", "de tafel", "de deur", "de kleine vogel"),
    *("een zware steen", "de gele bloem", "vers brood", "het gebroken raam"),
    *("een lange brief", "de winterjas", "het koude water", "een nieuwe fiets", "de thee"),
    *("de koffie", "één lied", "een groene appel", "de financiële krant", "zijn ideeën"),
)
_WHERE = (
    *("in de tuin", "bij de rivier", "voor de storm", "na het eten", "op de brug"),
    *("met grote zorg", "op het station", "onder de boom", "in de nacht", "buiten"),
    *("achter de school", "voor de eerste keer", "in de lente", "zonder een woord", "op maandag"),
    *("vorige zomer", "elke dag", "op de markt", "om zeven uur", "in het café", "in belgië"),
)
_ORDERS = ("controleer", "start", "stop", "open", "sluit", "toon", "verander", "zoek")
_THINGS = (
    *("het licht", "de radio", "de muziek", "de televisie", "de wekker", "de verwarming"),
    *("de wasmachine", "de telefoon", "het gordijn", "het geluid"),
)
_ROOMS = (
    *("in de keuken", "in de slaapkamer", "in de badkamer", "op kantoor", "vijf minuten lang"),
    *("nu", "over twintig minuten", "in de middag", "een beetje", "in de gang", "morgen"),
)

LANGUAGE = Language(
    code="nl",
    name="Dutch",
    voices=(Voice("nl", "Dutch"),),
    grammar=Grammar(
        (
            (_OPENINGS, _DOES, _WHO, _WHAT, _WHERE),  # the verb comes second
            (_WHO, _DOES, _WHAT, _WHERE),
            (_ORDERS, _THINGS, _ROOMS, ("", "alsjeblieft")),
        )
    ),
    spelling=Spelling(
        letters="áàäéèêëíïóöúü",
        number=("eenentwintig", 21),
    ),
)
