"""Weights and moments that stay encoded while a network trains.

A variable is held as blocks of rows, each in few bits. A layer decodes what it needs where it needs
it; after the layer's gradients are there its blocks are decoded, moved and encoded again, one after
another. All of it is builtin operators.
"""
