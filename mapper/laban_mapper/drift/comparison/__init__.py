"""Two systems, or two times of one, side by side."""
