"""Federated Pruning around any of the harness's own strategies: the server keeps all of the model.

In each round ``choice`` decides what clients get and writes it, ``network`` makes the smaller
network that it fits, once for all rounds of equal sizes, and ``model`` puts what they trained back
into the whole. Which of these tasks a round has says ``rounds``. Nothing here knows how the answers
become one model: that is done on the small model as on any other.
"""
