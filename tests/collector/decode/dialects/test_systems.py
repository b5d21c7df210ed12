import pytest

from laban_collector.batch.attributes import Value
from laban_collector.decode.promotion import promote

CLIENT, PRODUCER = 3, 4


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("mssql", "microsoft.sql_server"),
        ("microsoft.sql_server", "microsoft.sql_server"),
        ("sqlserver", "microsoft.sql_server"),
        ("PostgreSQL", "postgresql"),
        ("postgres", "postgresql"),
        ("mongo", "mongodb"),
        ("mariadb", "mariadb"),
        ("cosmosdb", "azure.cosmosdb"),
        ("dynamodb", "aws.dynamodb"),
        ("redshift", "aws.redshift"),
        ("hanadb", "sap.hana"),
        ("oracle", "oracle.db"),
        ("spanner", "gcp.spanner"),
        ("db2", "ibm.db2"),
        ("Redis", "redis"),
        ("OurOwnDB", "OurOwnDB"),
    ],
)
def test_a_database_system_has_one_name(sent: str, written: str) -> None:
    columns, rest = promote({"db.system": sent}, CLIENT)
    assert columns == {"db_system": written}
    assert rest == {"db.system": sent}
    _, rest = promote({"db.system.name": sent}, CLIENT)
    assert rest == ({} if sent == written else {"db.system.name": sent})


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("AmazonSQS", "aws_sqs"),
        ("aws.sqs", "aws_sqs"),
        ("AmazonSNS", "aws.sns"),
        ("google_pubsub", "gcp_pubsub"),
        ("pubsub", "gcp_pubsub"),
        ("az.servicebus", "servicebus"),
        ("Microsoft.EventHub", "eventhubs"),
        ("Kafka", "kafka"),
        ("RabbitMQ", "rabbitmq"),
        ("ActiveMQ", "activemq"),
        ("JMS", "jms"),
        ("OurOwnMQ", "OurOwnMQ"),
    ],
)
def test_a_messaging_system_has_one_name(sent: str, written: str) -> None:
    columns, _ = promote({"messaging.system": sent}, PRODUCER)
    assert columns == {"messaging_system": written, "messaging_operation": "send"}


@pytest.mark.parametrize(
    ("sent", "written"),
    [("apache_dubbo", "dubbo"), ("connect_rpc", "connectrpc"), ("aws-api", "aws-api"), ("gRPC", "grpc")],
)
def test_an_rpc_system_has_one_name(sent: str, written: str) -> None:
    assert promote({"rpc.system": sent}, CLIENT)[0] == {"rpc_system": written}


@pytest.mark.parametrize(
    ("component", "columns"),
    [
        ("java-kafka", {"messaging_system": "kafka"}),
        ("grpc", {"rpc_system": "grpc"}),
        ("net/http", {}),
        ("redis", {}),
    ],
)
def test_an_opentracing_component_tells_the_system_only_if_it_has_one_purpose(
    component: str, columns: dict[str, str]
) -> None:
    assert promote({"component": component}, CLIENT)[0] == columns


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("db.name", "shop"),
        ("db.instance", "shop"),
        ("db.cassandra.keyspace", "shop"),
        ("db.hbase.namespace", "shop"),
        ("db.elasticsearch.cluster.name", "shop"),
        ("db.redis.database_index", 7),
    ],
)
def test_older_names_of_a_database_are_its_namespace(key: str, value: Value) -> None:
    assert promote({key: value}, CLIENT)[0] == {"db_namespace": str(value)}


def test_a_collection_is_no_namespace() -> None:
    assert promote({"db.mongodb.collection": "orders", "db.sql.table": "orders"}, CLIENT)[0] == {}
