"""Sends alerts: looks at an interval, remembers who was told what, and tells receivers."""
