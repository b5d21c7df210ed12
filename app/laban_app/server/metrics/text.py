"""The two text formats of Prometheus: 0.0.4, and OpenMetrics 1.0, which has exemplars."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

_LONGEST: Final = 200
"""Characters of a label value: names come from strangers."""
_SPECIAL: Final = re.compile(r'[\\"\n]')
_ESCAPES: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
_INFINITE: Final = {float("inf"): "+Inf", float("-inf"): "-Inf"}


class Form(Enum):
    """A format, with its media type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    @classmethod
    def accepted(cls, accept: str | None) -> "Form":
        """The format that the header `Accept` prefers; without it, the older one."""
        return cls.OPENMETRICS if "application/openmetrics-text" in (accept or "") else cls.TEXT


class Family(NamedTuple):
    """A metric.

    Attributes:
        name: of a counter without `_total`.
        kind: `counter`, `gauge`, `histogram` or `unknown`.
        text: what it means, in one line.
    """

    name: str
    kind: str
    text: str

    @property
    def sample(self) -> str:
        """The name of its samples; a histogram has several."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def head(self, form: Form) -> str:
        """The lines in front of its samples. The older format names a counter as its samples are named."""
        if form is Form.OPENMETRICS:
            return f"# HELP {self.name} {self.text}\n# TYPE {self.name} {self.kind}\n"
        kind = "untyped" if self.kind == "unknown" else self.kind
        return f"# HELP {self.sample} {self.text}\n# TYPE {self.sample} {kind}\n"

    def samples(self, form: Form, values: Iterable[tuple[Mapping[str, str], float]]) -> str:
        """The family with its values by labels; an empty text without values."""
        lines = [f"{self.sample}{labels(given)} {number(value)}\n" for given, value in values]
        return "".join([self.head(form), *lines]) if lines else ""


def labels(given: Mapping[str, str]) -> str:
    """Labels in braces; an empty value is the same as no label."""
    inner = label_pairs(given)
    return f"{{{inner}}}" if inner else ""


def label_pairs(given: Mapping[str, str]) -> str:
    """Labels without braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in given.items() if value)


@lru_cache(maxsize=65_536)
def escaped(value: str) -> str:
    """The value of a label between quotes."""
    value = value[:_LONGEST].encode(errors="replace").decode()
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value)


def number(value: float) -> str:
    """A value of a sample."""
    if value in _INFINITE:
        return _INFINITE[value]
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
