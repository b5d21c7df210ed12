"""The dashboard: a Streamlit app that queries `laban_app.answers` and displays the answers."""
