-- The house from its first day. One text for both engines: see data.md's rules in docs/reference/schema.md.
-- Times are microseconds since 1970 in BIGINT, ids are 16 bytes, personal values are sealed BYTEA.

-- Facts of the installation: keyring check value, restore epoch, bootstrap secret.
CREATE TABLE house (
  name TEXT NOT NULL,
  value BYTEA NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (name)
);

-- wide
CREATE TABLE tenant (
  id BYTEA NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  rp_id TEXT NOT NULL,
  built_in BOOLEAN NOT NULL,
  enabled BOOLEAN NOT NULL,
  settings TEXT NOT NULL,
  brand TEXT NOT NULL,
  keys_sealed BYTEA NOT NULL,
  version BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX tenant_slug ON tenant (slug);
CREATE INDEX tenant_changed ON tenant (changed_at);

CREATE TABLE tenant_origin (
  host TEXT NOT NULL,
  tenant_id BYTEA NOT NULL,
  origin TEXT NOT NULL,
  PRIMARY KEY (host)
);

-- wide
CREATE TABLE signing_key (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  kid TEXT NOT NULL,
  alg TEXT NOT NULL,
  state TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  current_at BIGINT,
  previous_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);

-- wide
CREATE TABLE application (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  first_party BOOLEAN NOT NULL,
  enabled BOOLEAN NOT NULL,
  sector TEXT NOT NULL,
  audience TEXT NOT NULL DEFAULT '',
  settings TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX application_audience ON application (tenant_id, audience) WHERE audience <> '';

CREATE TABLE application_secret (
  tenant_id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  PRIMARY KEY (tenant_id, application_id, id)
);

-- wide
CREATE TABLE catalog_field (
  tenant_id BYTEA NOT NULL,
  name TEXT NOT NULL,
  position BIGINT NOT NULL,
  definition TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, name)
);

CREATE TABLE customer (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  state TEXT NOT NULL,
  state_reason TEXT NOT NULL DEFAULT '',
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  last_seen_at BIGINT,
  close_at BIGINT,
  external_digest BYTEA,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX customer_external ON customer (tenant_id, external_digest) WHERE external_digest IS NOT NULL;
CREATE INDEX customer_closing ON customer (close_at) WHERE close_at IS NOT NULL;

-- One data key per customer, wrapped. Destroying this row erases the customer.
CREATE TABLE customer_key (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  wrapping_key TEXT NOT NULL,
  wrapped BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
);
CREATE INDEX customer_key_wrapping ON customer_key (wrapping_key);

-- wide
CREATE TABLE customer_field (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  source TEXT NOT NULL,
  set_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, name)
);

-- Who holds an identifier: found by keyed digest, spread by digest.
CREATE TABLE identifier (
  tenant_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  kind TEXT NOT NULL,
  norm_version BIGINT NOT NULL,
  customer_id BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, digest)
);

-- wide
CREATE TABLE customer_identifier (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  kind TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  is_primary BOOLEAN NOT NULL,
  verified_at BIGINT,
  created_at BIGINT NOT NULL,
  claim BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, digest)
);

-- What an address change left behind: how to undo it.
-- wide
CREATE TABLE identifier_change (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  undo_digest BYTEA NOT NULL,
  before_sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE INDEX identifier_change_expiry ON identifier_change (expires_at);

CREATE TABLE search_token (
  tenant_id BYTEA NOT NULL,
  token BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, token, customer_id)
);
CREATE INDEX search_token_customer ON search_token (tenant_id, customer_id);

-- sub: drawn once per (tenant, sector, customer).
CREATE TABLE subject (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  sector TEXT NOT NULL,
  sub TEXT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, sector)
);
CREATE UNIQUE INDEX subject_sub ON subject (tenant_id, sub);

CREATE TABLE role_assignment (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, role)
);

-- Legal texts, by version and locale.
-- wide
CREATE TABLE document (
  tenant_id BYTEA NOT NULL,
  kind TEXT NOT NULL,
  version BIGINT NOT NULL,
  locale TEXT NOT NULL,
  title TEXT NOT NULL,
  url TEXT NOT NULL,
  digest BYTEA NOT NULL,
  effective_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, kind, version, locale)
);

-- The consent ledger: append-only.
-- wide
CREATE TABLE consent (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  recipient BYTEA NOT NULL,
  item TEXT NOT NULL,
  decision TEXT NOT NULL,
  version BIGINT NOT NULL,
  text_digest BYTEA NOT NULL,
  locale TEXT NOT NULL,
  surface TEXT NOT NULL,
  method TEXT NOT NULL,
  evidence_sealed BYTEA,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, id)
);

-- Where the ledger stands now, derived from it in the same transaction.
CREATE TABLE consent_state (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  recipient BYTEA NOT NULL,
  item TEXT NOT NULL,
  decision TEXT NOT NULL,
  version BIGINT NOT NULL,
  consent_id BYTEA NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, purpose, recipient, item)
);

-- wide
CREATE TABLE password (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  phc TEXT NOT NULL,
  must_change BOOLEAN NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
);

-- A code and a link that prove one address for one purpose in one flow.
-- wide
CREATE TABLE one_time (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  flow_id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  customer_id BYTEA,
  channel TEXT NOT NULL,
  target BYTEA NOT NULL,
  code_digest BYTEA NOT NULL,
  link_digest BYTEA NOT NULL,
  tries BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX one_time_flow ON one_time (tenant_id, flow_id);
CREATE INDEX one_time_customer ON one_time (tenant_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX one_time_expiry ON one_time (expires_at);

-- A journey through the front door. What was typed lies sealed under the flow's own data key.
-- wide
CREATE TABLE flow (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  browser BYTEA NOT NULL,
  kind TEXT NOT NULL,
  application_id BYTEA,
  customer_id BYTEA,
  wrapping_key TEXT NOT NULL,
  wrapped BYTEA NOT NULL,
  request_sealed BYTEA NOT NULL,
  facts_sealed BYTEA NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX flow_expiry ON flow (expires_at);

-- wide
CREATE TABLE session (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  device_id BYTEA,
  organization_id BYTEA,
  remembered BOOLEAN NOT NULL,
  place_sealed BYTEA,
  cnf BYTEA,
  authenticated_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  idle_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT,
  end_reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE UNIQUE INDEX session_digest ON session (tenant_id, customer_id, digest);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE session_proof (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  session_id BYTEA NOT NULL,
  method TEXT NOT NULL,
  proven_at BIGINT NOT NULL,
  credential_id BYTEA,
  PRIMARY KEY (tenant_id, customer_id, session_id, method)
);

-- GCRA meters: the theoretical arrival time per key, and whether the last try passed.
CREATE TABLE throttle (
  tenant_id BYTEA NOT NULL,
  meter BYTEA NOT NULL,
  arrives_at BIGINT NOT NULL,
  passed BOOLEAN NOT NULL,
  PRIMARY KEY (tenant_id, meter)
);
CREATE INDEX throttle_arrives ON throttle (arrives_at);

-- Who got which fields, for which purpose: one row a day for routine releases, one each for people.
-- wide
CREATE TABLE disclosure (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  recipient_kind TEXT NOT NULL,
  recipient BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  fields_digest BYTEA NOT NULL,
  day BIGINT NOT NULL,
  entry BYTEA NOT NULL,
  fields TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  times BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, recipient_kind, recipient, purpose, fields_digest, day, entry)
);

-- What a customer (or an application for itself) allowed an application. "grant" is a word of SQL.
-- wide
CREATE TABLE app_grant (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  organization_id BYTEA,
  session_id BYTEA,
  scope TEXT NOT NULL,
  resource TEXT NOT NULL,
  claims TEXT NOT NULL,
  nonce TEXT NOT NULL,
  acr TEXT NOT NULL,
  amr TEXT NOT NULL,
  authenticated_at BIGINT NOT NULL,
  offline BOOLEAN NOT NULL,
  cnf BYTEA,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  expires_at BIGINT,
  ended_at BIGINT,
  end_reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE INDEX app_grant_expiry ON app_grant (expires_at);
CREATE INDEX app_grant_session ON app_grant (tenant_id, customer_id, session_id) WHERE session_id IS NOT NULL;

-- wide
CREATE TABLE code (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  grant_id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  redirect_uri TEXT NOT NULL,
  challenge TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, digest)
);
CREATE INDEX code_expiry ON code (expires_at);

CREATE TABLE refresh_token (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  grant_id BYTEA NOT NULL,
  nonce BYTEA NOT NULL,
  successor BYTEA,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  rotated_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, digest)
);
CREATE INDEX refresh_token_grant ON refresh_token (tenant_id, customer_id, grant_id);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at);

-- Access tokens ended before their time, by jti; kept until they would have expired.
CREATE TABLE revoked_token (
  tenant_id BYTEA NOT NULL,
  jti BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, jti)
);
CREATE INDEX revoked_token_expiry ON revoked_token (expires_at);

-- Names that may be used once: assertion ids, proof ids.
CREATE TABLE once (
  tenant_id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  digest BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, purpose, digest)
);
CREATE INDEX once_expiry ON once (expires_at);

-- What was sent, without its words.
-- wide
CREATE TABLE message (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  template TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, id)
);

-- The development inbox: sealed, and only `cardea dev` writes it.
-- wide
CREATE TABLE inbox (
  tenant_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- Customers whose data key was destroyed: no name, only the fact and its dates.
CREATE TABLE erasure (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  erased_at BIGINT NOT NULL,
  final_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
);
