"""The trainable flatbuffer: networks, CTC and Adam in builtin operators; pre-training, export.

A network is a list of layers (``layer``, ``network``); its family is a folder, ``deepspeech2``, and
``families`` knows all of them. The only folder that imports tensorflow (the extra ``[model]``), and
only inside the modules that need it; ``configuration``, ``layer``, ``families`` and ``strip`` run
without. Called by ``harness.cli`` (``harness model``);
everything else uses the shipped files through ``harness.trainer.runtime``.
"""
