"""Architecture diagrams, generated from what ran."""
