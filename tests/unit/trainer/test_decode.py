import numpy as np
import pytest

from harness.contract.targets import Targets
from harness.trainer.decode import greedy_decode


def one_hot(indexes, outputs=4):
    return np.eye(outputs, dtype=np.float32)[indexes]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([1, 1, 0, 2, 2], "ab"),
        ([1, 0, 1], "aa"),
        ([0, 0, 0], ""),
        ([3, 2, 2, 0, 2, 0, 3, 3], "cbbc"),
    ],
)
def test_joins_repeats_and_drops_blanks(path, text):
    assert greedy_decode(one_hot(path), Targets("abc", 0)) == text


def test_blank_may_be_any_output():
    assert greedy_decode(one_hot([0, 3, 0, 2]), Targets("abc", 3)) == "aac"
    assert greedy_decode(one_hot([0, 1, 2, 3]), Targets("abc", 1)) == "abc"


def test_no_frames_no_text():
    assert greedy_decode(np.zeros((0, 4), np.float32), Targets("abc", 0)) == ""


def test_outputs_must_fit_the_alphabet():
    with pytest.raises(ValueError, match="3 characters"):
        greedy_decode(one_hot([0, 1], 5), Targets("abc", 0))
