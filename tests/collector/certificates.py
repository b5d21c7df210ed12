"""A certificate for 127.0.0.1, created for each run."""

import subprocess
from pathlib import Path

from laban_collector.receive.tls import Identity


def make_identity(directory: Path) -> Identity:
    """Create a self-signed certificate and its key with the openssl command."""
    identity = Identity(directory / "certificate.pem", directory / "key.pem")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-subj", "/CN=laban", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
            *("-out", str(identity.certificate), "-keyout", str(identity.key)),
        ],
        check=True,
        capture_output=True,
    )
    return identity
