"""Pure functions from stored rows to answers: service map, story, lag. No clock, no HTTP, no database."""
