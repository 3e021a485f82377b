"""Text, synthetic speakers, real recordings, corpora and their manifests.

``worker`` speaks (espeak-ng in a process of its own), ``sentences`` gives it words, ``corpus``
makes and keeps corpora; ``importing`` makes one of recordings that ``sources`` finds and ``audio``
reads. ``manifest`` reads and writes them, ``text`` spells them. ``lab``, ``model`` and ``cli``
call it.
"""

from harness.speech.audio import SAMPLE_RATE
from harness.speech.corpus import CorpusSpec, build_corpus, build_pretraining_corpus
from harness.speech.manifest import Corpus, Utterance, load_manifest
from harness.speech.speakers import SPEAKERS, Speaker, variants
from harness.speech.synthesis import SynthesisError
from harness.speech.text import normalise_text
from harness.speech.worker import synthesise

__all__ = [
    "SAMPLE_RATE",
    "SPEAKERS",
    "Corpus",
    "CorpusSpec",
    "Speaker",
    "SynthesisError",
    "Utterance",
    "build_corpus",
    "build_pretraining_corpus",
    "load_manifest",
    "normalise_text",
    "synthesise",
    "variants",
]
