"""Opening a database after a crash or a disk error, and checking its ledger."""
