DELETE FROM unmet_links WHERE arrival <= $until
