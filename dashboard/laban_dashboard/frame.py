"""What every page has around it: its title, and the few rules of style that Streamlit has no option for."""

from collections.abc import Generator
from contextlib import contextmanager

import streamlit as st

_NARROW = """<style>
@media (max-width: 1000px) {
  .st-key-beside { flex-direction: column; }
  .st-key-beside > * { width: 100% !important; }
}
</style>"""


@contextmanager
def header(title: str) -> Generator[None]:
    """The title on the left; what is drawn inside stands on its right."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            yield


@contextmanager
def beside() -> Generator[None]:
    """Two containers beside each other, or below each other where the window is narrow."""
    st.html(_NARROW)
    with st.container(horizontal=True, gap="medium", key="beside"):
        yield
