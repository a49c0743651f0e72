package server

import (
	"fmt"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// topics makes the tenant's topics those of the file, in the file's order. One
// that the file does not name goes only when pruning.
func (a *applier) topics() error {
	if a.doc.Topics == nil {
		return nil
	}
	was, err := consent.StoredTopics(a.tx, a.t)
	if err != nil {
		return err
	}
	for i, d := range *a.doc.Topics {
		if err := a.topic(was, i, d); err != nil {
			return err
		}
	}
	if !a.prune {
		return nil
	}
	for _, old := range was {
		if place(*a.doc.Topics, old.ID) >= 0 {
			continue
		}
		if err := consent.DeleteTopic(a.tx, a.t, old.ID); err != nil {
			return err
		}
		a.changed("topic", old.ID, "deleted")
	}
	return nil
}

func (a *applier) topic(was []consent.Topic, i int, d consent.Topic) error {
	path := fmt.Sprintf("%s.topics[%d]", a.path, i)
	if place(*a.doc.Topics, d.ID) != i {
		return a.source.wrong(path+".id", "Each topic stands in the file once.", nil)
	}
	at, act, members := place(was, d.ID), "created", []string(nil)
	if at >= 0 {
		act, members = "changed", differences(was[at], d)
		if at != i {
			members = append(members, "position")
		}
		if len(members) == 0 {
			return nil
		}
	}
	if err := a.source.blame(path, consent.PutTopic(a.tx, a.t, d, i)); err != nil {
		return err
	}
	a.changed("topic", d.ID, act, members...)
	return nil
}

func place(list []consent.Topic, id string) int {
	return slices.IndexFunc(list, func(d consent.Topic) bool { return d.ID == id })
}

// exportTopics are the tenant's topics as the file has them, nil if there are none.
func exportTopics(tx *db.Tx, t *tenant.Tenant) (*[]consent.Topic, error) {
	list, err := consent.StoredTopics(tx, t)
	if len(list) == 0 {
		return nil, err
	}
	return &list, err
}
