"""What mkdocs calls: adds the pages that are made from the code, and two of the repository's root.

They are made at each build and not kept in the repository: so they can't be out of date, and who
changes a field or an option need not make any page again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages to those found in ``docs``."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from docs._generate import commands_page, profile_page, results_page, scenario_page

    pages = {
        "reference/scenario.md": scenario_page.page(),
        "reference/results.md": results_page.page(),
        "reference/profile.md": profile_page.page(),
        "reference/commands.md": commands_page.page(),
        "architecture.md": (ROOT / "ARCHITECTURE.md").read_text("utf-8"),
        "contributing.md": (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files
