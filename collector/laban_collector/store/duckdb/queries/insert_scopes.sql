INSERT INTO scopes BY NAME FROM batch_scopes
