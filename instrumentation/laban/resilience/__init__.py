"""Retries and circuit breakers, one file a library: events on the current span, attributes of calls inside.

`tenacity.py` (stamina, too) and `urllib3.py` (requests, too) see retries; `circuitbreaker.py`,
`purgatory.py`, `pybreaker.py` and `aiobreaker.py` see circuit breakers. What they record is in
`laban/vocabulary.py`. To add a library: a file with an instrumentor, its entry point in `pyproject.toml`, and
in `laban/distro.py` the module whose import loads it.
"""
