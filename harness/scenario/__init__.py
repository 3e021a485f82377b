"""Scenario files: schema, matrix expansion, job identity (pure)."""
