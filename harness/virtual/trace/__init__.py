"""Trainers that replay a cost model instead of training: for schedulers, by the hundred.

``--trainer trace`` of a farm takes these. ``table`` is the model: seconds and word error rates of
runs measured before, made by ``python -m harness.virtual.trace.measure RUN_FOLDER``; ``replay``
says the events that the trainer would say, at their time. Such a phone names itself in the property
``ro.vlab.trainer``, and every result of it has the origin ``trace``.
"""
