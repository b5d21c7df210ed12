"""Architecture diagrams of the service map."""
