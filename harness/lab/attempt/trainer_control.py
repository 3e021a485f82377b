"""Starting, stopping and finding the trainer on a phone, by ``am`` and ``pidof`` alone."""

from __future__ import annotations

import re

from harness.lab.failures import StepFailed
from harness.lab.ports import LabPhone, Tools

PACKAGE = "org.mobileasr.trainer"
SERVICE = f"{PACKAGE}/.TrainService"
COMMAND_TIMEOUT_S = 30.0

_VERSION = re.compile(r"\bversionName=(\S+)")


def start_trainer(tools: Tools, phone: LabPhone, job_path: str) -> None:
    """Start training.

    Raises:
        StepFailed: ``TrainerCrashed``: the phone would not start the service.
    """
    command = ["am", "start-foreground-service", "-n", SERVICE, "--es", "job", job_path]
    result = tools.shell(phone, command, COMMAND_TIMEOUT_S)
    text = f"{result.stdout}\n{result.stderr}"
    # `am` exits with 0 after most errors and says so in words.
    if result.code != 0 or "Error" in text or "Exception" in text:
        raise StepFailed(
            "TrainerCrashed",
            f"{phone.serial} does not start {SERVICE} (exit code {result.code})",
            text.strip().splitlines(),
        )


def ask_trainer_to_stop(tools: Tools, phone: LabPhone, job_path: str) -> None:
    """Ask the trainer to stop at its next step; it still writes its last events."""
    command = ["am", "startservice", "-n", SERVICE, "--es", "command", "stop"]
    tools.shell(phone, [*command, "--es", "job", job_path], COMMAND_TIMEOUT_S)


def end_trainer(tools: Tools, phone: LabPhone) -> None:
    """End the trainer and every other process of its package, ballast too."""
    tools.shell(phone, ["am", "force-stop", PACKAGE], COMMAND_TIMEOUT_S)


def trainer_pid(tools: Tools, phone: LabPhone, timeout_s: float = COMMAND_TIMEOUT_S) -> int | None:
    """Return the trainer's process id, None if there is no such process."""
    result = tools.shell(phone, ["pidof", PACKAGE], timeout_s)
    pids = [int(word) for word in result.stdout.split() if word.isdecimal()]
    return pids[0] if result.code == 0 and pids else None


def trainer_version(tools: Tools, phone: LabPhone) -> str | None:
    """Return the installed trainer's version name, None if it is not installed."""
    result = tools.shell(phone, ["dumpsys", "package", PACKAGE], COMMAND_TIMEOUT_S)
    match = _VERSION.search(result.stdout)
    return match[1] if match else None
