"""Where spans are kept: the interface, and one folder a database."""
