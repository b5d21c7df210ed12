from pathlib import Path

import pytest

from laban_collector.errors import BadSettings
from laban_collector.receive.tls import Identity, client_context
from laban_collector.settings import load_settings

from ..certificates import make_identity


def test_without_files_there_is_no_tls() -> None:
    assert Identity.from_settings(load_settings()) is None


def test_a_certificate_and_its_key_are_an_identity(tmp_path: Path) -> None:
    made = make_identity(tmp_path)
    assert Identity.from_settings(load_settings(tls_certificate=made.certificate, tls_key=made.key)) == made


def test_one_file_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="one of them is missing"):
        load_settings(tls_key=tmp_path / "key.pem")


def test_a_certificate_with_another_key_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = make_identity(tmp_path), make_identity(tmp_path / "other")
    with pytest.raises(BadSettings, match=r"certificate\.pem.*key\.pem"):
        Identity.from_settings(load_settings(tls_certificate=one.certificate, tls_key=other.key))
    with pytest.raises(BadSettings, match="No such file"):
        Identity.from_settings(load_settings(tls_certificate=tmp_path / "absent", tls_key=other.key))


def test_an_unreadable_ca_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="absent"):
        client_context(load_settings(tls_ca=tmp_path / "absent"))
