"""Parts of a page that Streamlit draws: page header, notices, time range picker, details panel."""
