"""The form that asks for the token, and the page that ends a session."""

from typing import Final

import streamlit as st

from laban_collector.settings import load_settings
from laban_dashboard.components.kept_login import ask_for_login, keep_login
from laban_dashboard.login import Grants, Way, lets_in, way_in

_LET_IN: Final = "let_in"
_GIVEN: Final = "token_given"
_GRANT: Final = "login_grant"
_KEPT: Final = "kept_login"
_REFUSED: Final = "kept_login_refused"
_grants: Final = Grants()


def is_let_in() -> bool:
    """Whether this session may see data."""
    match _way():
        case "open":
            return True
        case "streamlit":
            return bool(st.user.is_logged_in)
        case "token":
            return st.session_state.get(_LET_IN) is True


def login_form() -> None:
    """Draw the form that lets a session in; nothing else."""
    if _way() == "streamlit":
        _streamlit_form()
    else:
        _token_form()


def remember_login() -> None:
    """Let the browser of a session that gave the token keep its login."""
    grant = st.session_state.get(_GRANT)
    if isinstance(grant, str):
        keep_login(grant)


def has_logout() -> bool:
    """Whether a session can end."""
    return _way() != "open"


def log_out() -> None:
    """End the session, and show the login."""
    st.session_state.pop(_LET_IN, None)
    _grants.take_back(st.session_state.pop(_GRANT, ""))
    if _way() == "streamlit":
        st.logout()
    st.switch_page("views/home.py")


def _try_token() -> None:
    """Compare what was typed, and forget it."""
    given = st.session_state.pop(_GIVEN, "")
    let_in = lets_in(given, load_settings())
    st.session_state[_LET_IN] = let_in
    if let_in:
        st.session_state[_GRANT] = _grants.give()


def _try_kept() -> None:
    """Let the session in if the browser kept a login that still holds."""
    grant = st.session_state[_KEPT].get("known")
    if isinstance(grant, str) and _grants.holds(grant):
        st.session_state[_LET_IN], st.session_state[_GRANT] = True, grant
    else:
        st.session_state[_REFUSED] = True


def _token_form() -> None:
    with st.container(horizontal_alignment="center"), st.form("login", width=420):
        st.header(":material/key: Log in", anchor=False)
        st.caption("The collector requires a token (LABAN_TOKEN), so the dashboard asks for it, too.")
        st.text_input("Token", key=_GIVEN, type="password", autocomplete="current-password")
        st.form_submit_button("Log in", on_click=_try_token)
        if st.session_state.get(_LET_IN) is False:
            st.error("This is not the token.", icon=":material/error:")
    ask_for_login(_KEPT, refused=bool(st.session_state.pop(_REFUSED, False)), on_known=_try_kept)


def _streamlit_form() -> None:
    with st.container(border=True, width=420, key="login"):
        st.header(":material/key: Log in", anchor=False)
        st.button("Log in", on_click=st.login)


def _way() -> Way:
    return way_in(load_settings())
