"""Weights in fewer bits: S1EeMm and intN, packed; the same bits as the Java trainer's (pure).

`packed` writes a variable small and reads it back, `chosen` says which variables of a model.
"""
