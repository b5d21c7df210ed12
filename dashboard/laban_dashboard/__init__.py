"""What people look at: a Streamlit app that asks `laban_mapper` and shows what it answers."""
