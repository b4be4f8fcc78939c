package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/integrations/certs"
)

// certificates is a probe of all that the bot's file names, as it stands in force:
// a reload may name others.
type certificates struct {
	hosts func() []config.Host
	zone  func() *time.Location
}

func (h *house) certificates() certificates {
	return certificates{hosts: func() []config.Host { return h.current.Load().Hosts }, zone: h.zone}
}

// Name implements bot.Probe.
func (certificates) Name() string { return "certificates" }

// Tells implements probing.Teller.
func (c certificates) Tells() (out []string) {
	for _, h := range c.hosts() {
		out = append(out, c.of(h).Tells()...)
	}
	return out
}

// Read implements bot.Probe. Where none is named there is nothing to look at.
func (c certificates) Read(ctx context.Context) []bot.Reading {
	hosts := c.hosts()
	found := make([][]bot.Reading, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() { found[i] = c.of(h).Read(ctx) })
	}
	all.Wait()
	return append([]bot.Reading{}, slices.Concat(found...)...)
}

func (c certificates) of(h config.Host) *certs.Probe {
	o := certs.Options{Host: h.Name, Zone: c.zone}
	for _, x := range h.Certificates {
		if x.Address == "" {
			o.Files = append(o.Files, x.File)
			continue
		}
		e := certs.Endpoint{Address: x.Address, ServerName: x.ServerName, File: x.File, Roots: x.Roots}
		if x.Postgres {
			e.Protocol = certs.Postgres
		}
		o.Endpoints = append(o.Endpoints, e)
	}
	return certs.New(o)
}
