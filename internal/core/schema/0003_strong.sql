-- Strong sign-in: passkeys, second factors, known devices, recovery that waits, identifiers at rest, and what risk remembers.

-- A WebAuthn credential. The credential id is the authenticator's own word, up to 1,023 bytes; its digest is the key.
-- wide
CREATE TABLE passkey (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  credential_digest BYTEA NOT NULL,
  credential_id BYTEA NOT NULL,
  public_key BYTEA NOT NULL,
  algorithm BIGINT NOT NULL,
  sign_count BIGINT NOT NULL,
  aaguid BYTEA NOT NULL,
  transports TEXT NOT NULL,
  attestation TEXT NOT NULL,
  backup_eligible BOOLEAN NOT NULL,
  backed_up BOOLEAN NOT NULL,
  user_verified BOOLEAN NOT NULL,
  rp_id TEXT NOT NULL,
  name_sealed BYTEA,
  created_place_sealed BYTEA,
  used_place_sealed BYTEA,
  created_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE UNIQUE INDEX passkey_credential ON passkey (tenant_id, credential_digest);

-- A WebAuthn challenge that was handed out: good once, for one ceremony of one flow or session.
CREATE TABLE passkey_challenge (
  tenant_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  ceremony TEXT NOT NULL,
  context BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX passkey_challenge_expiry ON passkey_challenge (expires_at);

-- A TOTP generator (RFC 6238). last_step is the newest time step that was accepted: none is accepted twice.
CREATE TABLE totp (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  secret_sealed BYTEA NOT NULL,
  name_sealed BYTEA,
  last_step BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  confirmed_at BIGINT,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE INDEX totp_unconfirmed ON totp (created_at) WHERE confirmed_at IS NULL;

CREATE TABLE recovery_code (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, digest)
);

-- What a customer decided about offers: passkeys "not now" and "don't ask again", and since when a second factor is owed.
CREATE TABLE enrolment (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  offer TEXT NOT NULL,
  rests_until BIGINT,
  never BOOLEAN NOT NULL,
  owed_since BIGINT,
  PRIMARY KEY (tenant_id, customer_id, offer)
);

-- A browser that the customer has signed in with. token_digest is that of its trust, if it skips the second factor.
-- wide
CREATE TABLE device (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  place_sealed BYTEA,
  trust_digest BYTEA,
  trusted_at BIGINT,
  trusted_until BIGINT,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE INDEX device_seen ON device (seen_at);

-- A recovery that waits because no proof of the same strength was at hand. Its customer can stop it with one click.
-- wide
CREATE TABLE recovery_wait (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  lost TEXT NOT NULL,
  stop_digest BYTEA NOT NULL,
  target BYTEA NOT NULL,
  started_at BIGINT NOT NULL,
  ready_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  stopped_at BIGINT,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE INDEX recovery_wait_expiry ON recovery_wait (expires_at);

-- Identifiers that were somebody's until lately. They block nobody, but nothing old attaches to them.
CREATE TABLE identifier_rest (
  tenant_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  kind TEXT NOT NULL,
  released_at BIGINT NOT NULL,
  rests_until BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX identifier_rest_until ON identifier_rest (rests_until);

-- A link of a notice: "this wasn't me". Good once, for one customer.
CREATE TABLE alarm (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  cause TEXT NOT NULL,
  session_id BYTEA,
  target BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, digest)
);
CREATE INDEX alarm_expiry ON alarm (expires_at);

-- What is usual for a customer, by keyed digests alone: networks, countries, hours of the week.
CREATE TABLE habit (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  kind TEXT NOT NULL,
  value BYTEA NOT NULL,
  times BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, kind, value)
);
CREATE INDEX habit_last ON habit (last_at);

-- What was thought of one attempt, and why. signals holds what the verdict was computed from, so that another policy can be tried on it.
-- wide
CREATE TABLE verdict (
  tenant_id BYTEA NOT NULL,
  bucket BIGINT NOT NULL,
  id BYTEA NOT NULL,
  customer_id BYTEA,
  flow_id BYTEA,
  action TEXT NOT NULL,
  verdict TEXT NOT NULL,
  enforced BOOLEAN NOT NULL,
  score BIGINT NOT NULL,
  signals TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, bucket, id)
);
CREATE INDEX verdict_customer ON verdict (tenant_id, customer_id, created_at) WHERE customer_id IS NOT NULL;
CREATE INDEX verdict_time ON verdict (tenant_id, created_at);
