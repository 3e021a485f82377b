"""A kernel file from the probe through the real loop, in two shells, to a row."""

import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.readings import sampled
from harness.readings.sampled import gpu, swap_used
from harness.sampling import collect, probe, read_series, samples
from harness.sampling.configuration import configuration
from harness.sampling.probe import parse_probe, probe_command
from harness.sampling.settings import SamplerSettings

LOOP = Path(sampled.__file__).parents[2] / "sampling" / "loop.sh"
SHELLS = [shell for shell in ("mksh", "dash") if shutil.which(shell)]


@pytest.fixture
def gpu_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A GPU of the second kind of paths: the first is not there, the third never asked."""
    file = tmp_path / "devfreq" / "1a.mali" / "cur_freq"
    file.parent.mkdir(parents=True)
    file.write_text("257000000\n")
    folder = tmp_path / "devfreq"
    paths = (f"{tmp_path}/kgsl/gpuclk", f"{folder}/*mali*/cur_freq", "/proc/uptime")
    found = (replace(gpu.READING, paths=paths), swap_used.READING)
    for module in (probe, samples):
        monkeypatch.setattr(module, "readings", lambda: found)
    monkeypatch.setattr("harness.sampling.configuration.readings", lambda: found)
    return file


@pytest.mark.skipif(not SHELLS, reason="neither mksh nor dash is here")
@pytest.mark.parametrize("shell", SHELLS)
def test_a_kernel_file_comes_into_the_table(shell: str, gpu_file: Path, tmp_path: Path) -> None:
    told = subprocess.run(
        [shell, "-c", probe_command("/proc")], capture_output=True, text=True, check=True
    ).stdout
    phone = parse_probe(told)
    assert phone.files == {"gpu": str(gpu_file)}
    run = tmp_path / "run"
    run.mkdir()
    settings = SamplerSettings(period_s=0.1)
    (run / "sampler.conf").write_text(configuration("#s0badcafe", settings, phone))
    (run / "lease").write_text("99999999\n")
    process = subprocess.Popen([shell, str(LOOP)], cwd=run, stdin=subprocess.DEVNULL)
    file = run / "samples.txt"
    try:
        _until(lambda: file.exists() and file.read_bytes().count(b" end ") > 2)
        gpu_file.write_text("0\n")  # switched off
        seen = file.read_bytes().count(b" end ")
        _until(lambda: file.read_bytes().count(b" end ") > seen + 2)
        (run / "stop").touch()
        assert process.wait(20) == 0
    finally:
        process.kill()
    rows = collect(read_series(file.read_bytes())).table.to_pylist()
    assert [row["gpu_mhz"] for row in rows[:2]] == [257, 257]
    assert rows[-1]["gpu_mhz"] is None
    assert all(row["swap_used_mb"] is not None for row in rows)


def _until(is_so: object) -> None:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.02)


def test_a_phone_without_a_gpu_that_can_be_read_says_nothing_of_it() -> None:
    phone = parse_probe("meminfo=1\nstat_bytes=900\npidof=1\nfile_gpu=/a b\n")
    assert phone.files == {}
    assert not any("GPU" in name for name in phone.absent)
    assert "FILES=''" in configuration("#s0", SamplerSettings(), phone)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("257000000", 257.0), ("0", None), ("-1", None), ("99999999999", None), ("n/a", None)],
)
def test_what_is_no_clock_is_absent(text: str, expected: float | None) -> None:
    assert gpu.READING.checked(gpu.READING.take, text).values.get("gpu_mhz") == expected
