"""Faster replacements for parts of the OpenTelemetry SDK; each steps aside if the SDK is unknown."""
