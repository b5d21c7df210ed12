"""What senders write, in the terms of the current conventions: systems, operations, hosts, topics and groups.

The keys are in `laban.vocabulary`; these are the rules for values. They are plain functions of texts, and
they are applied to each distinct value once.
"""
