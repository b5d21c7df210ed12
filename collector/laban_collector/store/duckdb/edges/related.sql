-- The pairs of pairs.sql with the columns that edges need.
INSERT INTO edge_related BY NAME
SELECT c.*, p.span_id AS upper_id, p.kind AS upper_kind, p.role AS upper_role, p.service AS upper_service,
       p.messaging_destination AS upper_topic, p.messaging_group AS upper_group, p.messaging_system AS upper_system,
       p.messaging_operation AS upper_operation, p.event_type AS upper_event_type, p.version AS upper_version,
       p.call_failed AS upper_failed, p.latency AS upper_latency,
       p.protocol AS upper_protocol, p.peer_address AS upper_address, p.peer_port AS upper_port,
       coalesce(p.db_system, p.peer_service, p.peer_address, p.rpc_service) IS NOT NULL AS upper_named
FROM edge_pairs
JOIN edge_traced c ON c.row = lower_row
JOIN edge_traced p ON p.row = upper_row
