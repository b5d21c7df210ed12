"""The documents that a check compares with what ran: one file a kind."""
