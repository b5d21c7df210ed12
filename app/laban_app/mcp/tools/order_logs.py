"""The tool that shows what was logged for an order, each line at its step."""

from typing import Annotated, Final

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.answers.story_logs import told_with_logs
from laban_app.mcp.arguments import Cursor, Key, Value
from laban_app.mcp.asking import Asking
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import PageReply, Told, safe, told_page
from laban_app.mcp.server import Registry
from laban_app.mcp.tools.stories import StoryCursor, story_of, title_of, words_of
from laban_mapper.model import LogSeverity, StoryLog
from laban_mapper.story.forms import phrases

_BODY: Final = 200
_ORDER: Final[tuple[LogSeverity, ...]] = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")

Least = Annotated[LogSeverity, Field(description="The mildest lines to show; `unspecified` shows all.")]


class LogReply(BaseModel):
    """A log line; `span` is the step that logged it."""

    at_ms: float
    service: str
    severity: str
    text: str
    logger: str | None = None
    span: str | None = None


class OrderLogs(PageReply):
    """A page of the log lines, by time."""

    items: list[LogReply]


def add_order_logs(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Logs of an order",
        description="What the services logged for one order, by time, each line with its service and "
        "span. Use it if a step failed or took long and its span does not say why. Collectors store logs "
        "only if they are told to.",
    )
    async def order_logs(
        value: Value, key: Key = "order", severity: Least = "unspecified", cursor: Cursor = None
    ) -> Annotated[CallToolResult, OrderLogs]:
        return await asking.tell(lambda answers: _logs(answers, key, value, severity, cursor), settled=False)


def _logs(answers: TraceAnswers, key: str, value: str, severity: LogSeverity, cursor: str | None) -> Told:
    story = told_with_logs(answers, story_of(answers, key, value))
    page = StoryCursor(cursor, story)
    shown = [log for log in story.logs if _ORDER.index(log.severity) >= _ORDER.index(severity)]
    words = words_of(story, page, None)
    if len(shown) < len(story.logs):
        words.left_out.append(f"{len(story.logs) - len(shown):,} lines that are milder")
    if story.logs_left_out:
        words.left_out.append(f"{story.logs_left_out:,} lines of the same traces, of spans of other orders")
    if story.logs_truncated:
        words.left_out.append("later lines: the traces have more than laban reads at once")
    empty = "no such line" if story.logs else "none stored: a collector stores logs if LABAN_LOGS=true is set"
    return told_page(
        shown,
        page.start,
        _line,
        _log,
        OrderLogs,
        head=[f"{title_of(story)}; times after the begin"],
        cursor=page.at,
        words=words,
        empty=empty,
    )


def _line(log: StoryLog) -> str:
    shown = _log(log)
    span = f", span {shown.span}" if shown.span else ""
    return f"{phrases.when(shown.at_ms)} {shown.service} {shown.severity.upper()}: {shown.text}{span}"


def _log(log: StoryLog) -> LogReply:
    named = ", ".join(f"{name}={value}" for name, value in log.attributes.items())
    return LogReply(
        at_ms=log.start_ms,
        service=safe(log.service),
        severity=safe(log.severity_text or log.severity, 8),
        text=harmless(log.body or log.event_name or named or "(empty)", _BODY),
        logger=safe(log.logger) if log.logger else None,
        span=log.span_id,
    )
