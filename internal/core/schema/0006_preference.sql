-- Preferences: what customers want to hear about, on which channels, how often and when; and who is never written to again.

-- What a tenant writes about. definition holds its words, channels, frequencies and ground.
-- wide
CREATE TABLE topic (
  tenant_id BYTEA NOT NULL,
  id TEXT NOT NULL,
  position BIGINT NOT NULL,
  definition TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- Where a customer stands on a topic and a channel: on, off or pending. A lite customer has rows too.
-- wide
CREATE TABLE preference (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  topic TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  frequency TEXT NOT NULL,
  since BIGINT NOT NULL,
  surface TEXT NOT NULL,
  method TEXT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, topic, channel)
);
CREATE INDEX preference_pending ON preference (since) WHERE state = 'pending';

-- When a customer is left in peace. Quiet hours are minutes of the day in the zone.
CREATE TABLE contact_rule (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  paused_until BIGINT,
  quiet_from BIGINT NOT NULL,
  quiet_until BIGINT NOT NULL,
  zone TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
);

-- A lite customer: an address that decided something before there was an account. Known by its keyed digest alone.
CREATE TABLE lite_customer (
  tenant_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  kind TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, digest)
);
CREATE UNIQUE INDEX lite_customer_id ON lite_customer (tenant_id, customer_id);

-- Which lite customers became part of an account: under their ids the ledger keeps what they decided before.
CREATE TABLE lite_merge (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  lite_id BYTEA NOT NULL,
  merged_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, lite_id)
);
CREATE UNIQUE INDEX lite_merge_lite ON lite_merge (tenant_id, lite_id);

-- Addresses that are not written to, by keyed digest: '' is every topic, or every channel. Belongs to nobody, so it outlives everybody.
CREATE TABLE suppression (
  tenant_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  topic TEXT NOT NULL,
  channel TEXT NOT NULL,
  reason TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, digest, topic, channel)
);
