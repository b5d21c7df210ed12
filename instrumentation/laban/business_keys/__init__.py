"""Business keys (`order.id=123`): finding them, propagating them, and whom to accept them from."""
