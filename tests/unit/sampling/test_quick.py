"""What is taken quickly out of a kernel file is what its parser reads."""

import random
from pathlib import Path

import pytest

from harness.readings import ReadingError
from harness.sampling import quick, samples
from tests.unit.readings.texts import EXAMPLES

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
STATUS = (
    "Name:\ttrainer\nState:\tS (sleeping)\nPid:\t15\nVmPeak:\t   14224 kB\n"
    "VmHWM:\t   10984 kB\nVmRSS:\t   10900 kB\nRssAnon:\t    4764 kB\n"
    "RssFile:\t    6220 kB\nVmSwap:\t      12 kB\nThreads:\t1\n"
)
STAT = (
    "15 (my (odd) name) S 0 15 15 0 -1 4194304 1462 0 0 0 21 22 23 24 20 0 1 0 1389594 "
    "14471168 2723 18446744073709551615 94156184158208 0 0 0 17 1 0 0"
)
MEMINFO = (
    "MemTotal:           6007808 kB\nMemFree:            1099337 kB\n"
    "MemAvailable:       3140964 kB\nBuffers:              12288 kB\n"
    "SwapTotal:          3003904 kB\nSwapFree:           3003000 kB\nDirty: 0 kB\n"
)
TEXTS = {
    "memory": [MEMINFO, *EXAMPLES["proc_meminfo"]],
    "cpu": [
        "cpu  1 2 3 4 5 6 7 8 9 10",
        "cpu 100 0 100 800",
        *(text.split("\n")[0] for text in EXAMPLES["proc_stat"]),
    ],
    "pid_stat": [STAT, *EXAMPLES["proc_pid_stat"]],
    "pid_statm": ["3533 2746 1555 1 0 1583 0", *EXAMPLES["proc_pid_statm"]],
    "pid_status": [STATUS, *EXAMPLES["proc_pid_status"]],
}


def by_parser(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> object:
    with monkeypatch.context() as patch:
        patch.setattr(quick, name, lambda text: None)
        return getattr(samples, f"read_{name}")(text)


def mutate(text: str, chance: random.Random) -> str:
    cut = list(text)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(cut) + 1)
        what = chance.randrange(4)
        if what == 0:
            del cut[at : at + chance.choice([1, 1, 2, 40])]
        elif what == 1:
            cut[at:at] = chance.choice([*" \t\n:-+.,()kBx09٣\0", "9" * 30, " " * 50])
        elif what == 2:
            cut[at:at] = cut[chance.randrange(len(cut) + 1) :][:40]
        elif at < len(cut):
            cut[at] = chance.choice("0123456789 \n")
    return "".join(cut)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_the_usual_form_is_taken_quickly(name: str) -> None:
    assert getattr(quick, name)(TEXTS[name][0]) is not None


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_both_ways_agree_on_any_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    taken = 0
    for text in TEXTS[name]:
        for _ in range(400):
            changed = mutate(text, chance)
            try:
                found = getattr(quick, name)(changed)
            except ReadingError:
                pytest.fail("only a parser may refuse")
            if found is not None:
                taken += 1
                assert found == by_parser(name, changed, monkeypatch), changed
    assert taken > 50
