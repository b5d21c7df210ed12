DELETE FROM digests WHERE last_arrival <= $until
