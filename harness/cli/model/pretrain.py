"""``harness model pretrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli import console
from harness.cli.model.common import BatchOption, OutOption, command, config, summary
from harness.paths import cache_root


def pretrain(
    network: Annotated[str, typer.Argument(help="ds2-mini, for example.")],
    out: OutOption,
    batch_size: BatchOption = None,
    utterances: Annotated[int, typer.Option(min=16, help="Of the synthetic US voices.")] = 1800,
    epochs: Annotated[Optional[int], typer.Option(min=1, help="Over them.")] = None,
    learning_rate: Annotated[
        float, typer.Option(help="For personalising later; goes into the manifest.")
    ] = 5e-4,
    work: Annotated[
        Optional[Path],
        typer.Option("--work", help="Keeps speech and progress; a second call goes on there."),
    ] = None,
) -> None:
    """Make a baseline from nothing: speech, pre-training, flatbuffers, measured needs."""
    from harness.model.pretrain import Schedule
    from harness.model.ship import ship_pretrained

    chosen = config(network)
    schedule = Schedule() if epochs is None else Schedule(epochs=epochs)
    folder = work or cache_root() / "pretrain" / network
    folder.mkdir(parents=True, exist_ok=True)
    manifest = ship_pretrained(
        chosen,
        out.resolve(),
        batch_size or [chosen.batch_size],
        folder,
        command=command(),
        learning_rate=learning_rate,
        utterances=utterances,
        schedule=schedule,
        say=console.note,
    )
    summary(manifest, out)
