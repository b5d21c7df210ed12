"""The services of the shop; each is a process of its own: `python -m laban_samples.services.order`."""
