"""The dashboard's own errors. Errors while querying are AppErrors.

DashboardError
├── PortTaken       no port to listen on is available
├── OpenToEveryone  other machines could see all data
└── BadSource       what --beside names is not NAME=FILE or NAME=URL
"""


class DashboardError(Exception):
    """Base of all dashboard errors; the text says what failed, where, and how to fix it."""


class PortTaken(DashboardError):
    """No port to listen on is available."""


class OpenToEveryone(DashboardError):
    """Other machines could see all data, because nothing asks who they are."""


class BadSource(DashboardError):
    """What can be compared with is not named as NAME=FILE or NAME=URL."""
