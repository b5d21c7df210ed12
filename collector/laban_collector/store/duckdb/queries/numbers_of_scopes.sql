SELECT hash, scope_id FROM scopes
