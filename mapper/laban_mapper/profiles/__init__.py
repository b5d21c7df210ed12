"""What is usual: the steps of the traces of an entry operation, how often they occur, and how long they take."""
