"""What can go wrong in the dashboard itself; what goes wrong while asking is an AppError.

DashboardError
└── PortTaken       no port could be had to serve on
"""


class DashboardError(Exception):
    """Base of all errors of the dashboard; its text says what, where and what to do."""


class PortTaken(DashboardError):
    """No port could be had to serve the dashboard on."""
