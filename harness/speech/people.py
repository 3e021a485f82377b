"""People who read a few sentences: corpora that come with the project, one a language.

Compressed clips under open licences (``recordings/people/SOURCES.md``, ``recordings/people-de``)
are imported into a cache like any recordings.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from harness.errors import InputError
from harness.paths import data_root
from harness.speech.importing import MANIFEST, ImportOptions, Progress, import_recordings
from harness.speech.manifest import Corpus, load_manifest
from harness.speech.sources import find_sources

NAME: Final = "people"
"""Who reads English; ``people/de`` reads German."""


def people_names() -> tuple[str, ...]:
    """Return what the corpora are called that come with the project."""
    folders = sorted((data_root() / "recordings").glob(f"{NAME}-*"))
    return NAME, *(f"{NAME}/{folder.name.removeprefix(f'{NAME}-')}" for folder in folders)


def people_corpus(cache_dir: Path, progress: Progress, name: str = NAME) -> Corpus:
    """Import the clips, or find them imported.

    Args:
        cache_dir: Where corpora are kept.
        progress: Told after each clip.
        name: One of `people_names`.

    Raises:
        InputError: A clip is missing or damaged.
    """
    language = name.partition("/")[2] or "en"
    folder = data_root() / "recordings" / name.replace("/", "-")
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    out = cache_dir / f"{folder.name}-{digest.hexdigest()[:24]}"
    try:
        return load_manifest(out / MANIFEST)
    except InputError:  # not imported yet, or somebody cleared a part of the cache
        sources = find_sources(folder, "folder", transcripts=folder / f"{NAME}.tsv")
        options = ImportOptions(language=language)
        return import_recordings(sources, out, options, progress).corpus
