"""A quick search for texts that may contain a secret; the exact rules read only these.

The search is for words and shapes: a text without any of them contains no secret.
"""

import re
from collections.abc import Sequence
from typing import Final

_WORDS: Final = (
    *(
        "pass",
        "pwd",
        "pswd",
        "psw",
        "pword",
        "kennwort",
        "wachtwoord",
        "senha",
        "contrase",
        "secret",
        "token",
    ),
    *(
        "cred",
        "cookie",
        "auth",
        "jwt",
        "otp",
        "cvv",
        "cvc",
        "cvn",
        "csc",
        "ssn",
        "csrf",
        "xsrf",
        "sess",
        "bearer",
    ),
    *("mnemonic", "apikey", "identified", "signature", "mysql", "mariadb", "mongo", "sqlcmd", "redis-cli"),
    *(
        "valkey-cli",
        "ldap",
        "login",
        "htpasswd",
        "zip",
        "7z",
        "smbclient",
        "mosquitto",
        "curl",
        "wget",
        "httpie",
    ),
    *("negotiate", "ntlm", "sig=", "awsaccesskeyid"),
)
"""Every name of a secret, and every command with a password, contains one of these."""
_NAMES: Final = (
    r"(?:pins?|pw)(?:[^a-z]|$)|pin[^a-z]{0,3}code|sid[ =]|(?:^|[^a-z])(?:-u|-p|-P|-a|http|https|xh|ab|siege) "
    r"|(?:api|access|private|encryption|decryption|signing|master|account|shared|hmac|subscription|ssh|license|secret)"
    r"[^a-z0-9]{0,3}key|(?:security|verification|access|mfa|fa|recovery|backup|sms|time)[^a-z0-9]{0,3}code"
    r"|card[^a-z0-9]{0,3}verif|social[^a-z0-9]{0,3}sec|previous[^a-z0-9]{0,3}id|security[^a-z0-9]{0,3}answer"
    r"|(?:seed|recovery)[^a-z0-9]{0,3}phrase"
)
_FORMS: Final = (
    r":[^/]+@|://[^ ]+@|thin:|basic[\s%+\\]|-----begin|eyj|akia|asia|gh[pousr]_|github_pat|glpat-|xox|[srp]k_|whsec_"
    r"|aiza|ya29|npm_|pypi-|sg\.|sk-|hvs\.|dop_v1|eaace|shp(?:at|ss|ca|pa)_"
)
_CARD: Final = (
    r"[2-9][0-9]{12}|[0-9]{4}(?:[^0-9a-z\"]{1,3}|%20|\\[a-z]|\\u[0-9a-f]{4})[0-9]{4,6}[^0-9a-z\"]"
    r"|[0-9]{4}(?:%20|\\[a-z]|\\u[0-9a-f]{4})[0-9]{4,6}"
    r"|(?:[0-9]{1,2}(?:[^0-9a-z\"]{1,3}|%20|\\[a-z]|\\u[0-9a-f]{4})){6}"
)
_CONTAINS_NAME: Final = re.compile(_NAMES)


def suspect_pattern(further: Sequence[str]) -> str:
    """A pattern (RE2, ignoring case) of every text and every JSON object with a secret.

    Args:
        further: parts of the names of further secrets.
    """
    return "|".join([*map(re.escape, _WORDS), _NAMES, _FORMS, _CARD, *map(re.escape, further)])


def contains_name(text: str, further: Sequence[str]) -> bool:
    """Whether a text may contain the name of a secret, or a command with one."""
    lower = text.lower()
    return (
        any(word in lower for word in _WORDS)
        or any(word in lower for word in further)
        or _CONTAINS_NAME.search(lower) is not None
    )
