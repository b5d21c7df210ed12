"""Replacements for parts of the OpenTelemetry SDK; each gives way if the SDK looks different."""
