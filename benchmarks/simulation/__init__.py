"""Simulated systems of services, made at random from a seed: their traces, their lag, and one fault each.

blueprint → drawing → faults → execution (with wire_spellings) → recording. It shares no code with the rules
that it tests, and knows only what it made and what it broke.
"""
