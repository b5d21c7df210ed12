"""The entry point of the Streamlit app: the navigation and the pages."""

from pathlib import Path

import streamlit as st

from laban_dashboard.components.history_steps import history_steps
from laban_dashboard.components.shortcuts import shortcuts
from laban_dashboard.widgets.login_form import has_logout, is_let_in, log_out, login_form, remember_login
from laban_dashboard.widgets.page_layout import steady_page

_STATIC = Path(__file__).with_name("static")

# Streamlit downloads named icons from a font server. This icon is a local file.
st.set_page_config(page_title="laban", page_icon=_STATIC / "icon.svg", layout="wide")
st.logo(_STATIC / "laban.svg", size="large")


def _home() -> None:
    """The address `/home`: Streamlit finds its default page at `/` only, whatever its `url_path`."""
    st.switch_page("views/home.py", query_params=st.query_params.to_dict())


PAGES = [
    st.Page("views/home.py", title="Home", icon=":material/home:", url_path="start", default=True),
    st.Page("views/orders.py", title="Orders", icon=":material/list_alt:", url_path="orders"),
    st.Page("views/order.py", title="Order", icon=":material/receipt_long:", url_path="order"),
    st.Page("views/map.py", title="Map", icon=":material/graph_2:", url_path="map"),
    st.Page("views/findings.py", title="Findings", icon=":material/rule:", url_path="findings"),
    st.Page("views/diagrams.py", title="Diagrams", icon=":material/schema:", url_path="diagrams"),
    st.Page("views/what_if.py", title="What if", icon=":material/science:", url_path="what-if"),
    st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
    st.Page("views/latency.py", title="Latency", icon=":material/timer:", url_path="latency"),
    st.Page("views/lag.py", title="Lag", icon=":material/stacked_line_chart:", url_path="lag"),
    st.Page(_home, title="Home", url_path="home", visibility="hidden"),
]

steady_page()
inside = is_let_in()
if inside and has_logout():
    PAGES.append(st.Page(log_out, title="Log out", icon=":material/logout:", url_path="log-out"))
# Also before the login, so that a link to a page stays a link to that page.
page = st.navigation(PAGES, position="top" if inside else "hidden")
if inside:
    shortcuts()  # before the page, which may wait for the collector: the keys work from the start
    history_steps()
    page.run()
    remember_login()
else:
    login_form()
