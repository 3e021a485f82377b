"""The kinds of readings by name, for the command line and for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from harness.readings.battery import parse_battery
from harness.readings.battery_proto import parse_battery_proto
from harness.readings.batterystats import parse_batterystats
from harness.readings.cpuinfo import parse_cpuinfo
from harness.readings.exit_info import parse_exit_info
from harness.readings.getprop import parse_getprop
from harness.readings.lmk import parse_lmk
from harness.readings.meminfo_proto import parse_meminfo_proto
from harness.readings.meminfo_system import parse_meminfo
from harness.readings.pressure import parse_pressure
from harness.readings.proc_meminfo import parse_proc_meminfo
from harness.readings.proc_pid import (
    parse_proc_pid_statm,
    parse_proc_pid_stats,
    parse_proc_pid_status,
)
from harness.readings.proc_stat import parse_proc_stat
from harness.readings.thermal import parse_thermal

KINDS: Mapping[str, Callable[[str | bytes], Any]] = MappingProxyType(
    {
        "battery": parse_battery,
        "batterystats": parse_batterystats,
        "cpuinfo": parse_cpuinfo,
        "exit_info": parse_exit_info,
        "getprop": parse_getprop,
        "lmk": parse_lmk,
        "meminfo": parse_meminfo,
        "pressure": parse_pressure,
        "proc_meminfo": parse_proc_meminfo,
        "proc_pid_stat": parse_proc_pid_stats,
        "proc_pid_statm": parse_proc_pid_statm,
        "proc_pid_status": parse_proc_pid_status,
        "proc_stat": parse_proc_stat,
        "thermal": parse_thermal,
    }
)
"""Parser of each kind: text -> a frozen model (or a tuple of them)."""

PROTO_KINDS: Mapping[str, Callable[[bytes], Any]] = MappingProxyType(
    {"battery": parse_battery_proto, "meminfo": parse_meminfo_proto}
)
"""Parser of what ``dumpsys ... --proto`` prints, into the same models."""
