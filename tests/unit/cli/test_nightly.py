"""A night that was cut off."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from harness.cli import nightly
from harness.results.store import RunFolder


def test_a_night_of_rounds_goes_on_with_its_rounds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    feeds: list[object] = []
    monkeypatch.setattr(nightly, "feed_of_run", lambda folder: f"rounds of {folder}")
    monkeypatch.setattr(nightly, "reopen_lab", lambda *_: nullcontext())
    monkeypatch.setattr(
        nightly, "resume_run", lambda *_, settings: feeds.append(settings.feed) or "done"
    )
    done = nightly._go_on(RunFolder(tmp_path), None, skip_unfit=False, wait=False)
    assert (done, feeds) == ("done", [f"rounds of {tmp_path}"])
