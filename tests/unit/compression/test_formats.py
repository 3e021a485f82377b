"""S1EeMm and intN against published numbers, ml_dtypes and numpy's float16."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from harness.compression.bits import pack_bits, packed_size, unpack_bits
from harness.compression.errors import (
    BadCodeError,
    CodecError,
    NotFiniteError,
    UnknownCodingError,
    WrongLengthError,
)
from harness.compression.floats import FloatFormat
from harness.compression.integers import IntFormat
from harness.compression.line import fitted_line
from harness.compression.lots import Key, drawn
from harness.compression.packed import Packed, pack
from harness.contract.wire import Wire, bits_of
from tests.golden.write import FOLDER

PUBLISHED: Any = json.loads((FOLDER / "number_formats.json").read_text(encoding="utf-8"))
VALUES = np.array(PUBLISHED["float_formats"][0]["values"], np.float32)
WEIGHTS = np.random.default_rng(7).normal(0, 0.05, 4096).astype(np.float32)
FORMATS = PUBLISHED["float_formats"][1:]
NEAREST: dict[str, Any] = {"rounding": "nearest_even"}


def form(name: str, kind: Any = "fn") -> FloatFormat:
    exponent, _, mantissa = name.removeprefix("S1E").partition("M")
    return FloatFormat(int(exponent), int(mantissa), kind)


def test_there_are_formats_of_both_kinds():
    assert len(FORMATS) == 34


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row["name"])
def test_the_published_numbers(row):
    number = FloatFormat(row["e"], row["m"], row["kind"])
    for rounding in ("nearest_even", "nearest_away"):
        decoded = number.decode(number.encode(VALUES, rounding))
        assert decoded.tolist() == row[rounding]
        assert np.signbit(decoded).tolist() == np.signbit(row[rounding]).tolist()
    assert number.encode(VALUES, "nearest_even").tolist() == row["codes_nearest_even"]
    flushed = number.encode(VALUES, "nearest_even", subnormals=False)
    assert number.decode(flushed).tolist() == row["flush_subnormals"]


ORACLES = [
    ("S1E5M10", "ieee", "float16"),
    ("S1E8M7", "ieee", "bfloat16"),
    ("S1E5M2", "ieee", "float8_e5m2"),
    ("S1E4M3", "ieee", "float8_e4m3"),
    ("S1E3M4", "ieee", "float8_e3m4"),
    ("S1E2M3", "fn", "float6_e2m3fn"),
    ("S1E3M2", "fn", "float6_e3m2fn"),
    ("S1E2M1", "fn", "float4_e2m1fn"),
]


@pytest.mark.parametrize(("name", "kind", "dtype"), ORACLES)
def test_as_ml_dtypes_and_numpy_round(name, kind, dtype):
    if dtype == "float16":
        oracle: Any = np.float16
    else:
        oracle = getattr(pytest.importorskip("ml_dtypes", reason="comes with tensorflow"), dtype)
    number = form(name, kind)
    rng = np.random.default_rng(0)
    low = np.log2(2.0 ** (1 - number.bias - number.mantissa)) - 2
    values = np.concatenate(
        [
            VALUES,
            rng.normal(0, number.largest**0.5, 20_000),
            rng.normal(0, 0.05, 20_000),
            2.0 ** rng.uniform(low, np.log2(number.largest), 20_000),
        ]
    ).astype(np.float32)
    values = values[np.abs(values) <= number.largest]
    ours = number.decode(number.encode(values, "nearest_even"))
    theirs = values.astype(oracle).astype(np.float32)
    assert np.array_equal(ours.view(np.uint32), theirs.view(np.uint32))


def test_packing_is_lowest_bit_first():
    case = PUBLISHED["bit_packing"][0]
    for name, wanted in case["packed"].items():
        codes = form(name).encode(np.array(case["values"], np.float32), "nearest_even")
        data = pack_bits(codes, bits_of(name))
        assert data.tobytes().hex() == wanted
        assert data.size == case["bytes"][name]


@pytest.mark.parametrize("bits", range(1, 33))
def test_codes_of_any_width_come_back(bits):
    for count in (0, 1, 7, 8, 9, 100):
        codes = np.random.default_rng(count).integers(0, 1 << bits, count, dtype=np.uint64)
        data = pack_bits(codes.astype(np.uint32), bits)
        whole = sum(int(code) << (n * bits) for n, code in enumerate(codes))
        assert data.tobytes() == whole.to_bytes(packed_size(count, bits), "little")
        assert unpack_bits(data, bits, count).tolist() == codes.tolist()


def test_stochastic_rounding_goes_up_as_often_as_it_should():
    case = PUBLISHED["stochastic_rounding"][0]
    number, x = form("S1E2M3"), np.full(100_000, case["x"], np.float32)
    rounded = number.decode(number.encode(x, "stochastic", key=Key.of("a")))
    assert set(np.unique(rounded)) == {0.25, 0.375}
    assert (rounded == 0.375).mean() == pytest.approx(case["probability_of_upper"], abs=0.01)
    whole = IntFormat(4)
    scales = np.array([1.0], np.float32)
    up = whole.whole_numbers(whole.encode(np.full(100_000, -2.3, np.float32), scales, "stochastic",
                                          Key.of("b")))  # fmt: skip
    assert set(np.unique(up)) == {-3, -2}
    assert up.mean() == pytest.approx(-2.3, abs=0.01)


def test_lots_hang_on_place_and_key_alone():
    key = Key.of("7:1:a:up:w")
    whole = key.lots(0, 1000)
    assert np.array_equal(key.lots(300, 100), whole[300:400])
    other = Key.of("7:1:a:up:v").lots(0, 1000)
    assert not np.isin(other, whole).any()
    many = key.lots(0, 1 << 16).astype(np.float64) / 2**32
    assert many.mean() == pytest.approx(0.5, abs=0.005)
    assert abs(np.corrcoef(many[:-1], many[1:])[0, 1]) < 0.02


def test_a_variable_is_packed_the_same_in_pieces_and_whole():
    """Blocks are a matter of speed: what they give is what one pass over all gives."""
    value = np.random.default_rng(1).normal(0, 1, 70_000).astype(np.float32)
    packed = pack(value, Wire(format="S1E3M4", exponent="conventional"), "k")
    number = form("S1E3M4")
    codes = number.encode(value, "stochastic", key=Key.of("k"))
    assert np.array_equal(packed.codes(), codes)
    assert np.array_equal(packed.value(), number.decode(codes))
    wide = value.reshape(2, 35_000)
    whole = pack(wide, Wire(format="int8", per="row"), "k")
    quotient = wide / whole.scales.astype(np.float64)[:, None]
    lots = Key.of("k").lots(0, wide.size).reshape(wide.shape) * 2.0**-32
    wanted = np.clip(np.floor(quotient + lots), -127, 127)
    form8 = IntFormat(8, "row")
    assert np.array_equal(form8.whole_numbers(whole.codes()).reshape(wide.shape), wanted)


def test_scale_and_bias():
    case = PUBLISHED["transform"][0]
    v = np.array(case["v"], np.float32)
    for name, wanted in case["cases"].items():
        for exponent, end in (("conventional", ""), ("fitted", "_prescaled")):
            wire = Wire(format=name, transform=True, exponent=exponent, **NEAREST)  # type: ignore[arg-type]
            packed = pack(v, wire, "")
            assert packed.line == pytest.approx((wanted[f"s{end}"], wanted[f"b{end}"]), abs=1e-7)
            plain = pack(v, wire.model_copy(update={"transform": False}), "").value()
            assert plain.tolist() == pytest.approx(wanted[f"q{end}"], abs=1e-9)
            error = float(np.sqrt(np.mean((packed.value() - v) ** 2)))
            assert error == pytest.approx(wanted[f"rmse{end}_transform"], rel=1e-4)
            if exponent == "fitted":
                assert packed.format.k == wanted["prescale_exponent"]  # type: ignore[union-attr]
    same = case["degenerate"]
    flat = np.array(same["v"], np.float32)
    assert fitted_line(flat, np.zeros(4, np.float32)) == pytest.approx(same["mean"], abs=1e-8)


def test_the_line_is_polyfits():
    rng = np.random.default_rng(3)
    true = rng.normal(3, 1, 10_000).astype(np.float32)
    decoded = form("S1E3M2").decode(form("S1E3M2").encode(true, "nearest_even"))
    slope, intercept = np.polyfit(decoded.astype(float), true.astype(float), 1)
    assert fitted_line(true, decoded) == pytest.approx((slope, intercept), rel=1e-9)


def test_fedaqts_numbers():
    case = PUBLISHED["fedaqt"][0]
    w = np.array(case["w"], np.float32)
    for per, wanted in (("tensor", case["per_tensor"]), ("row", case["per_row"])):
        packed = pack(w, Wire(format="int8", per=per, **NEAREST), "")  # type: ignore[arg-type]
        whole = IntFormat(8).whole_numbers(packed.codes()).reshape(w.shape)
        assert whole.tolist() == wanted["q"]
        assert packed.scales.tolist() == pytest.approx(np.atleast_1d(wanted["scale"]).tolist())
        assert packed.value() == pytest.approx(np.array(wanted["restored"]), abs=1e-7)
    four = pack(w, Wire(format="int4", per="row", **NEAREST), "")
    whole = IntFormat(4).whole_numbers(four.codes()).reshape(w.shape)
    assert whole.tolist() == case["int4_per_row"]["q"]
    start = pack(w, Wire(format="int8", **NEAREST), "")
    for step, wanted in case["client_step"].items():
        moved = start.value() - np.float32(step.split()[1]) * np.array(case["gradient"], np.float32)
        again = pack(moved.astype(np.float32), Wire(format="int8", **NEAREST), "")
        assert int((again.codes() != start.codes()).sum()) == wanted["changed_codes"]


def test_channels_of_kernels_and_stacks():
    rng = np.random.default_rng(2)
    for shape, columns, rows in (
        ((3, 7, 1, 16), 16, 21),
        ((2, 5, 8), 16, 10),
        ((4, 6), 6, 4),
        ((9,), 1, 1),
    ):
        value = rng.normal(size=shape).astype(np.float32)
        for per, count in (("column", columns), ("row", rows), ("tensor", 1)):
            packed = pack(value, Wire(format="int8", per=per, **NEAREST), "")  # type: ignore[arg-type]
            assert packed.scales.size == count
            assert np.abs(packed.value() - value).max() <= packed.scales.max() / 2 * 1.001


def test_small_steps_are_lost_by_nearest_and_kept_by_stochastic_rounding():
    number = form("S1E3M7")
    start = number.decode(number.encode(WEIGHTS, "nearest_even"))
    step = np.float32(1e-4) * -np.sign(WEIGHTS)
    published = PUBLISHED["lost_updates"][0]["steps"]["S1E3M7"]["0.0001"]
    near = number.decode(number.encode(start + step, "nearest_even"))
    assert (near != start).mean() == published["codes_changed"] == 0
    lots = number.decode(number.encode(start + step, "stochastic", key=Key.of("s")))
    kept = np.mean((lots.astype(float) - start) / step)
    assert kept == pytest.approx(published["move_kept_stochastic"], abs=0.1)


def test_partial_variables():
    case = PUBLISHED["choice"][0]
    for place, left in case["full_precision"].items():
        round_, client = place.replace("round ", "").replace("client ", "").split(", ")
        quantised = drawn(case["names"], case["share"], f"{case['seed']}:{round_}:{client}")
        assert set(case["names"]) - set(quantised) == set(left)
    for place, quantised in case["half"].items():
        assert drawn(case["names"], 0.5, f"1:0:{place[-1]}") == quantised


@pytest.mark.parametrize("name", ["S1E2M3", "S1E8M7", "int8"])
def test_numbers_that_are_none(name):
    for odd in (np.nan, np.inf, -np.inf):
        with pytest.raises(NotFiniteError):
            pack(np.array([1.0, odd], np.float32), Wire(format=name), "")


def test_what_cannot_be_read():
    kinds = {
        "a byte too few": WrongLengthError,
        "infinite": BadCodeError,
        "no format": UnknownCodingError,
    }
    bad = json.loads((FOLDER / "codec.json").read_text(encoding="utf-8"))["bad"]
    for case in bad:
        with pytest.raises(kinds.get(case["why"], CodecError)):
            Packed(case["coding"], tuple(case["shape"]), bytes.fromhex(case["data"])).value()
