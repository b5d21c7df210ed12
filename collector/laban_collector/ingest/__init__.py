"""From request bodies to the store: group commit, journal, load."""
