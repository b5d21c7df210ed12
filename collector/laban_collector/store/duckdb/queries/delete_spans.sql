DELETE FROM spans WHERE arrival <= $until
