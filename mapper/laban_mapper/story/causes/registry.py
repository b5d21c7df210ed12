"""The rules, in the order in which their claims are told if nothing else ranks them."""

from typing import Final

from laban_mapper.story.causes.facts import Rule

RULES: Final[tuple[Rule, ...]] = ()
