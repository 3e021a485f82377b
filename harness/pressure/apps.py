"""Named apps as background pressure: launched, and ended again at release."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.pressure.errors import PressureError
from harness.pressure.phone import PressurePhone


class Apps:
    """Installed packages that press on the RAM by being there.

    Args:
        phone: The phone.
        packages: What to launch, in this order.
        timeout_s: Limit of one launch.
    """

    def __init__(
        self, phone: PressurePhone, packages: Sequence[str], timeout_s: float = 30.0
    ) -> None:
        self._phone = phone
        self._packages = tuple(packages)
        self._timeout_s = timeout_s
        self.launched: list[str] = []

    def launch(self) -> None:
        """Launch all of them, then show the home screen, so that they are in the background.

        Raises:
            PressureError: A package is not installed or has nothing to launch.
        """
        for package in self._packages:
            result = self._phone.shell(
                f"monkey -p {shlex.quote(package)} -c android.intent.category.LAUNCHER 1",
                timeout_s=self._timeout_s,
            )
            said = f"{result.stdout}\n{result.stderr}"
            if result.code != 0 or "No activities found" in said or "monkey aborted" in said:
                raise PressureError(f"the app {package} cannot be launched: {said.strip()[:200]}")
            self.launched.append(package)
        if self.launched:
            self._phone.shell("input keyevent KEYCODE_HOME", timeout_s=self._timeout_s)

    def release(self) -> None:
        """End what was launched."""
        while self.launched:
            self._phone.shell(
                f"am force-stop {shlex.quote(self.launched[-1])}", timeout_s=self._timeout_s
            )
            self.launched.pop()
