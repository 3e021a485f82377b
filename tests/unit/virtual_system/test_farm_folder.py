"""Phones that come back under their old names wait until those that had them are gone."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.virtual.farm_folder import FarmFolder, until_gone


def test_a_mark_is_free_once_its_farm_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILEASR_LAB_CACHE", str(tmp_path))
    asyncio.run(until_gone("abcdef"))
    farm = FarmFolder(None, keep=True)
    with contextlib.closing(farm):
        farm.watch(["VLAB-generic-1-abcdef"])
        asyncio.run(until_gone("123456"))
        with pytest.raises(InputError, match=r"abcdef are still up\n.*harness status"):
            asyncio.run(until_gone("abcdef", 0.1))
    asyncio.run(until_gone("abcdef", 0.1))
