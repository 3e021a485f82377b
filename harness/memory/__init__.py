"""How much memory training needs: the paper's arithmetic, and a model calibrated by measurement.

Pure: numbers in, numbers out. ``as_printed`` is what MobileASR's Appendix D computes, ``measured``
predicts the peak of our own trainer from a few measured ones, ``published`` compares the first with
the printed digits. Scenarios choose by ``trainer.memory_model`` which of the two the phone selects
by.
"""
