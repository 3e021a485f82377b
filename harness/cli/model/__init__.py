"""``harness model``: make trainable flatbuffers and measure them; a file a command."""

from __future__ import annotations

import typer

from harness.cli.model.bench import bench
from harness.cli.model.build import build
from harness.cli.model.evaluate import evaluate
from harness.cli.model.inspect import inspect
from harness.cli.model.lineage import lineage
from harness.cli.model.memory import memory
from harness.cli.model.pretrain import pretrain
from harness.cli.model.stream import stream
from harness.cli.suggest import SuggestingGroup

app = typer.Typer(cls=SuggestingGroup, help="Trainable flatbuffers.", no_args_is_help=True)
for command in (build, pretrain, lineage, evaluate, stream, inspect, memory, bench):
    app.command()(command)
