import subprocess
import sys
from pathlib import Path

from harness.virtual import reaper
from harness.virtual.root.layout import make_folders

NOBODY = 65534


def test_a_phones_closed_folders_are_removed_too(tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    make_folders(phone)
    assert (phone / "data").stat().st_mode & 0o777 == 0o555
    make_folders(phone)
    assert (phone / "data").stat().st_mode & 0o777 == 0o555, "a second boot finds them closed"
    reaper.remove_tree(phone)
    assert not phone.exists()
    reaper.remove_tree(phone)


def test_also_by_a_user_without_roots_rights() -> None:
    script = (
        "import os, pathlib, runpy, tempfile\n"
        f"remove_tree = runpy.run_path({reaper.__file__!r})['remove_tree']\n"
        f"if os.getuid() == 0: os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "top = pathlib.Path(tempfile.mkdtemp())\n"
        "(top / 'data/local/tmp').mkdir(parents=True)\n"
        "(top / 'data/local').chmod(0o555)\n"
        "(top / 'data').chmod(0o555)\n"
        "remove_tree(top)\n"
        "assert not top.exists()\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)
