-- Those of minutes of which no span is left.
DELETE FROM edges
WHERE minute < (SELECT epoch_ns(min(start)) // 60_000_000_000 FROM spans WHERE arrival > $until)
