"""A real Apache Kafka with TLS, SASL and access control: a broker with three listeners.

- PLAINTEXT, whose anonymous user may do everything: the tests set up topics, groups and rules through it;
- SASL_SSL with PLAIN, SCRAM and OAUTHBEARER; the tokens are unsecured, as Kafka offers for tests;
- SSL that asks for a client certificate.
"""

import base64
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..collector.certificates import make_identity
from .real_kafka import Runtime, free_ports, running_kafka

USER = "laban"
PASSWORD = "s3cret-of-laban"

MORE = """\
listeners=PLAINTEXT://127.0.0.1:{{port}},SECURE://127.0.0.1:{secure},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{{controller_port}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},SECURE://127.0.0.1:{secure},MUTUAL://127.0.0.1:{mutual}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.mutual.ssl.client.auth=required
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.secure.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.secure.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
unsecuredLoginStringClaim_sub="broker";
"""


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """A running broker.

    Attributes:
        plain: HOST:PORT of the listener without security.
        secure: HOST:PORT of the listener with SASL and TLS.
        mutual: HOST:PORT of the listener with TLS that asks for a client certificate.
        certificate: PEM file of the broker's certificate, which is its own CA.
        client_certificate: PEM file of a certificate that the broker trusts.
        client_key: PEM file of its key.
    """

    plain: str
    secure: str
    mutual: str
    certificate: Path
    client_certificate: Path
    client_key: Path


@contextmanager
def running_secure_kafka(runtime: Runtime, folder: Path) -> Generator[SecureKafka]:
    """Run the broker with its files in `folder`, and stop it at the end."""
    for name in ("broker", "client"):
        (folder / name).mkdir()
    broker, client = make_identity(folder / "broker"), make_identity(folder / "client")
    keystore = folder / "keystore.pem"
    keystore.write_text(broker.key.read_text() + broker.certificate.read_text(), encoding="ascii")
    secure, mutual = free_ports(2)
    more = MORE.format(
        secure=secure,
        mutual=mutual,
        keystore=keystore,
        truststore=client.certificate,
        user=USER,
        password=PASSWORD,
    )
    users = [f"SCRAM-SHA-{size}=[name={USER},password={PASSWORD}]" for size in (256, 512)]
    with running_kafka(runtime, folder, more, users) as plain:
        yield SecureKafka(
            plain=plain,
            secure=f"127.0.0.1:{secure}",
            mutual=f"127.0.0.1:{mutual}",
            certificate=broker.certificate,
            client_certificate=client.certificate,
            client_key=client.key,
        )


def unsecured_token(user: str = USER, seconds: float = 3600) -> str:
    """Return a token without a signature, which only a broker for tests accepts."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": user, "iat": now - 60, "exp": now + seconds})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join(encoded) + "."
