"""The repository is whole: what its files name is in it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = re.compile(r"(?<![\w./-])(?:[\w.-]+/)*[\w.-]+\.md\b")
OUTSIDE = re.compile(
    r"\bDESIGN \d|(?<![\w}$)-])(?:\.\./)+shared\b|(?<![\w/])shared/|[\"']shared[\"'/] ?/"
)
MADE_BY_THE_BUILD = re.compile(r"(?:\.\./)*reference/|(?:architecture|contributing)\.md$")
"""Pages that ``docs/_generate`` makes; the build of the site looks after those."""
OF_OTHERS = {"packages/modules/adb/docs/dev/services.md", "label.md", "lost.md", "nowhere.md"}
"""A page of AOSP; names in tests of what happens to pages."""
WRITTEN_BY_TOOLS = {".git", ".venv", "site", "node_modules", "target", "runs", "__pycache__"}


def texts() -> Iterator[tuple[Path, str]]:
    """The files of the repository that are text, but for this one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # an unpacked archive
        paths = [
            p for p in ROOT.rglob("*") if not WRITTEN_BY_TOOLS & set(p.relative_to(ROOT).parts)
        ]
    for path in paths:
        if path == Path(__file__) or not path.is_file():
            continue
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def exists(page: str, named_in: Path) -> bool:
    """Whether a page is there: from the root, from the file that names it, or in ``docs``."""
    if page in OF_OTHERS or MADE_BY_THE_BUILD.match(page):
        return True
    return any((folder / page).is_file() for folder in (ROOT, named_in.parent, ROOT / "docs"))


def test_every_page_that_is_named_is_here() -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {page}"
        for path, text in texts()
        for page in PAGE.findall(text)
        if not exists(page, path)
    }
    assert not missing


def test_nothing_names_a_file_outside() -> None:
    outside = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts()
        for match in OUTSIDE.finditer(text)
    }
    assert not outside
