"""Virtual phones: real adbd endpoints whose shell, files and trainer are real and whose RAM isn't.

``python -m harness.virtual.farm`` runs them in one process; whoever wants phones starts that and
speaks ADB with them. ``farmctl`` gives a running farm orders (faults), for tests. Nothing else of
the harness may import from here, and nothing here imports what talks to phones.
"""
