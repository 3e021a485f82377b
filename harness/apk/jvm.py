"""The Java trainer on a JVM of this host: built when its sources are newer, as a command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filelock

from harness.apk.build import apk_sources
from harness.apk.toolchain import Toolchain

_HEAP = "-Xmx256m"
_SETTINGS = Path("/etc")


@dataclass(frozen=True)
class JavaTrainer:
    """How to start it.

    Attributes:
        command: Without its job.
        folders: Of this host, that it must see.
    """

    command: tuple[str, ...]
    folders: tuple[Path, ...]


def java_trainer(
    toolchain: Toolchain, *, say: Callable[[str], None] = lambda _: None
) -> JavaTrainer:
    """Return the Java trainer, built by Maven if it is not there or older than its sources.

    Raises:
        InputError: The sources, a JDK or Maven are not there; says what to install.
        BuildError: Maven failed.
    """
    sources = apk_sources()
    toolchain.require(("javac", "java", "mvn"))
    target = sources / "jvm" / "target"
    with filelock.FileLock(sources / ".build.lock"):
        jar = _jar(target)
        if jar is None or jar.stat().st_mtime < _newest_source(sources):
            say("building the Java trainer")
            toolchain.run("mvn", "-B", "-q", "-DskipTests", "package", cwd=sources)
            jar = _jar(target)
    assert jar is not None, "Maven made no jar"
    java = Path(toolchain.path("java")).resolve()
    # Debian keeps a JDK's settings in /etc, and links to them
    settings = _SETTINGS.glob(f"{java.parent.parent.name.rsplit('-', 1)[0]}*")
    folders = [java.parent.parent, target, *(folder for folder in settings if folder.is_dir())]
    return JavaTrainer(
        (str(java), _HEAP, "-jar", str(jar)), tuple(folder for folder in folders if folder.is_dir())
    )


def _jar(target: Path) -> Path | None:
    return max(target.glob("jvm-*.jar"), key=lambda jar: jar.stat().st_mtime, default=None)


def _newest_source(sources: Path) -> float:
    folders = [sources / module / "src" / "main" for module in ("core", "jvm")]
    files = [file for folder in folders for file in folder.rglob("*.java")]
    files += [sources / "pom.xml", *(sources / m / "pom.xml" for m in ("core", "jvm"))]
    return max(file.stat().st_mtime for file in files)


def environment(trainer: JavaTrainer) -> dict[str, str]:
    """Return the variables by which virtual phones run it (see `harness.virtual`)."""
    return {
        "MOBILEASR_TRAINER_COMMAND": shlex.join(trainer.command),
        "MOBILEASR_TRAINER_FOLDERS": os.pathsep.join(map(str, trainer.folders)),
    }
