-- Evidence that outlives what it is about, and what erasing waits for.

-- The public half of a signing key that left the key set. Its private half is gone. It verifies what it signed while it signed.
-- wide
CREATE TABLE evidence_key (
  tenant_id BYTEA NOT NULL,
  kid TEXT NOT NULL,
  alg TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  used_from BIGINT NOT NULL,
  used_until BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, kid)
);

-- What a certificate needs to know of an erasure and nobody could find out later.
-- wide
CREATE TABLE erasure_fact (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  asked_at BIGINT NOT NULL,
  cause TEXT NOT NULL,
  wrapping_keys TEXT NOT NULL,
  look_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id)
);
CREATE INDEX erasure_fact_look ON erasure_fact (look_at) WHERE look_at IS NOT NULL;

-- Signed statements on an erasure: that it was done, that it is final, that every recipient acknowledged. Never rewritten.
-- wide
CREATE TABLE erasure_certificate (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  statement TEXT NOT NULL,
  signed TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX erasure_certificate_statement ON erasure_certificate (tenant_id, customer_id, statement);

-- That law obliges to keep a customer's data for now. The reasons are sealed under the customer's data key.
-- wide
CREATE TABLE legal_hold (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  reason_sealed BYTEA NOT NULL,
  placed_kind TEXT NOT NULL,
  placed_by BYTEA NOT NULL,
  placed_at BIGINT NOT NULL,
  until BIGINT,
  told_at BIGINT,
  released_at BIGINT,
  released_kind TEXT NOT NULL DEFAULT '',
  released_by BYTEA,
  release_sealed BYTEA,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE INDEX legal_hold_open ON legal_hold (tenant_id, placed_at) WHERE released_at IS NULL;
