package account_test

import core "github.com/cardea-id/cardea/internal/core/tenant"

type (
	tenant   = core.Tenant
	settings = core.Settings
)
