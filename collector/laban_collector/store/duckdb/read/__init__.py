"""Runs queries, and turns their rows into values."""
