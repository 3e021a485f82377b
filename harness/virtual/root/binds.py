"""Which folders of the host a phone with its own root must see for Python to run on it."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import harness

FOLDERS_VARIABLE = "MOBILEASR_TRAINER_FOLDERS"
"""Names folders (as PATH does) that another trainer than Python's needs of the host."""

# Lent to every phone anyway (see inside.py).
_SYSTEM = tuple(Path(path) for path in ("/usr", "/lib", "/lib32", "/lib64", "/nix"))
_MOST_LINKS = 40


def lent_folders(root: Path, programs: Iterable[Path]) -> list[str]:
    """Return the folders of this interpreter, its packages and the phone's tools, outermost first.

    They are shown at the same paths, since a virtual environment holds absolute ones.

    Args:
        root: The phone's folder; nothing above it is lent.
        programs: Its shell and tools, as links lead to them: they may be of a conda or a home.
    """
    wanted = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.exec_prefix),
        Path(harness.__file__).parent,
        *_executable_folders(),
        *_editable_folders(root),
        *_program_folders(tuple(programs)),
        *(Path(each) for each in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if each),
    }
    wanted |= {path.resolve() for path in wanted}
    chosen: list[Path] = []
    for path in sorted(wanted, key=lambda path: (len(path.parts), str(path))):
        covered = any(path == above or above in path.parents for above in (*_SYSTEM, *chosen))
        if not covered and path.is_dir() and path != Path("/") and path not in root.parents:
            chosen.append(path)
    return [str(path) for path in chosen]


@functools.cache
def _program_folders(programs: tuple[Path, ...]) -> frozenset[Path]:
    """Return the folders of some programs and of what they are links to.

    There are a hundred, the same for all phones: looked up once, not at each start of a phone.
    """
    return frozenset(path.parent for program in programs for path in (program, program.resolve()))


def _executable_folders() -> set[Path]:
    """Return the folder of each link from ``python`` to the real binary."""
    folders: set[Path] = set()
    path = Path(sys.executable)
    for _ in range(_MOST_LINKS):
        folders.add(path.parent)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return folders


def _editable_folders(root: Path) -> set[Path]:
    """Return the folders named by .pth files, the harness's own left out.

    Its package folder is enough; around it lie repositories with everything else.
    """
    folders: set[Path] = set()
    own = Path(harness.__file__).parent.parent
    for key in ("purelib", "platlib"):
        for pth in Path(sysconfig.get_path(key)).glob("*.pth"):
            for line in pth.read_text(encoding="utf-8", errors="replace").splitlines():
                folder = Path(line.strip())
                if folder.is_absolute() and folder not in (own, root):
                    folders.add(folder)
    return folders
