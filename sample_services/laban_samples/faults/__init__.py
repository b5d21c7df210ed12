"""Fault injection: reads faults from text, holds a service's active faults, and applies them to its work."""
