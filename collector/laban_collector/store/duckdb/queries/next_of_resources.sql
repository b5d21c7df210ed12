-- Hashes that older versions took for ids are left out.
SELECT coalesce(max(resource_id), 0) + 1 FROM resources WHERE resource_id <> hash
