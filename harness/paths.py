"""Where data lies: what ships with the project, and device profiles and scenarios of one's own.

The order in which profiles and scenarios are looked for; the first of a name is used:

1. ``./device_profiles`` and ``./scenarios`` where the command is started,
2. the same in each folder of ``MOBILEASR_LAB_PATH`` (separated as in ``PATH``),
3. the same in ``$XDG_CONFIG_HOME/mobileasr-lab`` (``~/.config/mobileasr-lab``),
4. what ships with the project.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """Return the folder of ``apk``, ``device_profiles``, ``models``, ``recordings`` and so on.

    A checkout has them beside the package; an installed wheel has them in ``harness/_data``.
    """
    return _PACKAGE.parent if in_checkout() else _PACKAGE / "_data"


def in_checkout() -> bool:
    """Say whether the package lies in a checkout of the project, and not installed from a wheel."""
    return not (_PACKAGE / "_data").is_dir() and (_PACKAGE.parent / "device_profiles").is_dir()


def cache_root() -> Path:
    """Return the folder for what can be made again (synthetic speech, farms' roots)."""
    base = os.environ.get("MOBILEASR_LAB_CACHE")
    if base:
        return Path(base)
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "mobileasr-lab"


def search_folders(kind: str) -> tuple[Path, ...]:
    """Return the folders of a kind that there are, in the order in which they count.

    Args:
        kind: ``device_profiles``, ``device_profiles/vendors`` or ``scenarios``.
    """
    named = os.environ.get("MOBILEASR_LAB_PATH", "").split(os.pathsep)
    xdg = os.environ.get("XDG_CONFIG_HOME")
    config = (Path(xdg) if xdg else Path.home() / ".config") / "mobileasr-lab"
    bases = (Path.cwd(), *(Path(text).expanduser() for text in named if text), config, data_root())
    written = {(base / kind).resolve(): base / kind for base in reversed(bases)}
    ordered = [(base / kind).resolve() for base in bases]
    return tuple(written[folder] for folder in dict.fromkeys(ordered) if folder.is_dir())


def named_files(kind: str, *, inner: bool = False) -> dict[str, tuple[Path, ...]]:
    """Return the YAML files of a kind by name, those that count first; names are sorted.

    Args:
        kind: As in `search_folders`.
        inner: Also those in folders inside: ``paper/table1``.
    """
    files: dict[str, list[Path]] = {}
    for folder in search_folders(kind):
        for path in sorted(folder.rglob("*.yaml") if inner else folder.glob("*.yaml")):
            name = path.relative_to(folder).with_suffix("").as_posix()
            files.setdefault(name, []).append(path)
    return {name: tuple(files[name]) for name in sorted(files)}


def shadowed(kind: str) -> list[str]:
    """Return in words which files are not used since another of their name counts first."""
    return [
        f"{kind.replace('_', ' ').removesuffix('s')} {name}: {paths[0]} is used, not {other}"
        for name, paths in named_files(kind).items()
        for other in paths[1:]
    ]
