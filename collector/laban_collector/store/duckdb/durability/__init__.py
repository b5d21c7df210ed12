"""Opening a database that a killed collector or a broken disk left behind, and checking its ledger."""
