"""Business keys (`order.id=123`): finding them, propagating them, and whose keys to accept."""
