"""``pm`` and ``cmd package``."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from harness.virtual.system.call import Call
from harness.virtual.system.packages import InstallError, Package
from harness.virtual.system.service import Answers, System

_INSTALL_WITH_VALUE = frozenset(
    {"-S", "-i", "-p", "--user", "--abi", "--install-location", "--pkg", "--install-reason",
     "--installer", "--originating-uri", "--referrer"}
)  # fmt: skip


class PackageCommands:
    """The commands of the package manager.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._registry = system.packages
        self._end_package = system.end_package
        self._sessions: dict[int, tuple[list[str], list[Path]]] = {}
        self._session_numbers = itertools.count(1207351)
        self.answers = Answers(
            commands={"pm": self.run, "run-as": self.run_as},
            cmd={"package": lambda call, _: self.run(call)},
        )

    def run(self, call: Call) -> int:
        """Carry out one ``pm`` command (``call.args[0]`` is its name)."""
        if not call.args:
            call.print("Package manager (package) commands:\n  help\n    Print this help text.")
            return 1
        name, *args = call.args
        known: dict[str, Callable[[Call, list[str]], int]] = {
            "list": self._list,
            "path": self._path,
            "install": self._install,
            "install-create": self._create,
            "install-write": self._write,
            "install-commit": self._commit,
            "install-abandon": self._abandon,
            "uninstall": self._uninstall,
            "grant": self._grant,
            "revoke": self._grant,
            "clear": self._clear,
            "resolve-activity": self._resolve,
        }
        command = known.get(name)
        if command is not None:
            return command(call, args)
        if name in ("enable", "disable", "disable-user", "trim-caches", "compile", "help"):
            return 0
        call.print(f"Unknown command: {name}")
        return 255

    def _list(self, call: Call, args: list[str]) -> int:
        what = args[0] if args else ""
        if what in ("package", "packages"):
            return self._list_packages(call, args[1:])
        if what == "users":
            call.print("Users:\n\tUserInfo{0:Owner:c13} running")
            return 0
        if what in ("features", "libraries", "permissions", "instrumentation"):
            return 0
        call.print(f"Error: unknown list type '{what}'")
        return 255

    def _list_packages(self, call: Call, args: list[str]) -> int:
        flags = {a for a in args if a.startswith("-")}
        words = [a for a in args if not a.startswith("-") and not a.isdigit()]
        for package in self._registry:
            if ("-3" in flags and package.system) or ("-s" in flags and not package.system):
                continue
            if words and not any(word in package.name for word in words):
                continue
            line = f"package:{package.path + '=' if '-f' in flags else ''}{package.name}"
            if "--show-versioncode" in flags:
                line += f" versionCode:{package.version_code}"
            if "-i" in flags:
                line += "  installer=null"
            if "-U" in flags:
                line += f" uid:{package.uid}"
            call.print(line)
        return 0

    def _path(self, call: Call, args: list[str]) -> int:
        package = self._package(args)
        if package is None:
            return 1
        for path in (package.path, *package.splits):
            call.print(f"package:{path}")
        return 0

    def _package(self, args: list[str]) -> Package | None:
        names = _words(args, frozenset({"--user"}))
        return self._registry.get(names[0]) if names else None

    def _install(self, call: Call, args: list[str]) -> int:
        if call.stdin is not None:
            return self._install_files(call, args, [call.stdin])
        names = _words(args, _INSTALL_WITH_VALUE)
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
        path = name if name.startswith("/") else f"{call.cwd}/{name}"
        try:
            host = self._root.host_path(path)
        except OSError:
            return None
        return host if host.is_file() else None

    def _create(self, call: Call, args: list[str]) -> int:
        number = next(self._session_numbers)
        self._sessions[number] = (args, [])
        call.print(f"Success: created install session [{number}]")
        return 0

    def _write(self, call: Call, args: list[str]) -> int:
        words = _words(args, _INSTALL_WITH_VALUE)
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

    def _commit(self, call: Call, args: list[str]) -> int:
        words = _words(args, _INSTALL_WITH_VALUE)
        session = self._session(words)
        if session is None or not session[1]:
            call.error("Error: no such session")
            return 1
        code = self._install_files(call, session[0], session[1])
        self._forget(int(words[0]))
        return code

    def _abandon(self, call: Call, args: list[str]) -> int:
        words = _words(args, _INSTALL_WITH_VALUE)
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

    def _uninstall(self, call: Call, args: list[str]) -> int:
        names = _words(args, frozenset({"--user", "--versionCode"}))
        if not names:
            call.error("Error: package name not specified")
            return 1
        self._end_package(names[0], "uninstall pkg")
        if self._registry.uninstall(names[0]):
            call.print("Success")
            return 0
        known = self._registry.get(names[0]) is not None
        call.print(
            "Failure [DELETE_FAILED_INTERNAL_ERROR]" if known else "Failure [not installed for 0]"
        )
        return 1

    def _grant(self, call: Call, args: list[str]) -> int:
        names = _words(args, frozenset({"--user"}))
        if len(names) != 2:
            call.error("Error: no package or permission specified")
            return 1
        try:
            self._registry.grant(names[0], names[1], granted=call.args[0] == "grant")
        except KeyError:
            call.error(f"Exception occurred while executing '{call.args[0]}':")
            call.error(f"java.lang.IllegalArgumentException: Unknown package: {names[0]}")
            return 255
        return 0

    def _clear(self, call: Call, args: list[str]) -> int:
        package = self._package(args)
        if package is None:
            call.print("Failed")
            return 1
        self._end_package(package.name, f"stop {package.name} due to clear data")
        self._registry.clear(package.name)
        call.print("Success")
        return 0

    def run_as(self, call: Call) -> int:
        """Answer ``run-as PACKAGE``: the folder in which the command will run."""
        name = call.args[0] if call.args else ""
        package = self._registry.get(name)
        if package is None or not package.debuggable:
            why = "unknown package" if package is None else "package not debuggable"
            call.error(f"run-as: {why}: {name}")
            return 1
        folder = self._registry.folder(name)
        call.print(self._root.process_path(self._root.phone_path(folder)))
        return 0

    def _resolve(self, call: Call, args: list[str]) -> int:
        package = self._package([a for a in args if not a.startswith("android.")])
        call.print(f"{package.name}/.Main" if package else "No activity found")
        return 0


def _words(args: list[str], with_value: frozenset[str]) -> list[str]:
    """Return the arguments that are no options and no values of options."""
    plain: list[str] = []
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg in with_value:
            skip = True
        elif arg == "-" or not arg.startswith("-"):
            plain.append(arg)
    return plain
