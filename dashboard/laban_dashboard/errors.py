"""The dashboard's own errors. Errors while querying are AppErrors.

DashboardError
└── PortTaken       no port to listen on is available
"""


class DashboardError(Exception):
    """Base of all dashboard errors; the text says what failed, where, and how to fix it."""


class PortTaken(DashboardError):
    """No port to listen on is available."""
