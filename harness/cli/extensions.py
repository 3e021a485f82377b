"""``harness extensions``: what other packages and the user's own folders add."""

from __future__ import annotations

from dataclasses import asdict

import typer

from harness import plugins
from harness.cli import console
from harness.cli.options import JsonOption
from harness.devices.gates.judged import declared_gates
from harness.devices.sources import farm_names
from harness.paths import named_files, search_folders, shadowed
from harness.readings.sampled import readings
from harness.report.extra_figures import load_figures
from harness.speech.languages import languages

app = typer.Typer()

_KINDS = ("device_profiles", "device_profiles/vendors", "scenarios")


@app.command()
def extensions(as_json: JsonOption = False) -> None:
    """Show plug-ins, those that are left out too, and where profiles and scenarios come from.

    Folders stand in the order in which they count: the first file of a name is used.
    """
    for load in (declared_gates, readings, farm_names, load_figures, languages):
        load()
    plugged = [plugin for group in plugins.GROUPS for plugin in plugins.known(group)]
    folders = {kind: [str(folder) for folder in search_folders(kind)] for kind in _KINDS}
    unused = [line for kind in _KINDS for line in shadowed(kind)]
    if as_json:
        console.emit_json(
            {
                "plugins": [asdict(plugin) for plugin in plugged],
                "folders": folders,
                "files": {
                    kind: {name: str(paths[0]) for name, paths in named_files(kind).items()}
                    for kind in _KINDS
                },
                "shadowed": unused,
            }
        )
        return
    if plugged:
        console.table(
            ("group", "name", "package", "is used"),
            [
                (
                    plugin.group,
                    plugin.name,
                    f"{plugin.package} {plugin.version}",
                    plugin.problem or "yes",
                )
                for plugin in plugged
            ],
        )
    else:
        console.say("No plug-ins are installed.")
    for kind, paths in folders.items():
        console.say(f"{kind}: {', '.join(paths)}")
    for line in unused:
        console.say(line)
