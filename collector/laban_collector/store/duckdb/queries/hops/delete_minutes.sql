DELETE FROM edges WHERE minute IN (SELECT unnest($minutes))
