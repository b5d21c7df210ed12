SELECT hash, resource_id FROM resources
