DELETE FROM span_events WHERE arrival <= $until
