"""RNN transducers (Graves, 2012, arXiv 1211.3711): a streaming encoder, a predictor, a joint.

``lattice`` sums over all alignments, ``loss`` makes a loss and its gradient of logits of the whole
lattice, ``restricted`` of a band of it, ``targets`` says what goes into them.
"""
