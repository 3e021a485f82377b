"""``harness model build``."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.model.common import BatchOption, OutOption, command, config, summary


def build(
    network: Annotated[str, typer.Argument(help="ds2-tiny, ds2-mini or ds2-paper.")],
    out: OutOption,
    batch_size: BatchOption = None,
) -> None:
    """Write a model folder with random weights, its needs measured."""
    from harness.model.ship import ship_random

    chosen = config(network)
    sizes = batch_size or [chosen.batch_size]
    manifest = ship_random(chosen, out.resolve(), sizes, command=command())
    summary(manifest, out)
