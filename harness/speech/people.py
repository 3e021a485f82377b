"""People who read a few sentences: a corpus that comes with the project.

Compressed clips under open licences (``recordings/people/SOURCES.md``) are imported into a cache
like any recordings.
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


def people_corpus(cache_dir: Path, progress: Progress) -> Corpus:
    """Import the clips, or find them imported.

    Args:
        cache_dir: Where corpora are kept.
        progress: Told after each clip.

    Raises:
        InputError: A clip is missing or damaged.
    """
    folder = data_root() / "recordings" / NAME
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    out = cache_dir / f"{NAME}-{digest.hexdigest()[:24]}"
    try:
        return load_manifest(out / MANIFEST)
    except InputError:  # not imported yet, or somebody cleared a part of the cache
        sources = find_sources(folder, "folder", transcripts=folder / f"{NAME}.tsv")
        return import_recordings(sources, out, ImportOptions(), progress).corpus
