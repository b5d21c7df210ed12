"""Finds out what kind of document a file is, and compares it with what ran."""

from collections.abc import Sequence

from laban_mapper.drift.answers import Allowed, Checked, answer_of
from laban_mapper.drift.checking import check
from laban_mapper.drift.documents.asyncapi import check_asyncapi
from laban_mapper.drift.documents.openapi import check_openapi
from laban_mapper.drift.file_reader import read_choreography
from laban_mapper.drift.file_writer import VERSION_KEY
from laban_mapper.drift.yaml_nodes import Document, line_of, shown, top
from laban_mapper.errors import BadDocument
from laban_mapper.model_drift import Choreography, DriftCheck


def check_document(
    document: Document,
    ran: Choreography,
    before: Choreography | None = None,
    allowed: Sequence[Allowed] = (),
    *,
    complete: bool = False,
    service: str | None = None,
) -> DriftCheck:
    """Compare a document with what ran; its content shows what kind of document it is.

    Args:
        document: a choreography, or an AsyncAPI 3 or OpenAPI 3 document.
        ran: what ran in the time range.
        before: what ran before it, from which shares are learned.
        allowed: what does not count.
        complete: whether the traffic has everything that the system does.
        service: that an AsyncAPI or OpenAPI document is about; None: its title.

    Raises:
        BadDocument: it is none of them, or its content has no meaning.
    """
    parts = top(document.root)
    notes = ["Not all names are told apart in this time range, so something may be missing."] * ran.truncated
    for key, kind in (("asyncapi", "3."), ("openapi", "3.")):
        if key in parts and not document.text(parts[key], key).startswith(kind):
            version = shown(document.text(parts[key], key))
            raise document.error(line_of(parts[key]), f"{key} {version} is not supported: {key} 3.x is.")
    if "asyncapi" in parts:
        drifts = check_asyncapi(document, ran, before, complete=complete, service=service)
        return answer_of(Checked(document.name, "asyncapi", ran.since, ran.until), drifts, allowed, notes)
    if "openapi" in parts:
        drifts = check_openapi(document, ran, before, complete=complete, service=service)
        return answer_of(Checked(document.name, "openapi", ran.since, ran.until), drifts, allowed, notes)
    if VERSION_KEY not in parts:
        raise _unknown(document)
    if service is not None:
        notes = [*notes, "--service is only for AsyncAPI and OpenAPI documents."]
    drifts = check(read_choreography(document), ran, before, complete=complete)
    return answer_of(Checked(document.name, "choreography", ran.since, ran.until), drifts, allowed, notes)


def _unknown(document: Document) -> BadDocument:
    return document.error(
        1,
        f"neither '{VERSION_KEY}:' (write such a file with `laban choreography -o FILE`) nor 'asyncapi:' nor "
        "'openapi:' is in the file.",
    )
