"""What trained, as the page tells it."""

from dataclasses import replace

from harness.report.load import Attempt, RunData
from harness.report.trust import Trainer, trainers
from harness.results.model import CapabilitiesRecord


def told(attempt: Attempt, trainer: str | None, said: dict[str, str] | None) -> Attempt:
    found = None if said is None else CapabilitiesRecord(said=said)
    phone = attempt.result.phone.model_copy(update={"capabilities": found})
    changes = {"trainer": trainer, "runtime": "tflite 2", "phone": phone}
    return replace(attempt, result=attempt.result.model_copy(update=changes))


def test_what_trained_is_told_apart_by_its_apk_and_its_way_of_giving_files(quick: RunData) -> None:
    first, second, third, fourth = quick.attempts[:4]
    said = {"trainer": "0.1.0 (1)", "trainer_apk": "ab" * 32, "files_by": "run-as"}
    run = replace(
        quick,
        attempts=(
            told(first, "java 1", said),
            told(second, "java 1", said),
            told(third, "python 1", None),
            told(fourth, None, said),
        ),
    )
    assert trainers([run]) == (
        Trainer("java 1", "tflite 2", "0.1.0 (1)", "ab" * 32, "run-as", 2),
        Trainer("python 1", "tflite 2", "", "", "", 1),
    )
