"""Files that other people's tools wrote, into the store: reading → parsing → formats → importer."""
