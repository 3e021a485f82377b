"""``pm`` and ``cmd package``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.call import Call
from harness.virtual.system.dump_package import FEATURES, LIBRARIES, PackageDump
from harness.virtual.system.installer import Installer
from harness.virtual.system.options import words_of
from harness.virtual.system.packages import Package
from harness.virtual.system.permissions import CHANGEABLE, GROUPS, RUNTIME
from harness.virtual.system.pm_resolving import PackageResolving
from harness.virtual.system.service import Answers, System

_LIST_FLAGS = frozenset(
    """
    -3 -U -a -d -e -f -i -l -s -u --apex-only --factory-only --match-libraries --show-versioncode
    --uid --user
    """.split()  # noqa: SIM905 - a table of words
)
_ANSWERS = {
    "bg-dexopt-job": "Success",
    "dump-profiles": "",
    "force-dex-opt": "",
    "get-install-location": "0[auto]",
    "get-max-running-users": "Maximum supported running users: 4",
    "get-max-users": "Maximum supported users: 4",
    "reset-permissions": "",
    "set-install-location": "",
    "set-installer": "",
    "snapshot-profile": "",
    "trim-caches": "",
}
"""Commands that always say the same."""


class PackageCommands:
    """The commands of the package manager.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._registry = system.packages
        self._end_package = system.end_package
        self._tasks = system.get(ActivityCommands).tasks
        self._package_dump = system.get(PackageDump).dump
        self._installer = Installer(system)
        self._resolving = PackageResolving(system)
        self.answers = Answers(
            commands={"pm": self.run, "run-as": self.run_as},
            cmd={"package": lambda call, _: self.run(call)},
        )

    def run(self, call: Call) -> int:
        """Carry out one ``pm`` command (``call.args[0]`` is its name)."""
        name, *args = call.args
        known: dict[str, Callable[[Call, list[str]], int]] = {
            "list": self._list,
            "path": self._path,
            "dump": self._dump,
            "install": self._installer.install,
            "install-create": self._installer.create,
            "install-write": self._installer.write,
            "install-commit": self._installer.commit,
            "install-abandon": self._installer.abandon,
            "install-existing": self._existing,
            "uninstall": self._uninstall,
            "grant": self._grant,
            "revoke": self._grant,
            "clear": self._clear,
            "compile": self._compile,
            "default-state": self._enable,
            "disable": self._enable,
            "disable-user": self._enable,
            "enable": self._enable,
            "has-feature": self._has_feature,
            "query-activities": self._resolving.query,
            "resolve-activity": self._resolving.resolve,
        }
        command = known.get(name)
        if command is not None:
            return command(call, args)
        if name in _ANSWERS:
            if _ANSWERS[name]:
                call.print(_ANSWERS[name])
            return 0
        return call.unknown(name)

    def _list(self, call: Call, args: list[str]) -> int:
        what, *rest = args or [""]
        lists: dict[str, Iterable[str]] = {
            "features": [f"feature:{name}" for name in FEATURES],
            "instrumentation": [],
            "libraries": [f"library:{name}" for name in LIBRARIES],
            "permission-groups": [f"permission group:android.permission-group.{g}" for g in GROUPS],
            "permissions": ["All Permissions:", "",
                            *(f"permission:{name}" for name in sorted(RUNTIME))],
            "users": ["Users:", "\tUserInfo{0:Owner:c13} running"],
        }  # fmt: skip
        if what in ("package", "packages"):
            return self._list_packages(call, rest)
        if what not in lists:
            call.print(f"Error: unknown list type '{what}'")
            return 255
        for line in lists[what]:
            call.print(line)
        return 0

    def _list_packages(self, call: Call, args: list[str]) -> int:
        flags = {a for a in args if a.startswith("-")}
        unknown = sorted(flags - _LIST_FLAGS)
        if unknown:
            call.error(f"Error: Unknown option: {unknown[0]}")
            return 255
        words = words_of(args, frozenset({"--uid", "--user"}))
        uid = int(args[args.index("--uid") + 1]) if "--uid" in args[:-1] else None
        for package in [] if "--apex-only" in flags else self._registry:
            if ("-3" in flags and package.system) or ("-s" in flags and not package.system):
                continue
            if ("-d" in flags and package.enabled) or ("-e" in flags and not package.enabled):
                continue
            if any(word not in package.name for word in words) or uid not in (None, package.uid):
                continue
            line = f"package:{package.path + '=' if '-f' in flags else ''}{package.name}"
            if "--show-versioncode" in flags:
                line += f" versionCode:{package.version_code}"
            if "-i" in flags:
                line += "  installer=null"
            if "-U" in flags or uid is not None:
                line += f" uid:{package.uid}"
            call.print(line)
        return 0

    def _dump(self, call: Call, args: list[str]) -> int:
        call.print("DUMP OF SERVICE package:")
        return self._package_dump(call, args)

    def _existing(self, call: Call, args: list[str]) -> int:
        package = self._package(args)
        if package is None:
            call.error("android.content.pm.PackageManager$NameNotFoundException: Package "
                       f"{' '.join(args[-1:])} doesn't exist")  # fmt: skip
            return 1
        call.print(f"Package {package.name} installed for user: 0")
        return 0

    @staticmethod
    def _has_feature(call: Call, args: list[str]) -> int:
        there = args[:1] != [] and args[0] in FEATURES
        call.print("true" if there else "false")
        return 0 if there else 1

    def _compile(self, call: Call, args: list[str]) -> int:
        """Say what a phone says; there's no code here that could be compiled."""
        names = words_of(args, frozenset({"-m", "-r", "--check-prof", "--split"}))
        if names and self._registry.get(names[-1]) is None:
            call.print(f"Failure: package {names[-1]} could not be compiled")
            return 1
        call.print("Success")
        return 0

    def _enable(self, call: Call, args: list[str]) -> int:
        verb = call.args[0]
        name = (words_of(args, frozenset({"--user"})) or [""])[0].partition("/")[0]
        if self._registry.get(name) is None:
            call.error(f"\nException occurred while executing '{verb}':\n"
                       f"java.lang.IllegalArgumentException: Unknown package: {name}")  # fmt: skip
            return 255
        if verb == "disable":  # the shell may disable for a user only
            call.error(f"\nException occurred while executing '{verb}':\n"
                       "java.lang.SecurityException: Shell cannot change component state for "
                       f"{name} to 2")  # fmt: skip
            return 255
        state = {"enable": "enabled", "disable-user": "disabled-user"}.get(verb, "default")
        self._registry.enable(name, enabled=verb != "disable-user")
        if verb == "disable-user":
            self._end_package(name, f"stop {name} due to package disabled")
        call.print(f"Package {name} new state: {state}")
        return 0

    def _path(self, call: Call, args: list[str]) -> int:
        package = self._package(args)
        if package is None:
            return 1
        for path in (package.path, *package.splits):
            call.print(f"package:{path}")
        return 0

    def _package(self, args: list[str]) -> Package | None:
        names = words_of(args, frozenset({"--user"}))
        return self._registry.get(names[0]) if names else None

    def _uninstall(self, call: Call, args: list[str]) -> int:
        names = words_of(args, frozenset({"--user", "--versionCode"}))
        if not names:
            call.error("Error: package name not specified")
            return 1
        self._end_package(names[0], "uninstall pkg")
        if self._registry.uninstall(names[0]):
            self._tasks.forget(names[0])
            call.print("Success")
            return 0
        known = self._registry.get(names[0]) is not None
        call.print(
            "Failure [DELETE_FAILED_INTERNAL_ERROR]" if known else "Failure [not installed for 0]"
        )
        return 1

    def _grant(self, call: Call, args: list[str]) -> int:
        names = words_of(args, frozenset({"--user"}))
        if len(names) != 2:
            call.error("Error: no package or permission specified")
            return 1
        name, permission = names
        package = self._registry.get(name)
        trouble = ""
        if package is None:
            trouble = f"java.lang.IllegalArgumentException: Unknown package: {name}"
        elif permission not in package.permissions:
            trouble = (f"java.lang.SecurityException: Package {name} has not requested permission "
                       f"{permission}")  # fmt: skip
        elif permission not in RUNTIME | CHANGEABLE:
            trouble = (f"java.lang.SecurityException: Permission {permission} requested by {name} "
                       "is not a changeable permission type")  # fmt: skip
        if trouble:
            call.error(f"\nException occurred while executing '{call.args[0]}':\n{trouble}")
            return 255
        self._registry.grant(name, permission, granted=call.args[0] == "grant")
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
