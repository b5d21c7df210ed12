"""Answers to questions, from a store in this process or from a running collector over HTTP."""
