"""Which isolation this host allows, found by trying."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.virtual.phone import Isolation, PhoneSpec
from harness.virtual.root.userns import IsolationError, UsernsRoot

OVERRIDE_VARIABLE = "MOBILEASR_LAB_ISOLATION"

_PATIENCE_S = 60.0

# The trainer on the phone is this Python with these packages; found, not imported, to stay quick.
_CHECK = """
import importlib.util, os
for name in ("harness", "numpy", "ai_edge_litert"):
    if importlib.util.find_spec(name) is None:
        raise SystemExit(f"{name} cannot be imported on the phone")
if (os.getuid(), os.getgid()) != (2000, 2000):
    raise SystemExit(f"uid {os.getuid()}, not 2000")
if not os.path.isdir("/data/local/tmp") or os.path.exists("/home") and os.access("/home", os.W_OK):
    raise SystemExit("the root isn't the phone's")
"""


@dataclass(frozen=True)
class IsolationProbe:
    """What was found.

    Args:
        kind: The isolation to use.
        reason: Why not a better one; empty if it is the best.
    """

    kind: Isolation
    reason: str = ""


async def probe_isolation() -> IsolationProbe:
    """Say which isolation can be used here, by making a phone with it and running Python there.

    ``MOBILEASR_LAB_ISOLATION=userns|none`` chooses without a try.

    Raises:
        ValueError: The variable has another value.
    """
    wanted = os.environ.get(OVERRIDE_VARIABLE, "")
    if wanted == "userns":
        return IsolationProbe("userns")
    if wanted == "none":
        return IsolationProbe("none", f"{OVERRIDE_VARIABLE}=none")
    if wanted:
        raise ValueError(f"{OVERRIDE_VARIABLE} is '{wanted}'; it can be userns or none")
    reason = await _try_userns()
    return IsolationProbe("none", reason) if reason else IsolationProbe("userns")


async def _try_userns() -> str:
    """Return why a phone with its own root can't be; empty if it can."""
    with tempfile.TemporaryDirectory(prefix="vlab-probe-") as folder:
        root = UsernsRoot(PhoneSpec("probe", Path(folder, "phone"), "userns"))
        try:
            await root.start()
            process = await root.spawn(
                [sys.executable, "-c", _CHECK],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
            )
            assert process.stdout is not None
            output = await asyncio.wait_for(process.stdout.read(), _PATIENCE_S)
            code = await process.wait()
            process.close()
        except IsolationError as error:
            return str(error)
        except (OSError, asyncio.TimeoutError) as error:
            return f"a process could not be started on a trial phone: {error!r}"
        finally:
            await root.stop()
    lines = output.decode(errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else 'no output'} (exit code {code})" if code else ""
