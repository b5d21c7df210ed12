"""Shared by the benchmarks: realistic traces, senders and servers."""
