SELECT hash($value::VARCHAR)
