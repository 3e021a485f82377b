"""What a phone is called in all runs (pure)."""

from __future__ import annotations

import re

from harness.results.model import PhoneRecord

_VIRTUAL = re.compile(r"(VLAB-.+-\d+)-[0-9a-f]+")


def phone_name(phone: PhoneRecord) -> str:
    """Return what a phone is called in all runs: its serial, without a virtual farm's own mark."""
    return lasting(phone.serial) if phone.origin == "virtual" else phone.serial


def lasting(serial: str) -> str:
    """Return a virtual phone's serial without the mark that each farm makes anew."""
    match = _VIRTUAL.fullmatch(serial)
    return match[1] if match is not None else serial
