"""The columns of ``samples.parquet``: one row a second, nulls where the phone did not say."""

from __future__ import annotations

import pyarrow as pa

SAMPLE_SCHEMA = pa.schema(
    [
        ("seq", pa.int32()),
        ("t_s", pa.float64()),  # seconds since the first sample, by the phone's boot clock
        ("t_boot_ms", pa.int64()),
        ("due_boot_ms", pa.int64()),
        ("cost_ms", pa.float32()),
        ("phase", pa.string()),  # idle | preprocess | load | train | evaluate | save
        ("epoch", pa.int32()),
        ("trainer_pid", pa.int32()),
        ("trainer_cpu_percent_one_core", pa.float32()),
        ("trainer_cpu_percent_phone", pa.float32()),
        ("phone_cpu_percent", pa.float32()),
        ("trainer_rss_mb", pa.float32()),
        ("trainer_pss_mb", pa.float32()),  # sparse: dumpsys meminfo at its own period
        ("trainer_swap_mb", pa.float32()),
        ("trainer_anon_mb", pa.float32()),  # what it adds to available_mb when it ends
        ("total_mb", pa.float32()),
        ("available_mb", pa.float32()),
        ("free_mb", pa.float32()),
        ("swap_free_mb", pa.float32()),
        ("battery_percent", pa.float32()),
        ("battery_temperature_c", pa.float32()),
        ("battery_voltage_mv", pa.float32()),
        ("battery_charge_counter", pa.float64()),  # raw, vendor's unit
        ("battery_plugged", pa.bool_()),
        ("battery_updates_stopped", pa.bool_()),
        ("temperature_c", pa.float32()),  # hottest CPU or skin sensor, sparse
        ("thermal_status", pa.int32()),
    ]
)
"""Schema of ``samples.parquet`` (version 1)."""
