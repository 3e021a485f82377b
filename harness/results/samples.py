"""The columns of ``samples.parquet``: one row a second, nulls where the phone did not say."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("seq", pa.int32(), "number of the tick, from 0; a gap is a second that is missing"),
    ("t_s", pa.float64(), "seconds since the first sample, by the phone's boot clock"),
    ("t_boot_ms", pa.int64(), "boot clock when the sample was begun, ms"),
    ("due_boot_ms", pa.int64(), "boot clock when it was due, ms"),
    ("cost_ms", pa.float32(), "how long taking it lasted, ms"),
    ("phase", pa.string(), "what the trainer did: idle, preprocess, load, train, evaluate or save"),
    ("epoch", pa.int32(), "epoch of that phase"),
    ("trainer_pid", pa.int32(), "process of the trainer"),
    ("trainer_cpu_percent_one_core", pa.float32(), "CPU of the trainer, percent of one core"),
    ("trainer_cpu_percent_phone", pa.float32(), "CPU of the trainer, percent of all cores"),
    ("phone_cpu_percent", pa.float32(), "CPU of the phone, percent of all cores"),
    ("trainer_rss_mb", pa.float32(), "resident memory of the trainer, MiB"),
    ("trainer_pss_mb", pa.float32(), "PSS, MiB; sparse: dumpsys meminfo at its own period"),
    ("trainer_swap_mb", pa.float32(), "swapped memory of the trainer, MiB"),
    ("trainer_anon_mb", pa.float32(), "what it adds to available_mb when it ends, MiB"),
    ("total_mb", pa.float32(), "MemTotal, MiB"),
    ("available_mb", pa.float32(), "MemAvailable, MiB"),
    ("free_mb", pa.float32(), "MemFree, MiB"),
    ("swap_free_mb", pa.float32(), "SwapFree, MiB"),
    ("battery_percent", pa.float32(), "charge, percent"),
    ("battery_temperature_c", pa.float32(), "temperature of the battery, °C"),
    ("battery_voltage_mv", pa.float32(), "its voltage, mV"),
    ("battery_charge_counter", pa.float64(), "counter of charge: raw, in the vendor's unit"),
    ("battery_plugged", pa.bool_(), "a cable or a dock gives power"),
    ("battery_updates_stopped", pa.bool_(), "somebody told Android to pretend: not measured"),
    ("temperature_c", pa.float32(), "hottest CPU or skin sensor, °C; sparse"),
    ("thermal_status", pa.int32(), "0 none, 1 light, 2 moderate (throttles) to 6 shutdown; sparse"),
)

SAMPLE_SCHEMA = pa.schema([(name, kind) for name, kind, _ in _COLUMNS])
"""Schema of ``samples.parquet`` (version 1)."""

MEANINGS: dict[str, str] = {name: meaning for name, _, meaning in _COLUMNS}
"""Column -> what it says, with its unit."""


def some_columns(names: Sequence[str]) -> pa.Schema:
    """Return the schema of some columns; one that is unknown here has the type null."""
    known = set(SAMPLE_SCHEMA.names)
    return pa.schema(
        [
            SAMPLE_SCHEMA.field(name) if name in known else pa.field(name, pa.null())
            for name in names
        ]
    )
