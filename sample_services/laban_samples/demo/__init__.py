"""`laban demo`: runs a broker, a collector, the shop, the dashboard and a load generator."""
