SELECT min(first_arrival) FROM digests
