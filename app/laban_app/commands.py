"""The commands of this package, registered as entry points; importing this loads nothing heavy."""

from typing import Final

from laban.commands import Command

_QUERIES: Final = "laban_app.cli.query_commands"
_EXPORTS: Final = "laban_app.cli.export_commands"

ORDER: Final = Command("Explain what happened to an order.", "server", f"{_QUERIES}:order")
ORDERS: Final = Command(
    "List the newest orders, or the worst.", "server", "laban_app.cli.orders_command:orders"
)
STORY: Final = Command("Explain what happened to a business key.", "server", f"{_QUERIES}:story")
TRACE: Final = Command("Show one trace, whole.", "server", f"{_QUERIES}:trace")
MAP: Final = Command("Show which service calls which.", "server", f"{_QUERIES}:service_map")
DIAGRAM: Final = Command(
    "Draw an architecture diagram of what ran.", "server", "laban_app.cli.diagram_command:diagram"
)
ALERTS: Final = Command(
    "Show what is wrong now, or print rules for Prometheus.", "server", "laban_app.cli.alerts_command:alerts"
)
FINDINGS: Final = Command(
    "Show what is wrong with how the services talk.", "server", "laban_app.cli.findings_command:findings"
)
CHOREOGRAPHY: Final = Command(
    "Write down what ran, as a file to commit.", "server", "laban_app.cli.drift_commands:choreography"
)
CHECK: Final = Command(
    "Compare a choreography file, AsyncAPI or OpenAPI document with what runs.",
    "server",
    "laban_app.cli.drift_commands:check",
)
COMPARE: Final = Command(
    "Compare two time ranges, databases or collectors.", "server", "laban_app.cli.compare_command:compare"
)
LAG: Final = Command("Show how far behind each consumer group is.", "server", f"{_QUERIES}:lag")
STATUS: Final = Command("Show what is stored and how the collector is doing.", "server", f"{_QUERIES}:status")
WHATIF: Final = Command(
    "Say what would happen if something changed.", "server", "laban_app.cli.whatif_command:whatif"
)
MCP: Final = Command("Answer an assistant's questions (MCP).", "mcp", "laban_app.cli.mcp_command:mcp")
IMPORT: Final = Command(
    "Import spans from files of other tools.", "server", "laban_app.cli.import_command:import_files"
)
EXPORT: Final = Command("Export all tables as Parquet files.", "server", f"{_EXPORTS}:export")
BACKUP: Final = Command("Copy the database to a file.", "server", f"{_EXPORTS}:backup")
RESCUE: Final = Command(
    "Copy everything readable of a damaged database.", "server", "laban_app.cli.rescue_command:rescue"
)
RUN: Final = Command("Run a Python program with tracing.", None, "laban_app.cli.run_command:run")
BOOTSTRAP: Final = Command(
    "Show which libraries are traced, and what is missing.",
    None,
    "laban_app.cli.bootstrap_command:bootstrap",
)
SERVE: Final = Command(
    "Start the collector: it stores spans and answers questions.",
    "server",
    "laban_app.cli.serve_command:serve",
)
