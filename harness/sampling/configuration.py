"""``sampler.conf``: what the loop on the phone is told (pure)."""

from __future__ import annotations

import shlex

from harness.readings.declared import Command, KernelFile
from harness.readings.sampled import readings
from harness.sampling.probe import Capabilities
from harness.sampling.settings import SamplerSettings


def configuration(token: str, settings: SamplerSettings, phone: Capabilities) -> str:
    """Return the text of ``sampler.conf``.

    Args:
        token: Begins every line of the sampler's own.
        settings: How it samples.
        phone: What the phone lets us read.
    """
    values: dict[str, object] = {
        "TOKEN": token,
        "PERIOD_CS": round(settings.period_s * 100),
        "PROC_DIR": settings.proc_dir,
        "STAT_MODE": phone.stat_mode,
        "PACKAGE": settings.package,
        "PIDOF": phone.pidof,
        "BATTERY": "",
        "MAX_BYTES": settings.max_bytes,
        "CLK_TCK": phone.clock_ticks,
        "PAGE_KB": phone.page_kb,
    }
    files: list[str] = []
    slow: list[str] = []
    for reading in readings():
        if isinstance(reading, KernelFile) and reading.name in phone.files:
            files.append(reading.name)
            values[f"FILE_{reading.name}"] = phone.files[reading.name]
        elif isinstance(reading, Command) and reading.name in phone.commands:
            command, proto = phone.commands[reading.name]
            section = f"{reading.name}_proto" if proto else reading.name
            if reading.every_s is None:
                values.update(BATTERY=command, BATTERY_NAME=section)
                continue
            slow.append(reading.name)
            own = f" {settings.package}" if reading.of_trainer else ""
            values[f"COMMAND_{reading.name}"] = command + own
            values[f"NAME_{reading.name}"] = section
            values[f"EVERY_{reading.name}"] = settings.periods(reading.name, reading.every_s)
            values[f"OWN_{reading.name}"] = "1" if reading.of_trainer else ""
    values.update(FILES=" ".join(files), SLOW=" ".join(slow))
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())
