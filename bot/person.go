package bot

import "slices"

// Person is one human being, whatever they write from. What they may do hangs
// on the person, never on the platform or on a display name.
type Person struct {
	ID    PersonID
	Roles []Role
	Users []User
}

// User is an account of a person.
type User struct {
	Chat ChatID
	ID   UserID
}

// Role is what a person may do. The configuration may name more; these are the
// ones that built-in commands ask for.
type Role string

const (
	// RoleObserver may look. Every configured person may.
	RoleObserver Role = "observer"
	// RoleOperator may also answer alerts: ack, silence.
	RoleOperator Role = "operator"
	// RoleApprover may decide on dangerous operations.
	RoleApprover Role = "approver"
	// RoleAdmin may do whatever an operator may, and change the bot itself.
	RoleAdmin Role = "admin"
)

// Has tells whether the person holds the role. An admin is an operator too;
// nobody is an approver but by name.
func (p Person) Has(r Role) bool {
	switch r {
	case "", RoleObserver:
		return p.ID != ""
	case RoleOperator:
		return slices.Contains(p.Roles, RoleOperator) || slices.Contains(p.Roles, RoleAdmin)
	}
	return slices.Contains(p.Roles, r)
}
