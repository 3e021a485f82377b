"""tensorflow without the page that it says about itself when it is imported."""

from __future__ import annotations

import os
import sys
import tempfile


def import_quietly() -> None:
    """Import tensorflow with standard error held back; it is shown if the import fails.

    Later on tensorflow leaves out notes and still writes warnings and errors.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    sys.stderr.flush()
    own = os.dup(2)  # the library writes to the descriptor, not to Python's sys.stderr
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            output.seek(0)
            os.write(own, output.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
