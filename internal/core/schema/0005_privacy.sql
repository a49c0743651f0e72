-- The rights of customers over their data.

-- What a customer asked to take away: one archive at a time, sealed under the customer's data key, gone after seven days.
-- wide
CREATE TABLE archive (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  state TEXT NOT NULL,
  sealed BYTEA,
  size BIGINT NOT NULL,
  link_digest BYTEA,
  link_until BIGINT,
  asked_at BIGINT NOT NULL,
  ready_at BIGINT,
  fetched_at BIGINT,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
);
CREATE INDEX archive_expiry ON archive (expires_at);
