INSERT OR REPLACE INTO meta (key, value) VALUES ('edges_counted', $counted::VARCHAR)
