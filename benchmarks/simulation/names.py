"""Words for the names of simulated services, routes, methods, topics and errors."""

from typing import Final

NOUNS: Final = (
    *("account", "address", "allotment", "appointment", "audit", "availability", "basket", "billing"),
    *("booking", "carrier", "catalog", "claims", "consent", "coupon", "courier", "credit", "customer"),
    *("dispatch", "document", "eligibility", "fare", "fraud", "fulfilment", "geocoding", "identity"),
    *("insurance", "inventory", "invoice", "label", "ledger", "loyalty", "mailing", "manifest", "meter"),
    *("notification", "onboarding", "parcel", "passenger", "payment", "policy", "prescription"),
    *("pricing", "profile", "quote", "rating", "receipt", "refund", "reporting", "reservation", "risk"),
    *("route", "schedule", "seat", "settlement", "shipping", "stock", "tariff", "tax", "tenant"),
    *("ticket", "token", "vehicle", "voucher", "wallet", "warehouse"),
)
SUFFIXES: Final = ("", "", "-service", "-svc", "-api")
VERBS: Final = (
    "create",
    "check",
    "reserve",
    "confirm",
    "find",
    "update",
    "quote",
    "release",
    "score",
    "sync",
)
EVENTS: Final = ("created", "confirmed", "priced", "paid", "updated", "closed", "assigned", "shipped")
GROUP_ENDS: Final = ("", "-group", "-consumer", ".v1", "-workers")
DATABASES: Final = (
    ("postgresql", 5432, ("SELECT", "INSERT", "UPDATE")),
    ("mysql", 3306, ("SELECT", "INSERT", "UPDATE")),
    ("mongodb", 27017, ("find", "insert", "update")),
    ("redis", 6379, ("GET", "SET", "HGETALL")),
    ("elasticsearch", 9200, ("search", "index")),
)
HOSTS: Final = (
    *("api.stripe.example", "hooks.partner.example", "maps.geo.example", "kyc.bureau.example"),
    *("rates.fx.example", "smtp.relay.example", "push.mobile.example"),
)
ORDER_FORMS: Final = ("number", "prefixed", "uuid")
EXCEPTIONS: Final = (
    ("java.lang.IllegalStateException", "no tariff for zone 14"),
    ("java.lang.NullPointerException", 'Cannot invoke "Rate.amount()" because "rate" is null'),
    ("ValueError", "invalid literal for int() with base 10: 'n/a'"),
    ("KeyError", "'currency'"),
    ("com.example.LockException", "could not lock row: timeout of the lock is 0"),
    ("RuntimeError", "feature store returned no vector"),
)
DATABASE_ERRORS: Final = (
    ("OperationalError", "too many connections for role"),
    ("IntegrityError", "duplicate key value violates unique constraint"),
    ("DeadlockDetected", "deadlock detected"),
)
DECODING_ERRORS: Final = (
    ("json.decoder.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
    ("org.apache.kafka.common.errors.SerializationException", "Error deserializing value"),
    ("com.fasterxml.jackson.core.JsonParseException", "Unrecognized token 'garbage'"),
)
