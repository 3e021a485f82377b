"""Attempts on other hosts: an engine whose phones hang where workers run.

``host`` (a worker: this host's phones, doing what it is told; ``guest_run`` and ``shelf`` are what
it keeps), ``remote`` (the coordinator's side, a `harness.lab.engine.Engine`; ``offers`` is its
bench and crew), ``wire`` (what goes between the two), ``dask_farm`` (how it goes: the only module
that imports dask). Nothing is imported from here for a local run.
"""
