"""What the phone tells: read when it is there, None when it is not."""

from __future__ import annotations

import pytest

from harness.trainer import device


@pytest.mark.parametrize(
    ("meminfo", "available"),
    [
        ("MemTotal:  1 kB\nMemAvailable:    2097152 kB\n", 2048),
        ("MemAvailable: 0 kB\n", 0),
        ("MemTotal: 1 kB\nMemFree: 5 kB\n", None),
        ("", None),
    ],
)
def test_available(tmp_path, monkeypatch, meminfo, available):
    (tmp_path / "meminfo").write_text(meminfo)
    monkeypatch.setenv("MOBILEASR_PROC_DIR", str(tmp_path))
    assert device.available_mb() == available


def test_available_from_the_kernel_where_nothing_else_is_named(monkeypatch):
    monkeypatch.delenv("MOBILEASR_PROC_DIR", raising=False)
    assert device.available_mb() > 10


def test_no_meminfo_is_not_zero(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILEASR_PROC_DIR", str(tmp_path))
    assert device.available_mb() is None


@pytest.mark.parametrize(
    ("script", "percent"),
    [
        ("echo '  level: 42'; echo '  scale: 100'", 42),
        ("echo '  level: 21'; echo '  scale: 50'", 42),
        ("echo '  level: 42'", 42),
        ("echo '  level: 42'; echo '  level: 7'", 42),  # a second battery's block
        ('echo "Can\'t find service: battery"; exit 20', None),
        ("echo '  level: -1'", None),
        ("echo '  level: 2147483647'; echo '  scale: 100'", None),
        ("echo '  present: false'; echo '  level: 0'; echo '  scale: 100'", None),
        ("echo '  present: true'; echo '  level: 0'; echo '  present: false'", 0),
    ],
)
def test_battery(tmp_path, monkeypatch, script, percent):
    shim = tmp_path / "dumpsys"
    shim.write_text(f'#!/bin/sh\n[ "$*" = battery ] || exit 9\n{script}\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert device.battery_percent() == percent


def test_no_battery_service(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device.battery_percent() is None


def test_a_hanging_battery_service_does_not_hang_the_trainer(tmp_path, monkeypatch):
    shim = tmp_path / "dumpsys"
    shim.write_text("#!/bin/sh\nexec sleep 30\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(device, "_BATTERY_TIMEOUT_S", 0.3)
    assert device.battery_percent() is None


def test_own_peak():
    content = bytearray(8 << 20)
    assert len(content) / (1 << 20) < device.peak_rss_mb() < 64_000
