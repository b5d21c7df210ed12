"""Questions to rows, and rows to values."""
