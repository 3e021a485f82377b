"""One figure a file: from a view (`harness.report.outcome`, `.cost`) to SVG for the page.

Called by `harness.report.page`; nothing here reads a file.
"""
