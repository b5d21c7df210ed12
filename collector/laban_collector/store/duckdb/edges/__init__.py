"""Calls and messages counted by edge and minute as spans arrive."""
