"""French."""

from harness.speech.languages.grammar import Grammar
from harness.speech.languages.language import Language, Voice
from harness.speech.text import Spelling

_OPENINGS = ("", "", "", "puis", "hier", "peut être", "d'abord", "voilà")
_WHO = (
    *("le garçon", "la fille", "mon père", "sa mère", "le vieil homme", "une jeune femme"),
    *("l'élève", "le médecin", "le fermier", "son frère", "le conducteur", "le chat noir"),
    *("la reine", "chaque enfant"),
)
_DOES = (
    *("regarde", "ouvre", "peint", "lave", "porte", "veut", "suit", "nettoie", "cherche", "trouve"),
    *("achète", "perd", "vend", "garde", "préfère", "a oublié"),
)
_WHAT = (
    *("la voiture rouge", "une boîte en bois", "la table", "la porte", "l'oiseau"),
    *("une lourde pierre", "la fleur jaune", "du pain frais", "la fenêtre cassée"),
    *("une longue lettre", "le manteau", "l'eau froide", "un nouveau vélo", "le thé"),
    *("le café", "un gâteau", "une pomme verte", "ses œufs"),
)
_WHERE = (
    *("dans le jardin", "près de la rivière", "avant l'orage", "après le dîner", "sur le pont"),
    *("avec soin", "à la gare", "sous l'arbre", "pendant la nuit", "dehors", "où il pleut"),
    *("derrière l'école", "pour la première fois", "au printemps", "sans un mot", "lundi"),
    *("l'été dernier", "chaque jour", "au marché", "à sept heures", "plus tard", "là bas"),
)
_ORDERS = ("allume", "éteins", "vérifie", "ouvre", "ferme", "montre", "baisse", "change")
_THINGS = (
    *("la lumière", "la radio", "la musique", "la télévision", "le réveil", "le chauffage"),
    *("la machine", "le téléphone", "le rideau", "le volume"),
)
_ROOMS = (
    *("dans la cuisine", "dans la chambre", "au salon", "du bureau", "pour cinq minutes"),
    *("maintenant", "dans vingt minutes", "à midi", "un peu", "de l'entrée", "à l'étage"),
    "bientôt",
)

LANGUAGE = Language(
    code="fr",
    name="French",
    voices=(
        Voice("fr", "French"),
        Voice("fr-be", "Belgian French"),
        Voice("fr-ch", "Swiss French"),
    ),
    grammar=Grammar(
        (
            (_OPENINGS, _WHO, _DOES, _WHAT, _WHERE),
            (_WHO, _DOES, _WHAT, _WHERE),
            (_ORDERS, _THINGS, _ROOMS, ("", "merci")),
        )
    ),
    spelling=Spelling(
        letters="àâæçèéêëîïôœùûüÿ",
        folds={"æ": "ae", "œ": "oe"},
        apostrophe="letter",
        number=("vingt et un", 21),
    ),
)
