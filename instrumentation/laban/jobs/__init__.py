"""Instrumentations of schedulers: each run of a job is the root of a trace."""
