package config

import (
	"reflect"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// KeyPaths are the paths of all keys ("webhooks[].hmac.header"), those of
// mappings and lists included.
func KeyPaths() []string { return keyPaths(reflect.TypeFor[fileKeys](), "") }

// AgentKeyPaths are those of the agent's file.
func AgentKeyPaths() []string { return keyPaths(reflect.TypeFor[agentKeys](), "") }

func keyPaths(t reflect.Type, path string) (out []string) {
	for i := 1; i < t.NumField(); i++ {
		f := t.Field(i)
		here, ft := join(path, f.Tag.Get("yaml")), f.Type
		out = append(out, here)
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if items, ok := ft.FieldByName("items"); ok {
			ft, here = items.Type.Elem(), here+"[]"
		}
		if !strings.HasPrefix(ft.Name(), "given") {
			out = append(out, keyPaths(ft, here)...)
		}
	}
	return out
}

// Paths are the paths of the keys that a file uses.
func Paths(data []byte) map[string]bool {
	out := map[string]bool{}
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		for _, e := range n.entries {
			out[join(path, e.key)] = true
			walk(e.value, join(path, e.key))
		}
		for _, item := range n.items {
			walk(item, path+"[]")
		}
	}
	j := newJudge("", "", nil)
	walk(j.parse(data), "")
	return out
}

// CommonValue is a solver's commonValue with a budget that no test exhausts.
func CommonValue(ms ...*labels.Matcher) (string, bool) {
	return newSolver(1 << 30).commonValue(ms)
}

// Distance is distance.
func Distance(a, b string) int { return distance(a, b) }

// SecretFile is the secret in the file, as a configuration would name it
// outside $CREDENTIALS_DIRECTORY.
func SecretFile(path string) Secret {
	return Secret{field: "secret", path: path, absolute: strings.HasPrefix(path, "/")}
}
