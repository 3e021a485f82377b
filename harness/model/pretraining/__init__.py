"""Pre-train a baseline: tensorflow's own loop over the same network, kept and taken up exactly.

``settings`` says how, ``start`` and ``beginning`` from which weights, ``mixture`` and ``data``
which utterances, ``augment`` what is done to them, ``engine`` takes the steps, ``progress`` keeps
them, ``loop`` puts it together.
"""

from harness.model.pretraining.beginning import Beginning, read_beginning
from harness.model.pretraining.loop import Pretrained, pretrain
from harness.model.pretraining.mixture import Mixture, Share
from harness.model.pretraining.settings import Augmentation, Device, MinWer, Settings
from harness.model.pretraining.start import Init
from harness.model.pretraining.watcher import Silent, StepReport, Watcher

__all__ = [
    "Augmentation",
    "Beginning",
    "Device",
    "Init",
    "MinWer",
    "Mixture",
    "Pretrained",
    "Settings",
    "Share",
    "Silent",
    "StepReport",
    "Watcher",
    "pretrain",
    "read_beginning",
]
