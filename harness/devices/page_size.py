"""Whether a phone with pages of 16 KB can load the trainer's native libraries."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from harness.apk.elf import LARGE_PAGE, page_problems
from harness.devices.findings import Check

_ADVICE = (
    "Use a phone, or a system image of it, with pages of 4 KB (Developer options > Boot with "
    "16 KB page size: off). See docs/android.md."
)


def page_size_checks(serial: str, page: str, abi: str, apk: Path) -> Iterator[Check]:
    """Yield what the doctor says of a phone's page size; nothing for pages of 4 KB.

    Args:
        serial: The phone.
        page: Bytes of a page, as the phone tells it; empty if it does not.
        abi: The phone's first, of which Android takes the libraries.
        apk: The trainer that runs would install.
    """
    if not page.isdecimal() or int(page) < LARGE_PAGE:
        return
    what = f"memory pages of {int(page) // 1024} KB"
    if not apk.is_file():
        advice = "Make its APK with `harness apk build`, then look again."
        yield Check(serial, "page size", "warning", f"{what}: no APK here to compare with", advice)
        return
    try:
        problems = page_problems(apk, [abi])
    except (OSError, zipfile.BadZipFile) as error:
        problems = (f"{apk} cannot be read: {error}",)
    if problems:
        detail = f"{what}, for which the trainer is not built: {'; '.join(problems)}"
        yield Check(serial, "page size", "problem", detail, _ADVICE)
    else:
        yield Check(serial, "page size", "ok", f"{what}, and the trainer is built for them")
