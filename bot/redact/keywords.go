package redact

// matcher finds many words in a text in one pass, in time linear in the text
// and whatever the text is (Aho and Corasick's automaton, unrolled into a
// table). Letters match in either case. The library that gitleaks uses for
// this spends 2 KiB on each state and wants a lower-cased copy of the text;
// the table here has a column only for each letter that occurs in a word.
type matcher struct {
	words []string
	class [256]uint8 // column of a byte; 0 for a byte in no word
	width int32
	next  []int32 // next[state+class] is a state, premultiplied by width
	out   [][]int32
}

// newMatcher builds the automaton for words, which are in lower case.
func newMatcher(words []string) *matcher {
	m := &matcher{words: words, width: 1}
	for _, w := range words {
		for i := range len(w) {
			c := w[i]
			if m.class[c] != 0 {
				continue
			}
			m.class[c] = uint8(m.width)
			if 'a' <= c && c <= 'z' {
				m.class[c-'a'+'A'] = uint8(m.width)
			}
			m.width++
		}
	}
	add := func() int32 {
		m.next = append(m.next, make([]int32, m.width)...)
		m.out = append(m.out, nil)
		return int32(len(m.out)-1) * m.width
	}
	add()
	for id, w := range words {
		at := int32(0)
		for i := range len(w) {
			col := int32(m.class[w[i]])
			if m.next[at+col] == 0 {
				n := add()
				m.next[at+col] = n
			}
			at = m.next[at+col]
		}
		m.out[at/m.width] = append(m.out[at/m.width], int32(id))
	}
	m.link()
	return m
}

// link walks the tree of words in breadth, gives each state the words that end
// in its longest proper suffix, and fills the missing edges from that suffix.
func (m *matcher) link() {
	fail := make([]int32, len(m.out))
	var queue []int32
	for col := int32(1); col < m.width; col++ {
		if n := m.next[col]; n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		back := fail[at/m.width]
		m.out[at/m.width] = append(m.out[at/m.width], m.out[back/m.width]...)
		for col := int32(1); col < m.width; col++ {
			n := m.next[at+col]
			if n == 0 {
				m.next[at+col] = m.next[back+col]
				continue
			}
			fail[n/m.width] = m.next[back+col]
			queue = append(queue, n)
		}
	}
}

// scan calls found for each occurrence of a word: its number and where it ends.
func (m *matcher) scan(text string, found func(word, end int)) {
	at := int32(0)
	for i := range len(text) {
		col := m.class[text[i]]
		if col == 0 {
			at = 0
			continue
		}
		at = m.next[at+int32(col)]
		for _, w := range m.out[at/m.width] {
			found(int(w), i+1)
		}
	}
}
