INSERT OR IGNORE INTO resources BY NAME
SELECT * FROM batch_resources
