"""The errors of turning rows into answers and diagrams.

MapperError
├── InvalidTimeRange  a time cannot be read, or a range ends before it begins
├── InvalidTraceId    it is not the ID of a trace
├── RenderFailed      a diagram cannot be drawn
├── BadDocument       a file is not what it should be, or says something without a meaning
└── UnknownService    a document is about a service that was not seen
"""


class MapperError(Exception):
    """Base of all errors of the mapper; the text says what is wrong, where, and what to do."""


class InvalidTimeRange(MapperError):
    """A time cannot be read, or a range ends before it begins."""


class InvalidTraceId(MapperError):
    """It is not the ID of a trace."""


class RenderFailed(MapperError):
    """A diagram cannot be drawn."""


class BadDocument(MapperError):
    """A file is not what it should be, or says something without a meaning; names file and line."""


class UnknownService(MapperError):
    """A document is about a service that was not seen."""
