"""What a chart shows, read back from its specification."""

from typing import Any

import altair as alt


def rows_of(chart: alt.Chart) -> list[dict[str, Any]]:
    """The rows of the chart's one set of data."""
    (rows,) = chart.to_dict()["datasets"].values()
    return list(rows)
