-- Requests of customers about their data, each with its legal clock.

-- item is what it is about: a field, a purpose, or "lift". by_itself says that the house opened it and ends it.
-- Words are sealed under the customer's data key; erasing empties them.
-- wide
CREATE TABLE privacy_case (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  kind TEXT NOT NULL,
  item TEXT NOT NULL DEFAULT '',
  channel TEXT NOT NULL,
  by_itself BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  identity TEXT NOT NULL,
  identity_level TEXT NOT NULL DEFAULT '',
  opened_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  paused_at BIGINT,
  extended_at BIGINT,
  warned_at BIGINT,
  overdue_at BIGINT,
  closed_at BIGINT,
  outcome TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE UNIQUE INDEX privacy_case_id ON privacy_case (tenant_id, id);
CREATE INDEX privacy_case_due ON privacy_case (due_at) WHERE state = 'open';
CREATE INDEX privacy_case_list ON privacy_case (tenant_id, state, due_at);

-- What happened in a case, in order. A row that is told stands on the customer's page too.
-- wide
CREATE TABLE case_entry (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  case_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  act TEXT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id BYTEA,
  told BOOLEAN NOT NULL,
  words_sealed BYTEA,
  due_at BIGINT NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, case_id, id)
);
