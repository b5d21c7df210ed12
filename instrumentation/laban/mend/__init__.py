"""What stock instrumentations leave out and the choreography needs; one file a library."""
