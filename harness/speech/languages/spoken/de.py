"""German."""

from harness.speech.languages.grammar import Grammar
from harness.speech.languages.language import Language, Voice
from harness.speech.text import Spelling

_OPENINGS = ("vielleicht", "heute", "später", "natürlich", "zuerst", "plötzlich")
_WHO = (
    *("der junge", "das mädchen", "mein vater", "ihre mutter", "der alte mann", "eine junge frau"),
    *("die lehrerin", "der arzt", "der bäcker", "sein bruder", "der fahrer", "die schwarze katze"),
    *("die königin", "jedes kind"),
)
_DOES = (
    *("sieht", "öffnet", "malt", "wäscht", "trägt", "möchte", "nimmt", "putzt", "sucht"),
    *("findet", "kauft", "verliert", "verkauft", "behält", "mag", "genießt"),
)
_WHAT = (
    *("das rote auto", "eine holzkiste", "den küchentisch", "die tür", "den kleinen vogel"),
    *("einen schweren stein", "die gelbe blume", "frisches brot", "das große fenster"),
    *("einen langen brief", "den mantel", "das kalte wasser", "ein neues fahrrad", "den tee"),
    *("den kaffee", "das schöne lied", "einen grünen apfel", "die süße torte"),
)
_WHERE = (
    *("im garten", "am ufer", "vor dem sturm", "nach dem essen", "auf der brücke"),
    *("mit großer sorgfalt", "am bahnhof", "unter dem baum", "in der nacht", "draußen"),
    *("hinter der schule", "zum ersten mal", "im frühling", "ohne ein wort", "am montag"),
    *("im letzten sommer", "jeden tag", "auf dem markt", "um sieben uhr", "auf der straße"),
)
_ORDERS = ("prüfe", "starte", "stoppe", "zeige", "ändere", "suche", "öffne", "schließe")
_THINGS = (
    *("das licht", "das radio", "die musik", "den fernseher", "den wecker", "die heizung"),
    *("die waschmaschine", "das telefon", "den vorhang", "die lautstärke"),
)
_ROOMS = (
    *("in der küche", "im schlafzimmer", "im bad", "im büro", "für fünf minuten", "jetzt"),
    *("in zwanzig minuten", "am mittag", "ein wenig", "im flur", "im ersten stock", "morgen"),
)

LANGUAGE = Language(
    code="de",
    name="German",
    voices=(Voice("de", "German"),),
    grammar=Grammar(
        (
            (_OPENINGS, _DOES, _WHO, _WHAT, _WHERE),  # the verb comes second
            (_WHO, _DOES, _WHAT, _WHERE),
            (_ORDERS, _THINGS, _ROOMS, ("", "bitte")),
        )
    ),
    spelling=Spelling(
        letters="äöüß",
        folds={"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"},
        number=("einundzwanzig", 21),
    ),
)
