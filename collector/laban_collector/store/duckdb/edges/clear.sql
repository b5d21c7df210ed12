-- Empties the tables for the next selection.
TRUNCATE edge_others;
TRUNCATE edge_rows;
TRUNCATE edge_traces;
TRUNCATE edge_consumers;
TRUNCATE edge_links;
TRUNCATE edge_producers;
