"""Runs as they go, read from their folders: for ``harness status`` and the live page.

``tails`` (the partial files of a running attempt), ``state`` and ``facts`` (a run, its phones, its
queue), ``figures`` and ``page`` (drawing, in the report's style), ``server`` (HTTP on loopback).
Nothing here writes into a run folder or speaks to a phone.
"""
