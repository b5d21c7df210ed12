-- In which traces those are who sent what is linked to, and were not found yet.
SELECT DISTINCT from_lo FROM hop_links ANTI JOIN hop_producers USING (from_lo, from_hi, from_span)
