"""The story of one business key."""

from laban_mapper.story.messages import Consumption
from laban_mapper.story.tell import tell

__all__ = ["Consumption", "tell"]
