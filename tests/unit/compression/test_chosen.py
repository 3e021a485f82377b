"""Which variables are written small, and which rows and columns travel."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.compression.chosen import chosen, is_weight
from harness.compression.errors import BadCodeError, WrongLengthError
from harness.compression.kept import masked_units, place, select, units_mask
from harness.compression.packed import pack
from harness.contract.wire import Wire
from harness.paths import data_root
from harness.trainer.npz import opened_weights
from tests.golden.write import FOLDER

PUBLISHED = json.loads((FOLDER / "number_formats.json").read_text(encoding="utf-8"))


def test_weights_of_the_shipped_model_take_the_published_bytes():
    case = PUBLISHED["ds2_mini"][0]
    with opened_weights(data_root() / "models" / "ds2-mini" / "baseline.npz") as stored:
        small = chosen(stored.shapes, Wire(format="S1E2M3"))
        assert len(small) == 13
        values = {name: stored.read(name) for name in stored.shapes}
    rest = sum(value.nbytes for name, value in values.items() if name not in small)
    for bits, name in (("6", "S1E2M3"), ("11", "S1E3M7"), ("19", "S1E4M14")):
        wire = Wire(format=name)
        size = rest + sum(len(pack(values[n], wire, n).data) for n in small)
        assert size - len(small) == case["bytes"][bits]  # ours say the power of two in a byte more


def test_a_stack_of_biases_is_no_weight():
    assert not is_weight((2, 1, 512))
    assert not is_weight((512,))
    assert is_weight((2, 128, 512))
    assert is_weight((3, 7, 1, 16))


@pytest.mark.parametrize("units", ["columns", "rows"])
def test_kept_units_come_back_into_their_places(units):
    value = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    count = value.shape[-1 if units == "columns" else -2]
    kept = [0, 2]
    mask = units_mask(kept, count)
    assert masked_units(mask, count) == kept
    whole = place(select(value, units, kept), units, kept, np.full_like(value, -1))
    gone = whole == -1
    assert np.array_equal(whole[~gone], value[~gone])
    assert gone.sum() == value.size * (count - 2) // count


CODEC = json.loads((FOLDER / "codec.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CODEC["kept"])
def test_golden_kept_units(case):
    value = np.arange(np.prod(case["shape"]), dtype=np.float32).reshape(case["shape"])
    units, kept = case["units"], case["kept"]
    part = select(value, units, kept)
    assert (part.ravel().tolist(), list(part.shape)) == (case["part"], case["part_shape"])
    whole = place(part, units, kept, np.full_like(value, -1))
    assert whole.ravel().tolist() == case["whole"]
    count = case["shape"][-1 if units == "columns" else -2]
    assert units_mask(kept, count).hex() == case["mask"]
    assert masked_units(bytes.fromhex(case["mask"]), count) == sorted(kept)


@pytest.mark.parametrize("case", CODEC["bad_masks"])
def test_golden_masks_to_refuse(case):
    with pytest.raises((BadCodeError, WrongLengthError)):
        masked_units(bytes.fromhex(case["mask"]), case["units"])


def test_masks_of_other_units():
    with pytest.raises(BadCodeError):
        units_mask([3], 3)
    with pytest.raises(WrongLengthError):
        masked_units(b"\x01", 9)
    with pytest.raises(BadCodeError):
        masked_units(b"\xff", 3)
