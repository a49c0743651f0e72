-- What sign-ins ask customers for.

-- What a customer left out: field/<name> or purpose/<id>, how often, and until when it is not asked again. visits/<application> counts sign-ins where one asks from the nth on.
CREATE TABLE ask (
  tenant_id BYTEA NOT NULL,
  customer_id BYTEA NOT NULL,
  item TEXT NOT NULL,
  times BIGINT NOT NULL,
  asked_at BIGINT NOT NULL,
  rests_until BIGINT,
  PRIMARY KEY (tenant_id, customer_id, item)
);
