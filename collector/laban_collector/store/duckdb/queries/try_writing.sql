-- Whether the disk takes anything: asked after a commit that failed.
INSERT OR REPLACE INTO meta (key, value) VALUES ('tried_writing', ?)
