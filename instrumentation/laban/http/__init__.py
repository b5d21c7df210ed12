"""HTTP servers and clients: patches for the upstream instrumentations, one module per library."""
