"""Clock of the GPU, where the kernel lets the shell user read it.

Sources: the kernel's ``drivers/gpu/msm`` (kgsl: ``gpuclk``, Adreno) and its
Documentation/ABI/testing/sysfs-class-devfreq (``cur_freq``, Mali and others); both in Hz. A GPU
that is switched off says 0, which is no clock: such a second is absent.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.base import integer
from harness.readings.bounds import GPU_MHZ
from harness.readings.declared import Axis, Chart, Column, KernelFile, Value


def _take(text: str) -> Mapping[str, Value]:
    hertz = integer(text)
    return {"gpu_mhz": hertz / 1e6} if hertz else {}


READING = KernelFile(
    name="gpu",
    paths=(
        "/sys/class/kgsl/kgsl-3d0/gpuclk",
        "/sys/class/kgsl/kgsl-3d0/devfreq/cur_freq",
        "/sys/class/devfreq/*mali*/cur_freq",
    ),
    take=_take,
    columns=(
        Column(
            "gpu_mhz",
            "float32",
            "MHz",
            "clock of the GPU, MHz; absent where it is off or may not be read",
            bounds=GPU_MHZ,
            track="GPU clock",
            chart=Chart(Axis("GPU, MHz", 60), "clock", "mean", live=True),
        ),
    ),
)
