"""DeepSpeech2 as MobileASR uses it: 3 CONV, 4 bidirectional LSTM, 2 FC, one CTC output.

``configuration`` has sizes and layers without tensorflow, ``layers`` computes them, ``reference``
is the same network written plainly.
"""
