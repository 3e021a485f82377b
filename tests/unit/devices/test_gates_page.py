"""``docs/gates.md`` says of each gate what the presets really demand."""

from pathlib import Path

from harness.devices.gates import GATE_NAMES, preset

PAGE = Path(__file__).parents[3] / "docs/gates.md"
OF_BOOL = {
    "booted": ("yes", "no"),
    "unlocked": ("yes", "no"),
    "trainer": ("yes", "no"),
    "idle": ("yes", "no"),
    "battery_measured": ("yes", "no"),
    "power_save": ("on", "off"),
    "doze": ("yes", "no"),
}


def shown(name: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return OF_BOOL[name][not value]
    return f"{value:g}"


def test_the_table_is_what_the_presets_demand() -> None:
    rows = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            rows[cells[0].strip("`")] = cells[1:]
    assert tuple(rows) == GATE_NAMES
    for name, cells in rows.items():
        wanted = [shown(name, getattr(preset(word), name)) for word in ("strict", "lab", "off")]
        assert cells[:3] == wanted, name
        assert len(cells[3]) > 5, f"{name}: no reason given"
