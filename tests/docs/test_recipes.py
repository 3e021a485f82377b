"""Each shipped baseline is made by commands that the pages have, one a training."""

from __future__ import annotations

import re

import pytest

from harness.paths import data_root
from harness.trainer.manifest import load_manifest, whole_lineage

DOCS = data_root() / "docs"
SIZES = {20: (120, 24), 60: (40, 8), 200: (12, 3)}
"""Italian sentences of a recipe -> epochs with CTC, and then with MinWER."""
FOLDERS = sorted(path.parent for path in (data_root() / "models").glob("*/manifest.json"))
MADE = [folder for folder in FOLDERS if load_manifest(folder).checkpoint is not None]
SAID = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md")))


def as_shown(command: str) -> str:
    """Return a command as the pages have it: not as loud, and a recipe of 60 sentences."""
    command = command.removesuffix(" -v")
    found = re.search(r"--utterances (20|60|200) --epochs (\d+)", command)
    if found is None or "train-batch" not in command:
        return command
    size, epochs = int(found[1]), int(found[2])
    which = SIZES[size].index(epochs)
    shown = command.replace(found[0], f"--utterances 60 --epochs {SIZES[60][which]}")
    return re.sub(rf"(it-[a-z])-{size}\b", r"\1-60", shown)


@pytest.mark.parametrize("folder", MADE, ids=lambda folder: folder.name)
def test_the_pages_have_its_commands(folder):
    for stage in whole_lineage(load_manifest(folder), folder):
        assert as_shown(stage.command) in SAID, stage.command
