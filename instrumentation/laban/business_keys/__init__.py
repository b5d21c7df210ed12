"""Business keys: where they are found, how they travel between services, and who may send them."""
