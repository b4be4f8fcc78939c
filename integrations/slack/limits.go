package slack

// Slack's limits. What is too long is refused (invalid_blocks, msg_too_long,
// msg_blocks_too_long), so all of it is kept here and nothing is cut without a word.
const (
	// maxBlocks is what we fill of the characters that all blocks of a message may
	// hold together, counted as their JSON's bytes. Slack does not document it; it has
	// refused 11,341 characters of rich text, and takes 12,000 of Markdown.
	maxBlocks = 9000

	maxSection     = 2900 // bytes of a section's text, of which Slack takes 3,000 characters
	maxFallback    = 1000 // characters of the text of notifications; Slack advises against more than 4,000
	maxButton      = 75   // characters on a button, or of an option
	maxOption      = 150  // bytes of an option's value
	maxValue       = 2000 // bytes of a button's value
	maxActions     = 25   // elements of an actions block
	maxOptions     = 100  // of a menu
	maxPlaceholder = 150  // characters
	maxContext     = 2000 // characters of an element of a context block
	maxAlt         = 2000 // characters of the words for a picture
	maxUploadAlt   = 1000
	maxTitle       = 2000 // characters of a picture's title
	maxLink        = 3000 // bytes of a link's address

	maxConfirmTitle  = 100 // characters of the parts of a question before a press
	maxConfirmText   = 300
	maxConfirmButton = 30
)

// short is a text of at most most characters; what is cut ends in "…". It is for
// labels of our own alone, never for what must be read whole.
func short(s string, most int) string {
	n := 0
	for i := range s {
		if n == most-1 && len([]rune(s[i:])) > 1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
