"""The tools, resources and prompts for assistants (MCP); only `laban mcp` and `/mcp` import them."""
