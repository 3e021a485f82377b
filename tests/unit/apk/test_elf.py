"""Alignment of native libraries, read from program headers, and told to phones that need more."""

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.apk.elf import load_alignment, page_problems
from harness.devices.page_size import page_size_checks

PT_LOAD, PT_NOTE = 1, 4


def library(*segments: tuple[int, int]) -> bytes:
    """A 64-bit ELF of nothing but program headers: (type, alignment)."""
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack("<HHIQQQIHHH", 3, 183, 1, 0, 64, 0, 0, 64, 56, len(segments))
    body = b"".join(
        struct.pack("<IIQQQQQQ", kind, 5, 0, 0, 0, 0, 0, alignment) for kind, alignment in segments
    )
    return identity + head.ljust(48, b"\0") + body


def apk(path: Path, **libraries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for abi, data in libraries.items():
            opened.writestr(f"lib/{abi.replace('_v', '-v')}/libx.so", data)
    return path


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (((PT_LOAD, 4096), (PT_LOAD, 16384)), 4096),
        (((PT_LOAD, 16384), (PT_NOTE, 4)), 16384),
        (((PT_NOTE, 4),), None),
    ],
)
def test_the_least_alignment_of_what_is_loaded_counts(
    segments: tuple[tuple[int, int], ...], expected: int | None
) -> None:
    assert load_alignment(library(*segments)) == expected


@given(st.binary(max_size=200))
def test_rubbish_is_no_library(data: bytes) -> None:
    assert load_alignment(data) is None
    load_alignment(library((PT_LOAD, 4096))[:64] + data)


def test_only_64_bit_abis_have_large_pages(tmp_path: Path) -> None:
    small, large = library((PT_LOAD, 4096)), library((PT_LOAD, 65536))
    assert page_problems(apk(tmp_path / "a.apk", arm64_v8a=large, armeabi_v7a=small)) == ()
    (problem,) = page_problems(apk(tmp_path / "b.apk", arm64_v8a=small, x86_64=large))
    assert problem == "lib/arm64-v8a/libx.so is aligned to 4096 bytes"


@pytest.mark.parametrize(
    ("page", "alignment", "outcomes"),
    [
        ("4096", 4096, []),
        ("", 4096, []),
        ("16384", 4096, ["problem"]),
        ("16384", 16384, ["ok"]),
        ("65536", None, ["warning"]),
    ],
)
def test_the_doctor_says_what_does_not_go_together(
    page: str, alignment: int | None, outcomes: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "t.apk"
    if alignment is not None:
        apk(path, arm64_v8a=library((PT_LOAD, alignment)))
    checks = list(page_size_checks("S1", page, "arm64-v8a", path))
    assert [check.outcome for check in checks] == outcomes
    other = [check.outcome for check in page_size_checks("S1", page, "x86_64", path)]
    assert "problem" not in other, "another processor's library is none of its business"
    path.write_bytes(b"no zip")
    assert [check.outcome for check in page_size_checks("S1", "16384", "arm64-v8a", path)] == [
        "problem"
    ]
