"""What a bench hands to its contestants."""

from types import SimpleNamespace

import numpy as np
import pytest

from harness.model.bench import contestants
from harness.paths import data_root


@pytest.mark.parametrize("name", ["ds2-mini", "ds2-mini-ee"])
def test_weights_are_read_whether_they_are_packed_or_not(name):
    """Those of the second have 12 bits a number."""
    file = data_root() / "models" / name / "baseline.npz"
    weights = contestants._weights(SimpleNamespace(weights=file))
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    assert weights["conv1_kernel"].ndim == 4
