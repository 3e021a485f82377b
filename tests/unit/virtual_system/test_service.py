"""How the services of a virtual phone are found by the words that they answer to."""

from __future__ import annotations

import pytest

from harness.virtual.system.server import SERVICES
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings


class Torch:
    """A service as somebody would add it."""

    def __init__(self, system: System) -> None:
        self.settings = system.get(Settings)

    @property
    def answers(self) -> Answers:
        return Answers(commands={"torch": lambda call: 7}, dumps={"torch": lambda call, words: 0})


def test_a_service_needs_no_line_elsewhere_to_be_found_and_to_find_others(system: System) -> None:
    torch = system.get(Torch)
    assert system.commands["torch"](None) == 7  # type: ignore[arg-type]
    assert "torch" in system.service_names()
    assert system.get(Torch) is torch
    assert torch.settings is system.get(Settings)
    assert {"settings", "torch"} == set(system.commands)


def test_no_two_services_answer_to_one_word(system: System) -> None:
    for kind in SERVICES:
        system.get(kind)
    assert {"am", "pm", "ps", "svc", "logcat", "reboot"} <= set(system.commands)
    assert {"activity", "battery", "meminfo", "wifi"} <= set(system.dumps)

    class Second(Torch):
        @property
        def answers(self) -> Answers:
            return Answers(commands={"am": lambda call: 0})

    with pytest.raises(ValueError, match="two services answer to am"):
        system.get(Second)
