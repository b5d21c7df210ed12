"""`laban serve`: the collector and the HTTP API in one process."""
