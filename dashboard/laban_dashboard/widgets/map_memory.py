"""What one browser remembers of the maps that it shows: places, and when something was seen first."""

import time
from typing import Final, cast

import streamlit as st

from laban_dashboard.presentation.map.placement import Placement
from laban_dashboard.presentation.map.settling import Settling
from laban_mapper.model import ServiceMap

_PLACES: Final = "map_places"
_SETTLING: Final = "map_settling"
_MOST_VIEWS: Final = 12


def placement(view: str) -> Placement:
    """Return the places of a view of the map, which the pages share."""
    views = cast("dict[str, Placement]", st.session_state.setdefault(_PLACES, {}))
    found = views.pop(view, None) or Placement()
    views[view] = found  # the newest is last
    while len(views) > _MOST_VIEWS:
        views.pop(next(iter(views)))
    return found


def forget(view: str) -> None:
    """Forget the places of a view, so that its nodes are arranged anew."""
    cast("dict[str, Placement]", st.session_state.get(_PLACES, {})).pop(view, None)


def settled(found: ServiceMap) -> ServiceMap:
    """Return a live map without what may be gone in a moment."""
    settling = cast("Settling", st.session_state.setdefault(_SETTLING, Settling()))
    return settling.settled(found, time.monotonic())
