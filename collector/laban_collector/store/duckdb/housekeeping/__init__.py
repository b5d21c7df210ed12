"""Retention, export, backup, and the thread that repeats work."""
