"""Conditions that alerts tell of: one file each in `conditions/`, from answers to alerts, without a clock."""
