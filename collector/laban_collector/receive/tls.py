"""TLS from certificate files, for OTLP and the API."""

import ssl
from pathlib import Path
from typing import NamedTuple, Self

from laban_collector.errors import BadSettings
from laban_collector.settings import Settings


class Identity(NamedTuple):
    """A certificate (with its chain) and its private key, both PEM files."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """What the settings name; None: no TLS.

        Raises:
            BadSettings: the files cannot be read, or do not belong together.
        """
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        identity = cls(settings.tls_certificate, settings.tls_key)
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*identity)
        except OSError as error:  # ssl.SSLError too
            raise BadSettings(
                f"TLS is impossible with the certificate {identity.certificate} and the key {identity.key}: "
                f"{error.strerror or error}. Both must be PEM files, and belong together."
            ) from error
        return identity


def trusting(settings: Settings) -> ssl.SSLContext:
    """What a command that asks trusts: the usual authorities, `tls_ca`, and the collector's own certificate.

    Raises:
        BadSettings: a file cannot be read.
    """
    context = ssl.create_default_context()
    for file in (settings.tls_ca, settings.tls_certificate):
        if file is not None:
            try:
                context.load_verify_locations(file)
            except OSError as error:
                raise BadSettings(
                    f"No certificate can be read from {file}: {error.strerror or error}"
                ) from error
    return context
