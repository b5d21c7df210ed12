"""What Streamlit cannot draw itself: the map and the timeline, as Components v2.

Data reaches the page as JSON and is written by `textContent` or onto a canvas, never as HTML.
"""
