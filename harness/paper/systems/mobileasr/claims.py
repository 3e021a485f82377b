"""What MobileASR states of its results, and the rules over speakers and rounds that judge it."""

from __future__ import annotations

from pathlib import Path

from harness.paper.claims import Book
from harness.paper.systems.mobileasr.by_speaker import RULES

CLAIMS = Book(Path("reports") / "published" / "mobileasr_claims.yaml", RULES)
