package redact

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// vendorData holds gitleaks' rules (MIT licence, in gitleaks/LICENSE) as
// written by TestVendorRules -update from the version in go.mod; the same test
// fails when the two differ. gitleaks itself is a dependency of that test only.
//
//go:embed gitleaks/rules.json
var vendorData []byte

// vendorRule is one of gitleaks' rules as stored.
type vendorRule struct {
	ID       string   `json:"id"`
	Expr     string   `json:"expr"`
	Group    int      `json:"group,omitzero"`
	Entropy  float64  `json:"entropy,omitzero"`
	Keywords []string `json:"keywords"`
}

// vendorLeftOut are the rules of gitleaks that are not taken, and why. Its
// allow-lists are not taken either: they skip whatever holds one of 1,446 words
// ("admin", "backup", …), any secret that begins with "true" or ends with
// "null", and any line in which somebody wrote "gitleaks:allow".
var vendorLeftOut = map[string]string{
	"generic-api-key":                        "eats digests, lock keys and ids; assign.go knows keys better",
	"curl-auth-header":                       "looks across five lines with nested repeats; contexts.go hides the header",
	"curl-auth-user":                         "as curl-auth-header",
	"private-key":                            "wants an end line; pem.go does not",
	"kubernetes-secret-yaml":                 "wants a file name; takes any data: field",
	"freemius-secret-key":                    "wants a .php file; assign.go takes it",
	"hashicorp-tf-password":                  "wants a .tf file; assign.go takes it",
	"nuget-config-password":                  "wants a nuget.config",
	"slack-webhook-url":                      "hides the host too; shapes.go does not",
	"microsoft-teams-webhook":                "as slack-webhook-url",
	"aws-amazon-bedrock-api-key-short-lived": "finds the beginning only; shapes.go takes it all",
	"pkcs12-file":                            "is about a file's name",
}

// vendorContext is part of every expression of gitleaks that wants the
// vendor's name and a sign such as = before the secret. Such a secret may
// well be a UUID or look like a digest.
const vendorContext = `[ \t\w.-]{0,20}`

// gitleaksRules are gitleaks' rules as rules of ours.
func gitleaksRules() ([]*rule, error) {
	var stored []vendorRule
	if err := json.Unmarshal(vendorData, &stored); err != nil {
		return nil, fmt.Errorf("gitleaks' rules: %w", err)
	}
	rules := make([]*rule, 0, len(stored))
	for _, v := range stored {
		p := pattern{
			name: v.ID, rank: rankVendor, words: v.Keywords,
			expr: v.Expr, group: v.Group, entropy: v.Entropy,
			respect: looks,
			keep:    mask,
		}
		if strings.Contains(v.Expr, vendorContext) {
			p.respect = announced
		}
		rules = append(rules, p.rule())
	}
	return rules, nil
}

// maskExpr matches what stands for a secret that somebody hid already.
var maskExpr = regexp.MustCompile(`^["']?(?:\*+|x+|X+|\.+|•+|…+|#+|-+|_+|\?+)["']?$`)

// mask tells whether s only stands for a secret.
func mask(s string) bool { return maskExpr.MatchString(s) }
