"""``dumpsys package`` and the lists of ``pm`` that are about the phone and not about a package."""

from __future__ import annotations

import time
from collections.abc import Iterable

from harness.virtual.properties import host_abi
from harness.virtual.system.call import Call
from harness.virtual.system.packages import LAUNCHER, Package
from harness.virtual.system.permissions import RUNTIME
from harness.virtual.system.resolving import HOME_CATEGORY, LAUNCHER_CATEGORY, MAIN
from harness.virtual.system.service import Answers, System
from harness.virtual.system.tasks import record_id

FEATURES = (
    "android.hardware.audio.output",
    "android.hardware.bluetooth",
    "android.hardware.faketouch",
    "android.hardware.microphone",
    "android.hardware.ram.normal",
    "android.hardware.screen.landscape",
    "android.hardware.screen.portrait",
    "android.hardware.touchscreen",
    "android.hardware.touchscreen.multitouch",
    "android.hardware.usb.accessory",
    "android.hardware.usb.host",
    "android.hardware.wifi",
    "android.software.app_widgets",
    "android.software.backup",
    "android.software.home_screen",
    "android.software.input_methods",
    "android.software.webview",
)
LIBRARIES = ("android.test.base", "android.test.mock", "android.test.runner", "javax.obex",
             "org.apache.http.legacy")  # fmt: skip


class PackageDump:
    """The dump.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._packages = system.packages
        self._sdk = system.sdk
        self.answers = Answers(dumps={"package": self.dump})

    def dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys package [WHAT]``. Source: AOSP ``PackageManagerService.dump``."""
        names = [arg for arg in args if not arg.startswith("-")]
        name = names[0] if names else ""
        if name in ("f", "features"):
            call.print("Features:\n" + _indented(FEATURES))
        elif name in ("l", "libraries"):
            call.print("Libraries:\n" + _indented(f"{each} -> (jar) /system/framework/{each}.jar"
                                                  for each in LIBRARIES))  # fmt: skip
        elif name in ("perm", "permissions"):
            call.print("Permissions:\n" + _indented(
                f"Permission [{each}] ({record_id(each)}):\n    sourcePackage=android\n"
                "    prot=dangerous" for each in sorted(RUNTIME)))  # fmt: skip
        elif name in ("r", "resolvers"):
            self._resolvers(call, self._packages)
        elif name in ("", "p", "packages"):
            if not name:
                self._resolvers(call, self._packages)
            self._list(call, self._packages)
        else:
            package = self._packages.get(name)
            if package is None:
                call.print(f"Unable to find package: {name}")
                return 0
            self._resolvers(call, [package])
            self._list(call, [package])
        return 0

    @staticmethod
    def _resolvers(call: Call, packages: Iterable[Package]) -> None:
        able = [package for package in packages if package.launcher]
        if not able:
            return
        call.print(f"Activity Resolver Table:\n  Non-Data Actions:\n      {MAIN}:")
        for package in able:
            call.print(f"        {record_id(package.main)} {package.main} filter "
                       f"{record_id(package.name)}\n          Action: \"{MAIN}\"\n"
                       f"          Category: \"{_category(package)}\"")  # fmt: skip
        call.print()

    def _list(self, call: Call, packages: Iterable[Package]) -> None:
        call.print("Packages:")
        for package in packages:
            for line in self._lines(package):
                call.print(line)

    def _lines(self, package: Package) -> list[str]:
        flags = "HAS_CODE" if package.confined else "HAS_CODE ALLOW_CLEAR_USER_DATA"
        flags = f"SYSTEM {flags}" if package.system else flags
        flags = f"DEBUGGABLE {flags}" if package.debuggable else flags
        folder = package.path.rpartition("/")[0]
        splits = [path.rpartition("/")[2].removeprefix("split_").removesuffix(".apk")
                  for path in package.splits]  # fmt: skip
        runtime = [each for each in package.permissions if each in RUNTIME]
        runtime += sorted(package.granted - set(runtime))
        fixed = [each for each in package.permissions if each not in RUNTIME]
        return [
            f"  Package [{package.name}] ({record_id(package.path)}):",
            f"    {'appId' if self._sdk >= 34 else 'userId'}={package.uid}",
            f"    pkg=Package{{{record_id(package.name)} {package.name}}}",
            f"    codePath={folder}",
            f"    resourcePath={folder}",
            f"    legacyNativeLibraryDir={folder}/lib",
            f"    primaryCpuAbi={host_abi()}",
            "    secondaryCpuAbi=null",
            f"    versionCode={package.version_code} minSdk={package.min_sdk} "
            f"targetSdk={package.target_sdk}",
            f"    versionName={package.version_name}",
            f"    splits=[{', '.join(['base', *splits])}]",
            f"    flags=[ {flags} ]",
            f"    dataDir=/data/user/0/{package.name}",
            f"    timeStamp={_when(package.updated)}",
            f"    firstInstallTime={_when(package.installed)}",
            f"    lastUpdateTime={_when(package.updated)}",
            "    installerPackageName=null",
            f"    pkgFlags=[ {flags} ]",
            "    requested permissions:",
            *(f"      {name}" for name in package.permissions),
            "    install permissions:",
            *(f"      {name}: granted=true" for name in fixed),
            "    User 0: ceDataInode=1 installed=true hidden=false suspended=false stopped=false "
            f"notLaunched=false enabled={0 if package.enabled else 3} instant=false virtual=false",
            "      gids=[3003]",
            "      runtime permissions:",
            *(f"        {name}: granted={'true' if name in package.granted else 'false'}, "
              "flags=[ USER_SENSITIVE_WHEN_GRANTED ]" for name in runtime),
        ]  # fmt: skip


def _category(package: Package) -> str:
    return HOME_CATEGORY if package.name == LAUNCHER else LAUNCHER_CATEGORY


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
