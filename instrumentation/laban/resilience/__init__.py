"""Retries and circuit breakers, one file a library: events on the current span, and attributes of calls inside.

`tenacity.py` (stamina, too) and `urllib3.py` (requests, too) see retries; `circuitbreaker.py`, `purgatory.py`,
`pybreaker.py` and `aiobreaker.py` see circuit breakers. To add a library: a file with an instrumentor, its entry
point in `pyproject.toml`, and the module that triggers it in `laban/distro.py`. What is recorded is in
`laban/vocabulary.py`.
"""
