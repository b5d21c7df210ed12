"""Damage of a store as plain values: what was verified, and what was rescued from damaged files."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict

_MOST_RANGES: Final = 1000
"""Ranges of lost commits that a report names; more are only counted."""
_IN_WORDS: Final = 3

State = Literal["waiting", "running", "done", "failed"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LostCommits(_Value):
    """Lost spans of neighbouring commits.

    Attributes:
        first: sequence of the first commit.
        last: sequence of the last commit.
        spans: lost spans of these commits.
    """

    first: int
    last: int
    spans: int


class Losses(_Value):
    """What could not be rescued from a damaged file.

    Attributes:
        spans: lost spans; a lower bound unless `exact`.
        exact: whether the ledger of the file could be read, so that `spans` is exact.
        commits: the commits of the lost spans; at most 1,000 ranges.
        ranges_left_out: how many more ranges there are.
        unknown: lost spans whose commit is not known.
        incomplete: rescued spans that lack a damaged column, such as their attributes.
        columns: the damaged columns of these spans.
        rows: lost rows of the other tables, by table.
    """

    spans: int = 0
    exact: bool = True
    commits: tuple[LostCommits, ...] = ()
    ranges_left_out: int = 0
    unknown: int = 0
    incomplete: int = 0
    columns: tuple[str, ...] = ()
    rows: dict[str, int] = {}

    @property
    def any(self) -> bool:
        """Whether anything was lost."""
        return bool(self.spans or self.incomplete or self.rows) or not self.exact

    def in_words(self) -> str:
        """Return the losses as a part of a sentence."""
        parts: list[str] = []
        if self.spans or not self.exact:
            bound = "" if self.exact else "at least "
            parts.append(f"{bound}{self.spans:,} spans are lost{self._commits_in_words()}")
        if self.incomplete:
            parts.append(f"{self.incomplete:,} spans lack their {', '.join(self.columns)}")
        if self.rows:
            tables = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(self.rows.items()))
            parts.append(f"{tables} are lost")
        return "; ".join(parts) or "nothing is lost"

    def _commits_in_words(self) -> str:
        if not self.commits:
            return ""
        shown = [
            f"{one.first:,}" if one.first == one.last else f"{one.first:,} to {one.last:,}"
            for one in self.commits[:_IN_WORDS]
        ]
        more = len(self.commits) - len(shown) + self.ranges_left_out
        return f" (of the commits {', '.join(shown)}{f' and {more:,} more ranges' if more else ''})"


class Rescued(_Value):
    """What was read from a damaged file.

    Attributes:
        spans: spans that could be read.
        losses: what could not.
        newest: sequence of the newest commit in the file; 0 if there is none.
    """

    spans: int
    losses: Losses
    newest: int


class Rescue(_Value):
    """The rescue of a damaged file, kept next to it as `FILE.damaged-<time>.rescue`.

    Attributes:
        file: name of the damaged file.
        state: `waiting`, `running`, `done`, or `failed`.
        reason: why the file was set aside.
        found: spans that could be read.
        stored: those of them that were stored again; the others were stored already.
        losses: what could not be read; None before that is known.
        error: why the rescue failed, or waits for the next start.
        journaled: spans of each commit that was in the journal when the file was set aside; None: not known
            yet.
        unread: spans of acknowledged commits that the file lacked, for example because its log was cut off.
        note: what was lost, if no database file was damaged but its log or its journal.
    """

    file: str
    state: State = "waiting"
    reason: str = ""
    found: int = 0
    stored: int = 0
    losses: Losses | None = None
    error: str | None = None
    journaled: dict[int, int] | None = None
    unread: int = 0
    note: str | None = None

    @property
    def lost(self) -> int:
        """Spans that are known to be lost."""
        if self.losses is None or self.losses.exact:
            return self.unread + (0 if self.losses is None else self.losses.spans)
        return max(self.unread, self.losses.spans)  # both count the commits that the ledger no longer tells

    @property
    def agrees(self) -> bool:
        """Whether every acknowledged span of the file is stored again, whole."""
        return self.state == "done" and not self.unread and self.losses is not None and not self.losses.any

    def in_words(self) -> str:
        """Return the state as one sentence."""
        if self.note is not None:
            return f"{self.note}; what was left is kept as {self.file}"
        if self.state == "failed":
            return f"{self.file} could not be rescued: {self.error}"
        if self.state == "waiting" and self.error is not None:
            return f"{self.file} is damaged ({self.reason}) and is not rescued yet: {self.error}"
        if self.state != "done" or self.losses is None:
            return (
                f"{self.file} is damaged ({self.reason}) and is being rescued: {self.stored:,} spans so far"
            )
        missing = f"; {self.unread:,} spans of acknowledged commits were not in it" if self.unread else ""
        return f"{self.found:,} spans were rescued from {self.file}; {self.losses.in_words()}{missing}"

    def to_json(self) -> str:
        """Return the content of the file that keeps it."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the content of the file that keeps it; raises ValueError if it is none."""
        return cls.model_validate_json(text)


class Verification(_Value):
    """The background verification of a store.

    Attributes:
        state: `waiting` before the first pass has ended, `intact`, or `damaged`.
        passes: how often the whole file was verified since the start.
        verified: when the last pass ended, seconds since the epoch; None before.
        seconds: how long the last pass took, including its pauses; None before.
        blocks: blocks that the last pass read.
        rows: rows that the last pass read.
        damage: what was found.
    """

    state: Literal["waiting", "intact", "damaged"] = "waiting"
    passes: int = 0
    verified: float | None = None
    seconds: float | None = None
    blocks: int = 0
    rows: int = 0
    damage: str | None = None


def ranges_of(lost: Iterable[tuple[int, int]]) -> tuple[tuple[LostCommits, ...], int]:
    """Join lost spans by commit into ranges; return the first ranges and the number of the others.

    Args:
        lost: commit and number of lost spans.
    """
    ordered = [one for one in sorted(lost) if one[1] > 0]
    groups = itertools.groupby(enumerate(ordered), lambda one: one[1][0] - one[0])
    found = [_joined([commit for _, commit in group]) for _, group in groups]
    return tuple(found[:_MOST_RANGES]), max(len(found) - _MOST_RANGES, 0)


def _joined(commits: Sequence[tuple[int, int]]) -> LostCommits:
    return LostCommits(first=commits[0][0], last=commits[-1][0], spans=sum(spans for _, spans in commits))
