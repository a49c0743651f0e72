-- The record of disclosures by recipient: whose data did this one see?

CREATE INDEX disclosure_recipient ON disclosure (tenant_id, recipient_kind, recipient, customer_id, day, purpose, fields_digest, entry);
