-- Before other spans are looked at.
TRUNCATE hop_scope;
TRUNCATE hop_links;
