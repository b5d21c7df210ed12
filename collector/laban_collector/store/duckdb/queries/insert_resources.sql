INSERT INTO resources BY NAME FROM batch_resources
