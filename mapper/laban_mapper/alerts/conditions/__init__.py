"""One condition a file; `registry.py` lists them."""
