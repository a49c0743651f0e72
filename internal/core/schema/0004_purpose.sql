-- Purposes as data, and what the consent ledger needs for them.

-- A purpose in one version. The highest version of an id is the one in force, unless it was retired.
-- asks says whether consent given to an earlier version has to be given again.
-- wide
CREATE TABLE purpose (
  tenant_id BYTEA NOT NULL,
  id TEXT NOT NULL,
  version BIGINT NOT NULL,
  definition TEXT NOT NULL,
  asks BOOLEAN NOT NULL,
  published_at BIGINT NOT NULL,
  retired_at BIGINT,
  PRIMARY KEY (tenant_id, id, version)
);

-- Who decided, where it was not the customer, and until when consent holds.
ALTER TABLE consent ADD COLUMN actor_kind TEXT NOT NULL DEFAULT 'customer';
ALTER TABLE consent ADD COLUMN actor_id BYTEA;
ALTER TABLE consent ADD COLUMN expires_at BIGINT;

ALTER TABLE consent_state ADD COLUMN expires_at BIGINT;
CREATE INDEX consent_state_expiry ON consent_state (expires_at) WHERE expires_at IS NOT NULL;
