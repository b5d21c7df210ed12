-- Compares the spans with the ledger. A commit that was never acknowledged may be in the ledger twice, in parts.
WITH acknowledged AS (SELECT arrival, sum(spans) AS spans FROM ledger GROUP BY arrival),
stored AS (SELECT arrival, count(*) AS spans FROM spans GROUP BY arrival),
compared AS (
    SELECT coalesce(acknowledged.spans, 0) - coalesce(stored.spans, 0) AS lacking
    FROM acknowledged
    FULL JOIN stored USING (arrival)
)
SELECT
    (SELECT coalesce(max(arrival), 0) FROM acknowledged) AS newest,
    (SELECT count(*) FROM acknowledged) AS commits,
    count(*) FILTER (lacking <> 0) AS different,
    coalesce(sum(lacking) FILTER (lacking > 0), 0)::BIGINT AS lacking,
    coalesce(-sum(lacking) FILTER (lacking < 0), 0)::BIGINT AS surplus
FROM compared
