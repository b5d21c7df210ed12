-- Hashes that older versions took for ids are left out.
SELECT coalesce(max(scope_id), 0) + 1 FROM scopes WHERE scope_id <> hash
