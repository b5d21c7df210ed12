-- Which services have these resources.
SELECT resource_id, service FROM resources WHERE list_contains($resources::UBIGINT[], resource_id)
