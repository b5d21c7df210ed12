"""What was acknowledged against what the file holds, and quarantine for damaged files."""
