-- The first and the last start of what came after a commit.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans WHERE arrival > $known::UBIGINT
