package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/outbound"
)

// remoteKeys keeps the key sets of applications that publish theirs at a
// jwks_uri. A set is fetched again after ten minutes, or after a minute when a
// token names a key that it lacks, so that nobody can make the house fetch at will.
type remoteKeys struct {
	client *outbound.Client
	mu     sync.Mutex
	sets   map[string]keySet
}

type keySet struct {
	keys []jose.JSONWebKey
	at   time.Time
}

const (
	setLife   = 10 * time.Minute
	setPause  = time.Minute
	maxSets   = 4096
	maxSetLen = 64 << 10
)

func (c *remoteKeys) keys(ctx context.Context, uri string, now time.Time) ([]jose.JSONWebKey, error) {
	if s, ok := c.kept(uri); ok && now.Sub(s.at) < setLife {
		return s.keys, nil
	}
	return c.fetch(ctx, uri, now)
}

func (c *remoteKeys) refresh(ctx context.Context, uri string, now time.Time) ([]jose.JSONWebKey, error) {
	if s, ok := c.kept(uri); ok && now.Sub(s.at) < setPause {
		return s.keys, nil
	}
	return c.fetch(ctx, uri, now)
}

func (c *remoteKeys) kept(uri string) (keySet, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.sets[uri]
	return s, ok
}

func (c *remoteKeys) fetch(ctx context.Context, uri string, now time.Time) ([]jose.JSONWebKey, error) {
	answer, err := c.client.Get(ctx, uri)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if answer.Status != http.StatusOK || len(answer.Body) > maxSetLen {
		return nil, errClient
	}
	if err := json.Unmarshal(answer.Body, &set); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sets) >= maxSets {
		clear(c.sets)
	}
	c.sets[uri] = keySet{set.Keys, now}
	return set.Keys, nil
}
