"""Golden vectors: what every trainer, in whatever language, must decide and accept alike.

``python -m tests.golden.write`` writes the JSON files from the Python reference;
``tests/unit/contract/test_golden.py`` checks that they are current. ``apk/`` reads the same files.
"""
