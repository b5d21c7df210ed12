"""One receiver of alerts a file; `receiver.py` says what each can do."""
