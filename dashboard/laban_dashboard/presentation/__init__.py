"""Pure functions from answers to table rows, labels, charts, map elements and timeline bars; no Streamlit."""
