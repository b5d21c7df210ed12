"""Retention, export, backup, and the background threads."""
