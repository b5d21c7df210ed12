"""Instruments Faust (faust-streaming)."""
