-- Webhooks: what applications are told of customers, in which order, and what they acknowledged.

-- The secrets that sign what an application is told, sealed under a key of the tenant. The one without an end is the current one.
CREATE TABLE webhook_secret (
  tenant_id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  PRIMARY KEY (tenant_id, application_id, id)
);

-- How an endpoint fares. Who adds a delivery and who ends one both write this row first, so that neither overlooks the other.
-- wide
CREATE TABLE webhook_endpoint (
  tenant_id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  url TEXT NOT NULL,
  rung BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  failing_since BIGINT,
  hold_until BIGINT,
  disabled_at BIGINT,
  reason TEXT NOT NULL,
  PRIMARY KEY (tenant_id, application_id)
);

-- One event for one application. position orders those of a customer; only the first that waits has a next_at.
-- facts hold names and never values; sub is kept for an erasure alone, since nothing else knows it then.
-- wide
CREATE TABLE webhook_delivery (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  position BIGINT NOT NULL,
  id BYTEA NOT NULL,
  type TEXT NOT NULL,
  facts TEXT NOT NULL,
  sub TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  next_at BIGINT,
  status BIGINT NOT NULL,
  reason TEXT NOT NULL,
  happened_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, application_id, position)
);
CREATE UNIQUE INDEX webhook_delivery_id ON webhook_delivery (tenant_id, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant_id, application_id, next_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_failed ON webhook_delivery (tenant_id, application_id, id) WHERE state = 'failed';
CREATE INDEX webhook_delivery_ended ON webhook_delivery (changed_at) WHERE state <> 'waiting';

-- Who was told of what, and when they acknowledged it. It holds no personal value and outlives the customer.
-- wide
CREATE TABLE webhook_acknowledgement (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  id BYTEA NOT NULL,
  application_id BYTEA NOT NULL,
  application TEXT NOT NULL,
  type TEXT NOT NULL,
  about TEXT NOT NULL,
  state TEXT NOT NULL,
  happened_at BIGINT NOT NULL,
  due_at BIGINT,
  told_at BIGINT,
  acknowledged_at BIGINT,
  overdue_at BIGINT,
  PRIMARY KEY (tenant_id, customer_id, id)
);
CREATE UNIQUE INDEX webhook_acknowledgement_id ON webhook_acknowledgement (tenant_id, id);
CREATE INDEX webhook_acknowledgement_due ON webhook_acknowledgement (due_at) WHERE acknowledged_at IS NULL AND overdue_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX webhook_acknowledgement_open ON webhook_acknowledgement (tenant_id, due_at) WHERE acknowledged_at IS NULL AND due_at IS NOT NULL;
