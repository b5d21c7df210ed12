-- One row per span. Ids are integers: a trace id is two UBIGINT (half the bytes of hex, and faster to join).
-- parent_id 0 means a root. start is UTC. attributes is a JSON object of the attributes without a column of their own.
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
    message_type VARCHAR,
    message_version VARCHAR,
    attributes VARCHAR USING COMPRESSION zstd,
    dropped_attributes UINTEGER NOT NULL,
    dropped_events UINTEGER NOT NULL,
    dropped_links UINTEGER NOT NULL,
    arrival UBIGINT NOT NULL             -- sequence of the commit that contains the span
);

CREATE TABLE IF NOT EXISTS resources (
    resource_id UBIGINT PRIMARY KEY,     -- a sequence number; a hash in files created below schema version 4
    hash UBIGINT NOT NULL,               -- of all attributes
    service VARCHAR NOT NULL,            -- service.name; 'unknown_service' if it is missing
    namespace VARCHAR,
    version VARCHAR,
    instance VARCHAR,
    attributes VARCHAR NOT NULL
);

CREATE TABLE IF NOT EXISTS scopes (
    scope_id UBIGINT PRIMARY KEY,        -- like resource_id
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
    arrival UBIGINT NOT NULL             -- of the span, as in links and correlations; repeated values take no space
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

-- One row per distinct (key, value, trace) in a commit: this table makes "order 123" fast.
CREATE TABLE IF NOT EXISTS correlations (
    key VARCHAR NOT NULL,                -- canonical: order.id
    value VARCHAR NOT NULL,
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    first TIMESTAMP_NS NOT NULL,         -- start of the earliest span with this value
    last TIMESTAMP_NS NOT NULL,          -- end of the latest span with this value
    arrival UBIGINT NOT NULL
);

-- One row per (group, topic, partition) and poll. committed and messages are NULL if the group has not committed an
-- offset; seconds is NULL if it is unknown.
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
    status VARCHAR NOT NULL,             -- OK, WARN, STALL, STOP, REWIND
    lost BIGINT DEFAULT 0,               -- messages that retention deleted before the group read them
    seconds_from VARCHAR,                -- message, interpolated
    members INTEGER                      -- of the group; NULL if unknown
);

-- What a poll could not read: one row per group, topic or partition; NULL where it is not one of them.
CREATE TABLE IF NOT EXISTS lag_problems (
    time TIMESTAMP_NS NOT NULL,
    cluster VARCHAR NOT NULL,
    consumer_group VARCHAR,
    topic VARCHAR,
    partition INTEGER,
    reason VARCHAR NOT NULL
);

-- One row per acknowledged commit. DuckDB opens a truncated write-ahead log without a message; this table reveals the
-- missing rows.
CREATE TABLE IF NOT EXISTS ledger (
    arrival UBIGINT NOT NULL,
    time TIMESTAMP_NS NOT NULL,
    spans BIGINT NOT NULL,
    events BIGINT NOT NULL,
    links BIGINT NOT NULL,
    correlations BIGINT NOT NULL
);

-- The content of a range of commits, computed after the commits (see digests.py). Newer commits are always read. Ids
-- are random, so the minimum and maximum per row group, which DuckDB keeps, do not help.
CREATE TABLE IF NOT EXISTS digests (
    first_arrival UBIGINT NOT NULL,
    last_arrival UBIGINT NOT NULL,
    filter BLOB NOT NULL,                -- a Bloom filter of everything that queries look for
    consumers STRUCT(topic VARCHAR, consumer_group VARCHAR, service VARCHAR)[] NOT NULL,
    last_spans STRUCT(service VARCHAR, namespace VARCHAR, last BIGINT)[] -- see last_spans.sql; NULL: too many services
);

-- Calls and messages from one node to another that began in the same minute and whose latencies are in the same bucket;
-- the graph adds them up. Counted after the commits (see edges/counter.py), in parts: rows with the same key add up,
-- and may be negative. source and target are node ids of the graph.
CREATE TABLE IF NOT EXISTS edges (
    minute BIGINT NOT NULL,              -- minutes since the epoch
    source VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    protocol VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,           -- parent, link, attribute
    address VARCHAR,                     -- called address; if no callee reported, other calls may identify its service
    rpc_service VARCHAR,                 -- likewise
    flow VARCHAR,                        -- of messages: sent or consumed by which service, and the topic
    part VARCHAR,                        -- send, client send, create, receive or process; edges.sql says which count
    is_async BOOLEAN NOT NULL,
    bucket SMALLINT,                     -- floor(32 * ln(latency in ns))
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    timed BIGINT NOT NULL,               -- calls with a known latency
    elapsed BIGINT                       -- the sum of their latencies, ns
);

-- Messages of an edge that began in the same minute and say what they are; counted with `edges`, in parts.
CREATE TABLE IF NOT EXISTS contracts (
    minute BIGINT NOT NULL,
    source VARCHAR NOT NULL,             -- source, target, protocol, flow and part: as in edges
    target VARCHAR NOT NULL,
    protocol VARCHAR NOT NULL,
    flow VARCHAR,
    part VARCHAR,
    event_type VARCHAR,                  -- `other`: of all beyond a limit (see contract_limits.py)
    version VARCHAR,
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL
);

-- Links of counted consumers to producers that have not arrived (see edges/counter.py).
CREATE TABLE IF NOT EXISTS unmet_links (
    arrival UBIGINT NOT NULL,
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,
    from_hi UBIGINT NOT NULL,
    from_lo UBIGINT NOT NULL,
    from_span UBIGINT NOT NULL
);

-- What the traces of an entry operation look like: steps, each with the step above it (see profiles/profiler.py).
CREATE TABLE IF NOT EXISTS profile_steps (
    step UBIGINT NOT NULL,               -- a hash of the path of operations from the entry
    above UBIGINT NOT NULL,              -- 0: the entry itself
    entry UBIGINT NOT NULL,
    service VARCHAR NOT NULL,
    namespace VARCHAR,
    operation VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,               -- visit, call or publish
    consumer_group VARCHAR
);

-- How often a measure of a step had which value, in sampled traces that began in the same slice of time; in parts: rows
-- with the same key add up.
CREATE TABLE IF NOT EXISTS profiles (
    minute BIGINT NOT NULL,              -- start of the slice, minutes since the epoch
    minutes INTEGER NOT NULL,            -- its length
    entry UBIGINT NOT NULL,
    step UBIGINT NOT NULL,
    measure UTINYINT NOT NULL,           -- a Measure of the mapper
    buckets INTEGER[] NOT NULL,          -- of the values, ascending
    counts BIGINT[] NOT NULL             -- of each bucket
);

-- One row per log record with a trace id, if LABAN_LOGS is set (decision 0030). A record that was sent twice has two rows
-- with the same content.
CREATE TABLE IF NOT EXISTS logs (
    trace_hi UBIGINT NOT NULL,
    trace_lo UBIGINT NOT NULL,
    span_id UBIGINT NOT NULL,            -- 0: of the trace, and of no span
    time TIMESTAMP_NS NOT NULL,          -- as sent
    received TIMESTAMP_NS NOT NULL,      -- when it was stored
    severity UTINYINT NOT NULL,          -- OTLP SeverityNumber, 0 to 24
    severity_text VARCHAR,
    service VARCHAR NOT NULL,
    namespace VARCHAR,
    logger VARCHAR,                      -- the name of the instrumentation scope
    event_name VARCHAR,
    body VARCHAR USING COMPRESSION zstd, -- JSON if it was no text
    attributes VARCHAR USING COMPRESSION zstd,
    dropped_attributes UINTEGER NOT NULL,
    content UBIGINT NOT NULL             -- a hash of all that is stored but `received`
);

-- The running totals of calls and messages by edge, which never go back (see totals/counter.py).
CREATE TABLE IF NOT EXISTS edge_totals (
    kind VARCHAR NOT NULL,               -- graph, published, consumed
    client VARCHAR NOT NULL,
    server VARCHAR NOT NULL,
    connection VARCHAR NOT NULL,         -- as Tempo names it
    last BIGINT NOT NULL,                -- when it grew last, seconds since the epoch
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    histograms BLOB NOT NULL             -- MessagePack: of each histogram, the sum in ns and the counts
);

-- Changes of edges that are not in `edge_totals` yet (see totals/unsettled.py); columns as in edges.
CREATE TABLE IF NOT EXISTS unsettled_edges (
    step UBIGINT NOT NULL,               -- the last commit of the counting step; 0: losses not made up for
    source VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    address VARCHAR,
    rpc_service VARCHAR,
    flow VARCHAR,
    part VARCHAR,
    is_async BOOLEAN NOT NULL,
    bound UTINYINT,                      -- index of the first bound that its latencies do not exceed
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    timed BIGINT NOT NULL,
    elapsed BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
