"""The commands of a virtual phone: small shell scripts, installed into its ``/system/bin``.

What is asked often (``getprop``, ``dumpsys battery``, ``pidof``) is answered by the script itself
from files; the rest goes through two named pipes to the phone's system server
(:mod:`harness.virtual.system`). The farm calls :func:`install_userland` before the root starts.
"""

from harness.virtual.userland.install import STATE_FOLDER, install_userland

__all__ = ["STATE_FOLDER", "install_userland"]
