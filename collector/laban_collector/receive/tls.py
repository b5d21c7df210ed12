"""TLS certificates for the receivers and the API, and the TLS context of their clients."""

import ssl
from pathlib import Path
from typing import NamedTuple, Self

from laban_collector.errors import BadSettings
from laban_collector.settings import Settings


class Identity(NamedTuple):
    """The PEM files of a certificate (with its chain) and of its private key."""

    certificate: Path
    key: Path

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """Return the files that the settings name, or None without TLS.

        Raises:
            BadSettings: the files cannot be read, or the key is not the certificate's.
        """
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        identity = cls(settings.tls_certificate, settings.tls_key)
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*identity)
        except OSError as error:  # ssl.SSLError too
            raise BadSettings(
                f"TLS cannot use the certificate {identity.certificate} with the key {identity.key}: "
                f"{error.strerror or error}. Both must be PEM files, and the key must be the certificate's."
            ) from error
        return identity


def client_context(settings: Settings) -> ssl.SSLContext:
    """Return a client's TLS context: it trusts the system's CAs, `tls_ca` and the collector's certificate.

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
                    f"Cannot read a certificate from {file}: {error.strerror or error}"
                ) from error
    return context
