"""The story of one business key value."""
