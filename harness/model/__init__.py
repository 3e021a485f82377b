"""The trainable flatbuffer: DeepSpeech2, CTC and Adam in builtin operators; pre-training, export.

The only folder that imports tensorflow (the extra ``[model]``), and only inside the modules that
need it; ``configuration`` and ``strip`` run without. Called by ``harness.cli`` (``harness model``);
everything else uses the shipped files through ``harness.trainer.runtime``.
"""
