"""Italian."""

from harness.speech.languages.grammar import Grammar
from harness.speech.languages.language import Language, Voice
from harness.speech.text import Spelling

_OPENINGS = ("", "", "", "poi", "oggi", "forse", "però", "all'inizio")
_WHO = (
    *("il ragazzo", "la ragazza", "mio padre", "sua madre", "il vecchio", "la giovane donna"),
    *("l'insegnante", "il dottore", "il contadino", "suo fratello", "l'autista", "il gatto nero"),
    *("la regina", "ogni bambino"),
)
_DOES = (
    *("guarda", "apre", "dipinge", "lava", "porta", "vuole", "segue", "pulisce", "cerca", "trova"),
    *("compra", "perde", "vende", "lascerà", "mangerà", "preferì"),
)
_WHAT = (
    *("la macchina rossa", "una scatola di legno", "il tavolo", "la porta", "l'uccello"),
    *("una pietra pesante", "il fiore giallo", "il pane fresco", "la finestra rotta"),
    *("una lunga lettera", "il cappotto", "l'acqua fredda", "una bicicletta nuova", "il tè"),
    *("il caffè", "la città", "una mela verde", "ciò che serve"),
)
_WHERE = (
    *("nel giardino", "vicino al fiume", "prima della pioggia", "dopo cena", "sul ponte"),
    *("con molta attenzione", "alla stazione", "sotto l'albero", "durante la notte", "là fuori"),
    *("dietro la scuola", "per la prima volta", "perché è tardi", "senza parlare", "lunedì"),
    *("l'estate scorsa", "ogni giorno", "al mercato", "alle sette", "più tardi", "laggiù"),
)
_ORDERS = ("accendi", "spegni", "controlla", "apri", "chiudi", "mostra", "abbassa", "cambia")
_THINGS = (
    *("la luce", "la radio", "la musica", "il televisore", "la sveglia", "il riscaldamento"),
    *("la lavatrice", "il telefono", "la tenda", "il volume"),
)
_ROOMS = (
    *("in cucina", "in camera", "nel bagno", "nello studio", "per cinque minuti", "adesso"),
    *("fra venti minuti", "a mezzogiorno", "di più", "dell'ingresso", "al primo piano", "così"),
)

LANGUAGE = Language(
    code="it",
    name="Italian",
    voices=(Voice("it", "Italian"),),
    grammar=Grammar(
        (
            (_OPENINGS, _WHO, _DOES, _WHAT, _WHERE),
            (_WHO, _DOES, _WHAT, _WHERE),
            (_ORDERS, _THINGS, _ROOMS, ("", "per favore")),
        )
    ),
    spelling=Spelling(
        letters="àèéìíîòóùú",
        apostrophe="letter",
        number=("ventuno", 21),
    ),
)
