# pyright: reportAttributeAccessIssue=false
# pyarrow creates its kernels at import.

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from laban_collector.decode.dialects import hosts
from laban_collector.decode.dialects.hosts import Host


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("orders", Host("orders")),
        ("Orders.Shop.Example.", Host("orders.shop.example")),
        ("orders:8080", Host("orders", 8080)),
        ("orders:99999", Host("orders")),
        ("10.0.0.7", Host("10.0.0.7")),
        ("10.0.0.7:80", Host("10.0.0.7", 80)),
        ("::1", Host("::1")),
        ("FE80::1%eth0", Host("fe80::1%eth0")),
        ("2001:DB8:0:1:2:3:4:5", Host("2001:db8:0:1:2:3:4:5")),
        ("[FE80::1]:443", Host("fe80::1", 443)),
        ("::ffff:10.0.0.7", Host("10.0.0.7")),
        ("https://Orders.Example/a", Host("orders.example", 443)),
        ("mysql://db-1:3307", Host("db-1", 3307)),
        ("/run/Postgres.sock", Host("/run/Postgres.sock")),
        ("Kafka-1:9092,Kafka-2:9092", Host("Kafka-1:9092,Kafka-2:9092")),
        (" ", None),
    ],
)
def test_a_host_is_written_in_one_way(sent: str, found: Host | None) -> None:
    assert hosts.host(sent) == found


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://orders/a?b=c#d", Host("orders", 80)),
        ("https://user:p%40ss@Orders.Example./", Host("orders.example", 443)),
        ("http://[::1]:8080/", Host("::1", 8080)),
        ("grpc://orders", Host("orders")),
        ("jdbc:postgresql://db:5433/shop?user=x", Host("db", 5433)),
        ("jdbc:sqlserver://db;databaseName=shop", Host("db", 1433)),
        ("http://user;a,b@orders;c=d/e", Host("orders", 80)),
        ("mongodb://m1:27017,m2:27017/shop", Host("m1", 27017)),
        ("http://orders\n", None),
        ("/orders/1", None),
        ("http://", None),
        ("http://[::1/orders/1", None),
        ("mailto:a@b", None),
        ("", None),
    ],
)
def test_a_url_has_a_host_and_a_port(url: str, found: Host | None) -> None:
    assert hosts.host_of_url(url) == found
    # Decoding by columns cuts URLs with Arrow's engine for regular expressions first.
    [parts] = pc.extract_regex(pa.array([url]), hosts.ORIGIN).to_pylist()
    assert (None if parts is None else hosts.host_of_url(parts["origin"])) == found


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("Server=tcp:Db.Local,1433;Database=shop;User=sa;Password=x", Host("db.local", 1433)),
        ("Database=shop; Host=db-1", Host("db-1")),
        ("Data Source=db-1:1521;User Id=x", Host("db-1", 1521)),
        ("postgresql://db:5433", Host("db", 5433)),
        ("Server=(localdb)\\v11.0;Integrated Security=true", Host("(localdb)\\v11.0")),
        ("h2:mem:shop", None),
        ("Filename=shop.db", None),
    ],
)
def test_a_connection_string_gives_its_host_only(sent: str, found: Host | None) -> None:
    assert hosts.host_of_connection(sent) == found


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("mobile-app", "mobile-app"),
        ("Mobile-App.Shop.Example.:443", "mobile-app.shop.example"),
        ("web_1", "web_1"),
        ("10.0.0.7", None),
        ("::1", None),
        ("fe80::1%eth0", None),
        ("localhost", None),
        ("api.localhost", None),
        ("unknown", None),
        ("_hidden", None),
        ("10.0.0.7, 10.0.0.8", None),
        ("ip-10-0-0-7.eu-west-1.compute.internal", None),
        ("7.0.0.10.in-addr.arpa", None),
        ("/run/app.sock", None),
        ("", None),
    ],
)
def test_only_a_name_identifies_a_caller(sent: str, name: str | None) -> None:
    assert hosts.caller_name(sent) == name


@pytest.mark.parametrize("sent", ["orders", "10.0.0.7", "a.b-c_d", "Orders", "a.", "::1", "h:1", "a\n", ".a"])
def test_the_patterns_tell_which_values_may_change_or_are_refused(sent: str) -> None:
    if not re.search(hosts.UNUSUAL, sent):
        assert hosts.host_name(sent) == sent
    if re.search(hosts.ONLY_NUMBERS, sent):
        assert hosts.caller_name(sent) is None
