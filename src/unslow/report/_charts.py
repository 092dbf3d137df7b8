"""The page's charts: made by altair where the extra `report` is installed, else none."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from unslow.core.trial import Report
from unslow.report._drawing import Chart
from unslow.report._race import race
from unslow.report._scatter import scatter


def available() -> bool:
    """Whether the extra `report` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("altair", "vl_convert"))


def charts(report: Report) -> dict[str, Chart]:
    """Every chart that the report has data for, by its id; none without the extra."""
    if not available():
        return {}
    made = [make(report) for make in (race, scatter)]
    return {chart.id: chart for chart in made if chart is not None}


@cache
def javascript() -> str:
    """Vega, Vega-Lite and vega-embed, to stand in one `<script>` of a page that loads nothing."""
    converter: Any = importlib.import_module("vl_convert")
    bundle: str = converter.javascript_bundle()
    return bundle.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")
