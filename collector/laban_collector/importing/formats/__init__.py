"""The formats of trace files, one a file; `registry` finds the one of a document."""
