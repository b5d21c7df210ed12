INSERT INTO unmet_links BY NAME FROM new_unmet_links
