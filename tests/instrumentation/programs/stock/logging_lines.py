"""Log lines of a program that does not configure logging, and then does; it ends with an exception."""

import logging

logger = logging.getLogger("shop")
logger.warning("before any configuration")
logging.warning("root: %s", logging.getLogger().handlers)  # noqa: LOG015 - it configures logging
logging.basicConfig(force=True, format="%(name)s %(levelname)s %(message)s", level=logging.INFO)
logger.info("configured: %s", logging.getLogger().handlers)
raise SystemExit("the order cannot be shipped")
