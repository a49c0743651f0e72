package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/cardea-id/cardea/internal/base/outbound"
)

// remoteKeys keeps the key sets of applications that publish theirs at a
// jwks_uri. A set is fetched again after ten minutes, or after a minute when a
// token names a key that it lacks or the last try failed, and never twice at a
// time: nobody can make the house fetch at will.
type remoteKeys struct {
	client *outbound.Client
	flight singleflight.Group
	mu     sync.Mutex
	sets   map[string]keySet
}

// keySet is what the tries brought: the keys of the last good one, or why
// there are none.
type keySet struct {
	keys []jose.JSONWebKey
	err  error
	at   time.Time
}

const (
	setLife   = 10 * time.Minute
	setPause  = time.Minute
	maxSets   = 4096
	maxSetLen = 64 << 10
)

func newRemoteKeys(c *outbound.Client) *remoteKeys {
	return &remoteKeys{client: c, sets: map[string]keySet{}}
}

// keys is the set as it was found at most ten minutes ago.
func (c *remoteKeys) keys(ctx context.Context, uri string, now time.Time) ([]jose.JSONWebKey, error) {
	return c.notOlder(ctx, uri, now, setLife)
}

// refresh is the set as it was found at most a minute ago.
func (c *remoteKeys) refresh(ctx context.Context, uri string, now time.Time) ([]jose.JSONWebKey, error) {
	return c.notOlder(ctx, uri, now, setPause)
}

func (c *remoteKeys) notOlder(ctx context.Context, uri string, now time.Time, life time.Duration) ([]jose.JSONWebKey, error) {
	c.mu.Lock()
	s, ok := c.sets[uri]
	c.mu.Unlock()
	if s.err != nil {
		life = setPause
	}
	if ok && now.Sub(s.at) < life {
		return s.keys, s.err
	}
	// The fetch belongs to all who wait for it, not to the first of them.
	ctx = context.WithoutCancel(ctx)
	fetched, _, _ := c.flight.Do(uri, func() (any, error) {
		s := keySet{at: now}
		s.keys, s.err = c.fetch(ctx, uri)
		return c.keep(uri, s), nil
	})
	s = fetched.(keySet)
	return s.keys, s.err
}

// keep remembers what a try brought, and returns what holds from now on.
func (c *remoteKeys) keep(uri string, s keySet) keySet {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.sets[uri]; ok && s.err != nil && old.err == nil {
		s = keySet{keys: old.keys, at: s.at.Add(setPause - setLife)} // good on until the next try in a minute
	}
	if len(c.sets) >= maxSets {
		clear(c.sets)
	}
	c.sets[uri] = s
	return s
}

func (c *remoteKeys) fetch(ctx context.Context, uri string) ([]jose.JSONWebKey, error) {
	answer, err := c.client.Get(ctx, uri)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK || len(answer.Body) > maxSetLen {
		return nil, errClient
	}
	var set jose.JSONWebKeySet
	err = json.Unmarshal(answer.Body, &set)
	return set.Keys, err
}
