"""Protection of stored data: redaction of secrets and limits on attributes."""
