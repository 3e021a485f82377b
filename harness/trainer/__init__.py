"""The reference on-device trainer: what a virtual phone runs in place of the Android app.

``python -m harness.trainer --job FILE`` trains one job. ``policies`` and ``decode`` are pure;
``loop`` is the training protocol over a ``learner``, ``flatbuffer_learner`` the one that trains,
``runtime`` the flatbuffer, ``events`` the durable log, ``device`` what the phone tells. Stands
alone: it imports the contract and the metrics, nothing of the host.
"""
