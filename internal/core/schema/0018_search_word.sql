-- Words of the profile that staff search by, readable: only of fields whose tenant said "search: open".
CREATE TABLE search_word (
  tenant_id BYTEA NOT NULL,
  word TEXT NOT NULL,
  customer_id BYTEA NOT NULL,
  field TEXT NOT NULL,
  PRIMARY KEY (tenant_id, word, customer_id, field)
);
CREATE INDEX search_word_customer ON search_word (tenant_id, customer_id);

-- How far the making anew of a tenant's search has come, after fields changed how they are searched.
-- wide
CREATE TABLE search_rebuild (
  tenant_id BYTEA NOT NULL,
  fields TEXT NOT NULL,
  after_id BYTEA NOT NULL,
  done BIGINT NOT NULL,
  total BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  PRIMARY KEY (tenant_id)
);
