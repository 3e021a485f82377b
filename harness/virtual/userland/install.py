"""Writing the phone's commands: templates in ``bin/``, filled with the phone's own paths."""

from __future__ import annotations

from pathlib import Path

from harness.virtual.phone import PhoneRoot
from harness.virtual.root.tools import installed_tools

STATE_FOLDER = "data/system/vlab"
"""Below the phone's root: what scripts and system server say to each other."""

_TEMPLATES = Path(__file__).parent / "bin"
_CALL = "call"

# Answered by the system server alone; each is the same script under another name.
SERVED = tuple(
    """
    am appops bugreport bugreportz content device_config df dmesg free getenforce getevent id ime
    ifconfig input ip killall locksettings log logcat monkey mount pgrep ping pkill ps reboot
    screencap service setenforce settings sm svc top uiautomator uptime whoami wm
    """.split()  # noqa: SIM905 - a table of words, not a list of thirty lines
)


def install_userland(root: PhoneRoot) -> None:
    """Write all commands into the phone's ``system/bin`` (what is there is replaced).

    Args:
        root: The phone; need not be started.
    """
    bin_dir = root.root_dir / "system/bin"
    bin_dir.mkdir(parents=True, exist_ok=True)
    (root.root_dir / STATE_FOLDER).mkdir(parents=True, exist_ok=True)
    call = (_TEMPLATES / _CALL).read_text("ascii")
    for name in SERVED:
        _write(bin_dir / name, root, "@CALL@", call)
    for template in sorted(_TEMPLATES.iterdir()):
        if template.name != _CALL:
            _write(bin_dir / template.name, root, template.read_text("ascii"), call)


def _write(path: Path, root: PhoneRoot, text: str, call: str) -> None:
    prefix = root.process_path("/").rstrip("/").replace("'", "'\\''")
    body = text.replace("@CALL@", call).replace("@NAME@", path.name).replace("@ROOT@", prefix)
    body = body.replace("@HOST_DATE@", installed_tools(root.spec.shell).command("date"))
    if path.is_symlink():
        path.unlink()  # never write through a link: it leads to the host's own tool
    path.write_text(f"#!{root.shell}\n{body}", encoding="utf-8")
    path.chmod(0o755)
