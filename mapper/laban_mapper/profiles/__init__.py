"""What is usual: the steps of the traces of an entry operation, and how long they take."""
