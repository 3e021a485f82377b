"""A Conformer encoder with early exits (arXiv 2309.09546), one CTC head an exit.

``configuration`` has sizes and layers without tensorflow, ``layers`` computes them out of
``blocks``, ``reference`` is the same network written plainly.
"""
