"""The application: the command line, `laban serve`, and the answers that both give."""
