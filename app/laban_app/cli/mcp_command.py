"""The `laban mcp` command."""

from laban_app.cli.terminal import Source


def mcp(source: Source) -> None:
    """Answer an assistant's questions (MCP).

    Speaks the protocol on standard input and output, so an assistant starts it, as in: claude mcp add laban
    -- laban mcp --url URL. It only reads. A collector answers at /mcp, too.
    """
    from laban_app.mcp.stdio import Place, serve_stdio  # the SDK takes a second to load

    serve_stdio(Place(source.url, source.db, source.token))
