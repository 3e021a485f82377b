"""The columns of the samples that are no readings: what the sampler itself says of a row."""

from __future__ import annotations

from harness.readings.declared import Column

OWN_COLUMNS: tuple[Column, ...] = (
    Column("seq", "int32", "", "number of the tick, from 0; a gap is a second that is missing"),
    Column("t_s", "float64", "s", "seconds since the first sample, by the phone's boot clock"),
    Column("t_boot_ms", "int64", "ms", "boot clock when the sample was begun, ms"),
    Column("due_boot_ms", "int64", "ms", "boot clock when it was due, ms"),
    Column("cost_ms", "float32", "ms", "how long taking it lasted, ms"),
    Column(
        "phase",
        "string",
        "",
        "what the trainer did: idle, preprocess, load, train, evaluate or save",
    ),
    Column("epoch", "int32", "", "epoch of that phase"),
)
"""What the sampler itself says of a row."""
