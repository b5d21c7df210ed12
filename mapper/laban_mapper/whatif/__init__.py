"""What would happen if: replays recorded traces with changes, and says what becomes of the requests."""
