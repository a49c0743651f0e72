package ui

import "time"

// AccountCard says which account is meant, with a way to another one.
type AccountCard struct{ Name, Address, Change, ChangeText string }

// Template implements Component.
func (AccountCard) Template() string { return "ui/account" }

// Avatar is the round picture of somebody without one.
type Avatar struct{ Name, Address string }

// Template implements Component.
func (Avatar) Template() string { return "ui/avatar" }

// ChooserRow is one account of the chooser, a form of its own: it sends
// Field=Value to Action, and action=continue when the account is pressed. State
// says in words whether it is signed in.
type ChooserRow struct {
	Name, Address, State string
	Action               string
	Field, Value         string
	Forget               *Button
}

// Template implements Component.
func (ChooserRow) Template() string { return "ui/chooser" }

// SessionRow is a device on which somebody is signed in.
type SessionRow struct {
	Device, Icon, Detail string
	Last                 time.Time
	This                 bool
	Badge                *Badge
	Action               *Button
}

// Template implements Component.
func (SessionRow) Template() string { return "ui/session" }

// AppRow is an application that was let in.
type AppRow struct {
	Name, Logo, Detail string
	Badge              *Badge
	Action             *Button
}

// Template implements Component.
func (AppRow) Template() string { return "ui/app" }
