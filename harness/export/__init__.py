"""A run for other tools: data frames, CSV, a Perfetto trace an attempt, MLflow.

``cli`` calls it, and people by ``harness.open_run``; it reads ``results`` and changes nothing.
"""
