"""The same network written plainly: what the flatbuffer is checked against and timed against.

``network`` in ordinary tensorflow with a gradient tape, ``keras_network`` in Keras, ``lstm`` the
formulations of the recurrent part that are worth comparing. Nothing of ``harness.model``'s own
forward or backward pass is used here, only sizes and names of weights (``configuration``). Tests
use it, and ``harness.model.bench`` by way of ``contestants``.
"""
