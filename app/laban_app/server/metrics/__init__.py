"""What `/metrics` says beside the collector's own counters: edges, lag, orders and findings."""
