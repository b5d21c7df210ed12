"""The services of the shop. Each runs as its own process: `python -m laban_samples.services.order`."""
