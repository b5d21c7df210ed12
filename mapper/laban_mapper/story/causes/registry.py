"""The rules, in the order in which their claims are told if nothing else ranks them."""

from typing import Final

from laban_mapper.story.causes.error import error
from laban_mapper.story.causes.facts import Rule
from laban_mapper.story.causes.missing import missing
from laban_mapper.story.causes.out_of_order import out_of_order
from laban_mapper.story.causes.poison import poison
from laban_mapper.story.causes.published_twice import published_twice
from laban_mapper.story.causes.retried import retried
from laban_mapper.story.causes.slow import slow
from laban_mapper.story.causes.stuck import stuck
from laban_mapper.story.causes.timed_out import timed_out
from laban_mapper.story.causes.unreachable import unreachable

RULES: Final[tuple[Rule, ...]] = (
    unreachable,
    timed_out,
    poison,
    error,
    stuck,
    slow,
    missing,
    published_twice,
    out_of_order,
    retried,
)
