"""The run folder: what one attempt produced, its samples as Parquet, and how to read them back.

``model`` is pure; ``store`` reads and writes run folders. ``lab`` writes, ``report`` and ``cli``
read.
"""
