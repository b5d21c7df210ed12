"""The command of this package, registered as an entry point; importing this loads nothing heavy."""

from typing import Final

from laban.commands import Command

DASHBOARD: Final = Command(
    "Open the dashboard: service map, orders, latency and lag.",
    "server",
    "laban_dashboard.dashboard_command:dashboard",
)
