package redact

// rank orders names where findings overlap: the lowest names the marker.
type rank int8

const (
	rankKnown rank = iota
	rankConfigured
	rankBlock   // whole private keys
	rankShape   // our own shapes
	rankVendor  // gitleaks' rules
	rankContext // what stands after a telling key
)

// hit is an occurrence of a keyword: text[lo:hi].
type hit struct{ lo, hi int }

// rule looks for one kind of secret.
type rule struct {
	name  string
	rank  rank
	words []string    // lower-case keywords; without one of them the rule does not look
	find  func(*call) // emits what it finds
}

// call is one rule's look at a text.
type call struct {
	text   string
	hits   []hit // of the rule's keywords, in order of their ends
	exempt *exemptions
	// passages are what is exempt in the text, as far as it was asked for (exempt.go).
	passages map[int]*passage
	rule     *rule
	spans    []span
	work     int // bytes that findAssigned looked at; only tests read it
}

func (c *call) run(rl *rule, hits []hit) {
	c.rule, c.hits = rl, hits
	rl.find(c)
}

// emit reports text[lo:hi] under the rule's own name.
func (c *call) emit(lo, hi int) { c.emitAs(lo, hi, c.rule.name) }

func (c *call) emitAs(lo, hi int, name string) {
	if 0 <= lo && lo < hi {
		c.spans = append(c.spans, span{lo, hi, c.rule.rank, name})
	}
}
