"""Monitoring of a results framework: country returns in, regional compilation and progress report out.

The logic (registry, records, ratings, regional totals) is in :mod:`survey_toolkit.indicators.frameworks`;
this room holds what touches files: the folder with its log, the return templates, their reading, the
report.

Examples
--------
>>> import tempfile
>>> from survey_toolkit import monitoring
>>> workspace = monitoring.create_workspace(tempfile.mkdtemp(), "commit-spa4")
>>> done = monitoring.compile_workspace(workspace)
>>> done.cell("SPA4-4.2-a", "KHM", 2016).state, done.totals["SPA4-4.2-a", 2016, "total"].coverage
('not_selected', '0 of 6 countries')
"""

from __future__ import annotations

from survey_toolkit.monitoring.compiled import Change, Compiled, compile_workspace
from survey_toolkit.monitoring.example import create_example, example_figures
from survey_toolkit.monitoring.filling import filled_return
from survey_toolkit.monitoring.importing import ImportReport, import_returns, stored_doubts
from survey_toolkit.monitoring.outputs import progress_xlsx, write_compilation, write_report
from survey_toolkit.monitoring.reading import read_return
from survey_toolkit.monitoring.report import progress_html
from survey_toolkit.monitoring.returned import CountryReturn, Doubt
from survey_toolkit.monitoring.store import Batch, Workspace, create_workspace, open_workspace
from survey_toolkit.monitoring.template import return_template

__all__ = [
    "Batch",
    "Change",
    "Compiled",
    "CountryReturn",
    "Doubt",
    "ImportReport",
    "Workspace",
    "compile_workspace",
    "create_example",
    "create_workspace",
    "example_figures",
    "filled_return",
    "import_returns",
    "open_workspace",
    "progress_html",
    "progress_xlsx",
    "read_return",
    "return_template",
    "stored_doubts",
    "write_compilation",
    "write_report",
]
