"""What went wrong, one rule a file: pure functions from `Facts` to claims."""
