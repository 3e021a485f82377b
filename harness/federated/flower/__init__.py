"""Flower's strategies and ServerApps on a lab of phones: the only package that imports flwr.

``grid`` is a `flwr.serverapp.Grid` whose nodes are the clients of a federation and whose messages
become tasks of the run; ``inner`` alone touches what Flower calls its own.
"""

import os

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")  # before any import of flwr: it is read there
