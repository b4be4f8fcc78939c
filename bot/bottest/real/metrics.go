package real

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Metrics is an endpoint for Prometheus to scrape, whose values the test sets.
// Safe for use by several goroutines.
type Metrics struct {
	Addr string // "127.0.0.1:port"; the path is /metrics

	mu     sync.Mutex
	values map[string]float64
}

// StartMetrics starts an endpoint without any series.
func StartMetrics(t testing.TB) *Metrics {
	t.Helper()
	m := &Metrics{values: map[string]float64{}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.Addr = strings.TrimPrefix(server.URL, "http://")
	return m
}

// Set gives a series its value. The series is written as Prometheus does:
// `zfs_arc_size` or `up_to_date{host="vulcan"}`.
func (m *Metrics) Set(series string, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[series] = value
}

// Unset takes a series away; Prometheus then sees it end.
func (m *Metrics) Unset(series string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, series)
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, series := range slices.Sorted(maps.Keys(m.values)) {
		fmt.Fprintf(w, "%s %s\n", series, strconv.FormatFloat(m.values[series], 'g', -1, 64))
	}
}
