"""From a run folder to one HTML page, JUnit XML and the last lines on a terminal.

``cli`` calls it; it reads ``results`` and writes only the report. Templates, style sheet and
script are data in ``reports/``.
"""

from harness.report.build import build_report
from harness.report.junit import write_junit
from harness.report.summary import summary_line, summary_table

__all__ = ["build_report", "summary_line", "summary_table", "write_junit"]
