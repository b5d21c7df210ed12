-- The sets of business keys that have a value together in a trace. Bare Kafka keys are left out: they may mean something
-- else on another topic.
SELECT DISTINCT keys
FROM (
    SELECT list_sort(list(DISTINCT key)) AS keys
    FROM correlations
    WHERE value = $value AND key <> 'kafka.key'
    GROUP BY trace_hi, trace_lo
)
