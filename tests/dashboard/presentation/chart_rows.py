"""Reads the data of a chart back from its specification."""

from typing import Any

from laban_dashboard.presentation.chart_axes import Spec


def rows_of(chart: Spec, number: int = 0) -> list[dict[str, Any]]:
    """Return the rows of one layer of the chart; none if there is no such layer."""
    layers = chart["layer"]
    return list(layers[number]["data"]["values"]) if number < len(layers) else []
