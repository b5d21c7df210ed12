"""What ran as a file, and what changed: against the file, between two runs, against documents."""
