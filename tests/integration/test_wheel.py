"""The wheel, installed into a folder of its own and used from another one: nothing is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import data_root

ROOT = Path(__file__).parents[2]
START = "import sys; sys.argv[0] = 'harness'; from harness.cli import main; main()"


def checked(*words: str, cwd: Path, env: dict[str, str] | None = None, code: int = 0) -> str:
    answer = subprocess.run(
        words, cwd=cwd, env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert answer.returncode == code, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as its wheel has it, read-only; other packages are the tests'."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    python = (sys.executable, "-m")
    checked(*python, "hatchling", "build", "-t", "wheel", "-d", str(wheels), cwd=ROOT)
    (wheel,) = wheels.glob("*.whl")
    options = ("--quiet", "--no-index", "--no-deps", "--no-compile", "--target", str(target))
    checked(*python, "pip", "install", *options, str(wheel), cwd=wheels)
    return target


@pytest.fixture
def run_harness(installed: Path, tmp_path: Path, speech_cache: Path):
    """Call the installed command in an empty folder."""
    env = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MOBILEASR_LAB_CACHE": str(speech_cache),
    }

    def call(*arguments: str, code: int = 0) -> str:
        return checked(sys.executable, "-c", START, *arguments, cwd=tmp_path, env=env, code=code)

    return call


def test_all_that_is_shipped_is_in_it(installed: Path) -> None:
    data = installed / "harness" / "_data"
    for kind in ("device_profiles", "models", "recordings", "reports", "scenarios"):
        shipped = {path.relative_to(ROOT) for path in (ROOT / kind).rglob("*") if path.is_file()}
        assert shipped == {path.relative_to(data) for path in (data / kind).rglob("*.*")}, kind
    assert not list((data / "apk").rglob("target"))
    assert (data / "apk" / "pom.xml").is_file()


def test_a_scenario_is_planned_by_name_from_another_folder(
    run_harness, installed: Path, tmp_path: Path
) -> None:
    rows = {
        row["name"]: row["file"] for row in json.loads(run_harness("scenario", "list", "--json"))
    }
    assert Path(rows["quickstart"]).is_relative_to(installed)
    assert "paper/table1" in rows
    plan = json.loads(run_harness("plan", "quickstart", "--farm", "virtual", "--json"))
    assert len(plan["jobs"]) == 6
    assert all(job["candidates"] for job in plan["jobs"])
    run_harness("scenario", "copy", "smoke", "mine.yaml")
    run_harness("run", "mine.yaml", "--farm", "virtual:oneplus-7t=1", "--set", "gates=off")
    (page,) = tmp_path.glob("runs/*/report/index.html")
    assert "Does everything work together?" in page.read_text(encoding="utf-8")


def test_the_sources_of_the_apk_are_copied_to_where_maven_may_write(
    installed: Path, tmp_path: Path
) -> None:
    words = "from harness.apk.build import apk_sources; print(apk_sources()); print(apk_sources())"
    env = {**os.environ, "PYTHONPATH": str(installed), "MOBILEASR_LAB_CACHE": str(tmp_path)}
    first, second = checked(sys.executable, "-c", words, cwd=tmp_path, env=env).split()
    assert first == second
    assert Path(first).is_relative_to(tmp_path)
    for path in (data_root() / "apk" / "android" / "java").rglob("*.java"):
        assert (Path(first) / path.relative_to(data_root() / "apk")).is_file()
