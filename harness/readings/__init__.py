"""Text from a phone -> frozen models (pure: no I/O, imports nothing else of the harness).

Anyone may call these. A field that the phone did not print is ``None``, never 0; the only error is
``ReadingError``. ``python -m harness.readings KIND [--proto] < FILE`` prints a reading as JSON.
"""

from harness.readings.battery import Battery, parse_battery
from harness.readings.battery_proto import parse_battery_proto
from harness.readings.batterystats import Batterystats, parse_batterystats
from harness.readings.cpuinfo import Cpuinfo, parse_cpuinfo
from harness.readings.errors import ReadingError
from harness.readings.exit_info import REASON_LOW_MEMORY, ExitInfo, ExitRecord, parse_exit_info
from harness.readings.getprop import Getprop, parse_getprop
from harness.readings.kinds import KINDS, PROTO_KINDS
from harness.readings.lmk import KillLine, Lmk, parse_lmk
from harness.readings.meminfo_package import MeminfoPackage, MeminfoProcess, parse_meminfo_package
from harness.readings.meminfo_proto import parse_meminfo_proto
from harness.readings.meminfo_system import (
    MeminfoCheckin,
    MeminfoMixed,
    MeminfoSystem,
    parse_meminfo,
    parse_meminfo_checkin,
    parse_meminfo_system,
)
from harness.readings.pressure import Pressure, parse_pressure
from harness.readings.proc_meminfo import ProcMeminfo, parse_proc_meminfo
from harness.readings.proc_pid import (
    PidStat,
    PidStatm,
    PidStatus,
    parse_proc_pid_stat,
    parse_proc_pid_statm,
    parse_proc_pid_stats,
    parse_proc_pid_status,
)
from harness.readings.proc_stat import CpuTimes, ProcStat, parse_proc_stat
from harness.readings.thermal import Temperature, Thermal, parse_thermal

__all__ = [
    "KINDS",
    "PROTO_KINDS",
    "REASON_LOW_MEMORY",
    "Battery",
    "Batterystats",
    "CpuTimes",
    "Cpuinfo",
    "ExitInfo",
    "ExitRecord",
    "Getprop",
    "KillLine",
    "Lmk",
    "MeminfoCheckin",
    "MeminfoMixed",
    "MeminfoPackage",
    "MeminfoProcess",
    "MeminfoSystem",
    "PidStat",
    "PidStatm",
    "PidStatus",
    "Pressure",
    "ProcMeminfo",
    "ProcStat",
    "ReadingError",
    "Temperature",
    "Thermal",
    "parse_battery",
    "parse_battery_proto",
    "parse_batterystats",
    "parse_cpuinfo",
    "parse_exit_info",
    "parse_getprop",
    "parse_lmk",
    "parse_meminfo",
    "parse_meminfo_checkin",
    "parse_meminfo_package",
    "parse_meminfo_proto",
    "parse_meminfo_system",
    "parse_pressure",
    "parse_proc_meminfo",
    "parse_proc_pid_stat",
    "parse_proc_pid_statm",
    "parse_proc_pid_stats",
    "parse_proc_pid_status",
    "parse_proc_stat",
    "parse_thermal",
]
