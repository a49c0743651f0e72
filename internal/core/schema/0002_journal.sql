-- The journal: what happened, its digest chains with signed checkpoints, the readers, leases and jobs.
-- Append tables lead with a small hash bucket (0..15). base/journal alone writes them.

-- What happened, appended in the transaction of the change. Only payload and salt may ever be taken
-- away again (pruned_at says when), every other column stays as it was written.
-- wide
CREATE TABLE event (
  bucket BIGINT NOT NULL,
  tenant_id BYTEA NOT NULL,
  event_id BYTEA NOT NULL,
  at BIGINT NOT NULL,
  name TEXT NOT NULL,
  class TEXT NOT NULL,
  subject_id BYTEA NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  request TEXT NOT NULL,
  header_digest BYTEA NOT NULL,
  payload_digest BYTEA NOT NULL,
  salt BYTEA,
  payload BYTEA,
  pruned_at BIGINT,
  PRIMARY KEY (bucket, tenant_id, event_id)
);
CREATE INDEX event_subject ON event (tenant_id, subject_id, event_id);
CREATE INDEX event_kept ON event (bucket, tenant_id, class, at) WHERE pruned_at IS NULL;

-- One mark per event that the clerk has not chained yet, written with the event, taken away with the link.
CREATE TABLE unchained (
  bucket BIGINT NOT NULL,
  event_id BYTEA NOT NULL,
  tenant_id BYTEA NOT NULL,
  PRIMARY KEY (bucket, event_id)
);

-- seq counts within (tenant_id, bucket) and is what the links bind, position counts within the bucket
-- over all tenants and is what readers follow.
CREATE TABLE chain (
  bucket BIGINT NOT NULL,
  tenant_id BYTEA NOT NULL,
  seq BIGINT NOT NULL,
  position BIGINT NOT NULL,
  event_id BYTEA NOT NULL,
  link BYTEA NOT NULL,
  PRIMARY KEY (bucket, tenant_id, seq)
);
CREATE UNIQUE INDEX chain_position ON chain (bucket, position);

-- A signature over the 16 heads of a tenant, previous is the digest of the checkpoint before.
-- wide
CREATE TABLE checkpoint (
  tenant_id BYTEA NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  heads BYTEA NOT NULL,
  previous BYTEA NOT NULL,
  key_id TEXT NOT NULL,
  signature BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, number)
);

-- How far a reader has come in a bucket, and the highest fence that moved it.
CREATE TABLE reader (
  name TEXT NOT NULL,
  bucket BIGINT NOT NULL,
  position BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  retry_at BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  PRIMARY KEY (name, bucket)
);

-- Who works on a bucket of what, until when, fence grows with every new holder.
CREATE TABLE lease (
  name TEXT NOT NULL,
  bucket BIGINT NOT NULL,
  node TEXT NOT NULL,
  fence BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  PRIMARY KEY (name, bucket)
);

-- Nodes that lately wanted a lease of that name, they share its buckets out among themselves.
CREATE TABLE node (
  lease TEXT NOT NULL,
  name TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (lease, name)
);

-- Jobs that wait or run. The kind stands before run_at, so that a long queue of one kind never stands
-- in the way of another.
-- wide
CREATE TABLE job (
  bucket BIGINT NOT NULL,
  kind TEXT NOT NULL,
  run_at BIGINT NOT NULL,
  id BYTEA NOT NULL,
  tenant_id BYTEA NOT NULL,
  idempotency_key TEXT NOT NULL,
  payload BYTEA,
  expires_at BIGINT,
  max_attempts BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  node TEXT NOT NULL,
  fence BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, run_at, id)
);
CREATE UNIQUE INDEX job_idempotency_key ON job (tenant_id, idempotency_key) WHERE idempotency_key <> '';

-- Jobs that were given up, for staff to see and revive.
-- wide
CREATE TABLE dead_job (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  kind TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  payload BYTEA,
  expires_at BIGINT,
  max_attempts BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  died_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX dead_job_died ON dead_job (died_at);

-- Happenings that are counted per minute instead of being kept one by one.
CREATE TABLE tally (
  tenant_id BYTEA NOT NULL,
  name TEXT NOT NULL,
  minute BIGINT NOT NULL,
  reason TEXT NOT NULL,
  application_id BYTEA NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, name, minute, reason, application_id)
);
