-- Where hops are added up; of this connection only.
CREATE TEMP TABLE hop_edges AS FROM edges LIMIT 0
