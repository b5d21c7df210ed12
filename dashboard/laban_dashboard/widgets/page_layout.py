"""The page header and the responsive two-column layout."""

from collections.abc import Generator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# Streamlit has no option for a breakpoint.
_NARROW = """<style>
@media (max-width: 1000px) {
  .st-key-side-by-side { flex-direction: column; }
  .st-key-side-by-side > * { width: 100% !important; flex: none !important; }
}
</style>"""

_FIGURES = """<style>
.st-key-figures { display: grid !important; align-items: stretch !important;
  grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 12px; }
.st-key-figures > * { width: auto !important; min-width: 0; }
.st-key-figures > * > * { height: 100%; }
@media (max-width: 1100px) { .st-key-figures { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
@media (max-width: 560px) { .st-key-figures { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
</style>"""

# Streamlit's captions have 60 % of the text's colour, which is too faint to read for many. So is white on the
# bright blue of dark mode.
_READABLE = """<style>
[data-testid="stCaptionContainer"] {
  opacity: 1 !important; color: color-mix(in srgb, currentcolor 78%, transparent) !important; }
@media (prefers-color-scheme: dark) {
  [data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primary"] * { color: #10141b !important; }
}
</style>"""

# Streamlit shows the focus of its links by a grey that is too faint to see. Each of its headings has a link
# to itself, which is a stop of the Tab key, and leads nowhere on a page that refreshes itself.
_KEYBOARD = """<style>
[data-testid="stTopNavLink"]:focus-visible, [data-testid="stPageLink-NavLink"]:focus-visible {
  outline: 2px solid currentcolor !important; outline-offset: -2px; }
[data-testid="stHeaderActionElements"] { display: none !important; }
.st-key-shortcuts, .st-key-history_steps { position: absolute !important; }
</style>"""

# The sections of a page are headings of the second level, for screen readers, but Streamlit's are too large.
# The number of a box is large, but no heading.
_HEADINGS = """<style>
[data-testid="stMarkdown"] h2 {
  font-size: 1rem !important; padding: 0.5rem 0 1rem !important; line-height: 1.2; }
[class*="st-key-value-"] p { padding: 0.75rem 0 0.25rem; }
[class*="st-key-value-"] strong { font-size: 1.05rem; font-weight: 600; line-height: 1.2; }
</style>"""

# Streamlit fades everything while it computes a refresh. On a page that refreshes itself, that is a flicker.
_STEADY = """<style>
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
[data-testid="stExpander"] summary { opacity: 1 !important; transition: none !important; }
</style>"""

# Streamlit forgets the padding of the navigation when it counts how many links fit.
_NAVIGATION = """<style>
[data-testid="stTopNav"] { margin-right: 24px !important; }
</style>"""


def steady_page() -> None:
    """Keep what the page shows as it is while a refresh is computed."""
    st.html(_STEADY)
    st.html(_READABLE)
    st.html(_KEYBOARD)
    st.html(_NAVIGATION)
    st.html(_HEADINGS)


def figure_value(text: str, name: str) -> None:
    """Draw the number of a box, as Markdown; the name is that of the box."""
    with st.container(key=f"value-{name}"):
        st.markdown(f"**{text}**")


def figure_row() -> DeltaGenerator:
    """Return a container for boxes, which all have the same width, whatever the width of the window is."""
    st.html(_FIGURES)
    return st.container(horizontal=True, key="figures")


@contextmanager
def page_header(title: str) -> Generator[None]:
    """Draw the title on the left; draw the content of the `with` block on the right."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            yield


@contextmanager
def side_by_side() -> Generator[None]:
    """Place two containers next to each other, or below each other in a narrow window."""
    st.html(_NARROW)
    with st.container(horizontal=True, gap="medium", key="side-by-side"):
        yield
