"""Keeps the running totals of edges for metrics, which never go back (decision 0025)."""
