DELETE FROM span_links WHERE arrival <= $until
