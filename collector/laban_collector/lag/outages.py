"""Why a Kafka cluster cannot be read, and what to do about it, in one sentence for the log."""

from typing import Final

from laban_collector.errors import KafkaCredentialsUnusable, KafkaLoginFailed
from laban_collector.kafka_settings import KafkaCluster

_OF_LOGIN: Final = (
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
    "sasl_plain_password_file",
    "sasl_kerberos_name",
    "sasl_kerberos_domain_name",
    "sasl_oauth_token",
    "sasl_oauth_token_file",
    "sasl_oauth_token_url",
)
_LONGEST: Final = 300


def explain(error: Exception, cluster: KafkaCluster, name: str = "") -> str:
    """Return what is wrong with a cluster, where it is set, and what happens next; without any secret.

    The sentence goes on after the name of the cluster.

    Args:
        error: why it could not be read.
        cluster: its settings.
        name: its name in the settings.
    """
    text = _safe(str(error))
    if isinstance(error, KafkaLoginFailed):
        user = f" of user {cluster.sasl_plain_username!r}" if cluster.sasl_plain_username else ""
        options = _listed(_login_options(cluster), name)
        return (
            f"refuses the login{user} by {cluster.sasl_mechanism}: authentication failed ({text}). Check "
            f"{options}. Consumer lag is unknown until then; the next attempt is in a minute."
        )
    if isinstance(error, KafkaCredentialsUnusable):
        return f"is not polled: {text.rstrip('.')}. Consumer lag is unknown until that is mended."
    hint = _hint(text, cluster, name)
    reason = text.rstrip(".")
    return f"does not respond: {reason}. {hint}Consumer lag is unknown until it does. Polling continues."


def _login_options(cluster: KafkaCluster) -> list[str]:
    return [option for option in _OF_LOGIN if getattr(cluster, option) is not None]


def _hint(text: str, cluster: KafkaCluster, name: str) -> str:
    tls = cluster.security_protocol.endswith("SSL")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"Check {_listed(['ssl_cafile', 'ssl_check_hostname', 'ssl_crlfile'], name)}. "
    if "alert" in text.lower():
        return f"Check {_listed(['ssl_certfile', 'ssl_keyfile'], name)}. "
    if tls and ("WRONG_VERSION" in text or "EOF" in text or "record layer" in text.lower()):
        return f"Does it speak TLS? Check {_listed(['security_protocol'], name)}. "
    if any(word in text for word in ("disconnected", "closed", "Invalid", "SASL")):
        return f"Check {_listed(['security_protocol'], name)}: it is {cluster.security_protocol}. "
    return ""


def _listed(options: list[str], name: str) -> str:
    prefix = f"kafka.{name}." if name else "kafka_"
    return ", ".join(f"{prefix}{option}" for option in options)


def _safe(text: str) -> str:
    """Return the words of a broker or a library in one short line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
