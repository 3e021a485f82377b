"""``pm resolve-activity`` and ``query-activities``."""

from __future__ import annotations

from harness.virtual.system.call import Call
from harness.virtual.system.intent import IntentError, parse_intent
from harness.virtual.system.resolving import candidates, resolve
from harness.virtual.system.service import System
from harness.virtual.system.tasks import full_component

_MATCH = "priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true"


class PackageResolving:
    """The two commands.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._registry = system.packages

    def resolve(self, call: Call, args: list[str]) -> int:
        """Carry out ``resolve-activity``; a name alone is a package whose icon is pressed."""
        try:
            component = resolve(self._registry, parse_intent(_intent_words(args)))
        except IntentError as error:
            call.error(f"Error: {error}")
            return 255
        if component is None:
            call.print("No activity found")
        else:
            self._resolved(call, args, component, "")
        return 0

    def query(self, call: Call, args: list[str]) -> int:
        """Carry out ``query-activities``."""
        try:
            intent = parse_intent(_intent_words(args))
        except IntentError as error:
            call.error(f"Error: {error}")
            return 255
        if intent.component:
            component = resolve(self._registry, intent)
            found = [component] if component else []
        else:
            found = [package.main for package in candidates(self._registry, intent)]
        if not found:
            call.print("No activities found")
            return 0
        call.print(f"{len(found)} activities found:")
        for number, component in enumerate(found):
            call.print(f"  Activity #{number}:")
            self._resolved(call, args, component, "    ")
        return 0

    def _resolved(self, call: Call, args: list[str], component: str, indent: str) -> None:
        name, _, full = full_component(component).partition("/")
        lines = [] if "--components" in args else [_MATCH]
        if "--brief" in args or "--components" in args:
            lines.append(component)
        else:
            package = self._registry.get(name)
            path = package.path if package else ""
            lines += ["ActivityInfo:", f"  name={full}", f"  packageName={name}",
                      "  enabled=true exported=true directBootAware=false",
                      f"  taskAffinity={name} targetActivity=null",
                      "  ApplicationInfo:", f"    packageName={name}", f"    processName={name}",
                      f"    sourceDir={path}", f"    dataDir=/data/user/0/{name}"]  # fmt: skip
        for line in lines:
            call.print(f"{indent}{line}")


def _intent_words(args: list[str]) -> list[str]:
    """Return the words of an intent, without options of the package manager."""
    own = ("--brief", "--components")
    return [arg for arg in args if arg not in own]
