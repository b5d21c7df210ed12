"""Reports of checks: what was found, in the forms of a terminal, a ticket, a code host and a CI server.

`report.py` is the value that every check makes; one file writes one form; `rendering.py` lists them.
"""
