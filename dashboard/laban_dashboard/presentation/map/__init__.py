"""The map: what is drawn of it, how healthy it is, where it stands, and what the component gets."""
