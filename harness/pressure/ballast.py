"""Memory-holding processes of the trainer's APK: ``BallastService1`` ... ``8``.

Each is a process of its own, so that lmkd sees background apps. A service is told a size with
``am startservice ... --ei mb N``; a new size grows or shrinks it, 0 ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.adb.phone import Phone
from harness.pressure.errors import PressureError

SERVICES = 8
SHARE_MB = 256
"""Size up to which one service is filled before the next one starts: that of a large app."""
_FAILED = ("Error", "Exception", "not found")


def spread(total_mb: int, services: int = SERVICES, share_mb: int = SHARE_MB) -> list[int]:
    """Split a total over services: full ones first, so that a small change touches one or two.

    Returns:
        Sizes in MiB, their sum the total; beyond ``services * share_mb`` all grow alike.
    """
    share = max(share_mb, -(-total_mb // services))
    sizes = []
    for _ in range(services):
        size = min(share, total_mb)
        sizes.append(size)
        total_mb -= size
    return sizes


def process_name(package: str, service: int) -> str:
    """Return the name of a ballast service's process."""
    return f"{package}:ballast{service}"


class Ballast:
    """What this host has asked of the ballast services of one phone.

    Args:
        phone: The phone.
        package: The trainer's package.
        timeout_s: Limit of one command.
    """

    def __init__(self, phone: Phone, package: str, timeout_s: float = 30.0) -> None:
        self._phone = phone
        self._package = package
        self._timeout_s = timeout_s
        self._verb = "startservice"
        self.asked: dict[int, int] = {}
        """Service number -> MiB, of those that should run."""
        self.peak_mb = 0

    @property
    def total_mb(self) -> int:
        """MiB asked for in all."""
        return sum(self.asked.values())

    def _command(self, service: int, mb: int) -> str:
        component = f"{self._package}/.BallastService{service}"
        return f"am {self._verb} -n {component} --ei mb {mb}"

    def hold(self, total_mb: int) -> None:
        """Make the services hold ``total_mb`` together; tells only those whose size changes.

        Raises:
            PressureError: The phone refuses to start a service.
        """
        sizes = {k: mb for k, mb in enumerate(spread(total_mb), start=1) if mb > 0}
        changes = {k: mb for k, mb in sizes.items() if self.asked.get(k) != mb}
        changes.update({k: 0 for k in self.asked if k not in sizes})
        if not changes:
            return
        # Shrinking first: a shift between services never needs more than either state.
        order = sorted(changes.items(), key=lambda item: item[1] - self.asked.get(item[0], 0))
        self._send(order)
        self.asked = sizes
        self.peak_mb = max(self.peak_mb, self.total_mb)

    def _send(self, changes: Sequence[tuple[int, int]]) -> None:
        result = self._phone.shell(
            "; ".join(self._command(k, mb) for k, mb in changes), timeout_s=self._timeout_s
        )
        said = f"{result.stdout}\n{result.stderr}"
        if "app is in background" in said and self._verb == "startservice":
            # Android 8+ may refuse a plain start while no part of the app is in the foreground.
            self._verb = "start-foreground-service"
            self._send(changes)
            return
        if result.code != 0 or any(word in said for word in _FAILED):
            first = next((line for line in said.splitlines() if line.strip()), "no output")
            raise PressureError(f"the phone does not start ballast: {first.strip()[:200]}")

    def adopt(self, asked: Mapping[int, int], peak_mb: int) -> None:
        """Take over what an earlier host has asked of services that still run."""
        self.asked = dict(asked)
        self.peak_mb = max(peak_mb, self.total_mb)

    def forget(self, service: int) -> int:
        """Take a service that is gone off the books; return its MiB."""
        return self.asked.pop(service, 0)

    def release(self) -> None:
        """End all ballast services, also those that an earlier host left behind.

        Raises:
            PressureError: The phone refuses.
        """
        running = sorted(self.asked) or range(1, SERVICES + 1)
        self._send([(k, 0) for k in running])
        self.asked = {}
