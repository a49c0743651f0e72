-- Runs of retention that fail beside those that do not, and webhooks that are signed by a key pair.

-- Why somebody ran the rules by hand rests sealed by the tenant and goes with the run. failure is a code: what the run stumbles over.
ALTER TABLE retention_run DROP COLUMN reason;
ALTER TABLE retention_run ADD COLUMN reason_sealed BYTEA;
ALTER TABLE retention_run ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE retention_run ADD COLUMN failure TEXT NOT NULL DEFAULT '';
ALTER TABLE retention_run ADD COLUMN failed_at BIGINT;

-- What a secret of a webhook signs by, in the words of Standard Webhooks: v1 is HMAC-SHA-256, v1a is Ed25519.
ALTER TABLE webhook_secret ADD COLUMN scheme TEXT NOT NULL DEFAULT 'v1';
