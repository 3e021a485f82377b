"""Step time and memory of the trainable model against plain tensorflow and Keras.

``script/bench model [ARGUMENTS]`` is ``harness model bench``; without arguments it measures the
shipped ds2-mini. Full size: ``script/bench model --arch ds2 --batch-size 1 --batch-size 5
--batch-size 10 --sub-model S1`` (about 10 GiB of memory with all that is compared).
"""

from __future__ import annotations

import sys

from harness.cli import main
from harness.paths import data_root

if __name__ == "__main__":
    given = sys.argv[1:] or [str(data_root() / "models" / "ds2-mini")]
    sys.argv = ["harness", "model", "bench", *given]
    main()
