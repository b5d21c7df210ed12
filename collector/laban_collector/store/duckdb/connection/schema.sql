-- One row a span. Ids are integers: a trace id is two UBIGINT (half the bytes of hex, and faster to join).
-- parent_id 0 means a root. start is UTC. attributes is a JSON object of what has no column of its own.
CREATE TABLE IF NOT EXISTS spans (
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,
    parent_id UBIGINT NOT NULL,
    start TIMESTAMP_NS NOT NULL,
    duration BIGINT NOT NULL,            -- nanoseconds
    kind UTINYINT NOT NULL,              -- OTLP SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer
    status UTINYINT NOT NULL,            -- OTLP StatusCode: 0 unset, 1 ok, 2 error
    status_message VARCHAR,
    name VARCHAR NOT NULL,
    resource_id UBIGINT NOT NULL,
    scope_id UBIGINT NOT NULL,
    trace_state VARCHAR,
    flags UINTEGER NOT NULL,
    http_method VARCHAR,
    http_route VARCHAR,
    http_status BIGINT,
    rpc_system VARCHAR,
    rpc_service VARCHAR,
    rpc_method VARCHAR,
    messaging_system VARCHAR,
    messaging_operation VARCHAR,
    messaging_destination VARCHAR,
    messaging_group VARCHAR,
    messaging_partition BIGINT,
    messaging_offset BIGINT,
    messaging_key VARCHAR,
    messaging_batch_count BIGINT,
    peer_address VARCHAR,
    peer_port BIGINT,
    peer_service VARCHAR,
    db_system VARCHAR,
    db_namespace VARCHAR,
    error_type VARCHAR,
    attributes VARCHAR USING COMPRESSION zstd,
    dropped_attributes UINTEGER NOT NULL,
    dropped_events UINTEGER NOT NULL,
    dropped_links UINTEGER NOT NULL,
    arrival UBIGINT NOT NULL             -- sequence of the commit that brought it
);

CREATE TABLE IF NOT EXISTS resources (
    resource_id UBIGINT PRIMARY KEY,     -- in the order in which they came; a hash in files of schema versions below 4
    hash UBIGINT NOT NULL,               -- of all attributes
    service VARCHAR NOT NULL,            -- service.name, 'unknown_service' when missing
    namespace VARCHAR,
    version VARCHAR,
    instance VARCHAR,
    attributes VARCHAR NOT NULL
);

CREATE TABLE IF NOT EXISTS scopes (
    scope_id UBIGINT PRIMARY KEY,        -- as resource_id
    hash UBIGINT NOT NULL,               -- of name, version and all attributes
    name VARCHAR NOT NULL,
    version VARCHAR,
    attributes VARCHAR NOT NULL
);

CREATE TABLE IF NOT EXISTS span_events (
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,
    time TIMESTAMP_NS NOT NULL,
    name VARCHAR NOT NULL,
    attributes VARCHAR USING COMPRESSION zstd,
    dropped_attributes UINTEGER NOT NULL,
    arrival UBIGINT NOT NULL             -- of the span, as in links and correlations: nothing to store, for it repeats
);

CREATE TABLE IF NOT EXISTS span_links (
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,
    linked_trace_hi UBIGINT NOT NULL,
    linked_trace_lo UBIGINT NOT NULL,
    linked_span_id UBIGINT NOT NULL,
    trace_state VARCHAR,
    flags UINTEGER NOT NULL,
    attributes VARCHAR,
    dropped_attributes UINTEGER NOT NULL,
    arrival UBIGINT NOT NULL
);

-- One row a distinct (key, value, trace) in a commit: what makes "order 123" fast.
CREATE TABLE IF NOT EXISTS correlations (
    key VARCHAR NOT NULL,                -- canonical: order.id
    value VARCHAR NOT NULL,
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    first TIMESTAMP_NS NOT NULL,         -- start of the earliest span with it
    last TIMESTAMP_NS NOT NULL,          -- end of the latest span with it
    arrival UBIGINT NOT NULL
);

-- One row a (group, topic, partition) at one time. committed and messages are NULL where the group has
-- committed nothing; seconds is NULL where it cannot be known.
CREATE TABLE IF NOT EXISTS lag (
    time TIMESTAMP_NS NOT NULL,
    cluster VARCHAR NOT NULL,
    consumer_group VARCHAR NOT NULL,
    topic VARCHAR NOT NULL,
    partition INTEGER NOT NULL,
    committed BIGINT,
    log_end BIGINT NOT NULL,
    log_start BIGINT NOT NULL,
    messages BIGINT,
    seconds DOUBLE,
    status VARCHAR NOT NULL              -- OK, WARN, STALL, STOP, REWIND
);

-- One row an acknowledged commit: a truncated WAL opens silently with fewer rows, and this notices.
CREATE TABLE IF NOT EXISTS ledger (
    arrival UBIGINT NOT NULL,
    time TIMESTAMP_NS NOT NULL,
    spans BIGINT NOT NULL,
    events BIGINT NOT NULL,
    links BIGINT NOT NULL,
    correlations BIGINT NOT NULL
);

-- What is in a stretch of commits, made after them; what is newer is searched without (see digests.py). Ids are
-- random, so that the smallest and largest value of a group of rows, which DuckDB keeps, tell nothing of them.
CREATE TABLE IF NOT EXISTS digests (
    first_arrival UBIGINT NOT NULL,
    last_arrival UBIGINT NOT NULL,
    filter BLOB NOT NULL,                -- a Bloom filter of all that is looked for
    consumers STRUCT(topic VARCHAR, consumer_group VARCHAR, service VARCHAR)[] NOT NULL
);

-- Calls and messages from one place to another that began in one minute, whose latencies are in one bucket: what the
-- graph is added up from. Made after the commits (see edges.py), in parts: rows of one key add up, and may be
-- negative. source and target are node ids of the graph.
CREATE TABLE IF NOT EXISTS edges (
    minute BIGINT NOT NULL,              -- minutes since the epoch
    source VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    protocol VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,           -- parent, link, attribute
    address VARCHAR,                     -- that was called; where no callee reported, others may tell whose it is
    rpc_service VARCHAR,                 -- the same
    consumer VARCHAR,                    -- service and topic, of messages taken up
    receiving BOOLEAN,                   -- taken up to be processed; where that is told, too, it does not count
    bucket SMALLINT,                     -- 32 times the natural logarithm of the latency in ns, down to a whole number
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    timed BIGINT NOT NULL,               -- of how many the latency is known
    elapsed BIGINT                       -- the sum of their latencies, ns
);

-- Links of consumers that are counted to what nobody has sent yet: who does is looked for here (see edges.py).
CREATE TABLE IF NOT EXISTS unmet_links (
    arrival UBIGINT NOT NULL,
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,
    from_hi UBIGINT NOT NULL,
    from_lo UBIGINT NOT NULL,
    from_span UBIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
