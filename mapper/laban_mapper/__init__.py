"""laban's mapper: spans become a graph, a story and findings. A pure middle; the edges do the I/O."""
