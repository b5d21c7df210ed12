INSERT INTO ledger BY NAME
SELECT
    $arrival::UBIGINT AS arrival,
    make_timestamp_ns($time) AS time,
    $spans AS spans,
    $events AS events,
    $links AS links,
    $correlations AS correlations
