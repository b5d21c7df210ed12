-- When the first and the last of them began.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM hop_scope
