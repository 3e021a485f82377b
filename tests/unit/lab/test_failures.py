"""What an error in a step of an attempt is called: a claim about a phone needs its own evidence."""

from __future__ import annotations

import pytest

from harness.adb.errors import AdbError, CommandTimedOut, DeviceLost
from harness.adb.turns import WaitStoppedError
from harness.errors import HarnessError
from harness.lab.failures import failure_of
from harness.pressure.errors import PressureUnreachable
from harness.sampling.sampler import SamplingError


@pytest.mark.parametrize(
    ("error", "step", "kind"),
    [
        (CommandTimedOut(serial="S", command="cat", timeout_s=30.0), "press", "DeviceLost"),
        (CommandTimedOut(serial="S", command="cat", timeout_s=30.0), "train", "DeviceLost"),
        (CommandTimedOut(serial="S", command="cat", timeout_s=30.0), "collect", "DeviceLost"),
        (DeviceLost("gone"), "gate", "DeviceLost"),
        (SamplingError("wrote nothing"), "press", "ProvisionFailed"),
        (PressureUnreachable("too little"), "press", "PressureUnreachable"),
        (AdbError("no"), "gate", "ProvisionFailed"),
        (AdbError("no"), "train", "TrainerCrashed"),
        (HarnessError("no"), "provision", "ProvisionFailed"),
        (WaitStoppedError("stopped"), "provision", "Interrupted"),
    ],
)
def test_kinds(error: Exception, step: str, kind: str) -> None:
    failure = failure_of(error, step)
    assert failure is not None
    assert failure.kind == kind


@pytest.mark.parametrize(
    ("error", "step"), [(ValueError("x"), "train"), (HarnessError("x"), "score")]
)
def test_mistakes_of_our_own_have_no_kind(error: Exception, step: str) -> None:
    assert failure_of(error, step) is None
