"""The report of an import as JSON: the documented shape."""

from laban_collector.importing.importer import Report
from laban_mapper.data_warnings import data_warnings, odd_times


def as_json(report: Report, now: int) -> dict[str, object]:
    """Return the counts of an import, and what was left out or looks wrong.

    Args:
        report: of the import.
        now: ns since the epoch.
    """
    return {
        "files": report.files,
        "spans": report.spans,
        "stored": report.stored,
        "duplicates": report.duplicates,
        "refused": [
            {"reason": reason, "count": count}
            | ({"files": files} if (files := report.refused_in.get(reason)) else {})
            for reason, count in report.refused.most_common()
        ],
        "notes": [{"note": note, "count": count} for note, count in report.notes.most_common()],
        "unknown_fields": [{"field": field, "count": count} for field, count in report.unknown.most_common()],
        "without_service_name": report.quality.unnamed,
        "odd_times": [odd.model_dump(mode="json") for odd in odd_times(report.quality.outside, now)],
        "warnings": warnings_of(report, now),
    }


def warnings_of(report: Report, now: int) -> list[str]:
    """Return what looks wrong with the spans that were stored."""
    return data_warnings(report.quality.unnamed, report.quality.outside, now)
