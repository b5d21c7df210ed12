"""Generated attributes: secrets where people leave them, and values that only resemble secrets."""

import random
import string
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from laban_collector.batch.attributes import Value

_NAMES: Final = (
    *("password", "passwords", "PassWord", "PASSWORD", "db_password", "dbPassword", "userpassword", "passwd"),
    *(
        "pwd",
        "passphrase",
        "secret",
        "secrets",
        "client_secret",
        "clientSecret",
        "token",
        "tokens",
        "authToken",
    ),
    *("access_token", "refreshToken", "api_key", "api_keys", "apiKey", "x-api-key", "APIKEY", "private_key"),
    *("credentials", "session_id", "sessionId", "jwt", "pass", "db_pass", "auth", "proxy_auth", "csrf_token"),
    *("secret_access_key", "signing_key", "new_password", "password_confirmation", "PassPhrase", "user.pass"),
)
_NUMBER_NAMES: Final = ("otp", "cvv", "pin", "otp_code", "card.cvv", "cardCvv", "cvc", "security_code")
_SCHEMES: Final = (
    *(("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("6011", 16)),
    *(("65", 16), ("644", 16), ("3528", 16), ("3589", 16), ("300", 14), ("36", 14), ("38", 14), ("62", 16)),
    *(("6759", 16), ("2200", 16), ("5018", 16)),
)
_SEPARATORS: Final = (" ", "-", ".", "_", "\t", "\u00a0", "\u2009", "\n", "  ", "\u2013")


class Hidden(NamedTuple):
    """An attribute with a secret.

    Attributes:
        key: its key.
        value: its value.
        secret: the text that must not be stored.
    """

    key: str
    value: Value
    secret: str


def secret_attributes(seed: int, number: int) -> list[Hidden]:
    """Attributes with secrets, of every kind in turn."""
    chance = random.Random(seed)  # noqa: S311 - a test
    kinds: Sequence[Callable[[random.Random], Hidden]] = (
        *(
            _by_key,
            _in_text,
            _in_text,
            _in_sql,
            _in_url,
            _in_command,
            _in_header,
            _in_text,
            _card,
            _card_as_number,
        ),
        *(_nested, _number, _known_form, _in_list),
    )
    return [kinds[at % len(kinds)](chance) for at in range(number)]


def ordinary_attributes(seed: int, number: int) -> Iterator[tuple[str, Value]]:
    """Attributes without secrets, many of which resemble one."""
    chance = random.Random(seed)  # noqa: S311 - a test
    kinds = (_identifier, _identifier, _plain_text, _word_like, _statement, _address, _count)
    for at in range(number):
        yield kinds[at % len(kinds)](chance)


def card_number(chance: random.Random) -> str:
    """A number of a card scheme, with its check digit."""
    start, length = chance.choice(_SCHEMES)
    digits = start + "".join(chance.choices(string.digits, k=length - len(start) - 1))
    doubled = [int(digit) * 2 if at % 2 == 0 else int(digit) for at, digit in enumerate(reversed(digits))]
    return f"{digits}{-sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10}"


def _secret(chance: random.Random, alphabet: str = string.ascii_letters + string.digits) -> str:
    made = "".join(chance.choices(alphabet, k=chance.randint(8, 24)))
    return chance.choice([made, f"{made}7x", f"a{made}", "correcthorse" + made.lower(), f"Summer-{made}!"])


def _name(chance: random.Random) -> str:
    return chance.choice(_NAMES)


def _by_key(chance: random.Random) -> Hidden:
    secret = _secret(chance)
    key = chance.choice(
        ["{}", "user[{}]", "{}[]", "{}[0]", "http.request.header.{}", "app.{}.value", "body.user.{}"]
    )
    return Hidden(key.format(_name(chance)), secret, secret)


def _in_text(chance: random.Random) -> Hidden:
    secret, name = _secret(chance), _name(chance)
    text = chance.choice(
        [
            *(
                '{{"user": "ann", "{n}": "{s}"}}',
                '{{"a":{{"{n}":["{s}","b"]}}}}',
                'sent {{\\"{n}\\":\\"{s}\\"}}',
            ),
            *(
                "{{'{n}': '{s}', 'x': 1}}",
                "user=ann {n}={s}",
                "host=db {n}='{s} x' dbname=shop",
                "{n}={s}, user=ann",
            ),
            *("login: {n}: {s}", "{n} = {s}", "Server=db;User Id=sa;{n}={s};Database=d", "user[{n}]={s}&a=1"),
            *(
                "user%5B{n}%5D={s}",
                "{n}[]={s}",
                '"{n}"=>"{s}"',
                "<{n}>{s}</{n}>",
                "theme=dark; {n}={s}; lang=en",
            ),
            *('retry after body={{"{n}":"{s}"', "{n}:\n  {s}\nuser: ann", '{n}="{s}"', "f({n}='{s}', n=1)"),
        ]
    )
    return Hidden(chance.choice(["note", "log.message", "body"]), text.format(n=name, s=secret), secret)


def _in_sql(chance: random.Random) -> Hidden:
    secret, column = _secret(chance), chance.choice(["password", "api_key", "token", "user_passwd", "secret"])
    text = chance.choice(
        [
            *("SELECT * FROM users WHERE {c} = '{s}' AND id = 1", "UPDATE u SET \"{c}\"='{s}' WHERE id = 7"),
            *("INSERT INTO users (id, name, {c}) VALUES (1, 'ann', '{s}')", "ALTER ROLE ann PASSWORD '{s}'"),
            *(
                "insert into t({c}, a) values ('{s}', 2), ('b', 3)",
                "SELECT 1 FROM t WHERE {c} IN ('{s}', 'x')",
            ),
            *("SELECT 1 FROM t WHERE u.{c} LIKE '{s}%'", "CREATE USER ann IDENTIFIED BY '{s}'"),
        ]
    )
    return Hidden("db.query.text", text.format(c=column, s=secret), secret)


def _in_url(chance: random.Random) -> Hidden:
    secret, name = _secret(chance), _name(chance)
    text = chance.choice(
        [
            *("postgres://ann:{s}@db/shop", "mysql://ann:p@{s}@db:3306/shop", "redis://:{s}@cache:6379/0"),
            *("https://shop/x?a=1&{n}={s}&b=2", "https://shop/cb#{n}={s}", "amqp://ann:p/{s}@mq/v"),
            *(
                "https://shop/login?next=%2Fa%3F{n}%3D{s}%26b%3D1",
                "GET /reset?{n}={s}",
                "ann:{s}@tcp(db:3306)/shop",
            ),
        ]
    )
    return Hidden("url.full", text.format(n=quote(name, safe=""), s=secret), secret)


def _in_command(chance: random.Random) -> Hidden:
    secret = _secret(chance)
    text = chance.choice(
        [
            *(
                "mysql -u root -p {s}",
                "mysql -h db -p{s} shop",
                "tool --password {s} -v",
                "tool --api-key={s}",
            ),
            *(
                "curl -u ann:{s} https://shop",
                "PGPASSWORD={s} psql -h db",
                "sshpass -p {s} ssh db",
                "tool --token '{s}'",
            ),
            *(
                "curl -H 'Authorization: Bearer {s}' https://shop",
                "docker login -u ann -p {s} hub",
                "redis-cli -a {s}",
            ),
        ]
    )
    return Hidden("process.command_line", text.format(s=secret), secret)


def _in_header(chance: random.Random) -> Hidden:
    secret = _secret(chance, string.ascii_letters + string.digits + "._")
    text = chance.choice(
        [
            *(
                "Authorization: Bearer {s}",
                "Cookie: sid={s}; theme=dark",
                "Set-Cookie: x={s}; Path=/; HttpOnly",
            ),
            *(
                "X-Api-Key: {s}",
                "PHPSESSID={s}; theme=dark",
                "Proxy-Authorization: Basic {s}==",
                "401: Bearer {s}",
            ),
            *(
                "GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Basic {s}\r\nAccept: */*",
                "connect.sid=s%3A{s}",
            ),
        ]
    )
    return Hidden("http.raw", text.format(s=secret), secret)


def _nested(chance: random.Random) -> Hidden:
    secret, name = _secret(chance), _name(chance)
    shapes: list[Value] = [
        {"user": "ann", name: secret},
        {"a": [{"b": {name: [secret]}}]},
        {"name": name, "value": secret},
        [f"--{name}", secret],
        f'{{"outer": "{{\\"{name}\\": \\"{secret}\\"}}"}}',
    ]
    return Hidden("request.data", chance.choice(shapes), secret)


def _in_list(chance: random.Random) -> Hidden:
    secret = _secret(chance)
    return Hidden("process.command_args", ["mysql", "-u", "root", "-p", secret], secret)


def _number(chance: random.Random) -> Hidden:
    number = chance.randint(100_000, 999_999)
    return Hidden(chance.choice(_NUMBER_NAMES), chance.choice([number, str(number)]), str(number))


def _known_form(chance: random.Random) -> Hidden:
    long = "".join(chance.choices(string.ascii_letters + string.digits, k=40))
    form = chance.choice(
        [
            *(
                f"eyJhbGciOiJIUzI1NiJ9.eyJ{long}.{long}",
                f"ghp_{long[:36]}",
                f"xoxb-12345-{long}",
                f"sk_live_{long}",
            ),
            *(
                f"AKIA{long[:16].upper()}",
                f"-----BEGIN RSA PRIVATE KEY-----\n{long}\n-----END RSA PRIVATE KEY-----",
            ),
        ]
    )
    return Hidden("note", f"got {form} back", long[:16].upper() if form.startswith("AKIA") else long[:36])


def _card(chance: random.Random) -> Hidden:
    number = card_number(chance)
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(number), (4, 4, 4, 4))
    parts, at = list[str](), 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    written = chance.choice([number, *(separator.join(parts) for separator in _SEPARATORS)])
    text = chance.choice(
        ["{}", "paid with {}, thanks", "card={}", "pan: {} exp 12/27", "({})", "x\n{}\ny", "2026 {} 123"]
    )
    return Hidden(chance.choice(["note", "payment.card", "log.message"]), text.format(written), written)


def _card_as_number(chance: random.Random) -> Hidden:
    number = card_number(chance)
    values: list[Value] = [int(number), [int(number)], {"n": int(number)}, f'{{"n": {number}}}']
    key = chance.choice(["card.number", "pan", "payment.details", "form.value"])
    return Hidden(key, chance.choice(values), number)


def _identifier(chance: random.Random) -> tuple[str, Value]:
    nanoseconds = 1_700_000_000_000_000_000 + chance.randrange(10**17)
    big = chance.randrange(10**15, 10**18)
    values: list[Value] = [
        *(
            str(uuid.UUID(int=chance.getrandbits(128))),
            f"{chance.getrandbits(256):064x}",
            f"{chance.getrandbits(128):032x}",
        ),
        *(nanoseconds, str(nanoseconds), nanoseconds // 1000, nanoseconds // 10**6, big, str(big), -big),
        *(f"order-{big}", f"ORD-2026-{chance.randrange(10**8):08}", f"{chance.getrandbits(64):016x}"),
    ]
    keys = (
        *(
            "order.id",
            "message.id",
            "messaging.kafka.offset",
            "messaging.kafka.message.key",
            "enduser.id",
            "event.id",
        ),
        *(
            "created_ns",
            "timestamp",
            "partition_key",
            "trace_id",
            "db.lsn",
            "process.start_time",
            "tracking_number",
        ),
    )
    return chance.choice(keys), chance.choice(values)


def _plain_text(chance: random.Random) -> tuple[str, Value]:
    number = chance.randrange(10**6)
    return chance.choice(["note", "log.message", "exception.message", "status.message"]), chance.choice(
        [
            *("Unexpected token '<', \"<!doctype \"... is not valid JSON", "invalid token", "token expired"),
            *("failed to parse token: unexpected end of input", "password must have at least 8 characters"),
            *(
                "Password is incorrect",
                "authentication failed: invalid credentials",
                "session expired, log in again",
            ),
            *(
                f"processed {number} passengers",
                f"token_count={number}",
                f"max_tokens: {number}",
                f"pass=12 fail={number}",
            ),
            *(
                f"secretary={number}",
                f"compass: {number}",
                f"author=ann{number}",
                f"keyboard={number}",
                f"order {number} paid",
            ),
            *(
                "Basic authentication required",
                "Bearer token missing",
                "no auth header",
                "cookie consent given",
            ),
            *(
                f"at {number}ms: retry",
                "mail from:ann@example.com",
                f"image: nginx:1.25@sha256:{number:064x}",
            ),
            *(
                f"2026-11-28 13:57:37.{number:06}",
                f"[{number}, 4001, 4002, 4003, 4004]",
                "mailto:ann@example.com",
            ),
        ]
    )


def _word_like(chance: random.Random) -> tuple[str, Value]:
    keys = (
        *(
            "token_count",
            "author",
            "author_id",
            "passenger",
            "passenger.name",
            "compass",
            "authority",
            "secretary",
        ),
        *(
            "keyboard",
            "gen_ai.usage.input_tokens",
            "max_tokens",
            "auth_type",
            "auth.method",
            "token_type",
            "key",
        ),
        *(
            "cache_key",
            "primary_key",
            "partition.key",
            "routing_key",
            "bypass",
            "password_policy",
            "pass_count",
        ),
        *(
            "cookie_name",
            "session.count",
            "url.authority",
            "oauth_scope",
            "page_token",
            "public_key_id",
            "spin",
        ),
        *(
            "opinion",
            "shipping",
            "tokenizer",
            "authored_at",
            "passive",
            "hotpath",
            "footprint",
            "cvs",
            "monkey",
        ),
    )
    return chance.choice(keys), chance.choice(
        ["alpha", "v2", "yes", "7", f"x-{chance.randrange(10**6)}", "ann@example.com"]
    )


def _statement(chance: random.Random) -> tuple[str, Value]:
    return "db.query.text", chance.choice(
        [
            *("SELECT id, token FROM sessions WHERE id = $1", "UPDATE users SET password = ? WHERE id = ?"),
            *(
                "INSERT INTO users (name, password) VALUES ($1, $2)",
                "SELECT * FROM passengers WHERE seat = '12A'",
            ),
            *(
                "SELECT u.password FROM u JOIN t ON u.token = t.token",
                "SELECT * FROM t WHERE token IS NOT NULL",
            ),
            *(
                "SELECT * FROM orders WHERE id = {}".replace("{}", str(chance.randrange(10**15, 10**16))),
                "DELETE FROM secrets WHERE id = :id",
            ),
            *(
                "SELECT count(*) FROM tokens",
                "SELECT * FROM api_keys WHERE owner = 'ann'",
                "GET session:12",
                "SET a b EX 60",
            ),
            *(
                "INSERT INTO orders (id, author) VALUES (1, 'ann')",
                "SELECT password FROM users WHERE name = 'ann'",
            ),
        ]
    )


def _address(chance: random.Random) -> tuple[str, Value]:
    number = chance.randrange(10**15, 10**16)
    return chance.choice(["url.full", "http.target", "file.path", "server.address"]), chance.choice(
        [
            *(
                f"https://shop/orders/{number}?page=2",
                f"/api/v1/passengers/{number}",
                "https://shop:8080/a?q=b@c:d",
            ),
            *(
                "/var/lib/token-service/cache",
                "C:\\Users\\ann\\secrets\\readme.md",
                "10.1.2.3:5432",
                "v1.23.456-rc1",
            ),
            *(
                "https://auth.example.com/oauth/authorize?response_type=code",
                "ssh://git@github.com/laban/laban",
            ),
            *("https://login.example.com/", "docker run -p 8080:80 nginx", "mkdir -p /a/b", "ssh -p 22 db"),
            *(
                "https://shop/x?page_token=abc&sort=asc",
                "kafka://broker:9092/orders",
                f"s3://bucket/{number}.csv",
            ),
        ]
    )


def _count(chance: random.Random) -> tuple[str, Value]:
    keys = (
        "tokens",
        "llm.token_count",
        "pass_rate",
        "http.response.status_code",
        "retries",
        "secrets.count",
        "auth.attempts",
    )
    return chance.choice(keys), chance.choice([chance.randrange(10**6), chance.random(), True, False])
