"""The forms in which a story is written: one file a format, each a function from the story to text."""
