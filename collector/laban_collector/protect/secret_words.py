"""The words by which keys tell of secrets, of payment cards and of IDs: in the singular and in lower case."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _endings(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(pairs: str) -> frozenset[tuple[str, str]]:
    """Pairs of neighbouring words; a hyphen stands between two."""
    return frozenset((first, second) for first, _, second in (pair.partition("-") for pair in pairs.split()))


SECRETS_WITH_NUMBERS: Final = _words(
    """
    password passwd passcode passphrase passwort pwd pswd psw pword otp totp hotp cvv cvc cvn ssn
    """
)
"""Words that make a key secret wherever they stand in it; numbers as well: nobody counts a `cvv`."""
SECRET_TEXTS: Final = _words(
    """
    secret token apikey credential cred authorization authorisation cookie jwt csrf xsrf accesskey
    privatekey secretkey authkey sessionid sessid jsessionid phpsessid aspsessionid sessionkey mnemonic
    signingkey accountkey
    """
)
"""Words that make texts secret; numbers with such a word are counts."""
ENDINGS_WITH_NUMBERS: Final = _endings("password passwd passcode passphrase pwd")
"""Ends of words, such as that of `dbpassword`."""
ENDINGS: Final = _endings(
    """
    password passwd passcode passphrase pwd secret token apikey credential cookie sessionid sessid
    accesskey privatekey secretkey authkey sessionkey jwt
    """
)
WHOLE_ENDINGS: Final = _endings("password passwd passphrase passcode secret apikey credential")
"""Ends of letters in mixed case that are no camel case: `userPassWord`."""
PHRASES_WITH_NUMBERS: Final = _phrases(
    """
    pass-word pass-code pass-phrase pass-wd pass-wort security-code verification-code access-code
    mfa-code fa-code recovery-code backup-code sms-code pin-code auth-code time-code card-verification
    """
)
"""Pairs of words that make a key secret, with numbers as well."""
PHRASES_ONLY: Final = _phrases(
    """
    api-key access-key private-key encryption-key signing-key decryption-key master-key account-key
    shared-key hmac-key subscription-key ssh-key session-key license-key auth-key session-id sess-id
    previous-id security-answer seed-phrase recovery-phrase
    """
)
"""Pairs of words that make texts secret."""
WEAK: Final = _words("auth oauth pass pin bearer csc pw")
"""Words that make a key secret only at its end, or before one of CONTENTS."""
WEAK_WITH_NUMBERS: Final = _words("pin csc")
CONTENTS: Final = _words(
    """
    key code header data value string hash info payload raw text blob line plain digest cred param
    number
    """
)
PASSES: Final = _endings(
    """
    db user usr my mysql pg postgres smtp imap root admin ftp ldap ssh redis mongo rabbit rabbitmq amqp
    http proxy login key store mail email wifi sql account client server trust require
    """
)
"""Words before `pass` that together with it are a password: `dbpass`, but not `compass`."""
NO_PASS: Final = _words(
    """
    boarding first second third final render compiler single multi season gate day ski bus test check
    tests checks by mountain train travel
    """
)
"""Words before `pass` that make it something else."""
NO_AUTH: Final = _words("requires require required needs no without skip has is enable disable")
NO_PIN: Final = _words("gpio board chip is map bowling")
NO_TOKEN: Final = _words(
    """
    input output prompt completion total max maximum min used usage num cached cache read creation
    reasoning generated remaining limit count thinking embedding context budget special eos bos pad stop
    unexpected page pagination continuation next cursor cancellation fencing sync resume n per avg
    average mean design
    """
)
"""Words before `token` that make it a unit, a cursor or a symbol."""
HEADS: Final = _words(
    """
    count type limit usage policy length size expiry expiration expire expired ttl age version index
    status state strength url uri endpoint provider method scheme kind enabled disabled required valid
    invalid validated validity algorithm alg manager service server host port name time timestamp date
    at created updated changed attempt retry rate budget reset rotation path file dir mode domain format
    family issuer audience scope present exist error failure result source location region ms second sec
    minute day in field column label title description used remaining total max min num rotated
    configured class consent banner prefix release duration latency bucket reuse input output success
    successful failed ok level store filename exp check
    """
)
"""Last words of keys whose values are about a secret, and not the secret."""
CARDS: Final = _words(
    """
    card pan cc ccn creditcard debitcard cardnumber cardno cardnum visa mastercard amex maestro ccnum
    ccnumber credit debit payment paid pay charge charged paying
    """
)
"""Words near the number of a payment card."""
IDS: Final = _words(
    """
    id uid gid pid tid guid oid xid txid offset seq sequence key timestamp time ts epoch ns nano nanos
    us micro micros ms milli millis nanosecond microsecond millisecond at since until start end lsn
    order orders invoice tracking shipment parcel user customer message event request trace span ticket
    batch job product item sku ean gtin upc isbn barcode imei partition count size byte total hash
    checksum version port cursor duration ref reference index position length lag fingerprint crc serial
    snowflake correlation transaction tx txn session revision block node device sensor phone tenant
    account thread process object row rows record document doc entity delivery tag nonce seed bucket
    shard page watermark generation heap memory address date created updated file path
    """
)
"""Words near a number that make it an ID, a time or an amount."""
FREE: Final = _words(
    """
    note comment text body input data value message description payload content query statement info
    detail remark memo label
    """
)
"""Last words of keys whose values may contain anything."""
STATES: Final = _words(
    """
    expired invalid missing required unknown denied failed revoked malformed ok unsupported empty wrong
    incorrect absent rejected accepted success successful unexpected not too must cannot could should no is
    was has the a an basic digest bearer oauth oauth2 anonymous enabled disabled refreshed verified
    authenticated unauthenticated unauthorized passed skipped pending error string str text varchar bytes int
    integer secretstr object optional used set unset changed reset sent found loading loaded ready timeout in
    for please enter your at contains length
    """
)
"""Words after a secret name that tell of it."""
