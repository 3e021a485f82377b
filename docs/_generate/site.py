"""Builds the documentation site with Zensical: ``python -m docs._generate.site [serve]``.

Zensical reads ``mkdocs.yml`` and calls nobody while it builds. So the pages are laid out in a
folder of their own first, those that are made from the code among them: they are made at each build
and not kept in the repository, so they can't be out of date.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from docs._generate import commands_page, profile_page, results_page, scenario_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CONFIG = ROOT / "mkdocs.yml"


def pages() -> dict[str, bytes]:
    """Return every file of the site's sources: path below ``docs`` -> content."""
    written = {
        path.relative_to(DOCS).as_posix(): path.read_bytes()
        for path in sorted(DOCS.rglob("*"))
        if path.is_file() and path.relative_to(DOCS).parts[0] != "_generate"
    }
    copied = {
        "architecture.md": (ROOT / "ARCHITECTURE.md").read_bytes(),
        "contributing.md": (ROOT / "CONTRIBUTING.md").read_bytes(),
    }
    return {**written, **_made(), **copied}


@cache
def _made() -> Mapping[str, bytes]:
    """Return the pages of the code, once a process: it runs the code that it has read."""
    made = {
        "reference/scenario.md": scenario_page.page(),
        "reference/results.md": results_page.page(),
        "reference/profile.md": profile_page.page(),
        "reference/commands.md": commands_page.page(),
    }
    return {path: text.encode() for path, text in made.items()}


def unreachable(sources: dict[str, bytes]) -> list[str]:
    """Return the pages that no navigation leads to: Zensical doesn't look for them."""
    config = yaml.safe_load(CONFIG.read_text("utf-8"))
    named = set(_named(config["nav"]))
    return [path for path in sources if path.endswith(".md") and path not in named]


def _named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
        return
    for entry in nav.values() if isinstance(nav, dict) else nav:
        yield from _named(entry)


def lay_out(folder: Path) -> None:
    """Write the sources below ``folder``; a file that is there with this content is left alone."""
    for path, content in {
        "mkdocs.yml": CONFIG.read_bytes(),
        **{f"docs/{path}": content for path, content in pages().items()},
    }.items():
        target = folder / path
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _zensical(*words: str) -> list[str]:
    return [sys.executable, "-m", "zensical", *words]


def build(out: Path) -> int:
    """Build the site into ``out``, in place of what is there; return the exit code.

    A link that leads nowhere is an error, and so is a page that no navigation leads to.
    """
    lost = unreachable(pages())
    if lost:
        print(f"no navigation of mkdocs.yml leads to {', '.join(lost)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        done = subprocess.run(_zensical("build", "--strict"), cwd=folder, check=False)
        if done.returncode == 0:
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(Path(folder) / "site", out)
    return done.returncode


def serve() -> int:
    """Serve the site until Ctrl-C; what changes in ``docs`` is built again."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        server = subprocess.Popen(_zensical("serve"), cwd=folder)
        try:
            while server.poll() is None:
                time.sleep(1)
                lay_out(Path(folder))
        except KeyboardInterrupt:
            server.terminate()
        return server.wait()


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="docs._generate.site")
    parser.add_argument("action", nargs="?", choices=("build", "serve"), default="build")
    parser.add_argument("--out", type=Path, default=ROOT / "site")
    given = parser.parse_args()
    return serve() if given.action == "serve" else build(given.out)


if __name__ == "__main__":
    sys.exit(main())
