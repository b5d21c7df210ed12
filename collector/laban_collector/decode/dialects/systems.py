"""The names of databases, brokers and RPC systems: one name a system, that of the current conventions.

Sources: the registry of the semantic conventions, 1.0 to 1.44, and the names that libraries use.
"""

from collections.abc import Iterable
from typing import Final


def _names(known: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Return the name to write for each accepted name; the first name of each tuple is written."""
    return {name.lower(): names[0] for names in known for name in names}


_DATABASES: Final = _names(
    (
        ("actian.ingres", "ingres"),
        ("aws.dynamodb", "dynamodb", "amazon.dynamodb"),
        ("aws.redshift", "redshift", "amazon.redshift"),
        ("azure.cosmosdb", "cosmosdb"),
        ("cassandra", "apache_cassandra"),
        ("clickhouse",),
        ("cockroachdb", "cockroach"),
        ("couchbase",),
        ("couchdb",),
        ("elasticsearch", "elastic"),
        ("firebirdsql", "firebird"),
        ("gcp.spanner", "spanner", "cloudspanner"),
        ("h2database", "h2"),
        ("hbase",),
        ("hive",),
        ("hsqldb",),
        ("ibm.db2", "db2"),
        ("ibm.informix", "informix"),
        ("ibm.netezza", "netezza"),
        ("influxdb",),
        ("intersystems.cache", "intersystems_cache", "cache"),
        ("mariadb",),
        ("memcached", "memcache"),
        ("microsoft.sql_server", "mssql", "sqlserver", "sql_server", "sql-server"),
        ("mongodb", "mongo"),
        ("mysql",),
        ("neo4j",),
        ("opensearch",),
        ("oracle.db", "oracle", "oracledb"),
        ("postgresql", "postgres", "pgsql"),
        ("redis",),
        ("sap.hana", "hanadb", "hana"),
        ("sap.maxdb", "maxdb"),
        ("softwareag.adabas", "adabas"),
        ("sqlite", "sqlite3"),
        ("teradata",),
        ("trino",),
    )
)
_BROKERS: Final = _names(
    (
        ("activemq", "active_mq", "apache_activemq"),
        ("aws.sns", "aws_sns", "amazonsns", "sns"),
        ("aws_sqs", "aws.sqs", "amazonsqs", "sqs"),
        ("eventgrid", "az.eventgrid", "microsoft.eventgrid"),
        ("eventhubs", "eventhub", "az.eventhubs", "azure_eventhubs", "microsoft.eventhub"),
        ("gcp_pubsub", "gcp.pubsub", "google_pubsub", "googlepubsub", "google.pubsub", "pubsub"),
        ("jms",),
        ("kafka", "apache_kafka", "apache kafka"),
        ("nats",),
        ("pulsar", "apache_pulsar"),
        ("rabbitmq", "rabbit", "rabbit_mq"),
        ("redis",),
        ("rocketmq", "apache_rocketmq"),
        ("servicebus", "az.servicebus", "azure_servicebus", "azureservicebus", "microsoft.servicebus"),
    )
)
_RPC: Final = _names(
    (
        ("aws-api", "aws_api"),
        ("connectrpc", "connect_rpc"),
        ("dotnet_wcf", "wcf"),
        ("dubbo", "apache_dubbo"),
        ("grpc",),
        ("java_rmi",),
        ("jsonrpc", "json-rpc", "json_rpc"),
        ("onc_rpc",),
    )
)
# OpenTracing's tag names any library, so that only libraries for one purpose tell the system.
_BROKER_COMPONENTS: Final = _names(
    (
        ("activemq",),
        ("jms", "java-jms"),
        ("kafka", "java-kafka", "kafka-clients", "spring-kafka"),
        ("nats",),
        ("pulsar", "java-pulsar"),
        ("rabbitmq", "java-rabbitmq", "spring-rabbitmq"),
        ("rocketmq",),
    )
)
_RPC_COMPONENTS: Final = _names(
    (("grpc", "java-grpc", "grpc-server", "grpc-client"), ("dubbo", "apache-dubbo"))
)


def database(sent: str) -> str:
    """Return the name of a database system; an unknown one as sent."""
    return _DATABASES.get(sent.lower(), sent)


def broker(sent: str) -> str:
    """Return the name of a messaging system; an unknown one as sent."""
    return _BROKERS.get(sent.lower(), sent)


def known_broker(sent: str) -> str | None:
    """Return the name of a messaging system; None for an unknown one."""
    return _BROKERS.get(sent.lower())


def rpc(sent: str) -> str:
    """Return the name of an RPC system; an unknown one as sent."""
    return _RPC.get(sent.lower(), sent)


def broker_of_component(sent: str) -> str | None:
    """Return the messaging system of an OpenTracing component, or None."""
    return _BROKER_COMPONENTS.get(sent.lower())


def rpc_of_component(sent: str) -> str | None:
    """Return the RPC system of an OpenTracing component, or None."""
    return _RPC_COMPONENTS.get(sent.lower())
