"""The errors of turning rows into answers and diagrams.

MapperError
├── InvalidTimeRange  a time cannot be read, or a range ends before it begins
├── InvalidTraceId    it is not the ID of a trace
├── InvalidChange     a change of a what-if question cannot be read
├── UnknownPlace      a what-if question names a service or a call that no recorded trace has
├── RenderFailed      a diagram cannot be drawn
├── UnknownEntry      no trace begins with an operation
├── BadMarkers        a document does not have the two markers between which a diagram belongs
├── BadDocument       a file is not what it should be, or says something without a meaning
└── UnknownService    a document is about a service that was not seen
"""


class MapperError(Exception):
    """Base of all errors of the mapper; the text says what is wrong, where, and what to do."""


class InvalidTimeRange(MapperError):
    """A time cannot be read, or a range ends before it begins."""


class InvalidTraceId(MapperError):
    """It is not the ID of a trace."""


class InvalidChange(MapperError):
    """A change of a what-if question cannot be read."""


class UnknownPlace(MapperError):
    """A what-if question names a service or a call that no recorded trace has."""


class RenderFailed(MapperError):
    """A diagram cannot be drawn."""


class UnknownEntry(MapperError):
    """No trace begins with an operation; names the busiest ones."""


class BadMarkers(MapperError):
    """A document does not have the two markers between which a diagram belongs, or has them twice."""


class BadDocument(MapperError):
    """A file is not what it should be, or says something without a meaning; names file and line."""


class UnknownService(MapperError):
    """A document is about a service that was not seen."""
