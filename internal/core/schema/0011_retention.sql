-- How long things are kept: runs of the rules, and accounts that nobody uses.

-- A run of a tenant's retention rules, each night or on command. It goes on where it stopped: at a stage, after a customer.
-- wide
CREATE TABLE retention_run (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  night BIGINT,
  stage BIGINT NOT NULL,
  after_id BYTEA NOT NULL,
  counts TEXT NOT NULL,
  actor_kind TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX retention_run_open ON retention_run (tenant_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX retention_run_night ON retention_run (tenant_id, night) WHERE night IS NOT NULL;

-- A customer who was warned that the account closes because nobody uses it: how often, and when that will be.
CREATE TABLE inactivity (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  seen_at BIGINT NOT NULL,
  close_at BIGINT NOT NULL,
  warned BIGINT NOT NULL,
  told_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
);
