"""What the benchmarks share: realistic traces, senders, servers to send to."""
