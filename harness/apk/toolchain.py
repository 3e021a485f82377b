"""The programs that make an APK: a JDK and Maven, and Android's own tools from Debian or an SDK."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, InputError

_DEBIAN = {
    "javac": "openjdk-17-jdk-headless",
    "java": "openjdk-17-jdk-headless",
    "keytool": "openjdk-17-jre-headless",
    "mvn": "maven",
    "aapt2": "aapt",
    "zipalign": "zipalign",
    "apksigner": "apksigner",
}
_SAID = 2000
_TIMEOUT_S = 900


class BuildError(HarnessError):
    """A tool failed."""


@dataclass(frozen=True)
class Toolchain:
    """Where each tool lies."""

    tools: Mapping[str, str]
    """Name -> path, of those in ``_DEBIAN`` that were found."""

    def path(self, name: str) -> str:
        """Return a tool's path.

        Raises:
            InputError: It is not there; says what to install.
        """
        self.require([name])
        return self.tools[name]

    def require(self, names: Sequence[str]) -> None:
        """Check that all of these are there.

        Raises:
            InputError: Names all that are missing at once, and the Debian packages that have them.
        """
        missing = [name for name in names if name not in self.tools]
        if missing:
            packages = " ".join(sorted({_DEBIAN[name] for name in missing}))
            raise InputError(
                f"cannot build an APK without {', '.join(missing)}",
                where="PATH",
                hint=f"On Debian: apt install {packages}. Or point ANDROID_HOME to an Android SDK "
                "with build-tools (and have a JDK and Maven).",
            )

    def run(self, name: str, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Run a tool and return what it printed.

        Raises:
            InputError: It is not there.
            BuildError: It failed; the end of what it said is in the message.
        """
        command = [self.path(name), *map(str, arguments)]
        process = subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
        )
        if process.returncode != 0:
            output = (process.stdout + process.stderr).strip()
            raise BuildError(f"{name} failed ({process.returncode}):\n{output[-_SAID:]}")
        return process.stdout


def find_toolchain(environment: Mapping[str, str] = os.environ) -> Toolchain:
    """Look for all tools: in ``ANDROID_HOME``'s newest build-tools, then on ``PATH``."""
    path = environment.get("PATH", "")
    home = environment.get("ANDROID_HOME")
    if home:
        newest = _newest(Path(home) / "build-tools")
        path = os.pathsep.join([str(newest), path]) if newest else path
    paths = {name: shutil.which(name, path=path) for name in _DEBIAN}
    return Toolchain({name: where for name, where in paths.items() if where})


def _newest(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    versions = [path for path in folder.iterdir() if re.fullmatch(r"[0-9.]+", path.name)]
    return max(versions, key=lambda path: [int(n) for n in path.name.split(".")], default=None)
