"""What is wrong with how the services talk: one file per rule, each with a code, as in a linter.

`facts.py` says what the rules read and what they find; `registry.py` lists them.
"""
