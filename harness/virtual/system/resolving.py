"""Which activity an intent starts (pure)."""

from __future__ import annotations

from harness.virtual.system.intent import Intent
from harness.virtual.system.packages import LAUNCHER, Package, PackageRegistry

MAIN, VIEW = "android.intent.action.MAIN", "android.intent.action.VIEW"
HOME_CATEGORY, LAUNCHER_CATEGORY = (
    "android.intent.category.HOME",
    "android.intent.category.LAUNCHER",
)
_SETTINGS = "android.settings."
_BROWSED = ("http:", "https:")


def resolve(packages: PackageRegistry, intent: Intent) -> str | None:
    """Return the activity as ``org.example/.Main``; None: there's none for that.

    Args:
        packages: What is installed.
        intent: What shall be started.
    """
    name, activity = intent.component_parts
    if name:
        package = packages.get(name)
        if package is None or not package.enabled or activity not in package.activities:
            return None
        return intent.short_component
    for package in candidates(packages, intent):
        return package.main
    return None


def candidates(packages: PackageRegistry, intent: Intent) -> list[Package]:
    """Return the packages whose main activity is for an intent without a component."""
    able = [package for package in packages if package.launcher and package.enabled]
    if intent.package:
        able = [package for package in able if package.name == intent.package]
    if HOME_CATEGORY in intent.categories:
        return [package for package in able if package.name == LAUNCHER]
    if LAUNCHER_CATEGORY in intent.categories:  # what the launcher shows, not itself
        able = [package for package in able if package.name != LAUNCHER]
    action, data = intent.action or "", intent.data or ""
    if action == VIEW and data:
        wanted = data.startswith(_BROWSED)
        return [package for package in able if wanted and package.name == "com.android.browser"]
    if action.startswith(_SETTINGS):
        return [package for package in able if package.name == "com.android.settings"]
    if action == MAIN or (not action and intent.package):
        return able
    return []
