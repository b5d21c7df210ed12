"""Reads the data of a chart back from its specification."""

from typing import Any

import altair as alt


def rows_of(chart: alt.Chart | alt.LayerChart) -> list[dict[str, Any]]:
    """Return the rows of the chart's only data set."""
    (rows,) = chart.to_dict()["datasets"].values()
    return list(rows)
