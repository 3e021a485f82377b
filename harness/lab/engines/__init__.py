"""Who carries out the orders of a run, on phones of this host or of others.

``phone_work`` is what is done on a phone; ``threads`` does it here, ``host`` where a worker runs
(``guest_run`` and ``shelf`` are what it keeps). ``remote`` is the coordinator's side of workers,
``offers`` its bench and crew, ``wire`` what goes between the two, ``dask_farm`` how it goes: the
only module that imports dask. ``crew`` holds the phones of a run and makes its engine.
"""
