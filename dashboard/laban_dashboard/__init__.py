"""The dashboard: a Streamlit app that queries `laban_mapper` and displays the answers."""
