"""The command of this package, registered as an entry point; importing this loads nothing heavy."""

from typing import Final

from laban.commands import Command

DEMO: Final = Command(
    "Start the sample shop with tracing, a collector and the dashboard.",
    "demo",
    "laban_samples.demo_command:demo",
)
