"""``pm install`` and its sessions."""

from __future__ import annotations

import itertools
from pathlib import Path

from harness.virtual.system.call import Call
from harness.virtual.system.options import words_of
from harness.virtual.system.packages import InstallError
from harness.virtual.system.service import System

_INSTALL_WITH_VALUE = frozenset(
    {"-S", "-i", "-p", "--user", "--abi", "--install-location", "--pkg", "--install-reason",
     "--installer", "--originating-uri", "--referrer"}
)  # fmt: skip


class Installer:
    """The commands that bring a package onto the phone.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._registry = system.packages
        self._end_package = system.end_package
        self._sessions: dict[int, tuple[list[str], list[Path]]] = {}
        self._session_numbers = itertools.count(1207351)

    def install(self, call: Call, args: list[str]) -> int:
        """Carry out ``install``, of a stream or of files of the phone."""
        if call.stdin is not None:
            return self._install_files(call, args, [call.stdin])
        names = words_of(args, _INSTALL_WITH_VALUE)
        files = [self._host_file(call, name) for name in names]
        if not names:
            call.error("Error: must either specify a package size or an APK file")
            return 1
        for name, file in zip(names, files, strict=True):
            if file is None:
                call.error(f"Error: Unable to open file: {name}")
                return 1
        return self._install_files(call, args, [file for file in files if file is not None])

    def _install_files(self, call: Call, args: list[str], files: list[Path]) -> int:
        try:
            # since Android 9 an installed package is replaced unless -R forbids it
            package = self._registry.install(
                files,
                replace_existing="-R" not in args,
                downgrade="-d" in args,
                test_only="-t" in args,
            )
        except InstallError as error:
            call.print(f"Failure {error}")
            return 1
        if "-g" in args:
            for permission in package.permissions:
                self._registry.grant(package.name, permission, granted=True)
        self._end_package(package.name, "installPackageLI")
        call.print("Success")
        return 0

    def _host_file(self, call: Call, name: str) -> Path | None:
        try:
            host = self._root.host_path(call.absolute(name))
        except OSError:
            return None
        return host if host.is_file() else None

    def create(self, call: Call, args: list[str]) -> int:
        """Carry out ``install-create``."""
        number = next(self._session_numbers)
        self._sessions[number] = (args, [])
        call.print(f"Success: created install session [{number}]")
        return 0

    def write(self, call: Call, args: list[str]) -> int:
        """Carry out ``install-write``."""
        words = words_of(args, _INSTALL_WITH_VALUE)
        session = self._session(words)
        if session is None:
            call.error("Error: no such session")
            return 1
        source = call.stdin
        if source is None and len(words) > 2 and words[2] != "-":
            source = self._host_file(call, words[2])
        if source is None:
            call.error("Error: nothing to write")
            return 1
        session_apk = (
            self._root.root_dir / "data/system" / f"session-{words[0]}-{len(session[1])}.apk"
        )
        session_apk.write_bytes(source.read_bytes())
        session[1].append(session_apk)
        call.print(f"Success: streamed {session_apk.stat().st_size} bytes")
        return 0

    def commit(self, call: Call, args: list[str]) -> int:
        """Carry out ``install-commit``."""
        words = words_of(args, _INSTALL_WITH_VALUE)
        session = self._session(words)
        if session is None or not session[1]:
            call.error("Error: no such session")
            return 1
        code = self._install_files(call, session[0], session[1])
        self._forget(int(words[0]))
        return code

    def abandon(self, call: Call, args: list[str]) -> int:
        """Carry out ``install-abandon``."""
        words = words_of(args, _INSTALL_WITH_VALUE)
        if self._session(words) is None:
            call.error("Error: no such session")
            return 1
        self._forget(int(words[0]))
        call.print("Success")
        return 0

    def _session(self, words: list[str]) -> tuple[list[str], list[Path]] | None:
        return self._sessions.get(int(words[0])) if words and words[0].isdigit() else None

    def _forget(self, number: int) -> None:
        for file in self._sessions.pop(number)[1]:
            file.unlink(missing_ok=True)
