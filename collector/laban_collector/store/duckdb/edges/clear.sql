-- Before other spans are looked at.
TRUNCATE hop_others;
TRUNCATE hop_rows;
TRUNCATE hop_traces;
TRUNCATE hop_consumers;
TRUNCATE hop_links;
TRUNCATE hop_producers;
