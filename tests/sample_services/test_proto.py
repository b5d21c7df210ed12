"""The generated gRPC code."""

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

import laban_samples.proto
from laban_samples.proto import shop_pb2, shop_pb2_grpc

PROTO = Path(laban_samples.proto.__file__).parent
ROOT = PROTO.parents[1]


def test_the_committed_code_matches_the_proto(tmp_path: Path) -> None:
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        "-I",
        ".",
        *outputs,
        "laban_samples/proto/shop.proto",
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    for name in ("shop_pb2.py", "shop_pb2.pyi", "shop_pb2_grpc.py"):
        generated = (tmp_path / "laban_samples" / "proto" / name).read_text()
        assert generated == (PROTO / name).read_text(), name


@pytest.mark.parametrize("service", shop_pb2.DESCRIPTOR.services_by_name)
def test_the_hand_written_types_have_every_method(service: str) -> None:
    types = (PROTO / "shop_pb2_grpc.pyi").read_text()
    stub = types.partition(f"class {service}Stub:")[2].partition("class ")[0]
    servicer = types.partition(f"class {service}Servicer:")[2].partition("\ndef ")[0]
    for method in shop_pb2.DESCRIPTOR.services_by_name[service].methods:
        shape = "UnaryStream" if method.server_streaming else "UnaryUnary"
        types_of_method = f"shop_pb2.{method.input_type.name}, shop_pb2.{method.output_type.name}"
        assert f"{method.name}: grpc.{shape}MultiCallable[{types_of_method}]" in stub
        assert f"def {method.name}(" in servicer


def test_the_stubs_can_be_imported_as_a_package() -> None:
    with grpc.insecure_channel("127.0.0.1:9") as channel:
        assert shop_pb2_grpc.PricingStub(channel).Quote
