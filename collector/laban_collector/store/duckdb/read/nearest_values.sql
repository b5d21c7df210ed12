-- Known values that resemble a value: fewest edits first, then newest.
SELECT value
FROM correlations
WHERE starts_with(key, $prefix)
GROUP BY value
ORDER BY damerau_levenshtein(value, $value), max(last) DESC, value
LIMIT $limit
