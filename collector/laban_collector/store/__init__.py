"""Stores of spans: the interface in `base.py`, and one folder per database."""
