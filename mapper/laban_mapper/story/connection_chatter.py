"""Recognizes what clients of databases say to keep a connection or a transaction, not to do their work.

The instrumentations of drivers record it like any other statement: `SET`, `BEGIN`, `select version()` after
each connect, `RESET ALL` before a connection returns to its pool. All of it is in the steps of a story; the
timeline folds it.
"""

import re
from typing import Final

from laban.vocabulary import DB_STATEMENT_DIALECTS
from laban_collector.store.rows import Span

_SQL: Final = re.compile(
    r"(begin|start transaction|commit|end|rollback|abort|savepoint|release|set|reset|discard|deallocate"
    r"|show|pragma|use|unlisten|close all)\b.*"
    r"|select (1|\?|\$1|%s|'x')( from dual)?"  # whether the connection is alive
    r"|select pg_advisory_unlock_all\(\)"
    r"|select (\w+\.)?(version|database|schema|user|current_schema|current_database|current_user)(\(\))?"
    r"|select @@.*",
    re.IGNORECASE | re.DOTALL,
)
_COMMANDS: Final = re.compile(
    r"(ping|quit|readonly|reset|role)"
    r"|(hello|auth|select|echo)( \S+){0,2}"
    r"|(client|cluster|command|info)( .*)?",
    re.IGNORECASE | re.DOTALL,
)
_MONGODB: Final = re.compile(
    r"(.*\b)?(hello|ismaster|ping|buildinfo|sasl(start|continue)|endsessions|getnonce|authenticate"
    r"|committransaction|aborttransaction)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_CONNECT: Final = re.compile(r"([\w-]+[.: ])?(connect|acquire)\b.*", re.IGNORECASE)

_RULES: Final = {
    "redis": _COMMANDS,
    "valkey": _COMMANDS,
    "memcached": re.compile(r"(version|stats|quit|verbosity)\b.*", re.IGNORECASE),
    "mongodb": _MONGODB,
    "elasticsearch": re.compile(r"(ping|info)", re.IGNORECASE),
    "opensearch": re.compile(r"(ping|info)", re.IGNORECASE),
}
"""By system; every other system speaks SQL."""


def is_connection_chatter(span: Span) -> bool:
    """Whether a span only keeps a connection or a transaction of a database."""
    if span.db_system is None:
        return False
    if _CONNECT.fullmatch(span.name):
        return True
    if span.db_system in _RULES:
        return _RULES[span.db_system].fullmatch(span.name.strip()) is not None
    statements = [part.strip() for part in _statement(span).split(";")]
    said = [statement for statement in statements if statement]
    return bool(said) and all(_SQL.fullmatch(statement) for statement in said)


def _statement(span: Span) -> str:
    """The statement of a span; if it has none, its name, which begins with the verb."""
    found = (span.attributes.get(key) for key in DB_STATEMENT_DIALECTS)
    return next((text for text in found if isinstance(text, str) and text.strip()), span.name)
