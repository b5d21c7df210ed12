import json
import math

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from laban_collector.batch.attributes import to_json, values

from ..requests import key_values


def test_every_value_type_round_trips_through_json() -> None:
    sent = {
        "text": 'snow ☃, "quoted", nul \0',
        "yes": True,
        "largest": 2**63 - 1,
        "smallest": -(2**63),
        "float": 0.1,
        "whole": 2.0,
        "list": [1, "a", [False, 1.5]],
        "map": {"inner": {"deep": [1]}},
        "nothing": None,
        "empty": [],
    }
    back = json.loads(to_json(values(key_values(sent))))
    assert back == sent
    assert isinstance(back["whole"], float)
    assert isinstance(back["yes"], bool)


def test_values_that_json_cannot_represent_become_strings() -> None:
    sent = {"bytes": b"\x00\xff", "nan": math.nan, "up": math.inf, "down": -math.inf}
    assert json.loads(to_json(values(key_values(sent)))) == {
        "bytes": "AP8=",
        "nan": "NaN",
        "up": "Infinity",
        "down": "-Infinity",
    }


def test_the_order_is_kept_and_the_last_value_of_a_repeated_key_wins() -> None:
    sent = [KeyValue(key=key, value=AnyValue(int_value=number)) for number, key in enumerate("zaz")]
    assert to_json(values(sent)) == '{"z":2,"a":1}'
