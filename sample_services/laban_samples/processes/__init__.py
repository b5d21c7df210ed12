"""Child processes: starts them, monitors them, and stops them so that none is left behind."""
