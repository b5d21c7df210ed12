-- The bounds of `hop_scope`: views take no parameters.
SET VARIABLE hop_bounds = {'first': $first::BIGINT, 'last': $last::BIGINT}
