"""Spanish."""

from harness.speech.languages.grammar import Grammar
from harness.speech.languages.language import Language, Voice
from harness.speech.text import Spelling

_OPENINGS = ("", "", "", "luego", "hoy", "quizás", "después", "al principio")
_WHO = (
    *("el niño", "la niña", "mi padre", "su madre", "el anciano", "una mujer joven"),
    *("la profesora", "el médico", "el granjero", "su hermano", "el conductor", "el gato negro"),
    *("la reina", "cada niño"),
)
_DOES = (
    *("mira", "abre", "pinta", "lava", "lleva", "quiere", "sigue", "limpia", "busca", "encuentra"),
    *("compró", "pierde", "vendió", "guarda", "comerá", "prefirió"),
)
_WHAT = (
    *("el coche rojo", "una caja de madera", "la mesa", "la puerta", "el pájaro"),
    *("una piedra pesada", "la flor amarilla", "el pan fresco", "la ventana rota"),
    *("una larga carta", "el abrigo", "el agua fría", "una bicicleta nueva", "el té"),
    *("el café", "la canción", "una manzana verde", "un pingüino"),
)
_WHERE = (
    *("en el jardín", "cerca del río", "antes de la lluvia", "después de cenar", "en el puente"),
    *("con mucho cuidado", "en la estación", "bajo el árbol", "durante la noche", "aquí"),
    *("detrás de la escuela", "por primera vez", "en primavera", "sin hablar", "el lunes"),
    *("el verano pasado", "cada mañana", "en el mercado", "a las siete", "más tarde", "allí"),
)
_ORDERS = ("enciende", "apaga", "revisa", "abre", "cierra", "muestra", "baja", "cambia")
_THINGS = (
    *("la luz", "la radio", "la música", "el televisor", "la alarma", "la calefacción"),
    *("la lavadora", "el teléfono", "la cortina", "el volumen"),
)
_ROOMS = (
    *("en la cocina", "en la habitación", "en el baño", "del salón", "por cinco minutos"),
    *("ahora", "en veinte minutos", "al mediodía", "un poco", "de la entrada", "mañana", "así"),
)

LANGUAGE = Language(
    code="es",
    name="Spanish",
    voices=(Voice("es", "Spanish"), Voice("es-419", "Latin American Spanish")),
    grammar=Grammar(
        (
            (_OPENINGS, _WHO, _DOES, _WHAT, _WHERE),
            (_WHO, _DOES, _WHAT, _WHERE),
            (_ORDERS, _THINGS, _ROOMS, ("", "por favor")),
        )
    ),
    spelling=Spelling(
        letters="áéíñóúü",
        number=("veintiuno", 21),
    ),
)
