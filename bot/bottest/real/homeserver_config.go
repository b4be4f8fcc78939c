package real

import (
	"strings"
	"text/template"
)

const keyFile = "signing_key.pem"

// dendriteConfig names every database by itself: Dendrite shares one only on
// PostgreSQL. All paths are relative to the folder in which it runs. The
// signing of passwords is as cheap as it may be.
var dendriteConfig = template.Must(template.New("dendrite.yaml").Parse(`version: 2
global:
  server_name: {{.ServerName}}
  private_key: {{.KeyFile}}
  disable_federation: true
  trusted_third_party_id_servers: []
  cache:
    max_size_estimated: 64mb
    max_age: 1h
  jetstream:
    storage_path: jetstream
    topic_prefix: Dendrite
  presence:
    enable_inbound: false
    enable_outbound: false
  report_stats:
    enabled: false
  metrics:
    enabled: false
client_api:
  registration_disabled: true
  guests_disabled: true
  registration_shared_secret: {{.Secret}}
  rate_limiting:
    enabled: {{if .RateLimit.Burst}}true{{else}}false{{end}}
    threshold: {{.RateLimit.Burst}}
    cooloff_ms: {{.RateLimit.Cooloff.Milliseconds}}
federation_api:
  key_perspectives: []
  database:
    connection_string: file:federationapi.db
key_server:
  database:
    connection_string: file:keyserver.db
media_api:
  base_path: media
  max_file_size_bytes: 10485760
  database:
    connection_string: file:mediaapi.db
mscs:
  mscs: []
  database:
    connection_string: file:mscs.db
relay_api:
  database:
    connection_string: file:relayapi.db
room_server:
  database:
    connection_string: file:roomserver.db
sync_api:
  search:
    enabled: false
  database:
    connection_string: file:syncapi.db
user_api:
  bcrypt_cost: 4
  account_database:
    connection_string: file:userapi.db
logging:
  - type: std
    level: info
`))

func (h *Homeserver) config(limit RateLimit) string {
	var text strings.Builder
	err := dendriteConfig.Execute(&text, map[string]any{
		"ServerName": h.ServerName,
		"KeyFile":    keyFile,
		"Secret":     h.secret,
		"RateLimit":  limit,
	})
	if err != nil {
		panic(err) // the template is a constant: only its author can be wrong
	}
	return text.String()
}
