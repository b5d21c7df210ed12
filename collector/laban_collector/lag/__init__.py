"""Consumer lag: the poller asks the brokers; the status is derived from the history."""
