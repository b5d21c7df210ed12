"""Secrets by their place or form: in URLs, in commands, in SQL and Redis statements, and as known tokens."""

import re
from typing import Final

from laban_collector.protect.secret_keys import Secrecy
from laban_collector.protect.secret_texts import SecrecyOf

_USER: Final = re.compile(
    r"://(?!\d+(?:[/?#]|$))[^\s/?#@:\"'<>]{0,256}+:(?:(?!\d+[/?#])[^\s\"'<>@]{0,512}+@){1,8}(?=[^\s@/])"
)
"""`://user:password@`; an `@` or a `/` in the password belongs to it."""
_USER_OF_PORT: Final = re.compile(r"://[^\s/?#@:\"'<>]{0,256}+:\d{1,64}@")
_NO_SCHEME: Final = re.compile(
    r"(?<![\w.:/@-])(?P<user>[\w.-]+):(?!//)(?P<password>[^\s:/@\"'<>]+(?P<more>(?:@[^\s:/@\"'<>]+)*))@"
    r"(?P<host>(?:tcp|udp|unix)?\(|(?!sha\d)[\w.-]+(?P<port>:\d{2,5}\b|/\w)?)"
)
_ADDRESSES: Final = frozenset({"mailto", "sip", "sips", "acct", "xmpp", "im"})
_NO_USERS: Final = _ADDRESSES | {
    *(
        "from",
        "to",
        "cc",
        "bcc",
        "email",
        "mail",
        "user",
        "author",
        "by",
        "owner",
        "contact",
        "urn",
        "tag",
        "git",
    ),
    *(
        "reply-to",
        "sender",
        "recipient",
        "customer",
        "account",
        "username",
        "login",
        "principal",
        "subject",
        "sub",
    ),
    *("id", "uid", "name", "key", "assignee", "reviewer", "maintainer"),
}
_ORACLE: Final = re.compile(r"(\bthin:[^\s/@:]{1,256}/)[^\s@]{1,512}(?=@)", re.IGNORECASE)
_CURL_USER: Final = re.compile(
    r"((?<!\S)(?:-u|-U|--user|--proxy-user|--auth|-a)[\s=]*[\"']?[^\s:\"'-][^\s:\"']*:)([^\s\"']+)"
)
_CURL: Final = re.compile(r"\b(?:curl|wget|http|https|httpie|xh|ab|siege)\b")
_PASSWORD_FLAG: Final = re.compile(
    r"((?<!\S)-(?:p\s+|P\s+|a\s+|w\s+|p(?=\S)(?!\d{1,5}(?::|\s|$))))([\"']?)(?!-)([^\s\"']+)"
)
_LOGIN: Final = re.compile(
    r"\b(?:mysql(?:dump|admin|import|show)?|mariadb(?:-\w+)?|sshpass|mongo(?:sh|dump|restore|import|export)?|sqlcmd"
    r"|redis-cli|valkey-cli|ldap(?:search|add|modify|whoami)|login|htpasswd|unzip|zip|7z|smbclient|mosquitto_\w+)\b"
)
_USER_FLAG: Final = re.compile(r"(?<!\S)(?:-u|-U|--user(?:name)?|--login)[\s=]")
_IDENTIFIED: Final = re.compile(
    r"(\bIDENTIFIED\s+(?:WITH\s+\S+\s+)?(?:BY|AS)\s+(?:PASSWORD\s+)?)([\"']?)([^\s\"';]+)", re.IGNORECASE
)
_REDIS: Final = re.compile(
    r"((?:^|\n|HELLO\s+\d\s+|AUTH2\s+)[ \t]{0,16}AUTH\s+(?:(?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5)\s+"
    r"|\S+\s+(?=\S+\s*(?:$|\n|SETNAME)))?"
    r"|\b(?:requirepass|masterauth)[\s\"]+|^PASS\s+)([^\s\"]+)"
)
_SCHEME: Final = re.compile(
    r"\b((?i:bearer|basic|negotiate|ntlm|apikey))((?:\s|%20|\+)+)(?!(?:[A-Z]?[a-z_-]{1,15}|[A-Z]{1,8})(?![\w.~+/-]))"
    r"([\w.~+/\-]{6,}=*)"
)
_KNOWN: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|[srp]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{40,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|sk-(?=[\w-]*\d)[\w-]{32,}|hvs\.[\w-]{20,}"
    r")"
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]+-----|$)", re.DOTALL
)
_INSERT: Final = re.compile(
    r"\b(?:INSERT|REPLACE|UPSERT)\b[^()]{0,300}+\(([^()]{0,8000}+)\)[^()]{0,100}?\bVALUES?\s*(?=\()",
    re.IGNORECASE,
)
_SQL_TOKEN: Final = re.compile(r"'(?:[^'\\]|''|\\.)*+'?|\"(?:[^\"\\]|\\.)*+\"?|[(),]|[^'\"(),]+", re.DOTALL)
_SQL_KEPT: Final = re.compile(
    r"\s*(?:\?|\$\d+|:\w+|@\w+|%s|%\(\w+\)s|null|default|true|false|[a-z_][\w.]*)?\s*", re.IGNORECASE
)
_NAME: Final = re.compile(r"[^\w]+")


def redact_urls(text: str, mark: str) -> str:
    """Redact the users and passwords of URLs and of data source names."""
    if "@" not in text or ":" not in text:
        return text
    text = _USER.sub(f"://{mark}@", text)
    text = _USER_OF_PORT.sub(f"://{mark}@", text)
    text = _ORACLE.sub(rf"\g<1>{mark}", text)
    return _NO_SCHEME.sub(
        lambda found: f"{found['user']}:{mark}@{found['host']}" if _is_user(found) else found[0], text
    )


def redact_commands(text: str, secrecy: SecrecyOf, mark: str) -> str:
    """Redact the passwords of commands and statements whose place tells what they are."""
    if _CURL.search(text):
        text = _CURL_USER.sub(rf"\g<1>{mark}", text)
    if " -" in text and (_LOGIN.search(text) or _USER_FLAG.search(text)):
        text = _PASSWORD_FLAG.sub(
            lambda found: found[0] if _is_port_or_path(found[3]) else found[1] + mark, text
        )
    text = _IDENTIFIED.sub(rf"\g<1>\g<2>{mark}", text)
    text = _REDIS.sub(rf"\g<1>{mark}", text)
    return _redact_inserts(text, secrecy, mark)


def redact_tokens(text: str, mark: str) -> str:
    """Redact credentials after an authentication scheme, private keys, and tokens of known form."""
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(mark, text)
    text = _SCHEME.sub(rf"\g<1>\g<2>{mark}", text)
    return _KNOWN.sub(mark, text)


def _is_user(found: re.Match[str]) -> bool:
    """Whether `a:b@c` is a user, a password and a host, and no address such as `mailto:ann@example.com`."""
    user = found["user"].lower()
    if found["more"]:
        return user not in _ADDRESSES
    return user not in _NO_USERS and (found["port"] is not None or found["host"].endswith("("))


def _is_port_or_path(value: str) -> bool:
    return re.fullmatch(r"[\d.:]+(?:/\w+)?|[./~].*", value) is not None


def _redact_inserts(text: str, secrecy: SecrecyOf, mark: str) -> str:
    """Redact the literals of secret columns: `INSERT INTO users (name, password) VALUES ('ann', 'x')`."""
    pieces, end = [], 0
    for found in _INSERT.finditer(text):
        columns = [_NAME.sub("", column) for column in found[1].split(",")]
        secret = {at for at, column in enumerate(columns) if secrecy(column) is not Secrecy.NONE}
        if secret and found.start() >= end:
            pieces.append(text[end : found.end()])
            rows, end = _redact_rows(text, found.end(), secret, mark)
            pieces.append(rows)
    return "".join([*pieces, text[end:]])


def _redact_rows(text: str, start: int, secret: set[int], mark: str) -> tuple[str, int]:
    """Redact these columns of the rows that begin here; return the rows and where they end."""
    pieces: list[str] = []
    depth, column = 0, 0
    for found in _SQL_TOKEN.finditer(text, start):
        part = found[0]
        if depth == 0 and part not in {"(", ","} and part.strip():
            return "".join(pieces), found.start()
        depth += {"(": 1, ")": -1}.get(part, 0)
        column = 0 if depth == 0 else column + (depth == 1 and part == ",")
        is_literal = part not in {"(", ")", ","} and not _SQL_KEPT.fullmatch(part)
        pieces.append(f"'{mark}'" if depth > 0 and column in secret and is_literal else part)
    return "".join(pieces), len(text)
