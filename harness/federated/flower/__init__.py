"""Flower's strategies and ServerApps on a lab of phones: the only package that imports flwr.

``grid`` is a `flwr.serverapp.Grid` whose nodes are the clients of a federation and whose messages
become tasks of the run; ``inner`` alone touches what Flower calls its own.
"""
