// Package grafana looks at a Grafana as those who open its dashboards would: whether it
// answers, whether the dashboards are there that people expect, and whether its data
// sources work. It only reads.
//
// New makes the probe of one server, from the bot, which has the network (api.go asks,
// probe.go judges). What is asked is documented at
// https://grafana.com/docs/grafana/latest/developers/http_api/ : /api/health (other), which
// everybody may, /api/search (folder_dashboard_search), and /api/datasources with
// /api/datasources/uid/UID/health (data_source), which want a service account's token with the
// permissions datasources:read and datasources:query. The package is a leaf.
package grafana
