"""One figure a file: from a view (`harness.report.outcome`, `.cost`) to SVG for the page.

Called by `harness.report.page` inside `harness.report.style.drawing`; nothing here reads a file.
"""
