-- Commits in the ledger; those of which other than the acknowledged number of spans is there; spans that these
-- lack, and have too many. A commit whose answer was lost may stand in the ledger twice, in parts.
WITH acknowledged AS (SELECT arrival, sum(spans) AS spans FROM ledger GROUP BY arrival),
there AS (SELECT arrival, count(*) AS spans FROM spans GROUP BY arrival),
compared AS (
    SELECT coalesce(acknowledged.spans, 0) - coalesce(there.spans, 0) AS lacking
    FROM acknowledged
    FULL JOIN there USING (arrival)
)
SELECT
    (SELECT count(*) FROM acknowledged),
    count(*) FILTER (lacking <> 0),
    coalesce(sum(lacking) FILTER (lacking > 0), 0)::BIGINT,
    coalesce(-sum(lacking) FILTER (lacking < 0), 0)::BIGINT
FROM compared
