INSERT INTO ledger BY NAME
SELECT
    $sequence::UBIGINT AS arrival,
    make_timestamp_ns($time) AS time,
    $spans AS spans,
    $events AS events,
    $links AS links,
    $correlations AS correlations
