import pytest

from laban_collector.protect.redaction import REDACTED, Redactor

# Test numbers that the card schemes publish.
VISA, MASTERCARD, AMEX = "4111111111111111", "5555 5555 5555 4444", "3782-822463-10005"


@pytest.mark.parametrize(
    "key",
    [
        *("authorization", "http.request.header.authorization", "proxy-authorization"),
        *("cookie", "http.response.header.set-cookie", "db.password", "passwd", "PASSWORD"),
        *("client_secret", "clientSecret", "auth.token", "accessToken", "refreshtoken"),
        *("api_key", "apiKey", "x-api-key", "apikey", "APIKey"),
    ],
)
def test_values_with_secret_keys_are_redacted(key: str) -> None:
    assert Redactor().redact(key, "hunter2") == REDACTED
    assert Redactor().redact(key, ["hunter2"]) == REDACTED


@pytest.mark.parametrize(
    "key",
    ["order.id", "messaging.kafka.message.key", "gen_ai.usage.input_tokens", "secretary", "http.route"],
)
def test_values_with_other_keys_are_kept(key: str) -> None:
    assert Redactor().redact(key, "hunter2") == "hunter2"


def test_numbers_are_kept_whatever_their_key() -> None:
    assert Redactor().redact("llm.token_count", 12) == 12


@pytest.mark.parametrize("number", [VISA, MASTERCARD, AMEX, "5105105105105100", "6011111111111117"])
def test_card_numbers_in_texts_are_redacted(number: str) -> None:
    assert Redactor().redact("note", f"paid with {number}, thanks") == f"paid with {REDACTED}, thanks"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # Luhn's digit is wrong
        "1795000000000000000",  # a time in ns
        "a4111111111111111",  # part of a longer word
        "94111111111111111",  # a longer number
        "0000000000000000",
        "9999999999999995",  # passes Luhn, but no scheme has it
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_other_numbers_are_kept(text: str) -> None:
    assert Redactor().redact("order.id", text) == text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://h/x?a=1&token=abc&b=2#f", "https://h/x?a=1&token=[redacted]&b=2#f"),
        ("api_key=abc&a=1", "api_key=[redacted]&a=1"),
        ("postgres://me:hunter2@db/shop", "postgres://[redacted]@db/shop"),
        ("sent Bearer abcdefghijklmnopqrstu.v-w", "sent Bearer [redacted]"),
        ("https://h/x?q=a@b:c", "https://h/x?q=a@b:c"),
    ],
)
def test_secrets_inside_texts_are_redacted(sent: str, kept: str) -> None:
    assert Redactor().redact("url.full", sent) == kept


def test_secrets_in_maps_and_lists_are_redacted() -> None:
    sent: dict[str, object] = {"user": "ann", "password": "hunter2", "cards": [VISA]}
    kept = Redactor().redact("body", sent)  # type: ignore[arg-type]
    assert kept == {"user": "ann", "password": REDACTED, "cards": [REDACTED]}


def test_patterns_extend_the_rules_and_define_exceptions() -> None:
    redactor = Redactor(["customer.email", "*.iban"], ["cookie.banner"])
    assert redactor.is_secret("customer.email")
    assert redactor.is_secret("payment.iban")
    assert not redactor.is_secret("cookie.banner")
    assert redactor.is_secret("cookie")
