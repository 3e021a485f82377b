"""How a phone is pressed upon: by which means, how often it is read, how long things may take."""

from __future__ import annotations

from dataclasses import dataclass

from harness.pressure.control import Settings

TRAINER_PACKAGE = "org.mobileasr.trainer"
RELEASE_LIMIT_S = 60.0


@dataclass(frozen=True)
class PressureSettings:
    """What `Pressure` is told beside phone and goal.

    Args:
        package: The trainer's package, which has the ballast services.
        proc_dir: Where the phone's ``meminfo`` lies.
        means: ``ballast``, ``apps`` or both.
        apps: Packages to launch for ``apps``.
        period_s: Seconds between two readings.
        settle_limit_s: How long it may take to reach the goal.
        command_timeout_s: Limit of one command on the phone.
        release_limit_s: How long `Pressure.stop` tries to reach a lost phone before it gives up.
        controller: How the controller moves.
    """

    package: str = TRAINER_PACKAGE
    proc_dir: str = "/proc"
    means: tuple[str, ...] = ("ballast",)
    apps: tuple[str, ...] = ()
    period_s: float = 1.0
    settle_limit_s: float = 120.0
    command_timeout_s: float = 30.0
    release_limit_s: float = RELEASE_LIMIT_S
    controller: Settings = Settings()  # noqa: RUF009 - frozen
