"""Step time and memory of a flatbuffer's signatures, against the same step written plainly.

``paired`` starts one fresh process a contestant and lets them step in turn, so that a busy machine
slows all of them alike; ``worker`` is such a process, ``contestants`` what it runs, ``figures``
what comes out. Without tensorflow only the flatbuffer itself can be measured.
"""
