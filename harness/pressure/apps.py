"""Named apps as background pressure: launched one after the other, and ended again at release.

Apps cannot be told a size, so apps alone press in steps: as many of them as the goal needs. What is
left to the goal is the ballast's, where there is any; without it the goal is watched, not held.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from harness.adb.phone import Phone
from harness.pressure.control import Reading
from harness.pressure.errors import PressureError
from harness.pressure.goal import Goal

STEADY_MB = 16.0
"""MemAvailable that moves by less from one reading to the next is steady."""
STEADY_READINGS = 20
"""Readings that an app may take to fill its RAM."""


class Apps:
    """Installed packages that press on the RAM by being there.

    Args:
        phone: The phone.
        packages: What may be launched, in this order.
        timeout_s: Limit of one launch.
    """

    def __init__(self, phone: Phone, packages: Sequence[str], timeout_s: float = 30.0) -> None:
        self._phone = phone
        self._packages = tuple(packages)
        self._timeout_s = timeout_s
        self.launched: list[str] = []

    def press(
        self,
        goal: Goal,
        read: Callable[[], Reading],
        rest: Callable[[], bool],
        *,
        refill: bool,
    ) -> None:
        """Launch as many as bring the phone to the goal.

        An app that is too large for what is left is ended again: always where ballast fills the
        rest, else if the phone was nearer to the goal without it.

        Args:
            goal: Where to.
            read: Takes a reading of the phone.
            rest: Waits for the next reading; true when there shall be no more.
            refill: Ballast fills what is left.

        Raises:
            PressureError: A package is not installed or has nothing to launch.
        """
        value = read().value_mb if self._packages else 0.0
        for package in self._packages:
            if value <= goal.available_mb + goal.tolerance_mb:
                break
            self._launch(package)
            before, value = value, self._steady(read, rest)
            missing = goal.available_mb - value
            if missing > goal.tolerance_mb and (refill or before - goal.available_mb < missing):
                self._end(package)
                value = self._steady(read, rest)

    def told(self, goal: Goal, reading: Reading) -> tuple[str, str]:
        """Say what apps alone came to.

        Returns:
            (why the goal is out of reach, or nothing; what a reader must know).
        """
        names = ", ".join(self.launched) or "none of them"
        value, wanted = reading.value_mb, goal.available_mb
        if value > wanted + goal.tolerance_mb:
            return (
                f"the apps that are named ({names}) leave {value:.0f} MB available; "
                f"{wanted:.0f} MB wanted: name more, or add ballast to by",
                "",
            )
        near = "" if value >= wanted - goal.tolerance_mb else ": no number of them comes nearer"
        return "", (
            f"Pressure by apps alone ({names}) is not regulated: {value:.0f} MB available at the "
            f"start, {wanted:.0f} MB wanted{near}."
        )

    def _launch(self, package: str) -> None:
        """Launch an app, then show the home screen, so that it is in the background."""
        result = self._phone.shell(
            f"monkey -p {shlex.quote(package)} -c android.intent.category.LAUNCHER 1",
            timeout_s=self._timeout_s,
        )
        said = f"{result.stdout}\n{result.stderr}"
        if result.code != 0 or "No activities found" in said or "monkey aborted" in said:
            raise PressureError(f"the app {package} cannot be launched: {said.strip()[:200]}")
        self.launched.append(package)
        self._phone.shell("input keyevent KEYCODE_HOME", timeout_s=self._timeout_s)

    @staticmethod
    def _steady(read: Callable[[], Reading], rest: Callable[[], bool]) -> float:
        last = read().value_mb
        for _ in range(STEADY_READINGS):
            if rest():
                break
            value = read().value_mb
            if abs(value - last) < STEADY_MB:
                return value
            last = value
        return last

    def _end(self, package: str) -> None:
        self._phone.shell(f"am force-stop {shlex.quote(package)}", timeout_s=self._timeout_s)
        self.launched.remove(package)

    def release(self) -> None:
        """End what was launched."""
        while self.launched:
            self._end(self.launched[-1])
