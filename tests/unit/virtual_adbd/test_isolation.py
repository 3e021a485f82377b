"""Which isolation is chosen, and that a refused one says why."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.virtual.phone import Faults, PhoneSpec
from harness.virtual.root import binds, open_root, probe_isolation
from harness.virtual.root import userns as userns_module
from harness.virtual.root.plain import PlainRoot
from harness.virtual.root.tools import installed_tools
from harness.virtual.root.userns import IsolationError, UsernsRoot


def test_the_variable_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOBILEASR_LAB_ISOLATION", "none")
    probe = asyncio.run(probe_isolation())
    assert (probe.kind, probe.reason) == ("none", "MOBILEASR_LAB_ISOLATION=none")
    monkeypatch.setenv("MOBILEASR_LAB_ISOLATION", "userns")
    assert asyncio.run(probe_isolation()).kind == "userns"
    monkeypatch.setenv("MOBILEASR_LAB_ISOLATION", "docker")
    with pytest.raises(ValueError, match="docker"):
        asyncio.run(probe_isolation())


def test_without_nsenter_there_is_no_own_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOBILEASR_LAB_ISOLATION", raising=False)
    which = shutil.which
    monkeypatch.setattr(
        userns_module.shutil, "which", lambda name: None if name == "nsenter" else which(name)
    )
    probe = asyncio.run(probe_isolation())
    assert probe.kind == "none"
    assert "nsenter" in probe.reason


def test_a_failed_step_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inside = tmp_path / "inside.py"
    inside.write_text(
        "import json; print(json.dumps({'error': 'unshare user: No space (errno 28)'}))"
    )
    monkeypatch.setattr(userns_module, "_INSIDE", inside)
    phone = open_root(PhoneSpec("P", tmp_path / "p", "userns"))
    if shutil.which("nsenter") is None:
        pytest.skip("no nsenter: refused before the step")
    with pytest.raises(IsolationError, match="errno 28"):
        asyncio.run(phone.start())


def test_the_set_up_reports_a_missing_folder(tmp_path: Path) -> None:
    """Whatever this host allows, a set-up that can't work says so in one line of JSON."""
    config = {"root": "/nonexistent", "mount_point": "/nonexistent", "uid": 2000, "gid": 2000}
    result = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            str(userns_module._INSIDE),
            json.dumps(config | {"binds": []}),
        ],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    assert result.returncode == 1
    assert "errno" in json.loads(result.stdout)["error"]


def test_the_spec_decides(tmp_path: Path) -> None:
    assert isinstance(open_root(PhoneSpec("P", tmp_path, "none")), PlainRoot)
    assert isinstance(open_root(PhoneSpec("P", tmp_path, "userns")), UsernsRoot)


def test_python_is_lent_without_what_lies_around_it(tmp_path: Path) -> None:
    chosen = [Path(path) for path in binds.lent_folders(tmp_path, ())]
    package = Path(binds.__file__).parents[2]
    system = [Path("/usr")]
    for needed in (Path(sys.prefix), Path(sys.base_prefix), package):
        assert any(needed == path or path in needed.parents for path in [*chosen, *system])
    assert Path("/") not in chosen
    assert package.parent not in chosen
    for folder in chosen:
        assert not any(above in folder.parents for above in chosen)


def test_nothing_above_the_phone_is_lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binds, "_editable_folders", lambda root: {tmp_path})
    assert str(tmp_path) not in binds.lent_folders(tmp_path / "phones/one", ())


def test_tools_of_a_home_are_lent_with_what_their_links_lead_to(tmp_path: Path) -> None:
    multi_call, links = tmp_path / "opt/coreutils", tmp_path / "home/bin"
    for file in (multi_call, links / "other"):
        file.parent.mkdir(parents=True)
        file.touch()
    (links / "cat").symlink_to(multi_call)
    chosen = binds.lent_folders(tmp_path / "phones/one", [links / "cat", Path("/usr/bin/env")])
    assert {str(links), str(multi_call.parent)} <= set(chosen)
    assert "/usr/bin" not in chosen


def test_shims_win_over_lent_tools(tmp_path: Path) -> None:
    (tmp_path / "ls").write_text("shim")
    installed_tools().link_into(tmp_path)
    assert (tmp_path / "ls").read_text() == "shim"
    assert (tmp_path / "cat").is_symlink()
    assert not (tmp_path / "pkill").exists()


def test_a_stopped_phone_starts_nothing(tmp_path: Path) -> None:
    phone = open_root(PhoneSpec("P", tmp_path / "p"))
    with pytest.raises(ProcessLookupError):
        asyncio.run(phone.spawn("true"))


def test_a_lost_cable_comes_back_by_the_clock() -> None:
    now = [100.0]
    faults = Faults(clock=lambda: now[0])
    refusals: list[float] = []
    dropped: list[bool] = []
    faults.on_reach(lambda: refusals.append(faults.refused_for_s))
    faults.on_drop(lambda: dropped.append(True))
    faults.lose_cable(5)
    now[0] = 103.0
    assert faults.refused_for_s == 2.0
    now[0] = 106.0
    assert faults.refused_for_s == 0.0
    faults.refuse = True
    assert faults.refused_for_s == float("inf")
    faults.clear()
    assert refusals == [5.0, float("inf"), 0.0]
    assert dropped == [True]
