"""Which units of a network are left out, and what is left of its weights (pure).

A matrix is [inputs, outputs], as Keras stores it. An *input unit* is a row of it, an *output unit*
a column; *half* ones are rows or columns of one of its two halves. A *cell* is a unit of the
network itself: whatever belongs to it in all matrices; without it a smaller dense network is left.

Source: Federated Pruning (arXiv 2209.06359). What the paper leaves open has named variants.
"""
