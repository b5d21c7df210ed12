"""Streamlit components (v2) for the map and the timeline, which Streamlit itself cannot draw.

Data reaches the page as JSON. The scripts write it with `textContent` or onto a canvas, never as HTML.
"""
