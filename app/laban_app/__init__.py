"""The one place where the parts are wired: the command line, `laban serve`, and the answers behind both."""
