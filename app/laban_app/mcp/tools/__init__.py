"""The tools: one file a family, each with a function that adds them to a server."""
