"""The sampling benchmark runs and says what it measured; how fast it is, is not asserted here."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import bench_sampling


def test_the_benchmark_with_few_phones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    arguments = ["--phones", "3", "--seconds", "5", "--shell-seconds", "1", "--cable", "2"]
    assert bench_sampling.main([*arguments, "--json", str(figures)]) == 0
    found = json.loads(figures.read_text())
    sampler = found["sampler"]
    assert sampler["phones"] == 3
    assert sampler["seconds_expected"] >= 15
    assert sampler["seconds_missing"] == 0  # a cable was torn, and a machine is rarely 1 s late
    assert sampler["cables_torn"] == 1
    assert sampler["nulls"]["available_mb"] == 0
    assert sampler["loop_cpu_percent_one_core"] > 0
    assert found["host_ratio"] > 0
    printed = capsys.readouterr().out
    assert "seconds missing   0 of" in printed
    assert "host and server" in printed
