-- Known values that resemble one: first by edits, then the newest.
SELECT value
FROM correlations
WHERE starts_with(key, $prefix)
GROUP BY value
ORDER BY damerau_levenshtein(value, $value), max(last) DESC, value
LIMIT $limit
