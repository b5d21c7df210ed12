"""The tables `[findings]` and `[objectives]` of the settings, checked."""

from typing import Any

from pydantic import ValidationError

from laban_collector.errors import BadSettings
from laban_collector.settings import Settings
from laban_mapper.findings.thresholds import FindingsSettings, Thresholds


def findings_settings(settings: Settings) -> FindingsSettings:
    """What the settings say about findings.

    Raises:
        BadSettings: a name or a value is wrong; the message says where, and what is expected.
    """
    limits = dict(settings.findings)
    ignore = limits.pop("ignore", ())
    given = {"thresholds": limits, "ignore": ignore, "objectives": settings.objectives}
    try:
        return FindingsSettings.model_validate(given)
    except ValidationError as error:
        raise BadSettings("\n".join(_explained(problem) for problem in error.errors())) from error


def _explained(problem: Any) -> str:
    """One line: where in `laban.toml`, and what is wrong."""
    table, *path = problem["loc"]
    reason = problem["msg"].removeprefix("Value error, ")
    match table, path:
        case "thresholds", [name, *_]:
            if name not in Thresholds.model_fields:
                return (
                    f"[findings] {name}: no such limit. The limits are {', '.join(Thresholds.model_fields)}"
                )
            return f"[findings] {name}: {reason}"
        case "ignore", [int(number), *rest]:
            place = f"[[findings.ignore]] number {number + 1}"
            if not rest:
                return f"{place}: {reason}"
            needed = (
                f" needs {'a ' if rest[0] != 'ignore' else ''}{rest[0]}"
                if problem["type"] == "missing"
                else ""
            )
            return f"{place}{needed or f', {rest[0]}: {reason}'}"
        case "ignore", _:
            return "[[findings.ignore]] is a list of tables: each has code, place and reason"
        case _:
            return f"[objectives] {'.'.join(map(str, path))}: {reason}"
