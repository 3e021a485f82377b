"""Whole runs on virtual phones while things are killed: ``script/bench kills`` and ``faults``."""
