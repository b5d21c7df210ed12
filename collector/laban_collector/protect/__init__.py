"""What must not be stored as it came: secrets are redacted, and what is too large is cut."""
