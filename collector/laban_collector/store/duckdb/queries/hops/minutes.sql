-- What was counted in some minutes.
INSERT INTO hop_edges BY NAME FROM edges WHERE minute >= $since AND minute < $until
